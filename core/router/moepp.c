/* core/router/moepp.c - Beside the experts stand slots that throw a token away (zero), leave it as
 * it is (copy) or replace it (constant); a loss with a factor says how often.
 * Source: Jin et al. 2024, arXiv 2410.07348. `paper` gates are its eq 1; `released` and `mixtral`
 * are those of the code released with it, whose zero expert gets gate 0 in the first. The router's
 * logits take in those of the layer before (eq 6). Ours: w_prev and v start small, and a row whose
 * deviation is 0 is not divided by it. */
#include "core/router/common.h"

enum knob {
    K,
    CONSTANTS,
    COPIES,
    ZEROS,
    TAU,
    AUX,
    GATES,
    RESIDUAL,
    DETACH,
    INPUT_SCALE,
    STANDARDISE,
    ROUTER
};
enum gates { PAPER, RELEASED, MIXTRAL };
enum param { W, W_PREV, V, C, W1 };
enum kept { STANDARD, DEVIATION, MIX, HIDDEN, DHIDDEN };
enum metric {
    FFN_SHARE,
    CONSTANT_SHARE,
    COPY_SHARE,
    ZERO_SHARE,
    FFN_PREDICTED,
    CONSTANT_MIX,
    MAX_LOGIT
};

static const char *const gates_words[] = {"paper", "released", "mixtral", NULL};
static const char *const router_words[] = {"linear", "mlp", NULL};

static int moepp_slots(const double *knob, int E, struct slot_run runs[4])
{
    (void)E;
    runs[0] = (struct slot_run){SLOT_CONSTANT, (int)knob[CONSTANTS], "constant"};
    runs[1] = (struct slot_run){SLOT_COPY, (int)knob[COPIES], "copy"};
    runs[2] = (struct slot_run){SLOT_ZERO, (int)knob[ZEROS], "zero"};
    return 3;
}

/* First column of the slots of a kind, and one past them. */
static int columns(const double *knob, int E, enum slot_kind kind, int *last)
{
    struct slot_run runs[4];
    int count = moepp_slots(knob, E, runs), first = E, i = 0;
    while (i + 1 < count && runs[i].kind != kind) first += runs[i++].count;
    *last = first + runs[i].count;
    return first;
}

/* ---- logits ---- */
static bool follows(const struct route *r)
{
    return r->prev.at && r->matrix[W_PREV].w.at && r->knob[RESIDUAL] != 0;
}

static size_t hidden_cells(const struct route *r)
{
    return (size_t)r->T * 8 * r->N;
}

/* G = W x + W_prev G_prev, or W tanh(W1 x) + the same. dlogits is free until the way back. */
static void moepp_logits(struct route *r)
{
    size_t cells = (size_t)r->T * r->N;
    if (r->knob[ROUTER] != 0) {
        kn_linear(r->be, r->kept[HIDDEN], r->x, &r->matrix[W1], r->T);
        kn_tanh(r->be, r->kept[HIDDEN], r->kept[HIDDEN], hidden_cells(r));
        kn_linear(r->be, r->logits, r->kept[HIDDEN], &r->w, r->T);
    } else {
        kn_linear(r->be, r->logits, r->x, &r->w, r->T);
    }
    if (!follows(r)) return;
    kn_linear(r->be, r->dlogits, r->prev, &r->matrix[W_PREV], r->T);
    kn_add(r->be, r->logits, r->logits, r->dlogits, cells);
}

static void hidden_back(struct route *r)
{
    kn_linear_back_w(r->be, r->dparam[W], r->dlogits, r->kept[HIDDEN], &r->w, r->T);
    kn_linear_back_x(r->be, r->kept[DHIDDEN], r->dlogits, &r->w, r->T, false);
    kn_tanh_back(r->be, r->kept[DHIDDEN], r->kept[DHIDDEN], r->kept[HIDDEN], hidden_cells(r));
    kn_linear_back_w(r->be, r->dparam[W1], r->kept[DHIDDEN], r->x, &r->matrix[W1], r->T);
    if (r->dx.at) kn_linear_back_x(r->be, r->dx, r->kept[DHIDDEN], &r->matrix[W1], r->T, true);
}

