/* Vectors, and the dense products: linear, bias, embedding. */
#include "kernels/ref/ref.h"

#include <string.h>

void ref_zero(struct kn_backend *be, struct kn_buf y, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = 0;
}

void ref_copy(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = F(x)[i];
}

void ref_add(struct kn_backend *be, struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = F(a)[i] + F(b)[i];
}

void ref_accumulate(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] += c * F(x)[i];
}

void ref_scale(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = c * F(x)[i];
}

void ref_fill(struct kn_backend *be, struct kn_buf y, double c, size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = c;
}

void ref_repack(struct kn_backend *be, struct kn_weight *const *w, int count)
{
    /* Every op here reads the master. */
}

void ref_linear(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                int T)
{
    for (int t = 0; t < T; t++)
        for (int m = 0; m < w->rows; m++)
            ref_row(y, t, w->rows)[m] =
                ref_dot(ref_row(x, t, w->cols), ref_row(w->w, m, w->cols), w->cols);
}

void ref_linear_back_x(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                       const struct kn_weight *w, int T, bool add)
{
    if (!add) ref_zero(be, dx, (size_t)T * w->cols);
    for (int t = 0; t < T; t++)
        for (int m = 0; m < w->rows; m++)
            ref_axpy(ref_row(dx, t, w->cols), ref_row(dy, t, w->rows)[m], ref_row(w->w, m, w->cols),
                     w->cols);
}

void ref_linear_back_w(struct kn_backend *be, struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
                       const struct kn_weight *w, int T)
{
    for (int t = 0; t < T; t++)
        for (int m = 0; m < w->rows; m++)
            ref_axpy(ref_row(dw, m, w->cols), ref_row(dy, t, w->rows)[m], ref_row(x, t, w->cols),
                     w->cols);
}

void ref_bias(struct kn_backend *be, struct kn_buf y, struct kn_buf b, int T, int M)
{
    for (int t = 0; t < T; t++) ref_axpy(ref_row(y, t, M), 1, F(b), M);
}

void ref_bias_back(struct kn_backend *be, struct kn_buf db, struct kn_buf dy, int T, int M)
{
    for (int t = 0; t < T; t++) ref_axpy(F(db), 1, ref_row(dy, t, M), M);
}

void ref_embed(struct kn_backend *be, struct kn_buf y, struct kn_ints ids, struct kn_buf table,
               int T, int V, int D)
{
    for (int t = 0; t < T; t++)
        memcpy(ref_row(y, t, D), ref_row(table, I(ids)[t], D), D * sizeof(double));
}

void ref_embed_back(struct kn_backend *be, struct kn_buf dtable, struct kn_buf dy,
                    struct kn_ints ids, int T, int V, int D)
{
    for (int t = 0; t < T; t++) ref_axpy(ref_row(dtable, I(ids)[t], D), 1, ref_row(dy, t, D), D);
}
