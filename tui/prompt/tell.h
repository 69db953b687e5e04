#ifndef TUI_PROMPT_TELL_H
#define TUI_PROMPT_TELL_H
/* What faces without a screen say about views: `view NAME`, `show NAME`, `help NAME`. */
#include "core/base/text.h"
#include "tui/views/history.h"

/* True: the line asks for a view, and `out` has its answer in sentences (or, for help, what it is).
 * past: NULL, none. */
bool tell_line(const char *line, const struct snapshot *now, const struct history *past,
               struct text *out);
/* A step as one sentence. */
void tell_step(const struct snapshot *now, struct text *out);
#endif