static void moepp_logits_back(struct route *r)
{
    if (r->knob[ROUTER] != 0) {
        hidden_back(r);
    } else {
        kn_linear_back_w(r->be, r->dparam[W], r->dlogits, r->x, &r->w, r->T);
        if (r->dx.at) kn_linear_back_x(r->be, r->dx, r->dlogits, &r->w, r->T, true);
    }
    if (follows(r))
        kn_linear_back_w(r->be, r->dparam[W_PREV], r->dlogits, r->prev, &r->matrix[W_PREV], r->T);
    if (!r->dprev.at) return;
    if (follows(r) && r->knob[DETACH] == 0)
        kn_linear_back_x(r->be, r->dprev, r->dlogits, &r->matrix[W_PREV], r->T, false);
    else
        kn_zero(r->be, r->dprev, (size_t)r->T * r->N);
}

static double moepp_flops(const struct route *r)
{
    double N = r->N, D = r->D;
    double own = r->knob[ROUTER] != 0 ? 2 * 8 * N * (D + N) : 2 * D * N;
    return own + (follows(r) ? 2 * N * N : 0);
}

/* ---- gates ---- */
static struct kn_buf moepp_scaled(struct route *r)
{
    if (r->knob[STANDARDISE] == 0) return r->logits;
    kn_standardise_rows(r->be, r->kept[STANDARD], r->kept[DEVIATION], r->logits, r->T, r->N);
    return r->kept[STANDARD];
}

static void moepp_scaled_back(struct route *r)
{
    if (r->knob[STANDARDISE] != 0)
        kn_standardise_rows_back(r->be, r->dlogits, r->dlogits, r->kept[STANDARD],
                                 r->kept[DEVIATION], r->T, r->N);
}

static void moepp_select(struct route *r)
{
    common_take_best(r, (int)r->knob[K]);
}

/* The picks that gates are renormalised over: `released` leaves the zero slots out. */
static struct kn_ints shared_among(struct route *r)
{
    int last, first = columns(r->knob, r->E, SLOT_ZERO, &last);
    if (r->knob[GATES] == MIXTRAL) return r->mask;
    kn_mask_without(r->be, r->part, r->mask, first, last - first, r->T, r->N);
    return r->part;
}

static void moepp_weigh(struct route *r)
{
    if (r->knob[GATES] == PAPER)
        common_gate(r, false);
    else
        common_gate_over(r, r->knob[STANDARDISE] != 0 ? r->kept[STANDARD] : r->logits,
                         shared_among(r));
}

static void moepp_backward(struct route *r)
{
    if (r->knob[GATES] == PAPER)
        common_gate_back(r, false);
    else
        common_gate_over_back(r, shared_among(r));
}

/* ---- balance ---- */
/* Eq 7: the share of the tokens that picked the column, for slots times tau. */
static void moepp_load(struct route *r)
{
    struct kn_groups by = {.width = 1, .slots = 1, .c = 1, .c_slots = r->knob[TAU]};
    kn_group_load(r->be, r->load, r->mask, r->valid, &by, r->T, r->N, r->E);
}

/* Eq 8, with the paper's T read as assignments: as tokens it would drop half of two picks each. */
static void moepp_drop(struct route *r, double capacity, bool by_position)
{
    double tau = r->knob[TAU], slot = capacity / (tau * r->E + r->S);
    kn_room_drop(r->be, r->mask, r->gate, r->dropped, tau * slot, slot, by_position, r->T, r->N,
                 r->E);
}

/* ---- what it tells ---- */
static bool moepp_blind(const struct route_host *h, int t)
{
    int last, first = columns(h->knob, h->E, SLOT_ZERO, &last);
    int zeros = host_picks(h, t, first, last), others = host_picks(h, t, 0, h->N) - zeros;
    bool renormalised = h->knob[GATES] != PAPER;
    if (others == 0) return true; /* zero slots say nothing */
    return renormalised && others == 1 && (zeros == 0 || h->knob[GATES] == RELEASED);
}

