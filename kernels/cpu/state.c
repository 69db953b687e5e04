/* What routers keep outside the gradient, and the losses on what was taken and on a few rows: small
 * sums, in order, on the caller's thread. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define SHORTEST 1e-12f

static float inverse(const float *x, int n)
{
    float length = sqrtf(row_dot(x, x, n));
    return length < SHORTEST ? 0 : 1 / length;
}

static int taken_count(const int32_t *taken, int N)
{
    int count = 0;
    for (int n = 0; n < N; n++) count += taken[n];
    return count;
}

/* ---- losses on what was taken */
/* Picks of each column and their even shares, in the common memory; returns the rows served. */
static int shares(struct kn_backend *be, const int32_t *mask, int T, int N, double **picks)
{
    double *count = (double *)((struct cpu *)be)->common, *share = count + N;
    int rows = 0;
    for (int n = 0; n < N; n++) count[n] = share[n] = 0;
    for (int t = 0; t < T; t++, mask += N) {
        int K = taken_count(mask, N);
        rows += K > 0;
        for (int n = 0; K && n < N; n++) count[n] += mask[n], share[n] += mask[n] / (double)K;
    }
    *picks = count;
    return rows;
}

void OP(share_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask, int T, int N)
{
    double *picks, sum = 0;
    int rows = shares(be, KN_I32(mask), T, N, &picks);
    for (int n = 0; n < N; n++) sum += picks[n] * picks[N + n];
    KN_F32(loss)[0] = rows ? (float)(N * sum / ((double)rows * rows)) : 0;
}

void OP(share_loss_back)(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints mask,
                         int T, int N)
{
    double *picks;
    int rows = shares(be, KN_I32(mask), T, N, &picks);
    for (int t = 0; t < T && rows; t++) {
        const int32_t *taken = KN_I32(mask) + (size_t)t * N;
        float *to = KN_F32(da) + (size_t)t * N;
        int K = taken_count(taken, N);
        double mean = 0;
        for (int n = 0; n < N; n++) mean += taken[n] ? picks[n] / K : 0;
        for (int n = 0; K && n < N; n++)
            to[n] += (float)(c * N / ((double)rows * rows) * (picks[n] - mean) / K);
    }
}

void OP(taken_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask,
                    struct kn_ints valid, int T, int N)
{
    long picks = 0, rows = 0;
    (void)be;
    for (int t = 0; t < T; t++) {
        if (!KN_I32(valid)[t]) continue;
        picks += taken_count(KN_I32(mask) + (size_t)t * N, N);
        rows++;
    }
    KN_F32(loss)[0] = rows ? (float)((double)picks / (double)(rows * N)) : 0;
}

void OP(taken_loss_back)(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints valid,
                         int T, int N)
{
    int rows = 0;
    (void)be;
    for (int t = 0; t < T; t++) rows += KN_I32(valid)[t] != 0;
    float each = rows ? (float)(c / ((double)rows * N)) : 0;
    for (int t = 0; t < T; t++)
        for (int n = 0; KN_I32(valid)[t] && n < N; n++) KN_F32(da)[(size_t)t * N + n] += each;
}

/* ---- losses on rows of a matrix */
/* The rows that are on as unit vectors in the common memory, the others 0; behind them 1 / length.
 * Returns the square of the loss. */
static double overlaps(struct kn_backend *be, struct kn_buf w, struct kn_buf on, int N, int D)
{
    float *unit = ((struct cpu *)be)->common, *inv = unit + (size_t)N * D;
    double sum = 0;
    for (int i = 0; i < N; i++) {
        const float *row = KN_F32(w) + (size_t)i * D;
        bool in = !on.at || KN_F32(on)[i] != 0;
        inv[i] = in ? inverse(row, D) : 0;
        for (int j = 0; j < D; j++) unit[(size_t)i * D + j] = inv[i] * row[j];
        for (int k = 0; k < i; k++) {
            double cos = row_dot(unit + (size_t)i * D, unit + (size_t)k * D, D);
            sum += 2 * cos * cos;
        }
        sum += in && inv[i] == 0;
    }
    return sum;
}

void OP(overlap_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, struct kn_buf on,
                      int N, int D)
{
    KN_F32(loss)[0] = (float)sqrt(overlaps(be, w, on, N, D));
}

void OP(overlap_loss_back)(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w,
                           struct kn_buf on, int N, int D)
{
    double norm = sqrt(overlaps(be, w, on, N, D));
    const float *unit = ((struct cpu *)be)->common, *inv = unit + (size_t)N * D;
    if (norm < 1e-6) return;
    for (int i = 0; i < N; i++) {
        float *to = KN_F32(dw) + (size_t)i * D, along = 0;
        const float *self = unit + (size_t)i * D;
        for (int k = 0; k < N; k++) {
            const float *other = unit + (size_t)k * D;
            float cos = k == i ? 0 : row_dot(self, other, D);
            float g = (float)(2 * c / norm) * cos * inv[i];
            row_axpy(to, g, other, D);
            along += g * cos;
        }
        row_axpy(to, -along, self, D);
    }
}

void OP(length_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, int N, int D)
{
    double sum = 0;
    (void)be;
    for (int n = 0; n < N; n++) {
        const float *row = KN_F32(w) + (size_t)n * D;
        sum += sqrtf(row_dot(row, row, D));
    }
    KN_F32(loss)[0] = (float)(sum / N);
}

