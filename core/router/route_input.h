#ifndef CORE_ROUTER_ROUTE_INPUT_H
#define CORE_ROUTER_ROUTE_INPUT_H
/* The JSON object that `route` takes, checked: nothing in it is trusted. */
#include "core/router/router.h"
#include <jansson.h>

struct route_input {
    json_t *root;
    const struct router *router;
    double knob[ROUTER_KNOBS];
    int T, D, E, S, N; /* D = 0: logits were given */
    bool training;
    bool later;                   /* not the first layer: there are logits before it */
    bool gates, losses;           /* gradients are asked for: of gates, of losses */
    double weight[ROUTER_LOSSES]; /* of grad_losses */
    char warning[240];            /* of the knobs; "" none */
    bool broken;                  /* it is no JSON, from the byte broken_at on */
    size_t broken_at;
};

/* False (ERR_INPUT): e names the key, and says what would be right. Close it in either case. */
bool route_input_open(struct route_input *in, const char *json, size_t size, struct err *e);
/* In route_arrays.c: the arrays into an opened route (route_memory.h) of these sizes; takes padding
 * and counts where given. */
bool route_input_fill(const struct route_input *in, struct route *r, struct err *e);
void route_input_close(struct route_input *in);
#endif
