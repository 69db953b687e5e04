/* Causal attention with factors in bfloat16, by tensor cores; scores and sums stay in float32, and
 * no score leaves the registers. A warp owns 16 or 32 rows; the other side comes through shared
 * memory in tiles that four warps share. Forward and for dq a warp's rows are queries, and tiles of
 * keys past them are not looked at. For dk and dv its rows are keys: every number has one owner and
 * no sum depends on who comes first. What a product gives (weights, slopes) is already where the
 * next one wants its left side: it is packed and goes on without a stop.
 *
 * A product sums over 16 numbers at a time, and their order is free if both sides agree. So a cell
 * of shared memory has the four of them that a lane wants at once. */
#include "kernels/cuda/attention.h"

enum { WARPS = 4, THREADS = WARPS * 32 };
static constexpr float LOG2_E = 1.44269504088896341f;

/* Four numbers along the side that a product sums over. */
struct alignas(8) cell {
    uint32_t pair[2];
};

/* Sizes for heads of up to D numbers; what a head lacks of D is 0. */
template <int D> struct cut {
    enum {
        TILE = D > 64 ? 32 : 64, /* rows in shared memory at a time */
        M = D > 64 ? 1 : 2,      /* times 16 queries that a warp owns */
        QUERIES = WARPS * 16 * M,
        KEYS = WARPS * 16,
        DEEP = D / 16, /* steps of a sum over the head's numbers */
        /* Cells of a tile, by row: four of a row's numbers; by column: four rows of a column. Each
         * line is longer than it must be, so that the lanes of a read meet different banks. */
        BY_ROW = D / 4 + 4,
        BY_COLUMN = D + 4,
        ROW_CELLS = TILE * BY_ROW,
        COLUMN_CELLS = TILE / 4 * BY_COLUMN
    };
};

/* ---- from memory, rounded */
static __device__ struct four read_four(const float *from, int n, bool wide)
{
    struct four x = {};
    if (wide && n >= 4) return four_at(from);
    for (int i = 0; i < 4; i++) x.of[i] = i < n ? from[i] : 0;
    return x;
}

/* Row g and g+8 of 16 from `from` on, as the left side of a sum's step k. `left`: how many rows there
 * are. */
static __device__ void read_left(uint32_t to[4], const struct attention &o, const float *from,
                                 size_t apart, int left, int k)
{
    int g = threadIdx.x % 32 / 4, at = k * 16 + threadIdx.x % 4 * 4;
    for (int h = 0; h < 2; h++) {
        int row = g + h * 8;
        struct four x = read_four(from + row * apart + at, row < left ? o.d - at : 0, o.wide);
        to[h] = pack_bf16(x.of[0], x.of[1]);
        to[2 + h] = pack_bf16(x.of[2], x.of[3]);
    }
}

/* A tile that is wanted in one way only. */
struct nothing {
};

/* TILE rows from `from` on, by row and by column; past `left` they are 0. A thread takes four numbers
 * of the four rows 2i, 2i+1, 2i+8, 2i+9 of 16; by column it writes them in an order by which lanes
 * that write together meet different banks. */
template <int D, class ByRow, class ByColumn>
static __device__ void load(ByRow &by_row, ByColumn &by_column, const struct attention &o,
                            const float *from, size_t apart, int left)
{
    typedef struct cut<D> cut;
    for (int l = threadIdx.x; l < cut::TILE * D / 16; l += THREADS) {
        int at = l % (D / 4) * 4, line = l / (D / 4), first = line / 4 * 16 + line % 4 * 2;
        struct four x[4];
        for (int r = 0; r < 4; r++) {
            int row = first + r % 2 + r / 2 * 8;
            x[r] = read_four(from + row * apart + at, row < left ? o.d - at : 0, o.wide);
        }
        if constexpr (!std::is_same_v<ByRow, struct nothing>)
            for (int r = 0; r < 4; r++)
                by_row[(first + r % 2 + r / 2 * 8) * cut::BY_ROW + at / 4] = {
                    pack_bf16(x[r].of[0], x[r].of[1]), pack_bf16(x[r].of[2], x[r].of[3])};
        if constexpr (!std::is_same_v<ByColumn, struct nothing>)
            for (int k = 0; k < 4; k++) {
                int c = (k + at / 16) % 4;
                float y[4];
                for (int r = 0; r < 4; r++)
                    y[r] = c == 0   ? x[r].of[0]
                           : c == 1 ? x[r].of[1]
                           : c == 2 ? x[r].of[2]
                                    : x[r].of[3];
                by_column[line * cut::BY_COLUMN + at + c] = {pack_bf16(y[0], y[1]),
                                                             pack_bf16(y[2], y[3])};
            }
    }
}

