/* Vectors, packed weights, dense products, bias and embedding. A unit of a product is a block of
 * rows by a group of panels: big enough to keep a panel in the first cache, small enough to share
 * out. */
#include "kernels/cpu/micro.h"

/* ---- vectors: pieces of 16 Ki numbers */
#define PIECE (1 << 14)

struct vectors {
    float *y;
    const float *a, *b;
    float c;
    size_t n;
};

static void each_piece(struct kn_backend *be, cpu_unit *unit, const struct vectors *v)
{
    cpu_each(be, (int)((v->n + PIECE - 1) / PIECE), 1, (double)v->n * 4, unit, v);
}

#define VECTORS(name, expression)                                                                  \
    static void name(const void *job, int from, int to, float *scratch)                            \
    {                                                                                              \
        const struct vectors *v = job;                                                             \
        const float *a = v->a, *b = v->b, c = v->c;                                                \
        float *y = v->y;                                                                           \
        size_t end = cpu_min(v->n, (size_t)to * PIECE);                                            \
        (void)scratch, (void)a, (void)b, (void)c;                                                  \
        for (size_t i = (size_t)from * PIECE; i < end; i++) y[i] = expression;                     \
    }
VECTORS(zero_piece, 0)
VECTORS(copy_piece, a[i])
VECTORS(add_piece, a[i] + b[i])
VECTORS(accumulate_piece, y[i] + c * a[i])
VECTORS(scale_piece, c *a[i])
VECTORS(fill_piece, c)

void OP(zero)(struct kn_backend *be, struct kn_buf y, size_t n)
{
    each_piece(be, zero_piece, &(struct vectors){.y = y.at, .n = n});
}

void OP(copy)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    each_piece(be, copy_piece, &(struct vectors){.y = y.at, .a = x.at, .n = n});
}

void OP(add)(struct kn_backend *be, struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n)
{
    each_piece(be, add_piece, &(struct vectors){.y = y.at, .a = a.at, .b = b.at, .n = n});
}

void OP(accumulate)(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    each_piece(be, accumulate_piece,
               &(struct vectors){.y = y.at, .a = x.at, .c = (float)c, .n = n});
}

void OP(scale)(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    each_piece(be, scale_piece, &(struct vectors){.y = y.at, .a = x.at, .c = (float)c, .n = n});
}

void OP(fill)(struct kn_backend *be, struct kn_buf y, double c, size_t n)
{
    each_piece(be, fill_piece, &(struct vectors){.y = y.at, .c = (float)c, .n = n});
}

/* ---- packing */
static void pack_forward(const struct kn_weight *w, int block)
{
    const struct cpu_shadow *s = w->shadow;
    const float *from = KN_F32(w->w) + (size_t)block * w->rows * w->cols;
    float *to = s->forward + block * s->forward_size;
    int outputs = w->gated ? w->rows / 2 : w->rows, step = w->gated ? VL : PANEL;
    for (int j = 0; j < outputs; j += step, to += (size_t)w->cols * PANEL) {
        int width = (int)cpu_min(step, outputs - j);
        micro_turn(to, PANEL, from + (size_t)j * w->cols, w->cols, width, w->cols);
        if (w->gated)
            micro_turn(to + VL, PANEL, from + (size_t)(outputs + j) * w->cols, w->cols, width,
                       w->cols);
    }
}

static void pack_backward(const struct kn_weight *w, int block)
{
    const struct cpu_shadow *s = w->shadow;
    const float *from = KN_F32(w->w) + (size_t)block * w->rows * w->cols;
    float *to = s->backward + block * s->backward_size;
    for (int j = 0; j < w->cols; j += PANEL) {
        int width = (int)cpu_min(PANEL, w->cols - j);
        for (int r = 0; r < w->rows; r++, to += PANEL)
            memcpy(to, from + (size_t)r * w->cols + j, width * sizeof *to);
    }
}

struct packing {
    struct kn_weight *const *w;
    int count;
};

/* Piece 2b and 2b+1: the forward and backward panels of block b, counted over all the weights. */
static void pack(const void *job, int from, int to, float *scratch)
{
    const struct packing *p = job;
    (void)scratch;
    for (int piece = from; piece < to; piece++) {
        int i = 0, block = piece / 2;
        while (block >= p->w[i]->blocks) block -= p->w[i++]->blocks;
        (piece % 2 ? pack_backward : pack_forward)(p->w[i], block);
    }
}

void OP(repack)(struct kn_backend *be, struct kn_weight *const *w, int count)
{
    int pieces = 0;
    double work = 0;
    for (int i = 0; i < count; i++) {
        pieces += 2 * w[i]->blocks;
        work += 8.0 * w[i]->blocks * w[i]->rows * w[i]->cols;
    }
    cpu_each(be, pieces, 1, work, pack, &(struct packing){w, count});
}

/* ---- dense products */
#define ROWS 64     /* of a unit */
#define COLUMNS 256 /* of a unit: whole panels */

struct product {
    float *y;
    const float *x, *panels;
    int T, inner, outer;
    bool add;
};

