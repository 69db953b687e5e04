#ifndef CORE_METRICS_SNAP_KEPT_H
#define CORE_METRICS_SNAP_KEPT_H
/* Runs that were kept under a name, to be compared with later ones: every field as it was then. */
#include "core/router/router.h"

enum { SNAP_KEPT = 8, SNAP_FIELDS = 64 };
struct snap_kept {
    char name[16];  /* "" none */
    char label[64]; /* data and strategy, as people read them */
    long step;
    const struct router *router;
    double field[SNAP_FIELDS]; /* in the order of fields.c */
    double rule[ROUTER_METRICS], losses[ROUTER_LOSSES];
};
#endif
