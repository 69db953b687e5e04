/* Routers that compare: cosines, squashed thresholds with their straight-through gradient, even and
 * sigmoid gates, columns that choose rows. Threads share the rows, or the columns; what is summed
 * over rows is summed in PARTS parts first. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define ROWS 128 /* of a unit */
#define PARTS 16 /* of sums over all rows: their number depends on nothing */
#define SHORTEST 1e-12f

static float inverse(const float *x, int n)
{
    float length = sqrtf(row_dot(x, x, n));
    return length < SHORTEST ? 0 : 1 / length;
}

/* ---- cosines: a dense product, scaled by both lengths */
struct cosine {
    float *y, *dx;
    const float *x, *iw, *cos;
    int N, D;
    bool add;
};

/* 1 / length of w's rows, in the backend's common memory. */
static float *lengths(struct kn_backend *be, const struct kn_weight *w)
{
    float *iw = ((struct cpu *)be)->common;
    for (int n = 0; n < w->rows; n++) iw[n] = inverse(KN_F32(w->w) + (size_t)n * w->cols, w->cols);
    return iw;
}

static void cosine_some(const void *job, int from, int to, float *scratch)
{
    const struct cosine *c = job;
    (void)scratch;
    for (int t = from; t < to; t++) {
        float ix = inverse(c->x + (size_t)t * c->D, c->D), *y = c->y + (size_t)t * c->N;
        for (int n = 0; n < c->N; n++) y[n] *= ix * c->iw[n];
    }
}

void OP(cosine)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
                int T)
{
    OP(linear)(be, y, x, w, T);
    cpu_each(
        be, T, ROWS, 2.0 * T * (w->rows + w->cols), cosine_some,
        &(struct cosine){.y = y.at, .x = x.at, .iw = lengths(be, w), .N = w->rows, .D = w->cols});
}

/* dy becomes the gradient of the dense product; dx gets the part along x. */
static void cosine_back_some(const void *job, int from, int to, float *scratch)
{
    const struct cosine *c = job;
    int N = c->N, D = c->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = c->x + (size_t)t * D;
        float *dy = c->y + (size_t)t * N, ix = inverse(x, D);
        float along = row_dot(dy, c->cos + (size_t)t * N, N) * ix * ix;
        if (c->dx && !c->add) memset(c->dx + (size_t)t * D, 0, (size_t)D * sizeof *c->dx);
        if (c->dx) row_axpy(c->dx + (size_t)t * D, -along, x, D);
        for (int n = 0; n < N; n++) dy[n] *= ix * c->iw[n];
    }
}

void OP(cosine_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dw, struct kn_buf dy,
                     struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T, bool add)
{
    int N = w->rows, D = w->cols;
    float *iw = lengths(be, w);
    for (int n = 0; dw.at && n < N; n++) {
        double along = 0;
        for (size_t i = n; i < (size_t)T * N; i += N) along += KN_F32(dy)[i] * KN_F32(y)[i];
        row_axpy(KN_F32(dw) + (size_t)n * D, -(float)along * iw[n] * iw[n],
                 KN_F32(w->w) + (size_t)n * D, D);
    }
    cpu_each(
        be, T, ROWS, 4.0 * T * (N + D), cosine_back_some,
        &(struct cosine){
            .y = dy.at, .dx = dx.at, .x = x.at, .iw = iw, .cos = y.at, .N = N, .D = D, .add = add});
    if (dx.at) OP(linear_back_x)(be, dx, dy, w, T, true);
    if (dw.at) OP(linear_back_w)(be, dw, dy, x, w, T);
}

/* ---- thresholds */
struct over {
    float *y, *dx, *part;
    const float *x, *da, *bound, *on; /* [N] b_n and whether a column is in */
    int32_t *mask;
    const int32_t *valid;
    float c, each;
    int T, N;
    bool all, best;
};

static float steepness(const struct kn_over *o)
{
    return o->log_c.at ? fminf(expf(KN_F32(o->log_c)[0]), (float)KN_STEEPEST) : 1;
}

/* Bounds and switches of all columns as plain rows, in the first 2 N of the common memory. */
static struct over prepare(struct kn_backend *be, const struct kn_over *o, int T, int N)
{
    float *bound = ((struct cpu *)be)->common, *on = bound + N;
    for (int n = 0; n < N; n++) {
        bound[n] = (o->bound.at ? KN_F32(o->bound)[n] : 0) + (float)o->shift;
        on[n] = !o->on.at || KN_F32(o->on)[n] != 0;
    }
    return (struct over){.bound = bound, .on = on, .c = steepness(o), .T = T, .N = N};
}

