/* Vectors, one thread a number, and the dense products, which are cuBLAS's. A row-major matrix is
 * for cuBLAS, which counts by columns, its own transpose: y = x wᵀ is asked for as yᵀ = w xᵀ. */
#include "kernels/cuda/cuda.h"

#include <cstring>

void cuda_zero(struct kn_backend *be, struct kn_buf y, size_t n)
{
    float *to = KN_F32(y);
    each(be, n, [=] __device__(size_t i) { to[i] = 0; });
}

/* What the host and the device pass each other within a step stands in the host's memory. */
void cuda_fetch(struct kn_backend *be, void *to, const void *staged, size_t bytes)
{
    uint32_t *words = (uint32_t *)to;
    const uint32_t *from = (const uint32_t *)staged;
    each(be, bytes / sizeof *words, [=] __device__(size_t i) { words[i] = from[i]; });
}

void cuda_say(struct kn_backend *be, struct cuda_told *to, uint32_t number, const float *x, int n)
{
    once(be, [=] __device__() {
        for (int i = 0; i < n; i++) to->of[i] = x[i];
        __threadfence_system();
        to->number = number;
    });
}

void cuda_copy(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    each(be, n, [=] __device__(size_t i) { to[i] = from[i]; });
}

void cuda_add(struct kn_backend *be, struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n)
{
    float *to = KN_F32(y);
    const float *p = KN_F32(a), *q = KN_F32(b);
    each(be, n, [=] __device__(size_t i) { to[i] = p[i] + q[i]; });
}

void cuda_accumulate(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    float *to = KN_F32(y), by = (float)c;
    const float *from = KN_F32(x);
    each(be, n, [=] __device__(size_t i) { to[i] += by * from[i]; });
}

void cuda_scale(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    float *to = KN_F32(y), by = (float)c;
    const float *from = KN_F32(x);
    each(be, n, [=] __device__(size_t i) { to[i] = by * from[i]; });
}

void cuda_fill(struct kn_backend *be, struct kn_buf y, double c, size_t n)
{
    float *to = KN_F32(y), with = (float)c;
    each(be, n, [=] __device__(size_t i) { to[i] = with; });
}

void cuda_tanh(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(x);
    each(be, n, [=] __device__(size_t i) { to[i] = tanhf(from[i]); });
}

void cuda_tanh_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                    size_t n)
{
    float *to = KN_F32(dx);
    const float *from = KN_F32(dy), *was = KN_F32(y);
    each(be, n, [=] __device__(size_t i) { to[i] = from[i] * (1 - was[i] * was[i]); });
}

/* ---- dense */
void cuda_repack(struct kn_backend *be, struct kn_weight *const *w, int count)
{
    (void)be, (void)w, (void)count; /* every op here reads the master */
}

/* c[rows,n] = op(a) op(b) + (add ? c : 0), row-major; a and b as they lie are [.., lda], [.., ldb].
 */
struct product {
    float *c;
    const float *a, *b;
    int rows, n, inner, lda, ldb;
    bool turn_a, turn_b, add;
};

static void multiply(struct cuda *c, const struct cuda_call *call, const void *of)
{
    const struct product *p = (const struct product *)of;
    const float one = 1, keep = p->add;
    cuda_blas_failed(&c->head, call->op,
                     cublasSgemm(c->blas, p->turn_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                                 p->turn_a ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->rows, p->inner,
                                 &one, p->b, p->ldb, p->a, p->lda, &keep, p->c, p->n));
}

static void product(struct kn_backend *be, const char *op, float *c, int rows, int n, int inner,
                    const float *a, bool turn_a, int lda, const float *b, bool turn_b, int ldb,
                    bool add)
{
    struct product now;
    struct cuda_call call = {};
    if (be->failed_op || rows == 0 || n == 0) return;
    memset(&now, 0, sizeof now); /* what is between its members, too: it is compared */
    now.c = c, now.a = a, now.b = b;
    now.rows = rows, now.n = n, now.inner = inner, now.lda = lda, now.ldb = ldb;
    now.turn_a = turn_a, now.turn_b = turn_b, now.add = add;
    call.op = op, call.what = (const void *)multiply, call.start = multiply;
    call.size = sizeof now;
    void *room = cuda_write_down((struct cuda *)be, call);
    if (room)
        memcpy(room, &now, sizeof now);
    else
        multiply((struct cuda *)be, &call, &now);
}

void cuda_linear(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                 int T)
{
    product(be, __func__, KN_F32(y), T, w->rows, w->cols, KN_F32(x), false, w->cols, KN_F32(w->w),
            true, w->cols, false);
}

void cuda_linear_back_x(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                        const struct kn_weight *w, int T, bool add)
{
    product(be, __func__, KN_F32(dx), T, w->cols, w->rows, KN_F32(dy), false, w->rows, KN_F32(w->w),
            false, w->cols, add);
}

void cuda_linear_back_w(struct kn_backend *be, struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
                        const struct kn_weight *w, int T)
{
    if (T == 0) return;
    product(be, __func__, KN_F32(dw), w->rows, w->cols, T, KN_F32(dy), true, w->rows, KN_F32(x),
            false, w->cols, true);
}

void cuda_bias(struct kn_backend *be, struct kn_buf y, struct kn_buf b, int T, int M)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(b);
    each(be, (size_t)T * M, [=] __device__(size_t i) { to[i] += from[i % M]; });
}

void cuda_bias_back(struct kn_backend *be, struct kn_buf db, struct kn_buf dy, int T, int M)
{
    float *to = KN_F32(db);
    const float *from = KN_F32(dy);
    columns(
        be, T, M, [=] __device__(int t, int j) { return from[(size_t)t * M + j]; },
        [=] __device__(int j, double sum) { to[j] += (float)sum; });
}

void cuda_embed(struct kn_backend *be, struct kn_buf y, struct kn_ints ids, struct kn_buf table,
                int T, int V, int D)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(table);
    const int32_t *id = KN_I32(ids);
    (void)V;
    each(be, (size_t)T * D,
         [=] __device__(size_t i) { to[i] = from[(size_t)id[i / D] * D + i % D]; });
}

/* Each number of the table looks through all tokens: in order, and without atomics. */
void cuda_embed_back(struct kn_backend *be, struct kn_buf dtable, struct kn_buf dy,
                     struct kn_ints ids, int T, int V, int D)
{
    float *to = KN_F32(dtable);
    const float *from = KN_F32(dy);
    const int32_t *id = KN_I32(ids);
    each(be, (size_t)V * D, [=] __device__(size_t i) {
        int mine = (int)(i / D);
        float sum = 0;
        for (int t = 0; t < T; t++)
            if (id[t] == mine) sum += from[(size_t)t * D + i % D];
        to[i] += sum;
    });
}
