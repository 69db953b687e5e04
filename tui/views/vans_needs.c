/* tui/views/vans_needs.c - Need against count, of the window: a rule that sees the need fills the
 * diagonal, one that sends everybody the same fills a column. */
#include "tui/views/vans_needs.h"
#include "tui/draw/heat.h"
#include "tui/views/facts.h"
#include "tui/views/say.h"

#include <stdio.h>

enum { LABEL = 7, CELL = 4, COUNTS = 17, CRATES = 4 };

struct table {
    int tokens[SNAP_NEEDS + 1][COUNTS]; /* the last count gathers the rest */
    int of[SNAP_NEEDS + 1];             /* of this need */
    int counts, needs;                  /* columns; needs that there are */
};

static void count(struct table *to, const struct scene *s, int columns)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s);
    *to = (struct table){.counts = now->E + 1 < columns ? now->E + 1 : columns};
    if (to->counts > COUNTS) to->counts = COUNTS;
    for (int i = 0; i < now->tokens && i < SNAP_TOKENS; i++) {
        int need = now->token[i].need, sent = now->token[i].count[layer];
        if (need < 0 || need > SNAP_NEEDS) continue;
        to->tokens[need][sent < to->counts ? sent : to->counts - 1]++;
        to->needs += to->of[need]++ == 0;
    }
}

static void draw_row(struct canvas *to, int y, const struct table *t, int need, int cell)
{
    if (need > CRATES)
        canvas_text(to, 0, y, INK_TEXT, "▪×%d", need);
    else
        canvas_fill(to, 0, y, need, INK_TEXT, "▪");
    for (int k = 0; k < t->counts; k++) {
        int n = t->tokens[need][k], x = LABEL + k * cell;
        char word[16];
        enum ink ink = n ? heat_ink((double)n / t->of[need]) : INK_FRAME;
        if (n) canvas_fill(to, x, y, cell - 1, ink, " ");
        snprintf(word, sizeof word, n ? "%*d" : "  ·", cell - 1, n);
        canvas_text(to, x, y, ink, "%s", word);
        if (k == need) canvas_bold(to, x, y, cell - 1);
    }
}

int vans_needs_draw(struct canvas *to, const struct scene *s)
{
    struct table t;
    int columns = (to->width - LABEL) / CELL, y = 0, cell;
    if (columns < 4) return 0;
    count(&t, s, columns);
    if (t.needs == 0 || to->height < t.needs + 2) return 0;
    cell = (to->width - LABEL) / t.counts;
    if (cell > CELL) cell = CELL;
    canvas_fit(to, 0, y++, to->width, INK_DIM, "%s by %s sent, bold: exact",
               facts_words(s->now)->tokens, facts_words(s->now)->experts);
    canvas_text(to, 0, y, INK_DIM, "needs");
    for (int k = 0; k < t.counts; k++)
        canvas_text(to, LABEL + k * cell + 1 + (k < 10), y, INK_DIM, "%d%s", k,
                    k == t.counts - 1 && k < s->now->E ? "+" : "");
    y++;
    for (int need = 0; need <= SNAP_NEEDS; need++)
        if (t.of[need]) draw_row(to, y++, &t, need, cell);
    return y;
}

void vans_needs_tell(struct text *to, const struct scene *s)
{
    struct table t;
    count(&t, s, COUNTS);
    for (int need = 0; need <= SNAP_NEEDS; need++) {
        if (t.of[need] == 0) continue;
        text_add(to, "of the %d %s here that need %d,", t.of[need], facts_words(s->now)->tokens,
                 need);
        for (int k = 0, some = 0; k < t.counts; k++) {
            if (t.tokens[need][k] == 0) continue;
            text_add(to, "%s ", some++ ? "," : "");
            say_number(to, t.tokens[need][k], 0, facts_words(s->now)->tokens, "need %d sent %d",
                       need, k);
            text_add(to, " got %d%s", k, k == t.counts - 1 && k < s->now->E ? " or more" : "");
        }
        text_add(to, ".\n");
    }
}