static void product_unit(const void *job, int from, int to, float *scratch)
{
    const struct product *p = job;
    int groups = (p->outer + COLUMNS - 1) / COLUMNS;
    (void)scratch;
    for (int u = from; u < to; u++) {
        int t = u / groups * ROWS, j = u % groups * COLUMNS;
        micro_panels(p->y + (size_t)t * p->outer + j, p->outer, p->x + (size_t)t * p->inner,
                     p->inner, (int)cpu_min(ROWS, p->T - t), (int)cpu_min(COLUMNS, p->outer - j),
                     p->inner, p->panels + (size_t)j * p->inner, (size_t)p->inner * PANEL, p->add);
    }
}

static void multiply(struct kn_backend *be, const struct product *p)
{
    int blocks = (p->T + ROWS - 1) / ROWS, groups = (p->outer + COLUMNS - 1) / COLUMNS;
    cpu_each(be, blocks * groups, 1, 2.0 * p->T * p->inner * p->outer / 8, product_unit, p);
}

void OP(linear)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                int T)
{
    const struct cpu_shadow *s = w->shadow;
    multiply(be, &(struct product){y.at, x.at, s->forward, T, w->cols, w->rows, false});
}

void OP(linear_back_x)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                       const struct kn_weight *w, int T, bool add)
{
    const struct cpu_shadow *s = w->shadow;
    multiply(be, &(struct product){dx.at, dy.at, s->backward, T, w->rows, w->cols, add});
}

struct outer {
    float *dw;
    const float *dy, *x;
    int T, M, K;
};

/* Each unit owns a rectangle of dw and sums it over all tokens in order. */
static void outer_unit(const void *job, int from, int to, float *scratch)
{
    const struct outer *o = job;
    int groups = (o->K + PANEL - 1) / PANEL;
    for (int u = from; u < to; u++) {
        int m = u / groups * ROWS, k = u % groups * PANEL;
        micro_outer(o->dw + (size_t)m * o->K + k, o->K, o->dy + m, o->M, o->x + k, o->K,
                    (int)cpu_min(ROWS, o->M - m), (int)cpu_min(PANEL, o->K - k), o->T, true,
                    scratch);
    }
}

void OP(linear_back_w)(struct kn_backend *be, struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
                       const struct kn_weight *w, int T)
{
    int units = (w->rows + ROWS - 1) / ROWS * ((w->cols + PANEL - 1) / PANEL);
    cpu_each(be, units, 1, 2.0 * T * w->rows * w->cols / 8, outer_unit,
             &(struct outer){dw.at, dy.at, x.at, T, w->rows, w->cols});
}

/* ---- bias and embedding: gradients by columns, each column's tokens in order */
struct table {
    float *y;
    const float *b;
    const int32_t *ids;
    int T, D;
};

static void bias_rows(const void *job, int from, int to, float *scratch)
{
    const struct table *w = job;
    (void)scratch;
    for (int t = from; t < to; t++) row_axpy(w->y + (size_t)t * w->D, 1, w->b, w->D);
}

void OP(bias)(struct kn_backend *be, struct kn_buf y, struct kn_buf b, int T, int M)
{
    cpu_each(be, T, ROWS, 4.0 * T * M, bias_rows,
             &(struct table){.y = y.at, .b = b.at, .T = T, .D = M});
}

static void bias_columns(const void *job, int from, int to, float *scratch)
{
    const struct table *w = job;
    (void)scratch;
    for (int t = 0; t < w->T; t++)
        row_axpy(w->y + from, 1, w->b + (size_t)t * w->D + from, to - from);
}

void OP(bias_back)(struct kn_backend *be, struct kn_buf db, struct kn_buf dy, int T, int M)
{
    cpu_each(be, M, PANEL, 4.0 * T * M, bias_columns,
             &(struct table){.y = db.at, .b = dy.at, .T = T, .D = M});
}

static void embed_rows(const void *job, int from, int to, float *scratch)
{
    const struct table *w = job;
    (void)scratch;
    for (int t = from; t < to; t++)
        memcpy(w->y + (size_t)t * w->D, w->b + (size_t)w->ids[t] * w->D, w->D * sizeof *w->y);
}

void OP(embed)(struct kn_backend *be, struct kn_buf y, struct kn_ints ids, struct kn_buf table,
               int T, int V, int D)
{
    (void)V;
    cpu_each(be, T, ROWS, 2.0 * T * D, embed_rows, &(struct table){y.at, table.at, ids.at, T, D});
}

static void embed_columns(const void *job, int from, int to, float *scratch)
{
    const struct table *w = job;
    (void)scratch;
    for (int t = 0; t < w->T; t++)
        row_axpy(w->y + (size_t)w->ids[t] * w->D + from, 1, w->b + (size_t)t * w->D + from,
                 to - from);
}

void OP(embed_back)(struct kn_backend *be, struct kn_buf dtable, struct kn_buf dy,
                    struct kn_ints ids, int T, int V, int D)
{
    (void)V;
    cpu_each(be, D, PANEL, 4.0 * T * D, embed_columns,
             &(struct table){dtable.at, dy.at, ids.at, T, D});
}
