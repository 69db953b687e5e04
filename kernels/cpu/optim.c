/* The loss at the end of a model, and the optimiser: one pass over memory each. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define ROWS 32         /* of a unit of the loss */
#define PIECE (1 << 14) /* numbers of a unit of the optimiser */

struct entropy {
    float *nll, *dlogits;
    const float *logits;
    int32_t *hit;
    const int32_t *label;
    float each;
    int V;
};

/* One row's nll, hit and gradient; dx (may be NULL, may be x) is written last. */
static void loss_row(const struct entropy *l, int r, float *scratch)
{
    const float *x = l->logits + (size_t)r * l->V;
    float *dx = l->dlogits ? l->dlogits + (size_t)r * l->V : NULL;
    int right = l->label[r], before = 0;
    float top = row_top(x, l->V, 1);
    float target = right >= 0 ? x[right] : 0;
    if (right >= 0 && target == top) /* of equals the lowest column counts */
        while (x[before] != top) before++;
    float sum = row_exp(scratch, x, l->V, 1, top);
    l->hit[r] = right >= 0 && target == top && before == right;
    l->nll[r] = right >= 0 ? top + logf(sum) - target : 0;
    if (!dx) return;
    float scale = right >= 0 ? l->each / sum : 0;
    if (right < 0) memset(dx, 0, (size_t)l->V * sizeof *dx);
    for (int j = 0; right >= 0 && j < l->V; j++) dx[j] = scale * scratch[j];
    if (right >= 0) dx[right] -= l->each;
}

static void loss_rows(const void *job, int from, int to, float *scratch)
{
    for (int r = from; r < to; r++) loss_row(job, r, scratch);
}

void OP(cross_entropy)(struct kn_backend *be, struct kn_buf loss, struct kn_buf nll,
                       struct kn_ints hit, struct kn_buf dlogits, struct kn_buf logits,
                       struct kn_ints label, int R, int V)
{
    int counted = 0;
    double sum = 0;
    for (int r = 0; r < R; r++) counted += KN_I32(label)[r] >= 0;
    cpu_each(be, R, ROWS, 6.0 * R * V, loss_rows,
             &(struct entropy){.nll = nll.at,
                               .dlogits = dlogits.at,
                               .logits = logits.at,
                               .hit = hit.at,
                               .label = label.at,
                               .each = counted ? 1 / (float)counted : 0,
                               .V = V});
    for (int r = 0; r < R; r++) sum += KN_F32(nll)[r];
    KN_F32(loss)[0] = counted ? (float)(sum / counted) : 0;
}

struct squares {
    float *partial;
    const float *x;
    size_t n, piece;
};

static void square_pieces(const void *job, int from, int to, float *scratch)
{
    const struct squares *s = job;
    (void)scratch;
    for (int p = from; p < to; p++) {
        const float *x = s->x + p * s->piece;
        size_t n = cpu_min(s->piece, s->n - p * s->piece), i = 0;
        vf sum[4] = {};
        for (; i + 4 * VL <= n; i += 4 * VL) {
            for (int j = 0; j < 4; j++) {
                vf v = vec_load(x + i + j * VL);
                sum[j] += v * v;
            }
        }
        float rest = 0;
        for (; i < n; i++) rest += x[i] * x[i];
        s->partial[p] = vec_sum((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
    }
}

void OP(sum_squares)(struct kn_backend *be, struct kn_buf s, struct kn_buf x, size_t n)
{
    float *partial = ((struct cpu *)be)->common;
    size_t piece = PIECE;
    double sum = 0;
    while ((n + piece - 1) / piece > CPU_SCRATCH) piece *= 2;
    int pieces = (int)((n + piece - 1) / piece);
    cpu_each(be, pieces, 1, (double)n * 2, square_pieces,
             &(struct squares){partial, x.at, n, piece});
    for (int p = 0; p < pieces; p++) sum += partial[p];
    KN_F32(s)[0] = (float)sum;
}

void OP(watch)(struct kn_backend *be, struct kn_buf ok, struct kn_buf x, int n, struct kn_ints bad,
               int m)
{
    bool whole = true, finite = true;
    (void)be;
    for (int i = 0; i < m; i++) whole &= KN_I32(bad)[i] == 0;
    for (int i = 0; i < n; i++) finite &= isfinite(KN_F32(x)[i]) != 0;
    KN_F32(ok)[0] = whole ? 0 : NAN;
    KN_F32(ok)[1] = whole && finite ? 0 : NAN;
}

void OP(clip_factor)(struct kn_backend *be, struct kn_buf f, struct kn_buf s, struct kn_buf guard,
                     double clip)
{
    double norm = sqrt(KN_F32(s)[0]);
    bool fine = isfinite(norm) && (!guard.at || isfinite(KN_F32(guard)[0]));
    (void)be;
    KN_F32(f)[0] = !fine ? NAN : clip > 0 && norm > clip ? (float)(clip / norm) : 1;
}

struct adam {
    float *w, *m, *v, *g;
    float factor, lr, b1, b2, eps, decay, m_full, v_full;
    size_t n;
};

static void adam_pieces(const void *job, int from, int to, float *scratch)
{
    const struct adam *a = job;
    size_t first = (size_t)from * PIECE, end = cpu_min(a->n, (size_t)to * PIECE);
    (void)scratch;
    if (!isfinite(a->factor)) {
        memset(a->g + first, 0, (end - first) * sizeof *a->g);
        return;
    }
    float *restrict w = a->w, *restrict m = a->m, *restrict v = a->v, *restrict g = a->g;
    const float b1 = a->b1, b2 = a->b2, factor = a->factor, lr = a->lr, eps = a->eps;
    const float keep = 1 - b1, keep2 = 1 - b2, decay = a->decay, full = a->m_full,
                full2 = a->v_full;
    for (size_t i = first; i < end; i++) {
        float grad = factor * g[i];
        m[i] = b1 * m[i] + keep * grad;
        v[i] = b2 * v[i] + keep2 * grad * grad;
        w[i] -= lr * (m[i] * full / (sqrtf(v[i] * full2) + eps) + decay * w[i]);
        g[i] = 0;
    }
}

void OP(adamw)(struct kn_backend *be, struct kn_buf w, struct kn_buf m, struct kn_buf v,
               struct kn_buf g, struct kn_buf f, const struct kn_adamw *o, size_t n)
{
    cpu_each(be, (int)((n + PIECE - 1) / PIECE), 1, (double)n * 10, adam_pieces,
             &(struct adam){.w = w.at,
                            .m = m.at,
                            .v = v.at,
                            .g = g.at,
                            .factor = KN_F32(f)[0],
                            .lr = (float)o->lr,
                            .b1 = (float)o->b1,
                            .b2 = (float)o->b2,
                            .eps = (float)o->eps,
                            .decay = (float)o->decay,
                            .m_full = (float)(1 / (1 - pow(o->b1, o->step))),
                            .v_full = (float)(1 / (1 - pow(o->b2, o->step))),
                            .n = n});
}
