/* tests/tui/scene_rule.c - A window that each strategy has routed in its own way, by plain
 * arithmetic from a small generator; its metrics come from its own table, with numbers such as
 * training leaves. What can be counted from the window is counted. */
#include "tests/tui/scene_rule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static unsigned drawn;

static double uniform(void)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (drawn >> 8) / 16777216.0;
}

/* How the window is routed; what a strategy is not named for is a cut at k. */
enum how { CUT, SUM, OVER, ABOVE_ZERO, SEATS };
static const struct {
    const char *strategy;
    enum how how;
    bool sigmoid, biased;
} ways[] = {
    {"topp", SUM, false, false},
    {"unimoe", SUM, false, false},
    {"dynmoe", OVER, true, false},
    {"remoe", ABOVE_ZERO, false, false},
    {"blockffn", ABOVE_ZERO, false, false},
    {"expertchoice", SEATS, false, false},
    {"lossfree", CUT, true, true},
    {"longcat", CUT, false, true},
};

static enum how how_of(const char *strategy, bool *sigmoid, bool *biased)
{
    *sigmoid = *biased = false;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].strategy, strategy) == 0) {
            *sigmoid = ways[i].sigmoid, *biased = ways[i].biased;
            return ways[i].how;
        }
    return CUT;
}

/* Values of metrics that are no counts of the window; of a column: value + step * j. */
static const struct {
    const char *strategy, *metric;
    double value, step;
} values[] = {
    {"topp", "p_mass", 0.94, 0},
    {"topp", "entropy", 0.71, 0},
    {"dynmoe", "theta", 0.54, 0.012},
    {"dynmoe", "cos_mean", -0.08, 0.03},
    {"dynmoe", "active", 1, 0},
    {"dynmoe", "orphans", 3, 0},
    {"dynmoe", "tau", 4, 0},
    {"dynmoe", "hired", 1, 0},
    {"dynmoe", "fired", 2, 0},
    {"remoe", "lambda", 0.0042, 0},
    {"remoe", "sparsity", 0.741, 0},
    {"remoe", "sparsity_target", 0.75, 0},
    {"remoe", "stage", 3, 0},
    {"blockffn", "tls", 0.752, 0},
    {"blockffn", "cls", 0.311, 0},
    {"blockffn", "cls_length", 0.311, 0},
    {"blockffn", "reuse", 0.44, 0},
    {"blockffn", "union", 0.6, 0.03},
    {"blockffn", "gate_strength", 1.27, 0},
    {"blockffn", "chunk_weight", 0.061, 0},
    {"adak", "count_probability", 0.2195, -0.027},
    {"adak", "expected_count", 2.41, 0},
    {"adak", "advantage", 0.012, 0},
    {"adak", "reward", -0.31, 0},
    {"adak", "baseline_reward", -0.35, 0},
    {"adak", "clip_share", 0.08, 0},
    {"adamoe", "null_share", 0.41, 0},
    {"adamoe", "null_target", 1.0 / 3, 0},
    {"adamoe", "all_null", 0, 0},
    {"adamoe", "one_true", 0.19, 0},
    {"moepp", "ffn_share", 0.58, 0},
    {"moepp", "constant_share", 0.21, 0},
    {"moepp", "copy_share", 0.13, 0},
    {"moepp", "zero_share", 0.08, 0},
    {"moepp", "ffn_predicted", 2.4, 0},
    {"moepp", "constant_mix", 0.3, 0.04},
    {"moepp", "max_logit", 6.3, 0},
    {"longcat", "bias", 0.12, -0.016},
    {"longcat", "bias_step", 2.1e-4, 0},
    {"longcat", "target", 2, 0},
    {"longcat", "copy_share", 0.49, 0},
    {"longcat", "reach_least", 0, 0},
    {"longcat", "reach_most", 4, 0},
    {"unimoe", "p_mass", 0.96, 0},
    {"unimoe", "null_share", 0.09, 0},
    {"unimoe", "shared_weight", 0.28, 0},
    {"unimoe", "lost_to_null", 0.06, 0},
    {"unimoe", "k_dynamic", 2.2, 0},
    {"lossfree", "bias", -0.09, 0.03},
    {"lossfree", "maxvio", 0.22, 0},
    {"expertchoice", "tokens_unchosen", 0.04, 0},
    {"expertchoice", "leak", NAN, 0},
};

static double value_of(const char *strategy, const char *metric, double *step)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].strategy, strategy) == 0 && strcmp(values[i].metric, metric) == 0) {
            *step = values[i].step;
            return values[i].value;
        }
    *step = 0;
    return NAN; /* a strategy that is not here yet: shown as unknown */
}

