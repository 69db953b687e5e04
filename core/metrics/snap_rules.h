#ifndef CORE_METRICS_SNAP_RULES_H
#define CORE_METRICS_SNAP_RULES_H
/* What a class's rules lock, so that faces offer what can be had: a bit each, in the order of the
 * running strategy's knobs and of the table of strategies. */
struct snap_rules {
    unsigned knobs, strategies;
};
#endif
