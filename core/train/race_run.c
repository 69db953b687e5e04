/* core/train/race_run.c - One model of a race. Seconds are those of its own steps: what watching
 * it costs, or whose turn it is, is not counted. */
#include "core/train/race_run.h"
#include "core/base/clock.h"

#include <math.h>

bool race_run_open(struct race_run *r, const struct race *race, const struct config *c,
                   uint64_t seed, double share, struct err *e)
{
    struct config own = *c;
    double budget = race->budget * share;
    if (race->kind == RACE_STEPS) budget = fmax(floor(budget), 1);
    own.value[CONFIG_SEED] = (double)seed;
    if (race->kind == RACE_STEPS) own.value[CONFIG_STEPS] = budget;
    *r = (struct race_run){.t = trainer_open(&own, e), .kind = race->kind, .budget = budget};
    return r->t != NULL;
}

void race_run_close(struct race_run *r)
{
    trainer_close(r->t);
    r->t = NULL;
}

double race_run_done(const struct race_run *r)
{
    switch (r->kind) {
    case RACE_STEPS:
        return (double)trainer_now(r->t) / r->budget;
    case RACE_FLOPS:
        return r->flops / r->budget;
    case RACE_SECONDS:
        return r->seconds / r->budget;
    }
    return 1;
}

/* A strategy that learns from what its choice was worth has the first half of the budget for the
 * model that its rewards are held against, whole with its learning rate's way down, and the rest
 * for itself. */
static void bolt_on(struct race_run *r)
{
    double done = race_run_done(r);
    if (!trainer_config(r->t)->router->learn) return;
    trainer_stage(r->t, done < .5 ? STAGE_BASE : STAGE_ALONE);
    trainer_horizon(r->t, fmin(2 * done, 1));
}

/* A budget in FLOPs must look at every step's counts; that costs a little, and is not in the step's
 * time. */
bool race_run_step(struct race_run *r, struct snapshot *now, bool measure, struct err *e)
{
    double start = clock_now();
    if (r->kind != RACE_STEPS) trainer_horizon(r->t, race_run_done(r));
    bolt_on(r);
    bool ok = trainer_step(r->t, e);
    r->seconds += clock_now() - start;
    if (!ok || (!measure && r->kind != RACE_FLOPS)) return ok;
    trainer_measure(r->t, now, false);
    if (r->kind == RACE_FLOPS) r->flops += now->train_flops_per_token * now->tokens_per_step;
    return true;
}
