#ifndef TUI_CLI_OUT_H
#define TUI_CLI_OUT_H
/* The two streams of a headless run, and Ctrl-C. Data goes to stdout, everything else to stderr. */
#include "core/base/err.h"
#include "core/base/text.h"

/* Writes and clears the text, and flushes. False: nobody reads any more, or the disk is full. */
bool out_put(struct text *t, struct err *e);
/* A sentence on stderr, "vanpool: " before it. */
void out_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line that replaces itself where stderr is a terminal, and comes every ten seconds where it is
 * not. */
void out_progress(const char *line);
void out_progress_end(void); /* gone, so that whatever comes next has the line */

/* From now on SIGINT, SIGTERM and SIGHUP only count; the work ends itself. */
void out_catch_interrupt(void);
int out_interrupts(void);
bool out_ended(void);            /* one of them was not Ctrl-C: nothing may wait for a person */
void out_forget_interrupt(void); /* Ctrl-C was heard; the others are not forgotten */
#endif
