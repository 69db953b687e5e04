#ifndef TUI_VIEWS_HISTORY_H
#define TUI_VIEWS_HISTORY_H
/* What the curves show: points from snapshots, kept at even spacing over the whole run in fixed
 * memory (when full, every second point goes). */
#include "core/metrics/snapshot.h"

enum { HISTORY_POINTS = 2048, HISTORY_LINES = 4 };
enum history_line { HISTORY_LOSS, HISTORY_ACCURACY, HISTORY_EXPERTS, HISTORY_SPEED };
struct history {
    int count, every, skip; /* points; keep one snapshot in `every` */
    long step[HISTORY_POINTS];
    float line[HISTORY_LINES][HISTORY_POINTS];
    int marks;
    struct snap_mark mark[64]; /* what changed, oldest first */
};
/* a step before the last one: a new run, starts over */
void history_add(struct history *h, const struct snapshot *s);
#endif
