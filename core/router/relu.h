#ifndef CORE_ROUTER_RELU_H
#define CORE_ROUTER_RELU_H
/* What routers share whose experts are on where their logit is positive: score = relu(logits), and
 * the controller of the price of its L1. */
#include "core/router/common.h"

enum relu_norm { RELU_RMS, RELU_NONE, RELU_SUM }; /* values of the knob `norm` */
/* Their first kept array: four numbers and more, for after_step. */
enum { RELU_NUMBERS };
enum relu_number { RELU_ACTIVE, RELU_CHUNK, RELU_ONE };
#define KEPT_NUMBERS                                                                               \
    {                                                                                              \
        .name = "numbers", .shape = { DIM_4 }                                                      \
    }

/* What a run sees that comes from another strategy. */
#define RELU_ARRIVAL                                                                               \
    "about half of the experts come on now; the price then needs some 100 steps to take hold"

#define RELU_LAMBDA0 1e-8
#define RELU_ALPHA 1.2
#define RELU_LAMBDA_MIN 1e-12
#define RELU_LAMBDA_MAX 1e2

void relu_score(struct route *r);  /* score = relu(logits) */
void relu_select(struct route *r); /* mask = score > 0 */
/* dlogits, the gradient into score, becomes that into logits */
void relu_backward(struct route *r);
struct kn_buf relu_number(const struct route *r, enum relu_number which);
/* For after_step, which comes to the layers in order: is this the last one? */
bool relu_last(const struct route *r);
/* The mean over all layers of how many experts a token has on: a number on the backend.
 * NaN where there was no token. Called on the last layer. */
struct kn_buf relu_active(struct route *r);
/* Moves the price of the L1 (state `at` of every layer, all alike): up by alpha while more than
 * `target` experts are on, else down. held > 0: the price is that. */
void relu_control(struct route *r, int at, struct kn_buf active, double target, double alpha,
                  double held);
/* State `at` of the last layer becomes that of all layers. */
void relu_spread(const struct route *r, int at);

/* Share of the valid tokens' experts that are off; NaN without a token. */
double relu_sparsity(const struct route_host *h);
#endif
