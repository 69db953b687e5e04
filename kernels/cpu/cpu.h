#ifndef KERNELS_CPU_CPU_H
#define KERNELS_CPU_CPU_H
/* What the files of the cpu backend share: its struct, how work is dealt to threads, scratch
 * memory. Every file here but backend.c is compiled once per SIMD level, with KN_LEVEL as its
 * suffix. */
#include "kernels/table.h"

/* Numbers of scratch per thread: taken at open, touched only as far as an op needs it. */
#define CPU_SCRATCH ((size_t)4 << 20)
/* Operations below which a second thread costs more than it brings. */
#define CPU_FORK 200e3
/* Rows of one block of an expert: nine full tiles of 14, twenty-one of 6. */
#define CPU_BLOCK 126
/* Hidden columns that one unit of the experts' gradient owns, at least and at most. */
#define CPU_SLICE_MIN 64
#define CPU_SLICE_MAX 256

struct cpu_rope {
    double theta;
    int C, d;
    float *turn; /* [C, d/2] cosines, then as many sines */
};
#define CPU_ROPE ((size_t)1 << 20) /* numbers in `turn` */

struct cpu {
    struct kn_backend head;
    struct pool *pool; /* NULL with one thread */
    float *scratch;    /* [threads, CPU_SCRATCH] */
    float *common;     /* [CPU_SCRATCH] partial sums of one op */
    struct cpu_rope rope;
    float *experts; /* what kn_moe_ffn_back passes between its phases */
    size_t experts_room;
    size_t rows, hidden, width; /* the most rows of a plan, H and D so far */
};

/* Does [from, to) of the job's n pieces, with a thread's own scratch. */
typedef void cpu_unit(const void *job, int from, int to, float *scratch);
/* Cuts 0..n-1 into units of `grain` and deals them out. Units depend on the shape only, and no unit
 * sees what another wrote: so the bits do not depend on the number of threads. `work` is the number
 * of operations in all; little work stays on the caller's thread. */
void cpu_each(struct kn_backend *be, int n, int grain, double work, cpu_unit *unit,
              const void *job);

/* A weight's shadow. Panels are PANEL columns wide, [columns / PANEL][inner size][PANEL], the rest
 * of the last one zero. */
struct cpu_shadow {
    float *forward;  /* of wᵀ; a gated KN_UP: half a panel of gates beside half a panel of ups */
    float *backward; /* of w */
    size_t forward_size, backward_size; /* of one block */
};

/* Rows that one unit works on: never across experts. */
struct cpu_block {
    int expert, row, rows;
};
struct cpu_plan {
    int blocks;
    int *first; /* [E+1] first block of each expert */
    int *order; /* [E] experts, the fullest first: threads then end together */
    int *next;  /* [N] counters while a plan is made */
    struct cpu_block *block;
};

#define CPU_JOIN_(a, b) a##_##b
#define CPU_JOIN(a, b) CPU_JOIN_(a, b)

extern const struct kn_table cpu_table_sse2, cpu_table_avx2, cpu_table_avx512;
/* Columns of a panel at each level. */
extern const int cpu_panel_sse2, cpu_panel_avx2, cpu_panel_avx512;

bool cpu_weight_open(struct kn_backend *be, struct kn_weight *w);
void cpu_weight_close(struct kn_backend *be, struct kn_weight *w);
bool cpu_plan_open(struct kn_backend *be, struct kn_plan *p);
void cpu_plan_close(struct kn_backend *be, struct kn_plan *p);
void *cpu_alloc(struct kn_backend *be, size_t bytes);
void cpu_free(struct kn_backend *be, void *at);
void cpu_sync(struct kn_backend *be);
void cpu_close(struct kn_backend *be);

#ifdef KN_LEVEL
#define OP(name) CPU_JOIN(cpu_##name, KN_LEVEL)
#define X(name) __typeof__(kn_##name) OP(name);
KN_OPS(X)
#undef X
double OP(peak)(struct kn_backend *be, int threads);
double OP(bandwidth)(struct kn_backend *be, int threads);
#endif

static inline size_t cpu_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t cpu_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline int cpu_up(int n, int step)
{
    return (n + step - 1) / step * step;
}

/* Part i of n cut into `parts` as evenly as can be: [cpu_cut(n, parts, i), cpu_cut(n, parts, i +
 * 1)). */
static inline int cpu_cut(int n, int parts, int i)
{
    return (int)((long)n * i / parts);
}
#endif
