#ifndef CORE_ROUTER_ROUTE_MEMORY_H
#define CORE_ROUTER_ROUTE_MEMORY_H
/* Memory for one route on its own, outside a model. */
#include "core/router/router.h"

/* be, router, knob, T, D, E, S, N of *r are set, the rest is zeroed. D = 0: logits are given. Takes
 * all other arrays (with x, dx, w, dw only where D > 0) and fills parameters and state with zeros.
 * padding, counts, forced and document stay NULL. False: no memory, and *r is closed. */
bool route_memory_open(struct route *r);
/* accepts a zeroed one; also frees padding, counts and forced */
void route_memory_close(struct route *r);
/* After params[0] or any other has been written. */
void route_memory_repack(struct route *r);
#endif
