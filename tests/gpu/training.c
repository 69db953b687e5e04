/* Is a training on the GPU the same training? Each strategy beside the oracle for a few steps; then a
 * hundred steps beside the CPU, where what is small may have grown. */
#include "core/metrics/snapshot.h"
#include "core/router/router.h"
#include "tests/gpu/gpu.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The largest difference of the losses of `steps` steps on two backends; NaN: one could not. With
 * `tail` only of the mean over the last fifth. */
static double apart(const char *data, const char *strategy, const char *other, const char *words,
                    int steps, bool tail, struct err *e)
{
    static struct snapshot a, b;
    struct trainer *gpu = gpu_trainer(data, NULL, strategy, "cuda", words, e),
                   *its = gpu ? gpu_trainer(data, NULL, strategy, other, words, e) : NULL;
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

static void check_apart(const struct math *m, const char *data, const char *strategy,
                        const char *other, const char *words, int steps, bool tail)
{
    struct err e = {0};
    char what[120], detail[300];
    double most = tail ? m->many : m->few;
    double d = apart(data, strategy, other, words, steps, tail, &e);
    snprintf(what, sizeof what, "%s: %d steps of %s on %s beside %s", m->name, steps, strategy,
             data == corpus ? "a text" : data, other);
    snprintf(detail, sizeof detail, "%s apart by %.2g (%.0e)%s%s", tail ? "mean losses" : "losses",
             d, most, *e.text ? ": " : "", e.text);
    gpu_tell(d <= most, what, detail);
}

void training_check(const struct math *m, bool all)
{
    int few = quick ? 3 : 10, many = all ? 100 : 10;
    const char *batch = quick ? "batch=8" : "batch=64";
    const char *small = quick ? "batch=1 width=16 heads=2 layers=1 context=32" : "batch=4";
    for (int i = 0; router_at(i) && (all || m == &maths[0]); i++)
        check_apart(m, "orders", router_at(i)->name, "ref", batch, few, false);
    check_apart(m, corpus, "topk", "ref", quick ? small : "batch=2 width=32 heads=2 context=64",
                few, false);
    check_apart(m, "orders", "topk", "cpu", batch, many, true);
    for (int i = 0; router_at(i); i++)
        if (all || strcmp(router_at(i)->name, "topp") == 0)
            check_apart(m, corpus, router_at(i)->name, "cpu", small, many, true);
}
