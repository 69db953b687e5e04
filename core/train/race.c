/* core/train/race.c - Lanes one after the other: each opens its own model by the same seed, so all
 * start from the same weights, and asks for the same batches by index. */
#include "core/train/race_steer.h"
#include "core/data/control.h"
#include "core/base/json.h"
#include "core/train/race_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- running ---- */
struct run {
    struct race *race;
    struct race_run one;
    struct snapshot *now;
    char lane[96];
    bool told;           /* no pilot */
    bool reached;        /* enough for the race's condition */
    double before, part; /* race->done before the run, and the run's part in it */
};

static bool tell(const struct run *r, bool first, bool last, struct err *e)
{
    struct race *race = r->race;
    bool ok = true;
    race->done = fmin(r->before + r->part * fmin(race_run_done(&r->one), 1), 1);
    if (r->told)
        ok = !race->tell || race->tell(race->to, r->lane, r->now, first, last);
    else if (race->pilot)
        ok = race->pilot(race->to, r->lane, r->now);
    return ok || err_set(e, ERR_INTERRUPTED, "the race was stopped");
}

/* Asks the race's condition, if it has one, of the step that was just made. */
static bool ask(struct run *r, bool due, struct err *e)
{
    const struct race *race = r->race;
    if (!race->enough || !r->told) return true;
    if (race->validates && !due && race_run_done(&r->one) < 1) return true;
    if (race->validates && !trainer_evaluate(r->one.t, 1 << 14, r->now, e)) return false;
    r->reached = race->enough(race->to, r->now, false);
    return true;
}

static bool run_steps(struct run *r, struct err *e)
{
    const struct race *race = r->race;
    struct trainer *t = r->one.t;
    trainer_measure(t, r->now, false);
    if (!tell(r, true, false, e)) return false;
    if (race->enough && r->told) race->enough(race->to, r->now, true);
    while (race_run_done(&r->one) < 1 && !r->reached) {
        bool due = race->every > 0 && (trainer_now(t) + 1) % race->every == 0;
        if (!race_run_step(&r->one, r->now, due || (race->enough && r->told), e)) return false;
        if (!ask(r, due, e)) return false;
        if ((due || r->reached) && !tell(r, false, false, e)) return false;
    }
    if (!trainer_evaluate(t, 0, r->now, e)) return false;
    trainer_measure(t, r->now, false);
    return tell(r, false, true, e);
}

/* One model from its first step to its evaluation, on `share` of the budget. */
static bool run_model(struct race *race, const struct config *config, uint64_t seed, double share,
                      bool told, double part, struct snapshot *now, bool *reached, struct err *e)
{
    struct run r = {.race = race, .now = now, .told = told, .before = race->done, .part = part};
    if (!race_run_open(&r.one, race, config, seed, share, e)) return false;
    config_label(trainer_config(r.one.t), r.lane, sizeof r.lane);
    bool ok = run_steps(&r, e);
    if (reached) *reached = r.reached;
    race_run_close(&r.one);
    return ok;
}

static void add(struct race_range *to, double value, int nth)
{
    if (nth == 0)
        *to = (struct race_range){value, value, value};
    else
        *to = (struct race_range){to->mean + (value - to->mean) / (nth + 1), fmin(to->min, value),
                                  fmax(to->max, value)};
}

/* What a lane's runs are, one seed's taken as 1: for `done`. Steering takes so many or fewer. */
static double runs_of(const struct race *race)
{
    return race->seeds + (race->target > 0 ? STEER_PILOTS * STEER_SHARE + STEER_TRIALS : 0);
}

struct steering {
    struct race *race;
    struct snapshot *now;
};

static bool try_run(void *to, const struct config *c, double share, double *experts, struct err *e)
{
    struct steering *s = to;
    enum { LEAST = 200 }; /* steps: a router that has not settled says nothing */
    if (s->race->kind == RACE_STEPS) share = fmin(fmax(share, LEAST / s->race->budget), 1);
    double part = share / runs_of(s->race) / s->race->lanes;
    if (!run_model(s->race, c, s->race->seed[0], share, false, part, s->now, NULL, e)) return false;
    *experts = s->now->val_experts_per_token;
    return true;
}

