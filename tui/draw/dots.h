#ifndef TUI_DRAW_DOTS_H
#define TUI_DRAW_DOTS_H
/* Points in a plane and lines between them: braille dots that join in a cell, or one mark a cell
 * where there are none. */
#include "tui/screen/canvas.h"

/* x and y are 0..1 across the canvas, y upwards; outside (and NaN) nothing is drawn. */
void dots_line(struct canvas *c, double x0, double y0, double x1, double y1, enum ink ink);
/* The cell that a point falls into; false: outside. */
bool dots_cell(const struct canvas *c, double x, double y, int *column, int *row);
#endif