static double max_logit(const struct route_host *h)
{
    double most = NAN;
    for (int t = 0; t < h->T; t++)
        for (int j = 0; h->valid[t] && j < h->N; j++)
            most = fmax(most, fabsf(h->logits[(size_t)t * h->N + j])); /* fmax passes NaN by */
    return most;
}

/* By column: the share of the token in what a constant slot says. */
static void moepp_look(struct route *r, double *to)
{
    int last, first = columns(r->knob, r->E, SLOT_CONSTANT, &last);
    for (int j = 0; j < r->N; j++) to[j] = NAN;
    if (first == last || !r->x.at || r->T == 0) return;
    kn_constant_mix(r->be, r->kept[MIX], r->x, r->knob[INPUT_SCALE], r->mask, r->param[C], first,
                    last - first, r->T, r->N, r->D);
    kn_read(r->be, to + first, r->kept[MIX], (size_t)(last - first));
}

static void moepp_measure(const struct route_host *h, int metric, double *to)
{
    static const enum slot_kind kind[] = {
        [CONSTANT_SHARE] = SLOT_CONSTANT, [COPY_SHARE] = SLOT_COPY, [ZERO_SHARE] = SLOT_ZERO};
    double tau = h->knob[TAU];
    int last, first;
    switch ((enum metric)metric) {
    case FFN_SHARE:
        *to = host_share(h, 0, h->E);
        break;
    case CONSTANT_SHARE:
    case COPY_SHARE:
    case ZERO_SHARE:
        first = columns(h->knob, h->E, kind[metric], &last);
        *to = host_share(h, first, last);
        break;
    case FFN_PREDICTED:
        *to = h->knob[K] * tau * h->E / (tau * h->E + h->N - h->E);
        break;
    case CONSTANT_MIX:
        for (int j = 0; j < h->N; j++) to[j] = h->look[j];
        break;
    case MAX_LOGIT:
        *to = max_logit(h);
        break;
    }
}

#define SLOTS(name_, count_, help_)                                                                \
    {                                                                                              \
        .name = name_, .kind = OPTION_INT, .max = 1, .start = count_, .paper = count_,             \
        .unit = "slots", .flags = OPTION_MAX_E | OPTION_SHAPES, .help = help_                      \
    }

