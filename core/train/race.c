/* core/train/race.c - Lanes one after the other: each opens its own model by the same seed, so all
 * start from the same weights, and asks for the same batches by index. */
#include "core/train/race.h"
#include "core/base/clock.h"
#include "core/metrics/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- running ---- */
struct run {
    const struct race *race;
    struct trainer *t;
    struct snapshot *now;
    char lane[96];
    double flops, start;
};

/* How much of the budget is used, 0..1. */
static double done(const struct run *r)
{
    switch (r->race->kind) {
    case RACE_STEPS:
        return (double)trainer_now(r->t) / r->race->budget;
    case RACE_FLOPS:
        return r->flops / r->race->budget;
    case RACE_SECONDS:
        return (clock_now() - r->start) / r->race->budget;
    }
    return 1;
}

static bool tell(const struct run *r, bool first, bool last, struct err *e)
{
    return !r->race->tell || r->race->tell(r->race->to, r->lane, r->now, first, last) ||
           err_set(e, ERR_INTERRUPTED, "the race was stopped");
}

/* A strategy that learns from what its choice was worth has the first half of the budget for the
 * model that its rewards are held against, whole with its learning rate's way down, and the rest
 * for itself. */
static void bolt_on(struct run *r)
{
    if (!trainer_config(r->t)->router->learn) return;
    trainer_stage(r->t, done(r) < .5 ? STAGE_BASE : STAGE_ALONE);
    trainer_horizon(r->t, fmin(2 * done(r), 1));
}

/* A budget in FLOPs must look at every step's counts; that costs a little, and is not in the step's
 * time. */
static bool run_steps(struct run *r, struct err *e)
{
    const struct race *race = r->race;
    trainer_measure(r->t, r->now, false);
    if (!tell(r, true, false, e)) return false;
    for (r->start = clock_now(); done(r) < 1;) {
        if (race->kind != RACE_STEPS) trainer_horizon(r->t, done(r));
        bolt_on(r);
        if (!trainer_step(r->t, e)) return false;
        bool due = race->every > 0 && trainer_now(r->t) % race->every == 0;
        if (due || race->kind == RACE_FLOPS) trainer_measure(r->t, r->now, false);
        if (race->kind == RACE_FLOPS) r->flops += trainer_step_flops(r->t, r->now);
        if (due && !tell(r, false, false, e)) return false;
    }
    if (!trainer_evaluate(r->t, 0, r->now, e)) return false;
    trainer_measure(r->t, r->now, false);
    return tell(r, false, true, e);
}

static void add(struct race_range *to, double value, int nth)
{
    if (nth == 0)
        *to = (struct race_range){value, value, value};
    else
        *to = (struct race_range){to->mean + (value - to->mean) / (nth + 1), fmin(to->min, value),
                                  fmax(to->max, value)};
}

static bool run_lane(const struct race *race, int lane, struct snapshot *now,
                     struct race_result *to, struct err *e)
{
    *to = (struct race_result){.seeds = race->seeds};
    config_label(&race->lane[lane], to->lane, sizeof to->lane);
    for (int i = 0; i < race->seeds; i++) {
        struct config c = race->lane[lane];
        c.value[CONFIG_SEED] = (double)race->seed[i];
        if (race->kind == RACE_STEPS) c.value[CONFIG_STEPS] = race->budget;
        struct run r = {.race = race, .now = now, .t = trainer_open(&c, e)};
        if (!r.t) return false;
        snprintf(r.lane, sizeof r.lane, "%s", to->lane);
        bool ok = run_steps(&r, e);
        to->steps = trainer_now(r.t);
        trainer_close(r.t);
        if (!ok) return false;
        add(&to->accuracy, now->val_accuracy, i);
        add(&to->loss, now->val_loss, i);
        add(&to->experts, now->val_experts_per_token, i);
        add(&to->rho, now->val_count_need_rho, i);
        add(&to->flops, now->flops_per_token, i);
        add(&to->speed, now->tokens_seen / now->wall_s, i);
    }
    return true;
}

