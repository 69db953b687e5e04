/* ReLU routers: what is on, what it costs, and the controllers of those prices. Rows of columns are
 * short: one thread has a whole one, and sums over them are in double. */
#include "kernels/cuda/cuda.h"

/* ---- values */
void cuda_relu(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    each(be, n, [=] __device__(size_t i) { to[i] = from[i] > 0 ? from[i] : 0; });
}

void cuda_relu_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                    size_t n, bool add)
{
    float *to = KN_F32(dx);
    const float *from = KN_F32(dy), *was = KN_F32(y);
    each(be, n,
         [=] __device__(size_t i) { to[i] = (add ? to[i] : 0) + (was[i] > 0 ? from[i] : 0); });
}

static __device__ float row_sum(const float *x, int N)
{
    float sum = 0;
    for (int j = 0; j < N; j++) sum += x[j];
    return sum;
}

void cuda_row_share(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double eps, int T,
                    int N)
{
    float *to = KN_F32(y), little = (float)eps;
    const float *from = KN_F32(x);
    each(be, T, [=] __device__(size_t t) {
        float all = row_sum(from + t * N, N) + little;
        for (int j = 0; j < N; j++) to[t * N + j] = from[t * N + j] / all;
    });
}

void cuda_row_share_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                         struct kn_buf x, double eps, int T, int N)
{
    float *to = KN_F32(dx), little = (float)eps;
    const float *from = KN_F32(dy), *share = KN_F32(y), *was = KN_F32(x);
    each(be, T, [=] __device__(size_t t) {
        float all = row_sum(was + t * N, N) + little, mean = 0;
        for (int j = 0; j < N; j++) mean += from[t * N + j] * share[t * N + j];
        for (int j = 0; j < N; j++) to[t * N + j] = (from[t * N + j] - mean) / all;
    });
}

void cuda_positive_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                        struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(mask);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(x);
    each(be, (size_t)T * N, [=] __device__(size_t i) { to[i] = real[i / N] != 0 && from[i] > 0; });
}

void cuda_positive_mean(struct kn_backend *be, struct kn_buf m, struct kn_buf x,
                        struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(m);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(x);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!real[t]) return;
            sum[0] += 1;
            for (int j = 0; j < N; j++) sum[1] += from[t * N + j] > 0;
        },
        [=] __device__(const double *sum) { to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : NAN; });
}

/* ---- l1: two numbers a column, how many valid rows are on and what they add up to */
void cuda_l1_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, double balance,
                  struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    double *part = cells(be, N + 1);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(a);
    count_rows(be, part + N, real, T);
    columns(
        be, T, N,
        [=] __device__(int t, int j) { return real[t] && from[(size_t)t * N + j] > 0 ? 1. : 0.; },
        [=] __device__(int j, double on) { part[j] = on; });
    total<1>(
        be, (size_t)T * N,
        [=] __device__(size_t i, double *sum) {
            if (!real[i / N]) return;
            double rows = part[N], price = balance > 0 ? balance * part[i % N] / rows : 1;
            sum[0] += price / rows * from[i];
        },
        [=] __device__(const double *sum) { to[0] = (float)sum[0]; });
}

void cuda_l1_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                       struct kn_buf a, double balance, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(dx);
    double *part = cells(be, N + 1);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(a), *times = KN_F32(weight);
    count_rows(be, part + N, real, T);
    columns(
        be, T, N,
        [=] __device__(int t, int j) { return real[t] && from[(size_t)t * N + j] > 0 ? 1. : 0.; },
        [=] __device__(int j, double on) { part[j] = on; });
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        if (!real[i / N] || !(from[i] > 0)) return;
        double rows = part[N], price = balance > 0 ? balance * part[i % N] / rows : 1;
        to[i] += (float)(c * (times ? times[0] : 1) * price / rows);
    });
}

/* ---- locality */
static __device__ bool is_pair(const int32_t *document, const int32_t *valid, size_t t)
{
    return t > 0 && valid[t - 1] && valid[t] && document[t - 1] == document[t];
}

void cuda_locality_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x, double s,
                        struct kn_ints document, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss), sharp = (float)s;
    const int32_t *real = KN_I32(valid), *text = KN_I32(document);
    const float *from = KN_F32(x);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!is_pair(text, real, t)) return;
            sum[0] += 1;
            for (int j = 0; j < N; j++) {
                float z = sharp * from[(t - 1) * N + j], q = sigmoid(sharp * from[t * N + j]);
                sum[1] += fmaxf(z, 0) - z * q + log1pf(expf(-fabsf(z)));
            }
        },
        [=] __device__(const double *sum) {
            to[0] = sum[0] > 0 ? (float)(sum[1] / (sum[0] * N)) : 0;
        });
}