static void squash_some(const void *job, int from, int to, float *scratch)
{
    const struct over *o = job;
    int N = o->N;
    (void)scratch;
    for (int t = from; t < to; t++)
        for (int n = 0; n < N; n += VL) {
            vf s = vec_sigmoid(o->c * vec_some(o->x + (size_t)t * N + n, N - n, 0));
            vec_put(o->y + (size_t)t * N + n, s * vec_some(o->on + n, N - n, 0), N - n);
        }
}

void OP(squash)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_over *with,
                int T, int N)
{
    struct over o = prepare(be, with, T, N);
    o.y = y.at, o.x = x.at;
    cpu_each(be, T, ROWS, 20.0 * T * N, squash_some, &o);
}

static void mask_some(const void *job, int from, int to, float *scratch)
{
    const struct over *o = job;
    int N = o->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = o->x + (size_t)t * N;
        int32_t *mask = o->mask + (size_t)t * N;
        int count = 0, top = -1;
        for (int n = 0; n < N; n++)
            count += mask[n] = o->valid[t] && o->on[n] != 0 && x[n] > o->bound[n];
        if (!o->best || count || !o->valid[t]) continue;
        for (int n = 0; n < N; n++)
            if (o->on[n] != 0 && (top < 0 || x[n] > x[top])) top = n;
        if (top >= 0) mask[top] = 1;
    }
}

void OP(over_mask)(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                   const struct kn_over *with, bool best, struct kn_ints valid, int T, int N)
{
    struct over o = prepare(be, with, T, N);
    o.mask = mask.at, o.x = x.at, o.valid = valid.at, o.best = best;
    cpu_each(be, T, ROWS, 4.0 * T * N, mask_some, &o);
}

/* Part p: sums over its rows of u by column, and last of u x s (1 - s). */
static void over_back_parts(const void *job, int from, int to, float *scratch)
{
    const struct over *o = job;
    int N = o->N;
    (void)scratch;
    for (int p = from; p < to; p++) {
        float *part = o->part + (size_t)p * (N + 1);
        vf slope = {};
        memset(part, 0, (size_t)(N + 1) * sizeof *part);
        for (int t = cpu_cut(o->T, PARTS, p); t < cpu_cut(o->T, PARTS, p + 1); t++) {
            if (!o->valid[t]) continue;
            for (int n = 0; n < N; n += VL) {
                size_t at = (size_t)t * N + n;
                int left = N - n;
                vf x = vec_some(o->x + at, left, 0), s = vec_sigmoid(o->c * x);
                vi in = vec_some(o->on + n, left, 0) != 0;
                if (!o->all) in &= x > vec_some(o->bound + n, left, 0);
                vf u = vec_pick(in, vec_some(o->da + at, left, 0), (vf){}), rise = u * s * (1 - s);
                slope += rise * x;
                vec_put(part + n, vec_some(part + n, left, 0) + u, left);
                if (o->dx) vec_put(o->dx + at, vec_some(o->dx + at, left, 0) + o->c * rise, left);
            }
        }
        part[N] = vec_sum(slope);
    }
}

void OP(over_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dbound,
                   struct kn_buf dlog_c, struct kn_buf da, struct kn_buf x,
                   const struct kn_over *with, bool all, struct kn_ints valid, int T, int N)
{
    struct over o = prepare(be, with, T, N);
    double rise = 0, fall = 0;
    o.dx = dx.at, o.da = da.at, o.x = x.at, o.valid = valid.at, o.all = all;
    o.part = ((struct cpu *)be)->common + 2 * N;
    cpu_each(be, PARTS, 1, 30.0 * T * N, over_back_parts, &o);
    for (int n = 0; n <= N; n++) {
        double sum = 0, theta = n < N ? 1 / (1 + exp(-(double)o.c * o.bound[n])) : 0;
        for (int p = 0; p < PARTS; p++) sum += o.part[(size_t)p * (N + 1) + n];
        if (n == N) {
            rise = sum;
            continue;
        }
        sum *= theta * (1 - theta);
        fall += sum * o.bound[n];
        if (dbound.at) KN_F32(dbound)[n] -= (float)(o.c * sum);
    }
    if (dlog_c.at && o.c < (float)KN_STEEPEST) KN_F32(dlog_c)[0] += (float)(o.c * (rise - fall));
}

static void over_loss_some(const void *job, int from, int to, float *scratch)
{
    const struct over *o = job;
    int N = o->N;
    (void)scratch;
    for (int p = from; p < to; p++) {
        vf sum = {};
        for (int t = cpu_cut(o->T, PARTS, p); t < cpu_cut(o->T, PARTS, p + 1); t++)
            for (int n = 0; o->valid[t] && n < N; n += VL) {
                vf x = vec_some(o->x + (size_t)t * N + n, N - n, 0),
                   b = vec_some(o->bound + n, N - n, 0);
                vi in = (x > b) & (vec_some(o->on + n, N - n, 0) != 0);
                sum += vec_pick(in, vec_sigmoid(o->c * x) - vec_sigmoid(o->c * b), (vf){});
            }
        o->part[p] = vec_sum(sum);
    }
}

