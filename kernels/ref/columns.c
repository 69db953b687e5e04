/* Picks counted by column or group of columns, and what follows from the counts. */
#include "kernels/ref/ref.h"

void ref_mask_without(struct kn_backend *be, struct kn_ints y, struct kn_ints mask, int first,
                      int n, int T, int N)
{
    for (int t = 0; t < T; t++)
        for (int j = 0; j < N; j++)
            ref_ints(y, t, N)[j] = ref_ints(mask, t, N)[j] && (j < first || j >= first + n);
}

static int valid_rows(struct kn_ints valid, int T)
{
    int rows = 0;
    for (int t = 0; t < T; t++) rows += I(valid)[t] != 0;
    return rows;
}

/* Picks of columns from..to-1. */
static int picks(struct kn_ints mask, int from, int to, bool once, int T, int N)
{
    int sum = 0;
    for (int t = 0; t < T; t++) {
        int row = 0;
        for (int j = from; j < to; j++) row += ref_ints(mask, t, N)[j];
        sum += once ? row > 0 : row;
    }
    return sum;
}

void ref_group_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                    struct kn_ints valid, const struct kn_groups *g, int T, int N, int E)
{
    int rows = valid_rows(valid, T);
    for (int j = 0; j < N; j++) {
        int start = j < E ? 0 : E, end = j < E ? E : N, width = j < E ? g->width : g->slots;
        int from = start + (j - start) / width * width,
            to = from + width < end ? from + width : end;
        double c = j < E ? g->c : g->c_slots;
        F(f)[j] = rows ? c * picks(mask, from, to, g->once, T, N) / rows : 0;
    }
}
