/* Routers that compare: cosines, squashed thresholds with their straight-through gradient, even and
 * sigmoid gates, columns that choose rows; and the losses that go with them. */
#include "kernels/ref/ref.h"

#define SHORTEST 1e-12 /* rows below have no direction */

static double length(const double *x, int n)
{
    return sqrt(ref_dot(x, x, n));
}

/* 1 / length, 0 for a row without direction. */
static double inverse(const double *x, int n)
{
    double l = length(x, n);
    return l < SHORTEST ? 0 : 1 / l;
}

/* ---- cosines */
void ref_cosine(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                int T)
{
    int N = w->rows, D = w->cols;
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++) {
            const double *a = ref_row(x, t, D), *b = ref_row(w->w, n, D);
            ref_row(y, t, N)[n] = ref_dot(a, b, D) * inverse(a, D) * inverse(b, D);
        }
}

/* d cos / dx = (w/|w| - cos x/|x|) / |x|, and the same by w. */
void ref_cosine_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dw, struct kn_buf dy,
                     struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T, bool add)
{
    int N = w->rows, D = w->cols;
    if (dx.at && !add) ref_zero(be, dx, (size_t)T * D);
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++) {
            const double *a = ref_row(x, t, D), *b = ref_row(w->w, n, D);
            double ia = inverse(a, D), ib = inverse(b, D), g = ref_row(dy, t, N)[n],
                   cos = ref_row(y, t, N)[n];
            if (dx.at) ref_axpy(ref_row(dx, t, D), g * ia * ib, b, D);
            if (dx.at) ref_axpy(ref_row(dx, t, D), -g * cos * ia * ia, a, D);
            if (dw.at) ref_axpy(ref_row(dw, n, D), g * ia * ib, a, D);
            if (dw.at) ref_axpy(ref_row(dw, n, D), -g * cos * ib * ib, b, D);
        }
}

/* ---- thresholds */
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double steepness(const struct kn_over *o)
{
    return o->log_c.at ? fmin(exp(F(o->log_c)[0]), KN_STEEPEST) : 1;
}

static double bound_of(const struct kn_over *o, int n)
{
    return (o->bound.at ? F(o->bound)[n] : 0) + o->shift;
}

static bool is_on(const struct kn_over *o, int n)
{
    return !o->on.at || F(o->on)[n] != 0;
}

void ref_squash(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_over *o,
                int T, int N)
{
    double c = steepness(o);
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++)
            ref_row(y, t, N)[n] = is_on(o, n) ? sigmoid(c * ref_row(x, t, N)[n]) : 0;
}

void ref_over_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                   const struct kn_over *o, bool best, struct kn_ints valid, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *row = ref_row(x, t, N);
        int32_t *taken = ref_ints(mask, t, N);
        int count = 0, top = -1;
        for (int n = 0; n < N; n++) {
            bool in = I(valid)[t] && is_on(o, n);
            count += taken[n] = in && row[n] > bound_of(o, n);
            if (in && (top < 0 || row[n] > row[top])) top = n;
        }
        if (best && count == 0 && top >= 0) taken[top] = 1;
    }
}

void ref_over_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dbound,
                   struct kn_buf dlog_c, struct kn_buf da, struct kn_buf x, const struct kn_over *o,
                   bool all, struct kn_ints valid, int T, int N)
{
    double c = steepness(o), free = c < KN_STEEPEST;
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++) {
            double v = ref_row(x, t, N)[n], b = bound_of(o, n), s = sigmoid(c * v),
                   theta = sigmoid(c * b), u = ref_row(da, t, N)[n];
            if (!I(valid)[t] || !is_on(o, n) || !(all || v > b)) continue;
            if (dx.at) ref_row(dx, t, N)[n] += u * c * s * (1 - s);
            if (dbound.at) F(dbound)[n] -= u * c * theta * (1 - theta);
            if (dlog_c.at)
                F(dlog_c)[0] += free * u * c * (v * s * (1 - s) - b * theta * (1 - theta));
        }
}

/* ---- gates */
static int taken_count(const int32_t *taken, int N)
{
    int count = 0;
    for (int n = 0; n < N; n++) count += taken[n];
    return count;
}

