/* Counts that are chosen: their labels, their draw, and the policy gradient of the choice. */
#include "kernels/ref/ref.h"

/* ---- counts by probability mass */
/* sum[i] = the i + 1 largest of a row together. N <= KN_COLUMNS. */
static void running_sums(double *sum, const double *prob, int N)
{
    for (int i = 0; i < N; i++) {
        int at = i;
        for (; at > 0 && sum[at - 1] < prob[i]; at--) sum[at] = sum[at - 1];
        sum[at] = prob[i];
    }
    for (int i = 1; i < N; i++) sum[i] += sum[i - 1];
}

static int reach(const double *sum, double p, int N)
{
    int n = 1;
    while (n < N && (p >= 1 || sum[n - 1] < p)) n++;
    return n;
}

void ref_mass_match(struct kn_backend *be, struct kn_buf p, struct kn_buf prob, double mean,
                    struct kn_ints valid, int T, int N)
{
    double total[101] = {0}, sum[KN_COLUMNS], rows = 0;
    int best = 1;
    for (int t = 0; t < T; t++) {
        if (!I(valid)[t]) continue;
        running_sums(sum, ref_row(prob, t, N), N);
        for (int i = 1; i <= 100; i++) total[i] += reach(sum, i / 100., N);
        rows++;
    }
    for (int i = 2; i <= 100; i++)
        if (fabs(total[i] - mean * rows) < fabs(total[best] - mean * rows)) best = i;
    if (rows > 0) F(p)[0] = best / 100.;
}

void ref_mass_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob,
                    struct kn_buf p, int most, struct kn_ints valid, int T, int N)
{
    double sum[KN_COLUMNS];
    for (int t = 0; t < T; t++) {
        running_sums(sum, ref_row(prob, t, N), N);
        int n = reach(sum, F(p)[0], N);
        I(count)[t] = !I(valid)[t] ? 0 : n < most ? n : most;
    }
}

/* ---- a count a row */
static int most_probable(const double *prob, int N)
{
    int best = 0;
    for (int j = 1; j < N; j++)
        if (prob[j] > prob[best]) best = j;
    return best + 1;
}

static int expected(const double *prob, int N)
{
    double sum = 0;
    for (int j = 0; j < N; j++) sum += (j + 1) * prob[j];
    int n = (int)floor(sum + .5);
    return n < 1 ? 1 : n > N ? N : n;
}

static int drawn(const double *prob, double u, int N)
{
    double sum = 0;
    int last = 0;
    for (int j = 0; j < N; j++) {
        if (prob[j] > 0) last = j;
        if ((sum += prob[j]) > u) return j + 1;
    }
    return last + 1;
}

void ref_draw_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob,
                    struct kn_buf u, bool mean, struct kn_ints valid, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *row = ref_row(prob, t, N);
        I(count)
        [t] = !I(valid)[t] ? 0
              : u.at       ? drawn(row, F(u)[t], N)
              : mean       ? expected(row, N)
                           : most_probable(row, N);
    }
}

void ref_row_count(struct kn_backend *be, struct kn_ints count, struct kn_ints mask, int T, int N)
{
    for (int t = 0; t < T; t++) {
        I(count)[t] = 0;
        for (int j = 0; j < N; j++) I(count)[t] += ref_ints(mask, t, N)[j];
    }
}

void ref_log_pick(struct kn_backend *be, struct kn_buf y, struct kn_buf prob, struct kn_ints count,
                  int T, int N)
{
    for (int t = 0; t < T; t++) {
        int n = I(count)[t];
        F(y)[t] = n > 0 ? log(ref_row(prob, t, N)[n - 1]) : 0;
    }
}

/* ---- policy gradient */
struct policy {
    const double *prob, *old, *advantage;
    const int32_t *count, *valid;
    double clip;
    int N;
};

static bool counts(const struct policy *p, int t)
{
    return p->valid[t] && p->count[t] > 0 && isfinite(p->advantage[t]);
}

static double ratio(const struct policy *p, int t)
{
    double now = log(p->prob[(size_t)t * p->N + p->count[t] - 1]);
    return exp(fmin(now - p->old[t], 20));
}

static bool is_clipped(const struct policy *p, int t, double r)
{
    return p->advantage[t] > 0 ? r > 1 + p->clip : p->advantage[t] < 0 && r < 1 - p->clip;
}

void ref_policy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf clipped,
                     struct kn_buf prob, struct kn_ints count, struct kn_buf old,
                     struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
{
    struct policy p = {prob.at, old.at, advantage.at, count.at, valid.at, clip, N};
    double sum = 0, over = 0, rows = 0;
    for (int t = 0; t < T; t++) {
        if (!counts(&p, t)) continue;
        double r = ratio(&p, t), held = fmin(fmax(r, 1 - clip), 1 + clip), A = p.advantage[t];
        sum -= fmin(r * A, held * A);
        over += is_clipped(&p, t, r);
        rows++;
    }
    F(loss)[0] = (rows > 0 ? sum / rows : 0);
    F(clipped)[0] = (rows > 0 ? over / rows : 0);
}

void ref_policy_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c,
                          struct kn_buf prob, struct kn_ints count, struct kn_buf old,
                          struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
{
    struct policy p = {prob.at, old.at, advantage.at, count.at, valid.at, clip, N};
    double rows = 0;
    for (int t = 0; t < T; t++) rows += counts(&p, t);
    for (int t = 0; t < T; t++) {
        if (!counts(&p, t)) continue;
        double r = ratio(&p, t), each = is_clipped(&p, t, r) ? 0 : -c * p.advantage[t] * r / rows;
        double *to = ref_row(dlogits, t, N);
        const double *row = ref_row(prob, t, N);
        for (int n = 0; n < N; n++) to[n] += (each * ((n + 1 == p.count[t]) - row[n]));
    }
}

void ref_group_sum(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T, int n)
{
    for (int t = 0; t < T; t++) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += ref_row(x, t, n)[i];
        F(y)[t] = (c * sum);
    }
}
