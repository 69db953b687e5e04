/* Causal attention with rotary positions. One warp has one query at a time, and its lanes a tile of
 * 32 keys that eight warps share: scores are never kept, sums over keys go along as they come. Back,
 * queries and keys change places for the gradients of k and v, so that each number has one owner. */
#include "kernels/cuda/attention.h"

enum {
    WIDEST = HEAD_WIDEST,
    OWN = WIDEST / 32, /* of them a lane owns, every 32nd */
    WARPS = 8,         /* of a block */
    QUEUE = 4,         /* queries, or keys, that a warp does one after the other */
    ROW = WIDEST + 1,  /* of a shared tile: lanes that read one column use all banks */
    BLOCK = WARPS * QUEUE
};

/* ---- positions */
/* cos and sin of each position's angles, made once for a shape. */
static bool make_turns(struct kn_backend *be, int C, int d, double theta, const char *op)
{
    struct cuda *c = (struct cuda *)be;
    float *turn = c->turn;
    if ((size_t)C * d > CUDA_ROPE) {
        cuda_too_many(be, op);
        return false;
    }
    if (c->turn_C == C && c->turn_d == d && c->turn_theta == theta) return true;
    each(
        be, (size_t)C * (d / 2),
        [=] __device__(size_t i) {
            double angle = (double)(i / (d / 2)) * pow(theta, -2.0 * (double)(i % (d / 2)) / d);
            turn[i] = (float)cos(angle);
            turn[(size_t)C * (d / 2) + i] = (float)sin(angle);
        },
        op);
    c->turn_C = C, c->turn_d = d, c->turn_theta = theta;
    return true;
}

static __device__ void turn_one(float *a, float *b, float cos, float sin)
{
    float was = *a;
    *a = was * cos - *b * sin;
    *b = *b * cos + was * sin;
}

/* Turns q and k of every token by `sign` times its position's angles. */
static void turn_all(struct kn_backend *be, float *qkv, int B, int C, int heads, int d,
                     double theta, float sign, const char *op)
{
    if (!make_turns(be, C, d, theta, op)) return;
    const float *turn = ((struct cuda *)be)->turn, *turn_sin = turn + (size_t)C * (d / 2);
    int half = d / 2, wide = in_fours(half, qkv) ? 4 : 1, rows = 2 * heads, some = half / wide;
    each(
        be, (size_t)B * C * rows * some,
        [=] __device__(size_t n) {
            size_t row = n / some, t = row / rows;
            int i = (int)(n % some) * wide, at = (int)(t % C) * half + i;
            float *x = qkv + t * 3 * heads * d + row % rows * d + i;
            if (wide == 4) {
                struct four a = four_at(x), b = four_at(x + half), c = four_at(turn + at),
                            s = four_at(turn_sin + at);
                for (int k = 0; k < 4; k++) turn_one(&a.of[k], &b.of[k], c.of[k], sign * s.of[k]);
                put_four(x, a), put_four(x + half, b);
            } else
                turn_one(x, x + half, turn[at], sign * turn_sin[at]);
        },
        op);
}

void cuda_rope(struct kn_backend *be, struct kn_buf qkv, int B, int C, int heads, int d,
               double theta)
{
    turn_all(be, KN_F32(qkv), B, C, heads, d, theta, 1, __func__);
}

void cuda_rope_back(struct kn_backend *be, struct kn_buf dqkv, int B, int C, int heads, int d,
                    double theta)
{
    turn_all(be, KN_F32(dqkv), B, C, heads, d, theta, -1, __func__);
}

/* ---- attention */
static __device__ struct part part_of(const struct attention &o)
{
    int n = blockIdx.x / o.tiles;
    return {n / o.heads, n % o.heads, (int)(blockIdx.x % o.tiles) * BLOCK};
}

/* A tile of 32 rows that stand `from(c)` apart, 0 past the end, into shared memory. */
template <class Tile, class From>
static __device__ void load(Tile &to, const struct attention &o, int first, From from)
{
    for (int i = threadIdx.x; i < 32 * o.d; i += WARPS * 32) {
        int c = first + i / o.d;
        to[i / o.d * ROW + i % o.d] = c < o.C ? from(c)[i % o.d] : 0;
    }
}

template <class Tile> static __device__ float dot(const float *a, Tile &tile, int row, int d)
{
    float sum = 0;
    for (int i = 0; i < d; i++) sum += a[i] * tile[row * ROW + i];
    return sum;
}

