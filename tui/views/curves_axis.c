/* tui/views/curves_axis.c - The axis of the curves and the words below it: labels of marks find rows
 * without running into each other; those that find none are counted. */
#include "tui/views/curves_axis.h"
#include "tui/draw/prose.h"
#include "tui/views/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EXPECT = 8 };

struct curves_ruler curves_ruler(const struct scene *s, int x, int width)
{
    struct curves_ruler r = {history_axis(s->past), x, width};
    for (int i = 0; s->pins && i < s->pins->count; i++) {
        const struct pin *p = &s->pins->pin[i];
        r.over.from = fmin(r.over.from, (double)p->step[0]);
        r.over.to = fmax(r.over.to, (double)p->step[p->count - 1]);
    }
    return r;
}

int curves_column(const struct curves_ruler *r, long step)
{
    double share = ((double)step - r->over.from) / (r->over.to - r->over.from);
    return share < 0 || share > 1 ? -1 : r->x + (int)(share * (r->width - 1) + 0.5);
}

/* ---- the axis ---- */
void curves_axis(struct canvas *to, const struct history *h, const struct curves_ruler *r)
{
    char word[32];
    canvas_fill(to, r->x, 0, r->width, INK_FRAME, "─");
    for (int m = 0; m < h->marks; m++) {
        int at = curves_column(r, h->mark[m].step);
        if (at >= 0) canvas_text(to, at, 0, INK_FRAME, "┴");
    }
    int left = canvas_columns(facts_whole(word, r->over.from)) + 6;
    canvas_text(to, r->x - left - 1 > 0 ? r->x - left - 1 : 0, 0, INK_DIM, "step %s", word);
    canvas_fit(to, r->x + r->width + 1, 0, to->width - r->x - r->width - 1, INK_DIM, "%s",
               facts_whole(word, r->over.to));
}

enum { MARK_ROWS = 4, WIDEST = 512 };
typedef bool taken_cells[MARK_ROWS][WIDEST];

/* Takes the first row in which `wide` columns from `at` on are free; -1: none is. */
static int take_row(taken_cells used, int rows, int at, int wide)
{
    for (int row = 0; row < rows && row < MARK_ROWS; row++) {
        bool free = true;
        for (int i = at; i < at + wide + 2 && i < WIDEST; i++) free = free && !used[row][i];
        if (!free) continue;
        for (int i = at; i < at + wide + 2 && i < WIDEST; i++) used[row][i] = true;
        return row;
    }
    return -1;
}

/* The words of the marks below their lines: newest first, on the first row where there is room; how
 * many found none. */
static void draw_marks(struct canvas *to, const struct history *h, const struct curves_ruler *r)
{
    taken_cells used = {{false}};
    int without = 0, last = to->height < MARK_ROWS ? to->height - 1 : MARK_ROWS - 1;
    if (to->height < 1) return;
    for (int i = 0; i < r->x && i < WIDEST; i++) used[last][i] = true; /* for the count */
    for (int m = h->marks - 1; m >= 0; m--) {
        char word[96], step[32];
        snprintf(word, sizeof word, "%s: %s", facts_whole(step, (double)h->mark[m].step),
                 h->mark[m].text);
        int at = curves_column(r, h->mark[m].step), wide = canvas_columns(word);
        if (at < 0) continue;
        if (at + wide > to->width) at = to->width - wide;
        if (at < 0) at = 0;
        int row = take_row(used, to->height, at, wide);
        if (row < 0)
            without++;
        else
            canvas_fit(to, at, row, to->width - at, m == h->marks - 1 ? INK_ACCENT : INK_DIM, "%s",
                       word);
    }
    if (without) canvas_fit(to, 0, last, r->x - 1, INK_DIM, "… %d more", without);
}

const char *curves_arrival(const struct history *h)
{
    static const char came[] = "router ";
    const char *text = h->marks ? h->mark[h->marks - 1].text : "";
    if (strncmp(text, came, sizeof came - 1) != 0) return NULL;
    const struct router *r = router_find(text + sizeof came - 1, NULL);
    return r ? r->arrival : NULL;
}

/* ---- below the axis: the words of the marks, what to expect, what is pinned ---- */
struct curves_foot curves_foot_rows(const struct scene *s, int width, int height)
{
    const char *arrival = curves_arrival(s->past);
    struct curves_foot f = {.marks = height >= 24 ? 3 : height >= 14 ? 2 : height >= 6 ? 1 : 0};
    if (arrival && height >= 12) {
        f.arrival = prose_lines(width - EXPECT, arrival);
        if (f.arrival > 2) f.arrival = 2;
    }
    if (s->pins && s->pins->count && height >= 8) f.pins = 1;
    return f;
}

static void draw_pinned(struct canvas *to, const struct pins *pins)
{
    int x = canvas_text(to, 0, 0, INK_DIM, "pinned:");
    for (int i = 0; i < pins->count; i++) {
        x = canvas_text(to, x + 1, 0, INK_TEXT, "%d", i + 1);
        x = canvas_fit(to, x + 1, 0, to->width - x - 1, INK_DIM, "%s%s", pins->pin[i].label,
                       i < pins->count - 1 ? "," : "");
    }
}

void curves_foot(struct canvas *to, const struct scene *s, const struct curves_ruler *r,
                 const struct curves_foot *f)
{
    int y = to->height - f->arrival - f->pins;
    struct canvas marks = canvas_part(to, 0, 0, to->width, y),
                  pins = canvas_part(to, 0, y + f->arrival, to->width, f->pins);
    draw_marks(&marks, s->past, r);
    if (f->arrival) {
        canvas_text(to, 0, y, INK_DIM, "expect:");
        prose_draw(to, EXPECT, y, to->width - EXPECT, f->arrival, 0, INK_TEXT,
                   curves_arrival(s->past));
    }
    if (f->pins) draw_pinned(&pins, s->pins);
}
