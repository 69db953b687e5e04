/* tui/app/palette.c - The searchable list of everything. Its entries are gathered when it opens,
 * from the same tables that keys, help and completion walk: nothing is listed here by hand. */
#include "tui/app/palette.h"
#include "core/console/listing.h"
#include "core/script/command.h"
#include "core/script/packed.h"
#include "tui/app/keys.h"
#include "tui/draw/prose.h"
#include "tui/screen/glyph.h"
#include "tui/screen/theme.h"
#include "tui/views/view.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- gathering ---- */

static struct palette_entry *add(struct palette *p, const char *kind, const char *name,
                                 const char *help)
{
    if (p->count == p->room) {
        int room = p->room ? 2 * p->room : 256;
        struct palette_entry *more = realloc(p->entry, (size_t)room * sizeof *more);
        if (more) p->entry = more;
        int *found = more ? realloc(p->found, (size_t)room * sizeof *found) : NULL;
        if (!found) return NULL;
        p->found = found, p->room = room;
    }
    struct palette_entry *e = &p->entry[p->count++];
    *e = (struct palette_entry){.kind = kind};
    snprintf(e->name, sizeof e->name, "%s", name);
    snprintf(e->help, sizeof e->help, "%s", help ? help : "");
    return e;
}

static void add_keys(struct palette *p)
{
    const struct key_entry *k;
    for (int i = 0; (k = key_entry_at(i)); i++) {
        if (strcmp(k->action, "view") == 0 || strcmp(k->action, "palette") == 0) continue;
        struct palette_entry *e = add(p, "key", k->action, k->help);
        if (!e) return;
        snprintf(e->key, sizeof e->key, "%s", key_names(k));
        snprintf(e->line, sizeof e->line, "@%s", k->action);
    }
}

static void add_views(struct palette *p)
{
    const struct view *v;
    for (int i = 0; (v = view_at(i)); i++) {
        struct palette_entry *e = add(p, "view", v->name, v->question);
        if (!e) return;
        snprintf(e->help, sizeof e->help, "%s. %s", v->title, v->question);
        if (v->key != '?') snprintf(e->key, sizeof e->key, "%c", v->key);
        snprintf(e->line, sizeof e->line, "view %s", v->name);
    }
}

static void add_knobs(struct palette *p, const struct snapshot *now)
{
    for (int i = 0; now && now->router && i < ROUTER_KNOBS && now->router->knobs[i].name; i++) {
        const struct option *o = &now->router->knobs[i];
        struct palette_entry *e = add(p, "knob", o->name, o->help);
        if (!e) return;
        option_show(o, now->knob[i], e->key);
        snprintf(e->line, sizeof e->line, "knob %s ", o->name);
    }
}

/* A command whose usage goes on with a word that is not in brackets wants that word. */
static void add_commands(struct palette *p)
{
    const struct command *c;
    for (int i = 0; (c = command_at(i)); i++) {
        struct palette_entry *e = add(p, "command", c->usage, c->help);
        if (!e) return;
        const char *next = c->usage + strcspn(c->usage, " ");
        bool wants = *next && next[1] != '[';
        snprintf(e->line, sizeof e->line, "%s%s", c->name, wants ? " " : "");
    }
}

static void add_themes(struct palette *p)
{
    for (int i = 0; theme_at(i); i++) {
        struct palette_entry *e = add(p, "theme", theme_at(i)->name, theme_at(i)->help);
        if (e) snprintf(e->line, sizeof e->line, "theme %s", theme_at(i)->name);
    }
}

/* By the title of its front matter. */
static void add_lessons(struct palette *p)
{
    static const char mark[] = "\ntitle: ";
    const struct packed *l;
    char title[200];
    for (int i = 0; (l = packed_at("lessons", i)); i++) {
        const char *at = strstr(l->text, mark);
        at = at ? at + sizeof mark - 1 : l->name;
        snprintf(title, sizeof title, "%.*s", (int)strcspn(at, "\n"), at);
        struct palette_entry *e = add(p, "lesson", l->name, title);
        if (e) snprintf(e->line, sizeof e->line, "lesson %ld", strtol(l->name, NULL, 10));
    }
}

