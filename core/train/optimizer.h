#ifndef CORE_TRAIN_OPTIMIZER_H
#define CORE_TRAIN_OPTIMIZER_H
/* AdamW over the parameter table, and the watch over what goes into it and comes out.
 * Sources: Kingma & Ba 2014, arXiv 1412.6980; Loshchilov & Hutter 2017, arXiv 1711.05101. */
#include "core/model/config.h"
#include "core/model/params.h"

struct optimizer {
    struct kn_backend *be;
    struct kn_buf sums, factor; /* [OPTIMIZER_SUMS], [1] */
    double sum[6];              /* as optimizer_finite read them */
    long updates;               /* made so far: the moments' bias correction */
};
enum { OPTIMIZER_LOSS, OPTIMIZER_G, OPTIMIZER_W, OPTIMIZER_M, OPTIMIZER_V, OPTIMIZER_SUMS };

bool optimizer_open(struct optimizer *o, struct kn_backend *be, struct err *e);
void optimizer_close(struct optimizer *o); /* accepts a zeroed one */

/* Queues the sums of squares of gradients, weights and moments beside the loss, and the clipping
 * factor. */
void optimizer_sums(struct optimizer *o, const struct params *p, struct kn_buf loss, double clip);
/* Reads them (waits for the step): false where the loss or anything in the table is not finite. */
bool optimizer_finite(struct optimizer *o, double *loss, double *grad_norm);
void optimizer_update(struct optimizer *o, struct params *p, double lr,
                      double decay); /* gradients become 0 */

/* Learning rate of a step counted from 0: up over `warmup`, then along a cosine to 10 % at `steps`,
 * or by `done` (0..1) where that is not negative. */
double optimizer_rate(const struct config *c, long step, double done);
#endif
