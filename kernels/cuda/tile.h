#ifndef KERNELS_CUDA_TILE_H
#define KERNELS_CUDA_TILE_H
/* One tile of a product, TILE x TILE, by a block of 256 threads: each has 4 x 4 sums, and both sides
 * come through shared memory STEP deep. What the sides are is the caller's: a(i, k) and b(j, k) read
 * one number, gathered, transposed or computed on the way. ALONG says which of their two indices
 * neighbours in memory share, so that a warp reads neighbours. */
#include "kernels/cuda/cuda.h"

enum { TILE = 64, STEP = 16, TILE_THREADS = 256, TILE_ROW = TILE + 4 };
enum along { ALONG_K, ALONG_I };

struct tile_sums {
    float of[4][4];
};

/* Numbers l = 0.. of a side's TILE x STEP. */
template <enum along A> __device__ inline int tile_i(int l)
{
    return A == ALONG_K ? l / STEP : l % TILE;
}

template <enum along A> __device__ inline int tile_k(int l)
{
    return A == ALONG_K ? l % STEP : l / TILE;
}

/* Adds, for k in begin..end-1, a(i, k) b(j, k); rows from `rows` on and columns from `cols` on are
 * not read. Thread has rows ty*4.. and columns tx*4.. of the tile. */
template <enum along ALONG_A, enum along ALONG_B, class A, class B>
__device__ inline void tile_product(struct tile_sums &s, int begin, int end, int rows, int cols,
                                    A a, B b)
{
    SHARED(float, left, STEP *TILE_ROW);
    SHARED(float, right, STEP *TILE_ROW);
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    bool busy = ty * 4 < rows && tx * 4 < cols;
    for (int k0 = begin; k0 < end; k0 += STEP) {
        for (int l = threadIdx.x; l < TILE * STEP; l += TILE_THREADS) {
            int i = tile_i<ALONG_A>(l), k = tile_k<ALONG_A>(l);
            left[k * TILE_ROW + i] = i < rows && k0 + k < end ? a(i, k0 + k) : 0;
            i = tile_i<ALONG_B>(l), k = tile_k<ALONG_B>(l);
            right[k * TILE_ROW + i] = i < cols && k0 + k < end ? b(i, k0 + k) : 0;
        }
        __syncthreads();
        int deep = end - k0 < STEP ? end - k0 : STEP;
        for (int k = 0; busy && k < deep; k++) {
            float x[4], y[4];
            for (int r = 0; r < 4; r++) x[r] = left[k * TILE_ROW + ty * 4 + r];
            for (int c = 0; c < 4; c++) y[c] = right[k * TILE_ROW + tx * 4 + c];
            for (int r = 0; r < 4; r++)
                for (int c = 0; c < 4; c++) s.of[r][c] += x[r] * y[c];
        }
        __syncthreads();
    }
}

/* store(i, j, sum) for the thread's part of the tile. */
template <class Store>
__device__ inline void tile_store(const struct tile_sums &s, int rows, int cols, Store store)
{
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++)
            if (ty * 4 + r < rows && tx * 4 + c < cols) store(ty * 4 + r, tx * 4 + c, s.of[r][c]);
}
#endif
