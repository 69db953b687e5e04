/* tests/core/base_rng.c - Philox against the published answers, the streams, the clock. */
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "tests/check.h"

START_TEST(philox_gives_the_published_answers)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        rng_philox(known[i].counter, known[i].key, out);
        for (int k = 0; k < 4; k++) ck_assert_uint_eq(out[k], known[i].want[k]);
    }
}
END_TEST

START_TEST(a_stream_counts_blocks_under_its_seed_and_index)
{
    struct rng r = rng_at(0x500000007, RNG_TEST, 9);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t want[4];
        rng_philox((uint32_t[4]){block, 9, 0, 5}, (uint32_t[2]){7, RNG_TEST}, want);
        for (int k = 0; k < 4; k++) ck_assert_uint_eq(rng_u32(&r), want[k]);
    }
    struct rng copy = r;
    ck_assert_uint_eq(rng_u32(&copy), rng_u32(&r));
}
END_TEST

START_TEST(uniforms_fill_their_range_evenly)
{
    enum { N = 100000, BINS = 10 };
    struct rng r = rng_at(1, RNG_SAMPLE, 0);
    int bin[BINS] = {0}, below[7] = {0};
    for (int i = 0; i < N; i++) {
        struct rng same = r;
        double u = rng_uniform(&r);
        NEAR(u, (rng_u32(&same) >> 8) / 16777216.0, 0, 0, "the top 24 bits");
        ck_assert(u >= 0 && u < 1);
        bin[(int)(u * BINS)]++;
        below[rng_below(&r, 7)]++;
    }
    for (int i = 0; i < BINS; i++) NEAR(bin[i] / (double)N, 0.1, 0.005, 0, "bin %d", i);
    for (int i = 0; i < 7; i++) NEAR(below[i] / (double)N, 1 / 7.0, 0.006, 0, "below %d", i);
}
END_TEST

START_TEST(normals_have_the_moments_of_a_normal)
{
    enum { N = 200000 };
    struct rng r = rng_at(2, RNG_INIT, 0);
    double sum[5] = {0};
    for (int i = 0; i < N; i++) {
        double z = rng_normal(&r), power = 1;
        for (int k = 0; k < 5; k++) sum[k] += power, power *= z;
    }
    static const double want[] = {1, 0, 1, 0, 3};
    for (int k = 1; k < 5; k++) NEAR(sum[k] / N, want[k], 0.03 * k, 0, "moment %d", k);
}
END_TEST

START_TEST(the_clock_goes_forward)
{
    double before = clock_now();
    ck_assert(clock_now() >= before);
    ck_assert(before > 0);
}
END_TEST

SUITE(base_rng)
{
    TCase *c = tcase_create("random numbers");
    tcase_add_test(c, philox_gives_the_published_answers);
    tcase_add_test(c, a_stream_counts_blocks_under_its_seed_and_index);
    tcase_add_test(c, uniforms_fill_their_range_evenly);
    tcase_add_test(c, normals_have_the_moments_of_a_normal);
    tcase_add_test(c, the_clock_goes_forward);
    suite_add_tcase(suite, c);
}
