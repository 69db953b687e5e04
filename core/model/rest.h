#ifndef CORE_MODEL_REST_H
#define CORE_MODEL_REST_H
/* Experts that do not learn: their gradients count for nothing, and an update leaves their weights,
 * moments and state as they were, bit by bit (an optimiser moves also what has no gradient, by its
 * momentum and by decay). Of frozen experts that is what they compute; of those that are off, also
 * their part of the router. */
#include "core/model/model.h"

struct rest_part {
    struct kn_buf at; /* in the model */
    size_t n;
    bool gradient; /* it is one: zeroed instead of kept */
};
struct rest {
    struct rest_part *part;
    int parts, room;
    struct kn_backend *be;
    struct kn_buf kept;
};

/* An array with a row a column: it belongs to the experts one by one. */
bool rest_by_column(const struct router_array *a);
/* What rests in this model by its config's fleet, with memory to keep it. */
bool rest_open(struct rest *r, struct model *m, struct err *e);
void rest_close(struct rest *r);                           /* accepts a zeroed one */
void rest_gradient(const struct rest *r, struct model *m); /* before gradients are summed */
void rest_keep(const struct rest *r, struct model *m);     /* before the update */
void rest_back(const struct rest *r, struct model *m); /* after it, before weights are repacked */
#endif