/* own += sum over the 32 rows of weight[row] * tile[row], the lane's columns. */
template <class Weight, class Tile>
static __device__ void add_rows(float *own, Weight &weight, int warp, Tile &tile, int d, int lane)
{
    for (int u = 0; u < 32; u++) {
        float w = weight[warp * 32 + u];
        for (int i = 0; i < OWN; i++)
            if (lane + 32 * i < d) own[i] += w * tile[u * ROW + lane + 32 * i];
    }
}

static __global__ void attention_kernel(struct attention o)
{
    SHARED(float, keys, 32 * ROW);
    SHARED(float, values, 32 * WIDEST);
    SHARED(float, weight, WARPS * 32);
    struct part p = part_of(o);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, d = o.d;
    float top[QUEUE], sum[QUEUE], own[QUEUE][OWN] = {};
    for (int q = 0; q < QUEUE; q++) top[q] = -INFINITY, sum[q] = 0;
    int last = p.first + BLOCK < o.C ? p.first + BLOCK : o.C;
    for (int u0 = 0; u0 < last; u0 += 32) {
        load(keys, o, u0, [&](int c) { return o.qkv + head(o, K, p, c); });
        for (int i = threadIdx.x; i < 32 * d; i += WARPS * 32)
            values[i / d * WIDEST + i % d] =
                u0 + i / d < o.C ? o.qkv[head(o, V, p, u0 + i / d) + i % d] : 0;
        __syncthreads();
        for (int q = 0; q < QUEUE; q++) {
            int t = p.first + warp * QUEUE + q;
            if (t >= o.C || u0 > t) continue;
            bool sees = u0 + lane <= t;
            float s = sees ? o.scale * dot(o.qkv + head(o, Q, p, t), keys, lane, d) : -INFINITY;
            float now = fmaxf(top[q], warp_max(s)), e = sees ? expf(s - now) : 0;
            float fade = expf(top[q] - now);
            sum[q] = sum[q] * fade + warp_sum(e);
            top[q] = now;
            weight[warp * 32 + lane] = e;
            __syncwarp();
            for (int i = 0; i < OWN; i++) own[q][i] *= fade;
            for (int u = 0; u < 32; u++)
                for (int i = 0; i < OWN; i++)
                    if (lane + 32 * i < d)
                        own[q][i] += weight[warp * 32 + u] * values[u * WIDEST + lane + 32 * i];
            __syncwarp();
        }
        __syncthreads();
    }
    for (int q = 0; q < QUEUE; q++) {
        int t = p.first + warp * QUEUE + q;
        if (t >= o.C) continue;
        for (int i = 0; i < OWN; i++)
            if (lane + 32 * i < d) o.y[head_of_y(o, p, t) + lane + 32 * i] = own[q][i] / sum[q];
        if (lane == 0) o.lse[row_of(o, p, t)] = top[q] + logf(sum[q]);
    }
}

/* ds = p (dp - <dy, y>): the inner product is the sum of p dp over the row. */
static __global__ void queries_back_kernel(struct attention o)
{
    SHARED(float, keys, 32 * ROW);
    SHARED(float, values, 32 * ROW);
    SHARED(float, weight, WARPS * 32);
    struct part p = part_of(o);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, d = o.d;
    float own[QUEUE][OWN] = {};
    int last = p.first + BLOCK < o.C ? p.first + BLOCK : o.C;
    for (int u0 = 0; u0 < last; u0 += 32) {
        load(keys, o, u0, [&](int c) { return o.qkv + head(o, K, p, c); });
        load(values, o, u0, [&](int c) { return o.qkv + head(o, V, p, c); });
        __syncthreads();
        for (int q = 0; q < QUEUE; q++) {
            int t = p.first + warp * QUEUE + q;
            if (t >= o.C || u0 > t) continue;
            float ds = 0;
            if (u0 + lane <= t) {
                size_t row = row_of(o, p, t);
                float s = o.scale * dot(o.qkv + head(o, Q, p, t), keys, lane, d);
                float dp = dot(o.dy + head_of_y(o, p, t), values, lane, d);
                ds = o.scale * expf(s - o.lse[row]) * (dp - o.mean[row]);
            }
            weight[warp * 32 + lane] = ds;
            __syncwarp();
            add_rows(own[q], weight, warp, keys, d, lane);
            __syncwarp();
        }
        __syncthreads();
    }
    for (int q = 0; q < QUEUE; q++) {
        int t = p.first + warp * QUEUE + q;
        if (t >= o.C) continue;
        for (int i = 0; i < OWN; i++)
            if (lane + 32 * i < d) o.dqkv[head(o, Q, p, t) + lane + 32 * i] = own[q][i];
    }
}