/* Rows of the tables that `list` shows, each with the command that its name goes with. */
static void add_listing(struct palette *p, const char *kind, const char *table, const char *line)
{
    const struct listing *l = listing_find(table, core_listings, NULL, NULL);
    json_t *row;
    for (int i = 0; l && (row = l->row(i)); i++, json_decref(row)) {
        const char *name = json_string_value(json_object_get(row, "name")),
                   *help = json_string_value(json_object_get(row, "help")),
                   *title = json_string_value(json_object_get(row, "title")),
                   *rule = json_string_value(json_object_get(row, "rule"));
        struct palette_entry *e = add(p, kind, name ? name : "", help ? help : title);
        if (e && rule && title) snprintf(e->help, sizeof e->help, "%s. %s", title, rule);
        bool file = strcmp(table, "datasets") == 0 && strcmp(e ? e->name : "", "text") == 0;
        if (e) snprintf(e->line, sizeof e->line, line, e->name);
        if (e && file) strcat(e->line, ":");
    }
}

void palette_open(struct palette *p, const struct snapshot *now)
{
    static const struct {
        const char *kind, *table, *line;
    } listings[] = {
        {"scenario", "scenarios", "scenario %s"}, {"preset", "examples", "preset %s"},
        {"preset", "presets", "preset %s"},       {"data", "datasets", "data %s"},
        {"setting", "settings", "set %s "},       {"measure", "fields", "show %s"},
    };
    palette_close(p);
    add_keys(p);
    add_views(p);
    add_listing(p, "strategy", "strategies", "router %s");
    add_knobs(p, now);
    add_commands(p);
    add_lessons(p);
    add_themes(p);
    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        add_listing(p, listings[i].kind, listings[i].table, listings[i].line);
    palette_search(p, "");
}

void palette_close(struct palette *p)
{
    free(p->entry);
    free(p->found);
    *p = (struct palette){0};
}

/* ---- searching ---- */

/* How well one word fits a text: 3 at its beginning, 2 at a word's, 1 within, 0 not at all. */
static int within(const char *text, const char *word)
{
    int best = 0;
    for (const char *at = strcasestr(text, word); at; at = strcasestr(at + 1, word)) {
        if (at == text) return 3;
        bool begins = !isalnum((unsigned char)at[-1]);
        best = begins ? 2 : best > 1 ? best : 1;
    }
    return best;
}

static bool in_order(const char *text, const char *word)
{
    for (; *word && *text; text++)
        word += tolower((unsigned char)*word) == tolower((unsigned char)*text);
    return !*word;
}

static int score_word(const struct palette_entry *e, const char *word)
{
    static const int name[] = {0, 60, 80, 100}, kind[] = {0, 0, 0, 40}, help[] = {0, 20, 30, 30};
    int score = name[within(e->name, word)];
    if (strcmp(e->key, word) == 0) score += 50;
    if (strcasecmp(e->name, word) == 0) score += 30;
    if (score == 0) score = kind[within(e->kind, word)];
    if (score == 0) score = help[within(e->help, word)];
    if (score == 0 && in_order(e->name, word)) score = 10;
    return score;
}

/* Every word must fit; 0: one does not. */
static int score(const struct palette_entry *e, const char *query)
{
    int sum = 1;
    for (const char *at = query + strspn(query, " "); *at; at += strspn(at, " ")) {
        char word[64];
        int n = (int)strcspn(at, " ");
        snprintf(word, sizeof word, "%.*s", n, at);
        int one = score_word(e, word);
        if (one == 0) return 0;
        sum += one;
        at += n;
    }
    return sum;
}

static void search(struct palette *p)
{
    p->matches = p->choice = 0;
    for (int i = 0; i < p->count; i++) {
        int at = p->matches;
        if ((p->entry[i].score = score(&p->entry[i], p->query)) == 0) continue;
        for (; at > 0 && p->entry[p->found[at - 1]].score < p->entry[i].score; at--)
            p->found[at] = p->found[at - 1];
        p->found[at] = i;
        p->matches++;
    }
}

