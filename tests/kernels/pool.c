/* The pool of the cpu backend: each unit once, whatever the number of threads, job after job. */
#include "tests/check.h"
#include "kernels/cpu/pool.h"
#include "kernels/table.h"

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

/* Units of a millisecond, and how long the threads beside the caller were in them. */
struct spell {
    struct tally tally;
    double seconds[16];
};

static void spend(void *job, int unit, int thread)
{
    struct spell *s = job;
    double start = kn_clock();
    while (kn_clock() - start < 1e-3) {}
    count(&s->tally, unit, thread);
    s->seconds[thread] += kn_clock() - start;
}

START_TEST(a_timed_job_is_the_same_job_and_tells_who_helped)
{
    enum { SOME = 24 };
    static struct spell s;
    int threads = s.tally.threads = team[_i];
    struct pool *p = pool_open(threads);
    double start = kn_clock(), helped = pool_run_timed(p, SOME, spend, &s),
           wall = kn_clock() - start, others = 0;
    for (int u = 0; u < UNITS; u++) ck_assert_int_eq(s.tally.calls[u], u < SOME);
    for (int i = 1; i < threads; i++) others += s.seconds[i];
    ck_assert_msg(helped <= (threads - 1) * wall, "%g s helped in %g", helped, wall);
    /* Less what the caller waited: it was in the job for all but that. */
    ck_assert_msg(helped >= others - (wall - s.seconds[0]), "%g s helped, %g s in units", helped,
                  others);
    ck_assert_double_eq(pool_run_timed(p, 0, spend, &s), 0);
    pool_close(p);
}
END_TEST

SUITE(pool)
{
    TCase *c = tcase_create("pool");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, every_unit_is_done_once_job_after_job, 0, sizeof team / sizeof *team);
    tcase_add_test(c, all_is_done_when_run_returns);
    tcase_add_loop_test(c, a_timed_job_is_the_same_job_and_tells_who_helped, 0,
                        sizeof team / sizeof *team);
    tcase_add_test(c, no_units_and_no_pool_are_fine);
    suite_add_tcase(suite, c);
}
