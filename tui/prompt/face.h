#ifndef TUI_PROMPT_FACE_H
#define TUI_PROMPT_FACE_H
/* What faces without a screen do themselves with a line: tell a view, export it, guide
 * through a lesson. The same words do
 * the same in the explorer. */
#include "tui/guide/guide.h"
#include "tui/prompt/watch.h"
#include "tui/views/view.h"

struct face {
    const struct view *view; /* looked at last; NULL: none yet */
    struct scene scene;      /* now and past are set by face_line */
    struct pins pins;
    struct watch watch;
    struct guide guide; /* its owner feeds it, says its lines and closes it */
};
enum face_result { FACE_NOT_MINE, FACE_DONE, FACE_FAILED };
/* past: NULL, none. What there is to say goes to `out`. */
enum face_result face_line(struct face *f, const char *line, const struct snapshot *now,
                           const struct history *past, struct text *out, struct err *e);
/* A step as one sentence, with what is watched. */
void face_step(const struct face *f, const struct snapshot *now, struct text *out);
#endif
