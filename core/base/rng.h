#ifndef CORE_BASE_RNG_H
#define CORE_BASE_RNG_H
/* Counter-based random numbers, Philox4x32-10: any number of any stream can be made by anyone, in
 * any order. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". */
#include <stdint.h>

enum rng_stream {
    RNG_TASK = 0,
    RNG_TRAIN = 1,
    RNG_TEST = 2,
    RNG_INIT = 3,
    RNG_SAMPLE = 4,
    RNG_SHUFFLE = 5,
    RNG_ROUTE = 6,
    RNG_FLEET = 7
};

/* plain: copying it copies the state */
struct rng {
    uint32_t key[2], counter[4], block[4];
    int used;
};

/* key (seed, stream), counter (draw block, index, 0, 0). seed: low 32 bits are the key, high bits
 * go to counter[3]. */
struct rng rng_at(uint64_t seed, enum rng_stream stream, uint32_t index);
uint32_t rng_u32(struct rng *r);
double rng_uniform(struct rng *r);             /* [0,1): top 24 bits * 2^-24 */
uint32_t rng_below(struct rng *r, uint32_t n); /* (u32 * n) >> 32 */
double rng_normal(struct rng *r);              /* Box-Muller on two uniforms, both in float64 */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
#endif
