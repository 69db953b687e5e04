/* core/router/adak.c - An allocator beside the router says how many experts a token deserves, the
 * router says which. The count is a discrete choice, so the allocator learns by PPO: was the token
 * predicted better or worse than with k experts for everyone?
 * Source: Yue et al. 2025, arXiv 2410.10456, equations 1 to 13. No code was published; clip and
 * gamma are not in the paper. Training it beside a model that trains as well, every few steps, is
 * our addition. */
#include "core/router/common.h"
#include "core/balance/pressure.h"

#include <math.h>

enum knob { K, LAMBDA, CLIP, GAMMA, EPOCHS, LR, DECAY, WARM, WARM_STEPS, EVERY, DECODE, MAX };
enum metric { COUNT_PROBABILITY, EXPECTED_COUNT, ADVANTAGE, REWARD, BASELINE_REWARD, CLIP_SHARE };
enum loss { POLICY, COUNT, IMITATE };
enum { DECODE_ARGMAX, DECODE_SAMPLE, DECODE_MEAN };
enum { WARM_NONE, WARM_K, WARM_P };
enum param { W, W_ALLOC };
enum kept { NOUGHT, SCRATCH }; /* zeros; the pressures' own */

static const char *const decode_words[] = {"argmax", "sample", "mean", NULL};
static const char *const warm_words[] = {"none", "k", "p", NULL};

/* ---- the choice ---- */
/* open = the counts 1..n of every valid row. */
static void open_counts(struct route *r, int n)
{
    kn_topk_mask(r->be, r->learning.open, r->kept[NOUGHT], n, (struct kn_ints){0}, r->valid, r->T,
                 r->M);
}

/* side_gate = the probability of each count. */
static void find_policy(struct route *r)
{
    open_counts(r, (int)r->knob[MAX]);
    kn_normalised_gate(r->be, r->side_gate, r->side, 1, r->learning.open, r->T, r->M);
}

static void adak_select(struct route *r)
{
    struct kn_buf none = {0};
    bool sample = r->training || r->knob[DECODE] == DECODE_SAMPLE;
    find_policy(r);
    if (sample) route_draw(r, 0, (size_t)r->T);
    kn_draw_count(r->be, r->learning.choice, r->side_gate, sample ? r->noise : none,
                  r->knob[DECODE] == DECODE_MEAN, r->valid, r->T, r->M);
    kn_topk_mask(r->be, r->mask, route_order(r), 0, r->learning.choice, r->valid, r->T, r->N);
}

static void adak_weigh(struct route *r)
{
    if (r->forced.at || r->counts.at) find_policy(r);
    kn_row_count(r->be, r->learning.choice, r->mask, r->T, r->N);
    common_gate(r, true);
}

static void adak_backward(struct route *r)
{
    common_gate_back(r, true);
}

static bool adak_blind(const struct route_host *h, int t)
{
    return host_lone_pick(h, t, true);
}

/* ---- learning ---- */
static int adak_baseline(const double *knob)
{
    return (int)knob[K];
}

static unsigned adak_phase(const double *knob, long age, bool alone)
{
    long warm = knob[WARM] == WARM_NONE ? 0 : (long)knob[WARM_STEPS];
    if (age < warm) return PHASE_PLAIN | PHASE_LEARN;
    bool due = alone || (age - warm) % (long)knob[EVERY] == 0;
    return due ? PHASE_BASELINE | PHASE_LEARN : 0;
}

static void add_pressure(struct route *r, int loss, double weight)
{
    pressure_of(r->router, loss)->back(r, weight);
}

static void update(struct route *r)
{
    struct route_learning *l = &r->learning;
    struct kn_adamw step = {.lr = r->knob[LR],
                            .b1 = .9,
                            .b2 = .95,
                            .eps = 1e-8,
                            .decay = r->knob[DECAY],
                            .step = (int)++l->updates};
    struct kn_weight *const w = &r->matrix[W_ALLOC];
    kn_linear_back_w(r->be, r->dparam[W_ALLOC], r->dside, r->x, w, r->T);
    kn_adamw(r->be, r->param[W_ALLOC], r->m[W_ALLOC], r->v[W_ALLOC], r->dparam[W_ALLOC], l->one,
             &step, (size_t)r->M * r->D);
    kn_repack(r->be, &w, 1);
}