/* ---- products */
/* to[16 x 8N] += left times the tile's rows row.. on, over the head's numbers; M times. */
template <int D, int M, int N, class Tile>
static __device__ void by_rows(float to[M][N][4], const uint32_t left[M][cut<D>::DEEP][4],
                               Tile &tile, int row)
{
    int g = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    for (int n = 0; n < N; n++)
        for (int k = 0; k < cut<D>::DEEP; k++) {
            struct cell right = tile[(row + n * 8 + g) * cut<D>::BY_ROW + k * 4 + i];
            for (int m = 0; m < M; m++) multiply_bf16(to[m][n], left[m][k], right.pair);
        }
}

/* to[16 x D] += left[16 x 16] times 16 of those rows themselves. */
template <int D, int M, class Tile>
static __device__ void by_columns(float to[M][D / 8][4], const uint32_t left[M][4], Tile &tile,
                                  int row)
{
    int g = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    for (int n = 0; n < D / 8; n++) {
        struct cell right = tile[(row / 4 + i) * cut<D>::BY_COLUMN + n * 8 + g];
        for (int m = 0; m < M; m++) multiply_bf16(to[m][n], left[m], right.pair);
    }
}

/* Two sums of 16 x 8 beside each other as the left side of the next product. */
static __device__ void pack_left(uint32_t to[4], const float from[2][4])
{
    for (int k = 0; k < 4; k++)
        to[k] = pack_bf16(from[k / 2][k % 2 * 2], from[k / 2][k % 2 * 2 + 1]);
}

/* The lane's columns of rows t and t+8 of a head, `by` times. */
template <int D, class Row>
static __device__ void write_rows(const struct attention &o, const float from[D / 8][4],
                                  const float by[2], int t, Row row)
{
    for (int h = 0; h < 2 && t + h * 8 < o.C; h++) {
        float *to = row(t + h * 8) + threadIdx.x % 4 * 2;
        int left = o.d - threadIdx.x % 4 * 2;
        for (int n = 0; n < D / 8; n++) {
            float a = by[h] * from[n][2 * h], b = by[h] * from[n][2 * h + 1];
            if (o.wide && n * 8 < left) {
                *(float2 *)(to + n * 8) = make_float2(a, b);
                continue;
            }
            if (n * 8 < left) to[n * 8] = a;
            if (n * 8 + 1 < left) to[n * 8 + 1] = b;
        }
    }
}

static __device__ struct part part_of(const struct attention &o, int rows)
{
    int n = blockIdx.x / o.tiles;
    return {n / o.heads, n % o.heads, (int)(blockIdx.x % o.tiles) * rows};
}

/* Keys u.. that queries t and t+8 do not see. Only tiles on the diagonal have such. */
template <int N> static __device__ void hide(float s[N][4], int t, int u)
{
    for (int n = 0; n < N; n++)
        for (int c = 0; c < 4; c++)
            if (u + n * 8 + c % 2 > t + c / 2 * 8) s[n][c] = -INFINITY;
}

/* ---- forward */
/* Scores of two queries become weights; what was summed so far fades by as much as the largest score
 * has grown. */
template <int D, int N>
static __device__ void weigh(const struct attention &o, float s[N][4], float own[D / 8][4],
                             float top[2], float sum[2])
{
    float by = o.scale * LOG2_E;
    for (int h = 0; h < 2; h++) {
        float most = top[h], now = 0;
        for (int n = 0; n < N; n++) most = fmaxf(most, fmaxf(s[n][2 * h], s[n][2 * h + 1]));
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 1));
        most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
        float fade = exp2f((top[h] - most) * by);
        for (int n = 0; n < N; n++)
            for (int c = 2 * h; c < 2 * h + 2; c++)
                now += s[n][c] = exp2f(s[n][c] * by - most * by);
        top[h] = most;
        sum[h] = sum[h] * fade + now;
        for (int n = 0; n < D / 8; n++)
            for (int c = 2 * h; c < 2 * h + 2; c++) own[n][c] *= fade;
    }
}

