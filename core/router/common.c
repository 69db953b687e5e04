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

bool common_lone_pick(const struct route_host *h, int t, bool renormalise)
{
    int picks = 0;
    float gate = 0;
    for (int j = 0; j < h->N; j++) {
        picks += h->mask[(size_t)t * h->N + j];
        gate += h->gate[(size_t)t * h->N + j];
    }
    /* a pick whose companions were dropped keeps the gate it had beside them, below 1 */
    return renormalise && picks == 1 && gate == 1;
}
