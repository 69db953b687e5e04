/* What a GPU says of itself: read beside training, a few times a second, only while the engine is
 * looked at; and a driver's library that is missing, refuses or talks nonsense is no meter and no
 * failure. Runs with `make check-emu` only: $VANPOOL_CUDA names the emulated module, $VANPOOL_NVML
 * the library that stands for the driver's. */
#include "core/base/clock.h"
#include "core/train/engine.h"
#include "tests/core/model_rig.h"

#include <unistd.h>

static struct trainer *open_metered(const char *mode)
{
    struct config c = rig_config("orders", "topk", "cuda", "batch=8", NULL);
    unsetenv("VANPOOL_EMU_FAIL");
    if (mode)
        setenv("VANPOOL_EMU_NVML", mode, 1);
    else
        unsetenv("VANPOOL_EMU_NVML");
    return model_rig_open(&c);
}

static void all_unknown(const struct snap_gpu *g)
{
    ck_assert(isnan(g->watts) && isnan(g->celsius) && isnan(g->megahertz));
    ck_assert(isnan(g->used) && isnan(g->total) && isnan(g->joules));
}

START_TEST(the_meters_of_the_device_in_use_are_read_while_somebody_looks)
{
    struct trainer *t = open_metered(NULL);
    rig_steps(t, 2);
    all_unknown(&t->now.gpu);
    trainer_engine(t, true);
    rig_steps(t, 1);
    const struct snap_gpu *g = &t->now.gpu;
    ck_assert(g->watts == 100 && g->celsius == 61 && g->megahertz == 1980);
    ck_assert(g->used == 5e9 && g->total == 80e9);
    ck_assert(isnan(g->joules)); /* one reading is no time */
    trainer_engine(t, false);
    all_unknown(g);
    rig_steps(t, 1);
    all_unknown(g);
    trainer_close(t);
}
END_TEST

START_TEST(joules_of_a_token_are_power_over_the_time_in_steps)
{
    struct trainer *t = open_metered(NULL);
    const struct snap_gpu *g = &t->now.gpu;
    int readings = 0;
    double wall = 0, tokens = 0, last = NAN, start = clock_now();
    trainer_engine(t, true);
    while (isnan(g->joules)) {
        rig_steps(t, 1);
        if (g->watts == last) continue;
        last = g->watts, readings++;
        if (readings == 1) wall = t->wall, tokens = t->tokens_seen;
        usleep(100000); /* training rests: that is nobody's energy */
    }
    ck_assert_int_eq(readings, 2);
    ck_assert_msg(clock_now() - start >= 0.29, "two readings within %g s", clock_now() - start);
    NEAR(g->joules, (100 + 200) / 2. * (t->wall - wall) / (t->tokens_seen - tokens), 0, 1e-9,
         "joules of a token");
    trainer_close(t);
}
END_TEST

static const struct wrong {
    const char *mode, *file; /* of the library; NULL: as it was given */
} wrongs[] = {{"refuses", NULL}, {"denies", NULL}, {NULL, "/nowhere"}, {NULL, "README.md"}};

START_TEST(a_library_that_cannot_be_asked_is_no_meter_and_no_failure)
{
    const struct wrong *k = &wrongs[_i];
    if (k->file) setenv("VANPOOL_NVML", k->file, 1);
    struct trainer *t = open_metered(k->mode);
    trainer_engine(t, true);
    rig_steps(t, 3);
    all_unknown(&t->now.gpu);
    ck_assert_str_eq(kn_name(t->be), "cuda");
    ck_assert(isfinite(t->loss));
    trainer_close(t);
}
END_TEST

START_TEST(answers_that_cannot_be_are_not_shown)
{
    struct trainer *t = open_metered("garbage");
    trainer_engine(t, true);
    rig_steps(t, 3);
    all_unknown(&t->now.gpu);
    trainer_close(t);
}
END_TEST

START_TEST(what_an_older_library_lacks_is_unknown_and_the_rest_is_there)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", getenv("VANPOOL_NVML"));
    strcpy(strrchr(path, '/'), "/libnvidia-ml-short.so.1");
    setenv("VANPOOL_NVML", path, 1);
    struct trainer *t = open_metered(NULL);
    trainer_engine(t, true);
    rig_steps(t, 1);
    const struct snap_gpu *g = &t->now.gpu;
    ck_assert(isnan(g->watts) && isnan(g->megahertz) && isnan(g->joules));
    ck_assert(g->celsius == 61 && g->used == 5e9);
    trainer_close(t);
}
END_TEST

SUITE(trainer_meters)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("meters");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_meters_of_the_device_in_use_are_read_while_somebody_looks);
    tcase_add_test(tc, joules_of_a_token_are_power_over_the_time_in_steps);
    tcase_add_loop_test(tc, a_library_that_cannot_be_asked_is_no_meter_and_no_failure, 0,
                        sizeof wrongs / sizeof *wrongs);
    tcase_add_test(tc, answers_that_cannot_be_are_not_shown);
    tcase_add_test(tc, what_an_older_library_lacks_is_unknown_and_the_rest_is_there);
    suite_add_tcase(suite, tc);
}
