/* tui/views/rule_time.c - What a strategy is learning, over the steps since it came: a price on a
 * logarithmic axis with its stages, a share and its target, a count in its band, rewards. */
#include "tui/views/rule.h"
#include "tui/draw/spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 9, TALL_PLOT = 24 };

struct plot {
    const float *line, *under; /* under: a second one, dim; NULL none */
    double target;             /* a level line; NaN none */
    bool logarithm;
    int digits;
};

/* The strategy's own line of a metric; NULL: nothing is kept of it. */
static const float *line_of(const struct scene *s, const char *name)
{
    int i = rule_metric(s->now, name);
    const struct history *h = s->past;
    return i < 0 || !h || h->count < 2 || h->router != s->now->router ? NULL : h->rule[i];
}

static void values_of(float *to, int n, const struct history *h, const float *line, bool logarithm)
{
    history_values(to, n, history_since(h), (struct history_points){h->step, line, h->count},
                   logarithm);
}

static void stretch(double *low, double *high, const float *at, int n)
{
    for (int i = 0; i < n; i++)
        *low = fmin(*low, (double)at[i]), *high = fmax(*high, (double)at[i]);
}

static void label(struct canvas *to, int y, double value, const struct plot *p)
{
    char word[32];
    if (p->logarithm)
        snprintf(word, sizeof word, fabs(value) < 4 ? "%.2g" : "%.0e", pow(10, value));
    else
        facts_number(word, value, p->digits);
    if (isnan(value)) return;
    canvas_text(to, LABEL - 1 - canvas_columns(word), y, INK_DIM, "%s", word);
}

static void draw_plot(struct canvas *to, const struct scene *s, const struct plot *p)
{
    float line[HISTORY_PIXELS], under[HISTORY_PIXELS];
    struct canvas in = canvas_part(to, LABEL, 0, to->width - LABEL, to->height);
    int n = spark_values(to, in.width);
    double low = NAN, high = NAN, target = p->logarithm ? log10(p->target) : p->target;
    if (n > HISTORY_PIXELS) n = HISTORY_PIXELS;
    if (n < 2 || to->height < 1) return;
    if (!p->line) {
        canvas_fit(to, 0, 0, to->width, INK_DIM, "– its course begins with the second step");
        return;
    }
    values_of(line, n, s->past, p->line, p->logarithm);
    stretch(&low, &high, line, n);
    if (p->under) {
        values_of(under, n, s->past, p->under, p->logarithm);
        stretch(&low, &high, under, n);
    }
    if (isnan(low)) {
        canvas_fit(to, 0, 0, to->width, INK_DIM, "– nothing was measured yet");
        return;
    }
    if (isfinite(target)) low = fmin(low, target), high = fmax(high, target);
    if (high - low < 1e-9) high = low + (p->logarithm ? 1 : fmax(fabs(low) * 0.1, 1e-3));
    if (p->under) spark_plot(&in, under, n, low, high, INK_DIM);
    if (isfinite(target)) {
        int y = (int)lround((high - target) / (high - low) * (to->height - 1));
        canvas_fill(&in, 0, y, in.width, INK_ACCENT, "┄");
    }
    spark_plot(&in, line, n, low, high, INK_VAN0);
    label(to, 0, high, p);
    if (to->height > 1) label(to, to->height - 1, low, p);
}

/* ---- a price, and the stages below it ---- */
static void draw_stages(struct canvas *to, int y, const struct scene *s)
{
    static const enum ink inks[] = {INK_DIM, INK_WARN, INK_GOOD};
    const float *stage = line_of(s, "stage");
    float at[HISTORY_PIXELS];
    int n = to->width - LABEL < HISTORY_PIXELS ? to->width - LABEL : HISTORY_PIXELS;
    if (!stage || n < 2) return;
    values_of(at, n, s->past, stage, false);
    canvas_text(to, 0, y, INK_DIM, "stage");
    for (int x = 0; x < n; x++) {
        int is = isnan(at[x]) ? 0 : (int)lround((double)at[x]);
        if (is >= 1 && is <= 3) canvas_text(to, LABEL + x, y, inks[is - 1], "%d", is);
    }
}

static void lambda_draw(struct canvas *to, const struct scene *s)
{
    bool stages = rule_metric(s->now, "stage") >= 0 && to->height >= 3;
    struct canvas plot = canvas_part(to, 0, 0, to->width, to->height - stages);
    draw_plot(&plot, s, &(struct plot){line_of(s, "lambda"), NULL, NAN, true, 0});
    if (stages) draw_stages(to, to->height - 1, s);
}

static void lambda_tell(struct text *to, const struct scene *s)
{
    static const char *const stages[] = {"unknown yet", "1, dense", "2, the price takes hold",
                                         "3, at the target"};
    double stage = rule_value(s->now, "stage");
    int i = stage >= 1 && stage <= 3 ? (int)stage : 0;
    char price[32] = "–";
    double lambda = rule_value(s->now, "lambda");
    if (!isnan(lambda)) snprintf(price, sizeof price, "%.2e", lambda);
    text_add(to, "the price λ is %s; the stage is %s.\n", price, stages[i]);
}