static bool sees_future(const struct config *c)
{
    return c->router->needs & SEES_FUTURE;
}

const char *race_excluded(const struct config *c)
{
    return sees_future(c)                                 ? "sees the future"
           : config_int(c, CONFIG_COUNTS) != CONTROL_NONE ? "control"
                                                          : NULL;
}

void race_add(struct race_result *to, const struct config *c, const struct snapshot *now, int nth)
{
    add(&to->steps, (double)now->step, nth);
    add(&to->accuracy, now->val_accuracy, nth);
    add(&to->loss, sees_future(c) ? NAN : now->val_loss, nth);
    add(&to->experts, now->val_experts_per_token, nth);
    add(&to->rho, now->val_count_need_rho, nth);
    add(&to->flops, now->flops_per_token, nth);
    add(&to->speed, now->tokens_seen / now->wall_s, nth);
    to->train_flops = now->train_flops_per_token;
}

static bool run_lane(struct race *race, int lane, struct snapshot *now, struct race_result *to,
                     struct err *e)
{
    struct config c = race->lane[lane];
    *to = (struct race_result){.seeds = race->seeds, .excluded = race_excluded(&c)};
    race->done = (double)lane / race->lanes;
    struct steering s = {.race = race, .now = now};
    if (race->target > 0 && !steer_lane(&c, race->target, try_run, &s, to, e)) return false;
    config_label(&c, to->lane, sizeof to->lane);
    double left = (lane + 1.0) / race->lanes - race->done; /* steering may have needed less */
    for (int i = 0; i < race->seeds; i++) {
        bool reached;
        if (!run_model(race, &c, race->seed[i], 1, true, left / race->seeds, now, &reached, e))
            return false;
        race_add(to, &c, now, i);
        to->reached += reached;
    }
    return true;
}

void race_mark(struct race_result *result, int count)
{
    for (int i = 0; i < count; i++) {
        const struct race_result *a = &result[i];
        bool beaten = isnan(a->accuracy.mean) || isnan(a->flops.mean) || a->excluded;
        for (int k = 0; k < count; k++) {
            const struct race_result *b = &result[k];
            if (b->excluded) continue;
            bool as_good = b->accuracy.mean >= a->accuracy.mean && b->flops.mean <= a->flops.mean;
            bool better = b->accuracy.mean > a->accuracy.mean || b->flops.mean < a->flops.mean;
            beaten |= as_good && better;
        }
        result[i].front = !beaten;
    }
}

static bool check_target(const struct race *r, struct err *e)
{
    for (int i = 0; r->target > 0 && i < r->lanes; i++)
        if (r->target > config_int(&r->lane[i], CONFIG_EXPERTS))
            return err_set(e, ERR_USAGE, "a target of %g experts is more than the %d there are",
                           r->target, config_int(&r->lane[i], CONFIG_EXPERTS));
    return true;
}

