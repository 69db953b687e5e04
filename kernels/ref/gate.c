/* Masks and gates of any router, and the losses on columns. */
#include "kernels/ref/ref.h"

/* ---- masks */
static bool all_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

void ref_clean_rows(struct kn_backend *be, struct kn_buf y, struct kn_ints valid,
                    struct kn_ints bad, struct kn_buf x, struct kn_ints padding, int T, int N)
{
    I(bad)[0] = 0;
    for (int t = 0; t < T; t++) {
        bool real = !padding.at || I(padding)[t] == 1, finite = all_finite(ref_row(x, t, N), N);
        I(bad)[0] += real && !finite;
        I(valid)[t] = real && finite;
        for (int j = 0; j < N; j++) ref_row(y, t, N)[j] = I(valid)[t] ? ref_row(x, t, N)[j] : 0;
    }
}

/* The column with the largest score among those not taken yet; the lowest of equals. */
static int next_best(const double *score, const int32_t *taken, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!taken[j] && (best < 0 || score[j] > score[best])) best = j;
    return best;
}

void ref_topk_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, int k,
                   struct kn_ints counts, struct kn_ints valid, int T, int N)
{
    for (int t = 0; t < T; t++) {
        int32_t *taken = ref_ints(mask, t, N);
        int want = !I(valid)[t] ? 0 : counts.at ? I(counts)[t] : k;
        for (int j = 0; j < N; j++) taken[j] = 0;
        for (int i = 0; i < want && i < N; i++)
            taken[next_best(ref_row(score, t, N), taken, N)] = 1;
    }
}

void ref_cumulative_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf prob, double p,
                         bool or_equal, struct kn_ints valid, int T, int N)
{
    for (int t = 0; t < T; t++) {
        int32_t *taken = ref_ints(mask, t, N);
        int most = I(valid)[t] ? N : 0;
        double sum = 0;
        for (int j = 0; j < N; j++) taken[j] = 0;
        for (int i = 0; i < most; i++) {
            int j = next_best(ref_row(prob, t, N), taken, N);
            taken[j] = 1;
            sum += ref_row(prob, t, N)[j];
            if (p < 1 && (or_equal ? sum >= p : sum > p)) break;
        }
    }
}

/* ---- gates */
void ref_masked_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf prob,
                     struct kn_ints mask, int T, int N)
{
    for (size_t i = 0; i < (size_t)T * N; i++) F(gate)[i] = I(mask)[i] ? F(prob)[i] : 0;
}

void ref_masked_gate_back(struct kn_backend *be, struct kn_buf dprob, struct kn_buf dgate,
                          struct kn_ints mask, int T, int N, bool add)
{
    for (size_t i = 0; i < (size_t)T * N; i++)
        F(dprob)[i] = (add ? F(dprob)[i] : 0) + (I(mask)[i] ? F(dgate)[i] : 0);
}

void ref_normalised_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf logits, double c,
                         struct kn_ints mask, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *x = ref_row(logits, t, N);
        const int32_t *taken = ref_ints(mask, t, N);
        double *to = ref_row(gate, t, N), top = -INFINITY, sum = 0;
        for (int j = 0; j < N; j++)
            if (taken[j]) top = fmax(top, c * x[j]);
        for (int j = 0; j < N; j++) sum += to[j] = taken[j] ? exp(c * x[j] - top) : 0;
        for (int j = 0; j < N; j++)
            if (taken[j]) to[j] /= sum;
    }
}

void ref_normalised_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dgate,
                              struct kn_buf gate, double c, struct kn_ints mask, int T, int N,
                              bool add)
{
    for (int t = 0; t < T; t++) {
        const double *from = ref_row(dgate, t, N), *g = ref_row(gate, t, N);
        const int32_t *taken = ref_ints(mask, t, N);
        double *to = ref_row(dlogits, t, N), mean = 0;
        for (int j = 0; j < N; j++)
            if (taken[j]) mean += g[j] * from[j];
        for (int j = 0; j < N; j++)
            to[j] = (add ? to[j] : 0) + (taken[j] ? c * g[j] * (from[j] - mean) : 0);
    }
}

/* ---- losses on columns */
/* What a sum over the valid rows is multiplied by to be their mean: 0 where there is none. */
static double one_row(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += I(valid)[t] != 0;
    return rows ? 1.0 / rows : 0;
}

void ref_column_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask, int T, int N,
                     int E)
{
    double sum = 0;
    for (int e = 0; e < N; e++) F(f)[e] = 0;
    for (int t = 0; t < T; t++)
        for (int e = 0; e < E; e++) F(f)[e] += ref_ints(mask, t, N)[e];
    for (int e = 0; e < E; e++) sum += F(f)[e];
    for (int e = 0; e < E && sum > 0; e++) F(f)[e] *= E / sum;
}

void ref_column_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, struct kn_buf f,
                     struct kn_ints valid, int T, int N)
{
    double sum = 0;
    for (int t = 0; t < T; t++)
        if (I(valid)[t]) sum += ref_dot(F(f), ref_row(a, t, N), N);
    F(loss)[0] = sum * one_row(valid, T);
}

void ref_column_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf f,
                          struct kn_ints valid, int T, int N)
{
    double each = c * one_row(valid, T);
    for (int t = 0; t < T; t++)
        if (I(valid)[t]) ref_axpy(ref_row(da, t, N), each, F(f), N);
}

void ref_z_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf logits,
                struct kn_ints valid, int T, int N)
{
    double sum = 0;
    for (int t = 0; t < T; t++) {
        if (!I(valid)[t]) continue;
        double lse = ref_log_sum_exp(ref_row(logits, t, N), N);
        sum += lse * lse;
    }
    F(loss)[0] = sum * one_row(valid, T);
}

void ref_z_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c, struct kn_buf logits,
                     struct kn_ints valid, int T, int N)
{
    double each = c * one_row(valid, T);
    for (int t = 0; t < T; t++) {
        const double *x = ref_row(logits, t, N);
        if (!I(valid)[t]) continue;
        double lse = ref_log_sum_exp(x, N);
        for (int j = 0; j < N; j++) ref_row(dlogits, t, N)[j] += each * 2 * lse * exp(x[j] - lse);
    }
}

/* The probability of the outcome that column j belongs to: all slots are one outcome. */
static double outcome(const double *prob, int j, int N, int E)
{
    double slots = 0;
    if (j < E) return prob[j];
    for (int i = E; i < N; i++) slots += prob[i];
    return slots;
}

void ref_entropy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf prob,
                      struct kn_ints valid, int T, int N, int E)
{
    double sum = 0;
    for (int t = 0; t < T; t++) {
        for (int j = 0; I(valid)[t] && j < N && j <= E; j++) {
            double q = outcome(ref_row(prob, t, N), j, N, E);
            if (q > 0) sum -= q * log(q);
        }
    }
    F(loss)[0] = sum * one_row(valid, T);
}

void ref_entropy_loss_back(struct kn_backend *be, struct kn_buf dprob, double c, struct kn_buf prob,
                           struct kn_ints valid, int T, int N, int E)
{
    double each = c * one_row(valid, T);
    for (int t = 0; t < T; t++) {
        for (int j = 0; I(valid)[t] && j < N; j++) {
            double q = fmax(outcome(ref_row(prob, t, N), j, N, E), FLT_MIN);
            ref_row(dprob, t, N)[j] -= each * (log(q) + 1);
        }
    }
}
