/* core/balance/simplicity.c - Keeps the experts' direction vectors short.
 * Source: Guo et al. 2024, arXiv 2405.14297, and their code: the mean over all places. Depends on
 * the weights alone, so it is unknown where logits were given. */
#include "core/balance/pressure.h"

static void simplicity_loss(struct route *r, struct kn_buf to)
{
    if (r->x.at)
        kn_length_loss(r->be, to, r->param[0], r->N, r->D);
    else
        kn_fill(r->be, to, NAN, 1);
}

static void simplicity_back(struct route *r, double coefficient)
{
    if (r->dparam[0].at)
        kn_length_loss_back(r->be, r->dparam[0], coefficient, r->param[0], r->N, r->D);
}

const struct pressure pressure_simplicity = {
    .name = "simplicity",
    .title = "short directions",
    .paper = "Guo et al. 2024, arXiv 2405.14297",
    .formula = "mean over experts of ‖wₑ‖",
    .loss = simplicity_loss,
    .back = simplicity_back,
};
