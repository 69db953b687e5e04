/* The dense products, which are cuBLAS's. A row-major matrix is for cuBLAS, which counts by columns,
 * its own transpose: y = x wᵀ is asked for as yᵀ = w xᵀ. */
#include "kernels/cuda/cuda.h"

#include "kernels/cuda/bf16.h"

#include <cstring>

/* ---- dense */
/* The copy of one weight in bfloat16: [blocks, rows, up8(cols)], as bf16.h lays it out. */
static void repack(struct kn_backend *be, const struct kn_weight *w, const char *op)
{
    int M = w->rows, cols = w->cols, pairs = up8(cols) / 2;
    bool gated = w->kind == KN_UP && w->gated;
    int rows = w->kind == KN_UP ? up_rows(M, gated) : up8(M);
    const float *from = KN_F32(w->w);
    uint32_t *to = (uint32_t *)w->shadow;
    each(
        be, (size_t)w->blocks * rows * pairs,
        [=] __device__(size_t i) {
            int j = (int)(i % pairs) * 2, r = up_row((int)(i / pairs % rows), M, gated);
            const float *row = from + (i / pairs / rows * M + (r < 0 ? 0 : r)) * cols;
            bool both = r >= 0 && j + 1 < cols;
            to[i] = pack_bf16(r < 0 || j >= cols ? 0 : row[j], both ? row[j + 1] : 0);
        },
        op);
}

/* Where numbers are float32 every op reads the masters. */
void cuda_repack(struct kn_backend *be, struct kn_weight *const *w, int count)
{
    for (int i = 0; i < count; i++)
        if (w[i]->shadow) repack(be, w[i], __func__);
}

/* c[rows,n] = op(a) op(b) + (add ? c : 0), row-major; a and b as they lie are [.., lda], [.., ldb],
 * of bfloat16 where math is that, else of float32. */
struct product {
    enum cuda_math math;
    float *c;
    int rows, n, inner;
    const void *a, *b;
    int lda, ldb;
    bool turn_a, turn_b, add;
};

static void multiply(struct cuda *c, const struct cuda_call *call, const void *of)
{
    const struct product *p = (const struct product *)of;
    const float one = 1, keep = p->add;
    cudaDataType_t type = p->math == CUDA_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    cublasComputeType_t by =
        p->math == CUDA_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    cuda_blas_failed(&c->head, call->op,
                     cublasGemmEx(c->blas, p->turn_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                                  p->turn_a ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->rows, p->inner,
                                  &one, p->b, type, p->ldb, p->a, type, p->lda, &keep, p->c,
                                  CUDA_R_32F, p->n, by, CUBLAS_GEMM_DEFAULT));
}

/* What lies between the members is 0, too: products that are written down are compared. */
static struct product clean(const struct product &p)
{
    struct product to;
    memset((void *)&to, 0, sizeof to);
    to.math = p.math, to.c = p.c, to.a = p.a, to.b = p.b;
    to.rows = p.rows, to.n = p.n, to.inner = p.inner, to.lda = p.lda, to.ldb = p.ldb;
    to.turn_a = p.turn_a, to.turn_b = p.turn_b, to.add = p.add;
    return to;
}

static void product(struct kn_backend *be, const char *op, const struct product &p)
{
    struct cuda_call call = {};
    if (be->failed_op || p.rows == 0 || p.n == 0) return;
    call.op = op, call.what = (const void *)multiply, call.start = multiply;
    call.size = sizeof p;
    const struct product now = clean(p);
    void *room = cuda_write_down((struct cuda *)be, call);
    if (room)
        memcpy(room, &now, sizeof now);
    else
        multiply((struct cuda *)be, &call, &now);
}

/* Only a router's products stay float32 whatever the others are. */
static enum cuda_math math_of(const struct kn_backend *be, const struct kn_weight *w)
{
    return w->kind == KN_ROUTER ? CUDA_FP32 : ((const struct cuda *)be)->math;
}

