/* tui/cli/race.c - `race`: lanes from flags, objects or a table out. */
#include "core/base/clock.h"
#include "core/metrics/report.h"
#include "core/script/command.h"
#include "core/script/expect.h"
#include "core/train/race.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct telling {
    const struct flags *flags;
    const struct race *race;
    double begun;
    struct expect until;
    char said[sizeof((struct snapshot *)0)->notice];
    long until_since; /* the step from which on it holds, -1: it does not */
    struct text out;
    struct err err;
};

/* What stands on stderr meanwhile, with the time left by what has gone so far. */
static bool tell_progress(const struct telling *t, const char *lane, const struct snapshot *s,
                          const char *what)
{
    char loss[16], left[16], line[240];
    double gone = clock_now() - t->begun, done = t->race->done;
    snprintf(line, sizeof line, "%s%s, seed %llu: step %ld  loss %s  %.0f %% of the race, %s left",
             what, lane, (unsigned long long)s->seed, s->step, text_number(loss, s->loss, 3),
             100 * done, text_seconds(left, done > .01 ? gone * (1 - done) / done : NAN));
    if (!t->flags->quiet) out_progress(line);
    return out_interrupts() == 0;
}

static bool pilot(void *to, const char *lane, const struct snapshot *s)
{
    return tell_progress(to, lane, s, "looking for a knob: ");
}

static bool tell(void *to, const char *lane, const struct snapshot *s, bool first, bool last)
{
    struct telling *t = to;
    /* Once, though every seed may have it: such as a GPU that was lost. */
    if (s->notice[0] && strcmp(t->said, s->notice) != 0) out_say("%s: %s", lane, s->notice);
    if (s->notice[0]) memcpy(t->said, s->notice, sizeof t->said);
    if (t->flags->json) {
        if (first)
            report_start(&t->out, s, lane);
        else if (last)
            report_end(&t->out, s, lane);
        else
            report_step(&t->out, s, lane);
        if (!out_put(&t->out, &t->err)) return false;
    }
    return tell_progress(t, lane, s, "");
}

static bool enough(void *to, const struct snapshot *s, bool first)
{
    struct telling *t = to;
    if (first) t->until_since = -1;
    return !first && expect_lasts(&t->until, s, &t->until_since);
}

/* ---- lanes ---- */

static bool add_lane(struct race *r, const struct config *c, struct err *e)
{
    if (r->lanes == RACE_LANES)
        return err_set(e, ERR_USAGE, "a race has at most %d lanes", RACE_LANES);
    if (!config_check(c, e)) return false;
    r->lane[r->lanes++] = *c;
    return true;
}

/* The run that the flags name, with another strategy: its learning rate and knobs start anew. */
static bool lane_of(const struct flags *f, const char *strategy, struct config *c, struct err *e)
{
    struct flags one = *f;
    one.strategy = strategy;
    one.knobs.count = 0;
    return flags_config(&one, c, e);
}

static bool add_written(struct race *r, const struct flags *f, const char *words, struct err *e)
{
    struct command_line line;
    struct config c;
    if (!command_parse(&line, words, e)) return false;
    if (line.argc == 0) return err_set(e, ERR_USAGE, "--lane is empty: --lane 'topp p=0.6'");
    if (!lane_of(f, line.argv[0], &c, e)) return false;
    for (int i = 1; i < line.argc; i++) {
        char *is = strchr(line.argv[i], '=');
        if (!is)
            return err_set(e, ERR_USAGE, "'%.40s' in --lane is not KNOB=VALUE: --lane 'topp p=0.6'",
                           line.argv[i]);
        *is = 0;
        bool known = config_set_knob(&c, line.argv[i], is + 1, e);
        if (!known && option_find(config_options, CONFIG_COUNT, line.argv[i]))
            known = config_set(&c, line.argv[i], is + 1, e);
        if (!known) return false;
    }
    return add_lane(r, &c, e);
}

static bool add_named(struct race *r, const struct flags *f, const char *names, struct err *e)
{
    char name[48];
    struct config c;
    for (const char *at = names;; at++) {
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (!lane_of(f, name, &c, e) || !add_lane(r, &c, e)) return false;
        at += n;
        if (!*at) return true;
    }
}