/* A row has a part in two pairs: with the one before it and with the one behind. */
void cuda_locality_loss_back(struct kn_backend *be, struct kn_buf dx, double c,
                             struct kn_buf weight, struct kn_buf x, double s,
                             struct kn_ints document, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(dx), sharp = (float)s;
    double *pairs = cells(be, 1);
    const int32_t *real = KN_I32(valid), *text = KN_I32(document);
    const float *from = KN_F32(x), *times = KN_F32(weight);
    total<1>(
        be, T, [=] __device__(size_t t, double *sum) { sum[0] += is_pair(text, real, t); },
        [=] __device__(const double *sum) { pairs[0] = sum[0]; });
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        size_t t = i / N;
        float each = (float)(c * (times ? times[0] : 1) / (pairs[0] * N)), d = 0;
        float v = sharp * from[i], q = sigmoid(v);
        if (t + 1 < (size_t)T && is_pair(text, real, t + 1))
            d += each * sharp * (q - sigmoid(sharp * from[i + N]));
        if (is_pair(text, real, t)) d -= each * sharp * (sharp * from[i - N]) * q * sigmoid(-v);
        if (d != 0) to[i] += d;
    });
}

/* ---- chunks */
struct chunks {
    const float *a;
    const int32_t *document, *valid;
    int length, T, N;
    bool rms;
    int *first;   /* [T] the first row of each row's document */
    double *one;  /* [T] p = one a; 0 in rows not valid */
    double *left; /* [T, N] the product of a chunk's factors, in the row it starts with */
    double *number;
};

/* The last row up to each where a document starts. A warp goes along its share of the rows, 32 at a
 * time; what it begins with is the last start that the warps before it have. */
enum { DOCUMENT_WARPS = 32 };

static __device__ bool starts(const struct chunks &c, int t)
{
    return t < c.T && (t == 0 || c.document[t] != c.document[t - 1]);
}

static __global__ void document_kernel(struct chunks c, int share)
{
    SHARED(int, last, DOCUMENT_WARPS);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, begin = warp * share, carried = 0;
    int found = -1;
    for (int t = begin + lane; t < begin + share; t += 32)
        if (starts(c, t)) found = t;
    for (int by = 16; by > 0; by /= 2) {
        int other = __shfl_xor_sync(~0u, found, by);
        if (other > found) found = other;
    }
    if (lane == 0) last[warp] = found;
    __syncthreads();
    for (int w = 0; w < warp; w++)
        if (last[w] >= 0) carried = last[w];
    for (int at = begin; at < begin + share && at < c.T; at += 32) {
        int t = at + lane;
        unsigned before = __ballot_sync(~0u, starts(c, t)) & (~0u >> (31 - lane));
        int mine = before ? at + 31 - __clz((int)before) : carried;
        if (t < c.T) c.first[t] = mine;
        carried = __shfl_sync(~0u, mine, 31);
    }
}

/* One past the last row of the chunk that starts at row t; 0 where none starts, or none that has a
 * valid row. */
static __device__ int chunk_end(const struct chunks &c, int t)
{
    bool any = false;
    int end = t;
    if ((t - c.first[t]) % c.length != 0) return 0;
    for (; end < c.T && end < t + c.length && c.first[end] == c.first[t]; end++)
        any = any || c.valid[end];
    return any ? end : 0;
}

static __device__ double row_scale(const struct chunks &c, const float *a)
{
    double squares = 0;
    for (int j = 0; j < c.N && c.rms; j++) squares += (double)a[j] * a[j];
    return c.rms ? 1 / sqrt(squares / c.N + KN_NORM_EPS) : 1;
}

static __device__ double row_all(const struct chunks &c, const float *a, double scale)
{
    double sum = 0;
    for (int j = 0; j < c.N; j++) sum += a[j];
    return scale * sum + KN_SHARE_EPS;
}

static struct chunks find_chunks(struct kn_backend *be, struct kn_buf a, bool rms, int length,
                                 struct kn_ints document, struct kn_ints valid, int T, int N,
                                 const char *op)
{
    struct chunks c = {};
    c.a = KN_F32(a), c.document = KN_I32(document), c.valid = KN_I32(valid);
    c.length = length, c.T = T, c.N = N, c.rms = rms;
    c.number = cells(be, (size_t)c.T * (c.N + 2) + 1, op);
    c.one = c.number + 1;
    c.left = c.one + c.T;
    c.first = (int *)(c.left + (size_t)c.T * c.N);
    unsigned lines = pieces(T > 0 ? T : 1, 32), warps = DOCUMENT_WARPS;
    if (warps > lines) warps = lines;
    launch(be, op, 1, warps * 32, document_kernel, c, (int)pieces(lines, warps) * 32);
    each(
        be, c.T,
        [=] __device__(size_t t) {
            double scale = row_scale(c, c.a + t * c.N);
            c.one[t] = c.valid[t] ? scale / row_all(c, c.a + t * c.N, scale) : 0;
        },
        op);
    total<1>(
        be, c.T, [=] __device__(size_t t, double *sum) { sum[0] += chunk_end(c, (int)t) > 0; },
        [=] __device__(const double *sum) { c.number[0] = sum[0]; }, op);
    /* The empty rows that fill a chunk up have a factor too. */
    each(
        be, (size_t)c.T * c.N,
        [=] __device__(size_t i) {
            int first = (int)(i / c.N), end = chunk_end(c, first);
            double all = end > 0 ? pow(1 + KN_SHARE_EPS, c.length - (end - first)) : 1;
            for (int t = first; t < end; t++)
                all *=
                    1 + KN_SHARE_EPS - (c.valid[t] ? c.one[t] * c.a[(size_t)t * c.N + i % c.N] : 0);
            c.left[i] = all;
        },
        op);
    return c;
}

