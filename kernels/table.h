#ifndef KERNELS_TABLE_H
#define KERNELS_TABLE_H
/* For backends only: what one must supply. The signature of an op is written once, in ops.h. */
#include "kernels/ops.h"
#include <time.h>

struct kn_table {
    const char *name;
    void (*close)(struct kn_backend *be);
    void *(*alloc)(struct kn_backend *be, size_t bytes); /* zeroed, 64-byte aligned */
    void (*free)(struct kn_backend *be, void *at);
    void (*sync)(struct kn_backend *be);
    /* Between host memory and its own, in order with its work, done on return; NULL: memcpy. */
    void (*get)(struct kn_backend *be, void *to, const void *from, size_t bytes);
    void (*put)(struct kn_backend *be, void *to, const void *from, size_t bytes);
    bool (*weight_open)(struct kn_backend *be, struct kn_weight *w); /* w->shadow */
    void (*weight_close)(struct kn_backend *be, struct kn_weight *w);
    size_t (*pre_room)(const struct kn_backend *be, size_t rows, int H,
                       bool gated);                              /* NULL: float by float */
    bool (*plan_open)(struct kn_backend *be, struct kn_plan *p); /* p->own */
    void (*plan_close)(struct kn_backend *be, struct kn_plan *p);
    /* As in backend.h; all NULL where work is done as it is asked. */
    void (*step_begin)(struct kn_backend *be);
    void (*step_end)(struct kn_backend *be);
    void (*tell)(struct kn_backend *be, struct kn_buf x, int n);
    bool (*hear)(struct kn_backend *be, double *to, int n, bool wait);
    /* Measured now, NULL where it means nothing: GFLOP/s of fused multiply-adds, GB/s of
     * reading. */
    double (*peak)(struct kn_backend *be, int threads);
    double (*bandwidth)(struct kn_backend *be, int threads);
    /* Fills what is known; false: nothing to ask. NULL: there is no device. */
    bool (*meters)(struct kn_backend *be, struct kn_meters *to);
    /* A profiler's range of this name begins, and the one before it ends; `name` is kept, and is
     * NULL where no other begins. NULL: there is no such profiler. */
    void (*mark)(struct kn_backend *be, const char *name);
    size_t real; /* bytes of one number: 8 in ref, 4 elsewhere */
#define X(name) __typeof__(kn_##name) *name;
    KN_OPS(X)
#undef X
};

enum { KN_RING = 4 };
/* The head of every backend's own struct. */
struct kn_backend {
    const struct kn_table *table;
    const char *simd, *device;
    int threads;
    bool timing;
    const char *failed_op; /* NULL: none; else the first failure */
    char reason[160];
    struct kn_buf only; /* of a device: as kn_only was told */
    bool idle;          /* of the others: that number was not finite */
    struct kn_told {
        double of[KN_TOLD];
    } told[KN_RING]; /* of the others: a ring */
    unsigned said, heard;
    int part; /* of what is computed, as the caller named it last */
    const char *const *part_names;
    /* Told by a timed op of itself: thread-seconds that threads beside the caller's worked, less
     * those that the caller waited for them; thread-seconds that only moved rows. */
    double helped, moved;
    struct kn_tally {
        double seconds, idle, moved;
        long calls;
    } tally[KN_PARTS][KN_OP_COUNT];
};

/* Seconds, for what is timed. */
static inline double kn_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In ops of a backend: the buffer as an array of its type. */
#define KN_F64(b) ((double *)(b).at)
#define KN_F32(b) ((float *)(b).at)
#define KN_I32(b) ((int32_t *)(b).at)

struct kn_backend *ref_open(const struct kn_settings *s, char *why, size_t size);
struct kn_backend *cpu_open(const struct kn_settings *s, char *why, size_t size);
#endif
