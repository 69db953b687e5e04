/* Gates that routed columns share with columns beside them, and rows that weigh more than others.
 * Rows are short and there is one a token: threads share the rows. */
#include "kernels/cpu/cpu.h"

#include <float.h>
#include <math.h>

#define ROWS 128 /* of a unit */

struct share {
    float *y, *y2;
    const float *a, *b, *c, *d;
    const int32_t *taken, *valid, *marked;
    double weight, scale;
    int N, M;
    bool spread;
};

/* ---- gates */
static void joint_some(const void *job, int from, int to, float *scratch)
{
    const struct share *s = job;
    int N = s->N, M = s->M;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *z = s->a + (size_t)t * N, *side = s->b + (size_t)t * M;
        const int32_t *taken = s->taken + (size_t)t * N;
        float *g = s->y + (size_t)t * N, *h = s->y2 + (size_t)t * M, top = -INFINITY, sum = 0;
        bool real = s->valid[t];
        for (int j = 0; j < N; j++)
            if (real && taken[j]) top = fmaxf(top, z[j]);
        for (int j = 0; j < M; j++) top = fmaxf(top, side[j]);
        for (int j = 0; j < N; j++) sum += g[j] = real && taken[j] ? expf(z[j] - top) : 0;
        for (int j = 0; j < M; j++) sum += h[j] = real ? expf(side[j] - top) : 0;
        float each = sum > 0 ? 1 / sum : 0;
        for (int j = 0; j < N; j++) g[j] *= each;
        for (int j = 0; j < M; j++) h[j] *= each;
    }
}

void OP(joint_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_buf side_gate,
                    struct kn_buf logits, struct kn_buf side, struct kn_ints mask,
                    struct kn_ints valid, int T, int N, int M)
{
    cpu_each(be, T, ROWS, 30.0 * T * (N + M), joint_some,
             &(struct share){.y = gate.at,
                             .y2 = side_gate.at,
                             .a = logits.at,
                             .b = side.at,
                             .taken = mask.at,
                             .valid = valid.at,
                             .N = N,
                             .M = M});
}

static void joint_back_some(const void *job, int from, int to, float *scratch)
{
    const struct share *s = job;
    int N = s->N, M = s->M;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *g = s->a + (size_t)t * N, *dg = s->b + (size_t)t * N;
        const float *h = s->c + (size_t)t * M, *dh = s->d + (size_t)t * M;
        float *dz = s->y + (size_t)t * N, *ds = s->y2 + (size_t)t * M, mean = 0;
        for (int j = 0; j < N; j++) mean += g[j] * dg[j];
        for (int j = 0; j < M; j++) mean += h[j] * dh[j];
        for (int j = 0; j < N; j++) dz[j] = g[j] * (dg[j] - mean);
        for (int j = 0; j < M; j++) ds[j] = h[j] * (dh[j] - mean);
    }
}

void OP(joint_gate_back)(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dside,
                         struct kn_buf dgate, struct kn_buf dside_gate, struct kn_buf gate,
                         struct kn_buf side_gate, int T, int N, int M)
{
    cpu_each(be, T, ROWS, 8.0 * T * (N + M), joint_back_some,
             &(struct share){.y = dlogits.at,
                             .y2 = dside.at,
                             .a = gate.at,
                             .b = dgate.at,
                             .c = side_gate.at,
                             .d = dside_gate.at,
                             .N = N,
                             .M = M});
}

static float taken_sum(const float *x, const int32_t *taken, int N)
{
    float sum = 0;
    for (int j = 0; j < N; j++) sum += taken[j] ? x[j] : 0;
    return sum;
}

static void rated_some(const void *job, int from, int to, float *scratch)
{
    const struct share *s = job;
    int N = s->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *w = s->a + (size_t)t * N, *r = s->b + (size_t)t * N;
        const int32_t *taken = s->taken + (size_t)t * N;
        float each = taken_sum(w, taken, N) / (taken_sum(r, taken, N) + (float)KN_SPREAD_EPS);
        for (int j = 0; j < N; j++)
            s->y[(size_t)t * N + j] = taken[j] ? r[j] * (s->spread ? each : w[j]) : 0;
    }
}

