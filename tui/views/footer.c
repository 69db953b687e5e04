/* tui/views/footer.c - What works now. One table: an action of keys.c, the word for it, how much it
 * is needed, and when it does something. The keys themselves are asked of keys.c. */
#include "tui/views/footer.h"
#include "tui/app/keys.h"
#include "tui/views/facts.h"

#include <string.h>

static bool trains(const struct scene *s, const struct frame *f)
{
    (void)f;
    return s->now && !s->now->paused;
}

static bool rests(const struct scene *s, const struct frame *f)
{
    return s->now && !trains(s, f);
}

static bool has_knobs(const struct scene *s, const struct frame *f)
{
    (void)f;
    return s->now && s->now->router && s->now->router->knobs[0].name;
}

static bool has_layers(const struct scene *s, const struct frame *f)
{
    return s->now && s->now->L > 1 && (f->view->uses & VIEW_LAYER);
}

static bool has_axis(const struct scene *s, const struct frame *f)
{
    (void)s;
    return f->view->uses & VIEW_LOG;
}

static bool has_tokens(const struct scene *s, const struct frame *f)
{
    return (f->view->uses & VIEW_CURSOR) && facts_cursor(s) >= 0;
}

/* The Why view is the nearest but for its numbers, which have an item of their own. */
static bool can_zoom(const struct scene *s, const struct frame *f)
{
    return has_tokens(s, f) && strcmp(f->view->name, "why") != 0;
}

static bool has_sums(const struct scene *s, const struct frame *f)
{
    return has_tokens(s, f) && s->zoom == 0;
}

static bool can_undo(const struct scene *s, const struct frame *f)
{
    (void)s;
    return f->can_undo;
}

static bool can_go_back(const struct scene *s, const struct frame *f)
{
    (void)s;
    return f->can_go_back;
}

static bool has_lesson(const struct scene *s, const struct frame *f)
{
    (void)f;
    return s->lesson && s->lesson->lesson;
}

static bool is_page(const struct scene *s, const struct frame *f)
{
    return (f->view->uses & VIEW_SCROLL) &&
           (has_lesson(s, f) || strcmp(f->view->name, "lesson") != 0);
}

static bool no_lesson(const struct scene *s, const struct frame *f)
{
    return !has_lesson(s, f);
}

static bool is_asked(const struct scene *s, const struct frame *f)
{
    (void)f;
    return s->lesson && runner_open_ask(s->lesson);
}

/* Rank 0 stays longest. `works` NULL: always. `view`: only there; NULL: everywhere. */
static const struct item {
    const char *action, *label, *brief;
    int rank;
    bool (*works)(const struct scene *s, const struct frame *f);
    const char *view;
} items[] = {
    {"open", "open the lesson", "open", 2, no_lesson, "lesson"},
    {"down", "next lesson", "next", 3, no_lesson, "lesson"},
    {"lesson-next", "next page", "next", 2, has_lesson, "lesson"},
    {"lesson-back", "page before", "before", 5, has_lesson, "lesson"},
    {"lesson-hint", "hint", "hint", 3, has_lesson, "lesson"},
    {"lesson-answer", "answer", "answer", 2, is_asked, "lesson"},
    {"race", "race all rules", "race", 2, NULL, "race"},
    {"pause", "pause", "pause", 5, trains, NULL},
    {"pause", "go on", "go on", 3, rests, NULL},
    {"step", "step", "step", 6, rests, NULL},
    {"view", "view", "view", 2, NULL, NULL},
    {"strategy", "strategy", "rule", 1, NULL, NULL},
    {"knob-next", "knob", "knob", 4, has_knobs, NULL},
    {"more", "more", "more", 3, has_knobs, NULL},
    {"less", "less", "less", 3, has_knobs, NULL},
    {"open", "open", "open", 7, has_tokens, NULL},
    {"zoom", "zoom", "zoom", 7, can_zoom, NULL},
    {"zoom", "the arithmetic", "sums", 5, has_sums, "why"},
    {"own", "your own text", "yours", 6, has_tokens, "tokens"},
    {"page-down", "further", "further", 4, is_page, NULL},
    {"layer", "layer", "layer", 6, has_layers, NULL},
    {"log", "log axis", "log", 5, has_axis, NULL},
    {"pin", "pin", "pin", 6, has_axis, NULL},
    {"undo", "undo", "undo", 4, can_undo, NULL},
    {"explain", "explain", "explain", 6, NULL, NULL},
    {"prompt", "command", "command", 6, NULL, NULL},
    {"back", "back", "back", 3, can_go_back, NULL},
    {"palette", "everything", "all", 0, NULL, NULL},
    {"quit", "quit", "quit", 0, NULL, NULL},
};
enum { ITEMS = sizeof items / sizeof *items, GAP = 2, RANKS = 8, NARROW = 90 };

/* The key of an item and its columns with its label; 0: it is on no key. */
static int measure(const struct item *item, bool brief, char *key)
{
    const struct key_entry *entry = key_entry_for(item->action);
    key[0] = 0;
    if (entry) key_first(entry, key);
    if (!*key) return 0;
    return canvas_columns(key) + 1 + canvas_columns(brief ? item->brief : item->label);
}

void footer_draw(struct canvas *to, int y, const struct scene *s, const struct frame *f)
{
    bool in[ITEMS] = {false}, brief = to->width < NARROW;
    char key[KEYS_LONGEST];
    int used = 1 - GAP;
    for (int rank = 0; rank < RANKS; rank++)
        for (int i = 0; i < ITEMS; i++) {
            int wide = measure(&items[i], brief, key);
            if (items[i].rank != rank || wide == 0 || used + GAP + wide >= to->width) continue;
            if (items[i].works && !items[i].works(s, f)) continue;
            if (items[i].view && strcmp(items[i].view, f->view->name) != 0) continue;
            in[i] = true, used += GAP + wide;
        }
    for (int i = 0, x = 1; i < ITEMS; i++) {
        if (!in[i]) continue;
        int wide = measure(&items[i], brief, key), at = x;
        x = canvas_text(to, x, y, INK_BRIGHT, "%s", key);
        canvas_text(to, x, y, INK_DIM, " %s", brief ? items[i].brief : items[i].label);
        if (strcmp(items[i].action, "view") == 0) {
            canvas_zone(to, at, y, wide, 1, "@next view");
        } else {
            canvas_zone(to, at, y, wide, 1, "@%s", items[i].action);
        }
        x = at + wide + GAP;
    }
}