void ref_even_gate(struct kn_backend *be, struct kn_buf gate, struct kn_ints mask, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const int32_t *taken = ref_ints(mask, t, N);
        for (int n = 0; n < N; n++)
            ref_row(gate, t, N)[n] = taken[n] ? 1.0 / taken_count(taken, N) : 0;
    }
}

void ref_even_gate_back(struct kn_backend *be, struct kn_buf da, struct kn_buf dgate,
                        struct kn_ints mask, int T, int N, bool add)
{
    for (int t = 0; t < T; t++) {
        double each = 1.0 / fmax(taken_count(ref_ints(mask, t, N), N), 1);
        for (int n = 0; n < N; n++)
            ref_row(da, t, N)[n] =
                (add ? ref_row(da, t, N)[n] : 0) + each * ref_row(dgate, t, N)[n];
    }
}

/* What sigmoids of the taken are made smaller by, e^-top, so that not all underflow; 0 without
 * `share`. */
static double taken_top(const double *x, const int32_t *taken, bool share, int N)
{
    double top = share ? -INFINITY : 0;
    for (int n = 0; n < N && share; n++)
        if (taken[n]) top = fmax(top, fmin(x[n], 0));
    return top;
}

/* The row's gates over c. */
static void sigmoid_shares(double *y, const double *x, const int32_t *taken, bool share, int N)
{
    double top = taken_top(x, taken, share, N), sum = 0;
    for (int n = 0; n < N; n++)
        sum += y[n] = taken[n] ? exp(fmin(x[n], 0) - top) / (1 + exp(-fabs(x[n]))) : 0;
    for (int n = 0; n < N && share; n++) y[n] = taken[n] ? y[n] / sum : 0;
}

void ref_sigmoid_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf x, double c,
                      bool share, struct kn_ints mask, int T, int N)
{
    for (int t = 0; t < T; t++)
        sigmoid_shares(ref_row(gate, t, N), ref_row(x, t, N), ref_ints(mask, t, N), share, N);
    ref_scale(be, gate, c, gate, (size_t)T * N);
}

/* With y = gate / c: dx = c (dgate - mean) y (1 - s), mean = share ? sum dgate y : 0. */
void ref_sigmoid_gate_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                           struct kn_buf gate, struct kn_buf x, double c, bool share,
                           struct kn_ints mask, int T, int N, bool add)
{
    for (int t = 0; t < T; t++) {
        const double *row = ref_row(x, t, N), *from = ref_row(dgate, t, N),
                     *g = ref_row(gate, t, N);
        const int32_t *taken = ref_ints(mask, t, N);
        double mean = 0;
        for (int n = 0; n < N && share; n++) mean += taken[n] ? from[n] * g[n] / c : 0;
        for (int n = 0; n < N; n++) {
            double d = taken[n] ? (from[n] - mean) * g[n] * sigmoid(-row[n]) : 0;
            ref_row(dx, t, N)[n] = (add ? ref_row(dx, t, N)[n] : 0) + d;
        }
    }
}

/* ---- columns that choose rows */
void ref_column_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, double c,
                     int period, struct kn_ints valid, int T, int N)
{
    int step = period > 1 ? period : 1;
    for (size_t i = 0; i < (size_t)T * N; i++) I(mask)[i] = 0;
    for (int first = 0; first < step; first++) {
        int rows = 0;
        for (int t = first; t < T; t += step) rows += I(valid)[t] != 0;
        double want = fmin(ceil(c * rows / N), rows);
        for (int n = 0; n < N; n++)
            for (int i = 0; i < want; i++) {
                int best = -1;
                for (int t = first; t < T; t += step)
                    if (I(valid)[t] && !ref_ints(mask, t, N)[n] &&
                        (best < 0 || ref_row(score, t, N)[n] > ref_row(score, best, N)[n]))
                        best = t;
                ref_ints(mask, best, N)[n] = 1;
            }
    }
}

/* ---- losses on what was taken */
static double one_row(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += I(valid)[t] != 0;
    return rows ? 1.0 / rows : 0;
}

void ref_over_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x,
                   const struct kn_over *o, struct kn_ints valid, int T, int N)
{
    double c = steepness(o), sum = 0;
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++)
            if (I(valid)[t] && is_on(o, n))
                sum += fmax(sigmoid(c * ref_row(x, t, N)[n]) - sigmoid(c * bound_of(o, n)), 0);
    F(loss)[0] = sum * one_row(valid, T);
}

