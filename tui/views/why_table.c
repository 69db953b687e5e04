/* tui/views/why_table.c - The columns of one token in falling order of what the rule compares, with
 * the rule drawn on them: a cut below the last one in, a staircase up to p, a bar that each must
 * clear, the zero line. Beside them the gate, and what turning this one pick round would do. */
#include "tui/views/why.h"
#include "tui/draw/bars.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUE = 7, GATE = 7, TURNED = 8, LEAST_BAR = 6 };

struct table {
    const struct scene *s;
    const struct rule_face *face;
    const float *row, *gate;
    int N, order[COLUMNS_MAX], last;     /* last: rank behind the last one in */
    int name, bar, value, gates, turned; /* where each starts (name: its width); 0: left out */
    int bar_width;
    double low, high;
};

double why_turned(const struct snap_probe *p, int column)
{
    return p && column < p->N ? (double)p->other[column] - (double)p->loss : NAN;
}

static void place(struct table *t, int width)
{
    t->name = t->N > t->s->now->E ? 12 : 5; /* slots have words for names */
    int left = width - t->name - 2 - VALUE;
    t->bar = t->name + 2;
    bool gates = left - GATE >= LEAST_BAR, turned = gates && left - GATE - TURNED >= LEAST_BAR;
    if (gates) left -= GATE;
    if (turned) left -= TURNED;
    t->bar_width = left > 0 ? left : 0;
    t->value = t->bar + t->bar_width;
    if (gates) t->gates = t->value + VALUE;
    if (turned) t->turned = t->gates + GATE;
}

static bool fill(struct table *t, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int token = facts_cursor(s), layer = facts_layer(s);
    *t = (struct table){.s = s, .face = rule_face_of(now->router), .N = facts_columns(now)};
    t->row = rule_row(s, token), t->gate = facts_row(now, now->gate, token, layer);
    if (!t->row || !t->gate) return false;
    rule_order(t->row, t->N, t->order);
    /* a cut compares logits with each other; everything else is held against 0 */
    t->low = t->high = t->face->way == RULE_CUT ? (double)t->row[t->order[t->N - 1]] : 0;
    for (int r = 0; r < t->N; r++) {
        double value = (double)t->row[t->order[r]];
        if (facts_taken(&now->token[token], layer, t->order[r])) t->last = r + 1;
        if (value < t->low) t->low = value;
        if (value > t->high) t->high = value;
    }
    if (t->face->way == RULE_CUT) t->low -= (t->high - t->low) / 16;
    if (t->face->reads != RULE_LOGITS && t->high < .5) t->high = .5;
    if (t->face->way == RULE_SUM) t->high = 1;
    if (!(t->high > t->low)) t->high = t->low + 1;
    return true;
}

/* Column of a value on the scale of the bars. */
static int at(const struct table *t, double value)
{
    double part = (value - t->low) / (t->high - t->low);
    return t->bar + (int)lround(fmin(fmax(part, 0), 1) * (t->bar_width - 1));
}

static void draw_head(struct canvas *to, const struct table *t)
{
    const struct words *w = facts_words(t->s->now);
    char value[32];
    int n = (int)strcspn(t->face->letter, " ");
    canvas_fit(to, 0, 0, t->bar - 1, INK_DIM, "%s", w->expert);
    canvas_text(to, t->value + VALUE - n, 0, INK_DIM, "%.*s", n, t->face->letter);
    if (t->gates) canvas_text(to, t->gates + GATE - 4, 0, INK_DIM, "gate");
    if (t->turned) canvas_text(to, t->turned + TURNED - 6, 0, INK_DIM, "turned");
    if (t->face->way == RULE_SUM) {
        double p = facts_knob(t->s->now, "p");
        int x = at(t, p), wide = canvas_columns(facts_number(value, p, 2)) + 2;
        if (x + wide > t->value) x -= wide + 1;
        if (x > t->bar) canvas_text(to, x, 0, INK_ACCENT, "p %s", value);
    } else if (t->face->way == RULE_ZERO) {
        canvas_text(to, at(t, 0), 0, INK_ACCENT, "0");
    }
}

