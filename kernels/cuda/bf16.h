#ifndef KERNELS_CUDA_BF16_H
#define KERNELS_CUDA_BF16_H
/* Matrices of bfloat16, the factors of products where c->bf16. The masters and all that other ops see
 * stay float32; these are the backend's own copies. A row is filled up with zeros to a multiple of 8
 * numbers, so that every row can be read 16 bytes at a time and nobody needs another way for sides
 * that are not even. */
#include "kernels/cuda/cuda.h"

/* Numbers, or rows, with those that fill up. */
inline int up8(int n)
{
    return (n + 7) / 8 * 8;
}

/* Rows of an expert's w1, and w3 with it: they take turns, 8 of w1, then the same 8 of w3, so that a
 * tile has both numbers of a hidden unit. */
inline int up_rows(int M, bool gated)
{
    return gated ? 2 * up8(M / 2) : up8(M);
}

/* Where row r of those is in the master; -1: it only fills up. */
__device__ inline int up_row(int r, int M, bool gated)
{
    int unit = gated ? r / 16 * 8 + r % 8 : r, H = gated ? M / 2 : M;
    return unit < H ? unit + (gated && r % 16 >= 8 ? H : 0) : -1;
}

/* to[rows, up8(cols)] = from[rows, cols], rounded; four numbers at a time where no row is filled up. */
inline void narrow(struct kn_backend *be, uint16_t *to, const float *from, int rows, int cols,
                   CALLER)
{
    int pairs = up8(cols) / 2;
    uint32_t *pair = (uint32_t *)to;
    if (cols % 8 == 0 && in_fours(cols, from)) {
        each(
            be, (size_t)rows * pairs / 2,
            [=] __device__(size_t i) {
                struct four x = four_at(from + 4 * i);
                put_two(pair + 2 * i, pack_bf16(x.of[0], x.of[1]), pack_bf16(x.of[2], x.of[3]));
            },
            op);
        return;
    }
    each(
        be, (size_t)rows * pairs,
        [=] __device__(size_t i) {
            int j = (int)(i % pairs) * 2;
            const float *row = from + i / pairs * cols;
            pair[i] = pack_bf16(j < cols ? row[j] : 0, j + 1 < cols ? row[j + 1] : 0);
        },
        op);
}
#endif
