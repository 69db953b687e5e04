/* ReLU routers: what is on, what it costs, and the controllers of those prices. Rows share out to
 * threads, chunks as a whole; sums over them run in order, in double. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define ROWS 128 /* of a unit */
#define CELLS 4096
#define CHUNKS 4

struct relu {
    float *y;
    const float *a, *b, *c;
    int32_t *mask;
    const int32_t *valid, *document, *start;
    double *sum;
    float scale, each;
    double part;
    size_t n;
    int T, N, length;
    bool add, rms;
};

static double times(double c, struct kn_buf weight)
{
    return weight.at ? c * KN_F32(weight)[0] : c;
}

/* ---- values */
static void relu_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    size_t last = cpu_min((size_t)to * CELLS, r->n);
    (void)scratch;
    for (size_t i = (size_t)from * CELLS; i < last; i++) r->y[i] = r->a[i] > 0 ? r->a[i] : 0;
}

static void relu_back_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    size_t last = cpu_min((size_t)to * CELLS, r->n);
    (void)scratch;
    for (size_t i = (size_t)from * CELLS; i < last; i++) {
        float x = r->b[i] > 0 ? r->a[i] : 0;
        r->y[i] = r->add ? r->y[i] + x : x;
    }
}

static void each_cells(struct kn_backend *be, cpu_unit *unit, struct relu job)
{
    cpu_each(be, (int)((job.n + CELLS - 1) / CELLS), 1, 2.0 * (double)job.n, unit, &job);
}

void OP(relu)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    each_cells(be, relu_some, (struct relu){.y = y.at, .a = x.at, .n = n});
}

void OP(relu_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                   size_t n, bool add)
{
    each_cells(be, relu_back_some,
               (struct relu){.y = dx.at, .a = dy.at, .b = y.at, .n = n, .add = add});
}

static float row_sum(const float *x, int N)
{
    vf sum = {};
    for (int j = 0; j < N; j += VL) sum += vec_some(x + j, N - j, 0);
    return vec_sum(sum);
}

static void share_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    int N = r->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = r->a + (size_t)t * N;
        float *y = r->y + (size_t)t * N, one = 1 / (row_sum(x, N) + r->scale);
        for (int j = 0; j < N; j++) y[j] = one * x[j];
    }
}

void OP(row_share)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double eps, int T,
                   int N)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, share_some,
             &(struct relu){.y = y.at, .a = x.at, .scale = (float)eps, .N = N});
}

static void share_back_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    int N = r->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *dy = r->a + (size_t)t * N, *y = r->b + (size_t)t * N;
        float *dx = r->y + (size_t)t * N;
        float one = 1 / (row_sum(r->c + (size_t)t * N, N) + r->scale), mean = row_dot(dy, y, N);
        for (int j = 0; j < N; j++) dx[j] = one * (dy[j] - mean);
    }
}

void OP(row_share_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                        struct kn_buf x, double eps, int T, int N)
{
    cpu_each(
        be, T, ROWS, 6.0 * T * N, share_back_some,
        &(struct relu){.y = dx.at, .a = dy.at, .b = y.at, .c = x.at, .scale = (float)eps, .N = N});
}

static void positive_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    (void)scratch;
    for (int t = from; t < to; t++)
        for (size_t i = (size_t)t * r->N; i < (size_t)(t + 1) * r->N; i++)
            r->mask[i] = r->valid[t] && r->a[i] > 0;
}

void OP(positive_mask)(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                       struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 3.0 * T * N, positive_some,
             &(struct relu){.mask = mask.at, .a = x.at, .valid = valid.at, .N = N});
}

static int valid_rows(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += KN_I32(valid)[t] != 0;
    return rows;
}

void OP(positive_mean)(struct kn_backend *be, struct kn_buf m, struct kn_buf x,
                       struct kn_ints valid, int T, int N)
{
    int rows = valid_rows(valid, T);
    double on = 0;
    (void)be;
    for (int t = 0; t < T; t++) {
        const float *row = KN_F32(x) + (size_t)t * N;
        int count = 0;
        for (int j = 0; j < N; j++) count += row[j] > 0;
        if (KN_I32(valid)[t]) on += count;
    }
    KN_F32(m)[0] = rows ? (float)(on / rows) : NAN;
}

