/* Random numbers, and what is drawn with them. A number is made by its place alone, so threads
 * share the numbers as they like. */
#include "kernels/cpu/cpu.h"
#include "kernels/philox.h"

#include <math.h>

#define ROWS 128   /* of a unit */
#define BLOCKS 512 /* of four numbers: of a unit */

struct draw {
    float *y;
    const float *a, *b, *u;
    int32_t *mask;
    const struct kn_draw *draw;
    size_t n;
    float band;
    int N;
};

static void uniform_some(const void *job, int from, int to, float *scratch)
{
    const struct draw *d = job;
    (void)scratch;
    for (int i = from; i < to; i++) {
        const uint32_t at[4] = {(uint32_t)i, d->draw->at[0], d->draw->at[1], d->draw->at[2]};
        uint32_t block[4];
        kn_philox(at, d->draw->key, block);
        for (size_t j = 0; j < 4 && (size_t)i * 4 + j < d->n; j++)
            d->y[(size_t)i * 4 + j] = (float)(block[j] >> 8) * 0x1p-24f;
    }
}

void OP(uniform)(struct kn_backend *be, struct kn_buf y, const struct kn_draw *draw, size_t n)
{
    cpu_each(be, (int)((n + 3) / 4), BLOCKS, 30.0 * n, uniform_some,
             &(struct draw){.y = y.at, .draw = draw, .n = n});
}

void OP(jitter)(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf u, double c,
                size_t n)
{
    float each = (float)c;
    (void)be;
    for (size_t i = 0; i < n; i++)
        KN_F32(y)[i] = KN_F32(x)[i] * (1 + each * (2 * KN_F32(u)[i] - 1));
}

/* ---- a row's picks one after the other */
struct pick {
    float b[KN_COLUMNS]; /* the softmax over its band */
    int top, taken;
};

static int largest(const float *z, const bool *gone, const int32_t *among, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!gone[j] && (!among || among[j]) && (best < 0 || z[j] > z[best])) best = j;
    return best;
}

static void band_softmax(float *b, const float *z, const bool *gone, int top, float band, int N)
{
    float most = z[top], sum = 0, width = fabsf(z[top]);
    for (int j = 0; j < N; j++) {
        bool near = !gone[j] && z[top] - z[j] <= band * fmaxf(fabsf(z[j]), width);
        b[j] = near;
        if (near) most = fmaxf(most, z[j]);
    }
    for (int j = 0; j < N; j++)
        if (b[j] > 0) sum += b[j] = expf(z[j] - most);
    for (int j = 0; j < N; j++) b[j] /= sum;
}

static int draw_column(const float *b, float u, int N)
{
    float sum = 0;
    int last = 0;
    for (int j = 0; j < N; j++) {
        if (b[j] > 0) last = j;
        if ((sum += b[j]) > u) return j;
    }
    return last;
}

static void next_pick(struct pick *p, const struct draw *d, const float *z, const int32_t *mask,
                      bool *gone, const float *u, int i)
{
    p->top = largest(z, gone, u ? NULL : mask, d->N);
    band_softmax(p->b, z, gone, p->top, d->band, d->N);
    p->taken = u ? draw_column(p->b, u[2 * i], d->N) : p->top;
    gone[p->taken] = true;
}

static int picks_of(const int32_t *mask, int N)
{
    int n = 0;
    for (int j = 0; j < N; j++) n += mask[j];
    return n;
}

static void band_some(const void *job, int from, int to, float *scratch)
{
    const struct draw *d = job;
    int N = d->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *z = d->a + (size_t)t * N, *u = d->u ? d->u + (size_t)t * 2 * N : NULL;
        int32_t *taken = d->mask + (size_t)t * N;
        float *r = d->y + (size_t)t * N;
        bool gone[KN_COLUMNS] = {0};
        int picks = picks_of(taken, N);
        struct pick p;
        for (int j = 0; j < N; j++) r[j] = 0;
        for (int i = 0; i < picks; i++) {
            next_pick(&p, d, z, taken, gone, u, i);
            bool whole = !u || p.taken == p.top || u[2 * i + 1] >= .75f;
            r[p.taken] = p.b[p.taken] / (whole ? 1 : 3);
        }
        for (int j = 0; u && j < N; j++) taken[j] = gone[j];
    }
}

void OP(band)(struct kn_backend *be, struct kn_buf r, struct kn_ints mask, struct kn_buf logits,
              double band, struct kn_buf u, int T, int N)
{
    cpu_each(
        be, T, ROWS, 60.0 * T * N, band_some,
        &(struct draw){
            .y = r.at, .mask = mask.at, .a = logits.at, .band = (float)band, .u = u.at, .N = N});
}

static void band_back_some(const void *job, int from, int to, float *scratch)
{
    const struct draw *d = job;
    int N = d->N;
    (void)scratch;
    for (int t = from; t < to; t++) {
        const float *z = d->a + (size_t)t * N, *u = d->u ? d->u + (size_t)t * 2 * N : NULL;
        const int32_t *taken = d->mask + (size_t)t * N;
        float *dz = d->y + (size_t)t * N;
        bool gone[KN_COLUMNS] = {0};
        int picks = picks_of(taken, N);
        struct pick p;
        for (int i = 0; i < picks; i++) {
            next_pick(&p, d, z, taken, gone, u, i);
            float each = d->b[(size_t)t * N + p.taken] * p.b[p.taken];
            for (int j = 0; j < N; j++) dz[j] += each * ((j == p.taken) - p.b[j]);
        }
    }
}

void OP(band_back)(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dr,
                   struct kn_ints mask, struct kn_buf logits, double band, struct kn_buf u, int T,
                   int N)
{
    cpu_each(be, T, ROWS, 60.0 * T * N, band_back_some,
             &(struct draw){.y = dlogits.at,
                            .b = dr.at,
                            .mask = mask.at,
                            .a = logits.at,
                            .band = (float)band,
                            .u = u.at,
                            .N = N});
}
