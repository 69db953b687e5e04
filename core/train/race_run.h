#ifndef CORE_TRAIN_RACE_RUN_H
#define CORE_TRAIN_RACE_RUN_H
/* One model of a race: opened, stepped until its budget is used, closed. Whoever steps it may do
 * other things between two steps: what it gives does not depend on that. */
#include "core/train/race.h"

struct race_run {
    struct trainer *t;
    enum race_budget kind;
    double budget;         /* steps, FLOPs or seconds, of this run */
    double flops, seconds; /* used so far */
};

/* Lane *c of the race from `seed`, on `share` of the race's budget. */
bool race_run_open(struct race_run *r, const struct race *race, const struct config *c,
                   uint64_t seed, double share, struct err *e);
void race_run_close(struct race_run *r);        /* accepts one that was never opened */
double race_run_done(const struct race_run *r); /* of its budget, 0..1 and a little more */
/* One step; *now is what it measured, where `measure` (or the budget) asks for it. */
bool race_run_step(struct race_run *r, struct snapshot *now, bool measure, struct err *e);
#endif