void race_mark(struct race_result *result, int count)
{
    for (int i = 0; i < count; i++) {
        const struct race_result *a = &result[i];
        bool beaten = isnan(a->accuracy.mean);
        for (int k = 0; k < count; k++) {
            const struct race_result *b = &result[k];
            bool as_good = b->accuracy.mean >= a->accuracy.mean && b->flops.mean <= a->flops.mean;
            bool better = b->accuracy.mean > a->accuracy.mean || b->flops.mean < a->flops.mean;
            beaten |= as_good && better;
        }
        result[i].front = !beaten;
    }
}

bool race_run(const struct race *r, struct race_result *result, struct err *e)
{
    struct snapshot *now = malloc(sizeof *now);
    if (!now) return err_set(e, ERR_MEMORY, "not enough memory to race");
    bool ok = true;
    for (int i = 0; ok && i < r->lanes; i++) ok = run_lane(r, i, now, &result[i], e);
    free(now);
    if (ok) race_mark(result, r->lanes);
    return ok;
}

/* ---- telling ---- */
static void cell(struct text *to, int width, double value, int digits)
{
    char shown[32];
    text_number(shown, value, digits);
    int seen = isnan(value) ? 1 : (int)strlen(shown); /* the dash is one column */
    text_add(to, "%*s%s", width > seen ? width - seen : 0, "", shown);
}

static void range_cell(struct text *to, const struct race_range *r, int seeds)
{
    cell(to, 9, r->mean, 3);
    if (seeds > 1) text_add(to, " (%.3f..%.3f)", r->min, r->max);
}

void race_table(struct text *to, const struct race_result *result, int count)
{
    int seeds = count > 0 ? result[0].seeds : 1;
    text_add(to, "%-28s  %9s%s %9s %8s %6s %9s %9s\n", "lane", "accuracy",
             seeds > 1 ? "               " : "", "loss", "experts", "rho", "FLOP/tok", "tok/s");
    for (int i = 0; i < count; i++) {
        const struct race_result *r = &result[i];
        char flops[32], speed[32];
        text_add(to, "%c %-28s", r->front ? '*' : ' ', r->lane);
        range_cell(to, &r->accuracy, seeds);
        cell(to, 10, r->loss.mean, 3);
        cell(to, 9, r->experts.mean, 2);
        cell(to, 7, r->rho.mean, 2);
        text_add(to, " %9s %9s\n", text_count(flops, r->flops.mean),
                 text_count(speed, r->speed.mean));
    }
    text_add(to, "* on the front: no other lane is as accurate with fewer FLOPs a token\n");
}

static void number(struct text *to, const char *key, double value)
{
    text_add(to, ",\"%s\":", key);
    report_number(to, value);
}

static void range(struct text *to, const char *key, const struct race_range *r)
{
    const double part[] = {r->mean, r->min, r->max};
    text_add(to, ",\"%s\":", key);
    for (int i = 0; i < 3; i++) {
        text_add(to, "%s", i ? "," : "[");
        report_number(to, part[i]);
    }
    text_add(to, "]");
}

void race_json(struct text *to, const struct race_result *result, int count)
{
    text_add(to, "{\"type\":\"race\",\"lanes\":[");
    for (int i = 0; i < count; i++) {
        const struct race_result *r = &result[i];
        text_add(to, "%s{\"lane\":", i ? "," : "");
        report_string(to, r->lane);
        number(to, "seeds", r->seeds);
        number(to, "steps", (double)r->steps);
        range(to, "val_accuracy", &r->accuracy);
        range(to, "val_loss", &r->loss);
        number(to, "val_experts_per_token", r->experts.mean);
        number(to, "val_count_need_rho", r->rho.mean);
        number(to, "flops_per_token", r->flops.mean);
        number(to, "tokens_per_s", r->speed.mean);
        text_add(to, ",\"on_pareto_front\":%s}", r->front ? "true" : "false");
    }
    text_add(to, "]}\n");
}
