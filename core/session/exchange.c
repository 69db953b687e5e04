/* core/session/exchange.c - The triple buffer. Writer and reader each own one slot; the third
 * changes hands by one atomic exchange, so neither ever waits or retries, and copies are plain. The
 * only atomics of the program. */
#include "core/session/exchange.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SLOT = 3, FRESH = 4 }; /* the waiting slot's number, and whether it has not been read */

struct exchange {
    struct snapshot slot[3];
    int writing, reading;
    atomic_int waiting;
};

struct exchange *exchange_open(struct err *e)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x) {
        err_set(e, ERR_MEMORY, "out of memory: three snapshots need %zu bytes", sizeof *x);
        return NULL;
    }
    x->writing = 0, x->reading = 1;
    atomic_init(&x->waiting, 2);
    return x;
}

void exchange_close(struct exchange *x)
{
    free(x);
}

/* Release: the copy is seen before the number. Acquire: what comes back is no longer being read. */
void exchange_put(struct exchange *x, const struct snapshot *s)
{
    x->slot[x->writing] = *s;
    x->writing =
        atomic_exchange_explicit(&x->waiting, x->writing | FRESH, memory_order_acq_rel) & SLOT;
}

bool exchange_take(struct exchange *x, struct snapshot *s)
{
    if (!(atomic_load_explicit(&x->waiting, memory_order_relaxed) & FRESH)) return false;
    x->reading = atomic_exchange_explicit(&x->waiting, x->reading, memory_order_acq_rel) & SLOT;
    *s = x->slot[x->reading];
    return true;
}
