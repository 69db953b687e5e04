/* What the GPU gives: a large product by cuBLAS, as this backend multiplies, and a copy. */
#include "kernels/cuda/cuda.h"

#include "kernels/cuda/bf16.h"

#include <ctime>

enum { ROUNDS = 6 };

static double now()
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of some runs, in seconds; `work` starts one. */
template <class Work> static double best_of(struct kn_backend *be, Work work)
{
    double best = INFINITY;
    for (int i = 0; i < ROUNDS && !be->failed_op; i++) {
        be->table->sync(be);
        double start = now();
        work();
        be->table->sync(be);
        best = fmin(best, now() - start);
    }
    return be->failed_op ? NAN : best;
}

/* n numbers that are not 0, which some chips multiply faster. */
static struct kn_buf numbers(struct kn_backend *be, size_t n)
{
    struct kn_buf b = {be->table->alloc(be, n * sizeof(float))};
    const struct kn_draw draw = {{1, 2}, {3, 4, 5}};
    if (b.at) cuda_uniform(be, b, &draw, n);
    return b;
}

static void give_back(struct kn_backend *be, struct kn_buf b)
{
    if (b.at) be->table->free(be, b.at);
}

static void swap(struct kn_buf *a, struct kn_buf *b)
{
    struct kn_buf was = *a;
    *a = *b, *b = was;
}

/* A matrix that fills the device: 64 rows for each of its units. */
double cuda_peak(struct kn_backend *be, int threads)
{
    int units = ((struct cuda *)be)->units, n = units < 64 ? 64 * units : 4096;
    (void)threads;
    bool half = ((struct cuda *)be)->bf16;
    struct kn_buf a = numbers(be, (size_t)n * n), b = numbers(be, (size_t)n * n),
                  c = numbers(be, (size_t)n * n);
    double best = NAN;
    if (half && a.at && b.at && c.at) { /* c is only room until the product writes it */
        narrow(be, (uint16_t *)c.at, KN_F32(a), n, n), swap(&a, &c);
        narrow(be, (uint16_t *)c.at, KN_F32(b), n, n), swap(&b, &c);
    }
    if (a.at && b.at && c.at)
        best = best_of(be, [&] { cuda_square(be, KN_F32(c), a.at, b.at, n); });
    give_back(be, a), give_back(be, b), give_back(be, c);
    return 2.0 * n * n * n / best * 1e-9;
}

/* Bytes read, as elsewhere; as many are written. */
double cuda_bandwidth(struct kn_backend *be, int threads)
{
    size_t n = (size_t)((struct cuda *)be)->units << 18;
    (void)threads;
    struct kn_buf a = numbers(be, n), b = numbers(be, n);
    double best = NAN;
    if (a.at && b.at) best = best_of(be, [&] { cuda_copy(be, b, a, n); });
    give_back(be, a), give_back(be, b);
    return (double)n * sizeof(float) / best * 1e-9;
}
