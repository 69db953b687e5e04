/* What works on each row alone, one warp a row: the norm, the softmax, the spread. */
#include "kernels/cuda/cuda.h"

void cuda_rmsnorm(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                  struct kn_buf gain, int T, int D)
{
    float *to = KN_F32(y), *kept = KN_F32(inv);
    const float *from = KN_F32(x), *g = KN_F32(gain);
    bool wide = in_fours(D, to, from, g);
    warps(be, T, [=] __device__(int t, int lane) {
        const float *row = from + (size_t)t * D;
        float *out = to + (size_t)t * D, squares = 0;
        for (int j = lane * 4; wide && j < D; j += 128) {
            struct four x = four_at(row + j);
            for (int k = 0; k < 4; k++) squares += x.of[k] * x.of[k];
        }
        for (int j = lane; !wide && j < D; j += 32) squares += row[j] * row[j];
        float scale = 1 / sqrtf(warp_sum(squares) / D + (float)KN_NORM_EPS);
        if (lane == 0) kept[t] = scale;
        for (int j = lane * 4; wide && j < D; j += 128) {
            struct four x = four_at(row + j), by = four_at(g + j);
            for (int k = 0; k < 4; k++) x.of[k] *= scale * by.of[k];
            put_four(out + j, x);
        }
        for (int j = lane; !wide && j < D; j += 32) out[j] = row[j] * scale * g[j];
    });
}

/* ---- back: with n = inv x, dx = inv (gain dy - n mean(gain dy n)), dgain = sum of n dy */
struct norm {
    float *dx, *part; /* part: [blocks, D] of dgain */
    const float *dy, *x, *inv, *gain;
    int T, D, rows; /* rows: of a block */
    bool add;
};
enum { NORM_WARPS = 8 };

/* One pass over the rows: a lane keeps its columns, W fours of them, of the row and of dgain. */
template <int W>
static __global__ void __launch_bounds__(NORM_WARPS * 32) norm_kernel(struct norm o)
{
    SHARED(float, sum, NORM_WARPS *W * 128);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, end = (blockIdx.x + 1) * o.rows;
    struct four own[W] = {}, gain[W] = {};
    UNROLL
    for (int w = 0; w < W; w++)
        if (w * 128 + lane * 4 < o.D) gain[w] = four_at(o.gain + w * 128 + lane * 4);
    for (int t = blockIdx.x * o.rows + warp; t < end && t < o.T; t += NORM_WARPS) {
        size_t row = (size_t)t * o.D + lane * 4;
        float scale = o.inv[t], mean = 0;
        struct four x[W] = {}, dy[W] = {};
        UNROLL
        for (int w = 0; w < W; w++) {
            if (w * 128 + lane * 4 >= o.D) continue;
            x[w] = four_at(o.x + row + w * 128), dy[w] = four_at(o.dy + row + w * 128);
            for (int k = 0; k < 4; k++) {
                float n = x[w].of[k] *= scale;
                own[w].of[k] += n * dy[w].of[k];
                mean += gain[w].of[k] * dy[w].of[k] * n;
            }
        }
        mean = warp_sum(mean) / o.D;
        UNROLL
        for (int w = 0; w < W; w++) {
            if (w * 128 + lane * 4 >= o.D) continue;
            struct four d = {};
            if (o.add) d = four_at(o.dx + row + w * 128);
            for (int k = 0; k < 4; k++)
                d.of[k] += scale * (gain[w].of[k] * dy[w].of[k] - x[w].of[k] * mean);
            put_four(o.dx + row + w * 128, d);
        }
    }
    UNROLL
    for (int w = 0; w < W; w++)
        for (int k = 0; k < 4; k++) sum[(warp * W + w) * 128 + k * 32 + lane] = own[w].of[k];
    __syncthreads();
    for (int j = threadIdx.x; j < o.D; j += NORM_WARPS * 32) {
        float all = 0;
        for (int i = 0; i < NORM_WARPS; i++)
            all += sum[i * W * 128 + j / 128 * 128 + j % 4 * 32 + j % 128 / 4];
        o.part[(size_t)blockIdx.x * o.D + j] = all;
    }
}

static void norm_fast(struct kn_backend *be, struct norm o, float *to_gain, const char *op)
{
    int blocks;
    o.rows = o.T > 4096 ? 64 : NORM_WARPS;
    blocks = (int)pieces(o.T, o.rows);
    o.part = (float *)cells(be, ((size_t)blocks * o.D + 1) / 2, op);
    launch(be, op, blocks, NORM_WARPS * 32,
           o.D <= 128   ? norm_kernel<1>
           : o.D <= 256 ? norm_kernel<2>
           : o.D <= 512 ? norm_kernel<4>
                        : norm_kernel<8>,
           o);
    columns(
        be, blocks, o.D, [=] __device__(int t, int j) { return o.part[(size_t)t * o.D + j]; },
        [=] __device__(int j, double sum) { to_gain[j] += (float)sum; }, op);
}

