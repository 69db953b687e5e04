/* tui/views/rule_token.c - What the rule sees of one token: its columns in falling order, and where
 * they are cut. Beside it the mean over the window, rank by rank. */
#include "tui/views/rule.h"
#include "tui/draw/bars.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>

enum { NAME = 13, NUMBERS = 15 };

struct ranks {
    const float *row;
    int N, order[COLUMNS_MAX];
    int taken, in;                      /* the rank behind the last that is in; how many are */
    float mean[COLUMNS_MAX], low, high; /* over the window, by rank */
    int tokens;
};

static bool rank(struct ranks *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int token = facts_cursor(s), order[COLUMNS_MAX];
    *to = (struct ranks){.N = facts_columns(now), .low = INFINITY, .high = -INFINITY};
    if (token < 0 || !(to->row = rule_row(s, token))) return false;
    for (int t = 0; t < now->detail && t < SNAP_TOKENS; t++) {
        const float *row = rule_row(s, t);
        if (!row) continue;
        rule_order(row, to->N, order);
        for (int r = 0; r < to->N; r++) to->mean[r] += row[order[r]];
        to->tokens++;
    }
    for (int r = 0; r < to->N; r++) to->mean[r] /= (float)to->tokens;
    rule_order(to->row, to->N, to->order);
    for (int r = 0; r < to->N; r++) {
        float value = to->row[to->order[r]];
        to->low = fminf(to->low, fminf(value, to->mean[r]));
        to->high = fmaxf(to->high, fmaxf(value, to->mean[r]));
        if (facts_taken(&now->token[token], facts_layer(s), to->order[r]))
            to->taken = r + 1, to->in++;
    }
    return to->N > 0;
}

static void draw_absent(struct canvas *to, const struct scene *s)
{
    canvas_fit(to, 0, 0, to->width, INK_DIM, "– the scores brought along are of layer %d",
               s->now->focus + 1);
}

/* Name and tick of the column at rank r; returns its ink. */
static enum ink draw_name(struct canvas *to, int y, const struct scene *s, int column)
{
    char name[32];
    bool in = facts_taken(&s->now->token[facts_cursor(s)], facts_layer(s), column);
    enum ink ink = column < s->now->E ? facts_van_ink(column) : INK_TEXT;
    canvas_fit(to, 0, y, NAME - 2, in ? ink : INK_DIM, "%s", rule_column(name, s->now, column));
    if (in) canvas_text(to, NAME - 2, y, INK_GOOD, "✓");
    return in ? ink : INK_FRAME;
}

static void put_right(struct canvas *to, int right, int y, enum ink ink, double value)
{
    char number[32];
    int wide = canvas_columns(facts_number(number, value, 2));
    canvas_text(to, right - wide, y, ink, "%s", number);
}

/* ---- the cut ---- */
static void draw_line(struct canvas *to, int y, const struct ranks *r)
{
    canvas_fill(to, 0, y, to->width, INK_ACCENT, "┄");
    if (r->taken == 1)
        canvas_fit(to, NAME, y, to->width - NAME, INK_ACCENT, " the best is in ");
    else
        canvas_fit(to, NAME, y, to->width - NAME, INK_ACCENT,
                   r->in == r->taken ? " the %d best are in " : " %d best, without dropped ones ",
                   r->taken);
}

static void cut_draw(struct canvas *to, const struct scene *s)
{
    struct ranks r;
    int bar = to->width - NAME - NUMBERS, y = 1;
    if (to->height < 1 || bar < 4) return;
    if (!rank(&r, s)) {
        draw_absent(to, s);
        return;
    }
    canvas_text(to, 0, 0, INK_DIM, "%s", facts_words(s->now)->expert);
    canvas_fit(to, NAME, 0, bar, INK_DIM, "%s", rule_face_of(s->now->router)->letter);
    canvas_text(to, to->width - NUMBERS + 4, 0, INK_DIM, "here");
    canvas_text(to, to->width - 6, 0, INK_DIM, "│ mean");
    bool line = r.N + 2 <= to->height && r.taken > 0 && r.taken < r.N;
    double span = r.high > r.low ? (double)(r.high - r.low) : 1;
    for (int i = 0; i < r.N && y < to->height; i++) {
        if (y == to->height - 1 && i < r.N - 1) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more, each below these", r.N - i);
            return;
        }
        double value = (double)r.row[r.order[i]];
        enum ink ink = draw_name(to, y, s, r.order[i]);
        bar_draw(to, NAME, y, bar, (value - (double)r.low) / span, ink);
        int at = NAME + (int)lround(((double)r.mean[i] - (double)r.low) / span * (bar - 1));
        canvas_text(to, at, y, INK_TEXT, "│");
        put_right(to, to->width - NUMBERS + 8, y, INK_BRIGHT, value);
        put_right(to, to->width, y, INK_DIM, (double)r.mean[i]);
        y++;
        if (line && i == r.taken - 1) draw_line(to, y++, &r);
    }
}

