/* tui/views/rule_kinds.c - A strategy's losses, and its own metrics, each drawn by its kind: a
 * number with its course, a number a layer, an expert, a token, or a token and expert. What a new
 * strategy measures is shown here without a line about it. */
#include "tui/views/rule.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 15, VALUE = 8, FROM = NAME + VALUE + 1 };

/* ---- numbers of one row ---- */
struct range {
    double low, high, mean;
};
static struct range range_of(const float *at, int n)
{
    struct range r = {NAN, NAN, 0};
    int known = 0;
    for (int i = 0; i < n; i++) {
        double value = (double)at[i];
        if (isnan(value)) continue;
        r.low = fmin(r.low, value), r.high = fmax(r.high, value); /* fmin passes NaN by */
        r.mean += value, known++;
    }
    r.mean = known ? r.mean / known : NAN;
    return r;
}

/* One level a column, over [low, high]; more numbers than columns end in a sign. */
static void draw_levels(struct canvas *to, int x, int y, const float *at, int n, bool by_van)
{
    struct range r = range_of(at, n);
    int room = to->width - x;
    for (int i = 0; i < n && i < room; i++) {
        double value = (double)at[i];
        double share = r.high > r.low ? (value - r.low) / (r.high - r.low) : 0.5;
        if (i == room - 1 && n > room)
            canvas_text(to, x + i, y, INK_DIM, "…");
        else if (isnan(value))
            canvas_text(to, x + i, y, INK_DIM, "–");
        else
            spark_cell(to, x + i, y, share, by_van ? facts_van_ink(i) : INK_TEXT);
    }
}

/* ---- one metric ---- */
struct line {
    const struct scene *s;
    const struct router_metric *metric;
    int i; /* of metrics */
};

static void draw_name(struct canvas *to, int y, const struct line *l, double value)
{
    char number[32];
    int wide = canvas_columns(facts_figure(number, value));
    canvas_fit(to, 0, y, FROM - wide - 2, INK_DIM, "%s", l->metric->name);
    canvas_text(to, FROM - wide - 1, y, INK_BRIGHT, "%s", number);
}

static void draw_unit(struct canvas *to, int y, const struct line *l)
{
    if (l->metric->unit) canvas_fit(to, FROM, y, to->width - FROM, INK_DIM, "%s", l->metric->unit);
}

static int draw_scalar(struct canvas *to, int y, const struct line *l)
{
    const struct history *h = l->s->past;
    int x = FROM + (l->metric->unit ? canvas_columns(l->metric->unit) + 1 : 0),
        room = to->width - x, n = h ? spark_values(to, room) : 0;
    draw_name(to, y, l, l->s->now->rule[l->i]);
    draw_unit(to, y, l);
    if (!h || h->router != l->s->now->router || room < 3) return 1;
    float value[HISTORY_PIXELS];
    if (n > HISTORY_PIXELS) n = HISTORY_PIXELS;
    history_values(value, n, history_since(h),
                   (struct history_points){h->step, h->rule[l->i], h->count}, false);
    spark_draw(to, x, y, room, value, n, INK_VAN0 + l->i % 8);
    return 1;
}

static int draw_layers(struct canvas *to, int y, const struct line *l)
{
    const struct snapshot *now = l->s->now;
    if (now->L < 2) return draw_scalar(to, y, l);
    draw_name(to, y, l, now->rule[l->i]);
    int room = to->width - FROM, layers = now->L < SNAP_LAYERS ? now->L : SNAP_LAYERS;
    draw_levels(to, FROM, y, now->rule_layer[l->i], layers, false);
    if (layers + 9 <= room) canvas_text(to, FROM + layers + 1, y, INK_DIM, "by layer");
    return 1;
}

/* The layer looked at where it was brought along, else the mean over layers. */
static const float *columns_of(const struct scene *s, int i)
{
    return facts_layer(s) == s->now->focus ? s->now->own.column[i] : s->now->rule_column[i];
}

static int draw_columns(struct canvas *to, int y, const struct line *l)
{
    const struct snapshot *now = l->s->now;
    int n = l->metric->kind == METRIC_PER_EXPERT ? now->E : facts_columns(now);
    const float *at = columns_of(l->s, l->i);
    struct range r = range_of(at, n);
    char low[32], high[32];
    int x = canvas_fit(to, 0, y, to->width - 4, INK_DIM, "%s", l->metric->name) + 1;
    if (x < NAME) x = NAME;
    if (isnan(r.low)) {
        canvas_text(to, x, y, INK_BRIGHT, "–");
        return 1;
    }
    draw_levels(to, x, y, at, n, true);
    x += n + 1;
    facts_figure(low, r.low), facts_figure(high, r.high);
    int wide = canvas_columns(low) + canvas_columns(high) + 1;
    if (x + wide <= to->width) canvas_text(to, x, y, INK_TEXT, "%s…%s", low, high);
    return 1;
}

