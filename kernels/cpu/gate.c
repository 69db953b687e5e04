/* Masks and gates of any router, and the losses on columns. Rows are short (N columns) and there is
 * one a token: threads share the rows; sums over them run in order, in double. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#include <float.h>

#define ROWS 128 /* of a unit */

struct gate {
    float *y;
    const float *a, *b;
    int32_t *mask;
    const int32_t *taken, *valid, *counts;
    double p;
    float c;
    int k, N, E;
    bool add, or_equal;
};

/* ---- masks */
static bool all_finite(const float *x, int n)
{
    bool finite = true;
    for (int i = 0; i < n; i++) finite &= fabsf(x[i]) <= FLT_MAX;
    return finite;
}

void OP(clean_rows)(struct kn_backend *be, struct kn_buf y, struct kn_ints valid,
                    struct kn_ints bad, struct kn_buf x, struct kn_ints padding, int T, int N)
{
    int32_t lost = 0;
    (void)be;
    for (int t = 0; t < T; t++) {
        const float *from = KN_F32(x) + (size_t)t * N;
        float *to = KN_F32(y) + (size_t)t * N;
        bool real = !padding.at || KN_I32(padding)[t] == 1, finite = all_finite(from, N);
        lost += real && !finite;
        KN_I32(valid)[t] = real && finite;
        for (int j = 0; j < N; j++) to[j] = real && finite ? from[j] : 0;
    }
    KN_I32(bad)[0] = lost;
}

/* The column with the largest score among those not taken yet; the lowest of equals; -1: none. */
static int next_best(const float *score, const int32_t *taken, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!taken[j] && (best < 0 || score[j] > score[best])) best = j;
    return best;
}

static void topk_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *score = g->a + (size_t)t * N;
        int32_t *mask = g->mask + (size_t)t * N;
        int want = !g->valid[t] ? 0 : g->counts ? g->counts[t] : g->k;
        for (int j = 0; j < N; j++) mask[j] = 0;
        for (int i = 0; i < want && i < N; i++) mask[next_best(score, mask, N)] = 1;
    }
}

void OP(topk_mask)(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, int k,
                   struct kn_ints counts, struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 10.0 * T * N * (k + 1), topk_some,
             &(struct gate){.mask = mask.at,
                            .a = score.at,
                            .k = k,
                            .counts = counts.at,
                            .valid = valid.at,
                            .N = N});
}

static void cumulative_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *prob = g->a + (size_t)t * N;
        int32_t *mask = g->mask + (size_t)t * N;
        double sum = 0;
        for (int j = 0; j < N; j++) mask[j] = 0;
        for (int i = 0; g->valid[t] && i < N; i++) {
            int j = next_best(prob, mask, N);
            mask[j] = 1;
            sum += prob[j];
            if (g->p < 1 && (g->or_equal ? sum >= g->p : sum > g->p)) break;
        }
    }
}

void OP(cumulative_mask)(struct kn_backend *be, struct kn_ints mask, struct kn_buf prob, double p,
                         bool or_equal, struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 40.0 * T * N, cumulative_some,
             &(struct gate){.mask = mask.at,
                            .a = prob.at,
                            .p = p,
                            .or_equal = or_equal,
                            .valid = valid.at,
                            .N = N});
}

/* ---- gates */
static void masked_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    (void)scratch;
    for (size_t i = (size_t)from * g->N; i < (size_t)to * g->N; i++) {
        float x = g->taken[i] ? g->a[i] : 0;
        g->y[i] = g->add ? g->y[i] + x : x;
    }
}

void OP(masked_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_buf prob,
                     struct kn_ints mask, int T, int N)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, masked_some,
             &(struct gate){.y = gate.at, .a = prob.at, .taken = mask.at, .N = N});
}

void OP(masked_gate_back)(struct kn_backend *be, struct kn_buf dprob, struct kn_buf dgate,
                          struct kn_ints mask, int T, int N, bool add)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, masked_some,
             &(struct gate){.y = dprob.at, .a = dgate.at, .taken = mask.at, .N = N, .add = add});
}

