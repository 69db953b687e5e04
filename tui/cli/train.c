/* tui/cli/train.c - `train`: one model without a screen, until its steps, its minutes or its
 * condition are reached. Whatever ends it, what was learnt is kept: the end line comes, and --save
 * is served. */
#include "core/base/clock.h"
#include "core/base/io.h"
#include "core/metrics/report.h"
#include "core/script/expect.h"
#include "core/train/recording.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct flags *flags;
    struct trainer *trainer;
    struct snapshot *now;
    struct text out, trace; /* trace: all of it, for --trace */
    long last, every;       /* the step that ends it, -1: none; steps between reports */
    double begun, seconds;  /* seconds: NaN where time does not end it */
    struct expect until;
    long until_since;      /* the step from which on it holds */
    bool wanted, reached;  /* until was given; it holds */
    double traced;         /* when the trace was written last */
    double measured;       /* when progress was measured last */
    struct record *record; /* NULL: none is written, or no more */
    long recorded;         /* the step of its newest sample */
    char said[sizeof((struct snapshot *)0)->notice];
};

/* ---- opening ---- */

static struct trainer *open_trainer(const struct flags *f, struct err *e)
{
    struct config c;
    if (f->resume)
        return flags_override(f, f->resume, &c, e) ? trainer_resume(f->resume, &c, e) : NULL;
    return flags_config(f, &c, e) ? trainer_open(&c, e) : NULL;
}

static bool open_run(struct run *r, const struct flags *f, struct err *e)
{
    *r = (struct run){.flags = f, .seconds = f->minutes * 60, .wanted = f->until != NULL};
    if (f->save_every > 0 && !f->save)
        return err_set(e, ERR_USAGE, "--save-every needs a file to save to: --save FILE");
    if (f->record && (f->resume || (!isnan(r->seconds) && !f->setting[CONFIG_STEPS])))
        return err_set(e, ERR_USAGE,
                       "a record can be made again: it begins with a fresh model, and steps end "
                       "it, not time: %s",
                       f->resume ? "leave --resume out" : "name --steps, too");
    if (f->until && !expect_read(&r->until, f->until, e)) return false;
    if (f->save && !io_can_save(f->save, e)) return false; /* hours would be for nothing */
    r->now = calloc(1, sizeof *r->now);
    if (!r->now) return err_set(e, ERR_MEMORY, "out of memory for a snapshot");
    snapshot_clear(r->now);
    r->trainer = open_trainer(f, e);
    if (!r->trainer) return false;
    long budget = config_int(trainer_config(r->trainer), CONFIG_STEPS);
    bool timed = !isnan(r->seconds);
    r->last = timed && !f->setting[CONFIG_STEPS] ? -1 : budget;
    r->every = f->every > 0 ? f->every : 100;
    r->begun = clock_now();
    trainer_measure(r->trainer, r->now, false);
    if (f->record && (!(r->record = record_open(f->record, e)) ||
                      !recording_head(r->record, trainer_config(r->trainer), r->now, e)))
        return false;
    double value;
    r->until_since = -1;
    return !r->wanted || (expect_value(r->now, r->until.name, &value, e) &&
                          (!*r->until.than || expect_value(r->now, r->until.than, &value, e)));
}

static void close_run(struct run *r)
{
    record_close(r->record);
    trainer_close(r->trainer);
    free(r->now);
    text_free(&r->out);
    text_free(&r->trace);
}

/* ---- the trace ---- */

/* Written whole, so never torn: what a crash takes is the last seconds. */
static bool save_trace(struct run *r, struct err *e)
{
    struct io_piece all = {text_str(&r->trace), r->trace.size};
    r->traced = clock_now();
    if (r->trace.failed) return err_set(e, ERR_MEMORY, "out of memory for the trace");
    return io_save(r->flags->trace, &all, 1, e);
}

static bool trace(struct run *r,
                  void (*report)(struct text *, const struct snapshot *, const char *), bool save,
                  struct err *e)
{
    enum { SECONDS = 10 };
    if (!r->flags->trace) return true;
    report(&r->trace, r->now, NULL);
    return (!save && clock_now() - r->traced < SECONDS) || save_trace(r, e);
}

/* ---- the record ---- */

/* Not being able to write ends the record and not the training. */
static void sample(struct run *r)
{
    struct err why = {0};
    long step = trainer_now(r->trainer);
    if (!r->record || r->recorded == step) return;
    trainer_measure(r->trainer, r->now, false);
    r->recorded = step;
    if (recording_sample(r->record, r->trainer, r->now, step, &why)) return;
    out_say("%s", why.text);
    record_close(r->record);
    r->record = NULL;
}

/* ---- telling ---- */

/* A notice once, when it comes: such as a GPU that was lost. */
static void tell_notice(struct run *r)
{
    if (r->now->notice[0] && strcmp(r->said, r->now->notice) != 0) out_say("%s", r->now->notice);
    snprintf(r->said, sizeof r->said, "%s", r->now->notice);
}

static bool tell_start(struct run *r, struct err *e)
{
    if (r->flags->json) {
        report_start(&r->out, r->now, NULL);
    } else {
        char params[16];
        text_add(&r->out, "%s · %s · %s parameters · %s %s, %d threads · seed %llu\n", r->now->data,
                 r->now->run_label, text_count(params, r->now->params), r->now->backend,
                 r->now->simd, r->now->threads, (unsigned long long)r->now->seed);
        report_row_head(&r->out);
    }
    tell_notice(r);
    return out_put(&r->out, e) && trace(r, report_start, true, e);
}

