/* core/router/unimoe.c - The fewest experts that reach p, one of them possibly a null that adds
 * nothing, and small shared experts that always run with gates from the same softmax.
 * Source: Li et al. 2025, arXiv 2511.12609 (Uni-MoE-2.0-Omni), section 3.1; the released code
 * (DCMoE) compares with >= and gates by band weights (`gates` released), the paper by one softmax.
 * GRIN estimator: Liu et al. 2024, arXiv 2409.12136, drawn from the band as the released
 * UniMoE-Audio does; that code ships with it off. */
#include "core/router/common.h"

#include <math.h>

enum knob { P, NULLS, SHARED, SHARED_WIDTH, AUX, GATES, ESTIMATOR, BAND, ANSWER_WEIGHT, JITTER };
enum metric { P_MASS, NULL_SHARE, SHARED_WEIGHT, LOST_TO_NULL, K_DYNAMIC };
/* [T,N] each: PICKED (softmax over the picks alone, for aux), shares of the joint softmax, band
 * weights; SCRATCH is the gradient of the first two. */
enum kept { PICKED, SCRATCH, WEIGHT, RATE, DRATE, LEFT };
enum param { W, W_SHARED };
enum noise { FOR_X, FOR_PICKS };

static int unimoe_slots(const double *knob, int E, struct slot_run runs[4])
{
    (void)E;
    runs[0] = (struct slot_run){SLOT_ZERO, (int)knob[NULLS], "null"};
    return 1;
}

static int unimoe_shared(const double *knob, double *width)
{
    *width = knob[SHARED_WIDTH];
    return (int)knob[SHARED];
}

/* ---- logits: training may see x through a jitter ---- */
static bool jittered(const struct route *r)
{
    return r->training && r->knob[JITTER] > 0;
}

static void jitter(struct route *r, struct kn_buf y, struct kn_buf x)
{
    size_t n = (size_t)r->T * r->D;
    route_draw(r, FOR_X, n);
    kn_jitter(r->be, y, x, r->noise, r->knob[JITTER], n);
}

static void unimoe_logits(struct route *r)
{
    if (jittered(r)) jitter(r, r->seen, r->x);
    route_linear(r, jittered(r) ? r->seen : r->x);
}

/* The gradient of what was seen takes its place. */
static void unimoe_logits_back(struct route *r)
{
    size_t n = (size_t)r->T * r->D;
    if (!jittered(r)) {
        route_linear_back(r, r->dx, r->x);
        return;
    }
    struct kn_buf dx = r->seen;
    jitter(r, r->seen, r->x);
    route_linear_back(r, (struct kn_buf){0}, r->seen);
    if (!r->dx.at) return;
    kn_linear_back_x(r->be, dx, r->dlogits, &r->w, r->T, false);
    if (r->M) kn_linear_back_x(r->be, dx, r->dside, &r->matrix[W_SHARED], r->T, true);
    jitter(r, dx, dx);
    kn_accumulate(r->be, r->dx, 1, dx, n);
}

/* ---- selection and gates ---- */
static bool drawn(const struct route *r)
{
    return r->training && r->knob[ESTIMATOR] != 0 && !r->forced.at && !r->counts.at;
}

static bool rated(const struct route *r)
{
    return r->knob[GATES] != 0 || drawn(r);
}

/* The numbers that picks are drawn with; the same every time. */
static struct kn_buf draws(struct route *r)
{
    if (!drawn(r)) return (struct kn_buf){0};
    route_draw(r, FOR_PICKS, 2 * (size_t)r->T * r->N);
    return r->noise;
}

/* What picks are drawn from: logits, of what is on the fleet. */
static struct kn_buf left(struct route *r)
{
    if (!r->on.at) return r->logits;
    kn_copy(r->be, r->kept[LEFT], r->logits, (size_t)r->T * (size_t)r->N);
    kn_bias(r->be, r->kept[LEFT], r->away, r->T, r->N);
    return r->kept[LEFT];
}

static void unimoe_select(struct route *r)
{
    kn_cumulative_mask(r->be, r->mask, r->prob, r->knob[P], true, r->valid, r->T, r->N);
    if (drawn(r))
        kn_band(r->be, r->kept[RATE], r->mask, left(r), r->knob[BAND], draws(r), r->T, r->N);
}

/* What the pressure `picked` reads. */
static void unimoe_load(struct route *r)
{
    kn_normalised_gate(r->be, r->kept[PICKED], r->logits, 1, r->mask, r->T, r->N);
    kn_column_share(r->be, r->load, r->mask, r->answers, r->knob[ANSWER_WEIGHT], r->N, r->valid,
                    r->T, r->N);
}

