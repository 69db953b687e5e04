#ifndef TUI_VIEWS_CURVES_AXIS_H
#define TUI_VIEWS_CURVES_AXIS_H
/* What the curves stand on: steps along the screen, the axis, and below it what was changed, what
 * is to be expected of it, and which runs are pinned. */
#include "tui/views/view.h"

/* Where steps lie on the screen: the run's and the pinned ones' together. */
struct curves_ruler {
    struct history_axis over;
    int x, width;
};
struct curves_ruler curves_ruler(const struct scene *s, int x, int width);
int curves_column(const struct curves_ruler *r, long step); /* -1: beyond its ends */

/* What to expect of the strategy that came with the newest mark; NULL: nothing out of the way. */
const char *curves_arrival(const struct history *h);

/* What stands below the axis. */
struct curves_foot {
    int marks, arrival, pins; /* rows */
};
struct curves_foot curves_foot_rows(const struct scene *s, int width, int height);
void curves_axis(struct canvas *to, const struct history *h, const struct curves_ruler *r);
void curves_foot(struct canvas *to, const struct scene *s, const struct curves_ruler *r,
                 const struct curves_foot *f);
#endif
