/* ReLU routers: what is on, what it costs, and the controllers of those prices. */
#include "kernels/ref/ref.h"

/* ---- values */
void ref_relu(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = F(x)[i] > 0 ? F(x)[i] : 0;
}

void ref_relu_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                   size_t n, bool add)
{
    for (size_t i = 0; i < n; i++) F(dx)[i] = (add ? F(dx)[i] : 0) + (F(y)[i] > 0 ? F(dy)[i] : 0);
}

static double row_sum(const double *x, int N)
{
    double sum = 0;
    for (int j = 0; j < N; j++) sum += x[j];
    return sum;
}

void ref_row_share(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double eps, int T,
                   int N)
{
    for (int t = 0; t < T; t++) {
        double all = row_sum(ref_row(x, t, N), N) + eps;
        for (int j = 0; j < N; j++) ref_row(y, t, N)[j] = ref_row(x, t, N)[j] / all;
    }
}

void ref_row_share_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                        struct kn_buf x, double eps, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *from = ref_row(dy, t, N);
        double all = row_sum(ref_row(x, t, N), N) + eps, mean = ref_dot(from, ref_row(y, t, N), N);
        for (int j = 0; j < N; j++) ref_row(dx, t, N)[j] = (from[j] - mean) / all;
    }
}

void ref_positive_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                       struct kn_ints valid, int T, int N)
{
    for (int t = 0; t < T; t++)
        for (int j = 0; j < N; j++)
            ref_ints(mask, t, N)[j] = I(valid)[t] && ref_row(x, t, N)[j] > 0;
}

void ref_positive_mean(struct kn_backend *be, struct kn_buf m, struct kn_buf x,
                       struct kn_ints valid, int T, int N)
{
    double rows = 0, on = 0;
    for (int t = 0; t < T; t++) {
        rows += I(valid)[t];
        for (int j = 0; j < N; j++) on += I(valid)[t] && ref_row(x, t, N)[j] > 0;
    }
    F(m)[0] = rows > 0 ? on / rows : NAN;
}

static double times(double c, struct kn_buf weight)
{
    return weight.at ? c * F(weight)[0] : c;
}

/* ---- l1 */
/* f of column e over the number of valid rows; 0 where there is none. */
static double l1_price(struct kn_buf a, int e, double balance, struct kn_ints valid, int T, int N)
{
    double rows = 0, on = 0;
    for (int t = 0; t < T; t++) {
        rows += I(valid)[t];
        on += I(valid)[t] && ref_row(a, t, N)[e] > 0;
    }
    return rows == 0 ? 0 : (balance > 0 ? balance * on / rows : 1) / rows;
}

void ref_l1_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, double balance,
                 struct kn_ints valid, int T, int N)
{
    F(loss)[0] = 0;
    for (int e = 0; e < N; e++) {
        double price = l1_price(a, e, balance, valid, T, N);
        for (int t = 0; t < T; t++)
            if (I(valid)[t]) F(loss)[0] += price * ref_row(a, t, N)[e];
    }
}

void ref_l1_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                      struct kn_buf a, double balance, struct kn_ints valid, int T, int N)
{
    for (int e = 0; e < N; e++) {
        double price = times(c, weight) * l1_price(a, e, balance, valid, T, N);
        for (int t = 0; t < T; t++)
            if (I(valid)[t] && ref_row(a, t, N)[e] > 0) ref_row(dx, t, N)[e] += price;
    }
}

/* ---- locality */
static bool is_pair(struct kn_ints document, struct kn_ints valid, int t)
{
    return t > 0 && I(valid)[t - 1] && I(valid)[t] && I(document)[t - 1] == I(document)[t];
}

/* What a sum over pairs and columns is multiplied by to be their mean. */
static double one_pair(struct kn_ints document, struct kn_ints valid, int T, int N)
{
    double pairs = 0;
    for (int t = 1; t < T; t++) pairs += is_pair(document, valid, t);
    return pairs > 0 ? 1 / (pairs * N) : 0;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void ref_locality_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x, double s,
                       struct kn_ints document, struct kn_ints valid, int T, int N)
{
    double sum = 0;
    for (int t = 1; t < T; t++) {
        for (int j = 0; is_pair(document, valid, t) && j < N; j++) {
            double z = s * ref_row(x, t - 1, N)[j], q = sigmoid(s * ref_row(x, t, N)[j]);
            sum += fmax(z, 0) - z * q + log1p(exp(-fabs(z)));
        }
    }
    F(loss)[0] = sum * one_pair(document, valid, T, N);
}

void ref_locality_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                            struct kn_buf x, double s, struct kn_ints document,
                            struct kn_ints valid, int T, int N)
{
    double each = times(c, weight) * one_pair(document, valid, T, N);
    for (int t = 1; t < T; t++) {
        for (int j = 0; is_pair(document, valid, t) && j < N; j++) {
            double z = s * ref_row(x, t - 1, N)[j], v = s * ref_row(x, t, N)[j], q = sigmoid(v);
            ref_row(dx, t - 1, N)[j] += each * s * (sigmoid(z) - q);
            ref_row(dx, t, N)[j] -= each * s * z * q * sigmoid(-v);
        }
    }
}

/* ---- chunks */
/* One past the last row of the chunk that starts at `first`. */
static int chunk_end(struct kn_ints document, int first, int length, int T)
{
    int t = first;
    while (t < T && t < first + length && I(document)[t] == I(document)[first]) t++;
    return t;
}