static void unimoe_weigh(struct route *r)
{
    struct kn_buf to = rated(r) ? r->kept[WEIGHT] : r->gate;
    kn_joint_gate(r->be, to, r->side_gate, r->logits, r->side, r->mask, r->valid, r->T, r->N, r->M);
    if (!rated(r)) return;
    if (!drawn(r))
        kn_band(r->be, r->kept[RATE], r->mask, left(r), r->knob[BAND], (struct kn_buf){0}, r->T,
                r->N);
    kn_rated_gate(r->be, r->gate, r->kept[WEIGHT], r->kept[RATE], r->mask, r->knob[GATES] != 0,
                  r->T, r->N);
}

static void unimoe_backward(struct route *r)
{
    if (!rated(r)) {
        kn_joint_gate_back(r->be, r->dlogits, r->dside, r->dgate, r->dside_gate, r->gate,
                           r->side_gate, r->T, r->N, r->M);
        return;
    }
    kn_rated_gate_back(r->be, r->kept[SCRATCH], r->kept[DRATE], r->dgate, r->kept[WEIGHT],
                       r->kept[RATE], r->mask, r->knob[GATES] != 0, r->T, r->N);
    kn_joint_gate_back(r->be, r->dlogits, r->dside, r->kept[SCRATCH], r->dside_gate,
                       r->kept[WEIGHT], r->side_gate, r->T, r->N, r->M);
    kn_band_back(r->be, r->dlogits, r->kept[DRATE], r->mask, left(r), r->knob[BAND], draws(r), r->T,
                 r->N);
}

/* ---- what is shown ---- */
static bool alone_in_band(const struct route_host *h, const float *z, const int32_t *mask, int pick)
{
    for (int j = 0; j < h->N; j++) {
        bool before = mask[j] && (z[j] > z[pick] || (z[j] == z[pick] && j < pick));
        if (j == pick || before) continue;
        if (z[pick] - z[j] <= h->knob[BAND] * fmaxf(fabsf(z[j]), fabsf(z[pick]))) return false;
    }
    return true;
}

/* Without shared experts: nulls only, one pick, or gates made of band weights that are constants.
 */
static bool unimoe_blind(const struct route_host *h, int t)
{
    const int32_t *mask = h->mask + (size_t)t * h->N;
    const float *z = h->logits + (size_t)t * h->N;
    int picks = 0, real = 0;
    bool alone = true, released = h->knob[GATES] != 0;
    for (int j = 0; j < h->N; j++) {
        picks += mask[j], real += mask[j] && j < h->E;
        alone &= !mask[j] || alone_in_band(h, z, mask, j);
    }
    bool constant = released ? alone : picks == 1 && (h->knob[ESTIMATOR] == 0 || alone);
    return h->M == 0 && (real == 0 || constant);
}

static double lost_to_null(const struct route_host *h, int t)
{
    double sum = 0;
    for (int j = h->E; j < h->N; j++) sum += h->gate[(size_t)t * h->N + j];
    return sum;
}

static double shared_weight(const struct route_host *h, int t)
{
    double sum = 0;
    for (int j = 0; j < h->M; j++) sum += h->side_gate[(size_t)t * h->M + j];
    return sum;
}

static void unimoe_measure(const struct route_host *h, int metric, double *to)
{
    switch ((enum metric)metric) {
    case P_MASS:
        for (int t = 0; t < h->T; t++) to[t] = h->valid[t] ? host_mass(h, t) : NAN;
        break;
    case NULL_SHARE:
        *to = host_share(h, h->E, h->N);
        break;
    case SHARED_WEIGHT:
        *to = host_mean(h, shared_weight);
        break;
    case LOST_TO_NULL:
        *to = host_mean(h, lost_to_null);
        break;
    case K_DYNAMIC:
        for (int t = 0; t < h->T; t++) to[t] = h->valid[t] ? host_picks(h, t, 0, h->N) : NAN;
        break;
    }
}

static const char *const gates_words[] = {"paper", "released", NULL};
static const char *const estimator_words[] = {"off", "grin", NULL};

static bool unimoe_estimated(const double *knob)
{
    return knob[ESTIMATOR] != 0;
}

