#ifndef CORE_CONSOLE_CONSOLE_H
#define CORE_CONSOLE_CONSOLE_H
/* The one handle that a face holds. Wishes come in as command lines, facts go out as snapshots.
 * Not thread-safe: used by one thread, either the face's own (headless) or the session's
 * (explorer). */
#include "core/base/text.h"
#include "core/metrics/snapshot.h"
#include "core/model/config.h"

struct console;

/* the trainer is opened at once */
struct console *console_open(const struct config *c, struct err *e);
struct trainer;
void console_close(struct console *c); /* accepts NULL */

/* Runs one command line. `out` gets what it has to say. Commands that train only set a goal: see
 * console_busy. */
bool console_do(struct console *c, const char *line, struct text *out, struct err *e);
bool console_busy(const struct console *c); /* there are steps to make */
/* One step, if busy; measures it when `measure`, with the window when `window`. False: training
 * ended with an error. */
bool console_step(struct console *c, bool measure, bool window, struct err *e);
const struct snapshot *console_snapshot(struct console *c); /* the newest */
struct trainer *console_trainer(struct console *c);
struct scenario_state;
const struct scenario_state *console_scenario(const struct console *c); /* of the newest one */
bool console_quit(const struct console *c);                             /* `quit` was said */

/* Questions and writing take many small pieces. console_do finishes them before it returns, unless
 * a face that must stay awake says that it makes the pieces itself: then they are left for it, and
 * `out` gets what there is to say with the last one. `first`: before the next step. */
void console_leave_work(struct console *c);
bool console_working(const struct console *c, bool *first);            /* first may be NULL */
bool console_work(struct console *c, struct text *out, struct err *e); /* one piece */
/* The next line of a script that `source` opened, to be given to console_do when nothing is left to
 * train. False: none. A line that fails ends its script, and its sentence begins with file and
 * line. */
bool console_next(struct console *c, char *line, int size);

/* What a face may do itself: views, colours, the cursor. A command of kind FACE is not run by
 * console_do. */
enum command_kind { COMMAND_CORE, COMMAND_FACE };
struct command {
    const char *name, *usage, *help;
    enum command_kind kind;
    bool changes; /* the run: with words behind it, it is part of what `state` tells */
    bool (*run)(struct console *c, int argc, char **argv, struct text *out,
                struct err *e); /* NULL for FACE */
    bool writes;                /* weights: to take it back, the whole state is kept before it */
    /* Words that may stand at place `arg` (1-based) of this command: calls `add` with each. NULL:
     * none. */
    void (*complete)(int argc, char **argv, int arg, void (*add)(void *to, const char *word),
                     void *to);
};
const struct command *command_at(int i); /* the whole table; NULL past the end */
#endif
