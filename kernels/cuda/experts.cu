/* The experts. Each product is one launch for all of them: how many rows an expert has is on the
 * device only, so a grid of fixed size goes through the tiles that there are, and an expert without
 * tokens has none. Rows are gathered by token on the way in; what the activation gives is made again
 * where it is needed, not kept. */
#include "kernels/cuda/cuda.h"

#include "kernels/cuda/experts.h"
#include "kernels/cuda/tile.h"

struct experts {
    const int32_t *offset, *tile, *slot_token, *slot_expert, *token_start, *token_slot;
    const float *x, *dy, *gate, *up, *down;
    float *out, *pre;
    float *dpre, *dh, *dx_row; /* by row: [M], [H], [D] */
    float *dx, *dgate, *dup, *ddown;
    enum kn_act act;
    int T, E, N, D, H, M; /* M rows of up: 2H in swiglu, else H */
    bool add, tf32;
};

static __device__ struct hidden unit_of(const struct experts &o, size_t row, int i)
{
    const float *pre = o.pre + row * o.M;
    return hidden_of(o.act, pre[i], o.act == KN_SWIGLU ? pre[o.H + i] : 0);
}

static __device__ float activated(const struct experts &o, int row, int i)
{
    return unit_of(o, row, i).h;
}

/* ---- products with the rows of each expert */
/* Goes through the tiles of rows; side(e, row0, rows, n0, cols) does one. */
template <class Side> static __global__ void rows_kernel(struct experts o, int width, Side side)
{
    int n0 = blockIdx.x * TILE, cols = width - n0 < TILE ? width - n0 : TILE, e = 0;
    for (int tile = blockIdx.y; tile < o.tile[o.E]; tile += gridDim.y) {
        while (tile >= o.tile[e + 1]) e++;
        int row0 = o.offset[e] + (tile - o.tile[e]) * TILE, left = o.offset[e + 1] - row0;
        side(o, e, row0, left < TILE ? left : TILE, n0, cols);
    }
}

template <class Side>
static void by_rows(struct kn_backend *be, const struct experts &o, int width, Side side,
                    const char *op)
{
    int wide = (int)pieces(width, TILE), most = (int)pieces((size_t)o.T * o.E, TILE) + o.E;
    int high = 4 * ((struct cuda *)be)->units / wide + 1;
    if (o.T == 0) return;
    launch(be, op, dim3(wide, high < most ? high : most), TILE_THREADS, rows_kernel<Side>, o, width,
           side);
}

/* ---- products over the rows of each expert: gradients of weights, one block a tile */
template <class Side>
static __global__ void weights_kernel(struct experts o, int height, int width, Side side)
{
    int n0 = blockIdx.x * TILE, m0 = blockIdx.y * TILE, e = blockIdx.z;
    if (o.offset[e] == o.offset[e + 1]) return;
    side(o, e, m0, height - m0 < TILE ? height - m0 : TILE, n0,
         width - n0 < TILE ? width - n0 : TILE);
}

template <class Side>
static void by_weights(struct kn_backend *be, const struct experts &o, int height, int width,
                       Side side, const char *op)
{
    if (o.T == 0) return;
    launch(be, op, dim3(pieces(width, TILE), pieces(height, TILE), o.E), TILE_THREADS,
           weights_kernel<Side>, o, height, width, side);
}

static struct experts job(struct kn_backend *be, const struct kn_plan *p,
                          const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                          int T)
{
    const struct cuda *c = (struct cuda *)be;
    struct experts o = {};
    o.offset = KN_I32(p->offset);
    o.tile = ((struct cuda_plan *)p->own)->tile;
    o.slot_token = KN_I32(p->slot_token);
    o.slot_expert = KN_I32(p->slot_expert);
    o.token_start = KN_I32(p->token_start);
    o.token_slot = KN_I32(p->token_slot);
    o.up = KN_F32(up->w), o.down = KN_F32(down->w);
    o.act = act, o.tf32 = c->tf32;
    o.T = T, o.E = p->E, o.N = p->N, o.D = up->cols, o.H = down->cols, o.M = up->rows;
    o.dpre = c->experts;
    o.dh = o.dpre + c->rows * o.M;
    o.dx_row = o.dh + c->rows * o.H;
    return o;
}

static void find_pre(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_rows(
        be, o, o.M,
        [] __device__(const struct experts &o, int e, int row0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            const float *w = o.up + ((size_t)e * o.M + n0) * o.D;
            tile_product<ALONG_K, ALONG_K>(
                s, 0, o.D, rows, cols, o.tf32,
                [&](int i, int k) { return o.x[(size_t)o.slot_token[row0 + i] * o.D + k]; },
                [&](int j, int k) { return w[(size_t)j * o.D + k]; });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.pre[(size_t)(row0 + i) * o.M + n0 + j] = sum;
            });
        },
        op);
}

static void find_out(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_rows(
        be, o, o.D,
        [] __device__(const struct experts &o, int e, int row0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            const float *w = o.down + ((size_t)e * o.D + n0) * o.H;
            tile_product<ALONG_K, ALONG_K>(
                s, 0, o.H, rows, cols, o.tf32,
                [&](int i, int k) { return activated(o, row0 + i, k); },
                [&](int j, int k) { return w[(size_t)j * o.H + k]; });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.out[(size_t)(row0 + i) * o.D + n0 + j] = sum;
            });
        },
        op);
}

