/* Causal attention with rotary positions. A unit is one head of one sequence: its keys and values
 * are packed once, scores live in scratch, and tiles right of the diagonal are never computed. */
#include "kernels/cpu/micro.h"

#define ROWS 64  /* tokens of a unit of rope */
#define BLOCK 56 /* queries whose weights stand in scratch together (gradient): full tiles */

/* ---- rope */
struct turning {
    float *x;
    const float *table; /* NULL: too big to keep */
    double theta;
    int C, heads, d;
    float sign;
};

static void angles(float *to, int position, int d, double theta)
{
    for (int i = 0; i < d / 2; i++) {
        double angle = position * pow(theta, -2.0 * i / d);
        to[i] = (float)cos(angle);
        to[d / 2 + i] = (float)sin(angle);
    }
}

static void turn_rows(const void *job, int from, int to, float *scratch)
{
    const struct turning *r = job;
    int half = r->d / 2;
    for (int t = from; t < to; t++) {
        const float *table = r->table ? r->table + (size_t)(t % r->C) * r->d : scratch;
        const float *restrict cosine = table, *restrict sine = table + half;
        if (!r->table) angles(scratch, t % r->C, r->d, r->theta);
        float *row = r->x + (size_t)t * 3 * r->heads * r->d;
        for (int h = 0; h < 2 * r->heads; h++, row += r->d) { /* of q, then of k */
            float *restrict x = row, *restrict y = row + half;
            for (int i = 0; i < half; i++) {
                float a = x[i], b = y[i], s = r->sign * sine[i];
                x[i] = a * cosine[i] - b * s;
                y[i] = b * cosine[i] + a * s;
            }
        }
    }
}

static void turn(struct kn_backend *be, struct kn_buf x, int B, int C, int heads, int d,
                 double theta, float sign)
{
    struct cpu_rope *kept = &((struct cpu *)be)->rope;
    bool fits = (size_t)C * d <= CPU_ROPE;
    if (fits && (kept->theta != theta || kept->d != d || kept->C < C)) {
        for (int t = 0; t < C; t++) angles(kept->turn + (size_t)t * d, t, d, theta);
        kept->theta = theta, kept->d = d, kept->C = C;
    }
    cpu_each(be, B * C, ROWS, 6.0 * B * C * heads * d, turn_rows,
             &(struct turning){x.at, fits ? kept->turn : NULL, theta, C, heads, d, sign});
}

void OP(rope)(struct kn_backend *be, struct kn_buf qkv, int B, int C, int heads, int d,
              double theta)
{
    turn(be, qkv, B, C, heads, d, theta, 1);
}

void OP(rope_back)(struct kn_backend *be, struct kn_buf dqkv, int B, int C, int heads, int d,
                   double theta)
{
    turn(be, dqkv, B, C, heads, d, theta, -1);
}

/* ---- attention */
struct heads {
    float *y, *lse, *dqkv;
    const float *qkv, *dy, *out;
    int C, heads, d;
};

/* One head of one sequence: rows of q, k, v are `wide` apart, rows of y `narrow`. */
struct head {
    const float *q, *k, *v;
    size_t at; /* of its rows in y */
    long wide, narrow;
};

static struct head head_of(const struct heads *a, int unit)
{
    int b = unit / a->heads, h = unit % a->heads, D = a->heads * a->d;
    const float *q = a->qkv + (size_t)b * a->C * 3 * D + (size_t)h * a->d;
    return (struct head){q, q + D, q + 2 * D, (size_t)b * a->C * D + (size_t)h * a->d, 3L * D, D};
}

/* Panels [C / PANEL][d][PANEL] of the transpose of x[C,d]. */
static void pack_columns(float *to, const float *x, long ldx, int C, int d)
{
    for (int j = 0; j < C; j += PANEL, to += (size_t)d * PANEL) {
        int width = (int)cpu_min(PANEL, C - j);
        if (width < PANEL) memset(to, 0, (size_t)d * PANEL * sizeof *to);
        micro_turn(to, PANEL, x + j * ldx, ldx, width, d);
    }
}