/* ---- l1 */
/* price[e] = f of column e over the number of valid rows, in the backend's common scratch. */
static const float *l1_price(struct kn_backend *be, struct kn_buf a, double balance,
                             struct kn_ints valid, int T, int N)
{
    float *price = ((struct cpu *)be)->common;
    int32_t *on = (int32_t *)price + N;
    double rows = valid_rows(valid, T);
    for (int e = 0; e < N; e++) on[e] = 0;
    for (int t = 0; t < T; t++) {
        const float *row = KN_F32(a) + (size_t)t * N;
        for (int e = 0; KN_I32(valid)[t] && e < N; e++) on[e] += row[e] > 0;
    }
    for (int e = 0; e < N; e++)
        price[e] = rows > 0 ? (float)((balance > 0 ? balance * on[e] / rows : 1) / rows) : 0;
    return price;
}

void OP(l1_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, double balance,
                 struct kn_ints valid, int T, int N)
{
    const float *price = l1_price(be, a, balance, valid, T, N);
    double sum = 0;
    for (int t = 0; t < T; t++)
        if (KN_I32(valid)[t]) sum += row_dot(price, KN_F32(a) + (size_t)t * N, N);
    KN_F32(loss)[0] = (float)sum;
}

static void l1_back_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    int N = r->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *a = r->a + (size_t)t * N;
        float *dx = r->y + (size_t)t * N;
        for (int e = 0; r->valid[t] && e < N; e++) dx[e] += a[e] > 0 ? r->each * r->b[e] : 0;
    }
}

void OP(l1_loss_back)(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                      struct kn_buf a, double balance, struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, l1_back_some,
             &(struct relu){.y = dx.at,
                            .a = a.at,
                            .b = l1_price(be, a, balance, valid, T, N),
                            .each = (float)times(c, weight),
                            .valid = valid.at,
                            .N = N});
}

/* ---- locality */
static bool is_pair(const int32_t *document, const int32_t *valid, int t)
{
    return t > 0 && valid[t - 1] && valid[t] && document[t - 1] == document[t];
}

static double one_pair(struct kn_ints document, struct kn_ints valid, int T, int N)
{
    int pairs = 0;
    for (int t = 1; t < T; t++) pairs += is_pair(document.at, valid.at, t);
    return pairs ? 1 / ((double)pairs * N) : 0;
}

void OP(locality_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf x, double s,
                       struct kn_ints document, struct kn_ints valid, int T, int N)
{
    double sum = 0;
    float scale = (float)s;
    (void)be;
    for (int t = 1; t < T; t++) {
        const float *cur = KN_F32(x) + (size_t)t * N, *prev = cur - N;
        for (int j = 0; is_pair(document.at, valid.at, t) && j < N; j++) {
            float z = scale * prev[j], q = 1 / (1 + expf(-scale * cur[j]));
            sum += fmaxf(z, 0) - z * q + log1pf(expf(-fabsf(z)));
        }
    }
    KN_F32(loss)[0] = (float)(sum * one_pair(document, valid, T, N));
}

/* Row t as the one before t + 1, and as the one behind t - 1. */
static void locality_back_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    int N = r->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = r->a + (size_t)t * N;
        bool after = t + 1 < r->T && is_pair(r->document, r->valid, t + 1),
             before = is_pair(r->document, r->valid, t);
        for (int j = 0; (after || before) && j < N; j += VL) {
            vf z = r->scale * vec_some(x + j, N - j, 0), q = vec_sigmoid(z), d = {};
            if (after) d += q - vec_sigmoid(r->scale * vec_some(x + N + j, N - j, 0));
            if (before) d -= r->scale * vec_some(x - N + j, N - j, 0) * q * vec_sigmoid(-z);
            float *dx = r->y + (size_t)t * N + j;
            vec_put(dx, vec_some(dx, N - j, 0) + r->each * d, N - j);
        }
    }
}

