/* Random numbers, and what is drawn with them: one thread a block of four, or a token. */
#include "kernels/cuda/cuda.h"
#include "kernels/philox.h"

void cuda_uniform(struct kn_backend *be, struct kn_buf y, const struct kn_draw *draw, size_t n)
{
    float *to = KN_F32(y);
    struct kn_draw d = *draw;
    each(be, (n + 3) / 4, [=] __device__(size_t i) {
        uint32_t at[4] = {(uint32_t)i, d.at[0], d.at[1], d.at[2]}, block[4];
        kn_philox(at, d.key, block);
        for (int k = 0; k < 4 && i * 4 + k < n; k++) to[i * 4 + k] = (block[k] >> 8) * 0x1p-24f;
    });
}

void cuda_jitter(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf u, double c,
                 size_t n)
{
    float *to = KN_F32(y), by = (float)c;
    const float *from = KN_F32(x), *draw = KN_F32(u);
    each(be, n, [=] __device__(size_t i) { to[i] = from[i] * (1 + by * (2 * draw[i] - 1)); });
}

/* ---- a row's picks one after the other */
struct pick {
    float b[KN_COLUMNS]; /* the softmax over its band */
    int top, taken;
};

static __device__ int largest(const float *z, const bool *gone, const int32_t *among, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!gone[j] && (!among || among[j]) && (best < 0 || z[j] > z[best])) best = j;
    return best;
}

static __device__ void band_softmax(float *b, const float *z, const bool *gone, int top, float band,
                                    int N)
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

static __device__ int draw_column(const float *b, float u, int N)
{
    float sum = 0;
    int last = 0;
    for (int j = 0; j < N; j++) {
        if (b[j] > 0) last = j;
        if ((sum += b[j]) > u) return j;
    }
    return last;
}

/* Pick i of a row; u NULL: the largest of mask. Marks it gone. */
static __device__ void next_pick(struct pick *p, const float *z, const int32_t *mask, bool *gone,
                                 float band, const float *u, int i, int N)
{
    p->top = largest(z, gone, u ? nullptr : mask, N);
    band_softmax(p->b, z, gone, p->top, band, N);
    p->taken = u ? draw_column(p->b, u[2 * i], N) : p->top;
    gone[p->taken] = true;
}

static __device__ int picks_of(const int32_t *mask, int N)
{
    int n = 0;
    for (int j = 0; j < N; j++) n += mask[j];
    return n;
}

void cuda_band(struct kn_backend *be, struct kn_buf r, struct kn_ints mask, struct kn_buf logits,
               double band, struct kn_buf u, int T, int N)
{
    float *all = KN_F32(r), width = (float)band;
    const float *from = KN_F32(logits), *draws = KN_F32(u);
    int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *z = from + t * N, *draw = draws ? draws + t * 2 * N : nullptr;
        float *to = all + t * N;
        int32_t *taken = all_taken + t * N;
        bool gone[KN_COLUMNS] = {};
        int picks = picks_of(taken, N);
        struct pick p;
        for (int j = 0; j < N; j++) to[j] = 0;
        for (int i = 0; i < picks; i++) {
            next_pick(&p, z, taken, gone, width, draw, i, N);
            bool whole = !draw || p.taken == p.top || draw[2 * i + 1] >= .75f;
            to[p.taken] = p.b[p.taken] / (whole ? 1 : 3);
        }
        for (int j = 0; draw && j < N; j++) taken[j] = gone[j];
    });
}

void cuda_band_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dr,
                    struct kn_ints mask, struct kn_buf logits, double band, struct kn_buf u, int T,
                    int N)
{
    float *to = KN_F32(dlogits), width = (float)band;
    const float *from = KN_F32(logits), *draws = KN_F32(u), *back = KN_F32(dr);
    const int32_t *all_taken = KN_I32(mask);
    each(be, T, [=] __device__(size_t t) {
        const float *z = from + t * N, *draw = draws ? draws + t * 2 * N : nullptr;
        const int32_t *taken = all_taken + t * N;
        bool gone[KN_COLUMNS] = {};
        int picks = picks_of(taken, N);
        struct pick p;
        for (int i = 0; i < picks; i++) {
            next_pick(&p, z, taken, gone, width, draw, i, N);
            float d = back[t * N + p.taken] * p.b[p.taken];
            for (int j = 0; j < N; j++) to[t * N + j] += d * ((j == p.taken) - p.b[j]);
        }
    });
}
