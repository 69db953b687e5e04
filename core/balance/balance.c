/* core/balance/balance.c - An even load for routers whose picks are 0 or 1 with equal shares.
 * Source: the code of Guo et al. 2024, arXiv 2405.14297: over tokens with an expert; the gradient
 * passes the shares, and through them the picks. */
#include "core/balance/pressure.h"

static void balance_loss(struct route *r, struct kn_buf to)
{
    kn_share_loss(r->be, to, r->mask, r->T, r->N);
}

static void balance_back(struct route *r, double coefficient)
{
    kn_share_loss_back(r->be, r->dprob, coefficient, r->mask, r->T, r->N);
}

const struct pressure pressure_balance = {
    .name = "balance",
    .title = "even shares",
    .paper = "Guo et al. 2024, arXiv 2405.14297",
    .formula = "E Σₑ mean(bₑ/K) mean(bₑ);  b: 1 where taken;  K where even",
    .estimated = true,
    .loss = balance_loss,
    .back = balance_back,
};
