/* core/balance/chunk.c - Asks the tokens of a chunk to share few experts: a device that works on
 * them together must load every expert that any of them takes.
 * Source: Song et al. 2025, arXiv 2507.08771, chunk sparsification loss, as its code has it: shares
 * of the values behind the RMS norm. */
#include "core/balance/pressure.h"
#include "core/router/relu.h"

static bool rms(const struct route *r)
{
    return route_knob(r, "norm", RELU_RMS) == RELU_RMS;
}

static int length(const struct route *r)
{
    return (int)route_knob(r, "length", 1);
}

static void chunk_loss(struct route *r, struct kn_buf to)
{
    kn_chunk_loss(r->be, to, r->score, rms(r), length(r), r->document, r->valid, r->T, r->N);
}

static void chunk_back(struct route *r, double coefficient)
{
    kn_chunk_loss_back(r->be, r->dlogits, coefficient, r->factor, r->score, rms(r), length(r),
                       r->document, r->valid, r->T, r->N);
}

const struct pressure pressure_chunk = {
    .name = "chunk",
    .title = "chunk sparsification",
    .paper = "Song et al. 2025, arXiv 2507.08771",
    .formula = "mean over chunks and experts of 1 − Πₜ (1 − pₜₑ);  p = a / Σ a",
    .needs = NEEDS_SEQUENCES,
    .loss = chunk_loss,
    .back = chunk_back,
};
