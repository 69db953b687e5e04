/* core/console/console.c - The handle that faces hold: lines in, steps made, snapshots out. */
#include "core/console/verbs.h"
#include "core/script/policy.h"
#include "core/script/record.h"
#include "core/train/engine.h"
#include "core/train/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the handle ---- */
/* Around an open trainer, which it owns from now on. */
static struct console *adopt(struct trainer *t, struct err *e)
{
    struct console *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(e, ERR_MEMORY, "out of memory: a console needs %zu bytes", sizeof *c);
        trainer_close(t);
        return NULL;
    }
    c->trainer = t;
    if (!(c->undo = calloc(2, sizeof *c->undo))) {
        err_set(e, ERR_MEMORY, "out of memory: a console needs %zu bytes", 2 * sizeof *c->undo);
        console_close(c);
        return NULL;
    }
    past_open(t);
    journal_begin(&c->journal, trainer_config(t), NULL);
    c->journal.unknown = trainer_now(t) > 0;
    c->goal = trainer_now(t);
    c->stale = true;
    snapshot_clear(&c->snapshot);
    return c;
}

struct console *console_open(const struct config *config, struct err *e)
{
    struct trainer *t = trainer_open(config, e);
    return t ? adopt(t, e) : NULL;
}

void console_close(struct console *c)
{
    if (!c) return;
    while (c->scripts > 0) script_close(&c->script[--c->scripts]);
    record_sample(c, true); /* looks at all that still runs, the race too */
    record_close(c->record);
    race_live_close(c->race);
    free(c->policy);
    undo_close(c);
    trainer_close(c->parked);
    trainer_close(c->trainer);
    journal_free(&c->journal);
    free(c);
}

struct config console_config(const struct console *c)
{
    struct config config = *trainer_config(c->trainer);
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (!(c->waiting >> i & 1)) continue;
        config.value[i] = c->size[i];
        config.named |= 1u << i;
    }
    return config;
}

void console_park(struct console *c, struct trainer *old)
{
    if (c->parked)
        trainer_close(old); /* a line that makes two: what it found is what comes back */
    else
        c->parked = old;
    c->models++;
    past_open(c->trainer);
}

bool console_renew(struct console *c, const struct config *to, struct err *e)
{
    bool endless = c->goal < 0;
    struct config whole = *to;
    whole.fleet = (struct fleet){0}; /* a new fleet */
    to = &whole;
    struct trainer *old = config_check(to, e) ? trainer_renew(c->trainer, to, e) : NULL;
    if (!old) return false;
    console_park(c, old);
    c->waiting = 0;
    journal_begin(&c->journal, trainer_config(c->trainer), NULL);
    c->goal = endless ? -1 : trainer_now(c->trainer);
    c->stale = true;
    snapshot_clear(&c->snapshot);
    return true;
}

bool console_clean(struct console *c, struct err *e)
{
    const struct config *now = trainer_config(c->trainer);
    struct config to;
    if (!config_start(&to, now->data, now->router->name, e)) return false;
    to.value[CONFIG_SEED] = now->value[CONFIG_SEED], to.named = 1u << CONFIG_SEED;
    to.threads = now->threads;
    memcpy(to.backend, now->backend, sizeof to.backend);
    memcpy(to.simd, now->simd, sizeof to.simd);
    return policy_fix(c->policy, &to, e) && console_renew(c, &to, e);
}

bool console_busy(const struct console *c)
{
    bool more = c->goal < 0 || trainer_now(c->trainer) < c->goal || race_live_on(c->race);
    return more && !c->paused && !c->quit;
}

/* A script has lines left, or what it asked for is not done: more comes without anybody's asking. */
static bool goes_on(const struct console *c)
{
    bool more = false;
    for (int i = 0; i < c->scripts; i++) more = more || script_more(&c->script[i]);
    return c->scripts > 0 && !c->held && (more || console_busy(c));
}

/* What the console itself knows: not in the trainer's measures. */
static void show(struct console *c)
{
    struct snapshot *s = &c->snapshot;
    race_live_show(c->race, &s->race);
    memcpy(s->kept, c->kept, sizeof s->kept);
    s->model = c->models;
    s->undos = c->undo[0].count, s->redos = c->undo[1].count;
    s->goal = c->goal;
    s->scripted = goes_on(c);
    s->paused = !console_busy(c) && !s->scripted;
    s->asking = console_working(c, NULL);
    s->locked = policy_locks(c->policy, trainer_config(c->trainer)->router);
    s->finished = c->goal >= 0 && s->step >= c->goal && s->step >= s->setting[CONFIG_STEPS];
}

static void measure(struct console *c, bool window)
{
    trainer_measure(c->trainer, &c->snapshot, window);
    c->stale = false, c->routed = window;
    show(c);
}

/* The model rests: nothing of it needs measuring anew. What ends a race does not end the console:
 * the snapshot says why. */
static bool race_step(struct console *c)
{
    enum { TURN_MS = 12 }; /* an answer waits for no more than this and a step */
    struct err why = {0};
    if (!race_live_turn(c->race, TURN_MS / 1e3, &why))
        snprintf(c->snapshot.notice, sizeof c->snapshot.notice, "the race is over: %.130s",
                 why.text);
    if (!race_live_on(c->race)) race_leave(c);
    show(c);
    return true;
}

bool console_step(struct console *c, bool wanted, bool window, struct err *e)
{
    if (!console_busy(c)) return true;
    if (race_live_on(c->race)) return race_step(c);
    bool ok = trainer_step(c->trainer, e);
    past_note(c->trainer);
    c->stale = true;
    if (!ok) c->goal = trainer_now(c->trainer);
    if (ok) aim_step(c);
    c->made++;
    if (wanted || window || !ok) measure(c, window);
    record_sample(c, false);
    return ok;
}

void console_leave_work(struct console *c)
{
    c->pieces = true;
}

bool console_working(const struct console *c, bool *first)
{
    bool asked = probe_busy(c->trainer) != PROBE_NOTHING || trainer_comparing(c->trainer);
    if (first) *first = asked;
    return asked || own_busy(c->trainer);
}

static bool compare_piece(struct console *c, struct text *out, struct err *e)
{
    bool ok = trainer_compare_turn(c->trainer, e);
    c->stale = true;
    if (ok && !trainer_comparing(c->trainer)) engine_say(c, out);
    return ok;
}

bool console_work(struct console *c, struct text *out, struct err *e)
{
    if (trainer_comparing(c->trainer)) return compare_piece(c, out, e);
    enum probe_kind asked = probe_busy(c->trainer);
    bool ok = asked ? probe_piece(c->trainer, e) : own_piece(c->trainer, e);
    c->stale = true;
    bool done = asked ? probe_busy(c->trainer) != asked : !own_busy(c->trainer);
    if (ok && done) work_say(c, asked, out);
    return ok;
}

const struct snapshot *console_snapshot(struct console *c)
{
    if (c->stale || (!c->routed && !console_busy(c))) /* at rest it is whole */
        measure(c, true);
    else
        show(c);
    return &c->snapshot;
}

struct trainer *console_trainer(struct console *c)
{
    return c->trainer;
}

bool console_quit(const struct console *c)
{
    return c->quit;
}

const struct scenario_state *console_scenario(const struct console *c)
{
    return &c->scenario;
}