const struct router router_moepp = {
    .name = "moepp",
    .title = "MoE++ (zero, copy, constant)",
    .paper = "Jin et al. 2024, arXiv 2410.07348",
    .rule = "Beside the experts stand slots that drop a token, leave it or replace it; a price "
            "per kind says how often.",
    .formula =
        "S = the k largest of G = W x + W′ G′ over experts and slots;  g = softmax(G) over S",
    .family = FAMILY_NULL,
    .needs = NEEDS_PREV_LOGITS,
    .softmax = true,
    .input_scale = 1 + INPUT_SCALE,
    .hidden = 1 + ROUTER,
    .ordered = true,
    .steer = {{"tau", false}, {"aux", false}},
    .knobs = {[K] = KNOB_PICKS(4, 2, "slots"),
              [CONSTANTS] = SLOTS("constants", 2, "slots that replace the token by a learned one"),
              [COPIES] = SLOTS("copies", 1, "slots that give the token back"),
              [ZEROS] = SLOTS("zeros", 1, "slots that give nothing"),
              [TAU] = {.name = "tau",
                       .min = .01,
                       .max = 2,
                       .start = .75,
                       .paper = .75,
                       .flags = OPTION_LOG,
                       .help = "what a slot's load weighs in aux beside an expert's: less of it "
                               "means fewer experts"},
              [AUX] = KNOB_AUX(.1, .01),
              [GATES] = {.name = "gates",
                         .kind = OPTION_CHOICE,
                         .words = gates_words,
                         .help = "probabilities (paper); zero's is 0 and the rest sum to 1 "
                                 "(released); all picks sum to 1 (mixtral)"},
              [RESIDUAL] = {.name = "residual",
                            .kind = OPTION_SWITCH,
                            .max = 1,
                            .start = 1,
                            .paper = 1,
                            .help = "on: a layer's router sees the logits of the layer before"},
              [DETACH] = {.name = "detach",
                          .kind = OPTION_SWITCH,
                          .max = 1,
                          .flags = OPTION_OURS,
                          .help = "on: what a layer learns does not reach the router before it"},
              [INPUT_SCALE] = {.name = "input_scale",
                               .min = 1,
                               .max = 2,
                               .start = 1,
                               .paper = 1,
                               .help = "what experts and slots see is multiplied by this; the "
                                       "released code: 2"},
              [STANDARDISE] = {.name = "standardise",
                               .kind = OPTION_SWITCH,
                               .max = 1,
                               .help = "on: logits are divided by their deviation in the token"},
              [ROUTER] = {.name = "router",
                          .kind = OPTION_CHOICE,
                          .flags = OPTION_SHAPES,
                          .words = router_words,
                          .help =
                              "logits by one matrix, or by two with tanh between (as released)"},
              KNOB_ENTROPY_PRICE(.05),
              KNOB_Z,
              KNOB_CAPACITY(1.1),
              KNOB_DROP},
    .params = {[W] = {.name = "w", .shape = {DIM_N, DIM_IN}, .start = START_NORMAL, .scale = .02},
               [W_PREV] = {.name = "w_prev",
                           .shape = {DIM_N, DIM_N},
                           .start = START_ZERO,
                           .later = true,
                           .matrix = true},
               [V] = {.name = "v",
                      .shape = {DIM_KNOB, DIM_D},
                      .knob = CONSTANTS,
                      .start = START_NORMAL,
                      .scale = .02,
                      .spoken = true},
               [C] = {.name = "c",
                      .shape = {DIM_KNOB, DIM_2, DIM_D},
                      .knob = CONSTANTS,
                      .start = START_NORMAL,
                      .scale = .02,
                      .spoken = true},
               [W1] = {.name = "w1",
                       .shape = {DIM_HIDDEN, DIM_D},
                       .start = START_NORMAL,
                       .scale = .02,
                       .only = "router",
                       .matrix = true}},
    .kept = {[STANDARD] = {.name = "standard", .shape = {DIM_N}},
             [DEVIATION] = {.name = "deviation", .shape = {DIM_1}},
             [MIX] = {.name = "mix", .shape = {DIM_S}},
             [HIDDEN] = {.name = "hidden", .shape = {DIM_HIDDEN}, .only = "router"},
             [DHIDDEN] = {.name = "dhidden", .shape = {DIM_HIDDEN}, .only = "router"}},
    .losses = {{"aux", .knob = "aux"}, {"z", .knob = "z"}, {"entropy", .knob = "entropy_price"}},
    .metrics = {[FFN_SHARE] = {"ffn_share", NULL, "share of the picks that are experts",
                               METRIC_PER_LAYER},
                [CONSTANT_SHARE] = {"constant_share", NULL,
                                    "share of the picks that replace the token", METRIC_PER_LAYER},
                [COPY_SHARE] = {"copy_share", NULL, "share of the picks that leave the token",
                                METRIC_PER_LAYER},
                [ZERO_SHARE] = {"zero_share", NULL, "share of the picks that drop the token",
                                METRIC_PER_LAYER},
                [FFN_PREDICTED] = {"ffn_predicted", "experts",
                                   "experts per token where aux alone decides: k τ E / (τ E + S)",
                                   METRIC_SCALAR},
                [CONSTANT_MIX] = {"constant_mix", NULL,
                                  "share of the token itself in what a constant slot says",
                                  METRIC_PER_COLUMN},
                [MAX_LOGIT] = {"max_logit", NULL, "largest size of a logit", METRIC_PER_LAYER}},
    .slots = moepp_slots,
    .logits = moepp_logits,
    .logits_back = moepp_logits_back,
    .flops = moepp_flops,
    .scaled = moepp_scaled,
    .scaled_back = moepp_scaled_back,
    .select = moepp_select,
    .weigh = moepp_weigh,
    .load = moepp_load,
    .drop = moepp_drop,
    .backward = moepp_backward,
    .look = moepp_look,
    .measure = moepp_measure,
    .blind = moepp_blind,
};
