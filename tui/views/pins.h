#ifndef TUI_VIEWS_PINS_H
#define TUI_VIEWS_PINS_H
/* Runs that were pinned, so that the next one can be seen beside them: curves in fewer points, with
 * what they were called. A face keeps them; they outlive the run. */
#include "core/base/text.h"
#include "tui/views/history.h"

enum { PINS_MOST = 4, PIN_POINTS = 512 };
struct pin {
    char label[96];
    int count;
    long step[PIN_POINTS];
    float line[HISTORY_LINES][PIN_POINTS];
};
struct pins {
    int count;
    struct pin pin[PINS_MOST];
};

/* The lines `pin [LABEL]`, `pins` and `unpin [N]`: false, it is none of them. *ok: it was done. */
bool pins_line(struct pins *p, int argc, char **argv, const struct snapshot *now,
               const struct history *past, struct text *out, bool *ok, struct err *e);
/* The last value of a pin's line; NaN where nothing was measured. */
double pins_last(const struct pin *p, enum history_line line);
#endif
