#ifndef CORE_TRAIN_OPTIMIZER_H
#define CORE_TRAIN_OPTIMIZER_H
/* AdamW over the parameter table, and the watch over what goes into it and comes out.
 * Sources: Kingma & Ba 2014, arXiv 1412.6980; Loshchilov & Hutter 2017, arXiv 1711.05101. */
#include "core/model/config.h"
#include "core/model/params.h"

struct optimizer {
    struct kn_backend *be;
    struct kn_buf sums, factor; /* [OPTIMIZER_TOLD], [1] */
    double sum[KN_TOLD];        /* as the newest heard step told them */
    long updates;               /* made so far: the moments' bias correction */
};
enum {
    OPTIMIZER_LOSS,
    OPTIMIZER_G,
    OPTIMIZER_W,
    OPTIMIZER_M,
    OPTIMIZER_V,
    OPTIMIZER_SUMS,
    OPTIMIZER_ROUTED = OPTIMIZER_SUMS, /* NaN where a router's logit was not finite */
    OPTIMIZER_FINE,                    /* NaN where anything was not: there is no update */
    OPTIMIZER_TOLD
};

bool optimizer_open(struct optimizer *o, struct kn_backend *be, struct err *e);
void optimizer_close(struct optimizer *o); /* accepts a zeroed one */

/* Asks for the sums of squares of gradients, weights and moments beside the loss and bad[bads], tells
 * them, and has `factor`: what gradients are multiplied by, NaN where anything is not finite. */
void optimizer_sums(struct optimizer *o, const struct params *p, struct kn_buf loss,
                    struct kn_ints bad, int bads, double clip);
/* The oldest sums that were told and not heard, in o->sum; as kn_hear. */
bool optimizer_hear(struct optimizer *o, bool wait);
/* Are weights and moments finite? Waits. */
bool optimizer_sound(struct optimizer *o, const struct params *p);
/* Does nothing where the factor is NaN, but that the gradients become 0. */
void optimizer_update(struct optimizer *o, struct params *p, double lr, double decay);

/* Learning rate of a step counted from 0: up over `warmup`, then along a cosine to 10 % at `steps`,
 * or by `done` (0..1) where that is not negative. */
double optimizer_rate(const struct config *c, long step, double done);
#endif
