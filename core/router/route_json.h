#ifndef CORE_ROUTER_ROUTE_JSON_H
#define CORE_ROUTER_ROUTE_JSON_H
/* The `route` command without its files: router inputs as one JSON object through one strategy,
 * forward and backward. in:  strategy, knobs, base, training; logits [T,N] | x [T,D] and params;
 * state, counts, seed, valid, grad_gates, grad_losses out: mask, gates, scores, chosen (columns in
 * falling order of score), experts, zero_compute, losses (unweighted), metrics, grad (of sum(gates
 * * grad_gates)), loss_grad, state; warning where the knobs deserve one */
#include "core/base/err.h"
#include "core/base/text.h"
#include "kernels/backend.h"

/* Adds one line of JSON (no newline) to `out`. Numbers have 15 digits where `be` is exact, else 9;
 * what is not known is null. False: `out` is as it was, e names the key, and *where (may be NULL) is
 * the byte of `json` that is wrong. */
bool route_json(const char *json, size_t size, struct kn_backend *be, struct text *out,
                size_t *where, struct err *e);
#endif
