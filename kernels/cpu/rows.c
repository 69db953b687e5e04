/* What works on each row alone: the norm and the softmax. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define ROWS 64  /* of a unit */
#define PARTS 16 /* of the sums over all rows: their number depends on nothing */

struct rows {
    float *y, *inv, *partial;
    const float *x, *gain, *dy;
    float c;
    int T, D;
    bool add;
};

static void norm_rows(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int D = r->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = r->x + (size_t)t * D;
        float *y = r->y + (size_t)t * D;
        float inv = 1 / sqrtf(row_dot(x, x, D) / (float)D + (float)KN_NORM_EPS);
        r->inv[t] = inv;
        for (int j = 0; j < D; j += VL) {
            vf n = vec_some(x + j, D - j, 0) * inv;
            vec_put(y + j, n * vec_some(r->gain + j, D - j, 0), D - j);
        }
    }
}

void OP(rmsnorm)(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                 struct kn_buf gain, int T, int D)
{
    cpu_each(be, T, ROWS, 6.0 * T * D, norm_rows,
             &(struct rows){.y = y.at, .inv = inv.at, .x = x.at, .gain = gain.at, .T = T, .D = D});
}

/* With n = inv x: dx = inv (gain dy - n mean(gain dy n)). Part p of the rows sums its dgain apart.
 */
static void norm_back_parts(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int D = r->D;
    (void)scratch;
    for (int p = from; p < to; p++) {
        float *dgain = r->partial + (size_t)p * D;
        memset(dgain, 0, (size_t)D * sizeof *dgain);
        for (int t = cpu_cut(r->T, PARTS, p); t < cpu_cut(r->T, PARTS, p + 1); t++) {
            const float *x = r->x + (size_t)t * D, *dy = r->dy + (size_t)t * D, *gain = r->gain;
            float *dx = r->y + (size_t)t * D, inv = r->inv[t];
            vf dot = {};
            for (int j = 0; j < D; j += VL)
                dot += vec_some(gain + j, D - j, 0) * vec_some(dy + j, D - j, 0) *
                       vec_some(x + j, D - j, 0);
            float mean = vec_sum(dot) * inv * inv / (float)D;
            for (int j = 0; j < D; j += VL) {
                vf d = vec_some(dy + j, D - j, 0), v = vec_some(x + j, D - j, 0);
                vf to_x = inv * (vec_some(gain + j, D - j, 0) * d - v * mean);
                if (r->add) to_x += vec_some(dx + j, D - j, 0);
                vec_put(dgain + j, vec_some(dgain + j, D - j, 0) + d * v * inv, D - j);
                vec_put(dx + j, to_x, D - j);
            }
        }
    }
}

void OP(rmsnorm_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgain,
                      struct kn_buf dy, struct kn_buf x, struct kn_buf inv, struct kn_buf gain,
                      int T, int D, bool add)
{
    float *partial = ((struct cpu *)be)->common;
    cpu_each(be, PARTS, 1, 12.0 * T * D, norm_back_parts,
             &(struct rows){.y = dx.at,
                            .inv = inv.at,
                            .partial = partial,
                            .x = x.at,
                            .gain = gain.at,
                            .dy = dy.at,
                            .T = T,
                            .D = D,
                            .add = add});
    for (int p = 0; p < PARTS; p++) row_axpy(KN_F32(dgain), 1, partial + (size_t)p * D, D);
}

static void softmax_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int N = r->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = r->x + (size_t)t * N;
        float *y = r->y + (size_t)t * N;
        if (N <= VL) { /* stays in one register */
            vi on = vec_first(N);
            vf v = vec_pick(on, r->c * vec_some(x, N, 0), vec_all(-INFINITY));
            vf e = vec_pick(on, vec_exp(v - vec_top(v)), (vf){});
            vec_put(y, e * (1 / vec_sum(e)), N);
            continue;
        }
        row_scale(y, 1 / row_exp(y, x, N, r->c, row_top(x, N, r->c)), N);
    }
}

void OP(softmax_rows)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T,
                      int N)
{
    cpu_each(be, T, ROWS, 30.0 * T * N, softmax_some,
             &(struct rows){.y = y.at, .x = x.at, .c = (float)c, .T = T, .D = N});
}