void ref_over_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf x,
                        const struct kn_over *o, struct kn_ints valid, int T, int N)
{
    double each = c * one_row(valid, T);
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++)
            if (I(valid)[t] && is_on(o, n) && ref_row(x, t, N)[n] > bound_of(o, n))
                ref_row(da, t, N)[n] += each;
}

/* Rows with something taken. */
static int served(struct kn_ints mask, int T, int N)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += taken_count(ref_ints(mask, t, N), N) > 0;
    return rows;
}

/* mean(m_n) over the served rows. */
static double column_mean(struct kn_ints mask, int n, int rows, int T, int N)
{
    double sum = 0;
    for (int t = 0; t < T; t++) sum += ref_ints(mask, t, N)[n];
    return sum / rows;
}

void ref_share_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask, int T, int N)
{
    int rows = served(mask, T, N);
    double sum = 0;
    for (int n = 0; n < N && rows; n++) {
        double share = 0;
        for (int t = 0; t < T; t++)
            if (ref_ints(mask, t, N)[n]) share += 1.0 / taken_count(ref_ints(mask, t, N), N);
        sum += share / rows * column_mean(mask, n, rows, T, N);
    }
    F(loss)[0] = N * sum;
}

/* d (m_n / K) / d m_j = (1[n=j] - m_n / K) / K. */
void ref_share_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints mask,
                         int T, int N)
{
    int rows = served(mask, T, N);
    for (int t = 0; t < T; t++) {
        const int32_t *taken = ref_ints(mask, t, N);
        int K = taken_count(taken, N);
        double mean = 0;
        if (K == 0) continue;
        for (int n = 0; n < N; n++)
            if (taken[n]) mean += column_mean(mask, n, rows, T, N) / K;
        for (int n = 0; n < N; n++)
            ref_row(da, t, N)[n] += c * N / rows * (column_mean(mask, n, rows, T, N) - mean) / K;
    }
}

void ref_taken_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask,
                    struct kn_ints valid, int T, int N)
{
    double sum = 0;
    for (int t = 0; t < T; t++)
        if (I(valid)[t]) sum += taken_count(ref_ints(mask, t, N), N);
    F(loss)[0] = sum * one_row(valid, T) / N;
}

void ref_taken_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints valid,
                         int T, int N)
{
    double each = c * one_row(valid, T) / N;
    for (int t = 0; t < T; t++)
        for (int n = 0; I(valid)[t] && n < N; n++) ref_row(da, t, N)[n] += each;
}

/* ---- losses on rows of a matrix */
/* C_ij - I_ij where both are on. */
static double overlap(struct kn_buf w, struct kn_buf on, int i, int j, int D)
{
    const double *a = ref_row(w, i, D), *b = ref_row(w, j, D);
    if (on.at && (F(on)[i] == 0 || F(on)[j] == 0)) return 0;
    if (i == j) return inverse(a, D) == 0 ? -1 : 0;
    return ref_dot(a, b, D) * inverse(a, D) * inverse(b, D);
}

void ref_overlap_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, struct kn_buf on,
                      int N, int D)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) sum += pow(overlap(w, on, i, j, D), 2);
    F(loss)[0] = sqrt(sum);
}

void ref_overlap_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w,
                           struct kn_buf on, int N, int D)
{
    struct kn_buf norm = {&(double){0}};
    ref_overlap_loss(be, norm, w, on, N, D);
    if (F(norm)[0] < 1e-6) return;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double *a = ref_row(w, i, D), *b = ref_row(w, j, D);
            double cos = overlap(w, on, i, j, D), ia = inverse(a, D), g = 2 * c * cos / F(norm)[0];
            if (i == j) continue; /* always 1 */
            ref_axpy(ref_row(dw, i, D), g * ia * inverse(b, D), b, D);
            ref_axpy(ref_row(dw, i, D), -g * cos * ia * ia, a, D);
        }
}

void ref_length_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, int N, int D)
{
    double sum = 0;
    for (int n = 0; n < N; n++) sum += length(ref_row(w, n, D), D);
    F(loss)[0] = sum / N;
}

void ref_length_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w, int N,
                          int D)
{
    for (int n = 0; n < N; n++)
        ref_axpy(ref_row(dw, n, D), c / N * inverse(ref_row(w, n, D), D), ref_row(w, n, D), D);
}
