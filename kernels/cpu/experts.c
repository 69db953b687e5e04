/* The experts as one fused pair, and the zero-computation slots.
 *
 * Forward: a unit is a block of rows of one expert. It gathers its tokens, multiplies them by
 * panels that hold gates and ups side by side, applies the activation while a tile is still in the
 * first cache, and multiplies what comes out by the down panels. Backward: a unit is a slice of one
 * expert's H. It goes through the expert's blocks in order, makes the gradient of its part of `pre`
 * in scratch, adds up its part of dw, and keeps its part of each row of dx; then every token sums
 * the parts of its rows. Nobody writes where another does, so no order depends on threads, and the
 * gradient of `pre` never leaves the second cache.
 *
 * `pre` keeps, per row and vector of H, the gates and then the ups; without gates just w1 x. */
#include "kernels/cpu/micro.h"

#define PAD 16 /* keeps rows of a block from falling on the same cache lines */
#define ROWS 64

struct ffn {
    float *out, *pre, *dx, *dgate, *dup, *ddown;
    const float *x, *dy, *gate;
    const struct kn_plan *p;
    const struct cpu_shadow *up, *down;
    int D, H, N;
    enum kn_act act;
    bool add;
    int slice, slices, rows; /* width of a slice of H, how many; rows in use */
    float *back;             /* [slices, rows, D] parts of the gradient of each row's x */
    float *part;             /* [slices, rows] parts of dgate */
    _Atomic long *moved;     /* nanoseconds of moving rows, all threads; NULL: nobody asks */
};

static double began(const struct ffn *f)
{
    return f->moved ? kn_clock() : 0;
}

static void moved(const struct ffn *f, double since)
{
    if (f->moved) *f->moved += lround(1e9 * (kn_clock() - since));
}

static int pre_width(const struct ffn *f)
{
    return f->act == KN_SWIGLU ? 2 * f->H : f->H;
}

/* The rows of x that a block's tokens stand in, one behind the other. */
static void gather(float *to, long width, const float *x, const int32_t *token, int rows, int D)
{
    for (int i = 0; i < rows; i++)
        memcpy(to + i * width, x + (size_t)token[i] * D, (size_t)D * sizeof *to);
}

/* Asks for n numbers of each row, to be there when the product before them is done. */
static inline void ask_for(const float *x, long width, int rows, int n)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j += 16) __builtin_prefetch(x + i * width + j);
}

static inline vf activate(enum kn_act act, vf g, vf u)
{
    if (act == KN_RELU) return vec_pick(g < 0, (vf){}, g);
    vf h = g * vec_sigmoid(g);
    return act == KN_SWIGLU ? h * u : h;
}

/* ---- forward */
/* One tile of w1 x and w3 x to `pre`, and of h; `width`: its columns of H. */
static void up_tile(const struct ffn *f, float *pre, float *h, long ldh, const float *x, long ldx,
                    const float *panel, int rows, int width)
{
    bool gated = f->act == KN_SWIGLU;
    int vectors = gated || width > VL ? 2 : 1;
    bool whole = width == (gated ? VL : vectors * VL);
    float rest[TILE * PANEL], *to = whole ? pre : rest;
    long ldp = pre_width(f), ld = whole ? ldp : PANEL;
    micro_rows[vectors][rows](to, ld, x, ldx, panel, PANEL, f->D, false);
    for (int i = 0; i < rows; i++) {
        const float *row = to + i * ld;
        if (gated) {
            vec_store(h + i * ldh, activate(f->act, vec_load(row), vec_load(row + VL)));
        } else {
            for (int v = 0; v < vectors; v++)
                vec_store(h + i * ldh + v * VL, activate(f->act, vec_load(row + v * VL), (vf){}));
        }
        if (whole) continue;
        memcpy(pre + i * ldp, row, (size_t)width * sizeof *pre);
        if (gated) memcpy(pre + i * ldp + width, row + VL, (size_t)width * sizeof *pre);
    }
}

