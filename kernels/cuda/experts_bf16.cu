/* The experts in bfloat16: four products and what lies between them. x and dy are rounded once, the
 * weights by repack; pre, h and the gradient of pre are kept in bfloat16, sums are float32. What the
 * activation makes is made where the sums are: h behind the product that finds pre, the gates' and
 * pre's gradients behind the one that finds dh, which itself is never stored. Rows of w1 and w3 take
 * turns (bf16.h), so that a thread has both sums of a hidden unit; pre and its gradient are laid out
 * likewise. Tiles are dealt to a grid that fills the device, all columns of 128 rows one after the
 * other, so that these rows are still in its cache. */
#include "kernels/cuda/cuda.h"

#include "kernels/cuda/experts.h"
#include "kernels/cuda/tile_bf16.h"

struct half_experts {
    const int32_t *offset, *tile, *slot_token, *slot_expert, *token_start, *token_slot;
    const float *gate;
    const uint16_t *x, *dy;     /* [T, wide_D] */
    const uint16_t *up, *down;  /* [E, wide_M, wide_D], [E, wide_D, wide_H] */
    uint16_t *pre, *dpre, *h;   /* by row: [wide_M], [wide_M], [wide_H]; back: h times the gate */
    float *out, *dot, *dx_row;  /* by row: [D], [parts] of <dh, h>, [D] */
    float *dgate, *dup, *ddown; /* as ops.h has them */
    enum kn_act act;
    int T, E, N, D, H, M, wide_D, wide_H, wide_M, parts, gated;
};

/* ---- products with the rows of each expert */
/* Goes through the tiles of rows; side(e, row0, rows, n0) does one. */
template <class Side>
static __global__ void __launch_bounds__(HALF_THREADS, 2)
    half_rows_kernel(struct half_experts o, int wide, Side side)
{
    int e = 0, all = o.tile[o.E] * wide;
    for (int job = blockIdx.x; job < all; job += gridDim.x) {
        int tile = job / wide, n0 = job % wide * HALF_TILE;
        while (tile >= o.tile[e + 1]) e++;
        int row0 = o.offset[e] + (tile - o.tile[e]) * HALF_TILE, left = o.offset[e + 1] - row0;
        side(o, e, row0, left < HALF_TILE ? left : HALF_TILE, n0);
    }
}

template <class Side>
static void by_rows(struct kn_backend *be, const struct half_experts &o, int width, Side side,
                    const char *op)
{
    int wide = (int)pieces(width, HALF_TILE), fill = 2 * ((struct cuda *)be)->units;
    size_t most = ((size_t)o.T * o.E / HALF_TILE + o.E) * wide;
    if (o.T == 0) return;
    launch(be, op, fill < (int)most ? fill : (int)most, HALF_THREADS, half_rows_kernel<Side>, o,
           wide, side);
}

/* ---- products over the rows of each expert: gradients of weights, one block a tile */
template <class Side>
static __global__ void __launch_bounds__(HALF_THREADS, 2)
    half_weights_kernel(struct half_experts o, Side side)
{
    int e = blockIdx.z;
    if (o.offset[e] < o.offset[e + 1]) side(o, e, blockIdx.y * HALF_TILE, blockIdx.x * HALF_TILE);
}

template <class Side>
static void by_weights(struct kn_backend *be, const struct half_experts &o, int height, int width,
                       Side side, const char *op)
{
    if (o.T == 0) return;
    launch(be, op, dim3(pieces(width, HALF_TILE), pieces(height, HALF_TILE), o.E), HALF_THREADS,
           half_weights_kernel<Side>, o, side);
}

/* What there is of a tile from n0 on. */
static __device__ int part(int width, int n0)
{
    return width - n0 < HALF_TILE ? width - n0 : HALF_TILE;
}

static struct half_experts job(struct kn_backend *be, const struct kn_plan *p,
                               const struct kn_weight *up, const struct kn_weight *down,
                               enum kn_act act, int T)
{
    const struct cuda *c = (struct cuda *)be;
    struct half_experts o = {};
    o.offset = KN_I32(p->offset);
    o.tile = ((struct cuda_plan *)p->own)->tile;
    o.slot_token = KN_I32(p->slot_token);
    o.slot_expert = KN_I32(p->slot_expert);
    o.token_start = KN_I32(p->token_start);
    o.token_slot = KN_I32(p->token_slot);
    o.up = (const uint16_t *)up->shadow, o.down = (const uint16_t *)down->shadow;
    o.act = act, o.gated = up->gated;
    o.T = T, o.E = p->E, o.N = p->N, o.D = up->cols, o.H = down->cols, o.M = up->rows;
    o.wide_D = up8(o.D), o.wide_H = up8(o.H), o.wide_M = up_rows(o.M, o.gated);
    o.parts = (int)pieces(o.wide_H, HALF_PART);
    o.x = c->half, o.dy = c->half + (size_t)T * o.wide_D;
    o.h = (uint16_t *)c->experts;
    o.dpre = o.h + c->rows * o.wide_H;
    o.dot = (float *)(o.dpre + c->rows * o.wide_M);
    o.dx_row = o.dot + c->rows * o.parts;
    return o;
}

