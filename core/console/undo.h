#ifndef CORE_CONSOLE_UNDO_H
#define CORE_CONSOLE_UNDO_H
/* What lines have changed, newest last, and what was taken back: one history for keys, prompt,
 * scripts and REPL. A change of knobs or settings is undone in the model that lives on; what has
 * overwritten weights brings the whole state back, a fresh model the one that it replaced. */
#include "core/console/journal.h"
#include "core/train/past.h"

enum { UNDOS = 64, UNDO_PARKED = 2, UNDO_LINE = 64 };

struct undo {
    char line[UNDO_LINE]; /* the command line that changed it */
    struct config config; /* before */
    double size[CONFIG_COUNT];
    unsigned waiting;
    struct moment *moment;  /* the whole state before; NULL: the config says all */
    struct trainer *parked; /* the trainer before; NULL: it is the same */
    struct journal journal; /* before */
};
struct undo_list {
    struct undo at[UNDOS]; /* newest last */
    int count;
};

struct console;
/* Before a line is run: what there is. `weights`: it will write weights. False: no memory. */
bool undo_look(struct console *c, const char *line, bool weights, struct err *e);
/* After it: keeps what was, if anything has changed; what had been taken back can no longer be
 * redone then. */
void undo_keep(struct console *c, bool ok);
/* Takes the newest change back, or makes it again. */
bool undo_step(struct console *c, bool again, struct text *out, struct err *e);
/* Inside a line: what came before it cannot be taken back, nor what it has done so far. */
void undo_forget(struct console *c, const char *line);
void undo_close(struct console *c);
#endif