void cuda_moe_ffn(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                  const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                  const struct kn_weight *down, enum kn_act act, int T)
{
    if (((struct cuda *)be)->bf16) {
        half_moe_ffn(be, out, pre, p, x, up, down, act, T);
        return;
    }
    struct experts o = job(be, p, up, down, act, T);
    o.x = KN_F32(x), o.out = KN_F32(out), o.pre = KN_F32(pre);
    find_pre(be, o, __func__);
    find_out(be, o, __func__);
}

/* dh = w2ᵀ dy, by row. */
static void find_dh(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_rows(
        be, o, o.H,
        [] __device__(const struct experts &o, int e, int row0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            const float *w = o.down + (size_t)e * o.D * o.H + n0;
            tile_product<ALONG_K, ALONG_I>(
                s, 0, o.D, rows, cols, o.tf32,
                [&](int i, int k) { return o.dy[(size_t)o.slot_token[row0 + i] * o.D + k]; },
                [&](int j, int k) { return w[(size_t)k * o.H + j]; });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.dh[(size_t)(row0 + i) * o.H + n0 + j] = sum;
            });
        },
        op);
}

/* A token's gates and, back through the activation, its rows of dpre: one warp a token. */
static void find_dpre(struct kn_backend *be, const struct experts &o, const char *op)
{
    warps(
        be, o.T,
        [=] __device__(int t, int lane) {
            for (int e = lane; e < o.E; e += 32) o.dgate[(size_t)t * o.N + e] = 0;
            __syncwarp();
            for (int k = o.token_start[t]; k < o.token_start[t + 1]; k++) {
                int row = o.token_slot[k], e = o.slot_expert[row];
                float g = o.gate[(size_t)t * o.N + e], dot = 0;
                for (int i = lane; i < o.H; i += 32) {
                    struct hidden u = unit_of(o, row, i);
                    float dh = o.dh[(size_t)row * o.H + i];
                    dot += dh * u.h;
                    o.dpre[(size_t)row * o.M + i] = g * dh * u.by_a;
                    if (o.act == KN_SWIGLU) o.dpre[(size_t)row * o.M + o.H + i] = g * dh * u.by_b;
                }
                dot = warp_sum(dot);
                if (lane == 0) o.dgate[(size_t)t * o.N + e] = dot;
            }
        },
        op);
}

/* dx of each row, then of each token: the sum of its rows. */
static void find_dx(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_rows(
        be, o, o.D,
        [] __device__(const struct experts &o, int e, int row0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            const float *w = o.up + (size_t)e * o.M * o.D + n0;
            tile_product<ALONG_K, ALONG_I>(
                s, 0, o.M, rows, cols, o.tf32,
                [&](int i, int k) { return o.dpre[(size_t)(row0 + i) * o.M + k]; },
                [&](int j, int k) { return w[(size_t)k * o.D + j]; });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.dx_row[(size_t)(row0 + i) * o.D + n0 + j] = sum;
            });
        },
        op);
    add_rows_of_tokens(be, o.dx, o.dx_row, o.token_start, o.token_slot, o.T, o.D, o.add, op);
}

static void find_dup(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_weights(
        be, o, o.M, o.D,
        [] __device__(const struct experts &o, int e, int m0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            tile_product<ALONG_I, ALONG_I>(
                s, o.offset[e], o.offset[e + 1], rows, cols, o.tf32,
                [&](int i, int row) { return o.dpre[(size_t)row * o.M + m0 + i]; },
                [&](int j, int row) { return o.x[(size_t)o.slot_token[row] * o.D + n0 + j]; });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.dup[((size_t)e * o.M + m0 + i) * o.D + n0 + j] += sum;
            });
        },
        op);
}

static void find_ddown(struct kn_backend *be, const struct experts &o, const char *op)
{
    by_weights(
        be, o, o.D, o.H,
        [] __device__(const struct experts &o, int e, int m0, int rows, int n0, int cols) {
            struct tile_sums s = {};
            tile_product<ALONG_I, ALONG_I>(
                s, o.offset[e], o.offset[e + 1], rows, cols, o.tf32,
                [&](int i, int row) {
                    size_t t = o.slot_token[row];
                    return o.gate[t * o.N + e] * o.dy[t * o.D + m0 + i];
                },
                [&](int j, int row) { return activated(o, row, n0 + j); });
            tile_store(s, rows, cols, o.tf32, [&](int i, int j, float sum) {
                o.ddown[((size_t)e * o.D + m0 + i) * o.H + n0 + j] += sum;
            });
        },
        op);
}

void cuda_moe_ffn_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                       struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                       struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                       const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                       int T, bool add)
{
    if (((struct cuda *)be)->bf16) {
        half_moe_ffn_back(be, dx, dgate, dup, ddown, p, dy, gate, x, pre, up, down, act, T, add);
        return;
    }
    struct experts o = job(be, p, up, down, act, T);
    o.dx = KN_F32(dx), o.dgate = KN_F32(dgate), o.dup = KN_F32(dup), o.ddown = KN_F32(ddown);
    o.dy = KN_F32(dy), o.gate = KN_F32(gate), o.x = KN_F32(x), o.pre = KN_F32(pre);
    o.add = add;
    find_dh(be, o, __func__);
    find_dpre(be, o, __func__);
    if (o.dx) find_dx(be, o, __func__);
    if (o.dup) find_dup(be, o, __func__);
    if (o.ddown) find_ddown(be, o, __func__);
}