static void forward_blocks(const void *job, int from, int to, float *scratch)
{
    const struct ffn *f = job;
    const struct cpu_plan *own = f->p->own;
    int D = f->D, H = f->H, step = f->act == KN_SWIGLU ? VL : PANEL;
    long ldx = D + PAD, ldh = cpu_up(H, PANEL) + PAD;
    float *x = scratch, *h = x + CPU_BLOCK * ldx;
    for (int n = from; n < to; n++) {
        struct cpu_block b = own->block[n];
        const float *up = f->up->forward + b.expert * f->up->forward_size;
        float *pre = f->pre + (size_t)b.row * pre_width(f);
        int tiles = micro_tiles(b.rows);
        double start = began(f);
        gather(x, ldx, f->x, KN_I32(f->p->slot_token) + b.row, b.rows, D);
        moved(f, start);
        for (int j = 0; j < H; j += step, up += (size_t)D * PANEL) {
            int width = (int)cpu_min(step, H - j);
            for (int t = 0; t < tiles; t++) {
                int i = cpu_cut(b.rows, tiles, t), rows = cpu_cut(b.rows, tiles, t + 1) - i;
                float *at = pre + (size_t)i * pre_width(f) + (f->act == KN_SWIGLU ? 2 * j : j);
                up_tile(f, at, h + i * ldh + j, ldh, x + i * ldx, ldx, up, rows, width);
            }
        }
        micro_panels(f->out + (size_t)b.row * D, D, h, ldh, b.rows, D, H,
                     f->down->forward + b.expert * f->down->forward_size, (size_t)H * PANEL, false);
    }
}

static int pieces_of(const struct kn_plan *p)
{
    return ((const struct cpu_plan *)p->own)->blocks;
}

void OP(moe_ffn)(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                 const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                 const struct kn_weight *down, enum kn_act act, int T)
{
    int rows = KN_I32(p->offset)[p->E];
    (void)T;
    struct ffn f = {.out = out.at,
                    .pre = pre.at,
                    .x = x.at,
                    .p = p,
                    .up = up->shadow,
                    .down = down->shadow,
                    .D = down->rows,
                    .H = down->cols,
                    .act = act};
    _Atomic long moving = 0;
    if (be->timing) f.moved = &moving;
    double work = 2.0 * rows * f.D * (pre_width(&f) + f.H) / 8;
    cpu_each(be, pieces_of(p), 1, work, forward_blocks, &f);
    be->moved = 1e-9 * (double)moving;
}

/* ---- backward */
/* From one vector of g and u (n numbers of it count) and dh: h and the gradients of g and u. */
static inline vf act_back(enum kn_act act, vf g, vf u, vf dh, vf *dg, vf *du)
{
    if (act == KN_RELU) {
        vi on = g > 0;
        *dg = vec_pick(on, dh, (vf){});
        return vec_pick(g < 0, (vf){}, g);
    }
    vf s = vec_sigmoid(g), silu = g * s, slope = s + silu * (1.f - s);
    if (act == KN_SILU) {
        *dg = dh * slope;
        return silu;
    }
    *dg = dh * u * slope;
    *du = dh * silu;
    return silu * u;
}

/* One tile of a slice: dh is there; h (times gate), the gradients of g and u, and <dh, h>. `pre`
 * and the rest stand at the tile's first row and column; `width` columns count. */
struct back_tile {
    const float *dh, *pre, *gate;
    float *h, *grad, *dot;
    long ldh, ldg;
    int rows, width;
};

static void back_tile(const struct ffn *f, const struct back_tile *b)
{
    bool gated = f->act == KN_SWIGLU;
    int ldp = pre_width(f);
    for (int v = 0; v < b->width; v += VL) {
        int n = (int)cpu_min(VL, b->width - v);
        for (int i = 0; i < b->rows; i++) {
            const float *pre = b->pre + (size_t)i * ldp + (gated ? 2 * v : v);
            float *grad = b->grad + i * b->ldg + v, *dot = b->dot + i * VL;
            vf d = vec_load(b->dh + i * PANEL + v), dg = {}, du = {}, g, u = {};
            g = vec_some(pre, n, 0);
            if (gated) u = vec_some(pre + n, n, 0);
            vf y = act_back(f->act, g, u, d * b->gate[i], &dg, &du);
            vec_store(b->h + i * b->ldh + v, y * b->gate[i]);
            vec_store(dot, vec_load(dot) + d * y);
            vec_store(grad, dg);
            if (gated) vec_store(grad + f->slice, du);
        }
    }
}

/* What a slice works on. */
struct slice {
    int expert, first, width; /* columns of H */
    const float *down;        /* panels that give dh */
    float *x, *dy, *h, *grad, *gate, *dot, *spare;
    long ldx, ldh, ldg; /* widths in scratch */
};