void OP(locality_loss_back)(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                            struct kn_buf x, double s, struct kn_ints document,
                            struct kn_ints valid, int T, int N)
{
    cpu_each(be, T, ROWS, 60.0 * T * N, locality_back_some,
             &(struct relu){.y = dx.at,
                            .a = x.at,
                            .scale = (float)s,
                            .each = (float)(times(c, weight) * s * one_pair(document, valid, T, N)),
                            .document = document.at,
                            .valid = valid.at,
                            .T = T,
                            .N = N});
}

/* ---- chunks */
/* The first rows of the chunks that have a valid one, and where each ends, pair by pair, in the
 * common scratch; returns how many there are. */
static int find_chunks(int32_t *start, const int32_t *document, const int32_t *valid, int length,
                       int T)
{
    int chunks = 0;
    for (int t = 0, first; t < T;) {
        bool any = false;
        for (first = t; t < T && t < first + length && document[t] == document[first]; t++)
            any |= valid[t] != 0;
        start[2 * chunks] = first, start[2 * chunks + 1] = t;
        chunks += any;
    }
    return chunks;
}

/* h = scale a; p = h / all. */
struct share {
    double scale, all;
};

static struct share share_of(const float *a, bool rms, int N)
{
    double sum = 0, squares = 0;
    for (int e = 0; e < N; e++) sum += a[e], squares += (double)a[e] * a[e];
    struct share s = {.scale = rms ? 1 / sqrt(squares / N + KN_NORM_EPS) : 1};
    s.all = s.scale * sum + KN_SHARE_EPS;
    return s;
}

/* unused[e] = product over the chunk's rows of 1 - p + KN_SHARE_EPS; rows that are missing or not
 * valid have p = 0. */
static void unused(double *to, const struct relu *r, int first, int end)
{
    int N = r->N, empty = r->length - (end - first);
    for (int e = 0; e < N; e++) to[e] = 1;
    for (int t = first; t < end; t++) {
        const float *a = r->a + (size_t)t * N;
        empty += !r->valid[t];
        if (!r->valid[t]) continue;
        struct share s = share_of(a, r->rms, N);
        double one = s.scale / s.all;
        for (int e = 0; e < N; e++) to[e] *= 1 + KN_SHARE_EPS - one * a[e];
    }
    double rest = pow(1 + KN_SHARE_EPS, empty);
    for (int e = 0; e < N; e++) to[e] *= rest;
}

static void chunk_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    double *left = (double *)(void *)scratch;
    for (int c = from; c < to; c++) {
        double sum = 0;
        unused(left, r, r->start[2 * c], r->start[2 * c + 1]);
        for (int e = 0; e < r->N; e++) sum += 1 - left[e];
        r->sum[c] = sum;
    }
}

/* A job on the chunks of T rows; they stand in the common scratch, sums of chunks before them. */
static struct relu chunk_job(struct kn_backend *be, int *chunks, struct relu job)
{
    job.sum = (double *)(void *)((struct cpu *)be)->common;
    int32_t *start = (int32_t *)(void *)(job.sum + job.T);
    *chunks = find_chunks(start, job.document, job.valid, job.length, job.T);
    job.start = start;
    return job;
}

void OP(chunk_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, bool rms,
                    int length, struct kn_ints document, struct kn_ints valid, int T, int N)
{
    int chunks;
    double sum = 0;
    struct relu job = chunk_job(be, &chunks,
                                (struct relu){.a = a.at,
                                              .rms = rms,
                                              .length = length,
                                              .document = document.at,
                                              .valid = valid.at,
                                              .T = T,
                                              .N = N});
    cpu_each(be, chunks, CHUNKS, 6.0 * T * N, chunk_some, &job);
    for (int c = 0; c < chunks; c++) sum += job.sum[c];
    KN_F32(loss)[0] = chunks ? (float)(sum / ((double)chunks * N)) : 0;
}

