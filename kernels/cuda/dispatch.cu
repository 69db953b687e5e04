/* Where each pick goes, and how the experts' rows come together again. A warp has 32 tokens: who of
 * them takes a column is one ballot, and a token's place among them the bits below its own. Nothing
 * is counted with atomics, so the same mask always gives the same rows. */
#include "kernels/cuda/cuda.h"

#include "kernels/cuda/tile_bf16.h"

/* ---- plan */
struct plan_job {
    const int32_t *mask; /* NULL: every expert, no slot */
    int32_t *chunk;      /* [N+1, chunks]; column N: picks of all experts together */
    int32_t *tile, *offset, *count, *token_start, *token_slot, *slot_token, *slot_expert;
    unsigned *ticket;
    int T, E, N, chunks;
    int tile_rows; /* of an expert that one tile has */
};
enum { LEAST_WARPS = 4, MOST_WARPS = 32 }; /* of a block that counts: as many as there are chunks */

/* Lane's own token of the warp's chunk; the others do not take part. */
static __device__ bool takes(const struct plan_job &p, int t, int j)
{
    return t < p.T && (p.mask ? p.mask[(size_t)t * p.N + j] != 0 : j < p.E);
}

static __device__ int lower_lanes(unsigned votes, int lane)
{
    return __popc(votes & ((1u << lane) - 1));
}

static __device__ void count_chunk(const struct plan_job &p, int c, int lane)
{
    int t = c * 32 + lane, experts = 0;
    for (int j = 0; j < p.N; j++) {
        int picks = __popc(__ballot_sync(~0u, takes(p, t, j)));
        if (lane == 0) p.chunk[(size_t)j * p.chunks + c] = picks;
        if (j < p.E) experts += picks;
    }
    if (lane == 0) p.chunk[(size_t)p.N * p.chunks + c] = experts;
}

/* The sum of the lanes up to and with this one. */
static __device__ int running(int x, int lane)
{
    for (int by = 1; by < 32; by *= 2) {
        int before = __shfl_up_sync(~0u, x, by);
        if (lane >= by) x += before;
    }
    return x;
}

/* Counts of a column become what stands before each chunk; their sum is the column's count. Some are
 * read together, so that a warp waits once for all of them. */
static __device__ void add_up(const struct plan_job &p, int j, int lane)
{
    enum { SOME = 8 };
    int32_t *column = p.chunk + (size_t)j * p.chunks;
    int before = 0;
    for (int first = 0; first < p.chunks; first += SOME * 32) {
        int own[SOME];
        for (int k = 0; k < SOME; k++) {
            int c = first + k * 32 + lane;
            own[k] = c < p.chunks ? __ldcg(column + c) : 0;
        }
        for (int k = 0; k < SOME; k++) {
            int c = first + k * 32 + lane, up_to = running(own[k], lane);
            if (c < p.chunks) column[c] = before + up_to - own[k];
            before += __shfl_sync(~0u, up_to, 31);
        }
    }
    if (lane == 0 && j < p.N) p.count[j] = before;
}

/* Where the rows and the tiles of each expert begin. */
static __device__ void line_up(const struct plan_job &p, int lane)
{
    int rows = 0, tiles = 0;
    for (int first = 0; first < p.E; first += 32) {
        int e = first + lane, own = e < p.E ? p.count[e] : 0,
            own_tiles = (own + p.tile_rows - 1) / p.tile_rows;
        int up_to = running(own, lane), tiles_up_to = running(own_tiles, lane);
        if (e < p.E) {
            p.offset[e] = rows + up_to - own;
            p.tile[e] = tiles + tiles_up_to - own_tiles;
        }
        rows += __shfl_sync(~0u, up_to, 31);
        tiles += __shfl_sync(~0u, tiles_up_to, 31);
    }
    if (lane > 0) return;
    p.offset[p.E] = p.token_start[p.T] = rows;
    p.tile[p.E] = tiles;
}

/* A warp counts a chunk; the last block to come adds up, a warp a column. */
static __global__ void count_kernel(struct plan_job p)
{
    int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int c = blockIdx.x * warps + warp;
    if (c < p.chunks) count_chunk(p, c, lane);
    if (!comes_last(p.ticket, gridDim.x)) return;
    for (int j = warp; j <= p.N; j += warps) add_up(p, j, lane);
    __syncthreads();
    if (warp == 0) line_up(p, lane);
}