void OP(length_loss_back)(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w, int N,
                          int D)
{
    (void)be;
    for (int n = 0; n < N; n++) {
        const float *row = KN_F32(w) + (size_t)n * D;
        row_axpy(KN_F32(dw) + (size_t)n * D, (float)(c / N) * inverse(row, D), row, D);
    }
}

/* ---- a bias per column */
void OP(bias_step)(struct kn_backend *be, struct kn_buf bias, struct kn_buf load, struct kn_buf f,
                   const struct kn_bias_rule *o, int N, int E)
{
    float *b = bias.at, *l = load.at ? load.at : f.at;
    double sum = 0, mean = 0, drift = 0;
    (void)be;
    for (int n = 0; n < N; n++) sum += KN_F32(f)[n];
    if (sum == 0) return;
    for (int e = 0; e < E; e++) {
        if (load.at) l[e] = (float)(o->smooth * l[e] + (1 - o->smooth) * KN_F32(f)[e]);
        mean += l[e] / (double)E;
    }
    for (int e = 0; e < E; e++) {
        double d = o->target > 0 ? o->target - l[e] : (mean - l[e]) / mean;
        b[e] += (float)(o->rate * (o->sign ? (d > 1e-6) - (d < -1e-6) : d));
        drift += b[e] / (double)E;
    }
    for (int e = 0; e < E; e++) {
        if (o->zero_mean) b[e] -= (float)drift;
        if (o->limit > 0) b[e] = fminf(fmaxf(b[e], (float)-o->limit), (float)o->limit);
    }
}

/* ---- the roster */
static void record(const struct kn_roster *r, const float *x, const int32_t *mask,
                   const int32_t *valid, bool recording, int T, int N, int D)
{
    for (int n = 0; n < N; n++) {
        int picks = 0;
        for (int t = 0; t < T; t++) picks += mask[(size_t)t * N + n];
        KN_F32(r->age)[n] = picks ? 0 : KN_F32(r->age)[n] + 1;
        if (recording) KN_F32(r->used)[n] += (float)picks;
    }
    for (int t = 0; t < T && recording; t++) {
        if (!valid[t] || taken_count(mask + (size_t)t * N, N)) continue;
        KN_F32(r->orphans)[0]++;
        if (x) row_axpy(KN_F32(r->orphan_sum), 1, x + (size_t)t * D, D);
    }
}

/* The best place among those on, by lower age or higher use; the lowest of equals. */
static int best_on(const struct kn_roster *r, struct kn_buf by, bool lower, int N)
{
    const float *on = KN_F32(r->on), *v = KN_F32(by);
    int best = -1;
    for (int n = 0; n < N; n++)
        if (on[n] != 0 && (best < 0 || (lower ? v[n] < v[best] : v[n] > v[best]))) best = n;
    return best;
}

static void fire(const struct kn_roster *r, int N)
{
    int stays = best_on(r, r->used, false, N);
    if (stays < 0) return;
    if (KN_F32(r->used)[stays] == 0) stays = best_on(r, r->age, true, N);
    for (int n = 0; n < N; n++) {
        if (KN_F32(r->on)[n] == 0 || KN_F32(r->used)[n] > 0 || n == stays) continue;
        KN_F32(r->on)[n] = 0;
        KN_F32(r->fired)[0]++;
    }
}

/* -1..1 by a number's index: an integer hash. */
static float wobble(uint32_t i)
{
    i = (i ^ i >> 16) * 0x7feb352du;
    i = (i ^ i >> 15) * 0x846ca68bu;
    i ^= i >> 16;
    return (float)(i >> 8) * 0x1p-23f - 1;
}

static void inherit(const struct kn_stack *s, int from, int to)
{
    for (size_t i = 0; i < s->size; i++) {
        size_t at = (size_t)to * s->size + i;
        if (s->w.at) KN_F32(s->w)
        [at] = KN_F32(s->w)[(size_t)from * s->size + i] * (1 + .01f * wobble((uint32_t)at));
        KN_F32(s->m)[at] = KN_F32(s->v)[at] = 0;
    }
}

static void hire(const struct kn_roster *r, int N, int D)
{
    const float *sum = KN_F32(r->orphan_sum);
    float length = sqrtf(row_dot(sum, sum, D));
    int place = 0, busiest = best_on(r, r->used, false, N);
    while (place < N && KN_F32(r->on)[place] != 0) place++;
    if (place == N || !(length > 0)) return;
    KN_F32(r->on)[place] = 1;
    KN_F32(r->bound)[place] = 0;
    KN_F32(r->hired)[0]++;
    for (int j = 0; j < D; j++) KN_F32(r->w)[(size_t)place * D + j] = sum[j] / length;
    for (int i = 0; i < r->stacks; i++) inherit(&r->stack[i], busiest < 0 ? place : busiest, place);
}

void OP(roster_step)(struct kn_backend *be, const struct kn_roster *r, struct kn_buf x,
                     struct kn_ints mask, struct kn_ints valid, int T, int N, int D)
{
    float clock = ++KN_F32(r->clock)[0];
    record(r, x.at, mask.at, valid.at, clock > (float)(r->period / 2), T, N, D);
    if (clock < (float)r->period) return;
    fire(r, N);
    if (KN_F32(r->orphans)[0] > 0) hire(r, N, D);
    KN_F32(r->clock)[0] = KN_F32(r->orphans)[0] = 0;
    OP(zero)(be, r->used, (size_t)N);
    OP(zero)(be, r->orphan_sum, (size_t)D);
}