/* Panels [d / PANEL][C][PANEL] of x[C,d]. */
static void pack_rows(float *to, const float *x, long ldx, int C, int d)
{
    for (int j = 0; j < d; j += PANEL) {
        int width = (int)cpu_min(PANEL, d - j);
        for (int r = 0; r < C; r++, to += PANEL) {
            if (width < PANEL) memset(to, 0, PANEL * sizeof *to);
            memcpy(to, x + r * ldx + j, (size_t)width * sizeof *to);
        }
    }
}

/* x[C,d] with its rows one behind the other, `ldt` apart: fetched at once instead of line by line.
 */
static void bring(float *to, long ldt, const float *x, long ldx, int C, int d)
{
    for (int r = 0; r < C; r++) memcpy(to + r * ldt, x + r * ldx, (size_t)d * sizeof *to);
}

/* Whether the scratch of one thread is enough. */
static bool fits(struct kn_backend *be, const char *op, int C, int d)
{
    size_t keys = cpu_up(C, PANEL), width = cpu_up(d, PANEL);
    if (keys * (3 * width + 2 * d + 2 * BLOCK + 1) + MICRO_DEEP * PANEL <= CPU_SCRATCH) return true;
    kn_fail(be, op, "the context is too long for this backend: make it shorter");
    return false;
}

/* p = exp(scale p - top) for the first `keys` scores, 0 behind them up to `width`; the sum of p.
 * The scores stand in scratch, where a full vector can always be read. */
static float softmax_row(float *p, int keys, int width, float scale, float *lse)
{
    vf most = vec_all(-INFINITY), sum = {};
    for (int j = 0; j < keys; j += VL)
        most = vec_max(vec_pick(vec_first(keys - j), vec_load(p + j), vec_all(-INFINITY)), most);
    float top = vec_top(most) * scale;
    for (int j = 0; j < width; j += VL) {
        vf w = vec_pick(vec_first(keys - j), vec_exp(vec_load(p + j) * scale - top), (vf){});
        vec_store(p + j, w);
        sum += w;
    }
    float all = vec_sum(sum);
    *lse = top + logf(all);
    return all;
}

static void forward_heads(const void *job, int from, int to, float *scratch)
{
    const struct heads *a = job;
    int C = a->C, d = a->d, lds = cpu_up(C, PANEL), ldq = cpu_up(d, VL), tiles = micro_tiles(C);
    float scale = 1 / sqrtf((float)d);
    float *keys = scratch, *values = keys + (size_t)lds * d;
    float *q = values + (size_t)C * cpu_up(d, PANEL), *s = q + (size_t)C * ldq;
    for (int unit = from; unit < to; unit++) {
        struct head h = head_of(a, unit);
        pack_columns(keys, h.k, h.wide, C, d);
        pack_rows(values, h.v, h.wide, C, d);
        bring(q, ldq, h.q, h.wide, C, d);
        for (int tile = 0; tile < tiles; tile++) {
            int r0 = cpu_cut(C, tiles, tile), r1 = cpu_cut(C, tiles, tile + 1), rows = r1 - r0;
            float *y = a->y + h.at + r0 * h.narrow, sum[TILE];
            micro_panels(s, lds, q + r0 * ldq, ldq, rows, cpu_up(r1, PANEL), d, keys,
                         (size_t)d * PANEL, false);
            for (int r = 0; r < rows; r++) {
                float *lse = a->lse + (size_t)unit * C + r0 + r;
                sum[r] = softmax_row(s + (size_t)r * lds, r0 + r + 1, r1, scale, lse);
            }
            micro_panels(y, h.narrow, s, lds, rows, d, r1, values, (size_t)C * PANEL, false);
            for (int r = 0; r < rows; r++) row_scale(y + r * h.narrow, 1 / sum[r], d);
        }
    }
}

void OP(attention)(struct kn_backend *be, struct kn_buf y, struct kn_buf lse, struct kn_buf qkv,
                   int B, int C, int heads, int d)
{
    if (!fits(be, "attention", C, d)) return;
    cpu_each(
        be, B * heads, 1, 2.0 * B * heads * C * C * d / 8, forward_heads,
        &(struct heads){.y = y.at, .lse = lse.at, .qkv = qkv.at, .C = C, .heads = heads, .d = d});
}

/* p = exp(scale p - lse) and ds = scale p (ds - mean) for the first `keys`, 0 behind them up to
 * `width`. */