/* In bfloat16: how many tokens fit at once into the room for their copies. */
static int tokens_at_once(const struct cuda *c, const struct kn_weight *w)
{
    return (int)(c->half_room / (size_t)(up8(w->rows) + up8(w->cols)));
}

/* c->half begins with from[rows, cols], rounded. It may from the product before: the two gradients of
 * a product start from the same dy. */
static void round_first(struct kn_backend *be, const float *from, int rows, int cols,
                        const char *op)
{
    const struct cuda *c = (struct cuda *)be;
    const struct rounded *r = &c->rounded;
    if (r->of == from && r->rows == rows && r->cols == cols && r->at == c->changes) return;
    narrow(be, c->half, from, rows, cols, op);
}

/* Says so, when nothing but reads of it came since. */
static void rounded(struct kn_backend *be, const float *from, int rows, int cols)
{
    struct cuda *c = (struct cuda *)be;
    c->rounded = {from, rows, cols, c->changes};
}

void cuda_linear(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                 int T)
{
    const struct cuda *c = (struct cuda *)be;
    int M = w->rows, K = w->cols, most;
    if (math_of(be, w) != CUDA_BF16) {
        product(be, __func__,
                {math_of(be, w), KN_F32(y), T, M, K, KN_F32(x), KN_F32(w->w), K, K, false, true,
                 false});
        return;
    }
    most = tokens_at_once(c, w);
    for (int t = 0; t < T; t += most) {
        int n = T - t < most ? T - t : most;
        narrow(be, c->half, KN_F32(x) + (size_t)t * K, n, K);
        product(be, __func__,
                {CUDA_BF16, KN_F32(y) + (size_t)t * M, n, M, K, c->half, w->shadow, up8(K), up8(K),
                 false, true, false});
    }
}

void cuda_linear_back_x(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                        const struct kn_weight *w, int T, bool add)
{
    const struct cuda *c = (struct cuda *)be;
    int M = w->rows, K = w->cols, most;
    if (math_of(be, w) != CUDA_BF16) {
        product(be, __func__,
                {math_of(be, w), KN_F32(dx), T, K, M, KN_F32(dy), KN_F32(w->w), M, K, false, false,
                 add});
        return;
    }
    most = tokens_at_once(c, w);
    for (int t = 0; t < T; t += most) {
        int n = T - t < most ? T - t : most;
        round_first(be, KN_F32(dy) + (size_t)t * M, n, M, __func__);
        product(be, __func__,
                {CUDA_BF16, KN_F32(dx) + (size_t)t * K, n, K, M, c->half, w->shadow, up8(M), up8(K),
                 false, false, add});
        rounded(be, KN_F32(dy) + (size_t)t * M, n, M);
    }
}

void cuda_linear_back_w(struct kn_backend *be, struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
                        const struct kn_weight *w, int T)
{
    const struct cuda *c = (struct cuda *)be;
    int M = w->rows, K = w->cols, most;
    if (T == 0) return;
    if (math_of(be, w) != CUDA_BF16) {
        product(
            be, __func__,
            {math_of(be, w), KN_F32(dw), M, K, T, KN_F32(dy), KN_F32(x), M, K, true, false, true});
        return;
    }
    most = tokens_at_once(c, w);
    for (int t = 0; t < T; t += most) {
        int n = T - t < most ? T - t : most;
        uint16_t *half_x = c->half + (size_t)n * up8(M);
        round_first(be, KN_F32(dy) + (size_t)t * M, n, M, __func__);
        narrow(be, half_x, KN_F32(x) + (size_t)t * K, n, K);
        product(
            be, __func__,
            {CUDA_BF16, KN_F32(dw), M, K, n, c->half, half_x, up8(M), up8(K), true, false, true});
        rounded(be, KN_F32(dy) + (size_t)t * M, n, M);
    }
}

void cuda_square(struct kn_backend *be, float *c, const void *a, const void *b, int n)
{
    product(be, __func__,
            {((const struct cuda *)be)->math, c, n, n, n, a, b, n, n, false, true, false});
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
