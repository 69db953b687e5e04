/* The cpu backend: picks the SIMD level that this machine has, deals work to threads, owns memory.
 */
#include "kernels/cpu/cpu.h"

#include "kernels/cpu/pool.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- levels, the widest first */
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_sse2(void)
{
    return true;
}

static const struct level {
    const char *name;
    bool (*here)(void);
    const struct kn_table *table;
    const int *panel;
} levels[] = {
    {"avx512", has_avx512, &cpu_table_avx512, &cpu_panel_avx512},
    {"avx2", has_avx2, &cpu_table_avx2, &cpu_panel_avx2},
    {"sse2", has_sse2, &cpu_table_sse2, &cpu_panel_sse2},
};
#define LEVELS ((int)(sizeof levels / sizeof *levels))

static const struct level *pick_level(const char *name, char *why, size_t size)
{
    __builtin_cpu_init();
    bool any = !name || !*name || strcmp(name, "auto") == 0;
    for (int i = 0; i < LEVELS; i++) {
        if (!any && strcmp(name, levels[i].name) != 0) continue;
        if (levels[i].here()) return &levels[i];
        if (any) continue;
        snprintf(why, size, "this CPU has no %s: try auto", name);
        return NULL;
    }
    snprintf(why, size, "there is no SIMD level '%s': try auto, sse2, avx2 or avx512", name);
    return NULL;
}

static int panel_of(const struct kn_backend *be)
{
    for (int i = 0; i < LEVELS; i++)
        if (be->table == levels[i].table) return *levels[i].panel;
    return 0;
}

