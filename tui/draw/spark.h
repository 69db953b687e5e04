#ifndef TUI_DRAW_SPARK_H
#define TUI_DRAW_SPARK_H
/* Series of numbers as small pictures: braille dots, blocks or ASCII, by the canvas's charset. NaN
 * leaves a gap. */
#include "tui/screen/canvas.h"

/* Values that fit side by side in `width` columns: two a column in braille, else one. */
int spark_values(const struct canvas *c, int width);
/* One line high, filled from below, lowest to highest value of the n given; the newest at the right
 * end. */
void spark_draw(struct canvas *c, int x, int y, int width, const float *value, int n, enum ink ink);
/* One column that is `share` (0..1) full. */
void spark_cell(struct canvas *c, int x, int y, double share, enum ink ink);
/* A curve over the whole canvas: n = spark_values(c, c->width) values from left to right, between
 * low and high. */
void spark_plot(struct canvas *c, const float *value, int n, double low, double high, enum ink ink);
#endif
