/* Gates that routed columns share with columns beside them, and rows that weigh more than others.
 */
#include "kernels/cuda/cuda.h"

void cuda_joint_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf side_gate,
                     struct kn_buf logits, struct kn_buf side, struct kn_ints mask,
                     struct kn_ints valid, int T, int N, int M)
{
    float *gates = KN_F32(gate), *side_gates = KN_F32(side_gate);
    const float *routed = KN_F32(logits), *beside = KN_F32(side);
    const int32_t *all_taken = KN_I32(mask), *real = KN_I32(valid);
    each(be, T, [=] __device__(size_t t) {
        const float *z = routed + t * N, *s = beside + t * M;
        float *g = gates + t * N, *h = side_gates + t * M, top = -INFINITY, sum = 0;
        const int32_t *taken = all_taken + t * N;
        bool in = real[t] != 0;
        for (int j = 0; j < N; j++)
            if (in && taken[j]) top = fmaxf(top, z[j]);
        for (int j = 0; j < M; j++) top = fmaxf(top, s[j]);
        for (int j = 0; j < N; j++) sum += g[j] = in && taken[j] ? expf(z[j] - top) : 0;
        for (int j = 0; j < M; j++) sum += h[j] = in ? expf(s[j] - top) : 0;
        for (int j = 0; j < N && sum > 0; j++) g[j] /= sum;
        for (int j = 0; j < M && sum > 0; j++) h[j] /= sum;
    });
}

void cuda_joint_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dside,
                          struct kn_buf dgate, struct kn_buf dside_gate, struct kn_buf gate,
                          struct kn_buf side_gate, int T, int N, int M)
{
    float *to = KN_F32(dlogits), *to_side = KN_F32(dside);
    const float *g = KN_F32(gate), *h = KN_F32(side_gate), *dg = KN_F32(dgate),
                *dh = KN_F32(dside_gate);
    each(be, T, [=] __device__(size_t t) {
        float mean = 0;
        for (int j = 0; j < N; j++) mean += g[t * N + j] * dg[t * N + j];
        for (int j = 0; j < M; j++) mean += h[t * M + j] * dh[t * M + j];
        for (int j = 0; j < N; j++) to[t * N + j] = g[t * N + j] * (dg[t * N + j] - mean);
        for (int j = 0; j < M; j++) to_side[t * M + j] = h[t * M + j] * (dh[t * M + j] - mean);
    });
}

static __device__ float taken_sum(const float *x, const int32_t *taken, int N)
{
    float sum = 0;
    for (int j = 0; j < N; j++) sum += taken[j] ? x[j] : 0;
    return sum;
}

void cuda_rated_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf w, struct kn_buf r,
                     struct kn_ints mask, bool spread, int T, int N)
{
    float *to = KN_F32(gate);
    const float *mass = KN_F32(w), *rate = KN_F32(r);
    const int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *a = mass + t * N, *b = rate + t * N;
        const int32_t *taken = all_taken + t * N;
        float share = taken_sum(a, taken, N) / (taken_sum(b, taken, N) + (float)KN_SPREAD_EPS);
        for (int j = 0; j < N; j++) to[t * N + j] = taken[j] ? b[j] * (spread ? share : a[j]) : 0;
    });
}

void cuda_rated_gate_back(struct kn_backend *be, struct kn_buf dw, struct kn_buf dr,
                          struct kn_buf dgate, struct kn_buf w, struct kn_buf r,
                          struct kn_ints mask, bool spread, int T, int N)
{
    float *to_w = KN_F32(dw), *to_r = KN_F32(dr);
    const float *weight = KN_F32(w), *rate = KN_F32(r), *from = KN_F32(dgate);
    const int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *a = weight + t * N, *b = rate + t * N, *d = from + t * N;
        const int32_t *taken = all_taken + t * N;
        float all = taken_sum(b, taken, N) + (float)KN_SPREAD_EPS, mass = taken_sum(a, taken, N),
              mean = 0;
        for (int j = 0; j < N; j++) mean += taken[j] ? d[j] * b[j] / all : 0;
        for (int j = 0; j < N; j++) {
            to_w[t * N + j] = !taken[j] ? 0 : spread ? mean : d[j] * b[j];
            to_r[t * N + j] = !taken[j] ? 0 : spread ? mass / all * (d[j] - mean) : d[j] * a[j];
        }
    });
}

/* ---- rows that weigh more than others */
static __device__ double weight_of(const int32_t *marked, double weight, size_t t)
{
    return marked && marked[t] ? weight : 1;
}

void cuda_column_share(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                       struct kn_ints marked, double weight, double c, struct kn_ints valid, int T,
                       int N)
{
    float *to = KN_F32(f);
    const int32_t *taken = KN_I32(mask), *heavy = KN_I32(marked), *real = KN_I32(valid);
    double *all = cells(be, 1);
    total<1>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (real[t]) sum[0] += weight_of(heavy, weight, t);
        },
        [=] __device__(const double *sum) { all[0] = sum[0]; });
    columns(
        be, T, N,
        [=] __device__(int t, int j) {
            return real[t] && taken[(size_t)t * N + j] ? weight_of(heavy, weight, t) : 0;
        },
        [=] __device__(int j, double sum) { to[j] = all[0] > 0 ? (float)(c * sum / all[0]) : 0; });
}

void cuda_weigh_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_ints marked,
                     double weight, struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    const int32_t *heavy = KN_I32(marked), *real = KN_I32(valid);
    double *mean = cells(be, 1);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!real[t]) return;
            sum[0] += 1;
            sum[1] += weight_of(heavy, weight, t);
        },
        [=] __device__(const double *sum) { mean[0] = sum[1] > 0 ? sum[0] / sum[1] : 0; });
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        to[i] = (float)(weight_of(heavy, weight, i / N) * mean[0]) * from[i];
    });
}
