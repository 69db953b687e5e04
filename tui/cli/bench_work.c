/* tui/cli/bench_work.c - What is behind a step's time: its ops one by one, text written token by
 * token, what half the experts save, and a step of each strategy. */
#include "core/base/clock.h"
#include "core/model/model.h"
#include "core/train/trainer.h"
#include "kernels/ops.h"
#include "tui/cli/bench.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WARM = 2 }; /* steps that are not counted */

static json_t *named(const char *name)
{
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(name));
    return row;
}

static bool timed_step(struct trainer *t, double *ms, struct err *e)
{
    double begun = clock_now();
    bool ok = trainer_step(t, e);
    *ms = (clock_now() - begun) * 1e3;
    return ok && (!out_interrupts() || err_set(e, ERR_INTERRUPTED, "interrupted"));
}

/* The newest step in numbers; free it. */
static struct snapshot *measured(struct trainer *t, struct err *e)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s) return err_set(e, ERR_MEMORY, "out of memory for a snapshot"), NULL;
    snapshot_clear(s);
    trainer_measure(t, s, false);
    return s;
}

/* What the experts do is known; what other ops do is not counted op by op. */
static double op_gflop(const struct snapshot *s, const char *op)
{
    double experts = 1e-9 * s->expert_flops_per_token * s->tokens_per_step;
    return strcmp(op, "moe_ffn") == 0        ? experts
           : strcmp(op, "moe_ffn_back") == 0 ? 2 * experts
                                             : NAN;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct kn_time *)a)->seconds, y = ((const struct kn_time *)b)->seconds;
    return (x < y) - (x > y);
}

/* Milliseconds and calls of a step, the longest op first. The clock is looked at around every op,
 * so that all together are a little longer than a step. */
bool bench_ops(struct bench *b, const char *preset, int threads, struct err *e)
{
    struct config c;
    struct kn_time times[KN_OP_COUNT];
    double ms;
    int steps = bench_steps(preset);
    struct trainer *t = bench_config(b, preset, threads, &c, e) ? trainer_open(&c, e) : NULL;
    bool ok = t != NULL;
    for (int i = -WARM; ok && i < steps; i++) {
        if (i == 0) kn_times_reset(trainer_model(t)->be), kn_timing(trainer_model(t)->be, true);
        ok = timed_step(t, &ms, e);
    }
    struct snapshot *s = ok ? measured(t, e) : NULL;
    int n = s ? kn_times(trainer_model(t)->be, times, KN_OP_COUNT) : 0;
    qsort(times, (size_t)n, sizeof *times, by_time);
    ok = ok && s;
    for (int i = 0; ok && i < n; i++) {
        if (times[i].calls == 0) continue;
        json_t *row = named(times[i].op);
        bench_put(row, "calls", (double)times[i].calls / steps);
        ok = bench_add(b, row, "op", preset, threads, 1e3 * times[i].seconds / steps,
                       op_gflop(s, times[i].op), NAN, e);
    }
    free(s);
    trainer_close(t);
    return ok;
}

/* ---- writing ---- */

struct decoding {
    long tokens, first; /* how many have come; the first that counts */
    double begun;
};

static bool emit(void *to, unsigned char byte, double experts)
{
    struct decoding *d = to;
    (void)byte, (void)experts;
    if (d->tokens++ == d->first) d->begun = clock_now();
    return out_interrupts() == 0;
}

/* One text, a token after the other, each drawn from the answer to the one before: context 1, so
 * that nothing is computed twice. */
