/* tests/core/session_life.c - The trainer's thread as a face sees it: answers in order, snapshots
 * that move, a pause that costs nothing, and an end at any moment. Also run under ThreadSanitizer.
 */
#include "core/base/clock.h"
#include "core/session/exchange.h"
#include "core/session/session.h"
#include "tests/check.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATIENCE = 20 }; /* seconds */

static struct session *open_small(const char *first)
{
    struct config config;
    struct err e = {0};
    ck_assert(config_start(&config, "orders", "topk", &e));
    config.threads = 1;
    ck_assert(config_set(&config, "batch", "16", &e));
    struct session *s = session_open(&config, first, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

static struct snapshot now; /* too large for a stack */

static void wait_snapshot(struct session *s, long step)
{
    double end = clock_now() + PATIENCE;
    struct err e = {0};
    for (;;) {
        if (session_snapshot(s, &now) && now.step >= step) return;
        ck_assert_msg(!session_ended(s, &e), "ended: %s", e.text);
        ck_assert_msg(clock_now() < end, "no snapshot of step %ld", step);
        usleep(1000);
    }
}

static struct session_answer wait_answer(struct session *s)
{
    struct session_answer a;
    double end = clock_now() + PATIENCE;
    while (!session_answer(s, &a)) {
        ck_assert_msg(clock_now() < end, "no answer");
        usleep(1000);
    }
    return a;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

START_TEST(answers_come_in_the_order_of_the_lines)
{
    struct session *s = open_small(NULL);
    char line[64];
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof line, i % 3 == 2 ? "nonsense%d" : "lr # %d", i);
        ck_assert(session_say(s, line));
    }
    for (int i = 0; i < 30; i++) {
        struct session_answer a = wait_answer(s);
        snprintf(line, sizeof line, i % 3 == 2 ? "nonsense%d" : "lr # %d", i);
        ck_assert_str_eq(a.line, line);
        ck_assert_int_eq(a.ok, i % 3 != 2);
        ck_assert_msg(*a.text, "%s: nothing was said", line);
    }
    session_close(s);
}
END_TEST

START_TEST(a_full_mailbox_refuses_and_loses_nothing)
{
    struct session *s = open_small("pause");
    char line[64];
    int taken = 0, answered = 0;
    wait_snapshot(s, 0);
    for (int i = 0; i < 400; i++) {
        snprintf(line, sizeof line, "lr # %d", taken);
        if (session_say(s, line))
            taken++;
        else
            usleep(100);
    }
    ck_assert_msg(taken < 400, "400 lines without an answer taken");
    for (; answered < taken; answered++) {
        struct session_answer a = wait_answer(s);
        snprintf(line, sizeof line, "lr # %d", answered);
        ck_assert_str_eq(a.line, line);
    }
    memset(line, 'x', sizeof line);
    char long_line[400];
    memset(long_line, 'x', sizeof long_line), long_line[399] = 0;
    ck_assert(session_say(s, long_line));
    ck_assert(!wait_answer(s).ok);
    session_close(s);
}
END_TEST

START_TEST(snapshots_move_while_it_trains)
{
    struct session *s = open_small(NULL);
    session_rates(s, 1000, 100);
    wait_snapshot(s, 1);
    long first = now.step;
    wait_snapshot(s, first + 20);
    ck_assert(!now.paused);
    ck_assert_int_eq(now.goal, -1);
    ck_assert(now.tokens > 0 && now.loss > 0);
    ck_assert(session_say(s, "router topp"));
    ck_assert(wait_answer(s).ok);
    ck_assert(session_snapshot(s, &now)); /* with the answer, not some time after it */
    ck_assert_str_eq(now.router->name, "topp");
    ck_assert(now.marks > 0);
    session_close(s);
}
END_TEST

/* A script is not kept waiting for ever by training that has no end; after a preset it has none again. */
START_TEST(a_script_interrupts_training_without_end)
{
    struct session *s = open_small(NULL);
    wait_snapshot(s, 5);
    ck_assert(session_say(s, "preset count-by-need"));
    struct session_answer a = wait_answer(s);
    ck_assert_msg(a.ok && !a.scripted, "%s", a.text);
    a = wait_answer(s);
    ck_assert_msg(a.ok && a.scripted && strcmp(a.line, "data orders") == 0, "%s", a.text);
    a = wait_answer(s);
    ck_assert_msg(a.ok && strcmp(a.line, "router topp") == 0, "%s", a.text);
    wait_snapshot(s, 20);
    ck_assert_str_eq(now.router->name, "topp");
    ck_assert_int_eq(now.goal, -1);
    ck_assert(!now.paused);
    session_close(s);
}
END_TEST

START_TEST(pause_stops_the_steps_and_costs_nothing)
{
    struct session *s = open_small(NULL);
    wait_snapshot(s, 5);
    ck_assert(session_say(s, "pause"));
    ck_assert(wait_answer(s).ok);
    do wait_snapshot(s, 5);
    while (!now.paused);
    long step = now.step;
    double cpu = cpu_seconds();
    usleep(300000);
    cpu = cpu_seconds() - cpu;
    ck_assert_msg(cpu < 0.1, "%.3f s of work in 0.3 s of pause", cpu);
    ck_assert(!session_snapshot(s, &now));
    ck_assert(session_say(s, "step"));
    ck_assert(wait_answer(s).ok);
    do wait_snapshot(s, step);
    while (now.step == step);
    ck_assert_int_eq(now.step, step + 1);
    ck_assert(now.paused);
    ck_assert(session_say(s, "go"));
    wait_snapshot(s, step + 5);
    session_close(s);
}
END_TEST

START_TEST(closing_works_at_any_moment)
{
    for (int i = 0; i < 10; i++) {
        struct session *s = open_small(i % 3 == 2 ? "pause" : NULL);
        if (i % 2) session_say(s, "router topp");
        usleep((useconds_t)(i * 2000));
        session_close(s);
    }
    session_close(NULL);
}
END_TEST

static void must_end(struct session *s, const char *because)
{
    struct err e = {0};
    double end = clock_now() + PATIENCE;
    while (!session_ended(s, &e)) {
        ck_assert_msg(clock_now() < end, "it did not end");
        usleep(1000);
    }
    ck_assert_msg(strstr(e.text, because) != NULL, "'%s' does not say '%s'", e.text, because);
    ck_assert(!session_say(s, "lr"));
    session_close(s);
}

START_TEST(what_cannot_be_opened_ends_the_session_with_a_sentence)
{
    struct config config;
    struct err e = {0};
    ck_assert(config_start(&config, "text:/nonexistent", "topk", &e));
    must_end(session_open(&config, NULL, &e), "/nonexistent");
    must_end(open_small("router topp\nrouter tokp"), "topk");
    must_end(open_small("quit"), "");
}
END_TEST

START_TEST(lines_of_a_script_wait_for_its_training_and_those_of_a_person_do_not)
{
    char path[] = "/tmp/vanpool-test-XXXXXX", line[64];
    const char *text = "train 30\nrouter topp\ntrain 5\n";
    int file = mkstemp(path);
    ck_assert(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    struct session *s = open_small("pause");
    snprintf(line, sizeof line, "source %s", path);
    ck_assert(session_say(s, line));
    for (int i = 0; i < 4; i++) ck_assert(wait_answer(s).ok);
    do wait_snapshot(s, 35);
    while (!now.paused);
    ck_assert_int_eq(now.step, 35);
    ck_assert_int_eq(now.mark[now.marks - 1].step, 30);
    ck_assert(session_say(s, "train 100000"));
    ck_assert(session_say(s, "pause"));
    ck_assert(wait_answer(s).ok);
    ck_assert(wait_answer(s).ok);
    do wait_snapshot(s, 35);
    while (!now.paused);
    ck_assert(now.step < 100000);
    session_close(s);
    unlink(path);
}
END_TEST

/* ---- the exchange ---- */

enum { PUTS = 2000 };

static void *put_all(void *of)
{
    struct snapshot *s = calloc(1, sizeof *s);
    for (long i = 1; i <= PUTS; i++) {
        s->step = s->window_step = i;
        s->mark[SNAP_MARKS - 1].step = i;
        exchange_put(of, s);
    }
    free(s);
    return NULL;
}

START_TEST(a_snapshot_is_never_torn_and_the_newest_arrives)
{
    struct err e = {0};
    struct exchange *x = exchange_open(&e);
    pthread_t writer;
    ck_assert(!exchange_take(x, &now));
    ck_assert_int_eq(pthread_create(&writer, NULL, put_all, x), 0);
    long last = 0;
    double end = clock_now() + PATIENCE;
    while (last < PUTS) {
        ck_assert(clock_now() < end);
        if (!exchange_take(x, &now)) continue;
        ck_assert_msg(now.step > last, "step %ld after %ld", now.step, last);
        ck_assert_msg(now.step == now.window_step && now.step == now.mark[SNAP_MARKS - 1].step,
                      "torn at %ld", now.step);
        last = now.step;
    }
    ck_assert(!exchange_take(x, &now));
    pthread_join(writer, NULL);
    exchange_close(x);
    exchange_close(NULL);
}
END_TEST

SUITE(session_life)
{
    TCase *t = tcase_create("session");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, answers_come_in_the_order_of_the_lines);
    tcase_add_test(t, a_full_mailbox_refuses_and_loses_nothing);
    tcase_add_test(t, snapshots_move_while_it_trains);
    tcase_add_test(t, a_script_interrupts_training_without_end);
    tcase_add_test(t, pause_stops_the_steps_and_costs_nothing);
    tcase_add_test(t, closing_works_at_any_moment);
    tcase_add_test(t, what_cannot_be_opened_ends_the_session_with_a_sentence);
    tcase_add_test(t, lines_of_a_script_wait_for_its_training_and_those_of_a_person_do_not);
    tcase_add_test(t, a_snapshot_is_never_torn_and_the_newest_arrives);
    suite_add_tcase(suite, t);
}
