/* core/train/race_live.c - Lanes in turn: always the one that has used least of its budget. Each
 * holds a model of its own, so that the order of turns changes no number; what is looked at on the
 * way is a fixed part of the held-out split, at the same shares of the budget for all. */
#include "core/train/race_live.h"
#include "core/base/clock.h"
#include "core/train/race_run.h"
#include "core/train/thermostat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS = SNAP_TRAIL - 2, LOOK_TOKENS = 2048, MEASURE_EVERY = 20 };

enum state { CLOSED, RUNNING, LOOKING, FINISHED };
struct live_lane {
    enum state state;
    struct race_run run;
    struct thermostat aim;  /* with a target: what keeps the count, where no knob says it */
    int looked, seeds_done; /* evaluations of this run; runs finished */
    bool diverged;
    struct race_result result; /* over the seeds finished */
    struct snap_lane shown;
};
struct race_live {
    struct race race;
    struct live_lane lane[SNAP_RACE_LANES];
    int seed_now, turn;
    bool over;
    char why[160];
    double seconds; /* worked */
    struct snapshot now;
};

/* ---- lanes ---- */

static void forget(struct live_lane *a)
{
    struct snap_lane *s = &a->shown;
    s->loss = s->accuracy = s->val_loss = s->experts = s->flops = s->speed = NAN;
    s->least = s->most = NAN;
}

/* A knob that is a number of experts is set to it before anything begins. */
static void set_count(struct config *c, double target)
{
    int knob = thermostat_count_knob(c->router);
    if (knob < 0) return;
    const struct option *o = &c->router->knobs[knob];
    double most = option_max(o, config_int(c, CONFIG_EXPERTS), config_int(c, CONFIG_EXPERTS)),
           to = o->kind == OPTION_INT ? round(target) : target;
    c->knob[knob] = fmin(fmax(to, o->kind == OPTION_INT ? 1 : o->min), most);
    c->knob_named |= 1u << knob;
}

struct race_live *race_live_open(const struct race *r, struct err *e)
{
    struct race_live *l = NULL;
    if (r->lanes < 1 || r->lanes > SNAP_RACE_LANES) {
        err_set(e, ERR_USAGE, "a race here has 1 to %d lanes, not %d", SNAP_RACE_LANES, r->lanes);
        return NULL;
    }
    for (int i = 0; i < r->lanes; i++) {
        int E = config_int(&r->lane[i], CONFIG_EXPERTS);
        if (r->target <= E) continue;
        err_set(e, ERR_USAGE, "an aim of %g experts is more than the %d there are", r->target, E);
        return NULL;
    }
    if (!(l = calloc(1, sizeof *l))) {
        err_set(e, ERR_MEMORY, "not enough memory to race");
        return NULL;
    }
    l->race = *r;
    for (int i = 0; i < r->lanes && r->target > 0; i++) set_count(&l->race.lane[i], r->target);
    for (int i = 0; i < r->lanes; i++) {
        struct live_lane *a = &l->lane[i];
        forget(a);
        a->result = (struct race_result){.excluded = race_excluded(&r->lane[i])};
        a->shown.excluded = a->result.excluded;
        config_label(&l->race.lane[i], a->result.lane, sizeof a->result.lane);
        snprintf(a->shown.label, sizeof a->shown.label, "%.63s", a->result.lane);
    }
    return l;
}

static void close_runs(struct race_live *l)
{
    for (int i = 0; i < l->race.lanes; i++) race_run_close(&l->lane[i].run);
}

void race_live_close(struct race_live *l)
{
    if (!l) return;
    close_runs(l);
    free(l);
}

bool race_live_on(const struct race_live *l)
{
    return l && !l->over;
}

static double share_done(const struct race_live *l, const struct live_lane *a)
{
    if (l->over) return a->shown.done;
    double now = a->state == FINISHED ? 1 : a->run.t ? fmin(race_run_done(&a->run), 1) : 0;
    if (a->diverged) return 1;
    return (l->seed_now + now) / l->race.seeds;
}

void race_live_stop(struct race_live *l, const char *why)
{
    for (int i = 0; i < l->race.lanes; i++) l->lane[i].shown.done = share_done(l, &l->lane[i]);
    close_runs(l);
    l->over = true;
    snprintf(l->why, sizeof l->why, "%s", why);
}

