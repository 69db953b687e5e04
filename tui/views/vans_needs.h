#ifndef TUI_VIEWS_VANS_NEEDS_H
#define TUI_VIEWS_VANS_NEEDS_H
/* A part of the view `vans`: how many experts the window's tokens of each need got, as a table. */
#include "tui/views/view.h"

/* Fits itself to the canvas; returns the rows it took, 0 where there is no room or nothing known. */
int vans_needs_draw(struct canvas *to, const struct scene *s);
void vans_needs_tell(struct text *to, const struct scene *s);
#endif
