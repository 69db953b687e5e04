/* tui/app/popup.c - A box over the screen: a page of text, or the list of strategies. */
#include "tui/app/inside.h"
#include "tui/draw/grid.h"
#include "tui/draw/prose.h"

#include <stdio.h>
#include <string.h>

enum { WIDEST = 92, EDGE = 2 };

void popup_page(struct popup *p, const char *title, const char *text)
{
    popup_close(p);
    p->kind = POPUP_PAGE;
    snprintf(p->title, sizeof p->title, "%s", title);
    text_add(&p->page, "%s", text);
}

void popup_chooser(struct popup *p, const struct router *now)
{
    popup_close(p);
    p->kind = POPUP_CHOOSER;
    snprintf(p->title, sizeof p->title, "Routing strategy");
    for (int i = 0; router_at(i); i++)
        if (router_at(i) == now) p->choice = i;
}

void popup_close(struct popup *p)
{
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
    return to->width - 2 * EDGE < WIDEST ? to->width - 2 * EDGE : WIDEST;
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

bool popup_key(struct app *a, const char *key)
{
    struct popup *p = &a->popup;
    int steps = steps_of(key), lines;
    if (p->kind == POPUP_NONE) return false;
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

/* ---- drawing ---- */

static struct canvas frame_box(struct canvas *box, const char *title)
{
    int right = box->width - 1, bottom = box->height - 1;
    canvas_clear(box);
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

static void draw_chooser(const struct popup *p, struct canvas *to)
{
    enum { RULE = 3, NAME = 15 };
    const struct router *chosen = router_at(p->choice);
    int count = router_count(), width = box_width(to), most = to->height - 3 - (RULE + 3);
    int rows = count < most ? count : most, first = p->choice >= rows ? p->choice - rows + 1 : 0;
    struct canvas box = box_in(to, width, rows + RULE + 3), in = frame_box(&box, p->title);
    for (int row = 0; row < rows; row++) {
        const struct router *r = router_at(first + row);
        enum ink ink = r == chosen ? INK_SELECTED : INK_TEXT;
        canvas_fill(&in, 0, row, in.width, ink, " ");
        canvas_text(&in, 0, row, ink, "%s %s", r == chosen ? ">" : " ", r->name);
        canvas_fit(&in, NAME, row, in.width - NAME, ink, "%s", r->title);
    }
    prose_draw(&in, 2, rows, in.width - 2, RULE, 0, INK_DIM, chosen->rule ? chosen->rule : "");
    canvas_fit(&in, 0, rows + RULE, in.width, INK_KEY, "Enter takes it, Esc leaves it");
}

void popup_draw(const struct popup *p, struct canvas *to)
{
    if (p->kind == POPUP_PAGE) draw_page(p, to);
    if (p->kind == POPUP_CHOOSER) draw_chooser(p, to);
}
