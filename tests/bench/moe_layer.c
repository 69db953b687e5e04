/* How fast one MoE layer is, forward and backward, as a share of what the machine can multiply in
 * the same run; and whether its bits are the same with another number of threads. A program of its
 * own: links kernels only. `moe_layer [LEVEL [SIZE]]`: LEVEL as in --simd, SIZE the name of one
 * line. */
#include "kernels/ops.h"
#include "kernels/peak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct size {
    const char *name;
    int T, D, E, H, k;
} sizes[] = {
    {"base", 2048, 128, 8, 256, 2},         {"base, k = 1", 2048, 128, 8, 256, 1},
    {"tiny", 1024, 64, 8, 64, 2},           {"orders", 256, 64, 8, 64, 2},
    {"many experts", 2048, 128, 64, 64, 4}, {"one token", 1, 128, 8, 256, 2},
};

struct layer {
    struct kn_backend *be;
    struct kn_plan plan;
    struct kn_weight up, down;
    struct kn_ints mask;
    struct kn_buf w1, w2, x, y, gate, out, pre, dy, dx, dgate, dup, ddown;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double random_unit(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(*state >> 11) * 0x1p-53;
}

/* n numbers between -size and size, the same on every call with the same seed. */
static struct kn_buf numbers(struct kn_backend *be, size_t n, double size, uint64_t seed)
{
    struct kn_buf b = kn_alloc(be, n);
    float *host = malloc(n * sizeof *host);
    for (size_t i = 0; i < n; i++) host[i] = (float)((2 * random_unit(&seed) - 1) * size);
    kn_write_f32(be, b, host, n);
    free(host);
    return b;
}

static struct kn_ints random_picks(struct kn_backend *be, const struct size *s)
{
    struct kn_ints b = kn_alloc_ints(be, (size_t)s->T * s->E);
    int32_t *host = calloc((size_t)s->T * s->E, sizeof *host);
    uint64_t seed = 5;
    for (int t = 0; t < s->T; t++) {
        for (int taken = 0; taken < s->k;) {
            int32_t *at = &host[t * s->E + (int)(random_unit(&seed) * s->E)];
            taken += !*at;
            *at = 1;
        }
    }
    kn_write_ints(be, b, host, (size_t)s->T * s->E);
    free(host);
    return b;
}

static struct layer open_layer(struct kn_backend *be, const struct size *s)
{
    size_t T = s->T, D = s->D, E = s->E, H = s->H, rows = T * s->k;
    struct layer l = {.be = be, .mask = random_picks(be, s)};
    l.w1 = numbers(be, E * 2 * H * D, 1 / sqrt(D), 1);
    l.w2 = numbers(be, E * D * H, 1 / sqrt(H), 2);
    l.x = numbers(be, T * D, 1, 3);
    l.dy = numbers(be, T * D, 1, 4);
    l.gate = numbers(be, T * E, 1, 6);
    l.y = kn_alloc(be, T * D);
    l.dx = kn_alloc(be, T * D);
    l.dgate = kn_alloc(be, T * E);
    l.out = kn_alloc(be, rows * D);
    l.pre = kn_alloc(be, kn_pre_room(be, rows, H, true));
    l.dup = kn_alloc(be, E * 2 * H * D);
    l.ddown = kn_alloc(be, E * D * H);
    bool ok = kn_plan_open(be, &l.plan, s->T, s->E, s->E) &&
              kn_weight_open(be, &l.up, l.w1, KN_UP, s->E, 2 * s->H, s->D, true) &&
              kn_weight_open(be, &l.down, l.w2, KN_DOWN, s->E, s->D, s->H, false);
    if (!ok) {
        fprintf(stderr, "moe_layer: out of memory\n");
        exit(1);
    }
    kn_repack(be, (struct kn_weight *const[]){&l.up, &l.down}, 2);
    return l;
}

static void close_layer(struct layer *l)
{
    struct kn_buf all[] = {l->w1,  l->w2, l->x,  l->y,     l->gate, l->out,
                           l->pre, l->dy, l->dx, l->dgate, l->dup,  l->ddown};
    kn_weight_close(l->be, &l->up);
    kn_weight_close(l->be, &l->down);
    kn_plan_close(l->be, &l->plan);
    kn_free_ints(l->be, l->mask);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) kn_free(l->be, all[i]);
}

static void run(struct layer *l, const struct size *s)
{
    kn_plan(l->be, &l->plan, l->mask, s->T);
    kn_moe_ffn(l->be, l->out, l->pre, &l->plan, l->x, &l->up, &l->down, KN_SWIGLU, s->T);
    kn_combine(l->be, l->y, &l->plan, l->out, l->gate, s->T, s->D, false);
    kn_moe_ffn_back(l->be, l->dx, l->dgate, l->dup, l->ddown, &l->plan, l->dy, l->gate, l->x,
                    l->pre, &l->up, &l->down, KN_SWIGLU, s->T, false);
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
static uint64_t bits(struct layer *l, const struct size *s)
{
    size_t T = s->T, D = s->D, E = s->E, H = s->H;
    kn_zero(l->be, l->dup, E * 2 * H * D);
    kn_zero(l->be, l->ddown, E * D * H);
    run(l, s);
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
static double median(struct layer *l, const struct size *s, int times)
{
    double taken[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        for (int n = 0; n < times; n++) run(l, s);
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
            const struct size *s = &sizes[i];
            if (argc > 2 && strcmp(argv[2], s->name) != 0) continue;
            struct layer l = open_layer(be, s);
            uint64_t hash = bits(&l, s);
            if (threads == 1) one_thread[i] = hash;
            same = same && hash == one_thread[i];
            if (threads <= 2) {
                double flops = 18.0 * s->T * s->k * s->D * s->H, peak = kn_peak_gflops(be, 0);
                double seconds = median(&l, s, 1 + (int)(1e9 / (flops + 1e8)));
                peak = 0.5 * (peak + kn_peak_gflops(be, 0));
                printf("%-14s %-7s %7d %9.1f %9.1f %9.1f %5.0f%%  %s\n", s->name, kn_simd(be),
                       threads, seconds * 1e6, flops / seconds * 1e-9, peak,
                       100 * flops / seconds * 1e-9 / peak,
                       hash == one_thread[i] ? "same" : "DIFFERENT");
            }
            close_layer(&l);
        }
        kn_close(be);
    }
    printf("bits with 1, 2 and 4 threads: %s\n", same ? "the same" : "DIFFERENT");
    return same ? 0 : 1;
}
