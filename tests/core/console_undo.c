/* tests/core/console_undo.c - Every change can be taken back and made again, whoever said it; and a
 * long random walk over all that steers. */
#include "core/base/rng.h"
#include "core/console/console.h"
#include "core/train/trainer.h"
#include "tests/check.h"

static struct text out;

static bool say(struct console *c, const char *line, struct err *e)
{
    struct err own = {0};
    bool ok = console_do(c, line, &out, e ? e : &own);
    while (ok && console_busy(c)) ok = console_step(c, false, false, e ? e : &own);
    return ok;
}

#define DO(line) ck_assert_msg(say(c, line, &e), "%s: %s", line, e.text)

static struct console *fresh(const char *strategy)
{
    struct config config;
    struct err e = {0};
    ck_assert_msg(config_start(&config, "orders", strategy, &e), "%s", e.text);
    config.threads = 1;
    config.value[CONFIG_BATCH] = 32;
    config.named |= 1u << CONFIG_BATCH;
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

static struct config now(struct console *c)
{
    return *trainer_config(console_trainer(c));
}

static bool same(const struct config *a, const struct config *b)
{
    return a->router == b->router && memcmp(a->value, b->value, sizeof a->value) == 0 &&
           memcmp(a->knob, b->knob, sizeof a->knob) == 0 &&
           memcmp(&a->fleet, &b->fleet, sizeof a->fleet) == 0 && strcmp(a->data, b->data) == 0;
}

static const char *const changes[] = {
    "knob k 4",   "router topp p=0.5", "router remoe", "set lr 0.003",
    "lr 0.001",   "break 3",           "freeze 2",     "retire 5",
    "clone 1 2",  "reset experts=4",   "seed 9",       "data ledger",
    "set clip 2", "counts true",       "rewind 7",     "router moepp paper"};
enum { CHANGES = sizeof changes / sizeof *changes };

START_TEST(a_change_is_taken_back_and_made_again)
{
    struct err e = {0};
    struct console *c = fresh("topk");
    DO("train 12");
    if (strcmp(changes[_i], "counts true") == 0) {
        DO("set counts true");
        DO("set counts none");
    }
    const char *line = strcmp(changes[_i], "counts true") == 0 ? "set counts true" : changes[_i];
    struct config before = now(c);
    long step = trainer_now(console_trainer(c));
    double loss = console_snapshot(c)->loss;
    DO(line);
    struct config after = now(c);
    long then = trainer_now(console_trainer(c));
    for (int k = 0; k < 2; k++) {
        DO("undo");
        struct config back = now(c);
        ck_assert_msg(same(&before, &back), "%s is not taken back", line);
        ck_assert_int_eq(trainer_now(console_trainer(c)), step);
        DO("redo");
        struct config again = now(c);
        ck_assert_msg(same(&after, &again), "%s is not made again", line);
        ck_assert_int_eq(trainer_now(console_trainer(c)), then);
    }
    DO("undo");
    DO("train 3");
    ck_assert(isfinite(console_snapshot(c)->loss) && isfinite(loss));
    ck_assert(!say(c, "redo", &e) || say(c, "train 3", &e));
    console_close(c);
    text_free(&out);
}
END_TEST

START_TEST(undo_goes_back_line_by_line_and_a_new_change_ends_redo)
{
    struct err e = {0};
    struct console *c = fresh("topk");
    DO("knob k 3"), DO("knob k 4"), DO("show loss"), DO("knob k 4"), DO("break 1");
    ck_assert_int_eq(console_snapshot(c)->undos, 3); /* what changes nothing is no change */
    DO("undo"), DO("undo");
    ck_assert(now(c).knob[0] == 3);
    ck_assert_int_eq(console_snapshot(c)->redos, 2);
    DO("knob k 5");
    ck_assert(!say(c, "redo", &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    DO("undo"), DO("undo");
    ck_assert(now(c).knob[0] == 2);
    ck_assert(!say(c, "undo", &e));
    console_close(c);
    text_free(&out);
}
END_TEST

START_TEST(what_is_refused_leaves_nothing_to_take_back)
{
    static const char *const lines[] = {"knob k 99", "break 9",      "break 0",  "clone 1",
                                        "hire 1",    "rewind 100",   "mend 1",   "inject inf",
                                        "thaw 2",    "inject nan x", "rewind x", "reset width=x"};
    struct err e = {0};
    struct console *c = fresh("topk");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(!say(c, lines[i], &e), "%s", lines[i]);
        ck_assert_msg(e.code == ERR_USAGE, "%s: %s", lines[i], e.text);
    }
    ck_assert_int_eq(console_snapshot(c)->undos, 0);
    console_close(c);
    text_free(&out);
}
END_TEST

START_TEST(rewind_and_train_again_gives_the_same_numbers)
{
    struct err e = {0};
    struct console *c = fresh("longcat");
    DO("train 100");
    double loss = console_snapshot(c)->loss, norm = console_snapshot(c)->grad_norm;
    DO("rewind 50");
    ck_assert_int_eq(console_snapshot(c)->step, 50);
    DO("train 50");
    ck_assert(console_snapshot(c)->loss == loss && console_snapshot(c)->grad_norm == norm);
    DO("rewind");
    console_close(c);
    text_free(&out);
}
END_TEST

/* All that steers, at random: no crash, and the fleet never loses count. */
START_TEST(a_random_walk_over_all_that_steers_survives)
{
    static const char *const lines[] = {"break %d",
                                        "mend %d",
                                        "freeze %d",
                                        "thaw %d",
                                        "retire %d",
                                        "hire %d",
                                        "clone %d %d",
                                        "rewind %d",
                                        "undo",
                                        "undo",
                                        "redo",
                                        "inject nan",
                                        "inject nan loss",
                                        "inject nan logits",
                                        "set lr 0.00%d",
                                        "reset",
                                        "seed %d",
                                        "step %d",
                                        "step %d",
                                        "step %d"};
    enum { LINES = sizeof lines / sizeof *lines, WALK = 250 };
    struct rng r = rng_at((uint64_t)_i, RNG_SAMPLE, 3);
    struct console *c = fresh("topk");
    for (int i = 0; i < WALK; i++) {
        char line[80];
        struct err e = {0};
        int a = 1 + (int)rng_below(&r, 9), b = 1 + (int)rng_below(&r, 9);
        if (rng_below(&r, 8) == 0)
            snprintf(line, sizeof line, "router %s",
                     router_at((int)rng_below(&r, (uint32_t)router_count()))->name);
        else
            snprintf(line, sizeof line, lines[rng_below(&r, LINES)], a, b);
        text_clear(&out);
        bool ok = say(c, line, &e);
        ck_assert_msg(ok || e.code == ERR_USAGE, "%s: %s", line, e.text);
        const struct snapshot *s = console_snapshot(c);
        int on = s->E - __builtin_popcountll(fleet_off(&s->fleet));
        bool made = ok && strncmp(line, "step", 4) == 0; /* else it is of the step before */
        ck_assert_msg(!(made && s->experts_per_token > on), "%s: %g experts, %d on the road", line,
                      s->experts_per_token, on);
    }
    console_close(c);
    text_free(&out);
}
END_TEST

SUITE(console_undo)
{
    TCase *t = tcase_create("undo");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_change_is_taken_back_and_made_again, 0, CHANGES);
    tcase_add_test(t, undo_goes_back_line_by_line_and_a_new_change_ends_redo);
    tcase_add_test(t, what_is_refused_leaves_nothing_to_take_back);
    tcase_add_test(t, rewind_and_train_again_gives_the_same_numbers);
    tcase_add_loop_test(t, a_random_walk_over_all_that_steers_survives, 0, 3);
    suite_add_tcase(suite, t);
}