static void backward_block(const struct ffn *f, const struct slice *s, const struct cpu_block *b)
{
    int tiles = micro_tiles(b->rows), D = f->D, ldp = pre_width(f), halves = ldp / f->H;
    for (int j = 0; j < s->width; j += PANEL) {
        int width = (int)cpu_min(PANEL, s->width - j), vectors = width > VL ? 2 : 1;
        for (int t = 0; t < tiles; t++) {
            int i = cpu_cut(b->rows, tiles, t), rows = cpu_cut(b->rows, tiles, t + 1) - i;
            const float *pre = f->pre + (size_t)(b->row + i) * ldp + halves * (s->first + j);
            float dh[TILE * PANEL];
            ask_for(pre, ldp, rows, halves * width);
            micro_rows[vectors][rows](dh, PANEL, s->dy + i * s->ldx, s->ldx,
                                      s->down + (size_t)j * D, PANEL, D, false);
            back_tile(f, &(struct back_tile){.dh = dh,
                                             .pre = pre,
                                             .gate = s->gate + i,
                                             .h = s->h + i * s->ldh + j,
                                             .grad = s->grad + i * s->ldg + j,
                                             .dot = s->dot + i * VL,
                                             .ldh = s->ldh,
                                             .ldg = s->ldg,
                                             .rows = rows,
                                             .width = width});
        }
    }
    for (int half = 0; half < halves; half++) {
        const float *grad = s->grad + half * f->slice;
        size_t row = (size_t)half * f->H + s->first, e = s->expert; /* of w1 over w3 */
        if (f->dup)
            micro_outer(f->dup + (e * ldp + row) * D, D, grad, s->ldg, s->x, s->ldx, s->width, D,
                        b->rows, true, s->spare);
        if (f->dx)
            micro_panels(f->back + ((size_t)(s->first / f->slice) * f->rows + b->row) * D, D, grad,
                         s->ldg, b->rows, D, s->width,
                         f->up->backward + e * f->up->backward_size + row * PANEL,
                         (size_t)ldp * PANEL, half > 0);
    }
    if (f->ddown)
        micro_outer(f->ddown + (size_t)s->expert * D * f->H + s->first, f->H, s->dy, s->ldx, s->h,
                    s->ldh, D, s->width, b->rows, true, s->spare);
}

static void backward_slices(const void *job, int from, int to, float *scratch)
{
    const struct ffn *f = job;
    const struct cpu_plan *own = f->p->own;
    struct slice s = {.ldx = f->D + PAD, .ldh = f->slice + PAD, .ldg = 2 * f->slice + PAD};
    s.x = scratch;
    s.dy = s.x + CPU_BLOCK * s.ldx;
    s.h = s.dy + CPU_BLOCK * s.ldx;
    s.grad = s.h + CPU_BLOCK * s.ldh;
    s.dot = s.grad + CPU_BLOCK * s.ldg;
    s.spare = s.dot + CPU_BLOCK * VL;
    s.gate = s.spare + MICRO_DEEP * PANEL;
    for (int unit = from; unit < to; unit++) {
        s.expert = own->order[unit / f->slices];
        s.first = unit % f->slices * f->slice;
        s.width = (int)cpu_min(f->slice, f->H - s.first);
        s.down = f->down->backward + s.expert * f->down->backward_size + (size_t)s.first * f->D;
        for (int n = own->first[s.expert]; n < own->first[s.expert + 1]; n++) {
            struct cpu_block b = own->block[n];
            const int32_t *token = KN_I32(f->p->slot_token) + b.row;
            float *part = f->part + (size_t)(s.first / f->slice) * f->rows + b.row;
            double start = began(f);
            gather(s.dy, s.ldx, f->dy, token, b.rows, f->D);
            if (f->dup) gather(s.x, s.ldx, f->x, token, b.rows, f->D);
            moved(f, start);
            for (int i = 0; i < b.rows; i++)
                s.gate[i] = f->gate[(size_t)token[i] * f->N + s.expert];
            memset(s.dot, 0, (size_t)b.rows * VL * sizeof *s.dot);
            backward_block(f, &s, &b);
            for (int i = 0; i < b.rows; i++) part[i] = vec_sum(vec_load(s.dot + i * VL));
        }
    }
}

