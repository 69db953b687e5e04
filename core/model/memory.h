#ifndef CORE_MODEL_MEMORY_H
#define CORE_MODEL_MEMORY_H
/* Activations in one allocation: whoever needs some asks twice, first to count, then to be given.
 * Between the two stands memory_open. Parts start at multiples of 64 bytes. */
#include "kernels/backend.h"

struct memory {
    struct kn_backend *be;
    struct kn_buf numbers; /* .at NULL while counting */
    struct kn_ints ints;
    size_t used, ints_used;
};

/* n numbers; {NULL} while counting. */
static inline struct kn_buf memory_take(struct memory *m, size_t n)
{
    size_t first = m->used;
    m->used += (n + 15) / 16 * 16;
    return m->numbers.at ? kn_part(m->be, m->numbers, first) : (struct kn_buf){0};
}

static inline struct kn_ints memory_take_ints(struct memory *m, size_t n)
{
    size_t first = m->ints_used;
    m->ints_used += (n + 15) / 16 * 16;
    return m->ints.at ? kn_part_ints(m->ints, first) : (struct kn_ints){0};
}

/* The counted memory, all 0; from here on memory_take gives it out again from the start. False:
 * none. */
static inline bool memory_open(struct memory *m)
{
    m->numbers = kn_alloc(m->be, m->used + 16);
    m->ints = kn_alloc_ints(m->be, m->ints_used + 16);
    m->used = m->ints_used = 0;
    return m->numbers.at && m->ints.at;
}

static inline void memory_close(struct memory *m) /* accepts a zeroed one */
{
    if (!m->be) return;
    kn_free(m->be, m->numbers);
    kn_free_ints(m->be, m->ints);
    m->numbers.at = m->ints.at = NULL;
}
#endif
