/* The table of one SIMD level, and what the machine gives at it: FMA peak and read bandwidth. */
#include "kernels/cpu/micro.h"

#include <time.h>

const int CPU_JOIN(cpu_panel, KN_LEVEL) = PANEL;

const struct kn_table CPU_JOIN(cpu_table, KN_LEVEL) = {.name = "cpu",
                                                       .close = cpu_close,
                                                       .alloc = cpu_alloc,
                                                       .free = cpu_free,
                                                       .sync = cpu_sync,
                                                       .weight_open = cpu_weight_open,
                                                       .weight_close = cpu_weight_close,
                                                       .plan_open = cpu_plan_open,
                                                       .plan_close = cpu_plan_close,
                                                       .peak = OP(peak),
                                                       .bandwidth = OP(bandwidth),
                                                       .real = sizeof(float),
#define X(name) .name = OP(name),
                                                       KN_OPS(X)
#undef X
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* As many independent sums as hide the latency of a fused multiply-add, in registers only. */
#define CHAINS 12
#define STEPS 20000

static void multiply_add(const void *job, int from, int to, float *scratch)
{
    (void)job;
    vf sum[CHAINS], x = vec_load(scratch), y = vec_load(scratch + VL);
    for (int i = 0; i < CHAINS; i++) sum[i] = x + (float)i;
    for (int n = from * STEPS; n < to * STEPS; n++) {
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * x + y;
    }
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
    vec_store(scratch, sum[0] * 0.f); /* used, so that the loop is not left out */
}

static void read_all(const void *job, int from, int to, float *scratch)
{
    vf sum[8] = {};
    for (size_t at = (size_t)from << 14; at < (size_t)to << 14; at += 8 * VL) {
        _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) sum[i] +=
            vec_load((const float *)job + at + i * VL);
    }
    for (int i = 1; i < 8; i++) sum[0] += sum[i];
    vec_store(scratch, sum[0]);
}

/* The best of several runs of `pieces` pieces, shared by that many threads: the seconds of one run.
 */
static double best_of(struct kn_backend *be, int threads, int runs, int pieces, cpu_unit *unit,
                      const void *job)
{
    int used = threads > 0 && threads < be->threads ? threads : be->threads;
    double best = INFINITY;
    for (int r = 0; r < runs; r++) {
        double start = now();
        cpu_each(be, pieces, (pieces + used - 1) / used, INFINITY, unit, job);
        best = fmin(best, now() - start);
    }
    return best;
}

double OP(peak)(struct kn_backend *be, int threads)
{
    const int pieces = 32;
    double best = best_of(be, threads, 20, pieces, multiply_add, NULL);
    return (double)pieces * STEPS * CHAINS * VL * 2 / best * 1e-9;
}

double OP(bandwidth)(struct kn_backend *be, int threads)
{
    const int pieces = 2048; /* 128 MiB */
    float *from = be->table->alloc(be, ((size_t)pieces << 14) * sizeof *from);
    if (!from) return NAN;
    double best = best_of(be, threads, 6, pieces, read_all, from);
    be->table->free(be, from);
    return (double)((size_t)pieces << 14) * sizeof *from / best * 1e-9;
}
