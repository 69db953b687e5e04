#ifndef CORE_SESSION_SESSION_H
#define CORE_SESSION_SESSION_H
/* A console on a thread of its own, training while the face draws. The only pthread. */
#include "core/console/console.h"

struct session;

/* Opens the console on the new thread (so that the face can draw at once) and starts training.
 * `first`: command lines run before the first step, may be NULL. */
struct session *session_open(const struct config *c, const char *first, struct err *e);
void session_close(struct session *s); /* stops at the next step, joins; accepts NULL */

/* Queues a command line; false where the queue is full. The answer comes by session_answer. */
bool session_say(struct session *s, const char *line);
/* The next answer, if there is one: what was said and what came of it (ok false: `text` is the
 * error's sentence). The newest snapshot then shows what the line did. */
struct session_answer {
    char line[1024];
    char text[2048];
    bool ok, scripted; /* scripted: the line stood in a script that an earlier one began */
};
bool session_answer(struct session *s, struct session_answer *to);
/* What questions and writing had to say when they were done, later than the answer to their line
 * (see console_leave_work): the newest, once; what was not taken by then is gone. */
bool session_said(struct session *s, struct session_answer *to);
/* The newest snapshot, if there is one not yet taken; never waits. */
bool session_snapshot(struct session *s, struct snapshot *to);
/* How often a second snapshots are published while training, and how often the window is routed. */
void session_rates(struct session *s, double snapshots, double windows);
/* The thread has ended by itself (cannot open, diverged, backend lost): *e says why. */
bool session_ended(struct session *s, struct err *e);
#endif
