/* tui/app/popup.c - A box over the screen: a page of text, or the list of strategies. */
#include "tui/app/inside.h"
#include "tui/draw/grid.h"
#include "tui/draw/prose.h"

#include <stdio.h>
#include <string.h>

enum { WIDEST = 92, EDGE = 2 }; /* no edge where it would be a strip of what lies below */

void popup_page(struct popup *p, const char *title, const char *text)
{
    popup_close(p);
    p->kind = POPUP_PAGE;
    snprintf(p->title, sizeof p->title, "%s", title);
    text_add(&p->page, "%s", text);
}

void popup_chooser(struct popup *p, const struct snapshot *now)
{
    popup_close(p);
    p->kind = POPUP_CHOOSER;
    snprintf(p->title, sizeof p->title, "Routing strategy");
    p->locked = now ? now->locked.strategies : 0;
    for (int i = 0; now && router_at(i); i++)
        if (router_at(i) == now->router) p->choice = i;
}

void popup_palette(struct popup *p, const struct snapshot *now)
{
    popup_close(p);
    p->kind = POPUP_PALETTE;
    snprintf(p->title, sizeof p->title, "Everything");
    palette_open(&p->palette, now);
}

void popup_close(struct popup *p)
{
    palette_close(&p->palette);
    p->kind = POPUP_NONE;
    p->scroll = p->choice = 0;
    text_clear(&p->page);
}

/* ---- keys ---- */

static int steps_of(const char *key)
{
    static const struct {
        const char *key;
        int steps;
    } moves[] = {
        {"Up", -1},      {"Down", 1},   {"PgUp", -8}, {"PgDn", 8},
        {"Home", -9999}, {"End", 9999}, {"Space", 8},
    };
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(moves[i].key, key) == 0) return moves[i].steps;
    return 0;
}

static int held(int value, int most)
{
    return value > most ? most : value < 0 ? 0 : value;
}

static int box_width(const struct canvas *to)
{
    return to->width - 2 * EDGE <= WIDEST ? to->width : WIDEST;
}

/* In the middle of the screen, the last lines left free. */
static struct canvas box_in(const struct canvas *to, int width, int height)
{
    return canvas_part(to, (to->width - width) / 2, (to->height - 1 - height) / 2, width, height);
}

static struct canvas page_box(const struct popup *p, const struct canvas *to, int *lines)
{
    int width = box_width(to);
    *lines = prose_lines(width - 4, text_str(&p->page));
    return box_in(to, width, *lines + 2 < to->height - 3 ? *lines + 2 : to->height - 3);
}

/* Enter runs what is chosen, or asks for the words it wants; Tab puts it into the prompt. */
static void take_entry(struct app *a, bool run)
{
    const struct palette_entry *chosen = palette_chosen(&a->popup.palette);
    if (!chosen) return;
    struct palette_entry e = *chosen;
    popup_close(&a->popup);
    if (*e.line == '@')
        action_run(a, e.line + 1);
    else if (run && !palette_wants_words(&e))
        wish_say(a, e.line, true);
    else
        action_prompt(a, e.line);
}

static void palette_key(struct app *a, const char *key)
{
    struct palette *p = &a->popup.palette;
    bool space = strcmp(key, "Space") == 0;
    if (strcmp(key, "Enter") == 0)
        take_entry(a, true);
    else if (strcmp(key, "Tab") == 0)
        take_entry(a, false);
    else if (strcmp(key, "Esc") == 0)
        popup_close(&a->popup);
    else if (!space && steps_of(key) != 0)
        palette_move(p, steps_of(key));
    else
        palette_search(p, key);
}

bool popup_key(struct app *a, const char *key)
{
    struct popup *p = &a->popup;
    int steps = steps_of(key), lines;
    if (p->kind == POPUP_NONE) return false;
    if (p->kind == POPUP_PALETTE) return palette_key(a, key), true;
    if (p->kind == POPUP_PAGE) {
        struct canvas box = page_box(p, &a->canvas, &lines);
        p->scroll =
            held(p->scroll + steps, lines - (box.height - 2) > 0 ? lines - (box.height - 2) : 0);
        if (steps != 0) return true;
        popup_close(p);
        return strcmp(key, "Esc") == 0 || strcmp(key, "Enter") == 0 || strcmp(key, "e") == 0 ||
               strcmp(key, "q") == 0;
    }
    if (steps != 0 || strcmp(key, "S") == 0) {
        p->choice = steps == 0 ? (p->choice + 1) % router_count()
                               : held(p->choice + steps, router_count() - 1);
        return true;
    }
    const struct router *chosen = router_at(p->choice);
    char line[64];
    snprintf(line, sizeof line, "router %s", chosen->name);
    popup_close(p);
    if (strcmp(key, "Enter") == 0) wish_say(a, line, false);
    return true;
}

void popup_choose(struct app *a, int row)
{
    struct popup *p = &a->popup;
    if (p->kind == POPUP_CHOOSER) p->choice = held(row, router_count() - 1);
    if (p->kind == POPUP_PALETTE) palette_move(&p->palette, row - p->palette.choice);
    if (p->kind != POPUP_PAGE) popup_key(a, "Enter");
}

