/* core/base/rng.c - Streams of random numbers over Philox4x32-10, each number by its counter.
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
 */
#include "core/base/rng.h"
#include "kernels/philox.h"

#include <math.h>
#include <string.h>

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    kn_philox(counter, key, out);
}

struct rng rng_at(uint64_t seed, enum rng_stream stream, uint32_t index)
{
    return (struct rng){.key = {(uint32_t)seed, (uint32_t)stream},
                        .counter = {0, index, 0, (uint32_t)(seed >> 32)},
                        .used = 4};
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used >= 4) {
        rng_philox(r->counter, r->key, r->block);
        r->counter[0]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

double rng_uniform(struct rng *r)
{
    return (rng_u32(r) >> 8) * 0x1p-24;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((uint64_t)rng_u32(r) * n) >> 32);
}

double rng_normal(struct rng *r)
{
    double radius = sqrt(-2 * log(1 - rng_uniform(r))); /* 1 - u lies in (0,1] */
    return radius * cos(2 * M_PI * rng_uniform(r));
}
