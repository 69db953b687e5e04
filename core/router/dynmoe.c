/* core/router/dynmoe.c - A token uses every expert whose direction it is near enough to; how near
 * is each expert's own threshold. Experts that nobody uses are fired, one is hired where tokens
 * found none. Source: Guo et al. 2024, arXiv 2405.14297, and of their two programs the DeepSpeed
 * one: strict comparison, equal gates, no expert at all for a token below every threshold in
 * training, the best one then. tau_trained is their other program's (Tutel). Ours: the price on the
 * count, the open straight-through gradient, offset, fallback in training, and a hired expert that
 * starts as a copy of the busiest. */
#include "core/router/common.h"

#include <stdio.h>

enum knob {
    TAU,
    TAU_TRAINED,
    OFFSET,
    AUX,
    COUNT_PRICE,
    STRAIGHT_THROUGH,
    FALLBACK,
    FLEET,
    PERIOD,
    FREEZE_FLEET,
    NEW_EXPERT
};
enum param { W, G, LOG_TAU };
enum state { ACTIVE, USED, AGE, ORPHAN_SUM, ORPHANS, CLOCK, FIRED, HIRED };
enum kept { WORKS };
enum metric {
    THETA,
    COS_MEAN,
    METRIC_ACTIVE,
    METRIC_ORPHANS,
    METRIC_TAU,
    METRIC_HIRED,
    METRIC_FIRED
};
enum { OPEN = 1, CLONE = 0 };
static const char *const through_words[] = {"firing", "open", NULL};
static const char *const expert_words[] = {"clone", "keep", NULL};

/* Active, and not off the fleet. */
static struct kn_buf works(const struct route *r)
{
    if (!r->on.at) return r->state[ACTIVE];
    kn_relu_back(r->be, r->kept[WORKS], r->state[ACTIVE], r->on, (size_t)r->N, false);
    return r->kept[WORKS];
}

static struct kn_over dynmoe_bars(const struct route *r)
{
    return (struct kn_over){
        .bound = r->param[G], .log_c = r->param[LOG_TAU], .on = works(r), .shift = r->knob[OFFSET]};
}

/* Logits are cosines. */
static void dynmoe_logits(struct route *r)
{
    kn_cosine(r->be, r->logits, r->x, &r->w, r->T);
}

static void dynmoe_logits_back(struct route *r)
{
    kn_cosine_back(r->be, r->dx, r->dparam[W], r->dlogits, r->logits, r->x, &r->w, r->T, true);
}

/* A tau that is not trained is the knob's. */
static void dynmoe_score(struct route *r)
{
    struct kn_over o = dynmoe_bars(r);
    if (r->knob[TAU_TRAINED] == 0) kn_fill(r->be, r->param[LOG_TAU], log(r->knob[TAU]), 1);
    kn_squash(r->be, r->score, r->logits, &o, r->T, r->N);
    if (r->prob.at != r->score.at) kn_copy(r->be, r->prob, r->score, (size_t)r->T * (size_t)r->N);
}

static void dynmoe_select(struct route *r)
{
    struct kn_over o = dynmoe_bars(r);
    kn_over_mask(r->be, r->mask, r->logits, &o, !r->training || r->knob[FALLBACK] != 0, r->valid,
                 r->T, r->N);
}

static void dynmoe_weigh(struct route *r)
{
    kn_even_gate(r->be, r->gate, r->mask, r->T, r->N);
}

/* dprob gathers the gradient of the 0 or 1 from gates and losses; dynmoe_score_back passes it on.
 */
static void dynmoe_backward(struct route *r)
{
    kn_zero(r->be, r->dlogits, (size_t)r->T * (size_t)r->N);
    kn_even_gate_back(r->be, r->dprob, r->dgate, r->mask, r->T, r->N, true);
}

static void dynmoe_score_back(struct route *r)
{
    struct kn_over o = dynmoe_bars(r);
    kn_over_back(r->be, r->dlogits, r->dparam[G],
                 r->knob[TAU_TRAINED] != 0 ? r->dparam[LOG_TAU] : (struct kn_buf){0}, r->dprob,
                 r->logits, &o, r->knob[STRAIGHT_THROUGH] == OPEN, r->valid, r->T, r->N);
}

/* A 0 or 1 has no derivative. */
static bool dynmoe_estimated(const double *knob)
{
    (void)knob;
    return true;
}

static bool dynmoe_reach(const double *knob)
{
    return knob[STRAIGHT_THROUGH] == OPEN;
}

/* A place that is off the fleet is neither free to be hired nor idle: it waits. */
static void hold_places(struct route *r)
{
    for (int e = 0; e < r->E && r->on.at; e++) {
        if (!(r->off >> e & 1)) continue;
        kn_fill(r->be, kn_part(r->be, r->state[ACTIVE], (size_t)e), 1, 1);
        kn_fill(r->be, kn_part(r->be, r->state[USED], (size_t)e), 1, 1);
    }
}

