#ifndef TUI_VIEWS_LOAD_PAST_H
#define TUI_VIEWS_LOAD_PAST_H
/* Since when is the load so uneven: the busiest expert over the mean, step by step. */
#include "tui/views/view.h"

int load_past_rows(const struct scene *s, int room); /* of so many; 0: it does not fit */
void load_past_draw(struct canvas *to, const struct scene *s);
void load_past_tell(struct text *to, const struct scene *s);
#endif