/* Nothing named: every strategy of the table. */
static bool add_all(struct race *r, const struct flags *f, struct err *e)
{
    struct config c;
    for (int i = 0; router_at(i); i++)
        if (!lane_of(f, router_at(i)->name, &c, e) || !add_lane(r, &c, e)) return false;
    return true;
}

static bool read_budget(struct race *r, const char *words, struct err *e)
{
    static const char *const kinds[] = {"steps", "flops", "seconds"};
    size_t n = strcspn(words, ":");
    char *end = NULL;
    for (int i = 0; i < 3; i++) {
        if (strlen(kinds[i]) != n || strncmp(words, kinds[i], n) != 0 || !words[n]) continue;
        r->kind = (enum race_budget)i;
        r->budget = strtod(words + n + 1, &end);
        if (end != words + n + 1 && !*end && isfinite(r->budget) && r->budget > 0 &&
            (i > 0 || r->budget >= 1))
            return true;
    }
    return err_set(e, ERR_USAGE,
                   "--budget is steps:N, flops:X or seconds:S, as in seconds:10, not '%.40s'",
                   words);
}

/* A condition on names that every lane knows. */
static bool read_until(struct race *r, const char *words, struct telling *t, struct err *e)
{
    struct snapshot *s = malloc(sizeof *s);
    double value;
    bool ok = s ? expect_read(&t->until, words, e)
                : err_set(e, ERR_MEMORY, "out of memory for a snapshot");
    for (int i = 0; ok && i < r->lanes; i++) {
        snapshot_clear(s);
        s->router = r->lane[i].router;
        ok = expect_value(s, t->until.name, &value, e) &&
             (!*t->until.than || expect_value(s, t->until.than, &value, e));
    }
    free(s);
    r->enough = enough, r->validates = ok && expect_validates(&t->until);
    return ok;
}

static bool read_race(struct race *r, const struct flags *f, struct err *e)
{
    bool ok = true;
    if (f->knobs.count)
        return err_set(e, ERR_USAGE, "a race's knobs belong to a lane: --lane 'topp p=0.6'");
    if (f->strategies && !add_named(r, f, f->strategies, e)) return false;
    for (int i = 0; ok && i < f->lanes.count; i++) ok = add_written(r, f, f->lanes.at[i], e);
    if (ok && r->lanes == 0) ok = f->strategy ? add_named(r, f, f->strategy, e) : add_all(r, f, e);
    if (!ok) return false;
    r->seeds = 1;
    r->seed[0] = (uint64_t)r->lane[0].value[CONFIG_SEED];
    if (f->seeds && (r->seeds = flags_seeds(f->seeds, r->seed, RACE_SEEDS, e)) == 0) return false;
    r->kind = RACE_STEPS;
    r->budget = r->lane[0].value[CONFIG_STEPS];
    r->every = f->every > 0 ? (int)f->every : f->json ? 100 : 20;
    if (!isnan(f->target)) r->target = f->target;
    if (f->budget && !isnan(f->minutes))
        return err_set(e, ERR_USAGE, "--minutes is a budget, too: leave one of the two out");
    if (!isnan(f->minutes)) r->kind = RACE_SECONDS, r->budget = 60 * f->minutes;
    return !f->budget || read_budget(r, f->budget, e);
}

bool cli_race(const struct flags *f, struct err *e)
{
    if (f->scenario) return cli_scenario(f, e);
    struct telling t = {.flags = f};
    struct race *r = calloc(1, sizeof *r);
    struct race_result *result = calloc(RACE_LANES, sizeof *result);
    bool ok = r && result;
    if (!ok) err_set(e, ERR_MEMORY, "out of memory for the race");
    out_catch_interrupt();
    ok = ok && read_race(r, f, e) && (!f->until || read_until(r, f->until, &t, e));
    if (ok) {
        r->tell = tell, r->pilot = pilot, r->to = &t;
        t.race = r, t.begun = clock_now();
        ok = race_run(r, result, e);
        if (!ok && t.err.code) *e = t.err;
    }
    if (ok) {
        if (f->json)
            race_json(&t.out, result, r->lanes, r->target, f->until);
        else
            race_table(&t.out, result, r->lanes, r->target);
        if (!f->json && f->until) race_tell_reached(&t.out, result, r->lanes, f->until);
        ok = out_put(&t.out, e);
    }
    text_free(&t.out);
    free(result);
    free(r);
    return ok;
}