/* The pair at column j, which is even. */
static __device__ uint32_t *pair(uint16_t *to, size_t row, int width, int j)
{
    return (uint32_t *)(to + row * width + j);
}

static void find_pre(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_rows(
        be, o, o.wide_M,
        [] __device__(const struct half_experts &o, int e, int row0, int rows, int n0) {
            struct half_sums s = {};
            struct half_matrix w = {o.up + (size_t)e * o.wide_M * o.wide_D, o.wide_D, NULL};
            half_product<ALONG_K, ALONG_K>(s, {{o.x, o.wide_D, o.slot_token}, row0, rows},
                                           {w, n0, part(o.wide_M, n0)}, 0, o.wide_D);
            half_rows(s, [&](int i, int from, const float(*x)[2]) {
                UNROLL
                for (int n = 0; n < 8; n++) {
                    int j = n0 + from + n * 8, unit = o.gated ? j / 16 * 8 + j % 8 : j;
                    if (i >= rows || j >= o.wide_M || (o.gated && n % 2)) continue;
                    const float *a = x[n], *b = x[(n + 1) % 8]; /* b: where gated */
                    *pair(o.pre, row0 + i, o.wide_M, j) = pack_bf16(a[0], a[1]);
                    if (o.gated) *pair(o.pre, row0 + i, o.wide_M, j + 8) = pack_bf16(b[0], b[1]);
                    *pair(o.h, row0 + i, o.wide_H, unit) =
                        pack_bf16(hidden_of(o.act, a[0], b[0]).h, hidden_of(o.act, a[1], b[1]).h);
                }
            });
        },
        op);
}

static void find_out(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_rows(
        be, o, o.D,
        [] __device__(const struct half_experts &o, int e, int row0, int rows, int n0) {
            struct half_sums s = {};
            struct half_matrix w = {o.down + (size_t)e * o.wide_D * o.wide_H, o.wide_H, NULL};
            half_product<ALONG_K, ALONG_K>(s, {{o.h, o.wide_H, NULL}, row0, rows},
                                           {w, n0, part(o.wide_D, n0)}, 0, o.wide_H);
            half_store(s, rows, part(o.D, n0), [&](int i, int j, float sum) {
                o.out[(size_t)(row0 + i) * o.D + n0 + j] = sum;
            });
        },
        op);
}

void half_moe_ffn(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                  const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                  const struct kn_weight *down, enum kn_act act, int T)
{
    struct half_experts o = job(be, p, up, down, act, T);
    o.out = KN_F32(out), o.pre = (uint16_t *)pre.at;
    narrow(be, ((struct cuda *)be)->half, KN_F32(x), T, o.D, "cuda_moe_ffn");
    find_pre(be, o, "cuda_moe_ffn");
    find_out(be, o, "cuda_moe_ffn");
}

/* One pair of hidden units of a row: their gradients from dh, stored; returns its part of <dh, h>. */
static __device__ float back_through(const struct half_experts &o, size_t row, int unit, float gate,
                                     const float *dh)
{
    int j = o.gated ? unit / 8 * 16 + unit % 8 : unit;
    uint32_t a = *pair(o.pre, row, o.wide_M, j);
    uint32_t b = o.gated ? *pair(o.pre, row, o.wide_M, j + 8) : 0;
    struct hidden u = hidden_of(o.act, bf16_low(a), bf16_low(b)),
                  v = hidden_of(o.act, bf16_high(a), bf16_high(b));
    float g0 = gate * dh[0], g1 = gate * dh[1];
    *pair(o.h, row, o.wide_H, unit) = pack_bf16(gate * u.h, gate * v.h);
    *pair(o.dpre, row, o.wide_M, j) = pack_bf16(g0 * u.by_a, g1 * v.by_a);
    if (o.gated) *pair(o.dpre, row, o.wide_M, j + 8) = pack_bf16(g0 * u.by_b, g1 * v.by_b);
    return dh[0] * u.h + dh[1] * v.h;
}

