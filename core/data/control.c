/* core/data/control.c - True counts, and the same counts shuffled. */
#include "core/data/control.h"
#include "core/base/rng.h"

void control_counts(struct batch *b, enum control control, int most, uint64_t seed,
                    enum data_split split, int64_t index)
{
    for (int t = 0; t < b->T; t++) {
        int need = b->need[t] > 0 ? b->need[t] : 0;
        b->count[t] = need < most ? need : most;
    }
    if (control != CONTROL_SHUFFLED) return;
    struct rng r = rng_at(seed, RNG_SHUFFLE, (uint32_t)index);
    r.counter[2] = (uint32_t)(index >> 32) << 1 | (split == DATA_VAL);
    int real = 0; /* padding stands behind all that is real */
    while (real < b->T && b->need[real] >= 0) real++;
    for (int i = 0; i < real; i++) {
        int j = i + (int)rng_below(&r, (uint32_t)(real - i));
        int32_t swap = b->count[i];
        b->count[i] = b->count[j], b->count[j] = swap;
    }
}
