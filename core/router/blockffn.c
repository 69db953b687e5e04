/* core/router/blockffn.c - A ReLU decides which experts are on, a norm behind it how strong they
 * are; two losses make neighbouring tokens, and all tokens of a chunk, agree on few experts.
 * Source: Song et al. 2025, arXiv 2507.08771, and its code where that is more exact. The target,
 * held by ReMoE's controller on an L1, is ours: the method itself has none. */
#include "core/balance/pressure.h"
#include "core/router/relu.h"

#include <string.h>

enum knob { TARGET, LOCALITY, CHUNK, LENGTH, SHARPNESS, NORM, ADAPT, ADAPT_EVERY };
enum param { W, SCALE };
enum state { LAMBDA, CHUNK_WEIGHT, WINDOW };
enum kept { NUMBERS = RELU_NUMBERS, INVERSE };
enum metric { TLS, CLS, CLS_LENGTH, REUSE, UNION, GATE_STRENGTH, METRIC_CHUNK_WEIGHT };
enum { CLS_WINDOW = 8, FIRST_WINDOWS = 10 };

#define CHUNK_LEAST 1.025 /* a ratio over 1 is at least this */
#define CHUNK_MOST 4      /* times the knob `chunk`, is the weight at most */

extern const struct pressure pressure_chunk;

static const char *const norm_words[] = {"rms", "none", "sum", NULL};

/* ---- gates */
/* 1 / root mean square of each row of score. */
static struct kn_buf inverse(const struct route *r)
{
    return r->kept[INVERSE];
}

static void blockffn_weigh(struct route *r)
{
    if (r->knob[NORM] == RELU_RMS)
        kn_rmsnorm(r->be, r->prob, inverse(r), r->score, r->param[SCALE], r->T, r->N);
    else if (r->knob[NORM] == RELU_SUM)
        kn_row_share(r->be, r->prob, r->score, KN_SHARE_EPS, r->T, r->N);
    else
        kn_copy(r->be, r->prob, r->score, (size_t)r->T * r->N);
    kn_masked_gate(r->be, r->gate, r->prob, r->mask, r->T, r->N);
}

static void blockffn_backward(struct route *r)
{
    struct kn_buf to = r->knob[NORM] == RELU_NONE ? r->dlogits : r->dprob;
    kn_masked_gate_back(r->be, to, r->dgate, r->mask, r->T, r->N, false);
    if (r->knob[NORM] == RELU_RMS)
        kn_rmsnorm_back(r->be, r->dlogits, r->dparam[SCALE], r->dprob, r->score, inverse(r),
                        r->param[SCALE], r->T, r->N, false);
    if (r->knob[NORM] == RELU_SUM)
        kn_row_share_back(r->be, r->dlogits, r->dprob, r->prob, r->score, KN_SHARE_EPS, r->T, r->N);
    relu_backward(r);
}

/* One normalised pick has the same gate whatever its logit is. */
static bool blockffn_blind(const struct route_host *h, int t)
{
    return h->knob[NORM] != RELU_NONE && host_picks(h, t, 0, h->N) == 1;
}

/* ---- state */
/* The mean over all layers of the chunk loss. */
static struct kn_buf chunk_loss(struct route *r)
{
    struct kn_buf all = relu_number(r, RELU_CHUNK), one = relu_number(r, RELU_ONE);
    kn_zero(r->be, all, 1);
    for (const struct route *p = r; p; p = p->before) {
        struct route layer = *p;
        pressure_chunk.loss(&layer, one);
        kn_accumulate(r->be, all, 1.0 / r->layers, one, 1);
    }
    return all;
}

static void adapt(struct route *r, struct kn_buf active)
{
    const double *k = r->knob;
    const struct kn_ramp ramp = {.start = k[CHUNK],
                                 .least = CHUNK_LEAST,
                                 .most = CHUNK_MOST * k[CHUNK],
                                 .every = (int)k[ADAPT_EVERY],
                                 .first = FIRST_WINDOWS * (int)k[ADAPT_EVERY]};
    if (k[ADAPT] != 0 && r->document.at)
        kn_ratio_ramp(r->be, r->state[CHUNK_WEIGHT], r->state[WINDOW], chunk_loss(r), &ramp);
    else
        kn_toggle(r->be, r->state[CHUNK_WEIGHT], active, 0, 1, k[CHUNK], k[CHUNK]);
    relu_spread(r, CHUNK_WEIGHT);
    relu_spread(r, WINDOW);
}