/* The lane whose turn it is; -1: all are through with this seed. */
static int next_lane(const struct race_live *l)
{
    int best = -1;
    double least = INFINITY;
    for (int i = 0; i < l->race.lanes; i++) {
        const struct live_lane *a = &l->lane[i];
        double done = a->state == RUNNING ? race_run_done(&a->run) : -1;
        if (a->state == FINISHED || done >= least) continue;
        best = i, least = done;
    }
    return best;
}

static void next_seed(struct race_live *l)
{
    if (l->seed_now + 1 == l->race.seeds) {
        race_live_stop(l, "");
        return;
    }
    close_runs(l);
    l->seed_now++;
    for (int i = 0; i < l->race.lanes; i++)
        l->lane[i].state = l->lane[i].diverged ? FINISHED : CLOSED;
    if (next_lane(l) < 0) race_live_stop(l, "every lane diverged");
}

/* ---- a turn ---- */

static bool start(struct race_live *l, struct live_lane *a, struct err *e)
{
    const struct config *c = &l->race.lane[a - l->lane];
    a->state = RUNNING, a->looked = 0, a->shown.trail = 0, a->shown.steps = 0;
    a->aim.target = 0;
    if (!race_run_open(&a->run, &l->race, c, l->race.seed[l->seed_now], 1, e)) return false;
    if (l->race.target > 0 && thermostat_count_knob(c->router) < 0)
        thermostat_begin(&a->aim, a->run.t, l->race.target);
    return true;
}

/* What was looked at joins the trail; the means of whole runs, once there are some, stay in the
 * table. */
static void show_look(struct race_live *l, struct live_lane *a)
{
    const struct snapshot *now = &l->now;
    struct snap_lane *s = &a->shown;
    struct race_result r = a->result;
    if (a->seeds_done == 0) race_add(&r, &l->race.lane[a - l->lane], now, 0);
    if (s->trail < SNAP_TRAIL) {
        s->trail_flops[s->trail] = (float)now->flops_per_token;
        s->trail_accuracy[s->trail++] = (float)now->val_accuracy;
    }
    s->accuracy = r.accuracy.mean, s->val_loss = r.loss.mean, s->experts = r.experts.mean;
    s->flops = r.flops.mean, s->speed = r.speed.mean;
    if (a->seeds_done > 1) s->least = r.accuracy.min, s->most = r.accuracy.max;
}

static void finish(struct race_live *l, struct live_lane *a)
{
    a->state = FINISHED;
    race_add(&a->result, &l->race.lane[a - l->lane], &l->now, a->seeds_done++);
    a->result.seeds = a->seeds_done;
}

static bool look(struct race_live *l, struct live_lane *a, struct err *e)
{
    bool done, last = race_run_done(&a->run) >= 1;
    if (!trainer_evaluate_batch(a->run.t, &l->now, &done, e)) return false;
    if (!done) return true;
    trainer_measure(a->run.t, &l->now, false);
    a->shown.loss = l->now.loss;
    a->state = RUNNING;
    if (last) finish(l, a);
    show_look(l, a);
    return true;
}

/* A strategy that learns its counts by reward begins once its rewards do. */
static void steer(struct race_live *l, struct live_lane *a)
{
    bool waits = l->race.lane[a - l->lane].router->learn && race_run_done(&a->run) < .5;
    if (waits || !thermostat_looks(&a->aim, a->run.t)) return;
    trainer_measure(a->run.t, &l->now, false);
    thermostat_look(&a->aim, a->run.t, l->now.experts_per_token);
    const struct config *now = trainer_config(a->run.t);
    config_label(now, a->result.lane, sizeof a->result.lane);
    config_label(now, a->shown.label, sizeof a->shown.label);
}

static bool step(struct race_live *l, struct live_lane *a, struct err *e)
{
    bool measure = trainer_now(a->run.t) % MEASURE_EVERY == 0;
    if (!race_run_step(&a->run, &l->now, measure, e)) return false;
    steer(l, a);
    if (measure) a->shown.loss = l->now.loss;
    a->shown.steps = trainer_now(a->run.t);
    double done = race_run_done(&a->run);
    if (done < 1 && done * LOOKS < a->looked + 1) return true;
    a->looked = (int)(done * LOOKS);
    a->state = LOOKING;
    trainer_evaluate_begin(a->run.t, done < 1 ? LOOK_TOKENS : 0);
    return true;
}