template <int D>
static __global__ void __launch_bounds__(THREADS, 2) forward_kernel(struct attention o)
{
    typedef struct cut<D> cut;
    constexpr int M = cut::M, N = cut::TILE / 8;
    SHARED(struct cell, keys, cut::ROW_CELLS);
    SHARED(struct cell, values, cut::COLUMN_CELLS);
    struct nothing none;
    struct part p = part_of(o, cut::QUERIES);
    size_t apart = (size_t)3 * o.heads * o.d;
    int first = p.first + threadIdx.x / 32 * 16 * M, i = threadIdx.x % 4;
    int t = first + threadIdx.x % 32 / 4;
    uint32_t q[M][cut::DEEP][4];
    float own[M][D / 8][4] = {}, top[M][2], sum[M][2] = {};
    UNROLL
    for (int m = 0; m < M; m++) {
        int row = first + m * 16;
        UNROLL
        for (int k = 0; k < cut::DEEP; k++)
            read_left(q[m][k], o, o.qkv + head(o, Q, p, row), apart, o.C - row, k);
        top[m][0] = top[m][1] = -INFINITY;
    }
    int end = p.first + cut::QUERIES < o.C ? p.first + cut::QUERIES : o.C;
    for (int u = 0; u < end; u += cut::TILE) {
        load<D>(keys, none, o, o.qkv + head(o, K, p, u), apart, o.C - u);
        load<D>(none, values, o, o.qkv + head(o, V, p, u), apart, o.C - u);
        __syncthreads();
        if (u < first + 16 * M) {
            float s[M][N][4] = {};
            by_rows<D, M, N>(s, q, keys, 0);
            UNROLL
            for (int m = 0; m < M; m++) {
                if (u + cut::TILE > first + m * 16) hide<N>(s[m], t + m * 16, u + i * 2);
                weigh<D, N>(o, s[m], own[m], top[m], sum[m]);
            }
            UNROLL
            for (int k = 0; k < N / 2; k++) {
                uint32_t weight[M][4];
                for (int m = 0; m < M; m++) pack_left(weight[m], &s[m][2 * k]);
                by_columns<D, M>(own, weight, values, k * 16);
            }
        }
        __syncthreads();
    }
    UNROLL
    for (int m = 0; m < M; m++) {
        float by[2];
        for (int h = 0; h < 2; h++) {
            float all = sum[m][h] + __shfl_xor_sync(~0u, sum[m][h], 1);
            int row = t + m * 16 + h * 8;
            all += __shfl_xor_sync(~0u, all, 2);
            by[h] = 1 / all;
            if (i == 0 && row < o.C) o.lse[row_of(o, p, row)] = o.scale * top[m][h] + logf(all);
        }
        write_rows<D>(o, own[m], by, t + m * 16,
                      [&](int row) { return o.y + head_of_y(o, p, row); });
    }
}

/* ---- back: ds = p (dp - <dy, y>), as the inner product is the sum of p dp over the row */
/* <dy, y> of rows t and t+8, kept for the keys; to be read by the row's four lanes. */
template <int D>
static __device__ void find_mean(const struct attention &o, const struct part &p, float to[2],
                                 int t)
{
    for (int h = 0; h < 2; h++) {
        int row = t + h * 8;
        size_t from = head_of_y(o, p, row);
        float sum = 0;
        for (int k = 0; k < cut<D>::DEEP; k++) {
            int at = k * 16 + threadIdx.x % 4 * 4, n = row < o.C ? o.d - at : 0;
            struct four a = read_four(o.dy + from + at, n, o.wide);
            struct four b = read_four(o.y + from + at, n, o.wide);
            for (int c = 0; c < 4; c++) sum += a.of[c] * b.of[c];
        }
        sum += __shfl_xor_sync(~0u, sum, 1);
        to[h] = sum + __shfl_xor_sync(~0u, sum, 2);
        if (threadIdx.x % 4 == 0 && row < o.C) o.mean[row_of(o, p, row)] = to[h];
    }
}