bool race_run(struct race *r, struct race_result *result, struct err *e)
{
    struct snapshot *now = malloc(sizeof *now);
    if (!now) return err_set(e, ERR_MEMORY, "not enough memory to race");
    bool ok = check_target(r, e);
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

/* The lane's name may say it already. */
static void tell_excluded(struct text *to, const char *lane, const char *why)
{
    if (strstr(lane, why))
        text_add(to, "- not compared: %s\n", lane);
    else
        text_add(to, "- not compared: %s (%s)\n", lane, why);
}

/* What was looked for, turned and found. */
static void tell_target(struct text *to, const struct race_result *r, double target)
{
    if (!r->steered[0]) {
        text_add(to, "%s: nothing to steer%s; %.2f experts per token, wanted %.2f\n", r->lane,
                 r->excluded ? ", its counts are forced or fixed" : "", r->experts.mean, target);
        return;
    }
    text_add(
        to,
        "%s: wanted %.2f experts per token, reached %.2f with %s (%d short and %d whole runs)\n",
        r->lane, target, r->experts.mean, r->steered, r->pilots, r->trials);
}

void race_table(struct text *to, const struct race_result *result, int count, double target)
{
    int seeds = count > 0 ? result[0].seeds : 1, wide = 28;
    bool excluded = false;
    for (int i = 0; i < count; i++)
        if ((int)strlen(result[i].lane) > wide) wide = (int)strlen(result[i].lane);
    text_add(to, "  %-*s %9s%s %9s %8s %6s %9s %9s\n", wide, "lane", "accuracy",
             seeds > 1 ? "               " : "", "loss", "experts", "rho", "FLOP/tok", "tok/s");
    for (int i = 0; i < count; i++) {
        const struct race_result *r = &result[i];
        char flops[32], speed[32];
        excluded |= r->excluded != NULL;
        text_add(to, "%c %-*s ", r->front ? '*' : r->excluded ? '-' : ' ', wide, r->lane);
        range_cell(to, &r->accuracy, seeds);
        cell(to, 10, r->loss.mean, 3);
        cell(to, 9, r->experts.mean, 2);
        cell(to, 7, r->rho.mean, 2);
        text_add(to, " %9s %9s\n", text_count(flops, r->flops.mean),
                 text_count(speed, r->speed.mean));
    }
    text_add(to, "* on the front: no other lane is as accurate with fewer FLOPs a token\n");
    for (int i = 0; excluded && i < count; i++)
        if (result[i].excluded) tell_excluded(to, result[i].lane, result[i].excluded);
    for (int i = 0; target > 0 && i < count; i++) tell_target(to, &result[i], target);
}

void race_tell_reached(struct text *to, const struct race_result *result, int count,
                       const char *until)
{
    for (int i = 0; i < count; i++) {
        const struct race_result *r = &result[i];
        if (r->reached == 0) {
            text_add(to, "%s: %s did not come to hold in %.0f steps\n", r->lane, until,
                     r->steps.mean);
            continue;
        }
        text_add(to, "%s: %s held after %.0f steps", r->lane, until, r->steps.mean);
        if (r->seeds > 1)
            text_add(to, " (%.0f..%.0f), with %d of %d seeds", r->steps.min, r->steps.max,
                     r->reached, r->seeds);
        text_add(to, "\n");
    }
}

void race_range_json(struct text *to, const char *key, const struct race_range *r)
{
    json_put_open(to, key, '[');
    json_put_number(to, NULL, r->mean);
    json_put_number(to, NULL, r->min);
    json_put_number(to, NULL, r->max);
    json_put_close(to, ']');
}

void race_json(struct text *to, const struct race_result *result, int count, double target,
               bool until)
{
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", "race");
    json_put_number(to, "target_experts", target > 0 ? target : NAN);
    json_put_open(to, "lanes", '[');
    for (int i = 0; i < count; i++) {
        const struct race_result *r = &result[i];
        json_put_open(to, NULL, '{');
        json_put_string(to, "lane", r->lane);
        json_put_number(to, "seeds", r->seeds);
        json_put_number(to, "steps", r->steps.mean);
        json_put_number(to, "reached", until ? r->reached : NAN);
        race_range_json(to, "val_accuracy", &r->accuracy);
        race_range_json(to, "val_loss", &r->loss);
        json_put_number(to, "val_experts_per_token", r->experts.mean);
        json_put_number(to, "val_count_need_rho", r->rho.mean);
        json_put_number(to, "flops_per_token", r->flops.mean);
        json_put_number(to, "train_flops_per_token", r->train_flops);
        json_put_number(to, "tokens_per_s", r->speed.mean);
        json_put_string(to, "steered", r->steered[0] ? r->steered : NULL);
        json_put_string(to, "excluded", r->excluded);
        json_put_bool(to, "on_pareto_front", r->front);
        json_put_close(to, '}');
    }
    json_put_close(to, ']');
    text_add(to, "}\n");
}
