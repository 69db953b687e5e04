#ifndef TUI_VIEWS_FOOTER_H
#define TUI_VIEWS_FOOTER_H
/* The last line: the keys that do something now, each with a word; every one can be clicked. */
#include "tui/views/view.h"

/* Draws as many as fit, the most needed first, in the order of the table. */
void footer_draw(struct canvas *to, int y, const struct scene *s, const struct frame *f);
#endif