/* ---- drawing ---- */

static struct canvas frame_box(struct canvas *box, const char *title)
{
    int right = box->width - 1, bottom = box->height - 1;
    canvas_clear(box);
    canvas_zone(box, 0, 0, box->width, box->height, "@none");
    grid_level(box, 0, 0, box->width, "┌", "┐");
    grid_level(box, 0, bottom, box->width, "└", "┘");
    struct canvas left = canvas_part(box, 0, 1, 1, bottom - 1),
                  far = canvas_part(box, right, 1, 1, bottom - 1);
    grid_upright(&left, 0, 0, left.height);
    grid_upright(&far, 0, 0, far.height);
    grid_title(box, 2, 0, box->width - 4, INK_TITLE, title);
    return canvas_part(box, 2, 1, box->width - 4, box->height - 2);
}

static void draw_page(const struct popup *p, struct canvas *to)
{
    int lines;
    struct canvas box = page_box(p, to, &lines), in = frame_box(&box, p->title);
    prose_draw(&in, 0, 0, in.width, in.height, p->scroll, INK_TEXT, text_str(&p->page));
    if (lines > in.height)
        canvas_text(&box, box.width - 24, box.height - 1, INK_DIM, " ↑ ↓ PgDn  Esc closes ");
}

/* The keys of the box, in place of those that do not work now. */
static void draw_footer(const struct popup *p, struct canvas *to)
{
    static const struct {
        enum popup_kind kind;
        const char *key, *label;
    } items[] = {
        {POPUP_PAGE, "Up", "up"},           {POPUP_PAGE, "PgDn", "further"},
        {POPUP_PAGE, "Esc", "close"},       {POPUP_CHOOSER, "Enter", "take it"},
        {POPUP_CHOOSER, "Esc", "leave it"}, {POPUP_CHOOSER, "Down", "next"},
        {POPUP_PALETTE, "Enter", "run it"}, {POPUP_PALETTE, "Tab", "type it"},
        {POPUP_PALETTE, "Esc", "close"},    {POPUP_PALETTE, "Down", "next"},
    };
    int x = 1, y = to->height - 1;
    canvas_fill(to, 0, y, to->width, INK_TEXT, " ");
    canvas_zone(to, 0, y, to->width, 1, "@none");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        int wide = (int)(strlen(items[i].key) + 1 + strlen(items[i].label));
        if (items[i].kind != p->kind || x + wide >= to->width) continue;
        canvas_zone(to, x, y, wide, 1, "@key %s", items[i].key);
        canvas_text(to, x, y, INK_BRIGHT, "%s", items[i].key);
        canvas_text(to, x + (int)strlen(items[i].key) + 1, y, INK_DIM, "%s", items[i].label);
        x += wide + 2;
    }
}

static void draw_chooser(const struct popup *p, struct canvas *to)
{
    enum { RULE = 3, NAME = 15 };
    const struct router *chosen = router_at(p->choice);
    int count = router_count(), width = box_width(to), most = to->height - 3 - (RULE + 3);
    int rows = count < most ? count : most, first = p->choice >= rows ? p->choice - rows + 1 : 0;
    struct canvas box = box_in(to, width, rows + RULE + 3), in = frame_box(&box, p->title);
    for (int row = 0; row < rows; row++) {
        const struct router *r = router_at(first + row);
        bool locked = p->locked >> (first + row) & 1;
        enum ink ink = r == chosen ? INK_SELECTED : locked ? INK_DIM : INK_TEXT;
        canvas_zone(&in, 0, row, in.width, 1, "@entry %d", first + row);
        canvas_fill(&in, 0, row, in.width, ink, " ");
        canvas_text(&in, 0, row, ink, "%s %s", r == chosen ? ">" : " ", r->name);
        canvas_fit(&in, NAME, row, in.width - NAME, ink, "%s%s", r->title,
                   locked ? " (locked in this class)" : "");
    }
    prose_draw(&in, 2, rows, in.width - 2, RULE, 0, INK_DIM, chosen->rule ? chosen->rule : "");
    canvas_fit(&in, 0, rows + RULE, in.width, INK_KEY, "Enter takes it, Esc leaves it");
}

static void draw_palette(const struct popup *p, struct canvas *to)
{
    int most = to->height - 3, rows = palette_rows(&p->palette) + 2;
    struct canvas box = box_in(to, box_width(to), rows < most ? rows : most),
                  in = frame_box(&box, p->title);
    palette_draw(&p->palette, &in);
}

void popup_draw(const struct popup *p, struct canvas *to)
{
    if (p->kind == POPUP_NONE) return;
    canvas_zone(to, 0, 0, to->width, to->height - 1, "@key Esc");
    draw_footer(p, to); /* a click beside it closes it */
    if (p->kind == POPUP_PALETTE) draw_palette(p, to);
    if (p->kind == POPUP_PAGE) draw_page(p, to);
    if (p->kind == POPUP_CHOOSER) draw_chooser(p, to);
}
