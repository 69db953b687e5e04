/* tui/views/help.c - What can I do here? Every key, view, command, knob, strategy and measure, from
 * the tables that make them; a topic keeps the lines that speak of it. */
#include "core/console/console.h"
#include "tui/app/keys.h"
#include "tui/draw/prose.h"
#include "tui/views/facts.h"

#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Everything that keys and commands can do, and what every word on the screens means. `help "
    "WORD` keeps the lines that "
    "speak of WORD, for example `help p` or `help balance`. The arrows and PgDn scroll. `vanpool "
    "doctor` names the file that puts keys elsewhere. All that is named in the last line can be "
    "clicked; with Shift held the mouse selects text.";

/* A page is gone through twice: to count its lines, and to show those in sight; or once, to tell
 * it. */
struct page {
    struct canvas *to; /* where to show it, */
    struct text *tell; /* or to tell it; neither: only counted */
    int width;
    const char *topic, *section;
    bool begun;     /* the section's title stands */
    int skip, line; /* lines above what is shown; lines so far */
    int found;      /* entries so far */
};
enum { NAME = 27, BRIEF = 12, NARROW = 64, INDENT = 2, SHORT = 3 };

/* Words of one or two letters are looked for as whole words of a name: nearly every sentence holds
 * them. */
static bool names(const char *name, const char *topic)
{
    size_t n = strlen(topic);
    for (const char *at = strcasestr(name, topic); at; at = strcasestr(at + 1, topic))
        if ((at == name || at[-1] == ' ') && (!at[n] || strchr(" =[", at[n]))) return true;
    return false;
}

static bool wanted(const struct page *p, const char *name, const char *meaning)
{
    if (!p->topic || !*p->topic) return true;
    if (strlen(p->topic) < SHORT) return names(name, p->topic);
    return strcasestr(name, p->topic) || strcasestr(meaning, p->topic) ||
           strcasestr(p->section, p->topic);
}

static void section(struct page *p, const char *title)
{
    p->section = title;
    p->begun = false;
}

/* Shows a text at column x, wrapped; returns its lines. */
static int show(const struct page *p, int x, enum ink ink, const char *utf8)
{
    struct canvas none = {0}, *to = p->to ? p->to : &none;
    int from = p->line - p->skip, above = from < 0 ? -from : 0;
    return prose_draw(to, x, from + above, p->width - x, to->height - from - above, above, ink,
                      utf8);
}

static void entry(struct page *p, const char *name, const char *meaning)
{
    if (!wanted(p, name, meaning)) return;
    p->found++;
    if (p->tell) {
        text_add(p->tell, "%s: %s\n", name, meaning);
        return;
    }
    if (!p->begun) {
        p->line += p->line > 0;
        show(p, 0, INK_TITLE, p->section);
        p->line++;
        p->begun = true;
    }
    int lines = show(p, INDENT, INK_BRIGHT, name);
    int column = p->width < NARROW ? BRIEF : NAME;
    if (lines > 1 || canvas_columns(name) + INDENT >= column) p->line += lines;
    p->line += show(p, column, INK_TEXT, meaning);
}

/* ---- the sections
 * -------------------------------------------------------------------------------------------------
 */
static void add_keys(struct page *p)
{
    section(p, "Keys");
    for (int i = 0; key_entry_at(i); i++)
        entry(p, key_names(key_entry_at(i)), key_entry_at(i)->help);
}

static void add_views(struct page *p)
{
    char name[64];
    section(p, "Views");
    for (int i = 0; view_at(i); i++) {
        snprintf(name, sizeof name, "%c  %s", view_at(i)->key, view_at(i)->name);
        entry(p, name, view_at(i)->question);
    }
}

static void add_commands(struct page *p)
{
    section(p, "Commands, behind :");
    for (int i = 0; command_at(i); i++) entry(p, command_at(i)->usage, command_at(i)->help);
}

static void add_knobs(struct page *p, const struct snapshot *now)
{
    char title[64];
    if (!now || !now->router) return;
    snprintf(title, sizeof title, "Knobs of %s", now->router->name);
    section(p, title);
    for (int i = 0; i < ROUTER_KNOBS && now->router->knobs[i].name; i++) {
        const struct option *o = &now->router->knobs[i];
        char name[64], value[32];
        snprintf(name, sizeof name, "%s = %s%s%s", o->name, option_show(o, now->knob[i], value),
                 o->unit ? " " : "", o->unit ? o->unit : "");
        entry(p, name, o->help);
    }
    p->section = "";
}

static void add_strategies(struct page *p)
{
    section(p, "Strategies");
    for (int i = 0; router_at(i); i++) {
        const struct router *r = router_at(i);
        struct text meaning = {0};
        text_add(&meaning, "%s. %s\n%s\n%s", r->title, r->rule ? r->rule : "",
                 r->formula ? r->formula : "", r->paper ? r->paper : "");
        entry(p, r->name, text_str(&meaning));
        text_free(&meaning);
    }
}

static void add_measures(struct page *p)
{
    section(p, "Measures");
    for (int i = 0; i < snapshot_field_count; i++) {
        const struct field *f = &snapshot_fields[i];
        char name[64];
        snprintf(name, sizeof name, "%s", f->name);
        char meaning[256];
        snprintf(meaning, sizeof meaning, f->unit && *f->unit ? "%s (%s)" : "%s", f->help, f->unit);
        entry(p, name, meaning);
    }
}

static void go_through(struct page *p, const struct scene *s)
{
    add_keys(p);
    add_views(p);
    add_commands(p);
    add_knobs(p, s->now);
    add_strategies(p);
    add_measures(p);
}

static void help_draw(struct canvas *to, const struct scene *s)
{
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    struct page count = {.width = in.width, .topic = s->topic};
    go_through(&count, s);
    if (count.found == 0) {
        canvas_fit(&in, 0, 0, in.width, INK_TEXT,
                   "Nothing speaks of '%.40s'. Esc, then F1 shows everything.", s->topic);
        return;
    }
    bool scrolls = count.line > in.height && in.height > 2;
    struct canvas body = canvas_part(&in, 0, 0, in.width, in.height - scrolls);
    int most = count.line - body.height, skip = s->scroll < most ? s->scroll : most;
    struct page page = {
        .to = &body, .width = in.width, .topic = s->topic, .skip = skip > 0 ? skip : 0};
    go_through(&page, s);
    if (!scrolls) return;
    int below = count.line - page.skip - body.height;
    if (below > 0)
        canvas_fit(&in, 0, in.height - 1, in.width, INK_DIM, "↓ %d more lines: Down, PgDn, End",
                   below);
    else
        canvas_fit(&in, 0, in.height - 1, in.width, INK_DIM, "↑ %d lines above: Up, PgUp, Home",
                   page.skip);
}

static void help_tell(struct text *to, const struct scene *s)
{
    struct page page = {.tell = to, .width = 1, .topic = s->topic};
    go_through(&page, s);
    if (page.found == 0) text_add(to, "Nothing speaks of '%.40s'.\n", s->topic);
}

const struct view view_help = {
    .name = "help",
    .key = '?',
    .title = "Help",
    .question = "What can I do here, and what do the words mean?",
    .uses = VIEW_SCROLL,
    .explain = explain,
    .draw = help_draw,
    .tell = help_tell,
};
