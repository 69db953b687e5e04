#ifndef TUI_CLI_CAST_H
#define TUI_CLI_CAST_H
/* A session as an asciicast, version 2: the explorer's screen at 120x36, frame by frame, for
 * players of such files. Time is the reader's, not the machine's: half a second a frame, longer
 * where something was said. */
#include "tui/views/view.h"

struct cast;
struct cast *cast_open(const char *path, struct err *e);
void cast_frame(struct cast *c, const struct snapshot *now);
/* A command line was said: it is shown as at the prompt. `view NAME` looks elsewhere. */
void cast_said(struct cast *c, const char *line, const struct snapshot *now);
bool cast_close(struct cast *c, struct err *e); /* writes the file; accepts NULL */
#endif
