/* How fast one MoE layer is, forward and backward, as a share of what the machine can multiply in
 * the same run; and whether its bits are the same with another number of threads. A program of its
 * own: links kernels only. `moe_layer [LEVEL [SIZE]]`: LEVEL as in --simd, SIZE the name of one
 * line. */
#include "kernels/peak.h"
#include "tests/bench/layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct layer_size sizes[] = {
    {"base", 2048, 128, 8, 256, 2},         {"base, k = 1", 2048, 128, 8, 256, 1},
    {"tiny", 1024, 64, 8, 64, 2},           {"orders", 256, 64, 8, 64, 2},
    {"many experts", 2048, 128, 64, 64, 4}, {"one token", 1, 128, 8, 256, 2},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t mix(uint64_t hash, struct kn_backend *be, struct kn_buf b, size_t n)
{
    float *host = malloc(n * sizeof *host);
    kn_read_f32(be, host, b, n);
    for (size_t i = 0; i < n * sizeof *host; i++)
        hash = (hash ^ ((const unsigned char *)host)[i]) * 1099511628211ull;
    free(host);
    return hash;
}

/* A number that stands for every bit that one pass leaves behind. */
static uint64_t bits(struct layer *l, const struct layer_size *s)
{
    size_t T = s->T, D = s->D, E = s->E, H = s->H;
    kn_zero(l->be, l->dup, E * 2 * H * D);
    kn_zero(l->be, l->ddown, E * D * H);
    layer_run(l, s);
    uint64_t hash = mix(1469598103934665603ull, l->be, l->y, T * D);
    hash = mix(hash, l->be, l->dx, T * D);
    hash = mix(hash, l->be, l->dgate, T * E);
    hash = mix(hash, l->be, l->dup, E * 2 * H * D);
    return mix(hash, l->be, l->ddown, E * D * H);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { REPEATS = 41 };

/* The median of the seconds that `times` passes take, divided by them. */
static double median(struct layer *l, const struct layer_size *s, int times)
{
    double taken[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        for (int n = 0; n < times; n++) layer_run(l, s);
        taken[i] = (now() - start) / times;
    }
    qsort(taken, REPEATS, sizeof *taken, ascending);
    return taken[REPEATS / 2];
}

int main(int argc, char **argv)
{
    uint64_t one_thread[sizeof sizes / sizeof *sizes];
    bool same = true;
    printf("%-14s %-7s %7s %9s %9s %9s %6s  %s\n", "size", "level", "threads", "us", "GFLOP/s",
           "peak", "share", "bits");
    for (int threads = 1; threads <= 4; threads *= 2) {
        char why[200];
        struct kn_settings settings = {.threads = threads, .simd = argc > 1 ? argv[1] : NULL};
        struct kn_backend *be = kn_open("cpu", &settings, why, sizeof why);
        if (!be) {
            fprintf(stderr, "moe_layer: %s\n", why);
            return 1;
        }
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const struct layer_size *s = &sizes[i];
            if (argc > 2 && strcmp(argv[2], s->name) != 0) continue;
            struct layer l;
            if (!layer_open(&l, be, s)) {
                fprintf(stderr, "moe_layer: out of memory\n");
                return 1;
            }
            uint64_t hash = bits(&l, s);
            if (threads == 1) one_thread[i] = hash;
            same = same && hash == one_thread[i];
            if (threads <= 2) {
                double flops = layer_flops(s), peak = kn_peak_gflops(be, 0);
                double seconds = median(&l, s, 1 + (int)(1e9 / (flops + 1e8)));
                peak = 0.5 * (peak + kn_peak_gflops(be, 0));
                printf("%-14s %-7s %7d %9.1f %9.1f %9.1f %5.0f%%  %s\n", s->name, kn_simd(be),
                       threads, seconds * 1e6, flops / seconds * 1e-9, peak,
                       100 * flops / seconds * 1e-9 / peak,
                       hash == one_thread[i] ? "same" : "DIFFERENT");
            }
            layer_close(&l);
        }
        kn_close(be);
    }
    printf("bits with 1, 2 and 4 threads: %s\n", same ? "the same" : "DIFFERENT");
    return same ? 0 : 1;
}