static void blockffn_after_step(struct route *r)
{
    if (!relu_last(r)) return;
    struct kn_buf active = relu_active(r);
    relu_control(r, LAMBDA, active, r->knob[TARGET], RELU_ALPHA,
                 r->knob[TARGET] > 0 ? 0 : RELU_LAMBDA0);
    adapt(r, active);
}

/* ---- metrics */
/* Windows of `length` tokens of one document, its last one left out where it is shorter: how many
 * there are, and in how many of them each expert is on. */
static int windows(const struct route_host *h, int length, double *on)
{
    int count = 0, N = h->N;
    for (int j = 0; j < N; j++) on[j] = 0;
    for (int t = 0, first; h->document && t < h->T;) {
        bool used[COLUMNS_MAX] = {0}, whole = true;
        for (first = t; t < h->T && t < first + length; t++) {
            if (h->document[t] != h->document[first]) break;
            for (int j = 0; j < N; j++) used[j] |= h->mask[(size_t)t * N + j];
            whole &= h->valid[t];
        }
        if (t < first + length || !whole) continue;
        for (int j = 0; j < N; j++) on[j] += used[j];
        count++;
    }
    return count;
}

static double chunk_sparsity(const struct route_host *h, int length)
{
    double on[COLUMNS_MAX], sum = 0;
    int count = windows(h, length, on);
    for (int j = 0; j < h->N; j++) sum += on[j];
    return count ? 1 - sum / ((double)count * h->N) : NAN;
}

static double reuse(const struct route_host *h)
{
    double sum = 0;
    int tokens = 0, N = h->N;
    for (int t = 0; h->document && t + 1 < h->T; t++) {
        const int32_t *now = h->mask + (size_t)t * N, *next = now + N;
        int own = 0, both = 0;
        if (!h->valid[t] || !h->valid[t + 1] || h->document[t] != h->document[t + 1]) continue;
        for (int j = 0; j < N; j++) own += now[j], both += now[j] && next[j];
        if (own) sum += (double)both / own, tokens++;
    }
    return tokens ? sum / tokens : NAN;
}

static double strength(const struct route_host *h)
{
    double sum = 0, picks = 0;
    for (size_t i = 0; i < (size_t)h->T * h->N; i++)
        if (h->mask[i]) sum += h->gate[i], picks++;
    return picks > 0 ? sum / picks : NAN;
}

static void blockffn_measure(const struct route_host *h, int metric, double *to)
{
    int count;
    switch ((enum metric)metric) {
    case TLS:
        *to = relu_sparsity(h);
        break;
    case CLS:
        *to = chunk_sparsity(h, CLS_WINDOW);
        break;
    case CLS_LENGTH:
        *to = chunk_sparsity(h, (int)h->knob[LENGTH]);
        break;
    case REUSE:
        *to = reuse(h);
        break;
    case UNION:
        count = windows(h, (int)h->knob[LENGTH], to);
        for (int j = 0; j < h->N; j++) to[j] = count ? to[j] / count : NAN;
        break;
    case GATE_STRENGTH:
        *to = strength(h);
        break;
    case METRIC_CHUNK_WEIGHT:
        *to = h->document ? h->state[CHUNK_WEIGHT][0] : NAN;
        break;
    }
}

