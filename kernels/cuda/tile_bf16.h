#ifndef KERNELS_CUDA_TILE_BF16_H
#define KERNELS_CUDA_TILE_BF16_H
/* One tile of a product of bfloat16, 128 x 128, by a block of 4 warps with 64 x 64 each: 128 sums a
 * thread, in float32. Both sides go through shared memory 32 deep, as the pairs along k that a tensor
 * core takes. While one step is multiplied, the next is on its way into registers, and then into the
 * other half of shared memory: one barrier a step. All reads of memory are 16 bytes, as rows are
 * filled up to multiples of 8 (bf16.h).
 *
 * By counting, for an H100: 16 along k are 0.5 MFLOP, for which the tensor cores of a multiprocessor
 * need 128 clocks at their peak, and some 206 as mma.sync drives them (62 %). Its warps read 128 times
 * 32 words of shared memory for them, one a clock; with 64 x 32 a warp it would be 192. */
#include "kernels/cuda/bf16.h"
#include "kernels/cuda/tile.h"

enum {
    HALF_TILE = 128,
    HALF_STEP = 32,
    HALF_THREADS = 128,
    HALF_PART = 64, /* rows and columns of a warp */
    /* Words between neighbours in shared memory: 32 lanes that read a fragment meet 32 banks. */
    HALF_ROW = HALF_STEP / 2 + 4,
    HALF_COLUMN = HALF_TILE + 8,
    HALF_CELLS = HALF_TILE * HALF_ROW,
};

/* Rows of `width` numbers, a multiple of 8; row r stands at row[r], or at r where that is NULL. */
struct half_matrix {
    const uint16_t *at;
    int width;
    const int32_t *row;
};

/* A side of the tile. ALONG_K: its `count` rows from `first`, k is the column. ALONG_I: columns, k is
 * the row. */
struct half_side {
    struct half_matrix of;
    int first, count;
};

struct half_sums {
    float of[4][8][4]; /* [m][n]: the 16 x 8 at row 16 m and column 8 n of the warp's part */
};

/* Eight numbers, as they lie. */
struct alignas(16) eight {
    uint32_t of[4];
};

/* Where the warp's part is. */
__device__ inline int half_warp_row()
{
    return threadIdx.x / 32 % 2 * HALF_PART;
}

__device__ inline int half_warp_col()
{
    return threadIdx.x / 64 * HALF_PART;
}

/* Where pair p (k = 2p, 2p+1) of row i of the side is. */
template <enum along A> __device__ inline int half_cell(int i, int p)
{
    return A == ALONG_K ? i * HALF_ROW + p : p * HALF_COLUMN + i;
}

__device__ inline const uint16_t *half_row(const struct half_matrix &m, int r)
{
    return m.at + (size_t)(m.row ? m.row[r] : r) * m.width;
}

/* What a thread carries of one step of a side. ALONG_K: 8 numbers of each of four rows; a warp reads 64
 * bytes of 8 rows at a time. ALONG_I: 8 columns of the rows k and k+1, and of 16 rows later. */
template <enum along A> struct half_carrier {
    const uint16_t *from[4]; /* ALONG_K: its rows; NULL: past the side's end */
    struct eight got[4];

    __device__ static int row(int h)
    {
        return threadIdx.x / 32 * 8 + threadIdx.x % 8 + h * 32;
    }
    __device__ static int chunk()
    {
        return A == ALONG_K ? threadIdx.x % 32 / 8 : threadIdx.x % 16;
    }
    __device__ static int pair(int h)
    {
        return threadIdx.x / 16 + h * 8;
    }

    __device__ void start(const struct half_side &s)
    {
        UNROLL
        for (int h = 0; A == ALONG_K && h < 4; h++)
            from[h] = row(h) < s.count ? half_row(s.of, s.first + row(h)) : NULL;
    }

    __device__ void fetch(const struct half_side &s, int k0, int end)
    {
        UNROLL
        for (int h = 0; h < 4; h++) {
            const uint16_t *at = NULL;
            int k = k0 + (A == ALONG_K ? chunk() * 8 : pair(h / 2) * 2 + h % 2);
            if (A == ALONG_K && from[h] && k < end) at = from[h] + k;
            if (A == ALONG_I && chunk() * 8 < s.count && k < end)
                at = half_row(s.of, k) + s.first + chunk() * 8;
            got[h] = at ? *(const struct eight *)at : eight{};
        }
    }

    template <class Shared> __device__ void put(Shared &to, int stage) const
    {
        UNROLL
        for (int h = 0; h < 4; h++) {
            if constexpr (A == ALONG_K)
                store_four(to, stage + half_cell<A>(row(h), chunk() * 4), got[h].of);
            else if (h % 2 == 0)
                put_pairs(to, stage + half_cell<A>(chunk() * 8, pair(h / 2)), got[h], got[h + 1]);
        }
    }

    /* Two rows become pairs. Half of the lanes store their second four first: then eight lanes, which
     * store together, meet all banks. */
    template <class Shared>
    __device__ static void put_pairs(Shared &to, int at, const struct eight &x,
                                     const struct eight &y)
    {
        uint32_t both[8];
        UNROLL
        for (int q = 0; q < 4; q++) {
            uint32_t a = x.of[q], b = y.of[q];
            both[2 * q] = (a & 0xffffu) | b << 16;
            both[2 * q + 1] = a >> 16 | (b & 0xffff0000u);
        }
        UNROLL
        for (int h = 0; h < 2; h++) {
            bool second = (chunk() / 4 + h) % 2;
            uint32_t four[4];
            UNROLL
            for (int q = 0; q < 4; q++) four[q] = second ? both[4 + q] : both[q];
            store_four(to, at + second * 4, four);
        }
    }
};

