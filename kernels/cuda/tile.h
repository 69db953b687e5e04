#ifndef KERNELS_CUDA_TILE_H
#define KERNELS_CUDA_TILE_H
/* One tile of a product, TILE x TILE, by a block of 256 threads: each has 16 sums, and both sides come
 * through shared memory STEP deep. Sums are made in float32, 4 x 4 a thread, or by tensor cores in
 * TF32, 16 x 32 a warp. What the sides are is the caller's: a(i, k) and b(j, k) read
 * one number, gathered, transposed or computed on the way. ALONG says which of their two indices
 * neighbours in memory share, so that a warp reads neighbours. */
#include "kernels/cuda/cuda.h"

enum { TILE = 64, STEP = 16, TILE_THREADS = 256, TILE_ROW = TILE + 8 };
enum along { ALONG_K, ALONG_I };

struct tile_sums {
    float of[4][4]; /* TF32: of[n] is the n-th 16 x 8 of the warp's four */
};

/* In TF32: where the warp's 16 x 32 is. */
__device__ inline int warp_row()
{
    return threadIdx.x / 32 % 4 * 16;
}

__device__ inline int warp_col()
{
    return threadIdx.x / 32 / 4 * 32;
}

/* Numbers l = 0.. of a side's TILE x STEP. */
template <enum along A> __device__ inline int tile_i(int l)
{
    return A == ALONG_K ? l / STEP : l % TILE;
}

template <enum along A> __device__ inline int tile_k(int l)
{
    return A == ALONG_K ? l % STEP : l / TILE;
}

/* The sums of one step in float32: rows ty*4.. and columns tx*4.. of the tile. */
template <class Side>
__device__ inline void add_plain(struct tile_sums &s, Side &left, Side &right, int deep, int rows,
                                 int cols)
{
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    if (ty * 4 >= rows || tx * 4 >= cols) return;
    for (int k = 0; k < deep; k++) {
        float x[4], y[4];
        for (int r = 0; r < 4; r++) x[r] = left[k * TILE_ROW + ty * 4 + r];
        for (int c = 0; c < 4; c++) y[c] = right[k * TILE_ROW + tx * 4 + c];
        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 4; c++) s.of[r][c] += x[r] * y[c];
    }
}

/* And in TF32; what is past `deep` is 0. */
template <class Side>
__device__ inline void add_tf32(struct tile_sums &s, Side &left, Side &right, int rows, int cols)
{
    int g = threadIdx.x % 32 / 4, i = threadIdx.x % 4, m0 = warp_row(), n0 = warp_col();
    if (m0 >= rows || n0 >= cols) return;
    for (int k = 0; k < STEP; k += 8) {
        float a[4], b[2];
        for (int h = 0; h < 4; h++)
            a[h] = left[(k + i + h / 2 * 4) * TILE_ROW + m0 + g + h % 2 * 8];
        for (int n = 0; n < 4; n++) {
            for (int h = 0; h < 2; h++) b[h] = right[(k + i + h * 4) * TILE_ROW + n0 + n * 8 + g];
            multiply_tiles(s.of[n], a, b);
        }
    }
}

/* Adds, for k in begin..end-1, a(i, k) b(j, k); rows from `rows` on and columns from `cols` on are
 * not read. */
template <enum along ALONG_A, enum along ALONG_B, class A, class B>
__device__ inline void tile_product(struct tile_sums &s, int begin, int end, int rows, int cols,
                                    bool tf32, A a, B b)
{
    SHARED(float, left, STEP *TILE_ROW);
    SHARED(float, right, STEP *TILE_ROW);
    for (int k0 = begin; k0 < end; k0 += STEP) {
        for (int l = threadIdx.x; l < TILE * STEP; l += TILE_THREADS) {
            int i = tile_i<ALONG_A>(l), k = tile_k<ALONG_A>(l);
            left[k * TILE_ROW + i] = i < rows && k0 + k < end ? a(i, k0 + k) : 0;
            i = tile_i<ALONG_B>(l), k = tile_k<ALONG_B>(l);
            right[k * TILE_ROW + i] = i < cols && k0 + k < end ? b(i, k0 + k) : 0;
        }
        __syncthreads();
        if (tf32)
            add_tf32(s, left, right, rows, cols);
        else
            add_plain(s, left, right, end - k0 < STEP ? end - k0 : STEP, rows, cols);
        __syncthreads();
    }
}

/* store(i, j, sum) for the thread's part of the tile. */
template <class Store>
__device__ inline void tile_store(const struct tile_sums &s, int rows, int cols, bool tf32,
                                  Store store)
{
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16, lane = threadIdx.x % 32;
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++) {
            int i = tf32 ? warp_row() + lane / 4 + c / 2 * 8 : ty * 4 + r;
            int j = tf32 ? warp_col() + r * 8 + lane % 4 * 2 + c % 2 : tx * 4 + c;
            if (i < rows && j < cols) store(i, j, s.of[r][c]);
        }
}
#endif
