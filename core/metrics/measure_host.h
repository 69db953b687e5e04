#ifndef CORE_METRICS_MEASURE_HOST_H
#define CORE_METRICS_MEASURE_HOST_H
/* For measure.c and window.c only: the host copies of one layer's routing. */
#include "core/metrics/measure.h"
#include "core/router/host.h"

struct measure {
    float *real, *logits, *prob, *score, *gate, *side_gate,
        *nll; /* real: the memory; [T,N] each, [T,M], [T*items] */
    int32_t *whole, *mask, *valid, *document, *total,
        *hit; /* [T,N], [T], [T], [T] experts over the layers so far, [T*items] */
    double *wide, *metric, *state; /* [T,N] what a metric writes; the strategy's state */
};

/* Copies layer `layer` of the newest forward; valid until the next call. */
struct route_host measure_layer(struct measure *h, struct model *m, int layer);
#endif