/* ---- memory that costs nothing until it is touched */
static float *reserve(size_t numbers)
{
    void *at = mmap(NULL, numbers * sizeof(float), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void give_back(float *at, size_t numbers)
{
    if (at) munmap(at, numbers * sizeof *at);
}

void *cpu_alloc(struct kn_backend *be, size_t bytes)
{
    (void)be;
    size_t whole = (bytes + 64) / 64 * 64;
    void *at = aligned_alloc(64, whole);
    return at ? memset(at, 0, whole) : NULL;
}

void cpu_free(struct kn_backend *be, void *at)
{
    (void)be;
    free(at);
}

void cpu_sync(struct kn_backend *be)
{
    (void)be;
}

/* ---- threads */
struct dealing {
    const struct cpu *c;
    int n, grain;
    cpu_unit *unit;
    const void *job;
};

static void deal(void *of, int u, int thread)
{
    const struct dealing *d = of;
    d->unit(d->job, u * d->grain, (int)cpu_min(d->n, (u + 1) * d->grain),
            d->c->scratch + thread * CPU_SCRATCH);
}

void cpu_each(struct kn_backend *be, int n, int grain, double work, cpu_unit *unit, const void *job)
{
    const struct cpu *c = (const struct cpu *)be;
    struct dealing d = {c, n, grain, unit, job};
    int units = (n + grain - 1) / grain;
    if (be->threads > 1 && units > 1 && work >= CPU_FORK) {
        if (be->timing)
            be->helped += pool_run_timed(c->pool, units, deal, &d);
        else
            pool_run(c->pool, units, deal, &d);
        return;
    }
    for (int u = 0; u < units; u++) deal(&d, u, 0);
}

/* ---- weights and plans */
/* Room for the gradient of any of these plans through any of these weights. */
static bool expert_room(struct cpu *c)
{
    size_t slices = (c->hidden + CPU_SLICE_MIN - 1) / CPU_SLICE_MIN;
    size_t want = c->rows * slices * (c->width + 1);
    if (c->rows == 0 || c->width == 0 || want <= c->experts_room) return true;
    float *grown = reserve(want);
    if (!grown) return false;
    give_back(c->experts, c->experts_room);
    c->experts = grown;
    c->experts_room = want;
    return true;
}

bool cpu_weight_open(struct kn_backend *be, struct kn_weight *w)
{
    struct cpu *c = (struct cpu *)be;
    int panel = panel_of(be);
    size_t rows = cpu_up(w->rows, panel), cols = cpu_up(w->cols, panel);
    if (w->gated) rows = (size_t)cpu_up(w->rows / 2, panel / 2) * 2;
    struct cpu_shadow *s = calloc(1, sizeof *s);
    if (!s) return false;
    s->forward_size = rows * w->cols;
    s->backward_size = cols * w->rows;
    s->forward = cpu_alloc(be, s->forward_size * w->blocks * sizeof(float));
    s->backward = cpu_alloc(be, s->backward_size * w->blocks * sizeof(float));
    w->shadow = s;
    if (w->kind == KN_UP) {
        c->hidden = cpu_max(c->hidden, w->gated ? w->rows / 2 : w->rows);
        c->width = cpu_max(c->width, w->cols);
    }
    if (s->forward && s->backward && expert_room(c)) return true;
    cpu_weight_close(be, w);
    return false;
}

void cpu_weight_close(struct kn_backend *be, struct kn_weight *w)
{
    (void)be;
    struct cpu_shadow *s = w->shadow;
    if (!s) return;
    free(s->forward);
    free(s->backward);
    free(s);
    w->shadow = NULL;
}

bool cpu_plan_open(struct kn_backend *be, struct kn_plan *p)
{
    struct cpu *c = (struct cpu *)be;
    size_t rows = (size_t)p->T_room * p->E;
    struct cpu_plan *own = calloc(1, sizeof *own);
    if (!own) return false;
    p->own = own;
    own->first = calloc(p->E + 1, sizeof *own->first);
    own->order = calloc(p->E, sizeof *own->order);
    own->next = calloc(p->N, sizeof *own->next);
    own->block = calloc(rows / CPU_BLOCK + p->E + 1, sizeof *own->block);
    c->rows = cpu_max(c->rows, rows);
    if (own->first && own->order && own->next && own->block && expert_room(c)) return true;
    cpu_plan_close(be, p);
    return false;
}

void cpu_plan_close(struct kn_backend *be, struct kn_plan *p)
{
    (void)be;
    struct cpu_plan *own = p->own;
    if (!own) return;
    free(own->first);
    free(own->order);
    free(own->next);
    free(own->block);
    free(own);
    p->own = NULL;
}

/* ---- open, close */
static int cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

struct kn_backend *cpu_open(const struct kn_settings *s, char *why, size_t size)
{
    const char *simd = s->simd && strcmp(s->simd, "auto") != 0 ? s->simd : getenv("VANPOOL_SIMD");
    const struct level *level = pick_level(simd, why, size);
    if (!level) return NULL;
    struct cpu *c = calloc(1, sizeof *c);
    if (c) {
        c->head = (struct kn_backend){.table = level->table,
                                      .simd = level->name,
                                      .threads = s->threads > 0 ? s->threads : cores()};
        c->scratch = reserve(CPU_SCRATCH * c->head.threads);
        c->common = reserve(CPU_SCRATCH);
        c->rope.turn = reserve(CPU_ROPE);
        if (c->head.threads > 1) c->pool = pool_open(c->head.threads);
        bool ready = c->head.threads == 1 || c->pool;
        if (ready && c->scratch && c->common && c->rope.turn) return &c->head;
        cpu_close(&c->head);
    }
    snprintf(why, size, "backend cpu: no memory, or no room for %d threads",
             s->threads > 0 ? s->threads : cores());
    return NULL;
}

void cpu_close(struct kn_backend *be)
{
    struct cpu *c = (struct cpu *)be;
    pool_close(c->pool);
    give_back(c->scratch, CPU_SCRATCH * be->threads);
    give_back(c->common, CPU_SCRATCH);
    give_back(c->rope.turn, CPU_ROPE);
    give_back(c->experts, c->experts_room);
    free(c);
}
