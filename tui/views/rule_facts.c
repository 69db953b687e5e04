/* tui/views/rule_facts.c - What a rule compares with what, for the token under the cursor: in
 * numbers, and as a line of the formula. */
#include "tui/views/rule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int rule_metric(const struct snapshot *now, const char *name)
{
    for (int i = 0; now->router && i < ROUTER_METRICS && now->router->metrics[i].name; i++)
        if (strcmp(now->router->metrics[i].name, name) == 0) return i;
    return -1;
}

double rule_value(const struct snapshot *now, const char *name)
{
    int i = rule_metric(now, name);
    return i < 0 ? NAN : now->rule[i];
}

static const float *read_by(const struct snapshot *now)
{
    const float *of[] = {now->logits, now->prob, now->score};
    return of[rule_face_of(now->router)->reads];
}

const float *rule_row(const struct scene *s, int token)
{
    return facts_row(s->now, read_by(s->now), token, facts_layer(s));
}

void rule_order(const float *row, int N, int order[COLUMNS_MAX])
{
    for (int i = 0; i < N; i++) { /* by insertion: rows are short */
        int at = i;
        for (; at > 0 && !(row[order[at - 1]] >= row[i]) && !isnan(row[i]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* The lowest that an expert took in the window: its last seat. */
static double seat(const struct scene *s, int column)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s);
    const float *from = read_by(now);
    double least = INFINITY;
    for (int t = 0; t < now->tokens && t < SNAP_TOKENS; t++) {
        if (!facts_taken(&now->token[t], layer, column)) continue;
        const float *row = facts_row(now, from, t, layer);
        if (row) least = fmin(least, (double)row[column]);
    }
    return isfinite(least) ? least : NAN;
}

double rule_bar(const struct scene *s, int column)
{
    const struct snapshot *now = s->now;
    int theta = rule_metric(now, "theta");
    switch (rule_face_of(now->router)->way) {
    case RULE_ZERO:
        return 0;
    case RULE_SEATS:
        return seat(s, column);
    case RULE_BARS:
        return theta < 0 || facts_layer(s) != now->focus ? NAN
                                                         : (double)now->own.column[theta][column];
    default:
        return NAN;
    }
}

char *rule_column(char *to, const struct snapshot *now, int column)
{
    struct slot_run runs[4];
    int at = now->E, count = 0;
    snprintf(to, 32, "%d", column + 1);
    if (column < now->E || !now->router || !now->router->slots) return to;
    count = now->router->slots(now->knob, now->E, runs);
    for (int r = 0; r < count; at += runs[r].count, r++)
        if (column >= at && column < at + runs[r].count)
            snprintf(to, 32, runs[r].count > 1 ? "%.8s %d" : "%.8s", runs[r].label,
                     column - at + 1);
    return to;
}

/* ---- lines of one expert each ---- */
bool rule_more(struct canvas *to, int y, int i, int n, const struct scene *s)
{
    if (y < to->height - 1 || i >= n - 1) return false;
    canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more %s in a taller window", n - i,
               facts_words(s->now)->experts);
    return true;
}

void rule_right(struct canvas *to, int right, int y, enum ink ink, const char *word)
{
    int x = right - canvas_columns(word);
    if (x >= 0) canvas_text(to, x, y, ink, "%s", word);
}

/* ---- the formula with numbers ---- */
static void add_subscript(struct text *to, int number)
{
    static const char *const digit[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
    if (number > 9) add_subscript(to, number / 10);
    text_add(to, "%s", digit[number % 10]);
}

/* "z₃ 1.31", "s+b ₃"; of slots "z(null 2) 0.40". */
/* As many digits as tell a number from its neighbours: a ReLU lets through what is hardly above 0,
 * and a score may pass its bar in the third. */
static void add_term(struct text *to, const char *letter, const struct snapshot *now, int column,
                     double value, int digits)
{
    char name[32], number[32];
    size_t n = strcspn(letter, " ");
    double size = fabs(value);
    text_add(to, "%.*s", (int)n, letter);
    if (column < now->E)
        add_subscript(to, column + 1);
    else
        text_add(to, "(%s)", rule_column(name, now, column));
    if (size > 0 && size < 0.01)
        text_add(to, " %s", facts_figure(number, value));
    else
        text_add(to, " %s", facts_number(number, value, size > 0 && size < 0.1 ? 3 : digits));
}

enum { TERMS = 3 };

static void live_sum(struct text *to, const struct scene *s, int token, const float *row)
{
    const struct snapshot *now = s->now;
    int N = facts_columns(now), order[COLUMNS_MAX], last = -1;
    double sum = 0, p = facts_knob(now, "p");
    char a[32], b[32];
    rule_order(row, N, order);
    for (int r = 0; r < N; r++)
        if (facts_taken(&now->token[token], facts_layer(s), order[r])) last = r;
    for (int r = 0; r <= last; r++) {
        sum += (double)row[order[r]];
        bool shown = r < TERMS || r == last;
        if (!shown && r > TERMS) continue;
        if (r) text_add(to, " + ");
        if (!shown)
            text_add(to, "…");
        else
            add_term(to, "P", now, order[r], (double)row[order[r]], 2);
    }
    if (last < 0) text_add(to, "nothing is taken");
    if (last > 0) text_add(to, " = %s", facts_number(a, sum, 2));
    if (last >= 0) text_add(to, " %s p %s", sum > p ? ">" : "≤", facts_number(b, p, 2));
}

/* What is in, and the best that is out, each with its bar where it has one. */
static void live_compare(struct text *to, const struct scene *s, int token, const float *row,
                         const struct rule_face *face)
{
    const struct snapshot *now = s->now;
    int N = facts_columns(now), order[COLUMNS_MAX], shown[2] = {0};
    char number[32];
    rule_order(row, N, order);
    for (int out = 0; out < 2; out++) {
        int all = 0, most = out ? 1 : TERMS;
        for (int r = 0; r < N; r++) {
            int j = order[r];
            double bar = face->way == RULE_ZERO ? NAN : rule_bar(s, j);
            if (facts_taken(&now->token[token], facts_layer(s), j) == (out == 1)) continue;
            if (++all > most) continue;
            int digits = fabs(100 * ((double)row[j] - bar)) < 1 ? 3 : 2; /* false for NaN */
            text_add(to, "%s", shown[out]++ ? ", " : out && shown[0] ? "; " : "");
            add_term(to, face->letter, now, j, (double)row[j], digits);
            if (!isnan(bar))
                text_add(to, " %s %s", (double)row[j] >= bar ? "≥" : "<",
                         facts_number(number, bar, digits));
        }
        if (all > most && !out) text_add(to, ", … %d more", all - most);
        if (shown[out]) text_add(to, out ? " out" : " in");
    }
}

static void live_gates(struct text *to, const struct scene *s, int token, const float *row)
{
    const struct snapshot *now = s->now;
    const float *gate = facts_row(now, now->gate, token, facts_layer(s));
    int N = facts_columns(now), order[COLUMNS_MAX], shown = 0;
    if (!gate) return;
    rule_order(row, N, order);
    for (int r = 0; r < N && shown < TERMS; r++) {
        if (!facts_taken(&now->token[token], facts_layer(s), order[r])) continue;
        text_add(to, "%s", shown++ ? ", " : "; ");
        add_term(to, "g", now, order[r], (double)gate[order[r]], 2);
    }
    if (shown < now->token[token].count[facts_layer(s)] + now->token[token].zero[facts_layer(s)])
        text_add(to, " …");
}

void rule_live(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct rule_face *face = rule_face_of(now->router);
    int token = facts_cursor(s);
    if (token < 0) {
        text_add(to, "no %s is there yet", facts_words(now)->token);
        return;
    }
    const float *row = rule_row(s, token);
    text_add(to, now->text ? "‘%s’: " : "%s: ", now->token[token].text);
    if (!row && facts_layer(s) != now->focus) {
        text_add(to, "– (the scores brought along are of layer %d)", now->focus + 1);
        return;
    }
    if (!row) {
        text_add(to, "– (the scores of this %s were not brought along)", facts_words(now)->token);
        return;
    }
    if (face->way == RULE_SUM)
        live_sum(to, s, token, row);
    else
        live_compare(to, s, token, row, face);
    live_gates(to, s, token, row);
}
