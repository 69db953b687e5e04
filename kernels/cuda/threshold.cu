/* Routers that compare: cosines, squashed thresholds with their straight-through gradient, even and
 * sigmoid gates, and the losses that go with them; and losses on the rows of a small matrix. */
#include "kernels/cuda/cuda.h"

#define SHORTEST 1e-12f /* rows below have no direction */

/* 1 / length of a row, 0 for one without direction; one warp. */
static __device__ float inverse(const float *x, int n, int lane)
{
    float squares = 0;
    for (int j = lane; j < n; j += 32) squares += x[j] * x[j];
    float length = sqrtf(warp_sum(squares));
    return length < SHORTEST ? 0 : 1 / length;
}

/* to[r] = inverse length of row r of x[rows,D]. */
static void inverses(struct kn_backend *be, float *to, const float *x, int rows, int D,
                     const char *op)
{
    warps(
        be, rows,
        [=] __device__(int r, int lane) {
            float one = inverse(x + (size_t)r * D, D, lane);
            if (lane == 0) to[r] = one;
        },
        op);
}

/* ---- cosines: a dense product, divided by both lengths */
void cuda_cosine(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                 int T)
{
    int N = w->rows, D = w->cols;
    float *to = KN_F32(y), *of_x = (float *)cells(be, ((size_t)T + N + 1) / 2), *of_w = of_x + T;
    inverses(be, of_x, KN_F32(x), T, D, __func__);
    inverses(be, of_w, KN_F32(w->w), N, D, __func__);
    cuda_linear(be, y, x, w, T);
    each(be, (size_t)T * N, [=] __device__(size_t i) { to[i] *= of_x[i / N] * of_w[i % N]; });
}

/* d cos / dx = (w/|w| - cos x/|x|) / |x|, and the same by w. With p = dy / (|x| |w|): dx = p w - x
 * sum(dy y) / |x|^2, dw = pᵀ x - w sum(dy y) / |w|^2. dy becomes p. */
void cuda_cosine_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dw, struct kn_buf dy,
                      struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T, bool add)
{
    int N = w->rows, D = w->cols;
    float *of_x = (float *)cells(be, (size_t)T + N + 1), *of_w = of_x + T, *along_x = of_w + N,
          *along_w = along_x + T, *to = KN_F32(dx), *to_w = KN_F32(dw), *d = KN_F32(dy);
    const float *cos = KN_F32(y), *row = KN_F32(x), *weight = KN_F32(w->w);
    inverses(be, of_x, row, T, D, __func__);
    inverses(be, of_w, weight, N, D, __func__);
    each(be, T, [=] __device__(size_t t) {
        float sum = 0;
        for (int n = 0; n < N; n++) sum += d[t * N + n] * cos[t * N + n];
        along_x[t] = sum * of_x[t] * of_x[t];
    });
    columns(
        be, T, N,
        [=] __device__(int t, int n) { return d[(size_t)t * N + n] * cos[(size_t)t * N + n]; },
        [=] __device__(int n, double sum) { along_w[n] = (float)sum * of_w[n] * of_w[n]; });
    each(be, (size_t)T * N, [=] __device__(size_t i) { d[i] *= of_x[i / N] * of_w[i % N]; });
    if (to) {
        cuda_linear_back_x(be, dx, dy, w, T, add);
        each(be, (size_t)T * D, [=] __device__(size_t i) { to[i] -= along_x[i / D] * row[i]; });
    }
    if (to_w) {
        cuda_linear_back_w(be, dw, dy, x, w, T);
        each(be, (size_t)N * D,
             [=] __device__(size_t i) { to_w[i] -= along_w[i / D] * weight[i]; });
    }
}

/* ---- thresholds */
static __device__ float steepness(const struct kn_over &o)
{
    return o.log_c.at ? (float)fmin(exp((double)KN_F32(o.log_c)[0]), KN_STEEPEST) : 1;
}

static __device__ float bound_of(const struct kn_over &o, int n)
{
    return (o.bound.at ? KN_F32(o.bound)[n] : 0) + (float)o.shift;
}

static __device__ bool is_on(const struct kn_over &o, int n)
{
    return !o.on.at || KN_F32(o.on)[n] != 0;
}

