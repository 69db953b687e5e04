/* How long a step takes, on each preset, for 8, 4, 2 and 1 experts a token by turns, so that what
 * slows the machine for a while slows all of them. A line for each turn, to be put together with
 * those of other turns and other programs:
 *   step WHO PRESET EXPERTS K MATH WAY TOKENS GFLOP PARAMETERS MS...
 *   none WHO PRESET EXPERTS K MATH WAY why it was not measured */
#include "core/base/clock.h"
#include "core/metrics/snapshot.h"
#include "core/model/model.h"
#include "core/train/inside.h"
#include "tests/gpu/gpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM = 5, LEAST = 8, MOST = 100 };
#define ENOUGH 1.0 /* seconds of one turn */

struct setup {
    const char *backend, *preset, *words;
    int experts;
    const struct math *math;
};

static void name_line(const char *kind, const struct setup *s, int k)
{
    printf("%s vanpool %s %d %d %s %s", kind, s->preset, s->experts, k, s->math->name, s->backend);
}

static void no_line(const struct setup *s, int k, const struct err *e)
{
    name_line("none", s, k);
    printf(" %s\n", *e->text ? e->text : "the device was lost");
    fflush(stdout);
}

/* One step and the end of all its work; negative: it failed. */
static double step_ms(struct trainer *t, struct err *e)
{
    double start = clock_now();
    bool ok = trainer_step(t, e) && trainer_alive(t, e);
    return ok ? 1e3 * (clock_now() - start) : -1;
}

static bool turn(struct trainer *t, const struct setup *s, int k, struct err *e)
{
    static struct snapshot now;
    double ms[MOST], spent = 0;
    char value[16];
    int n = 0, warm = quick ? 1 : WARM, least = quick ? 1 : LEAST;
    snprintf(value, sizeof value, "%d", k);
    if (!trainer_set_knob(t, "k", value, e)) return false;
    for (int i = 0; i < warm; i++)
        if (step_ms(t, e) < 0) return false;
    while (n < least || (n < MOST && spent < 1e3 * ENOUGH && !quick)) {
        ms[n] = step_ms(t, e);
        if (ms[n] < 0) return false;
        spent += ms[n++];
    }
    trainer_measure(t, &now, false);
    if (strcmp(now.backend, s->backend) != 0) return false;
    name_line("step", s, k);
    printf(" %d %.6g %.0f", now.tokens_per_step,
           1e-9 * now.train_flops_per_token * now.tokens_per_step, now.params);
    for (int i = 0; i < n; i++) printf(" %.4f", ms[i]);
    printf("\n");
    fflush(stdout);
    return true;
}

static void time_setup(const struct setup *s)
{
    static const int all[] = {8, 4, 2, 1}, some[] = {2, 1};
    bool few = strcmp(s->preset, "gpu") == 0 && (s->experts != 16 || strcmp(s->math->name, "bf16"));
    const int *ks = few ? some : all;
    int count = few ? 2 : 4;
    char words[200];
    struct err e = {0};
    snprintf(words, sizeof words, "experts=%d %s", s->experts, s->words);
    struct trainer *t = gpu_trainer(corpus, s->preset, "topk", s->backend, words, &e);
    if (!t) {
        no_line(s, 2, &e);
        return;
    }
    bool ok = true;
    for (int round = 0; ok && round < (quick ? 1 : 2); round++)
        for (int i = 0; ok && i < count; i++)
            if (!(ok = turn(t, s, ks[i], &e))) no_line(s, ks[i], &e);
    trainer_close(t);
}

void times_steps(const char *backend, const char *only, const struct math *m)
{
    static const struct {
        const char *name;
        int experts;
    } presets[] = {{"tiny", 8}, {"base", 8}, {"gpu", 16}, {"gpu", 64}};
    for (int i = 0; i < (quick ? 1 : 4); i++) {
        struct setup s = {backend, presets[i].name, quick ? "batch=1" : "", presets[i].experts, m};
        if (only && strcmp(only, s.preset) != 0) continue;
        time_setup(&s);
    }
}
