#ifndef TUI_DRAW_BARS_H
#define TUI_DRAW_BARS_H
/* Lengths that stand for numbers. NaN draws nothing. */
#include "tui/screen/canvas.h"

/* A bar of `share` (held in 0..1) of `width` columns, to an eighth of a column; what is above 0
 * shows at least a sliver. */
void bar_draw(struct canvas *c, int x, int y, int width, double share, enum ink ink);
/* A slider of `width` columns with its knob at `place` 0..1. */
void bar_slider(struct canvas *c, int x, int y, int width, double place, enum ink ink);
#endif