static void weight_row(float *p, float *ds, int keys, int width, float scale, float lse, float mean)
{
    for (int j = 0; j < width; j += VL) {
        vi on = vec_first(keys - j);
        vf w = vec_exp(vec_load(p + j) * scale - lse);
        vf grad = scale * w * (vec_load(ds + j) - mean);
        vec_store(p + j, vec_pick(on, w, (vf){}));
        vec_store(ds + j, vec_pick(on, grad, (vf){}));
    }
}

static void backward_heads(const void *job, int from, int to, float *scratch)
{
    const struct heads *a = job;
    int C = a->C, d = a->d, lds = cpu_up(C, PANEL), width = cpu_up(d, PANEL);
    float scale = 1 / sqrtf((float)d);
    float *keys = scratch, *values = keys + (size_t)lds * d, *rows = values + (size_t)lds * d;
    float *q = rows + (size_t)C * width, *dy = q + (size_t)C * width;
    float *p = dy + (size_t)C * width, *ds = p + (size_t)BLOCK * lds;
    float *mean = ds + (size_t)BLOCK * lds, *spare = mean + C;
    for (int unit = from; unit < to; unit++) {
        struct head h = head_of(a, unit);
        const float *lse = a->lse + (size_t)unit * C;
        float *dq = a->dqkv + (h.q - a->qkv), *dk = a->dqkv + (h.k - a->qkv);
        float *dv = a->dqkv + (h.v - a->qkv);
        pack_columns(keys, h.k, h.wide, C, d);
        pack_columns(values, h.v, h.wide, C, d);
        pack_rows(rows, h.k, h.wide, C, d);
        bring(q, width, h.q, h.wide, C, d);
        bring(dy, width, a->dy + h.at, h.narrow, C, d);
        for (int r = 0; r < C; r++)
            mean[r] = row_dot(dy + r * width, a->out + h.at + r * h.narrow, d);
        for (int q0 = 0; q0 < C; q0 += BLOCK) {
            int q1 = (int)cpu_min(C, q0 + BLOCK), tiles = micro_tiles(q1 - q0);
            for (int tile = 0; tile < tiles; tile++) {
                int r0 = q0 + cpu_cut(q1 - q0, tiles, tile);
                int r1 = q0 + cpu_cut(q1 - q0, tiles, tile + 1), end = cpu_up(r1, PANEL);
                float *at_p = p + (size_t)(r0 - q0) * lds, *at_ds = ds + (size_t)(r0 - q0) * lds;
                micro_panels(at_p, lds, q + r0 * width, width, r1 - r0, end, d, keys,
                             (size_t)d * PANEL, false);
                micro_panels(at_ds, lds, dy + r0 * width, width, r1 - r0, end, d, values,
                             (size_t)d * PANEL, false);
                for (int r = r0; r < r1; r++) {
                    size_t row = (size_t)(r - r0) * lds;
                    weight_row(at_p + row, at_ds + row, r + 1, q1, scale, lse[r], mean[r]);
                }
                micro_panels(dq + r0 * h.wide, h.wide, at_ds, lds, r1 - r0, d, r1, rows,
                             (size_t)C * PANEL, false);
            }
            for (int k0 = 0; k0 < q1; k0 += BLOCK) { /* keys in the blocks of queries */
                int n = (int)cpu_min(q1, k0 + BLOCK) - k0;
                bool add = k0 < q0;
                micro_outer(dk + k0 * h.wide, h.wide, ds + k0, lds, q + q0 * width, width, n, d,
                            q1 - q0, add, spare);
                micro_outer(dv + k0 * h.wide, h.wide, p + k0, lds, dy + q0 * width, width, n, d,
                            q1 - q0, add, spare);
            }
        }
    }
}

void OP(attention_back)(struct kn_backend *be, struct kn_buf dqkv, struct kn_buf dy,
                        struct kn_buf y, struct kn_buf lse, struct kn_buf qkv, int B, int C,
                        int heads, int d)
{
    if (!fits(be, "attention_back", C, d)) return;
    cpu_each(be, B * heads, 1, 5.0 * B * heads * C * C * d / 8, backward_heads,
             &(struct heads){.dqkv = dqkv.at,
                             .dy = dy.at,
                             .out = y.at,
                             .lse = lse.at,
                             .qkv = qkv.at,
                             .C = C,
                             .heads = heads,
                             .d = d});
}
