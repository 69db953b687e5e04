#ifndef KERNELS_REF_REF_H
#define KERNELS_REF_REF_H
/* The oracle: every op in float64 with plain loops, written to be read beside its contract in
 * ops.h. */
#include "kernels/table.h"
#include <float.h>
#include <math.h>

#define X(name) __typeof__(kn_##name) ref_##name;
KN_OPS(X)
#undef X

/* No op here needs its backend. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define F KN_F64
#define I KN_I32

/* Row `r` of a matrix that is `width` wide. */
static inline double *ref_row(struct kn_buf b, int r, int width)
{
    return F(b) + (size_t)r * width;
}

static inline int32_t *ref_ints(struct kn_ints b, int r, int width)
{
    return I(b) + (size_t)r * width;
}

static inline double ref_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* y += c x */
static inline void ref_axpy(double *y, double c, const double *x, int n)
{
    for (int i = 0; i < n; i++) y[i] += c * x[i];
}

static inline double ref_log_sum_exp(const double *x, int n)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) top = fmax(top, x[i]);
    for (int i = 0; i < n; i++) sum += exp(x[i] - top);
    return top + log(sum);
}
#endif