/* The hired place forgets its moments and takes over the busiest expert; `keep`: nothing. */
static void dynmoe_after_step(struct route *r)
{
    struct kn_roster roster = {.on = r->state[ACTIVE],
                               .used = r->state[USED],
                               .age = r->state[AGE],
                               .orphan_sum = r->state[ORPHAN_SUM],
                               .orphans = r->state[ORPHANS],
                               .clock = r->state[CLOCK],
                               .fired = r->state[FIRED],
                               .hired = r->state[HIRED],
                               .bound = r->param[G],
                               .w = r->param[W],
                               .period = (int)r->knob[PERIOD]};
    if (r->knob[FREEZE_FLEET] != 0) return;
    if (r->knob[NEW_EXPERT] == CLONE && r->m[W].at) {
        roster.stack[roster.stacks++] =
            (struct kn_stack){.m = r->m[W], .v = r->v[W], .size = (size_t)r->D};
        roster.stack[roster.stacks++] = (struct kn_stack){.m = r->m[G], .v = r->v[G], .size = 1};
        for (int i = 0; i < 2; i++)
            if (r->expert[i].size) roster.stack[roster.stacks++] = r->expert[i];
    }
    hold_places(r);
    kn_roster_step(r->be, &roster, r->x, r->mask, r->valid, r->T, r->N, r->D);
}

/* ---- what is shown ---- */
/* The bars, then ln tau. */
static void dynmoe_look(struct route *r, double *to)
{
    kn_read(r->be, to, r->param[G], (size_t)r->E);
    kn_read(r->be, to + r->E, r->param[LOG_TAU], 1);
}

static void dynmoe_measure(const struct route_host *h, int metric, double *to)
{
    double tau = fmin(exp(h->look[h->E]), KN_STEEPEST);
    switch ((enum metric)metric) {
    case THETA:
        for (int e = 0; e < h->E; e++) to[e] = 1 / (1 + exp(-tau * (h->look[e] + h->knob[OFFSET])));
        break;
    case COS_MEAN:
        host_column_mean(h, h->logits, h->N, h->E, to);
        break;
    case METRIC_ACTIVE:
        for (int e = 0; e < h->E; e++) to[e] = h->state[ACTIVE][e];
        break;
    case METRIC_ORPHANS:
        *to = h->state[ORPHANS][0];
        break;
    case METRIC_TAU:
        *to = tau;
        break;
    case METRIC_HIRED:
        *to = h->state[HIRED][0];
        break;
    case METRIC_FIRED:
        *to = h->state[FIRED][0];
        break;
    }
}

static bool dynmoe_check(const double *knob, int E, char *say, int size)
{
    (void)E;
    if (knob[STRAIGHT_THROUGH] != OPEN && knob[COUNT_PRICE] > 0)
        snprintf(say, (size_t)size,
                 "straight_through=firing with a count_price: an expert that fires for nobody "
                 "learns nothing more, and the price drives all there; try open");
    return true;
}