/* One row: dp[e] is the gradient of its share of column e. */
static void chunk_row_back(const struct relu *r, float *dx, const double *dp, const float *a)
{
    int N = r->N;
    struct share s = share_of(a, r->rms, N);
    double dot = 0, one = s.scale / s.all;
    for (int e = 0; e < N; e++) dot += a[e] * dp[e];
    double mean = one * dot, to_scale = 0;
    if (r->rms) to_scale = dot * KN_SHARE_EPS / (s.all * s.all) * pow(s.scale, 3) / N;
    for (int e = 0; e < N; e++)
        if (a[e] > 0) dx[e] += (float)(one * (dp[e] - mean) - to_scale * a[e]);
}

static void chunk_back_some(const void *job, int from, int to, float *scratch)
{
    const struct relu *r = job;
    int N = r->N;
    double *left = (double *)(void *)scratch, *dp = left + N;
    for (int c = from; c < to; c++) {
        unused(left, r, r->start[2 * c], r->start[2 * c + 1]);
        for (int t = r->start[2 * c]; t < r->start[2 * c + 1]; t++) {
            const float *a = r->a + (size_t)t * N;
            if (!r->valid[t]) continue;
            struct share s = share_of(a, r->rms, N);
            double one = s.scale / s.all;
            for (int e = 0; e < N; e++) dp[e] = r->part * left[e] / (1 + KN_SHARE_EPS - one * a[e]);
            chunk_row_back(r, r->y + (size_t)t * N, dp, a);
        }
    }
}

void OP(chunk_loss_back)(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                         struct kn_buf a, bool rms, int length, struct kn_ints document,
                         struct kn_ints valid, int T, int N)
{
    int chunks;
    struct relu job = chunk_job(be, &chunks,
                                (struct relu){.y = dx.at,
                                              .a = a.at,
                                              .rms = rms,
                                              .length = length,
                                              .document = document.at,
                                              .valid = valid.at,
                                              .T = T,
                                              .N = N});
    job.part = chunks ? times(c, weight) / ((double)chunks * N) : 0;
    cpu_each(be, chunks, CHUNKS, 20.0 * T * N, chunk_back_some, &job);
}

/* ---- controllers: one number each */
void OP(toggle)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double level,
                double factor, double min, double max)
{
    double now = KN_F32(y)[0], seen = KN_F32(x)[0];
    (void)be;
    if (isfinite(seen)) now = seen > level ? now * factor : now / factor;
    KN_F32(y)[0] = (float)fmin(fmax(now, min), max);
}

void OP(stage)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double goal, double near)
{
    float *calls = KN_F32(y), *start = calls + 1, *stage = calls + 2, seen = KN_F32(x)[0];
    (void)be;
    if (!isfinite(seen)) return;
    calls[3] = seen;
    if (++*calls <= 10) {
        *start += (seen - *start) / *calls;
        *stage = 1;
    } else if (fabs(seen - goal) <= near) {
        *stage = 3;
    } else if (*stage < 2 && (*start - seen) / (*start - goal) >= .05) {
        *stage = 2;
    }
}

void OP(ratio_ramp)(struct kn_backend *be, struct kn_buf y, struct kn_buf state, struct kn_buf x,
                    const struct kn_ramp *o)
{
    float *calls = KN_F32(state), *mean = calls + 1, *before = calls + 2, *slope = calls + 3;
    double now = KN_F32(y)[0], seen = KN_F32(x)[0];
    (void)be;
    if (isfinite(seen)) {
        ++*calls;
        *mean += (float)(seen / o->every);
        if (now == 0 || *calls < o->first) now = o->start, *slope = 0;
        if (fmod(*calls, o->every) == 0) {
            double ratio = *before > 0 ? (double)*mean / *before : 1;
            if (ratio > 1) ratio = fmax(ratio, o->least);
            if (*calls >= o->first) *slope = (float)((fmin(now * ratio, o->most) - now) / o->every);
            *before = *mean;
            *mean = 0;
        }
        now += *slope;
    }
    KN_F32(y)[0] = (float)fmin(fmax(now, 0), o->most);
}