template <int D>
static __global__ void __launch_bounds__(THREADS, 2) queries_back_kernel(struct attention o)
{
    typedef struct cut<D> cut;
    constexpr int M = cut::M;
    SHARED(struct cell, keys, cut::ROW_CELLS);
    SHARED(struct cell, keys_by_column, cut::COLUMN_CELLS);
    SHARED(struct cell, values, cut::ROW_CELLS);
    struct nothing none;
    struct part p = part_of(o, cut::QUERIES);
    size_t apart = (size_t)3 * o.heads * o.d;
    int first = p.first + threadIdx.x / 32 * 16 * M, i = threadIdx.x % 4;
    int t = first + threadIdx.x % 32 / 4;
    uint32_t q[M][cut::DEEP][4], from[M][cut::DEEP][4];
    float dq[M][D / 8][4] = {}, mean[M][2], lse[M][2];
    UNROLL
    for (int m = 0; m < M; m++) {
        int row = first + m * 16;
        UNROLL
        for (int k = 0; k < cut::DEEP; k++) {
            read_left(q[m][k], o, o.qkv + head(o, Q, p, row), apart, o.C - row, k);
            read_left(from[m][k], o, o.dy + head_of_y(o, p, row), o.heads * o.d, o.C - row, k);
        }
        find_mean<D>(o, p, mean[m], t + m * 16);
        for (int h = 0; h < 2; h++) {
            int at = t + m * 16 + h * 8;
            lse[m][h] = at < o.C ? LOG2_E * o.lse[row_of(o, p, at)] : INFINITY;
        }
    }
    int end = p.first + cut::QUERIES < o.C ? p.first + cut::QUERIES : o.C;
    for (int u0 = 0; u0 < end; u0 += cut::TILE) {
        load<D>(keys, keys_by_column, o, o.qkv + head(o, K, p, u0), apart, o.C - u0);
        load<D>(values, none, o, o.qkv + head(o, V, p, u0), apart, o.C - u0);
        __syncthreads();
        for (int row = 0; row < cut::TILE && u0 + row < first + 16 * M; row += 16) {
            float s[M][2][4] = {}, dp[M][2][4] = {};
            uint32_t ds[M][4];
            by_rows<D, M, 2>(s, q, keys, row);
            by_rows<D, M, 2>(dp, from, values, row);
            UNROLL
            for (int m = 0; m < M; m++) {
                if (u0 + row + 16 > first + m * 16) hide<2>(s[m], t + m * 16, u0 + row + i * 2);
                for (int c = 0; c < 8; c++) {
                    int h = c / 2 % 2;
                    float *x = &s[m][c / 4][c % 4];
                    float w = exp2f(o.scale * LOG2_E * *x - lse[m][h]);
                    *x = w * (dp[m][c / 4][c % 4] - mean[m][h]);
                }
                pack_left(ds[m], s[m]);
            }
            by_columns<D, M>(dq, ds, keys_by_column, row);
        }
        __syncthreads();
    }
    float by[2] = {o.scale, o.scale};
    UNROLL
    for (int m = 0; m < M; m++)
        write_rows<D>(o, dq[m], by, t + m * 16,
                      [&](int row) { return o.dqkv + head(o, Q, p, row); });
}

/* What keys must know of a query. */
struct alignas(8) known {
    float lse, mean;
};