static bool work(struct race_live *l, struct live_lane *a, struct err *e)
{
    switch (a->state) {
    case CLOSED:
        return start(l, a, e);
    case RUNNING:
        return step(l, a, e);
    case LOOKING:
        return look(l, a, e);
    case FINISHED:
        break;
    }
    return true;
}

/* A lane that diverged is out of the comparison, also with the seeds it has finished. */
static void put_out(struct live_lane *a)
{
    a->diverged = true, a->state = FINISHED;
    a->result.excluded = a->shown.excluded = "diverged";
    race_run_close(&a->run);
}

bool race_live_turn(struct race_live *l, double seconds, struct err *e)
{
    double begun = clock_now(), gone = 0;
    struct err why = {0};
    l->turn = next_lane(l);
    struct live_lane *a = &l->lane[l->turn];
    for (bool whole = false; !whole && gone < seconds; gone = clock_now() - begun) {
        whole = a->state == CLOSED; /* opening is a turn of its own */
        if (!work(l, a, &why)) {
            if (why.code != ERR_DIVERGED) {
                race_live_stop(l, why.text);
                return err_set(e, why.code, "%s: %s", a->result.lane, why.text);
            }
            put_out(a);
        }
        whole |= a->state == FINISHED;
    }
    l->seconds += clock_now() - begun;
    if (next_lane(l) < 0) next_seed(l);
    return true;
}

/* ---- telling ---- */

/* Who is on the front, by what is known now. */
static void mark(struct snap_race *to)
{
    struct race_result r[SNAP_RACE_LANES];
    for (int i = 0; i < to->lanes; i++) {
        r[i] = (struct race_result){.excluded = to->lane[i].excluded};
        r[i].accuracy.mean = to->lane[i].accuracy, r[i].flops.mean = to->lane[i].flops;
    }
    race_mark(r, to->lanes);
    for (int i = 0; i < to->lanes; i++) to->lane[i].front = r[i].front;
}

static void say_budget(const struct race *r, char *to, size_t size)
{
    char count[16];
    double steps = fmax(floor(r->budget), 1);
    if (r->kind == RACE_STEPS && steps >= 1000)
        snprintf(to, size, "%.0f,%03.0f steps", floor(steps / 1000), fmod(steps, 1000));
    else if (r->kind == RACE_STEPS)
        snprintf(to, size, "%.0f steps", steps);
    else if (r->kind == RACE_FLOPS)
        snprintf(to, size, "%s FLOPs", text_count(count, r->budget));
    else
        snprintf(to, size, "%g s", r->budget);
}

void race_live_show(const struct race_live *l, struct snap_race *to)
{
    memset(to, 0, sizeof *to);
    if (!l) return;
    const struct race *r = &l->race;
    to->lanes = r->lanes, to->on = !l->over, to->target = r->target;
    to->seeds = r->seeds;
    to->seed_now = l->seed_now;
    to->seed = r->seed[to->seed_now];
    to->turn = l->turn, to->look = LOOK_TOKENS;
    say_budget(r, to->budget, sizeof to->budget);
    snprintf(to->why, sizeof to->why, "%s", l->why);
    for (int i = 0; i < r->lanes; i++) {
        to->lane[i] = l->lane[i].shown;
        to->lane[i].finished = l->lane[i].state == FINISHED;
        to->done += (to->lane[i].done = share_done(l, &l->lane[i])) / r->lanes;
    }
    to->seconds = l->seconds;
    to->left = l->over ? 0 : to->done > .01 ? l->seconds * (1 - to->done) / to->done : NAN;
    mark(to);
}

void race_live_table(const struct race_live *l, struct text *to)
{
    struct race_result r[SNAP_RACE_LANES];
    int n = 0;
    for (int i = 0; l && i < l->race.lanes; i++)
        if (l->lane[i].seeds_done > 0) r[n++] = l->lane[i].result;
    race_mark(r, n);
    if (n > 0) race_table(to, r, n, 0);
}