const struct router router_unimoe = {
    .name = "unimoe",
    .title = "Uni-MoE 2 (Top-P with nulls and shared experts)",
    .paper = "Li et al. 2025, arXiv 2511.12609; Liu et al. 2024, arXiv 2409.12136",
    .rule = "A token adds experts, most probable first, until it is p sure; one of them may be a "
            "null that does nothing, and small shared experts always help.",
    .formula = "P = softmax(W x), sorted;  S = first m with P₁ + … + Pₘ ≥ p;  g = softmax of "
               "(W x, Wₛ x) over S and all shared",
    .family = FAMILY_NULL,
    .needs = NEEDS_NOISE,
    .softmax = true,
    .ordered = true,
    .side = "shared_logits",
    .shared = unimoe_shared,
    .steer = {{"p", false}, {"entropy_price", true}},
    .knobs = {[P] = {.name = "p",
                     .max = 1,
                     .start = .9,
                     .paper = .7,
                     .help = "confidence at which a token stops adding experts; 0: one, 1: all"},
              [NULLS] = {.name = "nulls",
                         .kind = OPTION_INT,
                         .max = 3,
                         .start = 1,
                         .paper = 1,
                         .unit = "slots",
                         .flags = OPTION_SHAPES,
                         .help = "slots that can be taken like experts and do nothing"},
              [SHARED] = {.name = "shared",
                          .kind = OPTION_INT,
                          .max = 2,
                          .start = 1,
                          .paper = 2,
                          .unit = "experts",
                          .flags = OPTION_SHAPES,
                          .help = "small experts that every token uses, with gates of their own"},
              [SHARED_WIDTH] = {.name = "shared_width",
                                .min = .125,
                                .max = 1,
                                .start = .5,
                                .paper = .5,
                                .unit = "x expert width",
                                .flags = OPTION_SHAPES,
                                .help = "width of a shared expert"},
              [AUX] = KNOB_AUX(.025, .025),
              [GATES] = {.name = "gates",
                         .kind = OPTION_CHOICE,
                         .words = gates_words,
                         .help = "paper: one softmax over picks and shared; released: the code's "
                                 "band weights, equal unless two scores are near"},
              [ESTIMATOR] = {.name = "estimator",
                             .kind = OPTION_CHOICE,
                             .words = estimator_words,
                             .paper = 1,
                             .help = "grin: training draws among near scores and scales by their "
                                     "probability"},
              [BAND] = {.name = "band",
                        .max = .1,
                        .start = .02,
                        .paper = .02,
                        .help = "how near, relative to size, two scores count as near"},
              [ANSWER_WEIGHT] = {.name = "answer_weight",
                                 .min = 1,
                                 .max = 10,
                                 .start = 1,
                                 .paper = 10,
                                 .help = "what a token of the answer counts in aux, where a data "
                                         "set knows answers"},
              [JITTER] = {.name = "jitter",
                          .max = .05,
                          .paper = .01,
                          .help = "noise on what the router sees in training, up to this share"},
              KNOB_ENTROPY_PRICE(.1),
              KNOB_Z,
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {[W] = PARAM_W,
               [W_SHARED] = {.name = "w_shared",
                             .shape = {DIM_KNOB, DIM_D},
                             .knob = SHARED,
                             .matrix = true,
                             .start = START_NORMAL,
                             .scale = .02}},
    .kept = {[PICKED] = {.name = "picked", .shape = {DIM_N}},
             [SCRATCH] = {.name = "scratch", .shape = {DIM_N}},
             [WEIGHT] = {.name = "weight", .shape = {DIM_N}},
             [RATE] = {.name = "rate", .shape = {DIM_N}},
             [DRATE] = {.name = "drate", .shape = {DIM_N}},
             [LEFT] = {.name = "left", .shape = {DIM_N}}},
    .losses = {{"aux", .knob = "aux", .form = "picked"},
               {"entropy", .knob = "entropy_price"},
               {"z", .knob = "z"}},
    .metrics = {[P_MASS] = {"p_mass", NULL, "probability of the columns taken", METRIC_PER_TOKEN},
                [NULL_SHARE] = {"null_share", NULL, "share of the picks that are nulls",
                                METRIC_SCALAR},
                [SHARED_WEIGHT] = {"shared_weight", NULL, "weight of the shared experts' answers",
                                   METRIC_SCALAR},
                [LOST_TO_NULL] = {"lost_to_null", NULL, "weight that went to nulls and is gone",
                                  METRIC_SCALAR},
                [K_DYNAMIC] = {"k_dynamic", "experts", "columns taken, nulls too",
                               METRIC_PER_TOKEN}},
    .slots = unimoe_slots,
    .logits = unimoe_logits,
    .logits_back = unimoe_logits_back,
    .select = unimoe_select,
    .weigh = unimoe_weigh,
    .load = unimoe_load,
    .backward = unimoe_backward,
    .estimated = unimoe_estimated,
    .measure = unimoe_measure,
    .blind = unimoe_blind,
};