static void softmax_back_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int N = r->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *p = r->x + (size_t)t * N, *dy = r->dy + (size_t)t * N;
        float *dx = r->y + (size_t)t * N, mean = row_dot(p, dy, N);
        for (int j = 0; j < N; j += VL) {
            vf to_x = r->c * vec_some(p + j, N - j, 0) * (vec_some(dy + j, N - j, 0) - mean);
            if (r->add) to_x += vec_some(dx + j, N - j, 0);
            vec_put(dx + j, to_x, N - j);
        }
    }
}

void OP(softmax_rows_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                           struct kn_buf y, double c, int T, int N, bool add)
{
    cpu_each(be, T, ROWS, 8.0 * T * N, softmax_back_some,
             &(struct rows){
                 .y = dx.at, .x = y.at, .dy = dy.at, .c = (float)c, .T = T, .D = N, .add = add});
}

/* ---- standardised rows */
static void standardise_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int N = r->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = r->x + (size_t)t * N;
        double mean = 0, squares = 0;
        for (int j = 0; j < N; j++) mean += x[j];
        mean /= N;
        for (int j = 0; j < N; j++) squares += (x[j] - mean) * (x[j] - mean);
        r->inv[t] = (float)(1 / (sqrt(N > 1 ? squares / (N - 1) : 0) + KN_STANDARD_EPS));
        for (int j = 0; j < N; j++) r->y[(size_t)t * N + j] = x[j] * r->inv[t];
    }
}

void OP(standardise_rows)(struct kn_backend *be, struct kn_buf y, struct kn_buf inv,
                          struct kn_buf x, int T, int N)
{
    cpu_each(be, T, ROWS, 10.0 * T * N, standardise_some,
             &(struct rows){.y = y.at, .inv = inv.at, .x = x.at, .D = N});
}

/* With s = 1/inv - eps: ds/dx_j = (x_j - mean) / ((N - 1) s), and y = x inv. */
static void standardise_back_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    int N = r->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *dy = r->dy + (size_t)t * N, *y = r->x + (size_t)t * N;
        double inv = r->inv[t], s = 1 / inv - KN_STANDARD_EPS, mean = 0, dot = 0;
        for (int j = 0; j < N; j++) mean += y[j], dot += (double)dy[j] * y[j];
        mean /= N;
        double each = N > 1 && s > 0 ? dot / ((N - 1) * s) : 0;
        for (int j = 0; j < N; j++)
            r->y[(size_t)t * N + j] = (float)(inv * dy[j] - each * (y[j] - mean));
    }
}

void OP(standardise_rows_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                               struct kn_buf y, struct kn_buf inv, int T, int N)
{
    cpu_each(be, T, ROWS, 10.0 * T * N, standardise_back_some,
             &(struct rows){.y = dx.at, .inv = inv.at, .x = y.at, .dy = dy.at, .D = N});
}

/* ---- tanh, of any shape: cut into rows of one vector */
static void tanh_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    (void)scratch;
    for (int i = from; i < to; i++) {
        int n = r->T - i * 16 < 16 ? r->T - i * 16 : 16;
        for (int j = 0; j < n; j += VL) {
            size_t at = (size_t)i * 16 + j;
            vf x = vec_some(r->x + at, n - j, 0);
            vec_put(r->y + at, 2.f * vec_sigmoid(2.f * x) - 1.f, n - j);
        }
    }
}

void OP(tanh)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    cpu_each(be, (int)((n + 15) / 16), ROWS, 20.0 * n, tanh_some,
             &(struct rows){.y = y.at, .x = x.at, .T = (int)n});
}

static void tanh_back_some(const void *job, int from, int to, float *scratch)
{
    const struct rows *r = job;
    (void)scratch;
    for (int i = 16 * from; i < 16 * to && i < r->T; i++)
        r->y[i] = r->dy[i] * (1 - r->x[i] * r->x[i]);
}

void OP(tanh_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                   size_t n)
{
    cpu_each(be, (int)((n + 15) / 16), ROWS, 4.0 * n, tanh_back_some,
             &(struct rows){.y = dx.at, .x = y.at, .dy = dy.at, .T = (int)n});
}
