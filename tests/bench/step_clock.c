/* tests/bench/step_clock.c - What looking at the engine costs: the same steps with every op timed
 * and without, by turns, in processor time of one thread, which other programs hardly disturb.
 * `step_clock [DATA [STRATEGY]]`; exit 1 where it costs more than a hundredth. */
#include "core/train/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAIRS = 41 };
#define TURN 0.05 /* seconds */

static double used(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double step_seconds(struct trainer *t, bool timed, int steps)
{
    struct err e = {0};
    trainer_engine(t, timed);
    double from = used();
    for (int i = 0; i < steps; i++)
        if (!trainer_step(t, &e)) {
            fprintf(stderr, "step_clock: %s\n", e.text);
            exit(1);
        }
    double seconds = (used() - from) / steps;
    trainer_engine(t, false);
    return seconds;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct config c;
    double cost[PAIRS];
    bool ok = config_start(&c, argc > 1 ? argv[1] : "orders", argc > 2 ? argv[2] : "topk", &e);
    c.threads = 1;
    struct trainer *t = ok ? trainer_open(&c, &e) : NULL;
    if (!t) {
        fprintf(stderr, "step_clock: %s\n", e.text);
        return 1;
    }
    double one = step_seconds(t, false, 20);
    one = step_seconds(t, false, 20);
    int steps = one < TURN ? (int)(TURN / one) : 1;
    for (int i = 0; i < PAIRS; i++) {
        bool first = i % 2; /* nobody is always first */
        double a = step_seconds(t, first, steps), b = step_seconds(t, !first, steps);
        double on = first ? a : b, off = first ? b : a;
        cost[i] = 100 * (on / off - 1);
    }
    qsort(cost, PAIRS, sizeof *cost, by_size);
    printf("a step: %.3f ms; timing its ops costs %.2f %% (quartiles %.2f and %.2f), goal 1\n",
           1e3 * one, cost[PAIRS / 2], cost[PAIRS / 4], cost[PAIRS * 3 / 4]);
    trainer_close(t);
    return cost[PAIRS / 2] > 1;
}
