/* Gates that routed columns share with columns beside them, and rows that weigh more than others.
 */
#include "kernels/ref/ref.h"

/* ---- gates */
void ref_joint_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf side_gate,
                    struct kn_buf logits, struct kn_buf side, struct kn_ints mask,
                    struct kn_ints valid, int T, int N, int M)
{
    for (int t = 0; t < T; t++) {
        const double *z = ref_row(logits, t, N), *s = ref_row(side, t, M);
        const int32_t *taken = ref_ints(mask, t, N);
        double *g = ref_row(gate, t, N), *h = ref_row(side_gate, t, M), top = -INFINITY, sum = 0;
        bool real = I(valid)[t];
        for (int j = 0; j < N; j++)
            if (real && taken[j]) top = fmax(top, z[j]);
        for (int j = 0; j < M; j++) top = fmax(top, s[j]);
        for (int j = 0; j < N; j++) sum += g[j] = real && taken[j] ? exp(z[j] - top) : 0;
        for (int j = 0; j < M; j++) sum += h[j] = real ? exp(s[j] - top) : 0;
        for (int j = 0; j < N && sum > 0; j++) g[j] /= sum;
        for (int j = 0; j < M && sum > 0; j++) h[j] /= sum;
    }
}

void ref_joint_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dside,
                         struct kn_buf dgate, struct kn_buf dside_gate, struct kn_buf gate,
                         struct kn_buf side_gate, int T, int N, int M)
{
    for (int t = 0; t < T; t++) {
        const double *g = ref_row(gate, t, N), *h = ref_row(side_gate, t, M),
                     *dg = ref_row(dgate, t, N), *dh = ref_row(dside_gate, t, M);
        double mean = ref_dot(g, dg, N) + ref_dot(h, dh, M);
        for (int j = 0; j < N; j++) ref_row(dlogits, t, N)[j] = g[j] * (dg[j] - mean);
        for (int j = 0; j < M; j++) ref_row(dside, t, M)[j] = h[j] * (dh[j] - mean);
    }
}

/* The sum of the taken columns of a row. */
static double taken_sum(const double *x, const int32_t *taken, int N)
{
    double sum = 0;
    for (int j = 0; j < N; j++) sum += taken[j] ? x[j] : 0;
    return sum;
}

void ref_rated_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf w, struct kn_buf r,
                    struct kn_ints mask, bool spread, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *a = ref_row(w, t, N), *b = ref_row(r, t, N);
        const int32_t *taken = ref_ints(mask, t, N);
        double each = taken_sum(a, taken, N) / (taken_sum(b, taken, N) + KN_SPREAD_EPS);
        for (int j = 0; j < N; j++)
            ref_row(gate, t, N)[j] = taken[j] ? b[j] * (spread ? each : a[j]) : 0;
    }
}

void ref_rated_gate_back(struct kn_backend *be, struct kn_buf dw, struct kn_buf dr,
                         struct kn_buf dgate, struct kn_buf w, struct kn_buf r, struct kn_ints mask,
                         bool spread, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *a = ref_row(w, t, N), *b = ref_row(r, t, N), *d = ref_row(dgate, t, N);
        const int32_t *taken = ref_ints(mask, t, N);
        double all = taken_sum(b, taken, N) + KN_SPREAD_EPS, mass = taken_sum(a, taken, N),
               mean = 0;
        for (int j = 0; j < N; j++) mean += taken[j] ? d[j] * b[j] / all : 0;
        for (int j = 0; j < N; j++) {
            ref_row(dw, t, N)[j] = !taken[j] ? 0 : spread ? mean : d[j] * b[j];
            ref_row(dr, t, N)[j] = !taken[j] ? 0
                                   : spread  ? mass / all * (d[j] - mean)
                                             : d[j] * a[j];
        }
    }
}

/* ---- rows that weigh more than others */
static double weight_of(struct kn_ints marked, double weight, int t)
{
    return marked.at && I(marked)[t] ? weight : 1;
}

static double weight_sum(struct kn_ints marked, double weight, struct kn_ints valid, int T)
{
    double sum = 0;
    for (int t = 0; t < T; t++) sum += I(valid)[t] ? weight_of(marked, weight, t) : 0;
    return sum;
}

void ref_column_share(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                      struct kn_ints marked, double weight, double c, struct kn_ints valid, int T,
                      int N)
{
    double all = weight_sum(marked, weight, valid, T);
    for (int j = 0; j < N; j++) {
        double sum = 0;
        for (int t = 0; t < T; t++)
            if (I(valid)[t] && ref_ints(mask, t, N)[j]) sum += weight_of(marked, weight, t);
        F(f)[j] = all > 0 ? c * sum / all : 0;
    }
}

void ref_weigh_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_ints marked,
                    double weight, struct kn_ints valid, int T, int N)
{
    double rows = weight_sum((struct kn_ints){0}, 1, valid, T),
           all = weight_sum(marked, weight, valid, T);
    for (int t = 0; t < T; t++) {
        double each = all > 0 ? weight_of(marked, weight, t) * rows / all : 0;
        for (int j = 0; j < N; j++) ref_row(y, t, N)[j] = each * ref_row(x, t, N)[j];
    }
}
