/* core/router/longcat.c - k picks for every token, some of them of identity slots, and a controller
 * that moves what is added to the experts' scores until a budget holds.
 * Source: LongCat-Flash Technical Report, Meituan LongCat Team 2025, arXiv 2509.01322; selection
 * and gates as in the released inference code, the controller and the balance loss as in the
 * report. Ours: the rule by sign alone, a slot that gives nothing, and the bound on the bias. */
#include "core/router/common.h"

#include <stdio.h>

enum knob { K, COPIES, TARGET, MU, GAMMA, RULE, FREEZE, AUX, GROUPS, GROUP_COUNT, COPY_KIND };
enum state { BIAS };
enum kept { PICKS };
enum metric { BIAS_OF, BIAS_STEP, TARGET_OF, COPY_SHARE, REACH_LEAST, REACH_MOST };

#define BIAS_MOST 1.0 /* scores are probabilities: more than this cannot change an order */

static const char *const rule_words[] = {"proportional", "sign", NULL};
static const char *const count_words[] = {"assignments", "tokens", NULL};
static const char *const kind_words[] = {"copy", "zero", NULL};

static int longcat_slots(const double *knob, int E, struct slot_run runs[4])
{
    (void)E;
    runs[0] = (struct slot_run){knob[COPY_KIND] != 0 ? SLOT_ZERO : SLOT_COPY, (int)knob[COPIES],
                                "identity"};
    return 1;
}

/* The bias is of the selection only: gates are of prob. */
static void longcat_score(struct route *r)
{
    kn_softmax_rows(r->be, r->prob, r->logits, 1, r->T, r->N);
    kn_copy(r->be, r->score, r->prob, (size_t)r->T * r->N);
    kn_bias(r->be, r->score, r->state[BIAS], r->T, r->N);
}

static void longcat_select(struct route *r)
{
    common_take_best(r, (int)r->knob[K]);
}

static void longcat_weigh(struct route *r)
{
    common_gate(r, false);
    kn_scale(r->be, r->gate, r->knob[GAMMA], r->gate, (size_t)r->T * r->N);
}

/* dprob holds nothing else yet: the losses come later. */
static void longcat_backward(struct route *r)
{
    common_gate_back(r, false);
    kn_scale(r->be, r->dprob, r->knob[GAMMA], r->dprob, (size_t)r->T * r->N);
}

/* L_LB of the report: experts in `groups` groups, all slots in one more; a group's f is 1 where the
 * budget holds and experts share it alike. Groups are as wide as the even split, rounded up. */
static void longcat_load(struct route *r)
{
    double target = r->knob[TARGET], rest = r->knob[K] - target;
    int groups = (int)r->knob[GROUPS];
    struct kn_groups by = {.width = (r->E + groups - 1) / groups,
                           .slots = r->S > 0 ? r->S : 1,
                           .c = groups / target,
                           .c_slots = rest > 0 ? 1 / rest : 0,
                           .once = r->knob[GROUP_COUNT] != 0};
    kn_group_load(r->be, r->load, r->mask, r->valid, &by, r->T, r->N, r->E);
}

/* e_i = (K_e/K)(1/E) - T_i/(K T), taken as (K_e/E - T_i/T) / K; b_i += mu e_i. */
static void longcat_after_step(struct route *r)
{
    const struct kn_groups each = {.width = 1, .slots = 1, .c = 1, .c_slots = 1};
    bool sign = r->knob[RULE] != 0;
    const struct kn_bias_rule rule = {.target = r->knob[TARGET] / r->E,
                                      .rate = r->knob[MU] / (sign ? 1 : r->knob[K]),
                                      .limit = BIAS_MOST,
                                      .sign = sign};
    if (r->knob[FREEZE] != 0) return;
    kn_group_load(r->be, r->kept[PICKS], r->mask, r->valid, &each, r->T, r->N, r->E);
    kn_bias_step(r->be, r->state[BIAS], (struct kn_buf){0}, r->kept[PICKS], &rule, r->N, r->E);
}

static bool longcat_blind(const struct route_host *h, int t)
{
    return host_picks(h, t, 0, h->E) == 0 && h->knob[COPY_KIND] != 0;
}

/* Mean size of the move that these picks ask of an expert's bias. */
static double bias_step(const struct route_host *h)
{
    double sum = 0, mu = h->knob[MU], want = h->knob[TARGET] / h->E;
    int tokens = host_tokens(h);
    if (tokens == 0 || h->knob[FREEZE] != 0) return 0;
    for (int e = 0; e < h->E; e++) {
        double d = want - host_column_picks(h, e) / tokens;
        sum += h->knob[RULE] != 0 ? mu * (d != 0) : mu * fabs(d) / h->knob[K];
    }
    return sum / h->E;
}

static void longcat_measure(const struct route_host *h, int metric, double *to)
{
    int k = (int)h->knob[K], S = h->N - h->E;
    switch ((enum metric)metric) {
    case BIAS_OF:
        for (int j = 0; j < h->N; j++) to[j] = h->state[BIAS][j];
        break;
    case BIAS_STEP:
        *to = bias_step(h);
        break;
    case TARGET_OF:
        *to = h->knob[TARGET];
        break;
    case COPY_SHARE:
        *to = host_share(h, h->E, h->N);
        break;
    case REACH_LEAST:
        *to = k > S ? k - S : 0;
        break;
    case REACH_MOST:
        *to = k < h->E ? k : h->E;
        break;
    }
}