static int draw_token(struct canvas *to, int y, const struct line *l)
{
    const struct snapshot *now = l->s->now;
    int token = facts_cursor(l->s);
    bool known = token >= 0 && facts_layer(l->s) == now->focus;
    char mean[32];
    draw_name(to, y, l, known ? (double)now->rule_token[l->i][token] : NAN);
    canvas_fit(to, FROM, y, to->width - FROM, INK_DIM, "mean %s",
               facts_figure(mean, now->rule[l->i]));
    return 1;
}

static int draw_cells(struct canvas *to, int y, const struct line *l)
{
    const struct snapshot *now = l->s->now;
    int N = facts_columns(now);
    const float *row = now->own.cells == l->i
                           ? facts_row(now, now->own.cell, facts_cursor(l->s), facts_layer(l->s))
                           : NULL;
    canvas_fit(to, 0, y, NAME - 1, INK_DIM, "%s", l->metric->name);
    if (!row) {
        canvas_text(to, NAME, y, INK_BRIGHT, "–");
        return 1;
    }
    int x = NAME;
    for (int j = 0; j < N; j++) {
        char number[32];
        facts_number(number, (double)row[j], 2);
        int wide = canvas_columns(number);
        if (x + wide + (j < N - 1 ? 2 : 0) > to->width) {
            canvas_text(to, x, y, INK_DIM, "…");
            return 1;
        }
        x = canvas_text(to, x, y, INK_TEXT, "%s", number) + 1;
    }
    return 1;
}

static int draw_metric(struct canvas *to, int y, const struct line *l)
{
    switch (l->metric->kind) {
    case METRIC_SCALAR:
        return draw_scalar(to, y, l);
    case METRIC_PER_LAYER:
        return draw_layers(to, y, l);
    case METRIC_PER_EXPERT:
    case METRIC_PER_COLUMN:
        return draw_columns(to, y, l);
    case METRIC_PER_TOKEN:
        return draw_token(to, y, l);
    case METRIC_PER_TOKEN_COLUMN:
        return draw_cells(to, y, l);
    }
    return 0;
}

/* ---- the losses ---- */
enum { LOSS_NAME = 10, LOSS_VALUE = 17, LOSS_WEIGHT = 26, LOSS_PART = 34 };

static void right_text(struct canvas *to, int right, int y, enum ink ink, const char *word)
{
    int x = right - canvas_columns(word);
    if (x >= 0 && right <= to->width) canvas_text(to, x, y, ink, "%s", word);
}

static void draw_loss(struct canvas *to, int y, const struct snapshot *now, int i)
{
    char number[32];
    double value = now->losses[i], weight = now->own.weight[i];
    canvas_fit(to, 0, y, LOSS_NAME, weight == 0 ? INK_FRAME : INK_TEXT, "%s",
               now->router->losses[i].pressure);
    right_text(to, LOSS_VALUE, y, INK_TEXT, facts_figure(number, value));
    right_text(to, LOSS_WEIGHT, y, weight == 0 ? INK_DIM : INK_TEXT,
               weight == 0 ? "off" : facts_figure(number, weight));
    if (weight != 0) right_text(to, LOSS_PART, y, INK_BRIGHT, facts_figure(number, value * weight));
}

static int count_losses(const struct snapshot *now)
{
    int n = 0;
    while (now->router && n < ROUTER_LOSSES && now->router->losses[n].pressure) n++;
    return n;
}

static int count_metrics(const struct snapshot *now)
{
    int n = 0;
    while (now->router && n < ROUTER_METRICS && now->router->metrics[n].name) n++;
    return n;
}

int rule_kinds_rows(const struct scene *s)
{
    int losses = s->now ? count_losses(s->now) : 0, metrics = s->now ? count_metrics(s->now) : 0;
    return losses + (losses > 0) + metrics + (metrics > 0) + (losses && metrics);
}