/* dh = w2ᵀ dy, and back through the activation; the columns of a warp leave one part of <dh, h>. */
static void find_dpre(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_rows(
        be, o, o.wide_H,
        [] __device__(const struct half_experts &o, int e, int row0, int rows, int n0) {
            struct half_sums s = {};
            struct half_matrix w = {o.down + (size_t)e * o.wide_D * o.wide_H, o.wide_H, NULL};
            half_product<ALONG_K, ALONG_I>(s, {{o.dy, o.wide_D, o.slot_token}, row0, rows},
                                           {w, n0, part(o.wide_H, n0)}, 0, o.wide_D);
            half_rows(s, [&](int i, int from, const float(*x)[2]) {
                size_t row = row0 + (i < rows ? i : 0);
                float g = o.gate[(size_t)o.slot_token[row] * o.N + e], dot = 0;
                UNROLL
                for (int n = 0; n < 8; n++) {
                    int unit = n0 + from + n * 8;
                    if (i < rows && unit < o.wide_H) dot += back_through(o, row, unit, g, x[n]);
                }
                dot += __shfl_xor_sync(~0u, dot, 1);
                dot += __shfl_xor_sync(~0u, dot, 2);
                int first = n0 + half_warp_col();
                if (i < rows && first < o.wide_H && from == half_warp_col())
                    o.dot[row * o.parts + first / HALF_PART] = dot;
            });
        },
        op);
}

/* A token's gates: one warp a token. */
static void find_dgate(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    warps(
        be, o.T,
        [=] __device__(int t, int lane) {
            for (int e = lane; e < o.E; e += 32) o.dgate[(size_t)t * o.N + e] = 0;
            __syncwarp();
            for (int k = o.token_start[t]; k < o.token_start[t + 1]; k++) {
                size_t row = o.token_slot[k];
                float dot = 0;
                for (int i = lane; i < o.parts; i += 32) dot += o.dot[row * o.parts + i];
                dot = warp_sum(dot);
                if (lane == 0) o.dgate[(size_t)t * o.N + o.slot_expert[row]] = dot;
            }
        },
        op);
}

static void find_dx_row(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_rows(
        be, o, o.D,
        [] __device__(const struct half_experts &o, int e, int row0, int rows, int n0) {
            struct half_sums s = {};
            struct half_matrix w = {o.up + (size_t)e * o.wide_M * o.wide_D, o.wide_D, NULL};
            half_product<ALONG_K, ALONG_I>(s, {{o.dpre, o.wide_M, NULL}, row0, rows},
                                           {w, n0, part(o.wide_D, n0)}, 0, o.wide_M);
            half_store(s, rows, part(o.D, n0), [&](int i, int j, float sum) {
                o.dx_row[(size_t)(row0 + i) * o.D + n0 + j] = sum;
            });
        },
        op);
}

static void find_dup(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_weights(
        be, o, o.wide_M, o.D,
        [] __device__(const struct half_experts &o, int e, int m0, int n0) {
            struct half_sums s = {};
            half_product<ALONG_I, ALONG_I>(s, {{o.dpre, o.wide_M, NULL}, m0, part(o.wide_M, m0)},
                                           {{o.x, o.wide_D, o.slot_token}, n0, part(o.wide_D, n0)},
                                           o.offset[e], o.offset[e + 1]);
            half_store(s, part(o.wide_M, m0), part(o.D, n0), [&](int i, int j, float sum) {
                int m = up_row(m0 + i, o.M, o.gated);
                if (m >= 0) o.dup[((size_t)e * o.M + m) * o.D + n0 + j] += sum;
            });
        },
        op);
}

static void find_ddown(struct kn_backend *be, const struct half_experts &o, const char *op)
{
    by_weights(
        be, o, o.D, o.H,
        [] __device__(const struct half_experts &o, int e, int m0, int n0) {
            struct half_sums s = {};
            half_product<ALONG_I, ALONG_I>(
                s, {{o.dy, o.wide_D, o.slot_token}, m0, part(o.wide_D, m0)},
                {{o.h, o.wide_H, NULL}, n0, part(o.wide_H, n0)}, o.offset[e], o.offset[e + 1]);
            half_store(s, part(o.D, m0), part(o.H, n0), [&](int i, int j, float sum) {
                o.ddown[((size_t)e * o.D + m0 + i) * o.H + n0 + j] += sum;
            });
        },
        op);
}

void half_moe_ffn_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                       struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                       struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                       const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                       int T, bool add)
{
    static const char op[] = "cuda_moe_ffn_back";
    struct half_experts o = job(be, p, up, down, act, T);
    uint16_t *half = ((struct cuda *)be)->half;
    o.dgate = KN_F32(dgate), o.dup = KN_F32(dup), o.ddown = KN_F32(ddown);
    o.gate = KN_F32(gate), o.pre = (uint16_t *)pre.at;
    if (o.dup) narrow(be, half, KN_F32(x), T, o.D, op);
    narrow(be, half + (size_t)T * o.wide_D, KN_F32(dy), T, o.D, op);
    find_dpre(be, o, op);
    find_dgate(be, o, op);
    if (dx.at) {
        find_dx_row(be, o, op);
        add_rows_of_tokens(be, KN_F32(dx), o.dx_row, o.token_start, o.token_slot, T, o.D, add, op);
    }
    if (o.dup) find_dup(be, o, op);
    if (o.ddown) find_ddown(be, o, op);
}