void cuda_squash(struct kn_backend *be, struct kn_buf y, struct kn_buf x,
                 const struct kn_over *with, int T, int N)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    struct kn_over o = *with;
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        to[i] = is_on(o, (int)(i % N)) ? sigmoid(steepness(o) * from[i]) : 0;
    });
}

void cuda_over_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                    const struct kn_over *with, bool best, struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(mask);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(x);
    struct kn_over o = *with;
    each(be, T, [=] __device__(size_t t) {
        const float *row = from + t * N;
        int count = 0, top = -1;
        for (int n = 0; n < N; n++) {
            bool in = real[t] && is_on(o, n);
            count += to[t * N + n] = in && row[n] > bound_of(o, n);
            if (in && (top < 0 || row[n] > row[top])) top = n;
        }
        if (best && count == 0 && top >= 0) to[t * N + top] = 1;
    });
}

/* What passes straight through to cell i. */
static __device__ float passed(const struct kn_over &o, const float *da, const float *x,
                               const int32_t *valid, bool all, size_t i, int N)
{
    int n = (int)(i % N);
    return valid[i / N] && is_on(o, n) && (all || x[i] > bound_of(o, n)) ? da[i] : 0;
}

void cuda_over_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dbound,
                    struct kn_buf dlog_c, struct kn_buf da, struct kn_buf x,
                    const struct kn_over *with, bool all, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(dx), *to_bound = KN_F32(dbound), *to_c = KN_F32(dlog_c);
    const float *from = KN_F32(da), *was = KN_F32(x);
    const int32_t *real = KN_I32(valid);
    struct kn_over o = *with;
    double *fall = cells(be, N);
    if (to)
        each(be, (size_t)T * N, [=] __device__(size_t i) {
            float u = passed(o, from, was, real, all, i, N), c = steepness(o), s;
            if (u == 0) return;
            s = sigmoid(c * was[i]);
            to[i] += u * c * s * (1 - s);
        });
    columns(
        be, T, N,
        [=] __device__(int t, int n) {
            return passed(o, from, was, real, all, (size_t)t * N + n, N);
        },
        [=] __device__(int n, double sum) {
            double c = steepness(o), b = bound_of(o, n), theta = 1 / (1 + exp(-c * b));
            sum *= theta * (1 - theta);
            fall[n] = sum * b;
            if (to_bound) to_bound[n] -= (float)(c * sum);
        });
    if (!to_c) return;
    total<1>(
        be, (size_t)T * N,
        [=] __device__(size_t i, double *sum) {
            float s = sigmoid(steepness(o) * was[i]);
            sum[0] += (double)passed(o, from, was, real, all, i, N) * was[i] * s * (1 - s);
        },
        [=] __device__(const double *sum) {
            double c = steepness(o), slope = sum[0];
            for (int n = 0; n < N; n++) slope -= fall[n];
            if (c < KN_STEEPEST) to_c[0] += (float)(c * slope);
        });
}

/* ---- gates */
static __device__ int taken_count(const int32_t *taken, int N)
{
    int count = 0;
    for (int n = 0; n < N; n++) count += taken[n];
    return count;
}

void cuda_even_gate(struct kn_backend *be, struct kn_buf gate, struct kn_ints mask, int T, int N)
{
    float *to = KN_F32(gate);
    const int32_t *taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        float one = 1.f / (float)taken_count(taken + t * N, N);
        for (int n = 0; n < N; n++) to[t * N + n] = taken[t * N + n] ? one : 0;
    });
}

void cuda_even_gate_back(struct kn_backend *be, struct kn_buf da, struct kn_buf dgate,
                         struct kn_ints mask, int T, int N, bool add)
{
    float *to = KN_F32(da);
    const float *from = KN_F32(dgate);
    const int32_t *taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        int count = taken_count(taken + t * N, N);
        float one = 1.f / (float)(count > 1 ? count : 1);
        for (int n = 0; n < N; n++)
            to[t * N + n] = (add ? to[t * N + n] : 0) + one * from[t * N + n];
    });
}

/* What sigmoids of the taken are made smaller by, e^-top, so that not all underflow; 0 without
 * `share`. */
static __device__ float taken_top(const float *x, const int32_t *taken, bool share, int N)
{
    float top = share ? -INFINITY : 0;
    for (int n = 0; n < N && share; n++)
        if (taken[n]) top = fmaxf(top, fminf(x[n], 0));
    return top;
}