void OP(rated_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_buf w, struct kn_buf r,
                    struct kn_ints mask, bool spread, int T, int N)
{
    cpu_each(be, T, ROWS, 8.0 * T * N, rated_some,
             &(struct share){
                 .y = gate.at, .a = w.at, .b = r.at, .taken = mask.at, .spread = spread, .N = N});
}

static void rated_back_some(const void *job, int from, int to, float *scratch)
{
    const struct share *s = job;
    int N = s->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        size_t row = (size_t)t * N;
        const float *w = s->a + row, *r = s->b + row, *d = s->c + row;
        const int32_t *taken = s->taken + row;
        float all = taken_sum(r, taken, N) + (float)KN_SPREAD_EPS, mass = taken_sum(w, taken, N),
              mean = 0;
        for (int j = 0; j < N; j++) mean += taken[j] ? d[j] * r[j] / all : 0;
        for (int j = 0; j < N; j++) {
            s->y[row + j] = !taken[j] ? 0 : s->spread ? mean : d[j] * r[j];
            s->y2[row + j] = !taken[j] ? 0 : s->spread ? mass / all * (d[j] - mean) : d[j] * w[j];
        }
    }
}

void OP(rated_gate_back)(struct kn_backend *be, struct kn_buf dw, struct kn_buf dr,
                         struct kn_buf dgate, struct kn_buf w, struct kn_buf r, struct kn_ints mask,
                         bool spread, int T, int N)
{
    cpu_each(be, T, ROWS, 12.0 * T * N, rated_back_some,
             &(struct share){.y = dw.at,
                             .y2 = dr.at,
                             .a = w.at,
                             .b = r.at,
                             .c = dgate.at,
                             .taken = mask.at,
                             .spread = spread,
                             .N = N});
}

/* ---- rows that weigh more than others: sums run in order, in double */
static double weight_of(const struct share *s, int t)
{
    return s->marked && s->marked[t] ? s->weight : 1;
}

static double weight_sum(const struct share *s, int T)
{
    double sum = 0;
    for (int t = 0; t < T; t++) sum += s->valid[t] ? weight_of(s, t) : 0;
    return sum;
}

void OP(column_share)(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                      struct kn_ints marked, double weight, double c, struct kn_ints valid, int T,
                      int N)
{
    struct share s = {.marked = marked.at, .valid = valid.at, .weight = weight};
    double sum[KN_COLUMNS], all = weight_sum(&s, T);
    (void)be;
    for (int first = 0; first < N; first += KN_COLUMNS) {
        int n = (int)cpu_min(KN_COLUMNS, N - first);
        for (int j = 0; j < n; j++) sum[j] = 0;
        for (int t = 0; t < T; t++) {
            const int32_t *taken = KN_I32(mask) + (size_t)t * N + first;
            double w = s.valid[t] ? weight_of(&s, t) : 0;
            for (int j = 0; j < n; j++) sum[j] += taken[j] ? w : 0;
        }
        for (int j = 0; j < n; j++) KN_F32(f)[first + j] = all > 0 ? (float)(c * sum[j] / all) : 0;
    }
}

static void weigh_some(const void *job, int from, int to, float *scratch)
{
    const struct share *s = job;
    (void)scratch;
    for (int t = from; t < to; t++) {
        float each = (float)(s->scale * weight_of(s, t));
        for (size_t i = (size_t)t * s->N; i < (size_t)(t + 1) * s->N; i++) s->y[i] = each * s->a[i];
    }
}

void OP(weigh_rows)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_ints marked,
                    double weight, struct kn_ints valid, int T, int N)
{
    struct share s = {
        .y = y.at, .a = x.at, .marked = marked.at, .valid = valid.at, .weight = weight, .N = N};
    double rows = 0, all = weight_sum(&s, T);
    for (int t = 0; t < T; t++) rows += s.valid[t] != 0;
    s.scale = all > 0 ? rows / all : 0;
    cpu_each(be, T, ROWS, 4.0 * T * N, weigh_some, &s);
}
