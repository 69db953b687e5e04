/* core/balance/diversity.c - Turns the directions of experts away from each other.
 * Source: Guo et al. 2024, arXiv 2405.14297, and their DeepSpeed code: cosines, of active experts
 * only; the paper writes the products themselves. Depends on the weights alone, so it is unknown
 * where logits were given. */
#include "core/balance/pressure.h"

#include <string.h>

/* The 0/1 of places, where the strategy keeps one. */
static struct kn_buf active(const struct route *r)
{
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        if (strcmp(r->router->state[i].name, "active") == 0) return r->state[i];
    return (struct kn_buf){0};
}

static void diversity_loss(struct route *r, struct kn_buf to)
{
    if (r->x.at)
        kn_overlap_loss(r->be, to, r->param[0], active(r), r->N, r->D);
    else
        kn_fill(r->be, to, NAN, 1);
}

static void diversity_back(struct route *r, double coefficient)
{
    if (r->dparam[0].at)
        kn_overlap_loss_back(r->be, r->dparam[0], coefficient, r->param[0], active(r), r->N, r->D);
}

const struct pressure pressure_diversity = {
    .name = "diversity",
    .title = "directions apart",
    .paper = "Guo et al. 2024, arXiv 2405.14297",
    .formula = "‖cos(W, W) − I‖ over the active experts",
    .loss = diversity_loss,
    .back = diversity_back,
};