static int cut_rows(const struct scene *s)
{
    return facts_columns(s->now) + 2;
}

static void cut_tell(struct text *to, const struct scene *s)
{
    struct ranks r;
    if (!rank(&r, s)) return;
    text_add(to, "of the %d columns of %s, ", r.N, s->now->token[facts_cursor(s)].text);
    say_number(to, r.in, 0, "columns", "taken here");
    text_add(to, " are taken");
    if (r.taken > 0 && r.taken < r.N) {
        text_add(to, "; the last one in has ");
        say_number(to, (double)r.row[r.order[r.taken - 1]], 2, NULL, "last in");
        text_add(to, ", the best one out ");
        say_number(to, (double)r.row[r.order[r.taken]], 2, NULL, "best out");
    }
    text_add(to, ".\n");
}

const struct rule_picture rule_cut = {
    .title = "the cut, in falling order",
    .least = 4,
    .most = COLUMNS_MAX + 2,
    .whole = cut_rows,
    .draw = cut_draw,
    .tell = cut_tell,
};

/* ---- the staircase ---- */
static void stairs_draw(struct canvas *to, const struct scene *s)
{
    struct ranks r;
    int bar = to->width - NAME - NUMBERS, y = 1;
    double p = facts_knob(s->now, "p"), sum = 0, mean = 0;
    if (to->height < 1 || bar < 4) return;
    if (!rank(&r, s)) {
        draw_absent(to, s);
        return;
    }
    int line = NAME + (int)lround(fmin(fmax(p, 0), 1) * (bar - 1));
    canvas_text(to, 0, 0, INK_DIM, "%s", facts_words(s->now)->expert);
    canvas_text(to, to->width - NUMBERS + 4, 0, INK_DIM, "here");
    canvas_text(to, to->width - 4, 0, INK_DIM, "mean");
    if (!isnan(p)) {
        int x = line > NAME + 6 ? line - 6 : line + 2, most = to->width - NUMBERS - 3;
        if (most > NAME / 2) canvas_text(to, x < most ? x : most, 0, INK_ACCENT, "p %.2f", p);
    }
    for (int i = 0; i < r.N && y < to->height; i++, y++) {
        double before = sum, here = (double)r.row[r.order[i]];
        sum += here, mean += (double)r.mean[i];
        if (y == to->height - 1 && i < r.N - 1) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more steps", r.N - i);
            return;
        }
        enum ink ink = draw_name(to, y, s, r.order[i]);
        int from = (int)lround(before * bar), upto = (int)lround(sum * bar);
        canvas_fill(to, NAME, y, from, INK_FRAME, "·");
        if (upto > from)
            canvas_fill(to, NAME + from, y, upto - from, ink, "█");
        else
            canvas_text(to, NAME + (from < bar ? from : bar - 1), y, ink, "▏");
        if (!isnan(p)) canvas_text(to, line, y, INK_ACCENT, "│");
        put_right(to, to->width - NUMBERS + 8, y, INK_BRIGHT, sum);
        put_right(to, to->width, y, INK_DIM, mean);
    }
}

static int stairs_rows(const struct scene *s)
{
    return facts_columns(s->now) + 1;
}

static void stairs_tell(struct text *to, const struct scene *s)
{
    enum { MOST = 10 };
    struct ranks r;
    double sum = 0, mean = 0;
    if (!rank(&r, s)) return;
    for (int i = 0; i < r.N && i <= r.taken && i < MOST; i++) {
        sum += (double)r.row[r.order[i]], mean += (double)r.mean[i];
        text_add(to, "%s%d best: ", i ? "; " : "added up, ", i + 1);
        say_number(to, sum, 2, NULL, "step %d here", i + 1);
        text_add(to, ", in the mean ");
        say_number(to, mean, 2, NULL, "step %d mean", i + 1);
    }
    text_add(to, "; p is ");
    say_number(to, facts_knob(s->now, "p"), 2, NULL, "p");
    text_add(to, ".\n");
}

const struct rule_picture rule_stairs = {
    .title = "the staircase: added up until above p",
    .least = 4,
    .most = COLUMNS_MAX + 1,
    .whole = stairs_rows,
    .draw = stairs_draw,
    .tell = stairs_tell,
};
