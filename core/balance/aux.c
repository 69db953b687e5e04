/* core/balance/aux.c - Asks for an even load: experts with many tokens get less probability.
 * Source: Fedus et al. 2021, arXiv 2101.03961, eq 4, with the fractions f over all assignments, as
 * Megatron does, so that 1 means even whatever the number of experts per token. f is a constant;
 * the gradient flows through P. A strategy with slots has an f of its own (router.load). */
#include "core/balance/pressure.h"

static void aux_loss(struct route *r, struct kn_buf to)
{
    kn_column_loss(r->be, to, r->prob, r->load, r->valid, r->T, r->N);
}

static void aux_back(struct route *r, double coefficient)
{
    kn_column_loss_back(r->be, r->dprob, coefficient, r->load, r->valid, r->T, r->N);
}

const struct pressure pressure_aux = {
    .name = "aux",
    .title = "load balance",
    .paper = "Fedus et al. 2021, arXiv 2101.03961, eq 4",
    .formula = "E Σₑ fₑ Pₑ;  f: share of the picks, P: mean probability;  1 where even; with "
               "slots: the strategy's own f",
    .loss = aux_loss,
    .back = aux_back,
};
