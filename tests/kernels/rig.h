#ifndef TESTS_KERNELS_RIG_H
#define TESTS_KERNELS_RIG_H
/* A backend under test with the buffers a test took from it. A loop test runs once per entry of
 * `variants`, so that the same cases hold on every backend and SIMD level. */
#include "kernels/ops.h"
#include "tests/check.h"

struct variant {
    const char *name, *simd;
};
/* The cpu backend at each SIMD level; with RIG_CUDA, the cuda backend instead. */
#ifdef RIG_CUDA
enum { VARIANTS = 2 };
#else
enum { VARIANTS = 4 };
#endif
extern const struct variant variants[VARIANTS];

/* ck_assert_msg for inner loops: Check writes a record of every ck_assert, passed or not. */
#define HOLDS(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) ck_abort_msg(__VA_ARGS__);                                               \
    } while (0)

/* True where this machine can run the SIMD level. */
bool rig_can(const char *simd);

enum { RIG_ROOM = 64 };
struct rig {
    struct kn_backend *be;
    struct kn_buf bufs[RIG_ROOM];
    struct kn_ints ints[RIG_ROOM];
    int n_bufs, n_ints;
};

/* Opens a variant; a backend that should open and does not fails the test. */
struct rig rig_open(const struct variant *v, int threads);
void rig_close(struct rig *r);

/* The first lines of a loop test: `r` is open for variant _i, or the test is skipped. */
#define RIG(r)                                                                                     \
    if (!rig_can(variants[_i].simd)) SKIP("this CPU has no %s", variants[_i].simd);                \
    struct rig r = rig_open(&variants[_i], 2)

/* n numbers, 0 where `values` is NULL; freed with the rig. */
struct kn_buf rig_buf(struct rig *r, size_t n, const double *values);
struct kn_ints rig_ints(struct rig *r, size_t n, const int32_t *values);
#define BUF(r, ...) rig_buf(r, COUNT(__VA_ARGS__), (double[]){__VA_ARGS__})
#define INTS(r, ...)                                                                               \
    rig_ints(r, sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t), (int32_t[]){__VA_ARGS__})
#define COUNT(...) (sizeof(double[]){__VA_ARGS__} / sizeof(double))

double rig_get(struct rig *r, struct kn_buf b, size_t i);
int rig_int(struct rig *r, struct kn_ints b, size_t i);
void rig_near(struct rig *r, struct kn_buf got, const double *want, size_t n, double atol,
              const char *what);
void rig_same(struct rig *r, struct kn_ints got, const int32_t *want, size_t n, const char *what);
#define GIVES(r, got, atol, what, ...)                                                             \
    rig_near(r, got, (double[]){__VA_ARGS__}, COUNT(__VA_ARGS__), atol, what)
#define GIVES_INTS(r, got, what, ...)                                                              \
    rig_same(r, got, (int32_t[]){__VA_ARGS__}, sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t),   \
             what)

/* splitmix64 (Steele et al. 2014): the same numbers everywhere. A normal number, of mean 0 and
 * deviation 1, is a float32 value, so that every backend gets the same one. */
uint64_t rig_random(uint64_t *state);
int rig_below(uint64_t *state, int n); /* 0..n-1 */
double rig_uniform(uint64_t *state);   /* [0,1) */
double rig_normal(uint64_t *state);
#endif
