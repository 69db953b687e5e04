/* Slots that compute (almost) nothing: copies and constants. One warp a token; sums down the tokens
 * by column. */
#include "kernels/cuda/cuda.h"

static __device__ float dot(const float *a, const float *b, int n, int lane)
{
    float sum = 0;
    for (int i = lane; i < n; i += 32) sum += a[i] * b[i];
    return warp_sum(sum);
}

/* The gates of a token's copies together. False: none is taken. */
static __device__ bool copies_of(const float *gate, const int32_t *taken, int first, int n,
                                 float *sum)
{
    bool any = false;
    *sum = 0;
    for (int j = first; j < first + n; j++)
        if (taken[j]) any = true, *sum += gate[j];
    return any;
}

void cuda_copy_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                     struct kn_ints mask, int first, int n, int T, int N, int D)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x), *g = KN_F32(gate);
    const int32_t *taken = KN_I32(mask);
    warps(be, T, [=] __device__(int t, int lane) {
        float sum;
        if (!copies_of(g + (size_t)t * N, taken + (size_t)t * N, first, n, &sum)) return;
        for (int d = lane; d < D; d += 32) to[(size_t)t * D + d] += sum * from[(size_t)t * D + d];
    });
}

void cuda_copy_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                          struct kn_buf dy, struct kn_buf x, struct kn_buf gate,
                          struct kn_ints mask, int first, int n, int T, int N, int D)
{
    float *to = KN_F32(dx), *to_gate = KN_F32(dgate);
    const float *from = KN_F32(dy), *was = KN_F32(x), *g = KN_F32(gate);
    const int32_t *taken = KN_I32(mask);
    warps(be, T, [=] __device__(int t, int lane) {
        size_t row = (size_t)t * D, cols = (size_t)t * N;
        float sum, on_x = 0;
        bool any = copies_of(g + cols, taken + cols, first, n, &sum);
        if (any) on_x = dot(from + row, was + row, D, lane);
        for (int j = first + lane; j < first + n; j += 32)
            to_gate[cols + j] = taken[cols + j] ? on_x : 0;
        for (int d = lane; any && d < D; d += 32) to[row + d] += sum * from[row + d];
    });
}

/* ---- constant slots */
struct constants {
    const float *x, *dy, *gate, *v, *c;
    const int32_t *mask;
    float *share, *on; /* [T,n] a1, and <dy, x> - <dy, v>; only where taken */
    int first, n, T, N, D;
};

static __device__ bool takes(const struct constants &o, int t, int j)
{
    return o.mask[(size_t)t * o.N + o.first + j] != 0;
}

/* The share of x in slot j's answer; that of v is the rest to 1. */
static __device__ float share_of_x(const struct constants &o, int t, int j, float scale, int lane)
{
    const float *x = o.x + (size_t)t * o.D, *c = o.c + (size_t)2 * j * o.D;
    float score = 0;
    for (int d = lane; d < o.D; d += 32) score += (c[d] - c[o.D + d]) * x[d];
    return sigmoid(scale * warp_sum(score));
}

void cuda_constant_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x,
                         struct kn_buf gate, struct kn_ints mask, struct kn_buf v, struct kn_buf c,
                         int first, int n, int T, int N, int D)
{
    struct constants o = {};
    float *to = KN_F32(y);
    o.x = KN_F32(x), o.gate = KN_F32(gate), o.v = KN_F32(v), o.c = KN_F32(c), o.mask = KN_I32(mask);
    o.first = first, o.n = n, o.T = T, o.N = N, o.D = D;
    warps(be, T, [=] __device__(int t, int lane) {
        for (int j = 0; j < o.n; j++) {
            if (!takes(o, t, j)) continue;
            float g = o.gate[(size_t)t * o.N + o.first + j], a = share_of_x(o, t, j, 1, lane);
            for (int d = lane; d < o.D; d += 32)
                to[(size_t)t * o.D + d] +=
                    g * (a * o.x[(size_t)t * o.D + d] + (1 - a) * o.v[(size_t)j * o.D + d]);
        }
    });
}

/* The two scores enter as their difference only: what one gains the other loses. */
static __device__ float slope(const struct constants &o, int t, int j)
{
    size_t at = (size_t)t * o.n + j;
    float a = o.share[at];
    return o.gate[(size_t)t * o.N + o.first + j] * a * (1 - a) * o.on[at];
}

