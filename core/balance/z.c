/* core/balance/z.c - Holds the logits small, where float32 is exact.
 * Source: Zoph et al. 2022, arXiv 2202.08906, eq 5. */
#include "core/balance/pressure.h"

static void z_loss(struct route *r, struct kn_buf to)
{
    kn_z_loss(r->be, to, r->logits, r->valid, r->T, r->N);
}

static void z_back(struct route *r, double coefficient)
{
    kn_z_loss_back(r->be, r->dlogits, coefficient, r->logits, r->valid, r->T, r->N);
}

const struct pressure pressure_z = {
    .name = "z",
    .title = "router z-loss",
    .paper = "Zoph et al. 2022, arXiv 2202.08906, eq 5",
    .formula = "mean over tokens of (ln Σₑ exp zₑ)²",
    .loss = z_loss,
    .back = z_back,
    .on_logits = true,
};
