/* Picks counted by column or group of columns, and what follows from the counts. */
#include "kernels/cuda/cuda.h"

void cuda_mask_without(struct kn_backend *be, struct kn_ints y, struct kn_ints mask, int first,
                       int n, int T, int N)
{
    int32_t *to = KN_I32(y);
    const int32_t *taken = KN_I32(mask);
    each(be, (size_t)T * N, [=] __device__(size_t i) {
        int j = (int)(i % N);
        to[i] = taken[i] && (j < first || j >= first + n);
    });
}

/* Column j stands for its group: the same sum is made by each of its columns. */
void cuda_group_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                     struct kn_ints valid, const struct kn_groups *groups, int T, int N, int E)
{
    float *to = KN_F32(f);
    const int32_t *taken = KN_I32(mask), *real = KN_I32(valid);
    struct kn_groups g = *groups;
    double *rows = cells(be, 1);
    count_rows(be, rows, real, T);
    columns(
        be, T, N,
        [=] __device__(int t, int j) {
            int start = j < E ? 0 : E, end = j < E ? E : N, width = j < E ? g.width : g.slots;
            int from = start + (j - start) / width * width, row = 0;
            if (from + width < end) end = from + width;
            for (int i = from; i < end; i++) row += taken[(size_t)t * N + i];
            return (double)(g.once ? row > 0 : row);
        },
        [=] __device__(int j, double sum) {
            double c = j < E ? g.c : g.c_slots;
            to[j] = rows[0] > 0 ? (float)(c * sum / rows[0]) : 0;
        });
}
