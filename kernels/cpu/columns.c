/* Picks counted by column or group of columns, and what follows from the counts. Counting is little
 * work beside the experts': one thread, tokens in order. */
#include "kernels/cpu/cpu.h"

void OP(mask_without)(struct kn_backend *be, struct kn_ints y, struct kn_ints mask, int first,
                      int n, int T, int N)
{
    const int32_t *from = KN_I32(mask);
    int32_t *to = KN_I32(y);
    (void)be;
    for (size_t i = 0; i < (size_t)T * N; i += N)
        for (int j = 0; j < N; j++) to[i + j] = j < first || j >= first + n ? from[i + j] : 0;
}

static int valid_rows(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += KN_I32(valid)[t] != 0;
    return rows;
}

/* Adds a row's picks to the counts of its groups of `width`, which lie in columns from..to-1. */
static void count_row(int32_t *count, const int32_t *row, int from, int to, int width, bool once)
{
    for (int first = from; first < to; first += width, count++) {
        int picks = 0;
        for (int j = first; j < first + width && j < to; j++) picks += row[j];
        *count += once ? picks > 0 : picks;
    }
}

void OP(group_load)(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                    struct kn_ints valid, const struct kn_groups *g, int T, int N, int E)
{
    int32_t *count = (int32_t *)((struct cpu *)be)->common, *slots = count + E;
    int rows = valid_rows(valid, T);
    for (int j = 0; j < N; j++) count[j] = 0;
    for (int t = 0; t < T; t++) {
        const int32_t *row = KN_I32(mask) + (size_t)t * N;
        count_row(count, row, 0, E, g->width, g->once);
        count_row(slots, row, E, N, g->slots, g->once);
    }
    for (int j = 0; j < N; j++) {
        double all = j < E ? g->c * count[j / g->width] : g->c_slots * slots[(j - E) / g->slots];
        KN_F32(f)[j] = rows ? (float)(all / rows) : 0;
    }
}
