/* The innermost loops of every matrix product. A tile of C stays in registers while k runs; each
 * step loads one or two vectors of b and multiplies them by TILE elements of a. */
#include "kernels/cpu/micro.h"

/* Spelled out for every number of rows, so that the compiler keeps the sums in registers. C is
 * asked for at the start and touched at the end: its way from memory costs nothing then. */
#define ROWS_LOOP(rows) _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++)
#define COLUMNS_LOOP(vectors) _Pragma("GCC unroll 2") for (int j = 0; j < vectors; j++)
#define TILE_BODY(rows, vectors, a_at)                                                             \
    vf sum[rows][vectors];                                                                         \
    for (int i = 0; i < rows; i++) {                                                               \
        __builtin_prefetch(c + i * ldc, 1);                                                        \
        if (vectors * VL > 16) __builtin_prefetch(c + i * ldc + 16, 1);                            \
    }                                                                                              \
    ROWS_LOOP(rows) COLUMNS_LOOP(vectors) sum[i][j] = (vf){};                                      \
    for (int n = 0; n < k; n++) {                                                                  \
        vf column[vectors];                                                                        \
        COLUMNS_LOOP(vectors) column[j] = vec_load(b + j * VL);                                    \
        ROWS_LOOP(rows)                                                                            \
        {                                                                                          \
            vf x = vec_all(a_at);                                                                  \
            COLUMNS_LOOP(vectors) sum[i][j] += x * column[j];                                      \
        }                                                                                          \
        b += ldb;                                                                                  \
    }                                                                                              \
    if (add) {                                                                                     \
        ROWS_LOOP(rows) COLUMNS_LOOP(vectors) sum[i][j] += vec_load(c + i * ldc + j * VL);         \
    }                                                                                              \
    ROWS_LOOP(rows)                                                                                \
    {                                                                                              \
        COLUMNS_LOOP(vectors) vec_store(c + j * VL, sum[i][j]);                                    \
        c += ldc;                                                                                  \
    }

#define KERNEL(rows, vectors)                                                                      \
    static void rows_##rows##x##vectors(float *c, long ldc, const float *a, long lda,              \
                                        const float *b, long ldb, int k, bool add)                 \
    {                                                                                              \
        TILE_BODY(rows, vectors, a[i * lda + n])                                                   \
    }                                                                                              \
    static void cols_##rows##x##vectors(float *c, long ldc, const float *a, long lda,              \
                                        const float *b, long ldb, int k, bool add)                 \
    {                                                                                              \
        TILE_BODY(rows, vectors, a[n * lda + i])                                                   \
    }

#define EACH_SHORT(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#if TILE == 14
#define EACH(X, v)                                                                                 \
    EACH_SHORT(X, v) X(7, v) X(8, v) X(9, v) X(10, v) X(11, v) X(12, v) X(13, v) X(14, v)
#else
#define EACH(X, v) EACH_SHORT(X, v)
#endif
EACH(KERNEL, 1)
EACH(KERNEL, 2)

#define ROWS_ENTRY(rows, v) [v][rows] = rows_##rows##x##v,
#define COLS_ENTRY(rows, v) [v][rows] = cols_##rows##x##v,
micro *const micro_rows[3][TILE + 1] = {EACH(ROWS_ENTRY, 1) EACH(ROWS_ENTRY, 2)};
micro *const micro_cols[3][TILE + 1] = {EACH(COLS_ENTRY, 1) EACH(COLS_ENTRY, 2)};

/* Puts the first `width` columns of a tile in place. */
static void settle(float *c, long ldc, const float *tile, int rows, int width, bool add)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < width; j++)
            c[i * ldc + j] = (add ? c[i * ldc + j] : 0) + tile[i * PANEL + j];
}

void micro_panels(float *c, long ldc, const float *a, long lda, int m, int n, int k,
                  const float *panels, size_t apart, bool add)
{
    int tiles = micro_tiles(m);
    for (int j = 0; j < n; j += PANEL, panels += apart) {
        int width = (int)cpu_min(PANEL, n - j), vectors = width > VL ? 2 : 1;
        bool whole = width == vectors * VL;
        for (int deep = 0; deep < k; deep += MICRO_DEEP) {
            int depth = (int)cpu_min(MICRO_DEEP, k - deep);
            const float *panel = panels + (size_t)deep * PANEL;
            bool sum = add || deep > 0;
            for (int t = 0; t < tiles; t++) {
                int i = cpu_cut(m, tiles, t), rows = cpu_cut(m, tiles, t + 1) - i;
                const float *from = a + i * lda + deep;
                float *to = c + i * ldc + j;
                micro *run = micro_rows[vectors][rows];
                if (whole) {
                    run(to, ldc, from, lda, panel, PANEL, depth, sum);
                    continue;
                }
                float tile[TILE * PANEL];
                run(tile, PANEL, from, lda, panel, PANEL, depth, false);
                settle(to, ldc, tile, rows, width, sum);
            }
        }
    }
}

void micro_outer(float *c, long ldc, const float *a, long lda, const float *b, long ldb, int m,
                 int n, int k, bool add, float *scratch)
{
    int tiles = micro_tiles(m);
    for (int j = 0; j < n; j += PANEL) {
        int width = (int)cpu_min(PANEL, n - j), vectors = width > VL ? 2 : 1;
        bool whole = width == vectors * VL;
        for (int deep = 0; deep < k; deep += MICRO_DEEP) {
            int depth = (int)cpu_min(MICRO_DEEP, k - deep);
            const float *columns = b + (size_t)deep * ldb + j;
            bool sum = add || deep > 0;
            if (!whole) { /* reading a full vector would leave the matrix */
                for (int r = 0; r < depth; r++) {
                    memset(scratch + r * PANEL, 0, PANEL * sizeof *scratch);
                    memcpy(scratch + r * PANEL, columns + r * ldb, width * sizeof *scratch);
                }
                columns = scratch;
            }
            for (int t = 0; t < tiles; t++) {
                int i = cpu_cut(m, tiles, t), rows = cpu_cut(m, tiles, t + 1) - i;
                const float *from = a + (size_t)deep * lda + i;
                float *to = c + i * ldc + j;
                micro *run = micro_cols[vectors][rows];
                if (whole) {
                    run(to, ldc, from, lda, columns, ldb, depth, sum);
                    continue;
                }
                float tile[TILE * PANEL];
                run(tile, PANEL, from, lda, columns, PANEL, depth, false);
                settle(to, ldc, tile, rows, width, sum);
            }
        }
    }
}
