/* core/balance/l1.c - Makes every positive gate pay, so that fewer are; those of busy experts pay
 * more (knob `balanced`, on where there is none), and an even load costs least.
 * Source: Wang et al. 2024, arXiv 2412.14711; the mean over layers, where its code takes the sum:
 * the price adapts to it. */
#include "core/balance/pressure.h"

/* f is this times the share of tokens that an expert is on for; 0: f is 1. */
static double balance(const struct route *r)
{
    double target = route_knob(r, "target", 0);
    return target > 0 && route_knob(r, "balanced", 1) != 0 ? r->E / target : 0;
}

static void l1_loss(struct route *r, struct kn_buf to)
{
    kn_l1_loss(r->be, to, r->score, balance(r), r->valid, r->T, r->N);
}

/* Without a target there is nobody who would turn its price. */
static void l1_back(struct route *r, double coefficient)
{
    if (route_knob(r, "target", 0) <= 0) return;
    kn_l1_loss_back(r->be, r->dlogits, coefficient, r->factor, r->score, balance(r), r->valid, r->T,
                    r->N);
}

const struct pressure pressure_l1 = {
    .name = "l1",
    .title = "L1 on the gates",
    .paper = "Wang et al. 2024, arXiv 2412.14711",
    .formula = "Σₑ fₑ · mean over tokens of relu(zₑ);  f = E nₑ / (k T)",
    .loss = l1_loss,
    .back = l1_back,
};