static void norm_plain(struct kn_backend *be, struct norm o, float *to_gain, const char *op)
{
    columns(
        be, o.T, o.D,
        [=] __device__(int t, int j) {
            return o.dy[(size_t)t * o.D + j] * o.x[(size_t)t * o.D + j] * o.inv[t];
        },
        [=] __device__(int j, double sum) { to_gain[j] += (float)sum; }, op);
    warps(
        be, o.T,
        [=] __device__(int t, int lane) {
            size_t row = (size_t)t * o.D;
            float scale = o.inv[t], sum = 0;
            for (int j = lane; j < o.D; j += 32)
                sum += o.gain[j] * o.dy[row + j] * o.x[row + j] * scale;
            float mean = warp_sum(sum) / o.D;
            for (int j = lane; j < o.D; j += 32) {
                float d = scale * (o.gain[j] * o.dy[row + j] - o.x[row + j] * scale * mean);
                o.dx[row + j] = o.add ? o.dx[row + j] + d : d;
            }
        },
        op);
}

void cuda_rmsnorm_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgain,
                       struct kn_buf dy, struct kn_buf x, struct kn_buf inv, struct kn_buf gain,
                       int T, int D, bool add)
{
    struct norm o = {};
    o.dx = KN_F32(dx), o.dy = KN_F32(dy), o.x = KN_F32(x), o.inv = KN_F32(inv);
    o.gain = KN_F32(gain), o.T = T, o.D = D, o.add = add;
    if (D <= 1024 && in_fours(D, o.dx, o.dy, o.x, o.gain))
        norm_fast(be, o, KN_F32(dgain), __func__);
    else
        norm_plain(be, o, KN_F32(dgain), __func__);
}

void cuda_softmax_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T,
                       int N)
{
    float *to = KN_F32(y), by = (float)c;
    const float *from = KN_F32(x);
    warps(be, T, [=] __device__(int t, int lane) {
        size_t row = (size_t)t * N;
        float top = -INFINITY, sum = 0;
        for (int j = lane; j < N; j += 32) top = fmaxf(top, by * from[row + j]);
        top = warp_max(top);
        for (int j = lane; j < N; j += 32) sum += to[row + j] = expf(by * from[row + j] - top);
        float one = 1 / warp_sum(sum);
        for (int j = lane; j < N; j += 32) to[row + j] *= one;
    });
}

void cuda_softmax_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                            struct kn_buf y, double c, int T, int N, bool add)
{
    float *to = KN_F32(dx), by = (float)c;
    const float *from = KN_F32(dy), *p = KN_F32(y);
    warps(be, T, [=] __device__(int t, int lane) {
        size_t row = (size_t)t * N;
        float sum = 0;
        for (int j = lane; j < N; j += 32) sum += p[row + j] * from[row + j];
        float mean = warp_sum(sum);
        for (int j = lane; j < N; j += 32)
            to[row + j] = (add ? to[row + j] : 0) + by * p[row + j] * (from[row + j] - mean);
    });
}

/* ---- standardised rows */
void cuda_standardise_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf inv,
                           struct kn_buf x, int T, int N)
{
    float *to = KN_F32(y), *kept = KN_F32(inv);
    const float *from = KN_F32(x);
    warps(be, T, [=] __device__(int t, int lane) {
        const float *row = from + (size_t)t * N;
        float sum = 0, squares = 0;
        for (int j = lane; j < N; j += 32) sum += row[j];
        float mean = warp_sum(sum) / N;
        for (int j = lane; j < N; j += 32) squares += (row[j] - mean) * (row[j] - mean);
        squares = warp_sum(squares);
        float scale = 1 / (sqrtf(N > 1 ? squares / (N - 1) : 0) + (float)KN_STANDARD_EPS);
        for (int j = lane; j < N; j += 32) to[(size_t)t * N + j] = row[j] * scale;
        if (lane == 0) kept[t] = scale;
    });
}

/* With s = 1/inv - eps: ds/dx_j = (x_j - mean) / ((N - 1) s), and y = x inv. */
void cuda_standardise_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                                struct kn_buf y, struct kn_buf inv, int T, int N)
{
    float *to = KN_F32(dx);
    const float *from = KN_F32(dy), *was = KN_F32(y), *kept = KN_F32(inv);
    warps(be, T, [=] __device__(int t, int lane) {
        size_t row = (size_t)t * N;
        float scale = kept[t], s = 1 / scale - (float)KN_STANDARD_EPS, sum = 0, dot = 0;
        for (int j = lane; j < N; j += 32) sum += was[row + j], dot += from[row + j] * was[row + j];
        float mean = warp_sum(sum) / N;
        dot = warp_sum(dot);
        float back = N > 1 && s > 0 ? dot / ((N - 1) * s) : 0;
        for (int j = lane; j < N; j += 32)
            to[row + j] = scale * from[row + j] - back * (was[row + j] - mean);
    });
}
