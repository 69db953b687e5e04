#ifndef TUI_DRAW_HEAT_H
#define TUI_DRAW_HEAT_H
/* Numbers as background colours, dark to light. The number is always written too. */
#include "tui/screen/canvas.h"

/* The ramp's colour of `share` (held in 0..1); NaN: dim text without a background. */
enum ink heat_ink(double share);
/* A number of experts: 0 1 2 3 4 5+ have a colour each; with more than 16 experts a colour spans
 * E/8. */
enum ink heat_count(int count, int E);
/* A load, where 1 is fair: up to 0.25, 0.75, 1.25, 1.75, 2.5, above. */
enum ink heat_load(double load);
/* What the colours of heat_count and heat_load mean, from (x, y) on, where there is room; returns
 * the column behind. */
int heat_count_key(struct canvas *c, int x, int y, int E, const char *unit);
int heat_load_key(struct canvas *c, int x, int y);
#endif
