/* core/balance/efficiency.c - A pick costs something, whoever is picked.
 * Source: the code of Guo et al. 2024, arXiv 2405.14297. */
#include "core/balance/pressure.h"

static void efficiency_loss(struct route *r, struct kn_buf to)
{
    kn_taken_loss(r->be, to, r->mask, r->valid, r->T, r->N);
}

static void efficiency_back(struct route *r, double coefficient)
{
    kn_taken_loss_back(r->be, r->dprob, coefficient, r->valid, r->T, r->N);
}

const struct pressure pressure_efficiency = {
    .name = "efficiency",
    .title = "few picks",
    .paper = "Guo et al. 2024, arXiv 2405.14297",
    .formula = "mean over tokens and experts of b;  b: 1 where taken",
    .estimated = true,
    .loss = efficiency_loss,
    .back = efficiency_back,
};
