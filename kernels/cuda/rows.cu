/* What works on each row alone, one warp a row: the norm, the softmax, the spread. */
#include "kernels/cuda/cuda.h"

void cuda_rmsnorm(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                  struct kn_buf gain, int T, int D)
{
    float *to = KN_F32(y), *kept = KN_F32(inv);
    const float *from = KN_F32(x), *g = KN_F32(gain);
    warps(be, T, [=] __device__(int t, int lane) {
        const float *row = from + (size_t)t * D;
        float squares = 0;
        for (int j = lane; j < D; j += 32) squares += row[j] * row[j];
        float scale = 1 / sqrtf(warp_sum(squares) / D + (float)KN_NORM_EPS);
        if (lane == 0) kept[t] = scale;
        for (int j = lane; j < D; j += 32) to[(size_t)t * D + j] = row[j] * scale * g[j];
    });
}

/* With n = inv x: dx = inv (gain dy - n mean(gain dy n)). */
void cuda_rmsnorm_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgain,
                       struct kn_buf dy, struct kn_buf x, struct kn_buf inv, struct kn_buf gain,
                       int T, int D, bool add)
{
    float *to = KN_F32(dx), *to_gain = KN_F32(dgain);
    const float *from = KN_F32(dy), *was = KN_F32(x), *kept = KN_F32(inv), *g = KN_F32(gain);
    columns(
        be, T, D,
        [=] __device__(int t, int j) {
            return from[(size_t)t * D + j] * was[(size_t)t * D + j] * kept[t];
        },
        [=] __device__(int j, double sum) { to_gain[j] += (float)sum; });
    warps(be, T, [=] __device__(int t, int lane) {
        size_t row = (size_t)t * D;
        float scale = kept[t], sum = 0;
        for (int j = lane; j < D; j += 32) sum += g[j] * from[row + j] * was[row + j] * scale;
        float mean = warp_sum(sum) / D;
        for (int j = lane; j < D; j += 32) {
            float d = scale * (g[j] * from[row + j] - was[row + j] * scale * mean);
            to[row + j] = add ? to[row + j] + d : d;
        }
    });
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
