/* core/console/cmd_race.c - The verb of the race: lanes in the words of the command language, run in
 * turn beside the model, which rests meanwhile. */
#include "core/console/verbs.h"
#include "core/data/control.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The model's data, sizes, seed and learning rate as a person set them; the strategy's own knobs
 * stand where they start. */
static bool add_lane(struct console *c, struct race *r, const char *strategy, struct err *e)
{
    struct config lane = console_config(c), fresh;
    if (r->lanes == SNAP_RACE_LANES)
        return err_set(e, ERR_USAGE, "a race here has at most %d lanes", SNAP_RACE_LANES);
    if (!config_start(&fresh, lane.data, strategy, e)) return false;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (i != CONFIG_LR || lane.named >> i & 1) fresh.value[i] = lane.value[i];
    fresh.value[CONFIG_COUNTS] = CONTROL_NONE;
    fresh.named = lane.named, fresh.paper = lane.paper, fresh.threads = lane.threads;
    memcpy(fresh.backend, lane.backend, sizeof fresh.backend);
    memcpy(fresh.simd, lane.simd, sizeof fresh.simd);
    if (!config_set_router(&fresh, strategy, e)) return false; /* starts, for these sizes */
    r->lane[r->lanes++] = fresh;
    return true;
}

static bool positive(const char *name, const char *word, double *to, struct err *e)
{
    char *end;
    *to = strtod(word, &end);
    return (end != word && !*end && isfinite(*to) && *to > 0) ||
           err_set(e, ERR_USAGE, "%s is a number above 0, not '%.40s'", name, word);
}

static bool take_seeds(struct race *r, const char *words, struct err *e)
{
    r->seeds = 0;
    for (const char *at = words;; at++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 9 || r->seeds == RACE_SEEDS ||
            (at[digits] && at[digits] != ','))
            return err_set(e, ERR_USAGE,
                           "seeds are up to %d whole numbers with commas between, as in "
                           "seeds=1,2,3, not '%.40s'",
                           RACE_SEEDS, words);
        r->seed[r->seeds++] = strtoull(at, NULL, 10);
        at += digits;
        if (!*at) return true;
    }
}

/* What holds for all lanes; *is: `name` was such a word. */
static bool take_budget(struct race *r, const char *name, const char *value, bool *is,
                        struct err *e)
{
    static const char *const kinds[] = {"steps", "flops", "seconds"}; /* enum race_budget */
    long steps;
    *is = true;
    if (strcmp(name, "seeds") == 0) return take_seeds(r, value, e);
    if (strcmp(name, "aim") == 0)
        return positive(name, value, &r->target, e) &&
               (r->target <= EXPERTS_MAX ||
                err_set(e, ERR_USAGE, "aim is a number of experts, not '%.40s'", value));
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, kinds[i]) != 0) continue;
        r->kind = (enum race_budget)i;
        if (i != RACE_STEPS) return positive(name, value, &r->budget, e);
        if (!verb_number("steps", value, 1, &steps, e)) return false;
        r->budget = (double)steps;
        return true;
    }
    *is = false;
    return true;
}

/* NAME=VALUE: of the whole race, or a knob or setting of the newest lane. */
static bool take_value(struct race *r, char *word, struct err *e)
{
    char *is = strchr(word, '=');
    bool common;
    *is = 0;
    bool ok = take_budget(r, word, is + 1, &common, e);
    if (ok && !common && r->lanes == 0)
        ok = err_set(e, ERR_USAGE, "%.40s=%.40s stands behind the strategy it belongs to: %s", word,
                     is + 1, verb_named("race")->usage);
    if (ok && !common) {
        struct config *lane = &r->lane[r->lanes - 1];
        bool setting =
            router_knob(lane->router, word) < 0 && option_find(config_options, CONFIG_COUNT, word);
        ok = setting ? config_set(lane, word, is + 1, e) : config_set_knob(lane, word, is + 1, e);
    }
    *is = '=';
    return ok;
}

/* One word of the line; a quoted lane holds several. */
static bool take_word(struct console *c, struct race *r, char *word, struct err *e)
{
    for (char *at = word + strspn(word, " "); *at;) {
        char *end = at + strcspn(at, " "), was = *end;
        *end = 0;
        bool ok = strchr(at, '=') ? take_value(r, at, e) : add_lane(c, r, at, e);
        *end = was;
        if (!ok) return false;
        at = end + strspn(end, " ");
    }
    return true;
}

