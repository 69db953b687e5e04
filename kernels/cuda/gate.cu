/* Masks and gates of any router, and the losses on columns: one thread a token. Sums that decide
 * between columns are in double, as everywhere: a mask does not depend on the backend. */
#include "kernels/cuda/cuda.h"

/* ---- masks */
void cuda_clean_rows(struct kn_backend *be, struct kn_buf y, struct kn_ints valid,
                     struct kn_ints bad, struct kn_buf x, struct kn_ints padding, int T, int N)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    int32_t *real = KN_I32(valid), *count = KN_I32(bad);
    const int32_t *in = KN_I32(padding);
    total<1>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            bool is_in = !in || in[t] == 1, finite = true;
            for (int j = 0; j < N; j++) finite = finite && isfinite(from[t * N + j]);
            real[t] = is_in && finite;
            sum[0] += is_in && !finite;
            for (int j = 0; j < N; j++) to[t * N + j] = is_in && finite ? from[t * N + j] : 0;
        },
        [=] __device__(const double *sum) { count[0] = (int32_t)sum[0]; });
}

/* The column with the largest score among those not taken yet; the lowest of equals. */
static __device__ int next_best(const float *score, const int32_t *taken, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!taken[j] && (best < 0 || score[j] > score[best])) best = j;
    return best;
}

void cuda_topk_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, int k,
                    struct kn_ints counts, struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(mask);
    const int32_t *want_of = KN_I32(counts), *real = KN_I32(valid);
    const float *from = KN_F32(score);
    each(be, T, [=] __device__(size_t t) {
        int32_t *taken = to + t * N;
        int want = !real[t] ? 0 : want_of ? want_of[t] : k;
        for (int j = 0; j < N; j++) taken[j] = 0;
        for (int i = 0; i < want && i < N; i++) taken[next_best(from + t * N, taken, N)] = 1;
    });
}

void cuda_cumulative_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf prob, double p,
                          bool or_equal, struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(mask);
    const int32_t *real = KN_I32(valid);
    const float *from = KN_F32(prob);
    each(be, T, [=] __device__(size_t t) {
        int32_t *taken = to + t * N;
        int most = real[t] ? N : 0;
        double sum = 0;
        for (int j = 0; j < N; j++) taken[j] = 0;
        for (int i = 0; i < most; i++) {
            int j = next_best(from + t * N, taken, N);
            taken[j] = 1;
            sum += from[t * N + j];
            if (p < 1 && (or_equal ? sum >= p : sum > p)) break;
        }
    });
}

/* ---- gates */
void cuda_masked_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf prob,
                      struct kn_ints mask, int T, int N)
{
    float *to = KN_F32(gate);
    const float *from = KN_F32(prob);
    const int32_t *taken = KN_I32(mask);
    each(be, (size_t)T * N, [=] __device__(size_t i) { to[i] = taken[i] ? from[i] : 0; });
}

void cuda_masked_gate_back(struct kn_backend *be, struct kn_buf dprob, struct kn_buf dgate,
                           struct kn_ints mask, int T, int N, bool add)
{
    float *to = KN_F32(dprob);
    const float *from = KN_F32(dgate);
    const int32_t *taken = KN_I32(mask);
    each(be, (size_t)T * N,
         [=] __device__(size_t i) { to[i] = (add ? to[i] : 0) + (taken[i] ? from[i] : 0); });
}

void cuda_normalised_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf logits, double c,
                          struct kn_ints mask, int T, int N)
{
    float *all = KN_F32(gate), by = (float)c;
    const float *from = KN_F32(logits);
    const int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *x = from + t * N;
        const int32_t *taken = all_taken + t * N;
        float *to = all + t * N, top = -INFINITY, sum = 0;
        for (int j = 0; j < N; j++)
            if (taken[j]) top = fmaxf(top, by * x[j]);
        for (int j = 0; j < N; j++) sum += to[j] = taken[j] ? expf(by * x[j] - top) : 0;
        for (int j = 0; j < N; j++)
            if (taken[j]) to[j] /= sum;
    });
}