static int draw_losses(struct canvas *to, int y, const struct scene *s)
{
    int n = count_losses(s->now);
    if (n == 0 || to->height - y < 2) return y;
    canvas_text(to, 0, y, INK_TITLE, "losses");
    right_text(to, LOSS_VALUE, y, INK_DIM, "value");
    right_text(to, LOSS_WEIGHT, y, INK_DIM, "× weight");
    right_text(to, LOSS_PART, y, INK_DIM, "= price");
    y++;
    for (int i = 0; i < n && y < to->height; i++) draw_loss(to, y++, s->now, i);
    return y;
}

void rule_kinds_draw(struct canvas *to, const struct scene *s)
{
    int y = draw_losses(to, 0, s), n = count_metrics(s->now);
    if (y > 0 && y + n + 2 <= to->height) y++;
    if (n == 0 || to->height - y < 2) return;
    canvas_fit(to, 0, y++, to->width, INK_TITLE, "its own numbers");
    for (int i = 0; i < n; i++) {
        struct line l = {s, &s->now->router->metrics[i], i};
        if (y == to->height - 1 && i < n - 1) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more in a taller window", n - i);
            return;
        }
        y += draw_metric(to, y, &l);
    }
}

/* ---- in sentences ---- */
static void tell_columns(struct text *to, const struct scene *s, int i, int n)
{
    const struct router_metric *m = &s->now->router->metrics[i];
    const float *at = columns_of(s, i);
    char name[32];
    for (int j = 0; j < n; j++) {
        text_add(to, "%s %s ", j ? "," : "", rule_column(name, s->now, j));
        say_figure(to, (double)at[j], m->unit, "%s %d", m->name, j + 1);
    }
}

static void tell_cells(struct text *to, const struct scene *s, int i)
{
    const struct snapshot *now = s->now;
    int token = facts_cursor(s);
    const float *row =
        now->own.cells == i ? facts_row(now, now->own.cell, token, facts_layer(s)) : NULL;
    if (!row) text_add(to, " –");
    for (int j = 0; row && j < facts_columns(now); j++) {
        text_add(to, "%s ", j ? "," : "");
        say_figure(to, (double)row[j], now->router->metrics[i].unit, "%s %d token %d",
                   now->router->metrics[i].name, j + 1, token);
    }
}

static void tell_number(struct text *to, const struct scene *s, int i)
{
    const struct snapshot *now = s->now;
    const struct router_metric *m = &now->router->metrics[i];
    int token = facts_cursor(s);
    text_add(to, " ");
    say_figure(to, now->rule[i], m->unit, "%s", m->name);
    if (m->unit) text_add(to, " %s", m->unit);
    if (m->kind == METRIC_PER_TOKEN && token >= 0 && facts_layer(s) == now->focus) {
        text_add(to, " in the mean, ");
        say_figure(to, (double)now->rule_token[i][token], m->unit, "%s token %d", m->name, token);
        text_add(to, " of %s", now->token[token].text);
    }
    for (int l = 0; m->kind == METRIC_PER_LAYER && now->L > 1 && l < now->L; l++) {
        text_add(to, l ? ", " : "; by layer ");
        say_figure(to, (double)now->rule_layer[i][l], m->unit, "%s layer %d", m->name, l + 1);
    }
}

static void tell_metric(struct text *to, const struct scene *s, int i)
{
    const struct router_metric *m = &s->now->router->metrics[i];
    text_add(to, "%s (%s):", m->name, m->help);
    if (m->kind == METRIC_PER_EXPERT || m->kind == METRIC_PER_COLUMN)
        tell_columns(to, s, i, m->kind == METRIC_PER_EXPERT ? s->now->E : facts_columns(s->now));
    else if (m->kind == METRIC_PER_TOKEN_COLUMN)
        tell_cells(to, s, i);
    else
        tell_number(to, s, i);
    text_add(to, ".\n");
}

void rule_kinds_tell(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    for (int i = 0; i < count_losses(now); i++) {
        const char *name = now->router->losses[i].pressure;
        text_add(to, "loss %s: ", name);
        say_figure(to, now->losses[i], NULL, "loss %s", name);
        text_add(to, " times its weight ");
        say_figure(to, now->own.weight[i], NULL, "weight %s", name);
        text_add(to, " is a price of ");
        say_figure(to, now->losses[i] * now->own.weight[i], NULL, "price %s", name);
        text_add(to, ".\n");
    }
    for (int i = 0; i < count_metrics(now); i++) tell_metric(to, s, i);
}