void cuda_sigmoid_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf x, double c,
                       bool share, struct kn_ints mask, int T, int N)
{
    float *to = KN_F32(gate), by = (float)c;
    const float *from = KN_F32(x);
    const int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *row = from + t * N;
        const int32_t *taken = all_taken + t * N;
        float *y = to + t * N, top = taken_top(row, taken, share, N), sum = 0;
        for (int n = 0; n < N; n++)
            sum += y[n] = taken[n] ? expf(fminf(row[n], 0) - top) / (1 + expf(-fabsf(row[n]))) : 0;
        for (int n = 0; n < N; n++) y[n] = taken[n] ? by * (share ? y[n] / sum : y[n]) : 0;
    });
}

/* With y = gate / c: dx = c (dgate - mean) y (1 - s), mean = share ? sum dgate y : 0. */
void cuda_sigmoid_gate_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                            struct kn_buf gate, struct kn_buf x, double c, bool share,
                            struct kn_ints mask, int T, int N, bool add)
{
    float *to = KN_F32(dx), by = (float)c;
    const float *from = KN_F32(dgate), *g = KN_F32(gate), *was = KN_F32(x);
    const int32_t *taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        float mean = 0;
        for (size_t i = t * N; i < (t + 1) * N && share; i++)
            mean += taken[i] ? from[i] * g[i] / by : 0;
        for (size_t i = t * N; i < (t + 1) * N; i++) {
            float d = taken[i] ? (from[i] - mean) * g[i] * sigmoid(-was[i]) : 0;
            to[i] = (add ? to[i] : 0) + d;
        }
    });
}

/* ---- losses on what was taken */
void cuda_over_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x,
                    const struct kn_over *with, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    const float *from = KN_F32(x);
    const int32_t *real = KN_I32(valid);
    struct kn_over o = *with;
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            float c = steepness(o);
            sum[0] += real[t] != 0;
            for (int n = 0; real[t] && n < N; n++)
                if (is_on(o, n))
                    sum[1] += fmaxf(sigmoid(c * from[t * N + n]) - sigmoid(c * bound_of(o, n)), 0);
        },
        [=] __device__(const double *sum) { to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : 0; });
}

void cuda_over_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf x,
                         const struct kn_over *with, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(da);
    const float *from = KN_F32(x);
    const int32_t *real = KN_I32(valid);
    struct kn_over o = *with;
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        int n = (int)(i % N);
        if (real[i / N] && is_on(o, n) && from[i] > bound_of(o, n)) to[i] += (float)(c / rows[0]);
    });
}

/* Picks of each column, their even shares, and the rows served. */
struct shares {
    double *picks, *share, *rows;
};

static struct shares find_shares(struct kn_backend *be, const int32_t *taken, int T, int N,
                                 const char *op)
{
    double *room = cells(be, 2 * (size_t)N + 1, op);
    struct shares s = {room + 1, room + 1 + N, room};
    total<1>(
        be, T,
        [=] __device__(size_t t, double *sum) { sum[0] += taken_count(taken + t * N, N) > 0; },
        [=] __device__(const double *sum) { s.rows[0] = sum[0]; }, op);
    columns(
        be, T, N, [=] __device__(int t, int n) { return (double)taken[(size_t)t * N + n]; },
        [=] __device__(int n, double sum) { s.picks[n] = sum; }, op);
    columns(
        be, T, N,
        [=] __device__(int t, int n) {
            const int32_t *row = taken + (size_t)t * N;
            return row[n] ? 1. / taken_count(row, N) : 0.;
        },
        [=] __device__(int n, double sum) { s.share[n] = sum; }, op);
    return s;
}

void cuda_share_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask, int T, int N)
{
    float *to = KN_F32(loss);
    struct shares s = find_shares(be, KN_I32(mask), T, N, __func__);
    once(be, [=] __device__() {
        double sum = 0, rows = s.rows[0];
        for (int n = 0; n < N; n++) sum += s.picks[n] * s.share[n];
        to[0] = rows > 0 ? (float)(N * sum / (rows * rows)) : 0;
    });
}