static void backward_tokens(const void *job, int from, int to, float *scratch)
{
    const struct ffn *f = job;
    const int32_t *start = KN_I32(f->p->token_start), *slot = KN_I32(f->p->token_slot);
    int D = f->D;
    double begin = began(f);
    (void)scratch;
    for (int t = from; t < to; t++) {
        float *dgate = f->dgate + (size_t)t * f->N, *dx = f->dx ? f->dx + (size_t)t * D : NULL;
        for (int e = 0; e < f->p->E; e++) dgate[e] = 0;
        if (dx && !f->add) memset(dx, 0, (size_t)D * sizeof *dx);
        for (int i = start[t]; i < start[t + 1]; i++) {
            int row = slot[i];
            float sum = 0;
            for (int s = 0; s < f->slices; s++, row += f->rows) {
                sum += f->part[row];
                if (dx) row_axpy(dx, 1, f->back + (size_t)row * D, D);
            }
            dgate[KN_I32(f->p->slot_expert)[slot[i]]] = sum;
        }
    }
    moved(f, begin);
}

void OP(moe_ffn_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                      struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                      struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                      const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                      int T, bool add)
{
    struct cpu *c = (struct cpu *)be;
    const struct cpu_plan *own = p->own;
    struct ffn f = {.pre = pre.at,
                    .dx = dx.at,
                    .dgate = dgate.at,
                    .dup = dup.at,
                    .ddown = ddown.at,
                    .x = x.at,
                    .dy = dy.at,
                    .gate = gate.at,
                    .p = p,
                    .up = up->shadow,
                    .down = down->shadow,
                    .D = down->rows,
                    .H = down->cols,
                    .N = p->N,
                    .act = act,
                    .add = add,
                    .rows = KN_I32(p->offset)[p->E]};
    /* Wide slices gather less; but there should be eight units, and none with over a quarter of
     * all. */
    long fullest = KN_I32(p->count)[own->order[0]];
    for (f.slice = CPU_SLICE_MAX; f.slice > CPU_SLICE_MIN; f.slice /= 2) {
        int slices = (f.H + f.slice - 1) / f.slice;
        if (p->E * slices >= 8 && 4 * fullest <= (long)f.rows * slices) break;
    }
    f.slices = (f.H + f.slice - 1) / f.slice;
    f.back = c->experts;
    f.part = f.back + (size_t)f.slices * f.rows * f.D;
    _Atomic long moving = 0;
    if (be->timing) f.moved = &moving;
    double work = 2.0 * f.rows * f.D * (2 * pre_width(&f) + 2 * f.H) / 8;
    cpu_each(be, p->E * f.slices, 1, work, backward_slices, &f);
    cpu_each(be, T, ROWS, 4.0 * (T + f.slices * f.rows) * f.D, backward_tokens, &f);
    be->moved = 1e-9 * (double)moving;
}

/* ---- zero-computation slots: columns first..first+n-1 */
struct slots {
    float *y, *dx, *dgate;
    const float *x, *dy, *gate, *v, *c;
    const int32_t *mask;
    int first, n, N, D;
};

/* The gates of a token's copies together: x is then multiplied once. False: none is taken. */
static bool copies_of(const struct slots *s, int t, float *sum)
{
    bool any = false;
    *sum = 0;
    for (int j = s->first; j < s->first + s->n; j++) {
        size_t at = (size_t)t * s->N + j;
        if (s->mask[at]) any = true, *sum += s->gate[at];
    }
    return any;
}

static void copy_tokens(const void *job, int from, int to, float *scratch)
{
    const struct slots *s = job;
    float gate;
    (void)scratch;
    for (int t = from; t < to; t++)
        if (copies_of(s, t, &gate))
            row_axpy(s->y + (size_t)t * s->D, gate, s->x + (size_t)t * s->D, s->D);
}

void OP(copy_slots)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                    struct kn_ints mask, int first, int n, int T, int N, int D)
{
    cpu_each(be, T, ROWS, 4.0 * T * D, copy_tokens,
             &(struct slots){.y = y.at,
                             .x = x.at,
                             .gate = gate.at,
                             .mask = mask.at,
                             .first = first,
                             .n = n,
                             .N = N,
                             .D = D});
}

static void copy_back_tokens(const void *job, int from, int to, float *scratch)
{
    const struct slots *s = job;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = s->x + (size_t)t * s->D, *dy = s->dy + (size_t)t * s->D;
        float gate;
        bool any = copies_of(s, t, &gate);
        float dot = any ? row_dot(dy, x, s->D) : 0;
        for (int j = s->first; j < s->first + s->n; j++) {
            size_t at = (size_t)t * s->N + j;
            s->dgate[at] = s->mask[at] ? dot : 0;
        }
        if (any) row_axpy(s->dx + (size_t)t * s->D, gate, dy, s->D);
    }
}