/* The sums of one step. */
template <enum along A, enum along B, class Shared>
__device__ inline void half_add(struct half_sums &s, Shared &left, Shared &right, int stage)
{
    int g = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    int m0 = half_warp_row() + g, n0 = half_warp_col() + g;
    UNROLL
    for (int p = i; p < HALF_STEP / 2; p += 8) {
        uint32_t b[8][2];
        UNROLL
        for (int n = 0; n < 8; n++) {
            b[n][0] = right[stage + half_cell<B>(n0 + n * 8, p)];
            b[n][1] = right[stage + half_cell<B>(n0 + n * 8, p + 4)];
        }
        UNROLL
        for (int m = 0; m < 4; m++) {
            uint32_t a[4];
            UNROLL
            for (int h = 0; h < 4; h++)
                a[h] = left[stage + half_cell<A>(m0 + m * 16 + h % 2 * 8, p + h / 2 * 4)];
            UNROLL
            for (int n = 0; n < 8; n++) multiply_bf16(s.of[m][n], a, b[n]);
        }
    }
}

/* Adds a(i, k) b(j, k) for k in begin..end-1. */
template <enum along A, enum along B>
__device__ inline void half_product(struct half_sums &s, const struct half_side &a,
                                    const struct half_side &b, int begin, int end)
{
    SHARED(uint32_t, left, 2 * HALF_CELLS);
    SHARED(uint32_t, right, 2 * HALF_CELLS);
    struct half_carrier<A> x;
    struct half_carrier<B> y;
    int stage = 0;
    bool idle = half_warp_row() >= a.count || half_warp_col() >= b.count;
    x.start(a), y.start(b);
    x.fetch(a, begin, end), y.fetch(b, begin, end);
    x.put(left, stage), y.put(right, stage);
    __syncthreads();
    for (int k = begin; k < end; k += HALF_STEP, stage = HALF_CELLS - stage) {
        bool more = k + HALF_STEP < end;
        if (more) x.fetch(a, k + HALF_STEP, end), y.fetch(b, k + HALF_STEP, end);
        if (!idle) half_add<A, B>(s, left, right, stage);
        if (more) x.put(left, HALF_CELLS - stage), y.put(right, HALF_CELLS - stage);
        __syncthreads();
    }
}

/* f(i, j, x) for each row i of the tile that the thread has a part of: x[n] are the sums of columns
 * j + 8n and the one after it. All lanes come, also those past the tile's end. */
template <class F> __device__ inline void half_rows(const struct half_sums &s, F f)
{
    int lane = threadIdx.x % 32;
    UNROLL
    for (int r = 0; r < 8; r++) {
        float x[8][2];
        UNROLL
        for (int n = 0; n < 8; n++) {
            x[n][0] = s.of[r / 2][n][r % 2 * 2];
            x[n][1] = s.of[r / 2][n][r % 2 * 2 + 1];
        }
        f(half_warp_row() + r * 8 + lane / 4, half_warp_col() + lane % 4 * 2, x);
    }
}

/* store(i, j, sum) for the thread's part of the tile. */
template <class Store>
__device__ inline void half_store(const struct half_sums &s, int rows, int cols, Store store)
{
    half_rows(s, [&](int i, int from, const float(*x)[2]) {
        UNROLL
        for (int n = 0; n < 8; n++) {
            int j = from + n * 8;
            if (i < rows && j < cols) store(i, j, x[n][0]);
            if (i < rows && j + 1 < cols) store(i, j + 1, x[n][1]);
        }
    });
}
#endif