template <int D>
static __global__ void __launch_bounds__(THREADS, D > 64 ? 2 : 3)
    keys_back_kernel(struct attention o)
{
    typedef struct cut<D> cut;
    SHARED(struct cell, queries, cut::ROW_CELLS);
    SHARED(struct cell, queries_by_column, cut::COLUMN_CELLS);
    SHARED(struct cell, from, cut::ROW_CELLS);
    SHARED(struct cell, from_by_column, cut::COLUMN_CELLS);
    SHARED(struct known, of_row, cut::TILE);
    struct part p = part_of(o, cut::KEYS);
    size_t apart = (size_t)3 * o.heads * o.d;
    int first = p.first + threadIdx.x / 32 * 16, i = threadIdx.x % 4;
    int u = first + threadIdx.x % 32 / 4;
    uint32_t k[1][cut::DEEP][4], v[1][cut::DEEP][4];
    float dk[1][D / 8][4] = {}, dv[1][D / 8][4] = {};
    for (int n = 0; n < cut::DEEP; n++) {
        read_left(k[0][n], o, o.qkv + head(o, K, p, first), apart, o.C - first, n);
        read_left(v[0][n], o, o.qkv + head(o, V, p, first), apart, o.C - first, n);
    }
    for (int t0 = p.first; t0 < o.C; t0 += cut::TILE) {
        load<D>(queries, queries_by_column, o, o.qkv + head(o, Q, p, t0), apart, o.C - t0);
        load<D>(from, from_by_column, o, o.dy + head_of_y(o, p, t0), o.heads * o.d, o.C - t0);
        for (int row = threadIdx.x; row < cut::TILE; row += THREADS) {
            bool in = t0 + row < o.C;
            size_t at = row_of(o, p, in ? t0 + row : 0);
            of_row[row] = {in ? LOG2_E * o.lse[at] : INFINITY, in ? o.mean[at] : 0};
        }
        __syncthreads();
        for (int row = 0; row < cut::TILE; row += 16) {
            if (t0 + row + 15 < first) continue;
            float s[1][2][4] = {}, dp[1][2][4] = {};
            uint32_t w[1][4], ds[1][4];
            by_rows<D, 1, 2>(s, k, queries, row);
            by_rows<D, 1, 2>(dp, v, from, row);
            if (t0 + row < first + 16) /* queries before a key, in its own tile */
                for (int c = 0; c < 8; c++)
                    if (u + c / 2 % 2 * 8 > t0 + row + c / 4 * 8 + i * 2 + c % 2)
                        s[0][c / 4][c % 4] = -INFINITY;
            for (int c = 0; c < 8; c++) {
                struct known known = of_row[row + c / 4 * 8 + i * 2 + c % 2];
                float *x = &s[0][c / 4][c % 4], *y = &dp[0][c / 4][c % 4];
                *x = exp2f(o.scale * LOG2_E * *x - known.lse);
                *y = *x * (*y - known.mean);
            }
            pack_left(w[0], s[0]);
            pack_left(ds[0], dp[0]);
            by_columns<D, 1>(dv, w, from_by_column, row);
            by_columns<D, 1>(dk, ds, queries_by_column, row);
        }
        __syncthreads();
    }
    float by[2] = {o.scale, o.scale}, one[2] = {1, 1};
    write_rows<D>(o, dk[0], by, u, [&](int row) { return o.dqkv + head(o, K, p, row); });
    write_rows<D>(o, dv[0], one, u, [&](int row) { return o.dqkv + head(o, V, p, row); });
}

/* ---- launches */
template <int D> static void forward(struct kn_backend *be, struct attention o, const char *op)
{
    o.tiles = (int)pieces(o.C, cut<D>::QUERIES);
    launch(be, op, o.B * o.heads * o.tiles, THREADS, forward_kernel<D>, o);
}

template <int D> static void back(struct kn_backend *be, struct attention o, const char *op)
{
    o.tiles = (int)pieces(o.C, cut<D>::QUERIES);
    launch(be, op, o.B * o.heads * o.tiles, THREADS, queries_back_kernel<D>, o);
    o.tiles = (int)pieces(o.C, cut<D>::KEYS);
    launch(be, op, o.B * o.heads * o.tiles, THREADS, keys_back_kernel<D>, o);
}

void attention_bf16(struct kn_backend *be, struct attention o, const char *op)
{
    o.d > 64 ? forward<128>(be, o, op) : o.d > 32 ? forward<64>(be, o, op) : forward<32>(be, o, op);
}

void attention_bf16_back(struct kn_backend *be, struct attention o, const char *op)
{
    o.d > 64 ? back<128>(be, o, op) : o.d > 32 ? back<64>(be, o, op) : back<32>(be, o, op);
}