void cuda_constant_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                              struct kn_buf dv, struct kn_buf dc, struct kn_buf dy, struct kn_buf x,
                              struct kn_buf gate, struct kn_ints mask, struct kn_buf v,
                              struct kn_buf c, int first, int n, int T, int N, int D)
{
    struct constants o = {};
    float *to = KN_F32(dx), *to_gate = KN_F32(dgate), *to_v = KN_F32(dv), *to_c = KN_F32(dc);
    o.x = KN_F32(x), o.dy = KN_F32(dy), o.gate = KN_F32(gate), o.v = KN_F32(v), o.c = KN_F32(c);
    o.mask = KN_I32(mask), o.first = first, o.n = n, o.T = T, o.N = N, o.D = D;
    o.share = (float *)cells(be, (size_t)T * n + 1);
    o.on = o.share + (size_t)T * n;
    warps(be, T, [=] __device__(int t, int lane) {
        const float *from = o.dy + (size_t)t * o.D, *token = o.x + (size_t)t * o.D;
        for (int j = 0; j < o.n; j++) {
            size_t cell = (size_t)t * o.N + o.first + j;
            if (!takes(o, t, j)) {
                if (lane == 0) to_gate[cell] = 0;
                continue;
            }
            float a = share_of_x(o, t, j, 1, lane), on_x = dot(from, token, o.D, lane),
                  on_v = dot(from, o.v + (size_t)j * o.D, o.D, lane);
            if (lane == 0) to_gate[cell] = a * on_x + (1 - a) * on_v;
            if (lane == 0) o.share[(size_t)t * o.n + j] = a;
            if (lane == 0) o.on[(size_t)t * o.n + j] = on_x - on_v;
            float g = o.gate[cell], ds = g * a * (1 - a) * (on_x - on_v);
            const float *k = o.c + (size_t)2 * j * o.D;
            for (int d = lane; d < o.D; d += 32)
                to[(size_t)t * o.D + d] += g * a * from[d] + ds * (k[d] - k[o.D + d]);
        }
    });
    columns(
        be, T, n * D,
        [=] __device__(int t, int i) {
            int j = i / o.D;
            if (!takes(o, t, j)) return 0.f;
            return o.gate[(size_t)t * o.N + o.first + j] * (1 - o.share[(size_t)t * o.n + j]) *
                   o.dy[(size_t)t * o.D + i % o.D];
        },
        [=] __device__(int i, double sum) { to_v[i] += (float)sum; });
    columns(
        be, T, n * D,
        [=] __device__(int t, int i) {
            int j = i / o.D;
            return takes(o, t, j) ? slope(o, t, j) * o.x[(size_t)t * o.D + i % o.D] : 0.f;
        },
        [=] __device__(int i, double sum) {
            size_t at = (size_t)2 * (i / o.D) * o.D + i % o.D;
            to_c[at] += (float)sum;
            to_c[at + o.D] -= (float)sum;
        });
}

void cuda_constant_mix(struct kn_backend *be, struct kn_buf mix, struct kn_buf x, double scale,
                       struct kn_ints mask, struct kn_buf c, int first, int n, int T, int N, int D)
{
    struct constants o = {};
    float *to = KN_F32(mix), by = (float)scale, *share = (float *)cells(be, (size_t)T * n + 1 + n);
    double *takers = (double *)share + (size_t)T * n / 2 + 1;
    o.x = KN_F32(x), o.c = KN_F32(c), o.mask = KN_I32(mask);
    o.first = first, o.n = n, o.T = T, o.N = N, o.D = D;
    warps(be, T, [=] __device__(int t, int lane) {
        for (int j = 0; j < o.n; j++) {
            if (!takes(o, t, j)) continue;
            float a = share_of_x(o, t, j, by, lane);
            if (lane == 0) share[(size_t)t * o.n + j] = a;
        }
    });
    columns(
        be, T, n, [=] __device__(int t, int j) { return takes(o, t, j) ? 1. : 0.; },
        [=] __device__(int j, double sum) { takers[j] = sum; });
    columns(
        be, T, n,
        [=] __device__(int t, int j) { return takes(o, t, j) ? share[(size_t)t * o.n + j] : 0.f; },
        [=] __device__(int j, double sum) {
            to[j] = takers[j] > 0 ? (float)(sum / takers[j]) : NAN;
        });
}
