#ifndef KERNELS_CPU_MICRO_H
#define KERNELS_CPU_MICRO_H
/* Matrix products from one tile held in registers: up to TILE rows by one or two vectors of
 * columns. Rows are cut evenly, so that no tile is a thin rest. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

/* c[i][.] (+)= sum over k of a(i, k) b[k][.]; b and c rows are ldb and ldc apart. */
typedef void micro(float *c, long ldc, const float *a, long lda, const float *b, long ldb, int k,
                   bool add);
#define micro_rows CPU_JOIN(micro_rows, KN_LEVEL)
#define micro_cols CPU_JOIN(micro_cols, KN_LEVEL)
#define micro_panels CPU_JOIN(micro_panels, KN_LEVEL)
#define micro_outer CPU_JOIN(micro_outer, KN_LEVEL)
extern micro *const micro_rows[3][TILE + 1]; /* [vectors][rows], a(i, k) = a[i * lda + k] */
extern micro *const micro_cols[3][TILE + 1]; /* the same, a(i, k) = a[k * lda + i] */

/* to[j * ldt + i] = from[i * ldf + j] for rows x columns of `from`: squares of four in registers.
 */
static inline void micro_turn(float *to, long ldt, const float *from, long ldf, int rows,
                              int columns)
{
    for (int j = 0; j < columns; j += 4) {
        for (int i = 0; i < rows; i += 4) {
            const float *x = from + i * ldf + j;
            float *y = to + j * ldt + i;
            if (i + 4 > rows || j + 4 > columns) {
                for (int r = 0; r < 4 && i + r < rows; r++)
                    for (int k = 0; k < 4 && j + k < columns; k++) y[k * ldt + r] = x[r * ldf + k];
                continue;
            }
            vec4 a, b, c, d;
            memcpy(&a, x, sizeof a), memcpy(&b, x + ldf, sizeof b);
            memcpy(&c, x + 2 * ldf, sizeof c), memcpy(&d, x + 3 * ldf, sizeof d);
            vec4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            vec4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
            vec4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            vec4 cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            a = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
            b = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
            c = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
            d = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
            memcpy(y, &a, sizeof a), memcpy(y + ldt, &b, sizeof b);
            memcpy(y + 2 * ldt, &c, sizeof c), memcpy(y + 3 * ldt, &d, sizeof d);
        }
    }
}

/* Rows of inner index that stay close by between tiles. */
#define MICRO_DEEP 256

static inline int micro_tiles(int rows)
{
    return (rows + TILE - 1) / TILE;
}

/* C[m,n] (+)= A[m,k] B, B in panels of at least k rows that are `apart` numbers from each other. */
void micro_panels(float *c, long ldc, const float *a, long lda, int m, int n, int k,
                  const float *panels, size_t apart, bool add);
/* C[m,n] (+)= Aᵀ B, A[k,m], B[k,n] row-major. `scratch`: MICRO_DEEP * PANEL numbers. */
void micro_outer(float *c, long ldc, const float *a, long lda, const float *b, long ldb, int m,
                 int n, int k, bool add, float *scratch);
#endif