bool bench_decode(struct bench *b, const char *preset, int threads, struct err *e)
{
    enum { TOKENS = 400, FIRST = 40 };
    struct config c;
    struct decoding d = {.first = FIRST};
    if (strcmp(preset, "orders") == 0)
        return err_set(e, ERR_USAGE, "decode writes text, and orders are none: --preset tiny");
    if (!bench_config(b, preset, threads, &c, e)) return false;
    c.value[CONFIG_CONTEXT] = 1, c.value[CONFIG_BATCH] = 1;
    struct trainer *t = trainer_open(&c, e);
    double ms = 0;
    bool ok =
        t && timed_step(t, &ms, e) && trainer_sample(t, "", FIRST + TOKENS + 1, 1, 1, emit, &d, e);
    if (ok && out_interrupts()) ok = err_set(e, ERR_INTERRUPTED, "interrupted");
    struct snapshot *s = ok ? measured(t, e) : NULL;
    if (s) ms = (clock_now() - d.begun) * 1e3 / TOKENS;
    ok = ok && s &&
         bench_add(b, NULL, "decode", preset, threads, ms, 1e-9 * s->flops_per_token, 1, e);
    free(s);
    trainer_close(t);
    return ok;
}

/* ---- the slope ---- */

/* Of a step with k = 2, how much less time one with k = 1 takes, over how many FLOPs less: 1 where
 * an expert saved is time saved. Steps of both in turn, medians. */
bool bench_slope(struct bench *b, const char *preset, int threads, struct err *e)
{
    struct trainer *t[2] = {NULL, NULL};
    struct snapshot *s[2] = {NULL, NULL};
    double ms[2][BENCH_STEPS], spare;
    int steps = bench_steps(preset);
    bool ok = true;
    for (int k = 0; ok && k < 2; k++) {
        struct config c;
        ok = bench_config(b, preset, threads, &c, e) &&
             config_set_knob(&c, "k", k ? "2" : "1", e) && (t[k] = trainer_open(&c, e));
    }
    for (int i = -WARM; ok && i < steps; i++)
        for (int k = 0; ok && k < 2; k++) ok = timed_step(t[k], i < 0 ? &spare : &ms[k][i], e);
    for (int k = 0; ok && k < 2; k++) ok = (s[k] = measured(t[k], e)) != NULL;
    if (ok) {
        double one = bench_median(ms[0], steps), two = bench_median(ms[1], steps);
        double time = (two - one) / two;
        double flops = 1 - s[0]->flops_per_token / s[1]->flops_per_token;
        json_t *row = named("k=1 for k=2");
        bench_put(row, "ms_less", one);
        bench_put(row, "time_saved", time);
        bench_put(row, "flops_saved", flops);
        bench_put(row, "slope", time / flops);
        ok = bench_add(b, row, "slope", preset, threads, two,
                       3e-9 * s[1]->flops_per_token * s[1]->tokens_per_step, s[1]->tokens_per_step,
                       e);
    }
    for (int k = 0; k < 2; k++) free(s[k]), trainer_close(t[k]);
    return ok;
}

/* ---- strategies ---- */

/* A training step of each, as it starts: experts are not counted out to be as many. */
bool bench_strategies(struct bench *b, const char *preset, int threads, struct err *e)
{
    bool ok = true;
    for (int i = 0; ok && router_at(i); i++) {
        struct config c;
        double ms[BENCH_STEPS], spare;
        int steps = bench_steps(preset);
        struct trainer *t = NULL;
        ok = bench_config(b, preset, threads, &c, e) &&
             config_set_router(&c, router_at(i)->name, e) && config_check(&c, e) &&
             (t = trainer_open(&c, e));
        for (int n = -WARM; ok && n < steps; n++) ok = timed_step(t, n < 0 ? &spare : &ms[n], e);
        struct snapshot *s = ok ? measured(t, e) : NULL;
        if ((ok = ok && s)) {
            json_t *row = named(router_at(i)->name);
            bench_put(row, "experts_per_token", s->experts_per_token);
            ok = bench_add(b, row, "train_step", preset, threads, bench_median(ms, steps),
                           1e-9 * s->train_flops_per_token * s->tokens_per_step, s->tokens_per_step,
                           e);
        }
        free(s);
        trainer_close(t);
    }
    return ok;
}