static bool check_lanes(struct race *r, struct err *e)
{
    for (int i = 0; i < r->lanes; i++)
        if (!config_check(&r->lane[i], e)) return false;
    return true;
}

/* The old race goes only when the new one is there. */
static bool begin(struct console *c, const struct race *r, struct text *out, struct err *e)
{
    struct race_live *race = race_live_open(r, e);
    struct snap_race *s = &c->snapshot.race;
    char aim[48] = "";
    if (!race) return false;
    if (!race_live_on(c->race)) c->rested = c->paused;
    race_live_close(c->race);
    c->race = race;
    c->raced = *r;
    c->paused = false;
    race_live_show(race, s);
    if (r->target > 0) snprintf(aim, sizeof aim, " on %.3g experts", r->target);
    text_add(out, "%d lane%s, %s each%s%s, same weights and batches%s\n", s->lanes,
             s->lanes == 1 ? "" : "s", s->budget, r->seeds > 1 ? " and seed" : "", aim,
             *aim ? "" : "; the model rests");
    return true;
}

void race_leave(struct console *c)
{
    c->paused = c->paused || c->rested;
}

static bool stop(struct console *c, struct err *e)
{
    if (!race_live_on(c->race)) return err_set(e, ERR_USAGE, "no race is under way");
    race_live_stop(c->race, "stopped");
    race_leave(c);
    return true;
}

static bool show(struct console *c, struct text *out, struct err *e)
{
    struct snap_race now;
    if (!c->race)
        return err_set(e, ERR_USAGE, "there was no race yet: race topk topp starts one of two");
    race_live_show(c->race, &now);
    race_live_table(c->race, out);
    if (now.on)
        text_add(out, "%.0f %% of the race is run; only whole runs stand above\n", 100 * now.done);
    else if (*now.why)
        text_add(out, "%s at %.0f %%; only whole runs stand above\n", now.why, 100 * now.done);
    return true;
}

static bool cmd_race(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const char *first = argc == 2 ? argv[1] : "";
    if (strcmp(first, "stop") == 0) return stop(c, e);
    if (strcmp(first, "show") == 0) return show(c, out, e);
    if (strcmp(first, "again") == 0) return c->race ? begin(c, &c->raced, out, e) : show(c, out, e);
    const struct config *now = trainer_config(c->trainer);
    struct race r = {.seeds = 1,
                     .seed = {(uint64_t)now->value[CONFIG_SEED]},
                     .kind = RACE_STEPS,
                     .budget = now->value[CONFIG_STEPS]};
    for (int i = 1; i < argc; i++)
        if (!take_word(c, &r, argv[i], e)) return false;
    bool all = r.lanes == 0;
    for (int i = 0; all && router_at(i) && i < SNAP_RACE_LANES; i++)
        if (!add_lane(c, &r, router_at(i)->name, e)) return false;
    return check_lanes(&r, e) && begin(c, &r, out, e);
}

static void complete_race(int argc, char **argv, int arg, verb_add *add, void *to)
{
    static const char *const words[] = {"steps=", "seconds=", "flops=", "seeds=", "aim="};
    for (int i = 0; arg == 1 && i < 3; i++)
        add(to, (const char *const[]){"again", "show", "stop"}[i]);
    complete_strategies(add, to);
    for (int i = arg - 1; i > 0 && i < argc; i--) { /* knobs of the lane before the cursor */
        const struct router *r = router_find(argv[i], NULL);
        if (!r) continue;
        complete_knobs(r, "=", add, to);
        break;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) add(to, words[i]);
}

const struct command race_commands[] = {
    {.name = "race",
     .usage = "race [STRATEGY [KNOB=VALUE]...]... [steps=N|seconds=S|flops=X] [seeds=A,B,C] "
              "[aim=X] | again | "
              "show | stop",
     .help = "train several strategies in turn, alike but for the rule; none named: all; aim: each "
             "kept on X experts",
     .run = cmd_race,
     .complete = complete_race},
    {.name = NULL},
};
