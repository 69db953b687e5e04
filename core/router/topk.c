/* core/router/topk.c - The k best experts for every token, whatever the token.
 * Sources: Shazeer et al. 2017, arXiv 1701.06538; order "softmax over the chosen" as in Jiang et
 * al. 2024, arXiv 2401.04088 (Mixtral); order "share of the softmax over all" as in Fedus et al.
 * 2021, arXiv 2101.03961 (Switch). */
#include "core/router/common.h"

#include <stdio.h>

enum knob { K, RENORMALISE, AUX };

static void topk_select(struct route *r)
{
    common_take_best(r, (int)r->knob[K]);
}

static void topk_weigh(struct route *r)
{
    common_gate(r, r->knob[RENORMALISE] != 0);
}

static void topk_backward(struct route *r)
{
    common_gate_back(r, r->knob[RENORMALISE] != 0);
}

static bool topk_blind(const struct route_host *h, int t)
{
    return host_lone_pick(h, t, h->knob[RENORMALISE] != 0);
}

static bool topk_check(const double *knob, int E, char *say, int size)
{
    if (knob[K] == 1 && knob[RENORMALISE] != 0 && E > 1)
        snprintf(say, size,
                 "k=1 with renormalise on: every gate is 1, so the router learns from aux alone; "
                 "try renormalise=off");
    return true;
}

const struct router router_topk = {
    .name = "topk",
    .title = "Top-K",
    .paper = "Shazeer et al. 2017, arXiv 1701.06538; Fedus et al. 2021, arXiv 2101.03961; "
             "Jiang et al. 2024, arXiv 2401.04088",
    .rule = "Every token goes to the k experts that score best, easy or hard.",
    .formula = "S = the k largest of z = W x;  g = softmax(z) over S",
    .family = FAMILY_RANK,
    .softmax = true,
    .ordered = true,
    .steer = {{"k", false}},
    .knobs = {[K] = KNOB_K(2, 2, OPTION_KEPT, "experts that every token takes"),
              [RENORMALISE] = KNOB_RENORMALISE(1),
              [AUX] = KNOB_AUX(.01, .01),
              KNOB_Z,
              KNOB_ENTROPY_PRICE(0),
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .losses = {{"aux", .knob = "aux"}, {"z", .knob = "z"}, {"entropy", .knob = "entropy_price"}},
    .select = topk_select,
    .weigh = topk_weigh,
    .backward = topk_backward,
    .blind = topk_blind,
    .check = topk_check,
};
