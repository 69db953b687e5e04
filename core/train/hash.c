/* core/train/hash.c - A fingerprint of all weights: FNV-1a over their bits, in the order of the
 * parameter table. Six lines; a library would be one more package for it. */
#include "core/train/inside.h"

#include <stdlib.h>

uint64_t trainer_hash(struct trainer *t)
{
    const struct params *p = &t->model->params;
    uint64_t hash = 0xcbf29ce484222325;
    double *numbers = malloc(p->count_of_numbers * sizeof *numbers);
    if (!numbers) return 0;
    for (int i = 0; i < p->count; i++) {
        kn_read(p->be, numbers, params_at(p, p->w, i), p->list[i].size);
        const unsigned char *byte = (const unsigned char *)numbers;
        for (size_t k = 0; k < p->list[i].size * sizeof *numbers; k++)
            hash = (hash ^ byte[k]) * 0x100000001b3;
    }
    free(numbers);
    bool lost = false;
    return trainer_outlives(t, &lost, NULL) && lost ? trainer_hash(t) : hash;
}
