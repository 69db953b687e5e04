#ifndef TUI_PROMPT_STATE_H
#define TUI_PROMPT_STATE_H
/* `state` is the console's; where a face looks is the face's. This joins the two. */
#include "tui/views/view.h"

/* A line on its way to the console. `state` alone gets the face's words behind it, in `room`; of
 * words that describe a run the face takes its own: *view and *s are changed. Any other line comes
 * back as it is. */
const char *state_line(const char *line, const struct view **view, struct scene *s, char *room,
                       size_t size);
#endif
