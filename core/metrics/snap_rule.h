#ifndef CORE_METRICS_SNAP_RULE_H
#define CORE_METRICS_SNAP_RULE_H
/* What the strategy says of its own beyond numbers of a step: what its losses weigh now, and its
 * metrics by expert and by token in the one layer that is looked at, of the window. Plain data;
 * what was not measured is NaN. */
#include "core/router/router.h"

enum { SNAP_CELLS = 8192 }; /* as many as a token's scores: SNAP_DETAIL */

struct snap_rule {
    /* What each loss is multiplied by, in the strategy's order; NaN: no knob and no state says. */
    double weight[ROUTER_LOSSES];
    float column[ROUTER_METRICS][COLUMNS_MAX]; /* metrics per expert or column */
    int cells;                                 /* which metric per token and column; -1: none */
    float cell[SNAP_CELLS];                    /* [detail, N], of that metric */
};

void snap_rule_forget(struct snap_rule *to); /* nothing was measured */
#endif
