/* core/balance/picked.c - Asks for an even load on all columns, slots too, by probabilities among
 * the picks alone. Source: released code of Li et al. 2025, arXiv 2511.12609,
 * load_balancing_loss_func: shares of tokens, not of picks, so that the mean number of picks is the
 * value at balance. A strategy that asks for it leaves, before picks are dropped, N times each
 * column's share of the tokens in `load` and the softmax over each token's picks in `kept[0]`;
 * kept[1] is overwritten. */
#include "core/balance/pressure.h"

static double answer_weight(const struct route *r)
{
    return route_knob(r, "answer_weight", 1);
}

static void picked_loss(struct route *r, struct kn_buf to)
{
    kn_weigh_rows(r->be, r->kept[1], r->kept[0], r->answers, answer_weight(r), r->valid, r->T,
                  r->N);
    kn_column_loss(r->be, to, r->kept[1], r->load, r->valid, r->T, r->N);
}

static void picked_back(struct route *r, double coefficient)
{
    kn_zero(r->be, r->kept[1], (size_t)r->T * r->N);
    kn_column_loss_back(r->be, r->kept[1], coefficient, r->load, r->valid, r->T, r->N);
    kn_weigh_rows(r->be, r->kept[1], r->kept[1], r->answers, answer_weight(r), r->valid, r->T,
                  r->N);
    kn_softmax_rows_back(r->be, r->dlogits, r->kept[1], r->kept[0], 1, r->T, r->N, true);
}

const struct pressure pressure_picked = {
    .name = "picked",
    .title = "load balance among the picks",
    .paper = "Li et al. 2025, arXiv 2511.12609, released code",
    .formula = "N Σⱼ fⱼ P̄ⱼ;  f: share of the tokens that take j, P̄: mean softmax over the picks;  "
               "the mean count where even",
    .loss = picked_loss,
    .back = picked_back,
};
