/* Counts that are chosen: their labels, their draw, and the policy gradient of the choice. One
 * thread a token, in double: what is decided here is the same on every backend. */
#include "kernels/cuda/cuda.h"

/* ---- counts by probability mass */
/* sum[i] = the i + 1 largest of a row together. N <= KN_COLUMNS. */
static __device__ void running_sums(double *sum, const float *prob, int N)
{
    for (int i = 0; i < N; i++) {
        int at = i;
        for (; at > 0 && sum[at - 1] < prob[i]; at--) sum[at] = sum[at - 1];
        sum[at] = prob[i];
    }
    for (int i = 1; i < N; i++) sum[i] += sum[i - 1];
}

static __device__ int reach(const double *sum, double p, int N)
{
    int n = 1;
    while (n < N && (p >= 1 || sum[n - 1] < p)) n++;
    return n;
}

/* A table of what each token would take at .01, .02 .. 1, added up by column. */
void cuda_mass_match(struct kn_backend *be, struct kn_buf p, struct kn_buf prob, double mean,
                     struct kn_ints valid, int T, int N)
{
    float *to = KN_F32(p);
    const float *from = KN_F32(prob);
    const int32_t *real = KN_I32(valid);
    double *all = cells(be, 101 + ((size_t)T * 100 + 7) / 8);
    unsigned char *want = (unsigned char *)(all + 101); /* [T,100] */
    each(be, T, [=] __device__(size_t t) {
        double sum[KN_COLUMNS];
        running_sums(sum, from + t * N, N);
        for (int i = 0; i < 100; i++)
            want[t * 100 + i] = real[t] ? (unsigned char)reach(sum, (i + 1) / 100., N) : 0;
    });
    columns(
        be, T, 100, [=] __device__(int t, int i) { return (double)want[(size_t)t * 100 + i]; },
        [=] __device__(int i, double sum) { all[i + 1] = sum; });
    count_rows(be, all, real, T);
    once(be, [=] __device__() {
        double rows = all[0];
        int best = 1;
        for (int i = 2; i <= 100; i++)
            if (fabs(all[i] - mean * rows) < fabs(all[best] - mean * rows)) best = i;
        if (rows > 0) to[0] = (float)(best / 100.);
    });
}

void cuda_mass_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob,
                     struct kn_buf p, int most, struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(count);
    const float *from = KN_F32(prob), *mass = KN_F32(p);
    const int32_t *real = KN_I32(valid);
    each(be, T, [=] __device__(size_t t) {
        double sum[KN_COLUMNS];
        running_sums(sum, from + t * N, N);
        int n = reach(sum, mass[0], N);
        to[t] = !real[t] ? 0 : n < most ? n : most;
    });
}

/* ---- a count a row */
static __device__ int most_probable(const float *prob, int N)
{
    int best = 0;
    for (int j = 1; j < N; j++)
        if (prob[j] > prob[best]) best = j;
    return best + 1;
}

static __device__ int expected(const float *prob, int N)
{
    double sum = 0;
    for (int j = 0; j < N; j++) sum += (double)(j + 1) * prob[j];
    int n = (int)floor(sum + .5);
    return n < 1 ? 1 : n > N ? N : n;
}

static __device__ int drawn(const float *prob, double u, int N)
{
    double sum = 0;
    int last = 0;
    for (int j = 0; j < N; j++) {
        if (prob[j] > 0) last = j;
        if ((sum += prob[j]) > u) return j + 1;
    }
    return last + 1;
}

void cuda_draw_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob,
                     struct kn_buf u, bool mean, struct kn_ints valid, int T, int N)
{
    int32_t *to = KN_I32(count);
    const float *from = KN_F32(prob), *draw = KN_F32(u);
    const int32_t *real = KN_I32(valid);
    each(be, T, [=] __device__(size_t t) {
        const float *row = from + t * N;
        to[t] = !real[t] ? 0
                : draw   ? drawn(row, draw[t], N)
                : mean   ? expected(row, N)
                         : most_probable(row, N);
    });
}

void cuda_row_count(struct kn_backend *be, struct kn_ints count, struct kn_ints mask, int T, int N)
{
    int32_t *to = KN_I32(count);
    const int32_t *taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        int n = 0;
        for (int j = 0; j < N; j++) n += taken[t * N + j];
        to[t] = n;
    });
}

void cuda_log_pick(struct kn_backend *be, struct kn_buf y, struct kn_buf prob, struct kn_ints count,
                   int T, int N)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(prob);
    const int32_t *n = KN_I32(count);
    each(be, T, [=] __device__(size_t t) {
        to[t] = n[t] > 0 ? (float)log((double)from[t * N + n[t] - 1]) : 0;
    });
}

/* ---- policy gradient */
struct policy {
    const float *prob, *old, *advantage;
    const int32_t *count, *valid;
    double clip;
    int N;
};

static __device__ bool counts(const struct policy &p, size_t t)
{
    return p.valid[t] && p.count[t] > 0 && isfinite(p.advantage[t]);
}

static __device__ double ratio(const struct policy &p, size_t t)
{
    double now = log((double)p.prob[t * p.N + p.count[t] - 1]);
    return exp(fmin(now - p.old[t], 20.));
}

static __device__ bool is_clipped(const struct policy &p, size_t t, double r)
{
    return p.advantage[t] > 0 ? r > 1 + p.clip : p.advantage[t] < 0 && r < 1 - p.clip;
}

void cuda_policy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf clipped,
                      struct kn_buf prob, struct kn_ints count, struct kn_buf old,
                      struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
{
    struct policy p = {
        KN_F32(prob), KN_F32(old), KN_F32(advantage), KN_I32(count), KN_I32(valid), clip, N};
    float *to = KN_F32(loss), *to_clipped = KN_F32(clipped);
    total<3>(
        be, T,
        [=] __device__(size_t t, double *sum) {
            if (!counts(p, t)) return;
            double r = ratio(p, t), held = fmin(fmax(r, 1 - p.clip), 1 + p.clip);
            double A = p.advantage[t];
            sum[0] += 1;
            sum[1] -= fmin(r * A, held * A);
            sum[2] += is_clipped(p, t, r);
        },
        [=] __device__(const double *sum) {
            to[0] = sum[0] > 0 ? (float)(sum[1] / sum[0]) : 0;
            to_clipped[0] = sum[0] > 0 ? (float)(sum[2] / sum[0]) : 0;
        });
}

void cuda_policy_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c,
                           struct kn_buf prob, struct kn_ints count, struct kn_buf old,
                           struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
{
    struct policy p = {
        KN_F32(prob), KN_F32(old), KN_F32(advantage), KN_I32(count), KN_I32(valid), clip, N};
    float *to = KN_F32(dlogits);
    double *rows = cells(be, 1);
    total<1>(
        be, T, [=] __device__(size_t t, double *sum) { sum[0] += counts(p, t); },
        [=] __device__(const double *sum) { rows[0] = sum[0]; });
    each(be, T, [=] __device__(size_t t) {
        if (!counts(p, t)) return;
        double r = ratio(p, t), d = is_clipped(p, t, r) ? 0 : -c * p.advantage[t] * r / rows[0];
        for (int n = 0; n < N; n++)
            to[t * N + n] += (float)(d * ((n + 1 == p.count[t]) - p.prob[t * N + n]));
    });
}

void cuda_group_sum(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T, int n)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    each(be, T, [=] __device__(size_t t) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += from[t * n + i];
        to[t] = (float)(c * sum);
    });
}
