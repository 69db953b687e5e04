/* core/balance/over.c - A price on how far tokens clear the bars of experts: it lowers scores and
 * raises bars until only those picks stay that pay. Ours; in no paper. The gradient is exact. */
#include "core/balance/pressure.h"

static void over_loss(struct route *r, struct kn_buf to)
{
    struct kn_over bars = r->router->bars(r);
    kn_over_loss(r->be, to, r->logits, &bars, r->valid, r->T, r->N);
}

static void over_back(struct route *r, double coefficient)
{
    struct kn_over bars = r->router->bars(r);
    kn_over_loss_back(r->be, r->dprob, coefficient, r->logits, &bars, r->valid, r->T, r->N);
}

const struct pressure pressure_over = {
    .name = "count",
    .title = "price on clearing a bar",
    .paper = "ours",
    .formula = "mean over tokens of Σₑ max(sₑ − θₑ, 0)",
    .loss = over_loss,
    .back = over_back,
};
