#ifndef KERNELS_BACKEND_H
#define KERNELS_BACKEND_H
/* A backend is a place where numbers live and are worked on: `ref` (float64, plain loops, the
 * oracle of every test), `cpu` (float32, threads and SIMD) or `cuda` (float32, an NVIDIA GPU; a
 * module of its own, opened where there is one). Opened by name, or "auto" for the
 * fastest here. Nothing in kernels/ knows what a router or a lesson is: float arrays in, float
 * arrays out. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kn_backend;

/* Opaque memory of a backend; float64 in `ref`, float32 elsewhere. Passed by value, as an address
 * is. A host array cannot be handed over by mistake: it is not a struct kn_buf. */
struct kn_buf {
    void *at;
};
/* The same for 32-bit integers (labels, tokens, masks, counts), which are alike on every
 * backend. */
struct kn_ints {
    void *at;
};

struct kn_settings {
    int threads;      /* 0: as many as the machine has */
    const char *simd; /* "auto" (also NULL), "sse2", "avx2", "avx512": cpu only */
};

/* Opens a backend of the table, or with `auto` the first that can. NULL: not available; `why` (size
 * bytes) says so in one sentence. With auto it also says, of a GPU that is here and was passed over,
 * why; else it is empty. */
struct kn_backend *kn_open(const char *name, const struct kn_settings *s, char *why, size_t size);
void kn_close(struct kn_backend *be); /* accepts NULL */

const char *kn_name(const struct kn_backend *be); /* "ref", "cpu", "cuda" */
/* How it multiplies: "sse2", "avx2", "avx512"; "none" for ref; "fp32", "tf32", "bf16" for cuda. */
const char *kn_simd(const struct kn_backend *be);
/* The name of the device that it runs on; NULL: the host. */
const char *kn_device(const struct kn_backend *be);
int kn_threads(const struct kn_backend *be);
bool kn_exact(const struct kn_backend *be);   /* true: float64 */
bool kn_on_host(const struct kn_backend *be); /* false: a device that can be lost, memory and all */

/* The table of backends, best first. NULL past the end. */
struct kn_entry {
    const char *name, *title;
    bool (*here)(void); /* false: not to be tried by `auto`; NULL: always here */
    struct kn_backend *(*open)(const struct kn_settings *s, char *why, size_t size);
};
const struct kn_entry *kn_entry(int i);

/* n numbers, all 0; `.at` is NULL when memory is short. Aligned to 64 bytes. Never inside a
 * step. */
struct kn_buf kn_alloc(struct kn_backend *be, size_t n);
struct kn_ints kn_alloc_ints(struct kn_backend *be, size_t n);
void kn_free(struct kn_backend *be, struct kn_buf b);
void kn_free_ints(struct kn_backend *be, struct kn_ints b);

/* The numbers of b from `first` on: no copy, same owner. */
struct kn_buf kn_part(const struct kn_backend *be, struct kn_buf b, size_t first);
struct kn_ints kn_part_ints(struct kn_ints b, size_t first);

/* Host <-> backend; waits for work under way. The _f32 pair is for bulk (batches, checkpoints). */
void kn_read(struct kn_backend *be, double *to, struct kn_buf from, size_t n);
void kn_write(struct kn_backend *be, struct kn_buf to, const double *from, size_t n);
void kn_read_f32(struct kn_backend *be, float *to, struct kn_buf from, size_t n);
void kn_write_f32(struct kn_backend *be, struct kn_buf to, const float *from, size_t n);
void kn_read_ints(struct kn_backend *be, int32_t *to, struct kn_ints from, size_t n);
void kn_write_ints(struct kn_backend *be, struct kn_ints to, const int32_t *from, size_t n);

/* ---- a step: work that is handed over whole */
/* What is asked from kn_step_begin to kn_step_end is one piece of work. A device may have it written
 * down first and do it while the caller goes on (cuda: as one graph, made anew only where ops or
 * shapes are new); the others do it as it is asked. kn_write* inside takes the numbers as they stand
 * now; kn_read* and kn_sync wait, and cost the step its speed. The caller is let ahead of a device by
 * two steps at most. */
void kn_step_begin(struct kn_backend *be);
void kn_step_end(struct kn_backend *be);
/* Ops from here on leave what lasts as it is where f[0] is not finite: on a device they may still
 * make what is only passed on. Ends with kn_only of {NULL}. */
void kn_only(struct kn_backend *be, struct kn_buf f);
/* n numbers of x (at most KN_TOLD), as they are at this place of the work, come back to the host. */
enum { KN_TOLD = 8 };
void kn_tell(struct kn_backend *be, struct kn_buf x, int n);
/* to[0..n-1] = the oldest that was told and not heard. False: there is none, or none yet; with
 * `wait` what was told is waited for, and false also means that it will never come. */
bool kn_hear(struct kn_backend *be, double *to, int n, bool wait);

/* Waits until all work is done. False: something failed; the FIRST failure is kept, and every op
 * after it did nothing. *op and *reason stay valid until kn_close. Asked once a step. */
bool kn_sync(struct kn_backend *be, const char **op, const char **reason);
/* The same of what is known now: waits for nothing. */
bool kn_well(const struct kn_backend *be, const char **op, const char **reason);
/* For ops and tests: records the first failure. `op` is kept, not copied: a literal. */
void kn_fail(struct kn_backend *be, const char *op, const char *reason);

/* What a device says of itself now: of all of it, whoever uses it. NaN: not known. */
struct kn_meters {
    double watts, celsius, megahertz; /* the clock of its multiprocessors */
    double used, total;               /* bytes of its memory */
};
/* False: there is nothing to ask, and all is NaN. Asks a driver, which takes its time: not in a
 * step. */
bool kn_meters(struct kn_backend *be, struct kn_meters *to);

/* Seconds spent and calls made per op since the last reset, in the order of KN_OPS (ops.h). Timing
 * is off until kn_timing(be, true). The caller may name the part of its work that ops belong to: a
 * number below KN_PARTS, 0 at first. */
enum { KN_PARTS = 8 };
struct kn_time {
    const char *op;
    double seconds;
    double idle;  /* thread-seconds in which a thread of the backend had nothing to do in the op */
    double moved; /* thread-seconds of it that only moved rows to where they are multiplied */
    long calls;
};
void kn_timing(struct kn_backend *be, bool on);
void kn_times_part(struct kn_backend *be, int part);
/* What a profiler of the device is to call the parts: KN_PARTS names at most, which stay the
 * caller's; one that is NULL is not shown. */
void kn_name_parts(struct kn_backend *be, const char *const *names);
void kn_times_reset(struct kn_backend *be);
/* How many were written: of all parts together, of one part. */
int kn_times(const struct kn_backend *be, struct kn_time *to, int room);
int kn_times_of(const struct kn_backend *be, int part, struct kn_time *to, int room);
#endif
