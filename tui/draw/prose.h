#ifndef TUI_DRAW_PROSE_H
#define TUI_DRAW_PROSE_H
/* Sentences in a column. */
#include "tui/screen/canvas.h"

/* Wraps `utf8` between words into lines of `width` columns from (x, y) on, at most `height` of them
 * after leaving out the first `skip`; '\n' ends a line. What is cut off ends in `…`. Returns the
 * lines of the whole text. */
int prose_draw(struct canvas *c, int x, int y, int width, int height, int skip, enum ink ink,
               const char *utf8);
/* The same without drawing. */
int prose_lines(int width, const char *utf8);
/* A formula: where a line of `width` would end inside a clause, it ends at the double blank before
 * it. */
void prose_clauses(struct text *to, int width, const char *utf8);
#endif