/* What a sum over the valid rows is multiplied by to be their mean: 0 where there is none. */
static double one_row(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += KN_I32(valid)[t] != 0;
    return rows ? 1.0 / rows : 0;
}

void OP(over_loss)(struct kn_backend *be, struct kn_buf loss, struct kn_buf x,
                   const struct kn_over *with, struct kn_ints valid, int T, int N)
{
    struct over o = prepare(be, with, T, N);
    double sum = 0;
    o.x = x.at, o.valid = valid.at, o.part = ((struct cpu *)be)->common + 2 * N;
    cpu_each(be, PARTS, 1, 40.0 * T * N, over_loss_some, &o);
    for (int p = 0; p < PARTS; p++) sum += o.part[p];
    KN_F32(loss)[0] = (float)(sum * one_row(valid, T));
}

static void over_loss_back_some(const void *job, int from, int to, float *scratch)
{
    const struct over *o = job;
    int N = o->N;
    (void)scratch;
    for (int t = from; t < to; t++)
        for (int n = 0; o->valid[t] && n < N; n++)
            if (o->on[n] != 0 && o->x[(size_t)t * N + n] > o->bound[n])
                o->y[(size_t)t * N + n] += o->each;
}

void OP(over_loss_back)(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf x,
                        const struct kn_over *with, struct kn_ints valid, int T, int N)
{
    struct over o = prepare(be, with, T, N);
    o.y = da.at, o.x = x.at, o.valid = valid.at, o.each = (float)(c * one_row(valid, T));
    cpu_each(be, T, ROWS, 4.0 * T * N, over_loss_back_some, &o);
}

/* ---- gates */
struct gates {
    float *y;
    const float *x, *dgate, *gate;
    const int32_t *taken;
    float c;
    int N;
    bool add, share;
};

static int taken_count(const int32_t *taken, int N)
{
    int count = 0;
    for (int n = 0; n < N; n++) count += taken[n];
    return count;
}

static void even_some(const void *job, int from, int to, float *scratch)
{
    const struct gates *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const int32_t *taken = g->taken + (size_t)t * N;
        int count = taken_count(taken, N);
        float each = 1 / (float)(count ? count : 1);
        for (int n = 0; n < N; n++) g->y[(size_t)t * N + n] = taken[n] ? each : 0;
    }
}

void OP(even_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_ints mask, int T, int N)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, even_some,
             &(struct gates){.y = gate.at, .taken = mask.at, .N = N});
}

static void even_back_some(const void *job, int from, int to, float *scratch)
{
    const struct gates *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        int count = taken_count(g->taken + (size_t)t * N, N);
        float each = 1 / (float)(count ? count : 1), *y = g->y + (size_t)t * N;
        const float *dgate = g->dgate + (size_t)t * N;
        for (int n = 0; n < N; n++) y[n] = (g->add ? y[n] : 0) + each * dgate[n];
    }
}

void OP(even_gate_back)(struct kn_backend *be, struct kn_buf da, struct kn_buf dgate,
                        struct kn_ints mask, int T, int N, bool add)
{
    cpu_each(be, T, ROWS, 4.0 * T * N, even_back_some,
             &(struct gates){.y = da.at, .dgate = dgate.at, .taken = mask.at, .N = N, .add = add});
}

/* Sigmoids of the taken over e^top, 0 elsewhere. */
static vf taken_sigmoid(const float *from, const int32_t *taken, float top, int left)
{
    vf x = vec_some(from, left, 0), low = vec_pick(x < 0, x, (vf){}), size = vec_max(x, -x);
    vf s = vec_exp(low - top) / (1.f + vec_exp(-size));
    return vec_pick(vec_some_ints(taken, left) != 0, s, (vf){});
}

static void sigmoid_some(const void *job, int from, int to, float *scratch)
{
    const struct gates *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = g->x + (size_t)t * N;
        const int32_t *taken = g->taken + (size_t)t * N;
        float top = g->share ? -INFINITY : 0, scale = g->c;
        vf sum = {};
        for (int n = 0; n < N && g->share; n++)
            if (taken[n]) top = fmaxf(top, fminf(x[n], 0));
        for (int n = 0; n < N && g->share; n += VL)
            sum += taken_sigmoid(x + n, taken + n, top, N - n);
        float all = vec_sum(sum);
        if (g->share) scale = all > 0 ? g->c / all : 0;
        for (int n = 0; n < N; n += VL)
            vec_put(g->y + (size_t)t * N + n, scale * taken_sigmoid(x + n, taken + n, top, N - n),
                    N - n);
    }
}