/* Steps first, then time: what ends the run gives the estimate. */
static void tell_progress(struct run *r)
{
    char loss[16], speed[16], left[16], line[200], goal[24] = "";
    double elapsed = clock_now() - r->begun, remaining = NAN;
    const struct snapshot *s = r->now;
    long step = trainer_now(r->trainer);
    if (r->last >= 0) {
        remaining = (double)(r->last - step) * (double)s->tokens_per_step / s->tokens_per_s;
        snprintf(goal, sizeof goal, "/%ld", r->last);
    }
    if (!isnan(r->seconds))
        remaining = fmin(isnan(remaining) ? INFINITY : remaining, r->seconds - elapsed);
    snprintf(line, sizeof line, "step %ld%s  loss %s  %s tok/s  %s left", step, goal,
             text_number(loss, s->loss, 3), text_count(speed, s->tokens_per_s),
             text_seconds(left, remaining));
    out_progress(line);
}

static bool tell_step(struct run *r, struct err *e)
{
    tell_notice(r);
    if (r->flags->json)
        report_step(&r->out, r->now, NULL);
    else
        report_row(&r->out, r->now);
    return out_put(&r->out, e) && trace(r, report_step, false, e);
}

static bool tell_end(struct run *r, struct err *e)
{
    const struct snapshot *s = r->now;
    char loss[16], right[16], experts[16], bits[16], wall[16];
    if (r->flags->json) {
        report_end(&r->out, s, NULL);
    } else {
        text_add(&r->out, "validation: loss %s, accuracy %s, experts per token %s",
                 text_number(loss, s->val_loss, 4), text_number(right, s->val_accuracy, 4),
                 text_number(experts, s->val_experts_per_token, 2));
        if (!isnan(s->val_bits_per_char))
            text_add(&r->out, ", %s bits per character",
                     text_number(bits, s->val_bits_per_char, 3));
        text_add(&r->out, "; %ld steps in %s\n", s->step,
                 text_seconds(wall, clock_now() - r->begun));
    }
    bool told = out_put(&r->out, e);
    return trace(r, report_end, true, told ? e : NULL) && told;
}

/* ---- training ---- */

/* In mid-run a full disk costs a notice, not the run; the file saved last stays. */
static void save_on_the_way(struct run *r, long step)
{
    struct err e;
    if (r->flags->save_every <= 0 || step % r->flags->save_every != 0) return;
    if (!trainer_save(r->trainer, r->flags->save, &e)) out_say("%s; training goes on", e.text);
}

static bool over(const struct run *r)
{
    return r->reached || out_interrupts() > 0 ||
           (r->last >= 0 && trainer_now(r->trainer) >= r->last) ||
           clock_now() - r->begun >= r->seconds;
}

/* --until is asked after every step; a condition on the validation split measures a part of it, and
 * is asked where reports are made and after the last step. */
static bool check_until(struct run *r, bool due, struct err *e)
{
    bool validation = expect_validates(&r->until);
    if (!r->wanted || (validation && !due && trainer_now(r->trainer) != r->last)) return true;
    trainer_measure(r->trainer, r->now, false);
    if (validation && !trainer_evaluate(r->trainer, 1 << 14, r->now, e)) return false;
    r->reached = expect_lasts(&r->until, r->now, &r->until_since);
    return true;
}

static bool train(struct run *r, struct err *e)
{
    while (!over(r)) {
        if (!isnan(r->seconds) && r->last < 0)
            trainer_horizon(r->trainer, (clock_now() - r->begun) / r->seconds);
        if (!trainer_step(r->trainer, e)) return false;
        long step = trainer_now(r->trainer);
        bool due = step % r->every == 0;
        if (step % RECORDING_EVERY == 0) sample(r);
        if (!check_until(r, due, e)) return false;
        if (due || r->reached) { /* what ended the run is told, too */
            trainer_measure(r->trainer, r->now, false);
            if (!tell_step(r, e)) return false;
        } else if (!r->flags->quiet && clock_now() - r->measured >= 0.5) {
            trainer_measure(r->trainer, r->now, false);
            r->measured = clock_now();
            tell_notice(r);
        }
        if (!r->flags->quiet) tell_progress(r);
        save_on_the_way(r, step);
    }
    return true;
}

/* The end, in this order: nothing that can fail stands before the checkpoint. */
static bool finish(struct run *r, bool trained, struct err *e)
{
    bool saved = true, ok = true;
    struct err why = {0};
    bool interrupted = out_interrupts() > 0;
    if (trained && r->flags->save) saved = trainer_save(r->trainer, r->flags->save, &why);
    sample(r);
    trainer_measure(r->trainer, r->now, false);
    tell_notice(r);
    if (trained) ok = trainer_evaluate(r->trainer, interrupted ? 1 << 14 : 0, r->now, e);
    if (!tell_end(r, trained && ok ? e : NULL)) ok = false;
    if (!trained || !ok) return false;
    if (!saved) return *e = why, false;
    if (interrupted)
        return err_set(e, ERR_INTERRUPTED, "interrupted at step %ld%s%s", r->now->step,
                       r->flags->save ? "; saved to " : "", r->flags->save ? r->flags->save : "");
    if (r->wanted && !r->reached)
        return err_set(e, ERR_CHECK,
                       "%s was not reached in %ld steps: give it more with --steps or --minutes",
                       r->flags->until, r->now->step);
    return true;
}

bool cli_train(const struct flags *f, struct err *e)
{
    if (f->scenario && f->record)
        return err_set(e, ERR_USAGE,
                       "a scenario is recorded in the explorer: vanpool --scenario "
                       "%.40s --record FILE",
                       f->scenario);
    if (f->scenario) return cli_scenario(f, e);
    struct run r;
    out_catch_interrupt();
    bool ok = open_run(&r, f, e) && tell_start(&r, e);
    if (ok) ok = finish(&r, train(&r, e), e);
    close_run(&r);
    return ok;
}