const struct router router_blockffn = {
    .name = "blockffn",
    .title = "BlockFFN",
    .paper = "Song et al. 2025, arXiv 2507.08771",
    .rule = "Every expert with a positive logit is taken; a norm sets how strong, and neighbours "
            "are to share.",
    .formula = "a = relu(W x);  S = {e: aₑ > 0};  g = s · a / rms(a)",
    .arrival = RELU_ARRIVAL,
    .family = FAMILY_THRESHOLD,
    .needs = NEEDS_SEQUENCES,
    .steer = {{"target", false}},
    .knobs = {[TARGET] = {.name = "target",
                          .max = 1,
                          .start = 2,
                          .paper = 0,
                          .unit = "experts",
                          .flags = OPTION_MAX_E | OPTION_OURS,
                          .help =
                              "experts per token that an L1 is steered to; 0: no L1, no target"},
              [LOCALITY] = {.name = "locality",
                            .max = .02,
                            .start = 2e-3,
                            .paper = 2e-3,
                            .flags = OPTION_LOG,
                            .help = "how hard neighbours are asked for the same experts"},
              [CHUNK] = {.name = "chunk",
                         .max = 1,
                         .start = .05,
                         .paper = .05,
                         .flags = OPTION_LOG,
                         .help = "how hard a chunk is asked to share few experts, to begin with"},
              [LENGTH] = {.name = "length",
                          .kind = OPTION_INT,
                          .min = 2,
                          .max = 64,
                          .start = 8,
                          .paper = 64,
                          .unit = "tokens",
                          .help = "tokens of a chunk"},
              [SHARPNESS] = {.name = "sharpness",
                             .min = 1,
                             .max = 100,
                             .start = 10,
                             .paper = 100,
                             .help = "how sharply locality tells on from off"},
              [NORM] = {.name = "norm",
                        .kind = OPTION_CHOICE,
                        .words = norm_words,
                        .help = "gates: by their root mean square, as they are, or by their sum"},
              [ADAPT] = {.name = "adapt",
                         .kind = OPTION_SWITCH,
                         .max = 1,
                         .start = 1,
                         .paper = 1,
                         .help = "on: the weight of the chunk loss rises while that loss rises"},
              [ADAPT_EVERY] = {.name = "adapt_every",
                               .kind = OPTION_INT,
                               .min = 10,
                               .max = 1000,
                               .start = 50,
                               .paper = 100,
                               .unit = "steps",
                               .help = "steps between two changes of that weight; the first comes "
                                       "after ten times as many"},
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {[W] = PARAM_W, [SCALE] = {.name = "scale", .shape = {DIM_E}, .start = START_ONE}},
    .state = {[LAMBDA] =
                  {.name = "lambda", .shape = {DIM_1}, .start = START_VALUE, .scale = RELU_LAMBDA0},
              [CHUNK_WEIGHT] =
                  {.name = "chunk_weight", .shape = {DIM_1}, .start = START_KNOB, .knob = CHUNK},
              [WINDOW] = {.name = "window", .shape = {DIM_4}}},
    .kept = {[NUMBERS] = KEPT_NUMBERS, [INVERSE] = {.name = "inverse", .shape = {DIM_1}}},
    .losses = {{"locality", .knob = "locality"},
               {"chunk", .state = "chunk_weight"},
               {"l1", .state = "lambda"}},
    .metrics =
        {[TLS] = {"tls", NULL, "share of the experts that are off for a token", METRIC_SCALAR},
         [CLS] = {"cls", NULL, "share of the experts that are off for 8 tokens in a row",
                  METRIC_SCALAR},
         [CLS_LENGTH] = {"cls_length", NULL, "share that is off for a whole chunk", METRIC_SCALAR},
         [REUSE] = {"reuse", NULL, "share of a token's experts that the next one takes too",
                    METRIC_SCALAR},
         [UNION] = {"union", "experts", "share of chunks that need each expert", METRIC_PER_EXPERT},
         [GATE_STRENGTH] = {"gate_strength", NULL, "mean gate of an expert that is on",
                            METRIC_PER_LAYER},
         [METRIC_CHUNK_WEIGHT] = {"chunk_weight", NULL, "weight of the chunk loss", METRIC_SCALAR}},
    .score = relu_score,
    .select = relu_select,
    .weigh = blockffn_weigh,
    .backward = blockffn_backward,
    .after_step = blockffn_after_step,
    .measure = blockffn_measure,
    .blind = blockffn_blind,
};
