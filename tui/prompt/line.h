#ifndef TUI_PROMPT_LINE_H
#define TUI_PROMPT_LINE_H
/* A line that a person types, with editing, completion and history: inside the screen (fed key by
 * key, drawn by someone else) or on a plain terminal. The only user of readline; built with
 * LINE_EDIT it keeps to libedit. */
#include "core/base/text.h"

/* One line of a plain session: with editing where stdin is a terminal, read as it comes where it is
 * not. False: end of input. *to is overwritten. */
bool line_read(const char *prompt, struct text *to);

/* A line inside the screen, empty at first. Nothing is written to the terminal, no signal is
 * touched. */
void line_begin(void);
enum { LINE_MOST = 1023 }; /* bytes */
/* Text, as if typed, without control characters. `size`: how long it was before someone cut it.
 * False: not all of it fits. */
bool line_put(const char *text, size_t size);
enum line_state { LINE_TYPING, LINE_DONE, LINE_LEFT };
/* Feeds a key's bytes. DONE: the line is in *done. LEFT: given up (Ctrl-D on an empty line). */
enum line_state line_key(const char *bytes, struct text *done);
void line_end(void); /* forgets what was typed; harmless when nothing was begun */
/* What is typed, where the cursor is in it (columns), and, after Tab, the words it could become (""
 * none). */
const char *line_typed(int *cursor);
const char *line_choices(void);
#endif