static __device__ void place_chunk(const struct plan_job &p, int c, int lane)
{
    const int32_t *before = p.chunk + c; /* of column 0 */
    int t = c * 32 + lane, own = 0;
    for (int e = 0; e < p.E; e++) own += takes(p, t, e);
    int entry = before[(size_t)p.N * p.chunks] + running(own, lane) - own;
    if (t < p.T) p.token_start[t] = entry;
    for (int e = 0; e < p.E; e++) {
        bool in = takes(p, t, e);
        unsigned votes = __ballot_sync(~0u, in);
        int row = p.offset[e] + before[(size_t)e * p.chunks] + lower_lanes(votes, lane);
        if (!in) continue;
        p.slot_token[row] = t;
        p.slot_expert[row] = e;
        p.token_slot[entry++] = row;
    }
}

static struct plan_job job_of(const struct kn_backend *be, const struct kn_plan *p,
                              const int32_t *mask, int T)
{
    const struct cuda_plan *own = (const struct cuda_plan *)p->own;
    return {.mask = mask,
            .chunk = own->chunk,
            .tile = own->tile,
            .offset = KN_I32(p->offset),
            .count = KN_I32(p->count),
            .token_start = KN_I32(p->token_start),
            .token_slot = KN_I32(p->token_slot),
            .slot_token = KN_I32(p->slot_token),
            .slot_expert = KN_I32(p->slot_expert),
            .ticket = ((struct cuda *)be)->ticket,
            .T = T,
            .E = p->E,
            .N = p->N,
            .chunks = (int)pieces(T, 32),
            .tile_rows = ((const struct cuda *)be)->bf16 ? (int)HALF_TILE : TILE};
}

/* (nvcc wants functions with such lambdas to have no struct among their arguments that is named as
 * an op is: they are here, and their caller below.) */
static void make_plan(struct kn_backend *be, struct plan_job job, const char *op)
{
    int all = job.chunks > LEAST_WARPS ? job.chunks : LEAST_WARPS;
    int high = all < MOST_WARPS ? all : MOST_WARPS;
    launch(be, op, pieces(all, high), high * 32, count_kernel, job);
    warps(
        be, job.chunks, [=] __device__(int c, int lane) { place_chunk(job, c, lane); }, op);
}

void cuda_plan(struct kn_backend *be, struct kn_plan *p, struct kn_ints mask, int T)
{
    make_plan(be, job_of(be, p, KN_I32(mask), T), __func__);
}

void cuda_plan_all(struct kn_backend *be, struct kn_plan *p, int T)
{
    make_plan(be, job_of(be, p, NULL, T), __func__);
}

/* ---- combine */
/* Four numbers of a token's row at a time, or one. */
static void add_rows(struct kn_backend *be, float *to, struct plan_job p, const float *from,
                     const float *gates, int D, bool add, const char *op)
{
    int wide = in_fours(D, to, from) ? 4 : 1, some = D / wide;
    each(
        be, (size_t)p.T * some,
        [=] __device__(size_t i) {
            int t = (int)(i / some), j = (int)(i % some) * wide, end = p.token_start[t + 1];
            float *own = to + (size_t)t * D + j;
            struct four sum = {};
            if (add) sum = numbers_at(own, wide);
            for (int k = p.token_start[t]; k < end; k++) {
                size_t row = p.token_slot[k];
                float gate = gates[(size_t)t * p.N + p.slot_expert[row]];
                struct four x = numbers_at(from + row * D + j, wide);
                for (int c = 0; c < 4; c++) sum.of[c] += gate * x.of[c];
            }
            put_numbers(own, sum, wide);
        },
        op);
}

void cuda_combine(struct kn_backend *be, struct kn_buf y, const struct kn_plan *p,
                  struct kn_buf out, struct kn_buf gate, int T, int D, bool add)
{
    add_rows(be, KN_F32(y), job_of(be, p, NULL, T), KN_F32(out), KN_F32(gate), D, add, __func__);
}
