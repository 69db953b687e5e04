#ifndef TUI_EXPORT_SHAPE_H
#define TUI_EXPORT_SHAPE_H
/* Characters that are drawings: lines of boxes, blocks, braille. As rectangles and dots in a cell
 * of 1 x 1. */
#include <stdbool.h>
#include <stdint.h>

struct shape {
    double x, y, w, h;
    bool round; /* a dot that fills the width of the rectangle */
};
enum { SHAPES_MOST = 8 };
/* How many shapes make the character; -1: it is a letter. */
int shape_of(uint32_t c, struct shape to[SHAPES_MOST]);
#endif
