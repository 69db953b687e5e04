/* core/balance/locality.c - Asks a token for the experts of its neighbour. It works on the logits
 * before the ReLU, so that it also wakes experts that are off.
 * Source: Song et al. 2025, arXiv 2507.08771, activation locality loss. */
#include "core/balance/pressure.h"

static double sharpness(const struct route *r)
{
    return route_knob(r, "sharpness", 1);
}

static void locality_loss(struct route *r, struct kn_buf to)
{
    kn_locality_loss(r->be, to, r->logits, sharpness(r), r->document, r->valid, r->T, r->N);
}

static void locality_back(struct route *r, double coefficient)
{
    kn_locality_loss_back(r->be, r->dlogits, coefficient, r->factor, r->logits, sharpness(r),
                          r->document, r->valid, r->T, r->N);
}

const struct pressure pressure_locality = {
    .name = "locality",
    .title = "activation locality",
    .paper = "Song et al. 2025, arXiv 2507.08771",
    .formula = "mean of BCE(σ(α zₜ₋₁), σ(α zₜ)) over neighbours and experts",
    .needs = NEEDS_SEQUENCES,
    .loss = locality_loss,
    .back = locality_back,
};
