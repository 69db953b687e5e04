/* The best rows of a column: what an expert keeps that has too many, and what one chooses that
 * chooses for itself. One block a column looks for the key that as many as wanted are not below, four
 * bits at a time: how many keys have which of the 16 digits, among those that begin like it. A key is
 * the score in its upper half and the earlier row in its lower: no two are alike. */
#include "kernels/cuda/cuda.h"

enum { SELECT_WARPS = 32, DIGIT = 4, DIGITS = 1 << DIGIT }; /* the most warps of a block */

struct choice {
    int32_t *mask;
    float *gate;        /* cleared with a pick that is lost; NULL: mask is made anew from `valid` */
    const float *score; /* NULL: earlier rows first */
    const int32_t *valid; /* NULL: rows are those of mask */
    const double *want;   /* [columns] how many at most; NULL: ceil(c rows / N) */
    double *lost;         /* [columns]; may be NULL */
    double c;
    int T, N, step; /* rows t, t + step, ... are one line; columns = step * N */
};

/* An unsigned number in the order of x; -0 is 0. */
static __device__ unsigned order_of(float x)
{
    unsigned bits = __float_as_uint(x + 0.f);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static __device__ uint64_t key_of(const struct choice &o, int t, int j)
{
    uint64_t score = o.score ? order_of(o.score[(size_t)t * o.N + j]) : 0;
    return score << 32 | (uint32_t)(o.T - 1 - t);
}

static __device__ bool is_in(const struct choice &o, int t, int j)
{
    return o.valid ? o.valid[t] != 0 : o.mask[(size_t)t * o.N + j] != 0;
}

/* The block's sums of n, for all its threads. */
static __device__ void block_counts(int *mine, int n)
{
    SHARED(int, part, SELECT_WARPS *DIGITS);
    int warp = threadIdx.x / 32, warps = blockDim.x / 32;
    for (int k = 0; k < n; k++) {
        int sum = warp_sum(mine[k]);
        if (threadIdx.x % 32 == 0) part[warp * DIGITS + k] = sum;
    }
    __syncthreads();
    for (int k = 0; k < n; k++) {
        mine[k] = 0;
        for (int w = 0; w < warps; w++) mine[k] += part[w * DIGITS + k];
    }
    __syncthreads();
}

static __global__ void __launch_bounds__(SELECT_WARPS * 32) select_kernel(struct choice o)
{
    int first = blockIdx.x / o.N, j = blockIdx.x % o.N, begin = first + (int)threadIdx.x * o.step;
    int stride = blockDim.x * o.step, rows = 0;
    for (int t = begin; t < o.T; t += stride) rows += is_in(o, t, j);
    block_counts(&rows, 1);
    double most = o.want ? o.want[j] : ceil(o.c * rows / o.N);
    int want = most >= rows ? rows : most <= 0 ? 0 : (int)most, open = want;
    uint64_t least = 0;
    /* `open` of the keys that begin like `least` down to here are wanted, the smaller of them not. */
    for (int at = 64 - DIGIT; at >= 0 && want > 0 && want < rows; at -= DIGIT) {
        int count[DIGITS] = {};
        if ((at > 31 && !o.score) || (at < 32 && (uint64_t)o.T >> at == 0)) continue;
        for (int t = begin; t < o.T; t += stride) {
            uint64_t key = key_of(o, t, j) ^ least;
            int digit = is_in(o, t, j) && key >> at < DIGITS ? (int)(key >> at) : -1;
            for (int k = 0; k < DIGITS; k++) count[k] += digit == k;
        }
        block_counts(count, DIGITS);
        int k = DIGITS - 1;
        for (; k > 0 && count[k] < open; k--) open -= count[k];
        least |= (uint64_t)k << at;
    }
    for (int t = begin; t < o.T; t += stride) {
        size_t at = (size_t)t * o.N + j;
        bool stays = is_in(o, t, j) && want > 0 && key_of(o, t, j) >= least;
        if (o.gate && o.mask[at] && !stays) o.gate[at] = 0;
        o.mask[at] = o.gate && stays ? o.mask[at] : stays;
    }
    if (o.lost && threadIdx.x == 0) o.lost[blockIdx.x] = rows - want;
}

static void select_rows(struct kn_backend *be, const struct choice &o, const char *op)
{
    int warps = (int)pieces(pieces(o.T, o.step), 32);
    warps = warps < 1 ? 1 : warps > SELECT_WARPS ? SELECT_WARPS : warps;
    launch(be, op, o.N * o.step, warps * 32, select_kernel, o);
}

void cuda_column_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, double c,
                      int period, struct kn_ints valid, int T, int N)
{
    struct choice o = {.mask = KN_I32(mask),
                       .gate = NULL,
                       .score = KN_F32(score),
                       .valid = KN_I32(valid),
                       .want = NULL,
                       .lost = NULL,
                       .c = c,
                       .T = T,
                       .N = N,
                       .step = period > 1 ? period : 1};
    select_rows(be, o, __func__);
}

/* Columns keep want[j] picks each; `rule` says what that is, of all picks of `counted` columns. */
template <class Rule>
static void drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                 struct kn_ints dropped, bool by_position, int T, int N, int counted, Rule rule,
                 const char *op)
{
    double *want = cells(be, 2 * (size_t)N, op), *lost = want + N;
    const int32_t *taken = KN_I32(mask);
    int32_t *to = KN_I32(dropped);
    total<1>(
        be, (size_t)T * N,
        [=] __device__(size_t i, double *sum) {
            if ((int)(i % N) < counted) sum[0] += taken[i] != 0;
        },
        [=] __device__(const double *sum) {
            for (int j = 0; j < N; j++) want[j] = rule(j, sum[0]);
        },
        op);
    struct choice o = {.mask = KN_I32(mask),
                       .gate = KN_F32(gate),
                       .score = by_position ? NULL : KN_F32(gate),
                       .valid = NULL,
                       .want = want,
                       .lost = lost,
                       .c = 0,
                       .T = T,
                       .N = N,
                       .step = 1};
    select_rows(be, o, op);
    total<1>(
        be, N, [=] __device__(size_t j, double *sum) { sum[0] += lost[j]; },
        [=] __device__(const double *sum) { to[0] = (int32_t)sum[0]; }, op);
}

void cuda_capacity_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                        struct kn_ints dropped, double capacity, bool by_position, int T, int N,
                        int E)
{
    drop(
        be, mask, gate, dropped, by_position, T, N, E,
        [=] __device__(int j, double picks) {
            return j < E ? ceil(capacity * picks / E) : (double)INFINITY;
        },
        __func__);
}

void cuda_room_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                    struct kn_ints dropped, double room, double slot_room, bool by_position, int T,
                    int N, int E)
{
    drop(
        be, mask, gate, dropped, by_position, T, N, N,
        [=] __device__(int j, double picks) {
            return ceil((j < E ? room : slot_room) * picks - KN_ROOM_EPS);
        },
        __func__);
}