const struct rule_picture rule_lambda = {
    .title = "the price λ over the steps, log axis",
    .least = 5,
    .most = TALL_PLOT,
    .draw = lambda_draw,
    .tell = lambda_tell,
};

/* ---- a share and its target ---- */
static void sparsity_draw(struct canvas *to, const struct scene *s)
{
    draw_plot(to, s,
              &(struct plot){line_of(s, "sparsity"), NULL, rule_value(s->now, "sparsity_target"),
                             false, 3});
}

static void sparsity_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32];
    text_add(to, "%s of the experts are off, the target is %s.\n",
             facts_percent(a, rule_value(s->now, "sparsity")),
             facts_percent(b, rule_value(s->now, "sparsity_target")));
}

const struct rule_picture rule_sparsity = {
    .title = "share of experts off; ┄ the target",
    .least = 3,
    .most = TALL_PLOT,
    .draw = sparsity_draw,
    .tell = sparsity_tell,
};

static void null_share_draw(struct canvas *to, const struct scene *s)
{
    draw_plot(to, s,
              &(struct plot){line_of(s, "null_share"), NULL, rule_value(s->now, "null_target"),
                             false, 3});
}

static void null_share_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32];
    text_add(to, "%s of the picks are nulls; an even load would make it %s.\n",
             facts_percent(a, rule_value(s->now, "null_share")),
             facts_percent(b, rule_value(s->now, "null_target")));
}

const struct rule_picture rule_null_share = {
    .title = "share of null picks; ┄ as aux asks",
    .least = 3,
    .most = TALL_PLOT,
    .draw = null_share_draw,
    .tell = null_share_tell,
};

/* ---- chunk and token sparsity ---- */
static void chunks_draw(struct canvas *to, const struct scene *s)
{
    draw_plot(to, s, &(struct plot){line_of(s, "tls"), line_of(s, "cls"), NAN, false, 3});
}

static void chunks_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32];
    text_add(to, "%s of the experts are off for a token, %s for 8 in a row.\n",
             facts_percent(a, rule_value(s->now, "tls")),
             facts_percent(b, rule_value(s->now, "cls")));
}

const struct rule_picture rule_chunks = {
    .title = "share off: for one, (dim) for 8 in a row",
    .least = 3,
    .most = TALL_PLOT,
    .draw = chunks_draw,
    .tell = chunks_tell,
};

/* ---- the controller's band ---- */
static void band_draw(struct canvas *to, const struct scene *s)
{
    const struct history *h = s->past;
    double least = rule_value(s->now, "reach_least"), most = rule_value(s->now, "reach_most");
    int foot = to->height >= 4 && !isnan(least);
    struct canvas plot = canvas_part(to, 0, 0, to->width, to->height - foot);
    draw_plot(&plot, s,
              &(struct plot){h && h->count > 1 ? h->line[HISTORY_EXPERTS] : NULL, NULL,
                             rule_value(s->now, "target"), false, 2});
    if (foot)
        canvas_fit(to, LABEL, to->height - 1, to->width - LABEL, INK_DIM,
                   "within reach: %.0f to %.0f per %s", least, most, facts_words(s->now)->token);
}

static void band_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32], c[32], d[32];
    text_add(to, "%s %s per %s, the budget is %s, %s to %s are within reach.\n",
             facts_number(a, s->now->experts_per_token, 2), facts_words(s->now)->experts,
             facts_words(s->now)->token, facts_number(b, rule_value(s->now, "target"), 2),
             facts_number(c, rule_value(s->now, "reach_least"), 0),
             facts_number(d, rule_value(s->now, "reach_most"), 0));
}

const struct rule_picture rule_band = {
    .title = "experts taken; ┄ the budget",
    .least = 3,
    .most = TALL_PLOT,
    .draw = band_draw,
    .tell = band_tell,
};

static void experts_draw(struct canvas *to, const struct scene *s)
{
    const struct history *h = s->past;
    draw_plot(
        to, s,
        &(struct plot){h && h->count > 1 ? h->line[HISTORY_EXPERTS] : NULL, NULL, NAN, false, 2});
}

const struct rule_picture rule_experts = {
    .title = "how many are taken, over the steps",
    .least = 3,
    .most = TALL_PLOT,
    .draw = experts_draw,
};

/* ---- rewards ---- */
static void reward_draw(struct canvas *to, const struct scene *s)
{
    draw_plot(to, s,
              &(struct plot){line_of(s, "reward"), line_of(s, "baseline_reward"), NAN, false, 3});
}

static void reward_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32];
    text_add(to, "reward %s nat with the counts drawn, %s nat with k for everyone.\n",
             facts_number(a, rule_value(s->now, "reward"), 3),
             facts_number(b, rule_value(s->now, "baseline_reward"), 3));
}

const struct rule_picture rule_reward = {
    .title = "reward in nat, (dim) with k for everyone",
    .least = 3,
    .most = TALL_PLOT,
    .draw = reward_draw,
    .tell = reward_tell,
};