bool palette_search(struct palette *p, const char *key)
{
    size_t n = strlen(p->query);
    const char *one = strcmp(key, "Space") == 0 ? " " : key;
    if (strcmp(key, "Backspace") == 0) {
        while (n > 0 && ((unsigned char)p->query[n - 1] & 0xc0) == 0x80) n--;
        p->query[n > 0 ? n - 1 : 0] = 0;
    } else if (strcmp(key, "Ctrl-U") == 0) {
        p->query[0] = 0;
    } else if (*one) {
        const char *end = one;
        glyph_next(&end);
        if (*end) return false; /* the name of a key, not a character */
        if (n + strlen(one) < sizeof p->query) strcat(p->query, one);
    }
    search(p);
    return true;
}

void palette_put(struct palette *p, const char *text)
{
    for (size_t n = strlen(p->query); *text && n + 1 < sizeof p->query; text++)
        if (*text >= ' ' && *text <= '~') p->query[n++] = *text, p->query[n] = 0;
    search(p);
}

void palette_move(struct palette *p, int steps)
{
    p->choice += steps;
    if (p->choice >= p->matches) p->choice = p->matches - 1;
    if (p->choice < 0) p->choice = 0;
}

const struct palette_entry *palette_chosen(const struct palette *p)
{
    return p->choice < p->matches ? &p->entry[p->found[p->choice]] : NULL;
}

bool palette_wants_words(const struct palette_entry *e)
{
    size_t n = strlen(e->line);
    return n > 0 && strchr(" =:", e->line[n - 1]) != NULL;
}

/* ---- drawing ---- */

enum { HEAD = 2, ABOUT = 3 }; /* what is typed and a gap; the chosen one's help below */

int palette_rows(const struct palette *p)
{
    return HEAD + p->count + 1 + ABOUT;
}

static void draw_entry(const struct palette_entry *e, struct canvas *to, int y, bool chosen)
{
    bool wide = to->width >= 66;
    int name = wide ? 11 : 2, key = wide ? 11 + (to->width - 21) * 2 / 5 : to->width - 8,
        help = key + 10;
    enum ink plain = chosen ? INK_SELECTED : INK_TEXT, dim = chosen ? INK_SELECTED : INK_DIM;
    canvas_fill(to, 0, y, to->width, plain, " ");
    if (wide)
        canvas_text(to, 1, y, dim, "%s", e->kind);
    else
        canvas_text(to, 0, y, plain, "%s", chosen ? ">" : " ");
    canvas_fit(to, name, y, key - name - 1, plain, "%s", e->name);
    canvas_fit(to, key, y, wide ? help - key - 1 : to->width - key, chosen ? plain : INK_ACCENT,
               "%s", e->key);
    if (wide) canvas_fit(to, help, y, to->width - help, dim, "%s", e->help);
}

void palette_draw(const struct palette *p, struct canvas *to)
{
    int about = to->height >= 10 ? ABOUT : to->height >= 7 ? 2 : 0;
    int rows = to->height - HEAD - about - (about > 0), first = 0;
    char count[48];
    snprintf(count, sizeof count, "%d of %d", p->matches, p->count);
    int x = canvas_text(to, 0, 0, INK_ACCENT, "> ");
    x = canvas_text(to, x, 0, INK_BRIGHT, "%s", p->query);
    canvas_text(to, x, 0, INK_SELECTED, " ");
    if (!*p->query) canvas_fit(to, x + 2, 0, to->width - x - 18, INK_DIM, "type to search");
    if (x + 4 + (int)strlen(count) < to->width)
        canvas_text(to, to->width - (int)strlen(count), 0, INK_DIM, "%s", count);
    if (rows < 1) rows = 1;
    if (p->choice >= rows) first = p->choice - rows + 1;
    for (int i = 0; i < rows && first + i < p->matches; i++) {
        canvas_zone(to, 0, HEAD + i, to->width, 1, "@entry %d", first + i);
        draw_entry(&p->entry[p->found[first + i]], to, HEAD + i, first + i == p->choice);
    }
    const struct palette_entry *chosen = palette_chosen(p);
    if (!chosen)
        canvas_fit(to, 0, HEAD, to->width, INK_WARN, "Nothing is called so. Backspace, Ctrl-U.");
    else if (about > 0)
        prose_draw(to, 0, to->height - about, to->width, about, 0, INK_DIM, chosen->help);
}