static int adak_learn(struct route *r, unsigned phase)
{
    struct route_learning *l = &r->learning;
    bool warm = phase & PHASE_PLAIN;
    int epochs = warm ? 1 : (int)r->knob[EPOCHS];
    if (warm && r->knob[WARM] == WARM_P)
        kn_mass_match(r->be, r->state[0], r->prob, r->knob[K], r->valid, r->T, r->N);
    if (!warm) kn_log_pick(r->be, l->old, r->side_gate, l->choice, r->T, r->M);
    l->rewarded = l->remembered = !warm;
    for (int i = 0; i < epochs; i++) {
        if (i > 0) kn_linear(r->be, r->side, r->x, &r->matrix[W_ALLOC], r->T);
        if (i > 0) find_policy(r);
        kn_zero(r->be, r->dside, (size_t)r->T * r->M);
        if (warm) {
            add_pressure(r, IMITATE, 1);
        } else {
            add_pressure(r, POLICY, 1);
            add_pressure(r, COUNT, r->knob[LAMBDA]);
        }
        if (i + 1 == epochs && !warm) pressure_of(r->router, POLICY)->loss(r, r->loss[POLICY]);
        update(r);
    }
    l->rewarded = l->remembered = false;
    return epochs;
}

/* ---- what is shown ---- */
static void count_probability(const struct route_host *h, double *to)
{
    host_column_mean(h, h->side_gate, h->M, h->M, to);
}

static void adak_look(struct route *r, double *to)
{
    kn_read(r->be, to, r->learning.told, LEARN_TOLD);
}

static void adak_measure(const struct route_host *h, int metric, double *to)
{
    double probability[COLUMNS_MAX];
    if (metric >= ADVANTAGE) {
        *to = h->look[metric - ADVANTAGE];
    } else if (metric == COUNT_PROBABILITY) {
        count_probability(h, to);
    } else {
        count_probability(h, probability);
        *to = 0;
        for (int n = 0; n < h->M; n++) *to += (n + 1) * probability[n];
    }
}

