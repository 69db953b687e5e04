#ifndef CORE_METRICS_SNAP_OWN_H
#define CORE_METRICS_SNAP_OWN_H
/* What a person typed in place of the standing window (`try`), and what the model writes behind it
 * (`write`). Part of the snapshot: plain data. */
#include <stdbool.h>

struct snap_own {
    bool on;     /* the window shows it */
    int typed;   /* bytes that were typed, or item types of an order */
    int written; /* bytes that the model wrote behind them so far */
    int left;    /* bytes it is still to write */
    int first;   /* number of the byte that the window begins with */
};
#endif
