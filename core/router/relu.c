/* core/router/relu.c - Parts of ReLU routers. The controller is that of Wang et al. 2024, arXiv
 * 2412.14711, with bounds, without which a long dense spell would drive its price to 0 or infinity
 * in float32. */
#include "core/router/relu.h"

void relu_score(struct route *r)
{
    kn_relu(r->be, r->score, r->logits, (size_t)r->T * r->N);
}

void relu_select(struct route *r)
{
    kn_positive_mask(r->be, r->mask, r->score, r->valid, r->T, r->N);
}

void relu_backward(struct route *r)
{
    kn_relu_back(r->be, r->dlogits, r->dlogits, r->score, (size_t)r->T * r->N, false);
}

struct kn_buf relu_number(const struct route *r, enum relu_number which)
{
    return kn_part(r->be, r->kept[RELU_NUMBERS], (size_t)which);
}

bool relu_last(const struct route *r)
{
    return r->layer + 1 == r->layers;
}

struct kn_buf relu_active(struct route *r)
{
    struct kn_buf active = relu_number(r, RELU_ACTIVE), layer = relu_number(r, RELU_ONE);
    kn_zero(r->be, active, 1);
    for (const struct route *p = r; p; p = p->before) {
        kn_positive_mean(r->be, layer, p->score, p->valid, p->T, p->N);
        kn_accumulate(r->be, active, 1.0 / r->layers, layer, 1);
    }
    return active;
}

void relu_control(struct route *r, int at, struct kn_buf active, double target, double alpha,
                  double held)
{
    kn_toggle(r->be, r->state[at], active, target, alpha, held > 0 ? held : RELU_LAMBDA_MIN,
              held > 0 ? held : RELU_LAMBDA_MAX);
    relu_spread(r, at);
}

void relu_spread(const struct route *r, int at)
{
    int size = router_array_size(&r->router->state[at], r->E, r->S, r->D);
    for (const struct route *p = r->before; p; p = p->before)
        kn_copy(r->be, p->state[at], r->state[at], (size_t)size);
}

double relu_sparsity(const struct route_host *h)
{
    double on = 0, all = 0;
    for (int t = 0; t < h->T; t++) {
        if (!h->valid[t]) continue;
        on += host_picks(h, t, 0, h->N);
        all += h->N;
    }
    return all > 0 ? 1 - on / all : NAN;
}
