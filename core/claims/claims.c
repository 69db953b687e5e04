/* core/claims/claims.c - From a claim's lanes to its verdict: what is needed and not here, the runs,
 * their numbers, the conditions on them. */
#include "core/claims/claims.h"
#include "core/data/dataset.h"
#include "core/script/command.h"
#include "core/script/expect.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */
const char *claim_verdict_name(enum claim_verdict v)
{
    static const char *const names[] = {[CLAIM_SHOWS] = "shows it",
                                        [CLAIM_DOES_NOT] = "does not at this scale",
                                        [CLAIM_CANNOT] = "cannot be shown here"};
    return names[v];
}

static const struct router *lane_router(const char *lane)
{
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(lane, " "), lane);
    return router_find(name, NULL);
}

/* One lane's numbers after one run: the fields, then the strategy's scalars, then its losses. */
enum { READ_FIELDS = 64, READINGS = READ_FIELDS + ROUTER_METRICS + ROUTER_LOSSES };

/* Where a name's number is among them; -1: nobody measures such a thing. */
static int reading_of(const struct router *r, const char *name)
{
    const struct field *f = field_find(name, NULL);
    if (f) return (int)(f - snapshot_fields);
    for (int i = 0; r && i < ROUTER_METRICS && r->metrics[i].name; i++)
        if (strcmp(r->metrics[i].name, name) == 0) return READ_FIELDS + i;
    for (int i = 0; r && i < ROUTER_LOSSES && r->losses[i].pressure; i++)
        if (strcmp(r->losses[i].pressure, name) == 0) return READ_FIELDS + ROUTER_METRICS + i;
    return -1;
}

/* What a strategy that sees the future predicts is no prediction. */
static bool predicted(const char *name)
{
    static const char *const of[] = {
        "loss",     "accuracy",     "item_accuracy",    "bits_per_char",
        "val_loss", "val_accuracy", "val_bits_per_char"};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (strcmp(of[i], name) == 0) return true;
    return false;
}

/* The lane of "a.loss", and in *field the rest; NULL: there is none. */
static const char *lane_of(const struct claim *c, const char *name, const char **field)
{
    int lane = name[0] - 'a';
    *field = name[0] && name[1] == '.' ? name + 2 : name;
    return lane >= 0 && lane < CLAIM_LANES && *field != name ? c->lane[lane] : NULL;
}

/* ---- what is not here ---- */
static bool data_is_here(const char *data)
{
    for (int i = 0; dataset_type(i); i++)
        if (strcmp(dataset_type(i)->name, data) == 0) return true;
    return false;
}

static bool lacks(const struct claim *c, const char *name, char *why, int size)
{
    const char *field, *lane = lane_of(c, name, &field);
    if (!*name || (lane && reading_of(lane_router(lane), field) >= 0)) return false;
    snprintf(why, (size_t)size, "nothing here measures %s", field);
    return true;
}

static struct expect ask(const struct claim *c, int i)
{
    struct expect x;
    bool readable = expect_read(&x, c->asks[i], NULL);
    assert(readable);
    (void)readable;
    return x;
}

/* What a claim needs and is not here, before anything is run: its data set, or a field that a
 * condition asks for. False: all is here. `why`: a sentence. */
static bool is_lacking(const struct claim *c, char *why, int size)
{
    if (!data_is_here(c->data)) {
        snprintf(why, (size_t)size, "there is no data set '%s' here", c->data);
        return true;
    }
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++) {
        struct expect x = ask(c, i);
        if (lacks(c, x.name, why, size) || lacks(c, x.than, why, size)) return true;
    }
    return false;
}

/* ---- the verdict ---- */
/* NaN: unknown. No name: 0. */
static double number(const struct claim_result *r, const char *name, int seed)
{
    for (int i = 0; i < r->values; i++)
        if (strcmp(r->value[i].name, name) == 0) return r->value[i].at[seed];
    return *name ? NAN : 0;
}

static bool unmeasured(struct claim_result *r, const char *name, int seed)
{
    if (!isnan(number(r, name, seed))) return false;
    const char *field, *lane = lane_of(r->claim, name, &field);
    const struct router *router = lane ? lane_router(lane) : NULL;
    bool future = router && router->needs & SEES_FUTURE && predicted(field);
    snprintf(r->why, sizeof r->why,
             future ? "%s is no prediction, its lane sees the future" : "%s was not measured",
             name);
    return true;
}

