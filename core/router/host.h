#ifndef CORE_ROUTER_HOST_H
#define CORE_ROUTER_HOST_H
/* One layer's routing of one batch as it lies on the host, for metrics and pictures, and what can
 * be told of the picks of any strategy. Means are over valid tokens; NaN where there is none. */
#include "core/router/router.h"

/* T rows from the first. */
struct route_host {
    const struct router *router;
    const double *knob;
    int T, E, N, M;
    const float *logits, *prob, *score, *gate, *side_gate;
    const int32_t *mask, *valid, *document; /* document may be NULL: no order */
    const double *state[ROUTER_ARRAYS];
    double look[COLUMNS_MAX]; /* of router->look */
};

/* Of token t: its picks in columns first..last-1; the probability of its picks; the entropy of all
 * its probabilities, in nat. */
int host_picks(const struct route_host *h, int t, int first, int last);
double host_mass(const struct route_host *h, int t);
double host_entropy(const struct route_host *h, int t);
/* Is token t's one pick a renormalised one? Its gate is then 1 whatever the logits are. */
bool host_lone_pick(const struct route_host *h, int t, bool renormalise);

int host_tokens(const struct route_host *h);                 /* valid ones */
double host_column_picks(const struct route_host *h, int j); /* tokens that took column j */
/* What part of all picks columns first..last-1 have. */
double host_share(const struct route_host *h, int first, int last);
double host_mean(const struct route_host *h, double (*of)(const struct route_host *h, int t));
/* to[j] = the mean of x[t * stride + j], for j below n. */
void host_column_mean(const struct route_host *h, const float *x, int stride, int n, double *to);
double host_gate_sum(const struct route_host *h); /* mean sum of a token's gates */
/* Share of tokens that teach the router nothing through the task. */
double host_blind_share(const struct route_host *h);
#endif
