/* What works on each row alone: the norm and the softmax. */
#include "kernels/ref/ref.h"

void ref_rmsnorm(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                 struct kn_buf gain, int T, int D)
{
    for (int t = 0; t < T; t++) {
        const double *row = ref_row(x, t, D);
        F(inv)[t] = 1 / sqrt(ref_dot(row, row, D) / D + KN_NORM_EPS);
        for (int j = 0; j < D; j++) ref_row(y, t, D)[j] = row[j] * F(inv)[t] * F(gain)[j];
    }
}

/* With n = inv x: dx = inv (gain dy - n mean(gain dy n)). */
void ref_rmsnorm_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgain,
                      struct kn_buf dy, struct kn_buf x, struct kn_buf inv, struct kn_buf gain,
                      int T, int D, bool add)
{
    for (int t = 0; t < T; t++) {
        const double *from = ref_row(dy, t, D), *row = ref_row(x, t, D), scale = F(inv)[t];
        double *to = ref_row(dx, t, D), mean = 0;
        for (int j = 0; j < D; j++) mean += F(gain)[j] * from[j] * row[j] * scale / D;
        for (int j = 0; j < D; j++) {
            double n = row[j] * scale, grad = scale * (F(gain)[j] * from[j] - n * mean);
            F(dgain)[j] += from[j] * n;
            to[j] = add ? to[j] + grad : grad;
        }
    }
}

void ref_softmax_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T,
                      int N)
{
    for (int t = 0; t < T; t++) {
        double *to = ref_row(y, t, N), top = -INFINITY, sum = 0;
        for (int j = 0; j < N; j++) top = fmax(top, c * ref_row(x, t, N)[j]);
        for (int j = 0; j < N; j++) sum += to[j] = exp(c * ref_row(x, t, N)[j] - top);
        for (int j = 0; j < N; j++) to[j] /= sum;
    }
}

void ref_softmax_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                           struct kn_buf y, double c, int T, int N, bool add)
{
    for (int t = 0; t < T; t++) {
        const double *from = ref_row(dy, t, N), *p = ref_row(y, t, N);
        double *to = ref_row(dx, t, N), mean = ref_dot(p, from, N);
        for (int j = 0; j < N; j++) to[j] = (add ? to[j] : 0) + c * p[j] * (from[j] - mean);
    }
}

/* ---- standardised rows */
void ref_standardise_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf inv,
                          struct kn_buf x, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *row = ref_row(x, t, N);
        double mean = 0, squares = 0;
        for (int j = 0; j < N; j++) mean += row[j] / N;
        for (int j = 0; j < N; j++) squares += (row[j] - mean) * (row[j] - mean);
        double scale = 1 / (sqrt(N > 1 ? squares / (N - 1) : 0) + KN_STANDARD_EPS);
        for (int j = 0; j < N; j++) ref_row(y, t, N)[j] = row[j] * scale;
        F(inv)[t] = scale;
    }
}

/* With s = 1/inv - eps: ds/dx_j = (x_j - mean) / ((N - 1) s), and y = x inv. */
void ref_standardise_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                               struct kn_buf y, struct kn_buf inv, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *from = ref_row(dy, t, N), *row = ref_row(y, t, N);
        double scale = F(inv)[t], s = 1 / scale - KN_STANDARD_EPS, mean = 0;
        double dot = ref_dot(from, row, N);
        for (int j = 0; j < N; j++) mean += row[j] / N;
        double each = N > 1 && s > 0 ? dot / ((N - 1) * s) : 0;
        for (int j = 0; j < N; j++) ref_row(dx, t, N)[j] = scale * from[j] - each * (row[j] - mean);
    }
}

/* ---- tanh, of any shape */
void ref_tanh(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = tanh(F(x)[i]);
}

void ref_tanh_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                   size_t n)
{
    for (size_t i = 0; i < n; i++) F(dx)[i] = F(dy)[i] * (1 - F(y)[i] * F(y)[i]);
}
