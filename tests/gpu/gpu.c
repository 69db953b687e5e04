/* What only a machine with a GPU can tell: whether whole trainings on it are those of the CPU, and how
 * fast they are. Prints a table to be kept in tests/bench with its date and device. A program of its
 * own, without forks: CUDA does not outlive one. `check-gpu [quick|times]`; quick: small sizes,
 * as the emulator needs them; times: only the table. */
#include "core/base/clock.h"
#include "core/metrics/snapshot.h"
#include "core/model/config.h"
#include "core/router/router.h"
#include "core/train/trainer.h"
#include "kernels/backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int passed, failed, skipped;
static bool quick;
static char corpus[64];

static void tell(bool ok, const char *what, const char *detail)
{
    ok ? passed++ : failed++;
    printf("%s %s%s%s\n", ok ? "  ok " : "FAIL", what, *detail ? ": " : "", detail);
    fflush(stdout);
}

/* Words that a small model can learn something from. */
static bool write_corpus(void)
{
    static const char *const words[] = {"order ",  "van ",    "piano ", "north ",
                                        "a crew ", "drives ", "and ",   "the box.\n"};
    int fd;
    strcpy(corpus, "text:/tmp/vanpool-gpu-XXXXXX");
    fd = mkstemp(corpus + strlen("text:"));
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) return false;
    for (unsigned i = 0, r = 1; i < 200000; i++, r = r * 1103515245u + 12345u)
        fputs(words[r >> 16 & 7], f);
    return fclose(f) == 0;
}

/* NAME=VALUE words, knobs or options, parted by blanks. */
static bool set_all(struct config *c, const char *words, struct err *e)
{
    char copy[200], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(w, '=');
        *value++ = 0;
        if (!(router_knob(c->router, w) >= 0 ? config_set_knob(c, w, value, e)
                                             : config_set(c, w, value, e)))
            return false;
    }
    return true;
}

static struct trainer *open_trainer(const char *data, const char *preset, const char *strategy,
                                    const char *backend, const char *words, struct err *e)
{
    struct config c;
    if (!config_start(&c, data, strategy, e) || (preset && !config_preset(&c, preset, e)) ||
        !set_all(&c, words, e))
        return NULL;
    snprintf(c.backend, sizeof c.backend, "%s", backend);
    return trainer_open(&c, e);
}

/* ---- the same training? */
/* The largest difference of the losses of `steps` steps on two backends; NaN: one could not. With
 * `tail` only of the mean over the last fifth. */
static double apart(const char *data, const char *strategy, const char *other, const char *words,
                    int steps, bool tail, struct err *e)
{
    static struct snapshot a, b;
    struct trainer *gpu = open_trainer(data, NULL, strategy, "cuda", words, e),
                   *its = gpu ? open_trainer(data, NULL, strategy, other, words, e) : NULL;
    double most = 0, sum = 0;
    for (int i = 0; its && i < steps; i++) {
        if (!trainer_step(gpu, e) || !trainer_step(its, e)) {
            most = NAN;
            break;
        }
        trainer_measure(gpu, &a, false), trainer_measure(its, &b, false);
        most = fmax(most, fabs(a.loss - b.loss));
        if (isnan(a.loss) || isnan(b.loss) || strcmp(a.backend, "cuda") != 0) most = INFINITY;
        if (i >= steps - steps / 5) sum += a.loss - b.loss;
    }
    if (!its) most = NAN;
    trainer_close(gpu), trainer_close(its);
    return tail && isfinite(most) ? fabs(sum) / (steps / 5) : most;
}

static void check_apart(const char *data, const char *strategy, const char *other,
                        const char *words, int steps, bool tail, double most)
{
    struct err e = {0};
    char what[120], detail[300];
    double d = apart(data, strategy, other, words, steps, tail, &e);
    snprintf(what, sizeof what, "%d steps of %s on %s beside %s", steps, strategy,
             data == corpus ? "a text" : data, other);
    snprintf(detail, sizeof detail, "%s apart by %.2g (%.0e)%s%s", tail ? "mean losses" : "losses",
             d, most, *e.text ? ": " : "", e.text);
    tell(d <= most, what, detail);
}