const struct router router_dynmoe = {
    .name = "dynmoe",
    .title = "DynMoE (top-any)",
    .paper = "Guo et al. 2024, arXiv 2405.14297",
    .rule =
        "Every expert has a bar of its own; a token takes all experts whose bar it clears, with "
        "equal shares.",
    .formula = "s = σ(τ cos(x, wₑ));  S = {e : s > σ(τ Gₑ)};  g = 1/|S|",
    .arrival =
        "every bar is at its start: the number of experts jumps, then the price pulls it down",
    .family = FAMILY_THRESHOLD,
    .steer = {{"count_price", true}},
    .knobs =
        {[TAU] = {.name = "tau",
                  .min = .5,
                  .max = 100,
                  .start = 4,
                  .paper = 1,
                  .flags = OPTION_LOG,
                  .help = "steepness of the scores; selection does not change, gradients do"},
         [TAU_TRAINED] = {.name = "tau_trained",
                          .kind = OPTION_SWITCH,
                          .max = 1,
                          .help = "on: tau is learnt, from the knob's value on"},
         [OFFSET] = {.name = "offset",
                     .min = -.5,
                     .max = .5,
                     .flags = OPTION_OURS,
                     .help = "added to every threshold, in cosines: higher means fewer experts"},
         [AUX] = {.name = "aux",
                  .max = .1,
                  .start = .001,
                  .paper = .01,
                  .flags = OPTION_LOG,
                  .help = "coefficient of diversity, simplicity, balance and efficiency together"},
         [COUNT_PRICE] = {.name = "count_price",
                          .max = 1,
                          .start = .05,
                          .flags = OPTION_LOG | OPTION_OURS,
                          .help = "what a token pays for clearing a bar, by how far: more of it "
                                  "means fewer experts"},
         [STRAIGHT_THROUGH] = {.name = "straight_through",
                               .kind = OPTION_CHOICE,
                               .words = through_words,
                               .start = OPEN,
                               .flags = OPTION_OURS,
                               .help = "who learns from the 0 or 1: pairs that fire, or all (open; "
                                       "training then runs all experts)"},
         [FALLBACK] = {.name = "fallback",
                       .kind = OPTION_SWITCH,
                       .max = 1,
                       .flags = OPTION_OURS,
                       .help = "on: a token below every bar takes its best expert in training too"},
         [FLEET] = {.name = "fleet",
                    .kind = OPTION_INT,
                    .min = 1,
                    .max = 1,
                    .start = 1,
                    .paper = 1,
                    .unit = "experts",
                    .flags = OPTION_MAX_E | OPTION_START_E | OPTION_PAPER_E,
                    .help = "experts that are active at the start; the others wait to be hired"},
         [PERIOD] = {.name = "period",
                     .kind = OPTION_INT,
                     .min = 20,
                     .max = 5000,
                     .start = 600,
                     .paper = 600,
                     .unit = "steps",
                     .help = "from one firing and hiring to the next; its second half is recorded"},
         [FREEZE_FLEET] = {.name = "freeze_fleet",
                           .kind = OPTION_SWITCH,
                           .max = 1,
                           .flags = OPTION_OURS,
                           .help = "on: nobody is fired or hired"},
         [NEW_EXPERT] = {.name = "new_expert",
                         .kind = OPTION_CHOICE,
                         .words = expert_words,
                         .start = CLONE,
                         .paper = 1,
                         .flags = OPTION_OURS,
                         .help = "a hired expert starts as the busiest one with a little noise, or "
                                 "keeps the weights of its place"},
         KNOB_CAPACITY(0),
         KNOB_DROP},
    .params =
        {[W] = {.name = "w", .shape = {DIM_E, DIM_D}, .start = START_ORTHOGONAL},
         [G] = {.name = "g", .shape = {DIM_E}},
         [LOG_TAU] = {.name = "log_tau", .shape = {DIM_1}, .start = START_LN_KNOB, .knob = TAU}},
    .state =
        {[ACTIVE] = {.name = "active", .shape = {DIM_E}, .start = START_FIRST_KNOB, .knob = FLEET},
         [USED] = {.name = "used", .shape = {DIM_E}},
         [AGE] = {.name = "age", .shape = {DIM_E}},
         [ORPHAN_SUM] = {.name = "orphan_sum", .shape = {DIM_D}},
         [ORPHANS] = {.name = "orphans", .shape = {DIM_1}},
         [CLOCK] = {.name = "clock", .shape = {DIM_1}},
         [FIRED] = {.name = "fired", .shape = {DIM_1}},
         [HIRED] = {.name = "hired", .shape = {DIM_1}}},
    .kept = {[WORKS] = {.name = "works", .shape = {DIM_N}}},
    .losses = {{"diversity", .knob = "aux"},
               {"simplicity", .knob = "aux"},
               {"balance", .knob = "aux"},
               {"efficiency", .knob = "aux"},
               {"count", .knob = "count_price"}},
    .metrics = {[THETA] = {"theta", NULL, "the bar, on the scale of the scores", METRIC_PER_EXPERT},
                [COS_MEAN] = {"cos_mean", NULL, "mean cosine of tokens and the expert's direction",
                              METRIC_PER_EXPERT},
                [METRIC_ACTIVE] = {"active", NULL, "1: on the fleet; 0: fired, or not hired yet",
                                   METRIC_PER_EXPERT},
                [METRIC_ORPHANS] = {"orphans", "tokens",
                                    "tokens of this period's record that found no expert",
                                    METRIC_SCALAR},
                [METRIC_TAU] = {"tau", NULL, "steepness of the scores", METRIC_SCALAR},
                [METRIC_HIRED] = {"hired", "experts", "hired since the start", METRIC_SCALAR},
                [METRIC_FIRED] = {"fired", "experts", "fired since the start", METRIC_SCALAR}},
    .logits = dynmoe_logits,
    .logits_back = dynmoe_logits_back,
    .score = dynmoe_score,
    .select = dynmoe_select,
    .weigh = dynmoe_weigh,
    .backward = dynmoe_backward,
    .score_back = dynmoe_score_back,
    .bars = dynmoe_bars,
    .estimated = dynmoe_estimated,
    .reach = dynmoe_reach,
    .after_step = dynmoe_after_step,
    .look = dynmoe_look,
    .measure = dynmoe_measure,
    .check = dynmoe_check,
};