static void draw_bar(struct canvas *to, int y, const struct table *t, double value, double before,
                     enum ink ink, double bar)
{
    int from = at(t, t->face->way == RULE_SUM ? before : 0),
        upto = at(t, t->face->way == RULE_SUM ? before + value : value);
    if (t->bar_width < LEAST_BAR || isnan(value)) return;
    if (t->face->way == RULE_SUM || t->face->way == RULE_ZERO) {
        int left = from < upto ? from : upto, wide = from < upto ? upto - from : from - upto;
        if (t->face->way == RULE_SUM) canvas_fill(to, t->bar, y, from - t->bar, INK_FRAME, "·");
        if (wide > 0)
            canvas_fill(to, left, y, wide, ink, value < 0 ? "▒" : "█");
        else
            canvas_text(to, left, y, ink, "▏");
    } else {
        bar_draw(to, t->bar, y, t->bar_width, (value - t->low) / (t->high - t->low), ink);
    }
    if (t->face->way == RULE_SUM) bar = facts_knob(t->s->now, "p");
    if (t->face->way == RULE_ZERO || !isnan(bar))
        canvas_text(to, at(t, isnan(bar) ? 0 : bar), y, INK_ACCENT, "│");
}

static void draw_turned(struct canvas *to, int x, int y, double by)
{
    char number[32], shown[40];
    enum ink ink = by >= .005 ? INK_BAD : by <= -.005 ? INK_GOOD : INK_DIM;
    if (fabs(by) < .0005) by = 0; /* not -0.000 */
    snprintf(shown, sizeof shown, "%s%s", by > 0 ? "+" : "", facts_number(number, by, 3));
    canvas_text(to, x + TURNED - canvas_columns(shown), y, isnan(by) ? INK_FRAME : ink, "%s",
                shown);
}

static void draw_row(struct canvas *to, int y, const struct table *t, int column, double before)
{
    const struct snapshot *now = t->s->now;
    const struct snap_probe *p = why_answer(t->s);
    bool in = facts_taken(&now->token[facts_cursor(t->s)], facts_layer(t->s), column);
    char name[32], number[32];
    enum ink ink = column >= now->E ? INK_TEXT : facts_van_ink(column);
    canvas_fit(to, 0, y, t->name - 1, in ? ink : INK_DIM, "%s", rule_column(name, now, column));
    if (in) canvas_text(to, t->name, y, INK_GOOD, "✓");
    draw_bar(to, y, t, (double)t->row[column], before, in ? ink : INK_FRAME,
             t->face->way == RULE_BARS || t->face->way == RULE_SEATS ? rule_bar(t->s, column)
                                                                     : NAN);
    facts_number(number, (double)t->row[column], 3);
    canvas_text(to, t->value + VALUE - canvas_columns(number), y, in ? INK_TEXT : INK_DIM, "%s",
                number);
    if (t->gates && in)
        canvas_text(to, t->gates + GATE - 5, y, INK_BRIGHT, "%5s",
                    facts_number(number, (double)t->gate[column], 3));
    else if (t->gates)
        canvas_text(to, t->gates + GATE - 1, y, INK_FRAME, "·");
    if (t->turned) draw_turned(to, t->turned, y, why_turned(p, column));
}

int why_table_rows(const struct scene *s)
{
    struct table t;
    if (!fill(&t, s)) return 2;
    return 1 + t.N + (t.face->way == RULE_CUT && t.last > 0 && t.last < t.N);
}

void why_table_draw(struct canvas *to, const struct scene *s)
{
    struct table t;
    double before = 0;
    if (to->height < 2) return;
    if (!fill(&t, s)) {
        bool other = facts_layer(s) != s->now->focus;
        canvas_fit(to, 0, 0, to->width, INK_DIM,
                   other ? "– the scores brought along are of layer %d"
                         : "– the scores of this one were not brought along",
                   s->now->focus + 1);
        return;
    }
    place(&t, to->width);
    draw_head(to, &t);
    bool cut = t.face->way == RULE_CUT && t.last > 0 && t.last < t.N;
    for (int r = 0, y = 1; r < t.N && y < to->height; r++) {
        if (y == to->height - 1 && r < t.N - 1) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more, each below these", t.N - r);
            return;
        }
        if (t.order[r] < s->now->E)
            canvas_zone(to, 0, y, to->width, 1, "@vans %d %d %d", facts_layer(s), t.order[r],
                        to->width);
        draw_row(to, y++, &t, t.order[r], before);
        before += (double)t.row[t.order[r]];
        if (cut && r == t.last - 1 && y < to->height - 1) {
            canvas_fill(to, 0, y, to->width, INK_ACCENT, "┄");
            canvas_fit(to, t.bar, y++, to->width - t.bar, INK_ACCENT, " the %d best are in ",
                       t.last);
        }
    }
}