static void check_training(void)
{
    int few = quick ? 3 : 10, many = quick ? 10 : 100;
    const char *batch = quick ? "batch=8" : "batch=64";
    const char *small = quick ? "batch=1 width=16 heads=2 layers=1 context=32" : "batch=4";
    for (int i = 0; router_at(i); i++)
        check_apart("orders", router_at(i)->name, "ref", batch, few, false, 1e-4);
    check_apart(corpus, "topk", "ref", quick ? small : "batch=2 width=32 heads=2 context=64", few,
                false, 1e-4);
    check_apart("orders", "topk", "cpu", batch, many, true, 1e-2);
    check_apart(corpus, "topp", "cpu", small, many, true, 1e-2);
}

/* ---- how fast? */
static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median milliseconds of a step after a few, and FLOPs of one; NaN where it does not fit. */
static double step_ms(const char *preset, int k, const char *words, double *flops, double *tokens,
                      struct err *e)
{
    enum { WARM = 5, ROUNDS = 15 };
    static struct snapshot s;
    char all[200];
    double ms[ROUNDS];
    snprintf(all, sizeof all, "k=%d %s", k, words);
    struct trainer *t = open_trainer(corpus, preset, "topk", "cuda", all, e);
    bool ok = t != NULL;
    for (int i = 0; ok && i < (quick ? 3 : WARM + ROUNDS); i++) {
        double start = clock_now();
        ok = trainer_step(t, e);
        ms[i < WARM ? 0 : i - WARM] = 1e3 * (clock_now() - start);
    }
    if (ok) {
        trainer_measure(t, &s, false);
        *tokens = s.tokens_per_step;
        *flops = s.train_flops_per_token * s.tokens_per_step;
        ok = strcmp(s.backend, "cuda") == 0;
    }
    trainer_close(t);
    if (!ok) return NAN;
    if (!quick) qsort(ms, ROUNDS, sizeof *ms, by_size);
    return quick ? ms[0] : ms[ROUNDS / 2];
}

/* A step's time against experts per token, beside the line that the FLOPs draw through k = 8. */
static void table(void)
{
    static const int ks[] = {8, 4, 2, 1};
    static const char *const presets[] = {"tiny", "base", "gpu"};
    printf("\npreset   k   ms/step  ms by FLOPs     tok/s   TFLOP/s\n");
    for (int p = 0; p < (quick ? 1 : 3); p++) {
        double full = NAN, full_flops = NAN;
        for (int i = 0; i < 4; i++) {
            struct err e = {0};
            double flops = NAN, tokens = NAN;
            double ms = step_ms(presets[p], ks[i], quick ? "batch=1" : "", &flops, &tokens, &e);
            if (isnan(ms)) {
                printf("%-7s %2d   not measured: %s\n", presets[p], ks[i], e.text);
                skipped++;
                continue;
            }
            if (i == 0) full = ms, full_flops = flops;
            printf("%-7s %2d %9.3f %12.3f %9.0f %9.3f\n", presets[p], ks[i], ms,
                   full * flops / full_flops, tokens / ms * 1e3, flops / ms * 1e-9);
            fflush(stdout);
        }
    }
}

int main(int argc, char **argv)
{
    char why[200] = "", day[32];
    time_t now = time(NULL);
    struct kn_backend *be = kn_open("cuda", NULL, why, sizeof why);
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    if (!be) {
        printf("SKIP %s\n0 passed, 0 failed, 1 skipped\n", why);
        return 0;
    }
    strftime(day, sizeof day, "%Y-%m-%d", gmtime(&now));
    printf("%s, %s, %s, vanpool %s\n\n", day, kn_device(be), kn_simd(be), VANPOOL_VERSION);
    kn_close(be);
    if (!write_corpus()) {
        printf("cannot write %s\n0 passed, 1 failed, 0 skipped\n", corpus);
        return 1;
    }
    if (!(argc > 1 && strcmp(argv[1], "times") == 0)) check_training();
    table();
    unlink(corpus + strlen("text:"));
    printf("\n%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0;
}