void claim_judge(struct claim_result *r)
{
    const struct claim *c = r->claim;
    int most = 0;
    memset(r->held, 0, sizeof r->held);
    r->verdict = CLAIM_CANNOT;
    if (is_lacking(c, r->why, sizeof r->why)) return;
    r->verdict = CLAIM_SHOWS;
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++) {
        struct expect x = ask(c, i);
        for (int s = 0; s < r->seeds; s++) {
            if (unmeasured(r, x.name, s) || unmeasured(r, x.than, s)) {
                r->verdict = CLAIM_CANNOT;
                return;
            }
            r->held[i] += expect_of(&x, number(r, x.name, s), number(r, x.than, s));
        }
        if (r->held[i] == r->seeds) continue;
        if (r->verdict == CLAIM_SHOWS || r->held[i] < most) {
            most = r->held[i];
            snprintf(r->why, sizeof r->why, "%s held with %d of %d seeds", c->asks[i], r->held[i],
                     r->seeds);
        }
        r->verdict = CLAIM_DOES_NOT;
    }
    if (r->verdict == CLAIM_SHOWS)
        snprintf(r->why, sizeof r->why, "all that is asked held with every seed");
}

struct race_range claim_range(const struct claim_result *r, int value)
{
    const double *at = r->value[value].at;
    struct race_range to = {0, INFINITY, -INFINITY};
    for (int s = 0; s < r->seeds; s++) {
        if (isnan(at[s])) return (struct race_range){NAN, NAN, NAN};
        to.mean += at[s] / r->seeds;
        to.min = fmin(to.min, at[s]), to.max = fmax(to.max, at[s]);
    }
    return r->seeds ? to : (struct race_range){NAN, NAN, NAN};
}

/* ---- lanes ---- */
/* What is run once, whoever asks for it. */
struct trial {
    const char *data, *lane;
    int steps;
    char label[96];
    long ran; /* steps; 0: not yet */
    double read[RACE_SEEDS][READINGS];
};
struct running {
    struct claims *claims;
    struct trial *trial, *now;
    int trials, seed;
    double before, part; /* of claims->done */
    const struct race *race;
};

static bool read_lane(const char *data, const char *lane, struct config *to, struct err *e)
{
    struct command_line line;
    if (!command_parse(&line, lane, e) || !config_start(to, data, line.argv[0], e)) return false;
    for (int i = 1; i < line.argc; i++) {
        char *is = strchr(line.argv[i], '=');
        if (!is) return err_set(e, ERR_USAGE, "'%.40s' is not KNOB=VALUE", line.argv[i]);
        *is = 0;
        if (!config_set_knob(to, line.argv[i], is + 1, e)) return false;
    }
    return config_check(to, e);
}

bool claim_lane(const struct claim *c, int lane, struct config *to, struct err *e)
{
    return read_lane(c->data, c->lane[lane], to, e);
}

static bool trial_config(const struct claims *all, const struct trial *t, struct config *to,
                         struct err *e)
{
    if (!read_lane(t->data, t->lane, to, e)) return false;
    int steps = all->steps > 0 ? all->steps : t->steps;
    if (steps > 0) to->value[CONFIG_STEPS] = steps;
    if (all->machine) {
        memcpy(to->backend, all->machine->backend, sizeof to->backend);
        memcpy(to->simd, all->machine->simd, sizeof to->simd);
        to->threads = all->machine->threads;
    }
    return true;
}

static struct trial *trial_of(struct running *r, const struct claim *c, const char *lane)
{
    for (int i = 0; i < r->trials; i++) {
        struct trial *t = &r->trial[i];
        if (t->steps == c->steps && strcmp(t->data, c->data) == 0 && strcmp(t->lane, lane) == 0)
            return t;
    }
    struct trial *t = &r->trial[r->trials++];
    *t = (struct trial){.data = c->data, .lane = lane, .steps = c->steps};
    return t;
}

static void take(struct trial *t, int seed, const struct snapshot *s)
{
    double *to = t->read[seed];
    for (int i = 0; i < READINGS; i++) to[i] = NAN;
    for (int i = 0; i < snapshot_field_count && i < READ_FIELDS; i++)
        to[i] = s->router->needs & SEES_FUTURE && predicted(snapshot_fields[i].name)
                    ? NAN
                    : field_get(&snapshot_fields[i], s);
    for (int i = 0; i < ROUTER_METRICS; i++) to[READ_FIELDS + i] = s->rule[i];
    for (int i = 0; i < ROUTER_LOSSES; i++) to[READ_FIELDS + ROUTER_METRICS + i] = s->losses[i];
}

