/* The pool of the cpu backend: each unit once, whatever the number of threads, job after job. */
#include "tests/check.h"
#include "kernels/cpu/pool.h"

#include <stdatomic.h>

enum { UNITS = 97, JOBS = 3000 };
struct tally {
    _Atomic int calls[UNITS];
    _Atomic int strangers; /* thread numbers out of range */
    int threads;
};

static void count(void *job, int unit, int thread)
{
    struct tally *t = job;
    atomic_fetch_add(&t->calls[unit], 1);
    if (thread < 0 || thread >= t->threads) atomic_fetch_add(&t->strangers, 1);
}

static const int team[] = {1, 2, 3, 4, 16};

START_TEST(every_unit_is_done_once_job_after_job)
{
    static struct tally t;
    t.threads = team[_i];
    struct pool *p = pool_open(t.threads);
    ck_assert_ptr_nonnull(p);
    for (int j = 0; j < JOBS; j++) pool_run(p, 1 + j % UNITS, count, &t);
    for (int u = 0; u < UNITS; u++) {
        int want = 0;
        for (int j = 0; j < JOBS; j++) want += u < 1 + j % UNITS;
        ck_assert_msg(t.calls[u] == want, "%d threads, unit %d: got %d calls, want %d", t.threads,
                      u, t.calls[u], want);
    }
    ck_assert_int_eq(t.strangers, 0);
    pool_close(p);
}
END_TEST

START_TEST(all_is_done_when_run_returns)
{
    static struct tally t = {.threads = 4};
    struct pool *p = pool_open(4);
    for (int j = 1; j <= 500; j++) {
        int sum = 0;
        pool_run(p, UNITS, count, &t);
        for (int u = 0; u < UNITS; u++) sum += t.calls[u];
        ck_assert_int_eq(sum, j * UNITS);
    }
    pool_close(p);
}
END_TEST

START_TEST(no_units_and_no_pool_are_fine)
{
    static struct tally t = {.threads = 2};
    struct pool *p = pool_open(2);
    pool_run(p, 0, count, &t);
    ck_assert_int_eq(t.calls[0], 0);
    pool_close(p);
    pool_close(NULL);
}
END_TEST

SUITE(pool)
{
    TCase *c = tcase_create("pool");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, every_unit_is_done_once_job_after_job, 0, sizeof team / sizeof *team);
    tcase_add_test(c, all_is_done_when_run_returns);
    tcase_add_test(c, no_units_and_no_pool_are_fine);
    suite_add_tcase(suite, c);
}
