#ifndef TESTS_BENCH_LAYER_H
#define TESTS_BENCH_LAYER_H
/* One MoE layer by its ops alone, with random picks and numbers of size about 1: what benches
 * time. */
#include "kernels/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct layer_size {
    const char *name;
    int T, D, E, H, k;
};

struct layer {
    struct kn_backend *be;
    struct kn_plan plan;
    struct kn_weight up, down;
    struct kn_ints mask;
    struct kn_buf w1, w2, x, y, gate, out, pre, dy, dx, dgate, dup, ddown;
};

static inline double layer_flops(const struct layer_size *s)
{
    return 18.0 * s->T * s->k * s->D * s->H;
}

static inline double layer_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(*state >> 11) * 0x1p-53;
}

/* n numbers between -size and size, the same on every call with the same seed. */
static inline struct kn_buf layer_numbers(struct kn_backend *be, size_t n, double size,
                                          uint64_t seed)
{
    struct kn_buf b = kn_alloc(be, n);
    float *host = b.at ? malloc(n * sizeof *host) : NULL;
    for (size_t i = 0; host && i < n; i++) host[i] = (float)((2 * layer_random(&seed) - 1) * size);
    if (host) kn_write_f32(be, b, host, n);
    free(host);
    return b;
}

static inline struct kn_ints layer_picks(struct kn_backend *be, const struct layer_size *s)
{
    size_t n = (size_t)s->T * s->E;
    struct kn_ints b = kn_alloc_ints(be, n);
    int32_t *host = b.at ? calloc(n, sizeof *host) : NULL;
    uint64_t seed = 5;
    for (int t = 0; host && t < s->T; t++) {
        for (int taken = 0; taken < s->k;) {
            int32_t *at = &host[t * s->E + (int)(layer_random(&seed) * s->E)];
            taken += !*at;
            *at = 1;
        }
    }
    if (host) kn_write_ints(be, b, host, n);
    free(host);
    return b;
}

enum { LAYER_BUFS = 12 };
static inline void layer_bufs(struct layer *l, struct kn_buf *to[LAYER_BUFS])
{
    struct kn_buf *const all[LAYER_BUFS] = {&l->w1,   &l->w2,    &l->x,   &l->y,
                                            &l->gate, &l->out,   &l->pre, &l->dy,
                                            &l->dx,   &l->dgate, &l->dup, &l->ddown};
    memcpy(to, all, sizeof all);
}

static inline void layer_close(struct layer *l)
{
    struct kn_buf *all[LAYER_BUFS];
    layer_bufs(l, all);
    kn_weight_close(l->be, &l->up);
    kn_weight_close(l->be, &l->down);
    kn_plan_close(l->be, &l->plan);
    kn_free_ints(l->be, l->mask);
    for (int i = 0; i < LAYER_BUFS; i++) kn_free(l->be, *all[i]);
}

/* False: there is not enough memory. To be closed in any case. */
static inline bool layer_open(struct layer *l, struct kn_backend *be, const struct layer_size *s)
{
    size_t T = s->T, D = s->D, E = s->E, H = s->H, rows = T * s->k;
    struct kn_buf *all[LAYER_BUFS];
    *l = (struct layer){.be = be, .mask = layer_picks(be, s)};
    l->w1 = layer_numbers(be, E * 2 * H * D, 1 / sqrt(D), 1);
    l->w2 = layer_numbers(be, E * D * H, 1 / sqrt(H), 2);
    l->x = layer_numbers(be, T * D, 1, 3);
    l->dy = layer_numbers(be, T * D, 1, 4);
    l->gate = layer_numbers(be, T * E, 1, 6);
    l->y = kn_alloc(be, T * D);
    l->dx = kn_alloc(be, T * D);
    l->dgate = kn_alloc(be, T * E);
    l->out = kn_alloc(be, rows * D);
    l->pre = kn_alloc(be, kn_pre_room(be, rows, H, true));
    l->dup = kn_alloc(be, E * 2 * H * D);
    l->ddown = kn_alloc(be, E * D * H);
    layer_bufs(l, all);
    for (int i = 0; i < LAYER_BUFS; i++)
        if (!all[i]->at) return false;
    if (!l->mask.at || !kn_plan_open(be, &l->plan, s->T, s->E, s->E) ||
        !kn_weight_open(be, &l->up, l->w1, KN_UP, s->E, 2 * s->H, s->D, true) ||
        !kn_weight_open(be, &l->down, l->w2, KN_DOWN, s->E, s->D, s->H, false))
        return false;
    kn_repack(be, (struct kn_weight *const[]){&l->up, &l->down}, 2);
    return true;
}

/* Plan, expert pair, combine, and all gradients. */
static inline void layer_run(struct layer *l, const struct layer_size *s)
{
    kn_plan(l->be, &l->plan, l->mask, s->T);
    kn_moe_ffn(l->be, l->out, l->pre, &l->plan, l->x, &l->up, &l->down, KN_SWIGLU, s->T);
    kn_combine(l->be, l->y, &l->plan, l->out, l->gate, s->T, s->D, false);
    kn_moe_ffn_back(l->be, l->dx, l->dgate, l->dup, l->ddown, &l->plan, l->dy, l->gate, l->x,
                    l->pre, &l->up, &l->down, KN_SWIGLU, s->T, false);
}
#endif