/* c x where taken, else minus infinity: its exp is 0. */
static inline vf score_of(const struct gate *g, const float *x, const int32_t *taken, int n)
{
    return vec_pick(vec_some_ints(taken, n) != 0, g->c * vec_some(x, n, 0), vec_all(-INFINITY));
}

static void normalised_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = g->a + (size_t)t * N;
        const int32_t *taken = g->taken + (size_t)t * N;
        float *y = g->y + (size_t)t * N;
        vf most = vec_all(-FLT_MAX),
           sum = {}; /* finite: a row with none taken becomes 0, not NaN */
        for (int j = 0; j < N; j += VL) most = vec_max(score_of(g, x + j, taken + j, N - j), most);
        float top = vec_top(most);
        for (int j = 0; j < N; j += VL) sum += vec_exp(score_of(g, x + j, taken + j, N - j) - top);
        float all = vec_sum(sum), scale = all == 0 ? 0 : 1 / all;
        for (int j = 0; j < N; j += VL)
            vec_put(y + j, scale * vec_exp(score_of(g, x + j, taken + j, N - j) - top), N - j);
    }
}

void OP(normalised_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_buf logits, double c,
                         struct kn_ints mask, int T, int N)
{
    cpu_each(be, T, ROWS, 30.0 * T * N, normalised_some,
             &(struct gate){.y = gate.at, .a = logits.at, .c = (float)c, .taken = mask.at, .N = N});
}

static void normalised_back_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *dgate = g->a + (size_t)t * N, *gate = g->b + (size_t)t * N;
        const int32_t *taken = g->taken + (size_t)t * N;
        float *y = g->y + (size_t)t * N;
        vf sum = {};
        for (int j = 0; j < N; j += VL) {
            vf part = vec_some(gate + j, N - j, 0) * vec_some(dgate + j, N - j, 0);
            sum += vec_pick(vec_some_ints(taken + j, N - j) != 0, part, (vf){});
        }
        float mean = vec_sum(sum);
        for (int j = 0; j < N; j += VL) {
            vf part = vec_some(gate + j, N - j, 0) * (vec_some(dgate + j, N - j, 0) - mean);
            part = vec_pick(vec_some_ints(taken + j, N - j) != 0, g->c * part, (vf){});
            if (g->add) part += vec_some(y + j, N - j, 0);
            vec_put(y + j, part, N - j);
        }
    }
}

void OP(normalised_gate_back)(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dgate,
                              struct kn_buf gate, double c, struct kn_ints mask, int T, int N,
                              bool add)
{
    cpu_each(be, T, ROWS, 10.0 * T * N, normalised_back_some,
             &(struct gate){.y = dlogits.at,
                            .a = dgate.at,
                            .b = gate.at,
                            .c = (float)c,
                            .taken = mask.at,
                            .N = N,
                            .add = add});
}

/* ---- losses on columns */
/* What a sum over the valid rows is multiplied by to be their mean: 0 where there is none. */
static double one_row(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += KN_I32(valid)[t] != 0;
    return rows ? 1.0 / rows : 0;
}

void OP(column_load)(struct kn_backend *be, struct kn_buf f, struct kn_ints mask, int T, int N,
                     int E)
{
    int32_t *count = (int32_t *)((struct cpu *)be)->common;
    const int32_t *taken = KN_I32(mask);
    double sum = 0;
    for (int e = 0; e < E; e++) count[e] = 0;
    for (size_t i = 0; i < (size_t)T * N; i += N)
        for (int e = 0; e < E; e++) count[e] += taken[i + e];
    for (int e = 0; e < E; e++) sum += count[e];
    for (int e = 0; e < N; e++)
        KN_F32(f)[e] = e < E && sum > 0 ? (float)(count[e] * (double)E / sum) : 0;
}

void OP(column_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, struct kn_buf f,
                     struct kn_ints valid, int T, int N)
{
    double sum = 0;
    (void)be;
    for (int t = 0; t < T; t++) {
        const float *row = KN_F32(a) + (size_t)t * N;
        float part = 0;
        if (!KN_I32(valid)[t]) continue;
        for (int j = 0; j < N; j++) part += KN_F32(f)[j] * row[j];
        sum += part;
    }
    KN_F32(loss)[0] = (float)(sum * one_row(valid, T));
}