const struct router router_adak = {
    .name = "adak",
    .title = "Ada-K (counts by a learnt allocator)",
    .paper = "Yue et al. 2025, arXiv 2410.10456",
    .rule = "A second dispatcher says how many experts a token gets, the first one which; it is "
            "paid for tokens that do better than with k for everyone, and pays for every expert.",
    .formula = "n ~ π = softmax(Wₐ x);  S = the n largest of z = W x;  g = softmax(z) over S;  "
               "reward: ln P(target) − the same with k",
    .arrival = "k experts for everyone while the allocator imitates, then it draws",
    .family = FAMILY_LEARNED_COUNT,
    .needs = NEEDS_BASELINE_PASS | NEEDS_NOISE,
    .softmax = true,
    .ordered = true,
    .side = "allocator_logits",
    .side_detached = true,
    .baseline = adak_baseline,
    .phase = adak_phase,
    .learn = adak_learn,
    .steer = {{"lambda", true}},
    .knobs = {[K] = KNOB_K(4, 2, OPTION_KEPT,
                           "experts that every token would take: what rewards are held against"),
              [LAMBDA] = {.name = "lambda",
                          .min = 1e-4,
                          .max = 1,
                          .start = .1,
                          .paper = 3e-3,
                          .unit = "nat/expert",
                          .flags = OPTION_LOG,
                          .help = "what an expert costs: more of it means fewer experts"},
              [CLIP] = {.name = "clip",
                        .min = .05,
                        .max = .4,
                        .start = .2,
                        .paper = OPTION_NO_PAPER,
                        .help = "how far one round of learning may move a choice's probability"},
              [GAMMA] = {.name = "gamma",
                         .min = .8,
                         .max = 1,
                         .start = 1,
                         .paper = OPTION_NO_PAPER,
                         .help = "how much of the reward is left for each layer further down"},
              [EPOCHS] = {.name = "epochs",
                          .kind = OPTION_INT,
                          .min = 1,
                          .max = 4,
                          .start = 2,
                          .paper = 2,
                          .help = "updates of the allocator from the same choices"},
              [LR] = {.name = "lr",
                      .max = 1,
                      .start = 1e-2,
                      .paper = 1e-3,
                      .flags = OPTION_LOG,
                      .help = "learning rate of the allocator"},
              [DECAY] =
                  {.name = "decay", .max = 1, .paper = .1, .help = "weight decay of the allocator"},
              [WARM] = {.name = "warm",
                        .kind = OPTION_CHOICE,
                        .words = warm_words,
                        .start = WARM_P,
                        .paper = WARM_P,
                        .help = "what the allocator imitates first: k, or as many as Top-P takes"},
              [WARM_STEPS] = {.name = "warm_steps",
                              .kind = OPTION_INT,
                              .max = 1000,
                              .start = 100,
                              .paper = OPTION_NO_PAPER,
                              .unit = "steps",
                              .help = "steps of imitating, with k experts for everyone"},
              [EVERY] = {.name = "every",
                         .kind = OPTION_INT,
                         .min = 1,
                         .max = 16,
                         .start = 4,
                         .paper = 1,
                         .unit = "steps",
                         .help =
                             "steps from one baseline pass to the next, while the model trains"},
              [DECODE] = {.name = "decode",
                          .kind = OPTION_CHOICE,
                          .words = decode_words,
                          .help = "the count in use: the likeliest, a drawn one, or the mean; "
                                  "training always draws"},
              [MAX] = {.name = "max",
                       .kind = OPTION_INT,
                       .min = 1,
                       .max = 1,
                       .start = 1,
                       .paper = 1,
                       .unit = "experts",
                       .flags = OPTION_MAX_E | OPTION_START_E | OPTION_PAPER_E,
                       .help = "most experts that the allocator may send"},
              KNOB_AUX(.2, 0),
              KNOB_ENTROPY_PRICE(.1),
              KNOB_Z,
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {[W] = PARAM_W,
               [W_ALLOC] = {.name = "w_alloc",
                            .shape = {DIM_E, DIM_D},
                            .start = START_ZERO,
                            .matrix = true,
                            .apart = true}},
    .kept = {[NOUGHT] = {.name = "nought", .shape = {DIM_N}},
             [SCRATCH] = {.name = "scratch", .shape = {DIM_N}}},
    .state = {{.name = "p_star", .shape = {DIM_1}, .start = START_ONE}},
    .losses = {[POLICY] = {.pressure = "policy"},
               [COUNT] = {"count", .form = "chosen"},
               [IMITATE] = {.pressure = "warm"},
               {"aux", .knob = "aux"},
               {"entropy", .knob = "entropy_price"},
               {"z", .knob = "z"}},
    .metrics = {[COUNT_PROBABILITY] = {"count_probability", NULL,
                                       "how likely the allocator sends 1, 2, 3 … experts",
                                       METRIC_PER_EXPERT},
                [EXPECTED_COUNT] = {"expected_count", "experts", "mean count of the allocator",
                                    METRIC_SCALAR},
                [ADVANTAGE] = {"advantage", "nat", "reward over the baseline's, newest learning",
                               METRIC_SCALAR},
                [REWARD] = {"reward", "nat", "log-probability of the targets with the counts drawn",
                            METRIC_SCALAR},
                [BASELINE_REWARD] = {"baseline_reward", "nat",
                                     "the same with k experts for everyone", METRIC_SCALAR},
                [CLIP_SHARE] = {"clip_share", NULL, "share of the choices that were held by clip",
                                METRIC_SCALAR}},
    .select = adak_select,
    .weigh = adak_weigh,
    .backward = adak_backward,
    .look = adak_look,
    .measure = adak_measure,
    .blind = adak_blind,
};