void OP(sigmoid_gate)(struct kn_backend *be, struct kn_buf gate, struct kn_buf x, double c,
                      bool share, struct kn_ints mask, int T, int N)
{
    cpu_each(be, T, ROWS, 60.0 * T * N, sigmoid_some,
             &(struct gates){
                 .y = gate.at, .x = x.at, .taken = mask.at, .c = (float)c, .N = N, .share = share});
}

static void sigmoid_back_some(const void *job, int from, int to, float *scratch)
{
    const struct gates *g = job;
    int N = g->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *x = g->x + (size_t)t * N, *dgate = g->dgate + (size_t)t * N,
                    *gate = g->gate + (size_t)t * N;
        const int32_t *taken = g->taken + (size_t)t * N;
        float *y = g->y + (size_t)t * N, mean = 0;
        vf sum = {};
        for (int n = 0; n < N && g->share; n += VL) {
            vf part = vec_some(gate + n, N - n, 0) * vec_some(dgate + n, N - n, 0);
            sum += vec_pick(vec_some_ints(taken + n, N - n) != 0, part, (vf){});
        }
        mean = vec_sum(sum) / g->c;
        for (int n = 0; n < N; n += VL) {
            vf d = (vec_some(dgate + n, N - n, 0) - mean) * vec_some(gate + n, N - n, 0) *
                   vec_sigmoid(-vec_some(x + n, N - n, 0));
            d = vec_pick(vec_some_ints(taken + n, N - n) != 0, d, (vf){});
            if (g->add) d += vec_some(y + n, N - n, 0);
            vec_put(y + n, d, N - n);
        }
    }
}

void OP(sigmoid_gate_back)(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                           struct kn_buf gate, struct kn_buf x, double c, bool share,
                           struct kn_ints mask, int T, int N, bool add)
{
    cpu_each(be, T, ROWS, 40.0 * T * N, sigmoid_back_some,
             &(struct gates){.y = dx.at,
                             .x = x.at,
                             .dgate = dgate.at,
                             .gate = gate.at,
                             .taken = mask.at,
                             .c = (float)c,
                             .N = N,
                             .add = add,
                             .share = share});
}

/* ---- columns that choose rows */
struct column {
    int32_t *mask;
    const float *score;
    const int32_t *valid;
    double c;
    int step, T, N;
};

/* An unsigned number in the order of x; -0 is 0. */
static uint32_t order_of(float x)
{
    uint32_t bits;
    x += 0.f;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* The want-th largest of a column's keys, byte by byte from the top; *ties: how many of that key
 * are wanted. */
static uint32_t select_key(const struct column *c, int n, int first, int want, int *ties)
{
    uint32_t prefix = 0, known = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        int count[256] = {0}, byte = 255;
        for (int t = first; t < c->T; t += c->step) {
            uint32_t key = order_of(c->score[(size_t)t * c->N + n]);
            if (c->valid[t] && (key & known) == prefix) count[key >> shift & 255]++;
        }
        while (want > count[byte]) want -= count[byte--];
        prefix |= (uint32_t)byte << shift;
        known |= 255u << shift;
    }
    *ties = want;
    return prefix;
}

static void column_some(const void *job, int from, int to, float *scratch)
{
    const struct column *c = job;
    (void)scratch;
    for (int u = from; u < to; u++) {
        int first = u / c->N, n = u % c->N, rows = 0, ties;
        for (int t = first; t < c->T; t += c->step) {
            rows += c->valid[t] != 0;
            c->mask[(size_t)t * c->N + n] = 0;
        }
        int want = (int)fmin(ceil(c->c * rows / c->N), rows);
        if (want == 0) continue;
        uint32_t least = select_key(c, n, first, want, &ties);
        for (int t = first; t < c->T; t += c->step) {
            uint32_t key = order_of(c->score[(size_t)t * c->N + n]);
            if (c->valid[t] && (key > least || (key == least && ties-- > 0)))
                c->mask[(size_t)t * c->N + n] = 1;
        }
    }
}

void OP(column_mask)(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, double c,
                     int period, struct kn_ints valid, int T, int N)
{
    int step = period > 1 ? period : 1;
    cpu_each(be, step * N, 1, 20.0 * T * N, column_some,
             &(struct column){.mask = mask.at,
                              .score = score.at,
                              .valid = valid.at,
                              .c = c,
                              .step = step,
                              .T = T,
                              .N = N});
}
