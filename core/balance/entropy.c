/* core/balance/entropy.c - Makes an undecided router pay, so that easy tokens stop at one expert.
 * Source: Huang et al. 2024, arXiv 2403.07652, eq 6; without the 1e-5 that one port adds inside the
 * logarithm. All slots count as one outcome: which of them is taken makes no difference to the
 * output's cost. */
#include "core/balance/pressure.h"

static void entropy_loss(struct route *r, struct kn_buf to)
{
    kn_entropy_loss(r->be, to, r->prob, r->valid, r->T, r->N, r->E);
}

static void entropy_back(struct route *r, double coefficient)
{
    kn_entropy_loss_back(r->be, r->dprob, coefficient, r->prob, r->valid, r->T, r->N, r->E);
}

const struct pressure pressure_entropy = {
    .name = "entropy",
    .title = "router entropy",
    .paper = "Huang et al. 2024, arXiv 2403.07652, eq 6",
    .formula = "mean over tokens of − Σₑ Pₑ ln Pₑ",
    .loss = entropy_loss,
    .back = entropy_back,
};
