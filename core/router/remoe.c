/* core/router/remoe.c - An expert is on where its logit is positive, and that is its gate. A price
 * on the gates (L1) is turned up and down until the mean number of experts is the target.
 * Source: Wang et al. 2024, arXiv 2412.14711, as in its code; the price is of the mean over layers
 * (its code: the sum), which it adapts to. */
#include "core/router/relu.h"

enum knob { TARGET, LAMBDA0, ALPHA, BALANCED, LAMBDA };
enum state { STATE_LAMBDA, COURSE };
enum metric { METRIC_LAMBDA, SPARSITY, SPARSITY_TARGET, STAGE };

#define NEAR_TARGET .02 /* of sparsity: stage III begins */

static void remoe_weigh(struct route *r)
{
    kn_masked_gate(r->be, r->gate, r->score, r->mask, r->T, r->N);
}

static void remoe_backward(struct route *r)
{
    kn_masked_gate_back(r->be, r->dlogits, r->dgate, r->mask, r->T, r->N, false);
    relu_backward(r);
}

static void remoe_after_step(struct route *r)
{
    if (!relu_last(r)) return;
    struct kn_buf active = relu_active(r);
    relu_control(r, STATE_LAMBDA, active, r->knob[TARGET], r->knob[ALPHA], r->knob[LAMBDA]);
    kn_stage(r->be, r->state[COURSE], active, r->knob[TARGET], NEAR_TARGET * r->E);
    relu_spread(r, COURSE);
}

static void remoe_measure(const struct route_host *h, int metric, double *to)
{
    switch ((enum metric)metric) {
    case METRIC_LAMBDA:
        *to = h->knob[LAMBDA] > 0 ? h->knob[LAMBDA] : h->state[STATE_LAMBDA][0];
        break;
    case SPARSITY:
        *to = relu_sparsity(h);
        break;
    case SPARSITY_TARGET:
        *to = 1 - h->knob[TARGET] / h->E;
        break;
    case STAGE:
        *to = h->state[COURSE][0] > 0 ? h->state[COURSE][2] : NAN;
        break;
    }
}

const struct router router_remoe = {
    .name = "remoe",
    .title = "ReMoE",
    .paper = "Wang et al. 2024, arXiv 2412.14711",
    .rule = "Every expert with a positive logit is taken; a price on the gates moves until the "
            "mean is the target.",
    .formula = "g = relu(W x);  S = {e: gₑ > 0};  λ ← λ α while |S| > k on average, else λ / α",
    .arrival = RELU_ARRIVAL,
    .family = FAMILY_THRESHOLD,
    .steer = {{"target", false}},
    .knobs = {[TARGET] = {.name = "target",
                          .min = .25,
                          .max = 1,
                          .start = 2,
                          .paper = 1,
                          .unit = "experts",
                          .flags = OPTION_MAX_E,
                          .help = "experts per token that the price is steered to, on average"},
              [LAMBDA0] = {.name = "lambda0",
                           .min = 1e-16,
                           .max = 1,
                           .start = RELU_LAMBDA0,
                           .paper = RELU_LAMBDA0,
                           .flags = OPTION_LOG,
                           .help = "price on the gates that a run starts with"},
              [ALPHA] = {.name = "alpha",
                         .min = 1.01,
                         .max = 1.5,
                         .start = RELU_ALPHA,
                         .paper = RELU_ALPHA,
                         .help = "what the price is multiplied or divided by each step"},
              [BALANCED] = {.name = "balanced",
                            .kind = OPTION_SWITCH,
                            .max = 1,
                            .start = 1,
                            .paper = 1,
                            .help = "on: gates of busy experts pay more; off: all pay the same"},
              [LAMBDA] = {.name = "lambda",
                          .max = RELU_LAMBDA_MAX,
                          .flags = OPTION_LOG,
                          .help = "0: the price adapts; else it is held at this"},
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .state = {[STATE_LAMBDA] =
                  {.name = "lambda", .shape = {DIM_1}, .start = START_KNOB, .knob = LAMBDA0},
              [COURSE] = {.name = "course", .shape = {DIM_4}}},
    .kept = {[RELU_NUMBERS] = KEPT_NUMBERS},
    .losses = {{"l1", .knob = "lambda", .state = "lambda"}},
    .metrics = {[METRIC_LAMBDA] = {"lambda", NULL, "price on the gates", METRIC_SCALAR},
                [SPARSITY] = {"sparsity", NULL, "share of the experts that are off",
                              METRIC_PER_LAYER},
                [SPARSITY_TARGET] = {"sparsity_target", NULL, "what sparsity is steered to",
                                     METRIC_SCALAR},
                [STAGE] = {"stage", NULL, "1 dense, 2 the price takes hold, 3 at the target",
                           METRIC_SCALAR}},
    .score = relu_score,
    .select = relu_select,
    .weigh = remoe_weigh,
    .backward = remoe_backward,
    .after_step = remoe_after_step,
    .measure = remoe_measure,
};
