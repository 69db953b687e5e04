/* core/router/common.c - Parts that softmax routers share. */
#include "core/router/common.h"

const char *const common_drop_words[] = {"gates", "position", NULL};

void common_take_best(struct route *r, int k)
{
    kn_topk_mask(r->be, r->mask, route_order(r), k, (struct kn_ints){0}, r->valid, r->T, r->N);
}

void common_gate(struct route *r, bool renormalise)
{
    if (renormalise)
        kn_normalised_gate(r->be, r->gate, r->logits, route_sharpness(r), r->mask, r->T, r->N);
    else
        kn_masked_gate(r->be, r->gate, r->prob, r->mask, r->T, r->N);
}

void common_gate_back(struct route *r, bool renormalise)
{
    if (renormalise) {
        kn_normalised_gate_back(r->be, r->dlogits, r->dgate, r->gate, route_sharpness(r), r->mask,
                                r->T, r->N, false);
    } else {
        kn_zero(r->be, r->dlogits, (size_t)r->T * r->N);
        kn_masked_gate_back(r->be, r->dprob, r->dgate, r->mask, r->T, r->N, true);
    }
}

void common_gate_over(struct route *r, struct kn_buf seen, struct kn_ints taken)
{
    kn_normalised_gate(r->be, r->gate, seen, route_sharpness(r), taken, r->T, r->N);
}

void common_gate_over_back(struct route *r, struct kn_ints taken)
{
    kn_normalised_gate_back(r->be, r->dlogits, r->dgate, r->gate, route_sharpness(r), taken, r->T,
                            r->N, false);
}