void OP(copy_slots_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                         struct kn_buf dy, struct kn_buf x, struct kn_buf gate, struct kn_ints mask,
                         int first, int n, int T, int N, int D)
{
    cpu_each(be, T, ROWS, 8.0 * T * D, copy_back_tokens,
             &(struct slots){.dx = dx.at,
                             .dgate = dgate.at,
                             .dy = dy.at,
                             .x = x.at,
                             .gate = gate.at,
                             .mask = mask.at,
                             .first = first,
                             .n = n,
                             .N = N,
                             .D = D});
}

/* The share of x in slot j's answer: the softmax of two is the sigmoid of their difference. */
static float share_of_x(const struct slots *s, int j, const float *x)
{
    const float *c = s->c + (size_t)2 * j * s->D;
    return 1 / (1 + vec_exp1(row_dot(c + s->D, x, s->D) - row_dot(c, x, s->D)));
}

static void constant_tokens(const void *job, int from, int to, float *scratch)
{
    const struct slots *s = job;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = s->x + (size_t)t * s->D;
        float *y = s->y + (size_t)t * s->D;
        for (int j = 0; j < s->n; j++) {
            size_t at = (size_t)t * s->N + s->first + j;
            if (!s->mask[at]) continue;
            float a = share_of_x(s, j, x);
            row_axpy(y, s->gate[at] * a, x, s->D);
            row_axpy(y, s->gate[at] * (1 - a), s->v + (size_t)j * s->D, s->D);
        }
    }
}

void OP(constant_slots)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                        struct kn_ints mask, struct kn_buf v, struct kn_buf c, int first, int n,
                        int T, int N, int D)
{
    cpu_each(be, T, ROWS, 8.0 * T * D, constant_tokens,
             &(struct slots){.y = y.at,
                             .x = x.at,
                             .gate = gate.at,
                             .v = v.at,
                             .c = c.at,
                             .mask = mask.at,
                             .first = first,
                             .n = n,
                             .N = N,
                             .D = D});
}

/* On the caller's thread: dv and dc are sums over tokens, in order. The two scores enter as their
 * difference only: what one gains the other loses. */
void OP(constant_slots_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                             struct kn_buf dv, struct kn_buf dc, struct kn_buf dy, struct kn_buf x,
                             struct kn_buf gate, struct kn_ints mask, struct kn_buf v,
                             struct kn_buf c, int first, int n, int T, int N, int D)
{
    struct slots s = {.c = c.at, .D = D};
    (void)be;
    for (int t = 0; t < T; t++) {
        const float *token = KN_F32(x) + (size_t)t * D, *from = KN_F32(dy) + (size_t)t * D;
        float *to = KN_F32(dx) + (size_t)t * D;
        for (int j = 0; j < n; j++) {
            size_t at = (size_t)t * N + first + j;
            float *score = KN_F32(dc) + (size_t)2 * j * D;
            const float *weight = KN_F32(c) + (size_t)2 * j * D;
            KN_F32(dgate)[at] = 0;
            if (!KN_I32(mask)[at]) continue;
            float g = KN_F32(gate)[at], a = share_of_x(&s, j, token);
            float on_x = row_dot(from, token, D);
            float on_v = row_dot(from, KN_F32(v) + (size_t)j * D, D);
            float ds = g * a * (1 - a) * (on_x - on_v);
            KN_F32(dgate)[at] = a * on_x + (1 - a) * on_v;
            row_axpy(to, g * a, from, D);
            row_axpy(to, ds, weight, D);
            row_axpy(to, -ds, weight + D, D);
            row_axpy(score, ds, token, D);
            row_axpy(score + D, -ds, token, D);
            row_axpy(KN_F32(dv) + (size_t)j * D, g * (1 - a), from, D);
        }
    }
}

void OP(constant_mix)(struct kn_backend *be, struct kn_buf mix, struct kn_buf x, double scale,
                      struct kn_ints mask, struct kn_buf c, int first, int n, int T, int N, int D)
{
    (void)be;
    for (int j = 0; j < n; j++) {
        const float *c0 = KN_F32(c) + (size_t)2 * j * D, *c1 = c0 + D;
        double sum = 0;
        int takers = 0;
        for (int t = 0; t < T; t++) {
            const float *row = KN_F32(x) + (size_t)t * D;
            if (!KN_I32(mask)[(size_t)t * N + first + j]) continue;
            sum += 1 / (1 + exp(scale * (row_dot(c1, row, D) - row_dot(c0, row, D))));
            takers++;
        }
        KN_F32(mix)[j] = (float)(sum / takers);
    }
}
