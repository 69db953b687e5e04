/* core/router/topp.c - Experts in falling order of probability until they add up to more than p.
 * Source: Huang et al. 2024, arXiv 2403.07652. The paper's text says "reaches p" (>=); the authors'
 * code, which this follows, compares strictly (>). The authors leave the gates as probabilities
 * (renormalise off). */
#include "core/router/common.h"

#include <math.h>

enum knob { P, RENORMALISE, ENTROPY, AUX, TEMPERATURE };
enum metric { P_MASS, ROW_ENTROPY, CUMULATIVE };

static void topp_select(struct route *r)
{
    kn_cumulative_mask(r->be, r->mask, r->prob, r->knob[P], false, r->valid, r->T, r->N);
}

static void topp_weigh(struct route *r)
{
    common_gate(r, r->knob[RENORMALISE] != 0);
}

static void topp_backward(struct route *r)
{
    common_gate_back(r, r->knob[RENORMALISE] != 0);
}

static bool topp_blind(const struct route_host *h, int t)
{
    return host_lone_pick(h, t, h->knob[RENORMALISE] != 0);
}

/* The staircase that p cuts: to[i] = sum of the i + 1 largest. */
static void row_cumulative(const float *prob, int N, double *to)
{
    for (int i = 0; i < N; i++) { /* by insertion: rows are short */
        int at = i;
        for (; at > 0 && to[at - 1] < prob[i]; at--) to[at] = to[at - 1];
        to[at] = prob[i];
    }
    for (int i = 1; i < N; i++) to[i] += to[i - 1];
}

static void topp_measure(const struct route_host *h, int metric, double *to)
{
    int width = metric == CUMULATIVE ? h->N : 1;
    for (int t = 0; t < h->T; t++, to += width) {
        if (!h->valid[t])
            for (int i = 0; i < width; i++) to[i] = NAN;
        else if (metric == P_MASS)
            *to = host_mass(h, t);
        else if (metric == ROW_ENTROPY)
            *to = host_entropy(h, t);
        else
            row_cumulative(h->prob + (size_t)t * h->N, h->N, to);
    }
}

const struct router router_topp = {
    .name = "topp",
    .title = "Top-P (MoE-Dynamic)",
    .paper = "Huang et al. 2024, arXiv 2403.07652",
    .rule = "A token adds experts, most probable first, until it is surer "
            "than p; unsure tokens take more.",
    .formula = "P = softmax(W x / τ), sorted;  S = first m with P₁ + … + Pₘ > p;  g = P over S",
    .family = FAMILY_THRESHOLD,
    .softmax = true,
    .ordered = true,
    .steer = {{"p", false}, {"entropy", true}},
    .temperature = 1 + TEMPERATURE,
    .knobs = {[P] = {.name = "p",
                     .max = 1,
                     .start = .9,
                     .paper = .4,
                     .help = "confidence at which a token stops adding experts; 0: one, 1: all"},
              [RENORMALISE] = KNOB_RENORMALISE(0),
              [ENTROPY] = {.name = "entropy",
                           .max = 1,
                           .start = .1,
                           .paper = 1e-4,
                           .flags = OPTION_LOG,
                           .help = "what an undecided router pays: more of it means fewer experts"},
              [AUX] = KNOB_AUX(.2, .01),
              [TEMPERATURE] = {.name = "temperature",
                               .min = .25,
                               .max = 4,
                               .start = 1,
                               .paper = 1,
                               .help = "divides the logits: higher is flatter, so more experts"},
              KNOB_Z,
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .losses = {{"aux", .knob = "aux"}, {"entropy", .knob = "entropy"}, {"z", .knob = "z"}},
    .metrics = {[P_MASS] = {"p_mass", NULL, "probability of the experts taken", METRIC_PER_TOKEN},
                [ROW_ENTROPY] = {"entropy", "nat", "how undecided the router is", METRIC_PER_TOKEN},
                [CUMULATIVE] = {"cumulative", NULL,
                                "probability of the 1, 2, 3 … most probable experts",
                                METRIC_PER_TOKEN_COLUMN}},
    .select = topp_select,
    .weigh = topp_weigh,
    .backward = topp_backward,
    .measure = topp_measure,
    .blind = topp_blind,
};
