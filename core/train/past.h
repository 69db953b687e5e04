#ifndef CORE_TRAIN_PAST_H
#define CORE_TRAIN_PAST_H
/* Earlier states of a trainer, in bounded memory: every tenth step at first, thinner the longer ago,
 * and one at each change. Any step between is made again from the state before it: batches and
 * draws are made by index, so it comes out bit by bit. */
#include "core/train/trainer.h"

struct moment; /* a whole state: weights, moments, router state, config, place in time */

void past_open(struct trainer *t); /* from now on states are kept; with no room for two, none */
void past_note(struct trainer *t); /* between two steps: keeps this state if it is time for one */
long past_oldest(const struct trainer *t); /* the step that can be gone back to; -1: none */
int past_count(const struct trainer *t);
double past_bytes(const struct trainer *t); /* that they take */
/* Back to step `to`, and what was learnt since is gone. */
bool past_rewind(struct trainer *t, long to, struct err *e);

/* A state was put in place by hand: what is kept from step `from` on does not lead to it. */
void past_cut(struct trainer *t, long from);

/* One state by hand. NULL: no memory. */
struct moment *moment_take(struct trainer *t, struct err *e);
bool moment_put(struct trainer *t, const struct moment *m, struct err *e);
void moment_close(struct moment *m); /* accepts NULL; before its trainer is closed */
#endif
