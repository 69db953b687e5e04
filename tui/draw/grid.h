#ifndef TUI_DRAW_GRID_H
#define TUI_DRAW_GRID_H
/* Lines that hold panels together. */
#include "tui/screen/canvas.h"

/* A level rule of `width` columns with its two ends, e.g. "┌", "┐". */
void grid_level(struct canvas *c, int x, int y, int width, const char *left, const char *right);
void grid_upright(struct canvas *c, int x, int y, int height);
/* A title set into a rule: " title " from x on, at most `room` columns. Returns the column behind.
 */
int grid_title(struct canvas *c, int x, int y, int room, enum ink ink, const char *title);
#endif