void cuda_chunk_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, bool rms,
                     int length, struct kn_ints document, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    struct chunks c = find_chunks(be, a, rms, length, document, valid, T, N, __func__);
    total<1>(
        be, (size_t)T * N, [=] __device__(size_t i, double *sum) { sum[0] += 1 - c.left[i]; },
        [=] __device__(const double *sum) {
            to[0] = c.number[0] > 0 ? (float)(sum[0] / (c.number[0] * N)) : 0;
        });
}

/* One row, dp[e] = part * (its chunk's product) / (its own factor) the gradient of its share of
 * column e. */
void cuda_chunk_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                          struct kn_buf a, bool rms, int length, struct kn_ints document,
                          struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(dx);
    const float *times = KN_F32(weight);
    struct chunks k = find_chunks(be, a, rms, length, document, valid, T, N, __func__);
    each(be, T, [=] __device__(size_t t) {
        if (!k.valid[t]) return;
        const float *row = k.a + t * N;
        const double *left = k.left + (t - (t - k.first[t]) % k.length) * N;
        double part = c * (times ? times[0] : 1) / (k.number[0] * N), one = k.one[t], dot = 0;
        double scale = row_scale(k, row), all = row_all(k, row, scale);
        for (int e = 0; e < N; e++)
            dot += row[e] * part * left[e] / (1 + KN_SHARE_EPS - one * row[e]);
        double mean = one * dot;
        double to_scale = rms ? dot * KN_SHARE_EPS / (all * all) * scale * scale * scale / N : 0;
        for (int e = 0; e < N; e++) {
            double dp = part * left[e] / (1 + KN_SHARE_EPS - one * row[e]);
            if (row[e] > 0) to[t * N + e] += (float)(one * (dp - mean) - to_scale * row[e]);
        }
    });
}

/* ---- controllers */
void cuda_toggle(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double level,
                 double factor, double min, double max)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    once(be, [=] __device__() {
        double now = to[0], seen = from[0];
        if (isfinite(seen)) now = seen > level ? now * factor : now / factor;
        to[0] = (float)fmin(fmax(now, min), max);
    });
}

void cuda_stage(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double goal, double near)
{
    float *calls = KN_F32(y), *start = calls + 1, *stage = calls + 2, *newest = calls + 3;
    const float *from = KN_F32(x);
    once(be, [=] __device__() {
        double seen = from[0];
        if (!isfinite(seen)) return;
        *newest = (float)seen;
        if (++*calls <= 10) {
            *start += (float)((seen - *start) / *calls);
            *stage = 1;
        } else if (fabs(seen - goal) <= near) {
            *stage = 3;
        } else if (*stage < 2 && (*start - seen) / (*start - goal) >= .05) {
            *stage = 2;
        }
    });
}

void cuda_ratio_ramp(struct kn_backend *be, struct kn_buf y, struct kn_buf state, struct kn_buf x,
                     const struct kn_ramp *rule)
{
    float *to = KN_F32(y), *calls = KN_F32(state), *mean = calls + 1, *before = calls + 2,
          *slope = calls + 3;
    const float *from = KN_F32(x);
    struct kn_ramp o = *rule;
    once(be, [=] __device__() {
        double now = to[0];
        if (isfinite(from[0])) {
            ++*calls;
            *mean += from[0] / o.every;
            if (now == 0 || *calls < o.first) now = o.start, *slope = 0;
            if (fmod((double)*calls, (double)o.every) == 0) {
                double ratio = *before > 0 ? (double)*mean / *before : 1;
                if (ratio > 1) ratio = fmax(ratio, o.least);
                if (*calls >= o.first)
                    *slope = (float)((fmin(now * ratio, o.most) - now) / o.every);
                *before = *mean;
                *mean = 0;
            }
            now += *slope;
        }
        to[0] = (float)fmin(fmax(now, 0.), o.most);
    });
}
