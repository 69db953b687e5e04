/* core/router/lossfree.c - Top-k whose load is balanced by a bias: it is added to the scores when
 * experts are chosen and never to the gates, and moves after each step against the load.
 * Sources: Wang et al. 2024, arXiv 2408.15664, algorithm 1; sigmoid scores and the scale of the
 * gates as in DeepSeek-AI 2024, arXiv 2412.19437, eq 12 to 16. Ours: the EMA of the load. */
#include "core/router/common.h"

enum knob { K, SCORE, RENORMALISE, SCALE, RATE, RULE, SMOOTH, ZERO_MEAN, FREEZE };
enum state { BIAS, LOAD };
enum metric { METRIC_BIAS, MAXVIO };
enum { SIGMOID = 0 };
static const char *const score_words[] = {"sigmoid", "softmax", NULL};
static const char *const rule_words[] = {"sign", "proportional", NULL};

static void lossfree_score(struct route *r)
{
    const struct kn_over plain = {0};
    kn_softmax_rows(r->be, r->prob, r->logits, 1, r->T, r->N);
    if (r->knob[SCORE] == SIGMOID)
        kn_squash(r->be, r->score, r->logits, &plain, r->T, r->N);
    else
        kn_copy(r->be, r->score, r->prob, (size_t)r->T * (size_t)r->N);
    kn_bias(r->be, r->score, r->state[BIAS], r->T, r->N);
}

static void lossfree_select(struct route *r)
{
    common_take_best(r, (int)r->knob[K]);
}

/* A softmax over the taken is the share of softmax values among the taken. */
static void lossfree_weigh(struct route *r)
{
    if (r->knob[SCORE] == SIGMOID) {
        kn_sigmoid_gate(r->be, r->gate, r->logits, r->knob[SCALE], r->knob[RENORMALISE] != 0,
                        r->mask, r->T, r->N);
        return;
    }
    common_gate(r, r->knob[RENORMALISE] != 0);
    kn_scale(r->be, r->gate, r->knob[SCALE], r->gate, (size_t)r->T * (size_t)r->N);
}

/* kn_normalised_gate_back wants gates that sum to 1: they are made anew from the picks. */
static void lossfree_backward(struct route *r)
{
    size_t n = (size_t)r->T * (size_t)r->N;
    if (r->knob[SCORE] == SIGMOID) {
        kn_sigmoid_gate_back(r->be, r->dlogits, r->dgate, r->gate, r->logits, r->knob[SCALE],
                             r->knob[RENORMALISE] != 0, r->mask, r->T, r->N, false);
        return;
    }
    kn_scale(r->be, r->dgate, r->knob[SCALE], r->dgate, n);
    common_gate(r, r->knob[RENORMALISE] != 0);
    common_gate_back(r, r->knob[RENORMALISE] != 0);
    kn_scale(r->be, r->gate, r->knob[SCALE], r->gate, n);
}

static void lossfree_after_step(struct route *r)
{
    const struct kn_bias_rule rule = {.rate = r->knob[RATE],
                                      .smooth = r->knob[SMOOTH],
                                      .sign = r->knob[RULE] == 0,
                                      .zero_mean = r->knob[ZERO_MEAN] != 0};
    if (r->knob[FREEZE] != 0) return;
    kn_bias_step(r->be, r->state[BIAS], r->state[LOAD], r->load, &rule, r->N, r->E);
}

static bool lossfree_blind(const struct route_host *h, int t)
{
    return h->knob[RENORMALISE] != 0 && host_picks(h, t, 0, h->N) == 1;
}

/* Busiest over mean, less 1. */
static double max_violation(const struct route_host *h)
{
    double top = 0, sum = 0;
    for (int e = 0; e < h->E; e++) {
        double picks = host_column_picks(h, e);
        top = fmax(top, picks), sum += picks;
    }
    return sum > 0 ? top * h->E / sum - 1 : NAN;
}

static void lossfree_measure(const struct route_host *h, int metric, double *to)
{
    if (metric == MAXVIO)
        *to = max_violation(h);
    else
        for (int e = 0; e < h->E; e++) to[e] = h->state[BIAS][e];
}

const struct router router_lossfree = {
    .name = "lossfree",
    .title = "Loss-free balance (bias)",
    .paper = "Wang et al. 2024, arXiv 2408.15664; DeepSeek-AI 2024, arXiv 2412.19437",
    .rule = "Every token goes to the k experts with the best score plus bias; after each step busy "
            "experts' bias falls, the others' rises.",
    .formula =
        "S = the k largest of s + b, s = σ(W x);  g = s / Σ s over S;  b += u sign(mean load "
        "− load)",
    .family = FAMILY_BASELINE,
    .softmax = true,
    .ordered = true,
    .steer = {{"k", false}},
    .knobs = {[K] = KNOB_K(2, 8, 0, "experts that every token takes"),
              [SCORE] = {.name = "score",
                         .kind = OPTION_CHOICE,
                         .words = score_words,
                         .help = "what is compared: each expert's own sigmoid, or a softmax"},
              [RENORMALISE] = KNOB_RENORMALISE(1),
              [SCALE] = {.name = "scale",
                         .min = .5,
                         .max = 3,
                         .start = 1,
                         .paper = 2.5,
                         .help = "multiplies all gates"},
              [RATE] = {.name = "rate",
                        .max = .1,
                        .start = .01,
                        .paper = .001,
                        .flags = OPTION_LOG,
                        .help = "how far a bias moves in a step; too far and loads swing"},
              [RULE] = {.name = "rule",
                        .kind = OPTION_CHOICE,
                        .words = rule_words,
                        .help = "a bias moves by the rate, or by the rate times how far off its "
                                "load is"},
              [SMOOTH] = {.name = "smooth",
                          .max = .99,
                          .flags = OPTION_OURS,
                          .help = "share of the earlier load in the load that biases answer to"},
              [ZERO_MEAN] = {.name = "zero_mean",
                             .kind = OPTION_SWITCH,
                             .max = 1,
                             .help = "on: biases are shifted to mean 0, which changes no choice"},
              [FREEZE] = {.name = "freeze",
                          .kind = OPTION_SWITCH,
                          .max = 1,
                          .help = "on: biases stay as they are"},
              KNOB_AUX(0, 0),
              KNOB_Z,
              KNOB_ENTROPY_PRICE(0),
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .state =
        {[BIAS] = {.name = "bias", .shape = {DIM_E}}, [LOAD] = {.name = "load", .shape = {DIM_E}}},
    .losses = {{"aux", .knob = "aux"}, {"z", .knob = "z"}, {"entropy", .knob = "entropy_price"}},
    .metrics = {[METRIC_BIAS] = {"bias", NULL, "added to the score when experts are chosen",
                                 METRIC_PER_EXPERT},
                [MAXVIO] = {"maxvio", NULL, "busiest expert's load over the mean, less 1",
                            METRIC_SCALAR}},
    .score = lossfree_score,
    .select = lossfree_select,
    .weigh = lossfree_weigh,
    .backward = lossfree_backward,
    .after_step = lossfree_after_step,
    .measure = lossfree_measure,
    .blind = lossfree_blind,
};
