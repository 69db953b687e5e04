#ifndef TUI_VIEWS_HISTORY_H
#define TUI_VIEWS_HISTORY_H
/* What the curves show: points from snapshots, kept at even spacing over the whole run in fixed
 * memory (when full, every second point goes). */
#include "core/metrics/snapshot.h"

enum { HISTORY_POINTS = 2048, HISTORY_LINES = 4 /* of the curves */, HISTORY_PIXELS = 1024 };
enum history_line {
    HISTORY_LOSS,
    HISTORY_ACCURACY,
    HISTORY_EXPERTS,
    HISTORY_SPEED,
    HISTORY_BUSIEST, /* load_max_over_mean */
    HISTORY_KEPT
};
struct history {
    int model;              /* of the snapshots */
    int count, every, skip; /* points; keep one snapshot in `every` */
    long step[HISTORY_POINTS];
    float line[HISTORY_KEPT][HISTORY_POINTS];
    /* The strategy's scalars in its order; NaN before step `came`, when it came. */
    const struct router *router;
    long came;
    float rule[ROUTER_METRICS][HISTORY_POINTS];
    int marks;
    struct snap_mark mark[64]; /* what changed, oldest first */
};
/* Another model, or step 0: starts over. A step before the last one: what is later goes. */
void history_add(struct history *h, const struct snapshot *s);

/* The steps from the first point to the last; of two at least one step apart. */
struct history_axis {
    double from, to;
};
struct history_axis history_axis(const struct history *h);
struct history_axis history_since(const struct history *h); /* from `came` on */
/* Points of one line, as n <= HISTORY_PIXELS values over an axis: the mean of the points in each
 * pixel; between points that lie farther apart, the line from one to the next; NaN beyond them.
 * `logarithm`: of log10, without what is not above 0. */
struct history_points {
    const long *step;
    const float *at;
    int count;
};
void history_values(float *to, int n, struct history_axis over, struct history_points line,
                    bool logarithm);
#endif