static bool hear(void *to, const char *lane, const struct snapshot *s, bool first, bool last)
{
    struct running *r = to;
    struct claims *all = r->claims;
    (void)first;
    all->done = r->before + r->part * r->race->done;
    if (last) {
        take(r->now, r->seed++, s);
        r->now->ran = s->step;
        snprintf(r->now->label, sizeof r->now->label, "%s", lane);
    }
    return !all->progress || all->progress(all->to, lane, s);
}

static bool run_trial(struct running *r, struct trial *t, struct err *e)
{
    const struct claims *all = r->claims;
    struct race_result result;
    struct race *race = calloc(1, sizeof *race);
    if (!race) return err_set(e, ERR_MEMORY, "not enough memory for a race");
    bool ok = trial_config(all, t, &race->lane[0], e);
    race->lanes = 1, race->seeds = all->seeds;
    memcpy(race->seed, all->seed, sizeof race->seed);
    race->kind = RACE_STEPS, race->budget = race->lane[0].value[CONFIG_STEPS];
    race->every = 50, race->tell = hear, race->to = r;
    r->now = t, r->race = race, r->seed = 0;
    ok = ok && race_run(race, &result, e);
    free(race);
    return ok;
}

/* Seconds of a lane, in any unit: layers of text do attention too. */
static double weight(const struct claims *all, const struct trial *t)
{
    struct config c;
    if (!trial_config(all, t, &c, NULL)) return 0;
    double tokens = c.value[CONFIG_STEPS] * c.value[CONFIG_BATCH] * c.value[CONFIG_CONTEXT];
    return tokens * c.value[CONFIG_LAYERS] * (c.value[CONFIG_CONTEXT] > 1 ? 2 : 1);
}

/* ---- claims ---- */
static void add_value(struct claim_result *r, const struct trial *t, int lane, const char *name)
{
    int at = reading_of(lane_router(t->lane), name);
    char full[64];
    snprintf(full, sizeof full, "%c.%s", 'a' + lane, name);
    for (int i = 0; i < r->values; i++)
        if (strcmp(r->value[i].name, full) == 0) return;
    if (at < 0) return;
    struct claim_value *v = &r->value[r->values++];
    snprintf(v->name, sizeof v->name, "%s", full);
    for (int s = 0; s < r->seeds; s++) v->at[s] = t->read[s][at];
}

/* Every field that is asked or shown, of every lane, lane by lane. */
static void read_trial(struct claim_result *r, const struct trial *t, int lane)
{
    const struct claim *c = r->claim;
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++) {
        struct expect x = ask(c, i);
        add_value(r, t, lane, x.name + 2);
        if (*x.than) add_value(r, t, lane, x.than + 2);
    }
    for (int i = 0; i < CLAIM_SHOWN && c->shown[i]; i++) add_value(r, t, lane, c->shown[i]);
    memcpy(r->label[lane], t->label, sizeof r->label[lane]);
    r->steps = t->ran;
}

static bool run_claim(struct running *r, const struct claim *c, double all, struct err *e)
{
    struct claim_result to = {.claim = c, .seeds = r->claims->seeds};
    memcpy(to.seed, r->claims->seed, sizeof to.seed);
    bool here = !is_lacking(c, to.why, sizeof to.why);
    for (int i = 0; here && i < CLAIM_LANES && c->lane[i]; i++) {
        struct trial *t = trial_of(r, c, c->lane[i]);
        r->part = weight(r->claims, t) / all;
        if (!t->ran) {
            if (!run_trial(r, t, e)) return false;
            r->before += r->part;
        }
        read_trial(&to, t, i);
    }
    claim_judge(&to);
    return r->claims->tell(r->claims->to, &to) ||
           err_set(e, ERR_INTERRUPTED, "the claims were stopped");
}

bool claims_run(struct claims *c, struct err *e)
{
    char why[240];
    double all = 0;
    struct running r = {.claims = c};
    r.trial = calloc((size_t)c->count * CLAIM_LANES + 1, sizeof *r.trial);
    if (!r.trial) return err_set(e, ERR_MEMORY, "not enough memory for the claims");
    for (int i = 0; i < c->count; i++)
        for (int k = 0; k < CLAIM_LANES && c->claim[i]->lane[k]; k++)
            if (!is_lacking(c->claim[i], why, sizeof why))
                trial_of(&r, c->claim[i], c->claim[i]->lane[k]);
    for (int i = 0; i < r.trials; i++) all += weight(c, &r.trial[i]);
    bool ok = true;
    for (int i = 0; ok && i < c->count; i++) ok = run_claim(&r, c->claim[i], all, e);
    free(r.trial);
    return ok;
}