void OP(column_loss_back)(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf f,
                          struct kn_ints valid, int T, int N)
{
    float each = (float)(c * one_row(valid, T));
    (void)be;
    for (int t = 0; t < T; t++) {
        float *row = KN_F32(da) + (size_t)t * N;
        if (!KN_I32(valid)[t]) continue;
        for (int j = 0; j < N; j++) row[j] += each * KN_F32(f)[j];
    }
}

static void log_sum_exp_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    (void)scratch;
    for (int t = from; t < to; t++)
        g->y[t] = g->valid[t] ? row_log_sum_exp(g->a + (size_t)t * g->N, g->N) : 0;
}

void OP(z_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf logits,
                struct kn_ints valid, int T, int N)
{
    float *lse = ((struct cpu *)be)->common;
    double sum = 0;
    for (int first = 0; first < T; first += (int)CPU_SCRATCH) {
        int rows = (int)cpu_min(CPU_SCRATCH, T - first);
        cpu_each(be, rows, ROWS, 30.0 * rows * N, log_sum_exp_some,
                 &(struct gate){.y = lse,
                                .a = KN_F32(logits) + (size_t)first * N,
                                .valid = KN_I32(valid) + first,
                                .N = N});
        for (int t = 0; t < rows; t++) sum += (double)lse[t] * lse[t];
    }
    KN_F32(loss)[0] = (float)(sum * one_row(valid, T));
}

static void z_loss_back_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    for (int t = from; t < to; t++) {
        const float *x = g->a + (size_t)t * N;
        if (!g->valid[t]) continue;
        float top = row_top(x, N, 1), sum = row_exp(scratch, x, N, 1, top);
        row_axpy(g->y + (size_t)t * N, g->c * 2 * (top + logf(sum)) / sum, scratch, N);
    }
}

void OP(z_loss_back)(struct kn_backend *be, struct kn_buf dlogits, double c, struct kn_buf logits,
                     struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 30.0 * T * N, z_loss_back_some,
             &(struct gate){.y = dlogits.at,
                            .a = logits.at,
                            .c = (float)(c * one_row(valid, T)),
                            .valid = valid.at,
                            .N = N});
}

/* The slots' columns together. */
static float slots_sum(const float *prob, int N, int E)
{
    float sum = 0;
    for (int j = E; j < N; j++) sum += prob[j];
    return sum;
}

void OP(entropy_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf prob,
                      struct kn_ints valid, int T, int N, int E)
{
    double sum = 0;
    (void)be;
    for (int t = 0; t < T; t++) {
        const float *row = KN_F32(prob) + (size_t)t * N;
        float part = 0;
        for (int j = 0; KN_I32(valid)[t] && j < N && j <= E; j++) {
            float q = j < E ? row[j] : slots_sum(row, N, E);
            if (q > 0) part -= q * logf(q);
        }
        sum += part;
    }
    KN_F32(loss)[0] = (float)(sum * one_row(valid, T));
}

static void entropy_back_some(const void *job, int from, int to, float *scratch)
{
    const struct gate *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *row = g->a + (size_t)t * N;
        float *to_row = g->y + (size_t)t * N;
        if (!g->valid[t]) continue;
        float slots = g->E < N ? logf(fmaxf(slots_sum(row, N, g->E), FLT_MIN)) : 0;
        for (int j = 0; j < N; j++)
            to_row[j] -= g->c * ((j < g->E ? logf(fmaxf(row[j], FLT_MIN)) : slots) + 1);
    }
}

void OP(entropy_loss_back)(struct kn_backend *be, struct kn_buf dprob, double c, struct kn_buf prob,
                           struct kn_ints valid, int T, int N, int E)
{
    cpu_each(be, T, ROWS, 30.0 * T * N, entropy_back_some,
             &(struct gate){.y = dprob.at,
                            .a = prob.at,
                            .c = (float)(c * one_row(valid, T)),
                            .valid = valid.at,
                            .N = N,
                            .E = E});
}
