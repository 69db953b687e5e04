/* Random numbers, and what is drawn with them. */
#include "kernels/philox.h"
#include "kernels/ref/ref.h"

void ref_uniform(struct kn_backend *be, struct kn_buf y, const struct kn_draw *draw, size_t n)
{
    uint32_t block[4];
    for (size_t i = 0; i < n; i++) {
        const uint32_t at[4] = {(uint32_t)(i / 4), draw->at[0], draw->at[1], draw->at[2]};
        if (i % 4 == 0) kn_philox(at, draw->key, block);
        F(y)[i] = (block[i % 4] >> 8) * 0x1p-24;
    }
}

void ref_jitter(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf u, double c,
                size_t n)
{
    for (size_t i = 0; i < n; i++) F(y)[i] = F(x)[i] * (1 + c * (2 * F(u)[i] - 1));
}

/* ---- a row's picks one after the other */
/* What is known of one pick: the softmax b over its band, and who was picked. */
struct pick {
    double b[KN_COLUMNS];
    int top, taken;
};

/* The largest of the columns not gone yet, of those in `among` only (NULL: any). */
static int largest(const double *z, const bool *gone, const int32_t *among, int N)
{
    int best = -1;
    for (int j = 0; j < N; j++)
        if (!gone[j] && (!among || among[j]) && (best < 0 || z[j] > z[best])) best = j;
    return best;
}

static void band_softmax(double *b, const double *z, const bool *gone, int top, double band, int N)
{
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < N; j++) {
        bool near = !gone[j] && z[top] - z[j] <= band * fmax(fabs(z[j]), fabs(z[top]));
        b[j] = near ? 1 : 0;
        if (near) most = fmax(most, z[j]);
    }
    for (int j = 0; j < N; j++) sum += b[j] = b[j] > 0 ? exp(z[j] - most) : 0;
    for (int j = 0; j < N; j++) b[j] /= sum;
}

/* The first column whose running sum is over u; rounding may leave none: then the last there is. */
static int draw_column(const double *b, double u, int N)
{
    double sum = 0;
    int last = 0;
    for (int j = 0; j < N; j++) {
        if (b[j] > 0) last = j;
        if ((sum += b[j]) > u) return j;
    }
    return last;
}

/* Pick i of a row; u NULL: the largest of mask. Marks it gone. */
static struct pick next_pick(const double *z, const int32_t *mask, bool *gone, double band,
                             const double *u, int i, int N)
{
    struct pick p;
    p.top = largest(z, gone, u ? NULL : mask, N);
    band_softmax(p.b, z, gone, p.top, band, N);
    p.taken = u ? draw_column(p.b, u[2 * i], N) : p.top;
    gone[p.taken] = true;
    return p;
}

static int picks_of(const int32_t *mask, int N)
{
    int n = 0;
    for (int j = 0; j < N; j++) n += mask[j];
    return n;
}

void ref_band(struct kn_backend *be, struct kn_buf r, struct kn_ints mask, struct kn_buf logits,
              double band, struct kn_buf u, int T, int N)
{
    for (int t = 0; t < T; t++) {
        const double *z = ref_row(logits, t, N), *draws = u.at ? ref_row(u, t, 2 * N) : NULL;
        int32_t *taken = ref_ints(mask, t, N);
        double *to = ref_row(r, t, N);
        bool gone[KN_COLUMNS] = {0};
        int picks = picks_of(taken, N);
        for (int j = 0; j < N; j++) to[j] = 0;
        for (int i = 0; i < picks; i++) {
            struct pick p = next_pick(z, taken, gone, band, draws, i, N);
            bool whole = !draws || p.taken == p.top || draws[2 * i + 1] >= .75;
            to[p.taken] = p.b[p.taken] / (whole ? 1 : 3);
        }
        for (int j = 0; draws && j < N; j++) taken[j] = gone[j];
    }
}

void ref_band_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dr,
                   struct kn_ints mask, struct kn_buf logits, double band, struct kn_buf u, int T,
                   int N)
{
    for (int t = 0; t < T; t++) {
        const double *z = ref_row(logits, t, N), *draws = u.at ? ref_row(u, t, 2 * N) : NULL;
        const int32_t *taken = ref_ints(mask, t, N);
        bool gone[KN_COLUMNS] = {0};
        int picks = picks_of(taken, N);
        for (int i = 0; i < picks; i++) {
            struct pick p = next_pick(z, taken, gone, band, draws, i, N);
            double d = ref_row(dr, t, N)[p.taken] * p.b[p.taken];
            for (int j = 0; j < N; j++) ref_row(dlogits, t, N)[j] += d * ((j == p.taken) - p.b[j]);
        }
    }
}