static bool longcat_check(const double *knob, int E, char *say, int size)
{
    double target = knob[TARGET], least = fmax(0, knob[K] - knob[COPIES]), most = fmin(knob[K], E);
    if (target > knob[K] - .25) {
        snprintf(say, size, "target is from 0.25 to k - 0.25, here %g; %g is not", knob[K] - .25,
                 target);
        return false;
    }
    if (target < least || target > most)
        snprintf(say, size,
                 "k=%g with %g identity slots takes %g to %g experts a token: a target of %g is "
                 "never reached",
                 knob[K], knob[COPIES], least, most, target);
    return true;
}

const struct router router_longcat = {
    .name = "longcat",
    .title = "LongCat (identity slots, a budget)",
    .paper = "Meituan LongCat Team 2025, arXiv 2509.01322",
    .rule = "Some on a token's list hand it back as it came; a controller nudges the list until "
            "the fleet's average holds a budget.",
    .formula = "S = the k largest of s + b, s = softmax(W x);  g = γ s;  "
               "bᵢ += μ (Kₑ/(K E) − Tᵢ/(K T))",
    .arrival = "the controller reaches its budget in some 200 steps",
    .family = FAMILY_NULL,
    .softmax = true,
    .ordered = true,
    .steer = {{"target", false}},
    .knobs = {[K] = KNOB_PICKS(4, 12, "identity slots"),
              [COPIES] = {.name = "copies",
                          .kind = OPTION_INT,
                          .max = 2,
                          .start = 1,
                          .paper = .5,
                          .unit = "slots",
                          .flags = OPTION_MAX_E | OPTION_START_E | OPTION_PAPER_E | OPTION_SHAPES,
                          .help = "slots that give the token back"},
              [TARGET] = {.name = "target",
                          .min = .25,
                          .max = 1,
                          .start = 2,
                          .paper = 8,
                          .unit = "experts",
                          .flags = OPTION_MAX_E,
                          .help = "experts per token that the controller holds on average"},
              [MU] = {.name = "mu",
                      .min = 1e-4,
                      .max = 1,
                      .start = .01,
                      .paper = OPTION_NO_PAPER,
                      .flags = OPTION_LOG,
                      .help = "how far the controller moves a bias in a step; large: it swings"},
              [GAMMA] = {.name = "gamma",
                         .min = .5,
                         .max = 6,
                         .start = 6,
                         .paper = 6,
                         .help = "what all gates are multiplied by, the slots' too"},
              [RULE] = {.name = "rule",
                        .kind = OPTION_CHOICE,
                        .words = rule_words,
                        .help = "a bias moves by how far the load is off, or by the sign of it "
                                "(ours)"},
              [FREEZE] = {.name = "freeze",
                          .kind = OPTION_SWITCH,
                          .max = 1,
                          .flags = OPTION_OURS,
                          .help = "on: the controller stands still"},
              [AUX] = {.name = "aux",
                       .max = .01,
                       .paper = OPTION_NO_PAPER,
                       .flags = OPTION_LOG,
                       .help = "how hard an even load on groups of experts is asked for"},
              [GROUPS] = {.name = "groups",
                          .kind = OPTION_INT,
                          .min = 1,
                          .max = 1,
                          .start = 4,
                          .paper = OPTION_NO_PAPER,
                          .flags = OPTION_MAX_E | OPTION_DIVIDES_E,
                          .help = "groups of experts that aux balances; in the report: devices"},
              [GROUP_COUNT] = {.name = "group_count",
                               .kind = OPTION_CHOICE,
                               .paper = OPTION_NO_PAPER,
                               .words = count_words,
                               .help = "what aux counts: picks, or tokens with any pick in the "
                                       "group"},
              [COPY_KIND] = {.name = "copy_kind",
                             .kind = OPTION_CHOICE,
                             .flags = OPTION_OURS,
                             .words = kind_words,
                             .help = "what an identity slot gives: the token, or nothing"},
              KNOB_Z,
              KNOB_ENTROPY_PRICE(0),
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .state = {[BIAS] = {.name = "bias", .shape = {DIM_N}, .start = START_ZERO}},
    .kept = {[PICKS] = {.name = "picks", .shape = {DIM_N}}},
    .losses = {{"aux", .knob = "aux"}, {"z", .knob = "z"}, {"entropy", .knob = "entropy_price"}},
    .metrics = {[BIAS_OF] = {"bias", NULL, "what is added to a column's score in the selection",
                             METRIC_PER_COLUMN},
                [BIAS_STEP] = {"bias_step", NULL, "mean move of an expert's bias in a step",
                               METRIC_SCALAR},
                [TARGET_OF] = {"target", "experts", "experts per token that are asked for",
                               METRIC_SCALAR},
                [COPY_SHARE] = {"copy_share", NULL, "share of the picks that are identity slots",
                                METRIC_PER_LAYER},
                [REACH_LEAST] = {"reach_least", "experts", "fewest experts a token can take",
                                 METRIC_SCALAR},
                [REACH_MOST] = {"reach_most", "experts", "most experts a token can take",
                                METRIC_SCALAR}},
    .slots = longcat_slots,
    .score = longcat_score,
    .select = longcat_select,
    .weigh = longcat_weigh,
    .load = longcat_load,
    .backward = longcat_backward,
    .after_step = longcat_after_step,
    .measure = longcat_measure,
    .blind = longcat_blind,
    .check = longcat_check,
};
