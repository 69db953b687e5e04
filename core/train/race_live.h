#ifndef CORE_TRAIN_RACE_LIVE_H
#define CORE_TRAIN_RACE_LIVE_H
/* A race whose lanes are trained in turn, a few milliseconds each, so that all can be watched at
 * the same share of the budget. Each gives bit by bit what it gives in race_run, where they run one
 * after the other; seeds follow one another. With a target a lane's knob is set to it, or turned
 * while it trains (thermostat.h); race_run looks for a value that stays. */
#include "core/metrics/snap_race.h"
#include "core/train/race.h"

struct race_live;

/* For at most SNAP_RACE_LANES lanes; *r is copied. NULL: e says why. */
struct race_live *race_live_open(const struct race *r, struct err *e);
void race_live_close(struct race_live *l); /* accepts NULL */
/* Works for about `seconds`, at least a step (or a batch of an evaluation). A lane that diverges
 * is out, and the others go on; false: the race is over by an error. */
bool race_live_turn(struct race_live *l, double seconds, struct err *e);
bool race_live_on(const struct race_live *l); /* there is more to do; NULL: false */
void race_live_stop(struct race_live *l, const char *why);
void race_live_show(const struct race_live *l, struct snap_race *to);
/* The table of race_run, once it is over: what was not finished is left out. */
void race_live_table(const struct race_live *l, struct text *to);
#endif