/* The same with lanes as queries, each warp a key: from the key's own tile of queries on. */
static __global__ void keys_back_kernel(struct attention o)
{
    SHARED(float, queries, 32 * ROW);
    SHARED(float, from, 32 * ROW);
    SHARED(float, weight, WARPS * 32);
    SHARED(float, slope, WARPS * 32);
    struct part p = part_of(o);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, d = o.d;
    float dk[QUEUE][OWN] = {}, dv[QUEUE][OWN] = {};
    for (int t0 = p.first; t0 < o.C; t0 += 32) {
        load(queries, o, t0, [&](int c) { return o.qkv + head(o, Q, p, c); });
        load(from, o, t0, [&](int c) { return o.dy + head_of_y(o, p, c); });
        __syncthreads();
        for (int k = 0; k < QUEUE; k++) {
            int u = p.first + warp * QUEUE + k, t = t0 + lane;
            if (u >= o.C) continue;
            float w = 0, ds = 0;
            if (t < o.C && t >= u) {
                size_t row = row_of(o, p, t);
                float s = o.scale * dot(o.qkv + head(o, K, p, u), queries, lane, d);
                float dp = dot(o.qkv + head(o, V, p, u), from, lane, d);
                w = expf(s - o.lse[row]);
                ds = o.scale * w * (dp - o.mean[row]);
            }
            weight[warp * 32 + lane] = w;
            slope[warp * 32 + lane] = ds;
            __syncwarp();
            add_rows(dv[k], weight, warp, from, d, lane);
            add_rows(dk[k], slope, warp, queries, d, lane);
            __syncwarp();
        }
        __syncthreads();
    }
    for (int k = 0; k < QUEUE; k++) {
        int u = p.first + warp * QUEUE + k;
        if (u >= o.C) continue;
        for (int i = 0; i < OWN; i++) {
            if (lane + 32 * i >= d) continue;
            o.dqkv[head(o, K, p, u) + lane + 32 * i] = dk[k][i];
            o.dqkv[head(o, V, p, u) + lane + 32 * i] = dv[k][i];
        }
    }
}

/* What the two have in common; false: such heads are too wide. */
static bool prepare(struct kn_backend *be, struct attention *o, int B, int C, int heads, int d,
                    const char *op)
{
    o->B = B, o->C = C, o->heads = heads, o->d = d, o->tiles = (int)pieces(C, BLOCK);
    o->scale = (float)(1 / sqrt((double)d));
    o->wide = in_fours(d, o->qkv, o->y, o->dy, o->dqkv);
    if (d <= WIDEST) return true;
    cuda_too_wide(be, op);
    return false;
}

void cuda_attention(struct kn_backend *be, struct kn_buf y, struct kn_buf lse, struct kn_buf qkv,
                    int B, int C, int heads, int d)
{
    struct attention o = {};
    o.qkv = KN_F32(qkv), o.y = KN_F32(y), o.lse = KN_F32(lse);
    if (!prepare(be, &o, B, C, heads, d, __func__)) return;
    if (((struct cuda *)be)->bf16)
        attention_bf16(be, o, __func__);
    else
        launch(be, __func__, B * heads * o.tiles, WARPS * 32, attention_kernel, o);
}

static void plain_back(struct kn_backend *be, struct attention o, const char *op)
{
    warps(
        be, o.B * o.heads * o.C,
        [=] __device__(int n, int lane) {
            struct part p = {n / o.C / o.heads, n / o.C % o.heads, 0};
            size_t at = head_of_y(o, p, n % o.C);
            float sum = 0;
            for (int i = lane; i < o.d; i += 32) sum += o.dy[at + i] * o.y[at + i];
            sum = warp_sum(sum);
            if (lane == 0) o.mean[n] = sum;
        },
        op);
    launch(be, op, o.B * o.heads * o.tiles, WARPS * 32, queries_back_kernel, o);
    launch(be, op, o.B * o.heads * o.tiles, WARPS * 32, keys_back_kernel, o);
}

void cuda_attention_back(struct kn_backend *be, struct kn_buf dqkv, struct kn_buf dy,
                         struct kn_buf y, struct kn_buf lse, struct kn_buf qkv, int B, int C,
                         int heads, int d)
{
    struct attention o = {};
    o.qkv = KN_F32(qkv), o.dy = KN_F32(dy), o.lse = KN_F32(lse), o.dqkv = KN_F32(dqkv);
    o.y = KN_F32(y);
    o.mean = (float *)cells(be, ((size_t)B * heads * C + 1) / 2);
    if (!prepare(be, &o, B, C, heads, d, __func__)) return;
    if (((struct cuda *)be)->bf16)
        attention_bf16_back(be, o, __func__);
    else
        plain_back(be, o, __func__);
}