void cuda_normalised_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dgate,
                               struct kn_buf gate, double c, struct kn_ints mask, int T, int N,
                               bool add)
{
    float *to = KN_F32(dlogits), by = (float)c;
    const float *from = KN_F32(dgate), *g = KN_F32(gate);
    const int32_t *taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        float mean = 0;
        for (size_t i = t * N; i < (t + 1) * N; i++)
            if (taken[i]) mean += g[i] * from[i];
        for (size_t i = t * N; i < (t + 1) * N; i++)
            to[i] = (add ? to[i] : 0) + (taken[i] ? by * g[i] * (from[i] - mean) : 0);
    });
}

/* ---- losses on columns */
void cuda_column_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask, int T, int N,
                      int E)
{
    float *to = KN_F32(f);
    double *count = cells(be, N);
    const int32_t *taken = KN_I32(mask);
    columns(
        be, T, N, [=] __device__(int t, int j) { return (double)(taken[(size_t)t * N + j] != 0); },
        [=] __device__(int j, double sum) { count[j] = sum; });
    each(be, N, [=] __device__(size_t j) {
        double sum = 0;
        for (int e = 0; e < E; e++) sum += count[e];
        to[j] = (int)j < E && sum > 0 ? (float)(count[j] * E / sum) : 0;
    });
}

void cuda_column_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, struct kn_buf f,
                      struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    const float *from = KN_F32(a), *price = KN_F32(f);
    const int32_t *real = KN_I32(valid);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!real[t]) return;
            sum[0] += 1;
            for (int j = 0; j < N; j++) sum[1] += (double)price[j] * from[t * N + j];
        },
        [=] __device__(const double *sum) { to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : 0; });
}

void cuda_column_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf f,
                           struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(da);
    const float *price = KN_F32(f);
    const int32_t *real = KN_I32(valid);
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        if (real[i / N]) to[i] += (float)(c / rows[0]) * price[i % N];
    });
}

static __device__ float log_sum_exp(const float *x, int N)
{
    float top = -INFINITY, sum = 0;
    for (int j = 0; j < N; j++) top = fmaxf(top, x[j]);
    for (int j = 0; j < N; j++) sum += expf(x[j] - top);
    return top + logf(sum);
}

void cuda_z_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf logits,
                 struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(loss);
    const float *from = KN_F32(logits);
    const int32_t *real = KN_I32(valid);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!real[t]) return;
            double lse = log_sum_exp(from + t * N, N);
            sum[0] += 1;
            sum[1] += lse * lse;
        },
        [=] __device__(const double *sum) { to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : 0; });
}

void cuda_z_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c, struct kn_buf logits,
                      struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(dlogits);
    const float *from = KN_F32(logits);
    const int32_t *real = KN_I32(valid);
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    each(be, T, [=] __device__(size_t t) {
        if (!real[t]) return;
        float lse = log_sum_exp(from + t * N, N), one = (float)(c / rows[0]) * 2 * lse;
        for (int j = 0; j < N; j++) to[t * N + j] += one * expf(from[t * N + j] - lse);
    });
}

/* The probability of the outcome that column j belongs to: all slots are one outcome. */
static __device__ float outcome(const float *prob, int j, int N, int E)
{
    float slots = 0;
    if (j < E) return prob[j];
    for (int i = E; i < N; i++) slots += prob[i];
    return slots;
}

void cuda_entropy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf prob,
                       struct kn_ints valid, int T, int N, int E)
{
    float *to = KN_F32(loss);
    const float *from = KN_F32(prob);
    const int32_t *real = KN_I32(valid);
    total<2>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            sum[0] += real[t] != 0;
            for (int j = 0; real[t] && j < N && j <= E; j++) {
                float q = outcome(from + t * N, j, N, E);
                if (q > 0) sum[1] -= q * logf(q);
            }
        },
        [=] __device__(const double *sum) { to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : 0; });
}

void cuda_entropy_loss_back(struct kn_backend *be, struct kn_buf dprob, double c,
                            struct kn_buf prob, struct kn_ints valid, int T, int N, int E)
{
    float *to = KN_F32(dprob);
    const float *from = KN_F32(prob);
    const int32_t *real = KN_I32(valid);
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        size_t t = i / N;
        if (!real[t]) return;
        float q = fmaxf(outcome(from + t * N, (int)(i % N), N, E), FLT_MIN);
        to[i] -= (float)(c / rows[0]) * (logf(q) + 1);
    });
}