/* ---- one token ---- */
struct row {
    double logit[COLUMNS_MAX], prob[COLUMNS_MAX], score[COLUMNS_MAX];
    bool in[COLUMNS_MAX];
};

static double bias_of(const struct snapshot *s, int j)
{
    int i = -1;
    for (int m = 0; m < ROUTER_METRICS && s->router->metrics[m].name; m++)
        if (strcmp(s->router->metrics[m].name, "bias") == 0) i = m;
    return i < 0 ? 0 : (double)s->own.column[i][j];
}

/* Need many experts: as many stand out; small orders like slots. */
static void draw_row(struct row *r, const struct snapshot *s, int need, bool sigmoid, bool biased)
{
    double sum = 0;
    for (int j = 0; j < s->N; j++) r->logit[j] = 1.2 * uniform() - 1.4, r->in[j] = false;
    for (int n = 0; n < need; n++) r->logit[(int)(uniform() * 8.5) % 8] += 1.6 + uniform();
    for (int j = s->E; j < s->N; j++) r->logit[j] += 0.8 * (3 - need) + 0.6 * uniform();
    for (int j = 0; j < s->N; j++) sum += r->prob[j] = exp(r->logit[j]);
    for (int j = 0; j < s->N; j++) {
        r->prob[j] /= sum;
        r->score[j] = sigmoid ? 1 / (1 + exp(-r->logit[j])) : r->prob[j];
        if (biased) r->score[j] += bias_of(s, j);
    }
}

static int best_left(const struct row *r, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!r->in[j] && (best < 0 || r->score[j] > r->score[best])) best = j;
    return best;
}

static double knob_of(const struct snapshot *s, const char *name, double other)
{
    int i = router_knob(s->router, name);
    return i < 0 ? other : s->knob[i];
}

static void take(struct row *r, const struct snapshot *s, enum how how, int need)
{
    bool learnt = strcmp(s->router->name, "adak") == 0;
    int k = learnt ? need : (int)knob_of(s, "k", 2);
    double p = knob_of(s, "p", 0.9), mass = 0;
    for (int n = 0; n < s->N && (how == CUT || how == SUM); n++) {
        if (how == CUT ? n >= k : mass > p) break;
        int best = best_left(r, s->N);
        r->in[best] = true, mass += r->prob[best];
    }
    for (int j = 0; j < s->N; j++) {
        if (how == OVER) r->in[j] = r->score[j] > 0.54 + 0.012 * j;
        if (how == ABOVE_ZERO) r->in[j] = r->logit[j] > 0;
        if (how == SEATS) r->in[j] = r->prob[j] > 0.16 + 0.01 * j;
        if (how == ABOVE_ZERO) r->score[j] = fmax(0, r->logit[j]);
    }
}

static void keep_row(struct snapshot *s, int i, const struct row *r)
{
    struct snap_token *t = &s->token[i];
    double mass = 0;
    for (int j = 0; j < s->N; j++) mass += r->in[j] ? r->prob[j] : 0;
    for (int j = 0; j < s->N; j++) {
        size_t at = (size_t)i * (size_t)s->N + (size_t)j;
        if (r->in[j]) {
            t->taken[0][j / 64] |= 1ull << j % 64;
            if (j < s->E)
                t->count[0]++;
            else
                t->zero[0]++;
        }
        s->logits[at] = (float)r->logit[j], s->prob[at] = (float)r->prob[j];
        s->score[at] = (float)r->score[j];
        s->gate[at] = r->in[j] ? (float)(r->prob[j] / mass) : 0;
    }
}

/* ---- the whole ---- */
static void set_metrics(struct snapshot *s)
{
    for (int m = 0; m < ROUTER_METRICS && s->router->metrics[m].name; m++) {
        const struct router_metric *metric = &s->router->metrics[m];
        double step, value = value_of(s->router->name, metric->name, &step);
        bool columns = metric->kind == METRIC_PER_EXPERT || metric->kind == METRIC_PER_COLUMN;
        int n = metric->kind == METRIC_PER_EXPERT ? s->E : s->N;
        for (int j = 0; columns && j < n; j++)
            s->own.column[m][j] = s->rule_column[m][j] = (float)(value + step * j);
        if (!columns) s->rule[m] = value, s->rule_layer[m][0] = (float)value;
        for (int i = 0; metric->kind == METRIC_PER_TOKEN && i < s->tokens; i++)
            s->rule_token[m][i] = (float)(value - 0.1 + 0.2 * uniform());
    }
    for (int i = 0; i < ROUTER_LOSSES && s->router->losses[i].pressure; i++) {
        const struct router_loss *l = &s->router->losses[i];
        double knob = l->knob ? knob_of(s, l->knob, 0) : 0;
        s->losses[i] = 1.04 / (1 + i);
        s->own.weight[i] = l->state && knob == 0 ? 0.0042 : l->knob ? knob : NAN;
    }
}