/* d (m_n / K) / d m_j = (1[n=j] - m_n / K) / K. */
void cuda_share_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints mask,
                          int T, int N)
{
    float *to = KN_F32(da);
    const int32_t *taken = KN_I32(mask);
    struct shares s = find_shares(be, taken, T, N, __func__);
    each(be, T, [=] __device__(size_t t) {
        int K = taken_count(taken + t * N, N);
        double mean = 0, rows = s.rows[0];
        if (K == 0) return;
        for (int n = 0; n < N; n++) mean += taken[t * N + n] ? s.picks[n] / K : 0;
        for (int n = 0; n < N; n++)
            to[t * N + n] += (float)(c * N / (rows * rows) * (s.picks[n] - mean) / K);
    });
}

void cuda_taken_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask,
                     struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    const int32_t *taken = KN_I32(mask), *real = KN_I32(valid);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!real[t]) return;
            sum[0] += 1;
            sum[1] += taken_count(taken + t * N, N);
        },
        [=] __device__(const double *sum) {
            to[0] = sum[0] > 0 ? (float)(sum[1] / (sum[0] * N)) : 0;
        });
}

void cuda_taken_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints valid,
                          int T, int N)
{
    float *to = KN_F32(da);
    const int32_t *real = KN_I32(valid);
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        if (real[i / N]) to[i] += (float)(c / (rows[0] * N));
    });
}

/* ---- losses on rows of a matrix */
/* C - I of all pairs of rows that are on, [N,N], and the loss behind it. `inv` gets the inverse
 * lengths. */
static float *overlaps(struct kn_backend *be, float *inv, const float *w, const float *on, int N,
                       int D, const char *op)
{
    float *cos = inv + N;
    inverses(be, inv, w, N, D, op);
    warps(
        be, N * N,
        [=] __device__(int pair, int lane) {
            int i = pair / N, k = pair % N;
            bool in = !on || (on[i] != 0 && on[k] != 0);
            float dot = 0;
            for (int j = lane; j < D; j += 32)
                dot += w[(size_t)i * D + j] * inv[i] * (w[(size_t)k * D + j] * inv[k]);
            dot = warp_sum(dot);
            if (i == k) dot = inv[i] == 0 ? -1 : 0;
            if (lane == 0) cos[pair] = in ? dot : 0;
        },
        op);
    total<1>(
        be, (size_t)N * N,
        [=] __device__(size_t i, double *sum) { sum[0] += (double)cos[i] * cos[i]; },
        [=] __device__(const double *sum) { cos[N * N] = (float)sqrt(sum[0]); }, op);
    return cos;
}

void cuda_overlap_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, struct kn_buf on,
                       int N, int D)
{
    float *to = KN_F32(loss), *inv = (float *)cells(be, (size_t)N * (N + 1) + 1);
    float *cos = overlaps(be, inv, KN_F32(w), KN_F32(on), N, D, __func__);
    once(be, [=] __device__() { to[0] = cos[N * N]; });
}

void cuda_overlap_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w,
                            struct kn_buf on, int N, int D)
{
    float *to = KN_F32(dw), *inv = (float *)cells(be, (size_t)N * (N + 1) + 1);
    const float *from = KN_F32(w);
    float *cos = overlaps(be, inv, from, KN_F32(on), N, D, __func__);
    each(be, (size_t)N * D, [=] __device__(size_t at) {
        int i = (int)(at / D), j = (int)(at % D);
        float norm = cos[N * N], sum = 0;
        if (norm < 1e-6f) return;
        for (int k = 0; k < N; k++) {
            float of = k == i ? 0 : cos[i * N + k];
            sum += of * inv[i] * (from[(size_t)k * D + j] * inv[k] - of * from[at] * inv[i]);
        }
        to[at] += (float)(2 * c) / norm * sum;
    });
}

void cuda_length_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, int N, int D)
{
    float *to = KN_F32(loss);
    const float *from = KN_F32(w);
    total<1>(
        be, N,
        [=] __device__(size_t n, double *sum) {
            double squares = 0;
            for (int j = 0; j < D; j++) squares += (double)from[n * D + j] * from[n * D + j];
            sum[0] += sqrt(squares);
        },
        [=] __device__(const double *sum) { to[0] = (float)(sum[0] / N); });
}

void cuda_length_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w,
                           int N, int D)
{
    float *to = KN_F32(dw), by = (float)(c / N);
    const float *from = KN_F32(w);
    warps(be, N, [=] __device__(int n, int lane) {
        float one = by * inverse(from + (size_t)n * D, D, lane);
        for (int j = lane; j < D; j += 32) to[(size_t)n * D + j] += one * from[(size_t)n * D + j];
    });
}