static bool chunk_counts(struct kn_ints valid, int first, int end)
{
    for (int t = first; t < end; t++)
        if (I(valid)[t]) return true;
    return false;
}

static double one_chunk(struct kn_ints document, struct kn_ints valid, int length, int T, int N)
{
    double chunks = 0;
    for (int t = 0, end; t < T; t = end) {
        end = chunk_end(document, t, length, T);
        chunks += chunk_counts(valid, t, end);
    }
    return chunks > 0 ? 1 / (chunks * N) : 0;
}

/* 1 over the root mean square of a row; 1 where it is not wanted. */
static double row_scale(const double *a, bool rms, int N)
{
    return rms ? 1 / sqrt(ref_dot(a, a, N) / N + KN_NORM_EPS) : 1;
}

/* The factor of row t in column e: 1 - p + KN_SHARE_EPS. */
static double missing(struct kn_buf a, int t, int e, bool rms, struct kn_ints valid, int N)
{
    const double *row = ref_row(a, t, N);
    double scale = row_scale(row, rms, N);
    if (!I(valid)[t]) return 1 + KN_SHARE_EPS;
    return 1 - scale * row[e] / (scale * row_sum(row, N) + KN_SHARE_EPS) + KN_SHARE_EPS;
}

/* The product of all rows' factors; the empty rows that fill a chunk up have one too. */
static double unused(struct kn_buf a, int first, int end, int e, bool rms, int length,
                     struct kn_ints valid, int N)
{
    double all = pow(1 + KN_SHARE_EPS, length - (end - first));
    for (int t = first; t < end; t++) all *= missing(a, t, e, rms, valid, N);
    return all;
}

void ref_chunk_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, bool rms,
                    int length, struct kn_ints document, struct kn_ints valid, int T, int N)
{
    double sum = 0;
    for (int t = 0, end; t < T; t = end) {
        end = chunk_end(document, t, length, T);
        for (int e = 0; chunk_counts(valid, t, end) && e < N; e++)
            sum += 1 - unused(a, t, end, e, rms, length, valid, N);
    }
    F(loss)[0] = sum * one_chunk(document, valid, length, T, N);
}

/* One row: dp[e] is the gradient of its share of column e. */
static void share_back(double *dx, const double *dp, const double *a, bool rms, int N)
{
    double scale = row_scale(a, rms, N), all = scale * row_sum(a, N) + KN_SHARE_EPS;
    double mean = scale * ref_dot(a, dp, N) / all;
    double to_scale = rms ? ref_dot(a, dp, N) * KN_SHARE_EPS / (all * all) : 0;
    for (int e = 0; e < N; e++)
        if (a[e] > 0)
            dx[e] += scale * (dp[e] - mean) / all - to_scale * scale * scale * scale * a[e] / N;
}

void ref_chunk_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                         struct kn_buf a, bool rms, int length, struct kn_ints document,
                         struct kn_ints valid, int T, int N)
{
    double each = times(c, weight) * one_chunk(document, valid, length, T, N), all[N], dp[N];
    for (int first = 0, end; first < T; first = end) {
        end = chunk_end(document, first, length, T);
        for (int e = 0; e < N; e++) all[e] = unused(a, first, end, e, rms, length, valid, N);
        for (int t = first; t < end; t++) {
            if (!I(valid)[t]) continue;
            for (int e = 0; e < N; e++) dp[e] = each * all[e] / missing(a, t, e, rms, valid, N);
            share_back(ref_row(dx, t, N), dp, ref_row(a, t, N), rms, N);
        }
    }
}

/* ---- controllers */
void ref_toggle(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double level,
                double factor, double min, double max)
{
    double now = F(y)[0], seen = F(x)[0];
    if (isfinite(seen)) now = seen > level ? now * factor : now / factor;
    F(y)[0] = fmin(fmax(now, min), max);
}

void ref_stage(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double goal, double near)
{
    double *calls = F(y), *start = F(y) + 1, *stage = F(y) + 2, seen = F(x)[0];
    if (!isfinite(seen)) return;
    F(y)[3] = seen;
    if (++*calls <= 10) {
        *start += (seen - *start) / *calls;
        *stage = 1;
    } else if (fabs(seen - goal) <= near) {
        *stage = 3;
    } else if (*stage < 2 && (*start - seen) / (*start - goal) >= .05) {
        *stage = 2;
    }
}

void ref_ratio_ramp(struct kn_backend *be, struct kn_buf y, struct kn_buf state, struct kn_buf x,
                    const struct kn_ramp *o)
{
    double *calls = F(state), *mean = F(state) + 1, *before = F(state) + 2, *slope = F(state) + 3,
           now = F(y)[0];
    if (isfinite(F(x)[0])) {
        ++*calls;
        *mean += F(x)[0] / o->every;
        if (now == 0 || *calls < o->first) now = o->start, *slope = 0;
        if (fmod(*calls, o->every) == 0) {
            double ratio = *before > 0 ? *mean / *before : 1;
            if (ratio > 1) ratio = fmax(ratio, o->least);
            if (*calls >= o->first) *slope = (fmin(now * ratio, o->most) - now) / o->every;
            *before = *mean;
            *mean = 0;
        }
        now += *slope;
    }
    F(y)[0] = fmin(fmax(now, 0), o->most);
}