/* topp's own metric per token and column. */
static void set_cells(struct snapshot *s)
{
    for (int m = 0; m < ROUTER_METRICS && s->router->metrics[m].name; m++)
        if (s->router->metrics[m].kind == METRIC_PER_TOKEN_COLUMN) s->own.cells = m;
    for (int i = 0; s->own.cells >= 0 && i < s->detail; i++) {
        double sum = 0, before = 2;
        for (int j = 0; j < s->N; j++) { /* all probabilities differ */
            double best = 0;
            for (int e = 0; e < s->N; e++) {
                double p = (double)s->prob[i * s->N + e];
                if (p < before && p > best) best = p;
            }
            s->own.cell[i * s->N + j] = (float)(sum += before = best);
        }
    }
}

static void count_up(struct snapshot *s)
{
    double picks = 0, zero = 0;
    for (int k = 0; k <= SNAP_COUNTS; k++) s->count_share[0][k] = 0;
    for (int j = 0; j < s->N; j++) s->load[0][j] = 0;
    for (int i = 0; i < s->tokens; i++) {
        const struct snap_token *t = &s->token[i];
        picks += t->count[0], zero += t->zero[0];
        s->count_share[0][t->count[0]] += 1.0f / (float)s->tokens;
        for (int j = 0; j < s->N; j++) s->load[0][j] += (float)(t->taken[0][j / 64] >> j % 64 & 1);
    }
    for (int j = 0; j < s->N; j++) s->load[0][j] *= (float)(s->E / picks);
    s->experts_per_token = picks / s->tokens;
    s->zero_compute_per_token = s->S ? zero / s->tokens : NAN;
}

void scene_rule(struct snapshot *s, const char *strategy)
{
    bool sigmoid, biased;
    enum how how = how_of(strategy, &sigmoid, &biased);
    struct slot_run runs[4];
    int run_count;
    snapshot_clear(s);
    drawn = 11;
    s->router = router_find(strategy, NULL);
    s->E = 8, s->L = 1, s->D = 64, s->predictions = 8;
    router_starts(s->router, s->E, false, s->knob);
    s->S = router_slots(s->router, s->knob, s->E, runs, &run_count), s->N = s->E + s->S;
    s->threads = 2, s->seed = 7, s->step = s->window_step = 1240, s->goal = 1500;
    strcpy(s->backend, "cpu");
    strcpy(s->data, "orders");
    strcpy(s->run_label, strategy);
    s->tokens = s->detail = SNAP_TOKENS;
    set_metrics(s);
    for (int i = 0; i < s->tokens; i++) {
        struct snap_token *t = &s->token[i];
        struct row r;
        double u = uniform();
        t->need = u < .50 ? 1 : u < .65 ? 2 : u < .85 ? 3 : 4;
        t->kind = -1, t->id = i, t->right = 1, t->loss = 0.1f;
        snprintf(t->text, sizeof t->text, "#%d", i);
        draw_row(&r, s, t->need, sigmoid, biased);
        take(&r, s, how, t->need);
        keep_row(s, i, &r);
    }
    set_cells(s);
    count_up(s);
    s->loss = 0.312, s->accuracy = 0.885, s->tokens_per_s = 61200, s->lr = 0.0041;
    s->gate_sum = 0.72;
}

/* Scalars come from where they start to where they are now; a price, by powers of ten. */
void scene_rule_past(struct history *h, const struct snapshot *last)
{
    struct snapshot s = *last;
    memset(h, 0, sizeof *h);
    for (long step = 0; step <= last->step; step += 4) {
        double t = (double)step / 250, near = t * t / (1 + t * t);
        s.step = step;
        s.loss = 1.6 - near * (1.6 - last->loss);
        s.accuracy = near * last->accuracy;
        s.experts_per_token = 4 - near * (4 - last->experts_per_token);
        for (int m = 0; m < ROUTER_METRICS && s.router->metrics[m].name; m++) {
            double end = last->rule[m];
            const char *name = s.router->metrics[m].name;
            s.rule[m] = end * near;
            if (strcmp(name, "lambda") == 0) s.rule[m] = 1e-8 * pow(end / 1e-8, near);
            if (strcmp(name, "stage") == 0) s.rule[m] = step < 120 ? 1 : step < 400 ? 2 : 3;
            if (strstr(name, "target") || strstr(name, "reward")) s.rule[m] = end * (2 - near);
            if (strstr(name, "target")) s.rule[m] = end;
        }
        history_add(h, &s);
    }
}
