/* tui/cli/replay.c - `replay FILE`: a recorded session, computed again. At the recorded SIMD level
 * every fingerprint of the weights must be the same; at another one the loss must be near. */
#include "core/base/clock.h"
#include "core/base/io.h"
#include "core/console/console.h"
#include "core/script/record.h"
#include "core/train/trainer.h"
#include "tui/cli/cast.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay {
    const struct flags *flags;
    json_t *lines;
    struct console *console;
    struct cast *cast; /* NULL: none is made */
    struct text out, said;
    long made;
    bool exact; /* the same SIMD level and backend: fingerprints must be equal */
    int samples, equal;
    double begun;
};

/* ---- the run that was recorded ---- */

static bool take_options(struct config *c, const json_t *values, bool knobs, struct err *e)
{
    const struct option *all = knobs ? c->router->knobs : config_options;
    int n = knobs ? ROUTER_KNOBS : CONFIG_COUNT;
    for (int i = 0; i < n && all[i].name; i++) {
        double value = record_number(values, all[i].name);
        if (isnan(value))
            return err_set(e, ERR_INPUT, "the record lacks %s: it was made by another version",
                           all[i].name);
        *(knobs ? &c->knob[i] : &c->value[i]) = value;
    }
    return true;
}

static bool config_of(const struct replay *r, struct config *c, struct err *e)
{
    const json_t *head = json_array_get(r->lines, 0);
    if (!config_start(c, record_word(head, "data"), record_word(head, "strategy"), e) ||
        !take_options(c, json_object_get(head, "settings"), false, e) ||
        !take_options(c, json_object_get(head, "knobs"), true, e))
        return false;
    c->paper = json_is_true(json_object_get(head, "paper"));
    c->named = (unsigned)record_number(head, "named");
    c->knob_named = (unsigned)record_number(head, "knob_named");
    if (strcmp(record_word(head, "backend"), "cpu") == 0)
        snprintf(c->simd, sizeof c->simd, "%s", record_word(head, "simd"));
    snprintf(c->backend, sizeof c->backend, "%s", record_word(head, "backend"));
    return flags_machine(r->flags, c, e) && config_check(c, e);
}

/* ---- going on ---- */

static bool step_to(struct replay *r, long made, struct err *e)
{
    char line[512], left[16], what[120];
    while (r->made < made) {
        long before = trainer_now(console_trainer(r->console));
        if (out_interrupts()) return err_set(e, ERR_INTERRUPTED, "interrupted");
        if (!console_busy(r->console)) {
            if (!console_next(r->console, line, sizeof line))
                return err_set(e, ERR_INPUT, "the record says %ld steps here, and nothing trains",
                               made);
            if (!console_do(r->console, line, &r->said, e)) return false;
            text_clear(&r->said);
            continue;
        }
        bool look = r->made % 100 == 99;
        if (!console_step(r->console, look, false, e)) return false;
        r->made += trainer_now(console_trainer(r->console)) != before;
        if (!look) continue;
        if (r->cast) cast_frame(r->cast, console_snapshot(r->console));
        snprintf(what, sizeof what, "step %ld of the record, %s", r->made,
                 text_seconds(left, clock_now() - r->begun));
        if (!r->flags->quiet) out_progress(what);
    }
    return true;
}

static bool sample(struct replay *r, const json_t *o)
{
    char hash[24], loss[16], then[16];
    double was = record_number(o, "loss"), now = console_snapshot(r->console)->loss;
    snprintf(hash, sizeof hash, "%016llx",
             (unsigned long long)trainer_hash(console_trainer(r->console)));
    bool same = strcmp(hash, record_word(o, "hash")) == 0;
    bool near = (isnan(was) && isnan(now)) || fabs(was - now) <= .05 + .05 * fabs(was);
    bool ok = r->exact ? same : near;
    r->samples++, r->equal += ok;
    if (!ok)
        text_add(&r->out, "step %ld: %s (loss %s, recorded %s)\n", r->made,
                 r->exact ? "the weights are others" : "the loss is not near",
                 text_number(loss, now, 4), text_number(then, was, 4));
    return ok;
}

static bool one(struct replay *r, const json_t *o, struct err *e)
{
    const char *type = record_word(o, "type");
    double made = record_number(o, "made");
    if (strcmp(type, "record") == 0) return true;
    if (!(made >= 0 && made < 1e12))
        return err_set(e, ERR_INPUT, "a line of the record has no number of steps");
    if (!step_to(r, (long)made, e)) return false;
    if (strcmp(type, "line") == 0) {
        text_add(&r->out, "step %-7ld %s\n", r->made, record_word(o, "line"));
        bool ok = console_do(r->console, record_word(o, "line"), &r->said, e);
        text_clear(&r->said);
        if (r->cast) cast_said(r->cast, record_word(o, "line"), console_snapshot(r->console));
        return ok;
    }
    if (strcmp(type, "note") == 0)
        text_add(&r->out, "step %-7ld # %s\n", r->made, record_word(o, "text"));
    if (strcmp(type, "sample") == 0) sample(r, o);
    return true;
}

static bool run(struct replay *r, struct err *e)
{
    struct config c;
    long last = r->flags->to >= 0 ? r->flags->to : -1;
    const json_t *head = json_array_get(r->lines, 0);
    if (!config_of(r, &c, e) || !(r->console = console_open(&c, e))) return false;
    const struct snapshot *s = console_snapshot(r->console);
    r->exact = strcmp(s->simd, record_word(head, "simd")) == 0 &&
               strcmp(s->backend, record_word(head, "backend")) == 0;
    if (!console_do(r->console, "go", &r->said, e)) return false;
    if (r->cast) cast_frame(r->cast, s);
    for (size_t i = 0; i < json_array_size(r->lines); i++) {
        const json_t *o = json_array_get(r->lines, i);
        if (last >= 0 && record_number(o, "made") > (double)last) break;
        if (!one(r, o, e) || (r->out.size && !out_put(&r->out, e))) return false;
    }
    return (last < 0 || step_to(r, last, e)) &&
           (!r->flags->save || trainer_save(console_trainer(r->console), r->flags->save, e));
}

static bool verdict(struct replay *r, struct err *e)
{
    text_add(&r->out, "%d of %d %s\n", r->equal, r->samples,
             r->exact ? "fingerprints of the weights are the same"
                      : "losses are near (another SIMD level: bits may differ)");
    if (r->flags->save)
        text_add(&r->out, "saved step %ld to %s: train --resume goes another way from here\n",
                 r->made, r->flags->save);
    if (!out_put(&r->out, e)) return false;
    return r->equal == r->samples || err_set(e, ERR_CHECK, "the replay went another way");
}

bool cli_replay(const struct flags *f, struct err *e)
{
    struct replay r = {.flags = f, .begun = clock_now()};
    if (f->operands.count != 1)
        return err_set(e, ERR_USAGE, "replay needs the record: replay FILE");
    if (f->save && !io_can_save(f->save, e)) return false;
    out_catch_interrupt();
    bool ok = (r.lines = record_read(f->operands.at[0], e)) &&
              (!f->cast || (r.cast = cast_open(f->cast, e)));
    ok = ok && run(&r, e);
    out_progress_end();
    ok = cast_close(r.cast, ok ? e : NULL) && ok;
    ok = ok && verdict(&r, e);
    console_close(r.console);
    json_decref(r.lines);
    text_free(&r.out);
    text_free(&r.said);
    return ok;
}
