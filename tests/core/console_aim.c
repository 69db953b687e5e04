/* tests/core/console_aim.c - `aim`: a number of experts per token, whatever the strategy turns for
 * it. */
#include "core/console/console.h"
#include "core/train/trainer.h"
#include "tests/check.h"

static struct console *fresh(const char *router)
{
    struct config config;
    struct err e = {0};
    ck_assert_msg(config_start(&config, "orders", router, &e), "%s", e.text);
    ck_assert_msg(config_set(&config, "batch", "64", &e), "%s", e.text);
    config.threads = 1;
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

/* Says a line and trains as far as it wants; what it said is returned until the next one. */
static const char *say(struct console *c, const char *line)
{
    static struct text out;
    struct err e = {0};
    text_clear(&out);
    ck_assert_msg(console_do(c, line, &out, &e), "%s: %s", line, e.text);
    while (console_busy(c)) ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
    return text_str(&out);
}

static double knob(struct console *c, const char *name)
{
    const struct config *now = trainer_config(console_trainer(c));
    return now->knob[router_knob(now->router, name)];
}

/* The mean of some steps: one alone jumps. */
static double experts(struct console *c)
{
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        say(c, "train 5");
        sum += console_snapshot(c)->experts_per_token;
    }
    return sum / 10;
}

START_TEST(a_knob_that_only_moves_the_count_is_turned_until_it_is_there)
{
    static const struct {
        const char *router, *knob;
        double target;
    } cases[] = {{"topp", "p", 1.5},
                 {"adak", "lambda", 1.5},
                 {"dynmoe", "count_price", 3},
                 {"unimoe", "p", 1.5}};
    char line[32];
    struct console *c = fresh(cases[_i].router);
    double was = knob(c, cases[_i].knob);
    snprintf(line, sizeof line, "aim %g", cases[_i].target);
    ck_assert(strstr(say(c, line), cases[_i].knob));
    say(c, "train 800");
    NEAR(experts(c), cases[_i].target, 0, 0.2, "%s", cases[_i].router);
    ck_assert(knob(c, cases[_i].knob) != was);
    ck_assert_msg(strstr(say(c, "aim"), cases[_i].knob), "%s", say(c, "aim"));
    console_close(c);
}
END_TEST

START_TEST(a_knob_that_is_a_count_is_set_to_it)
{
    struct console *c = fresh("topk");
    say(c, "aim 3");
    NEAR(knob(c, "k"), 3, 0, 0, "k");
    ck_assert(strstr(say(c, "aim"), "no aim"));
    console_close(c);
}
END_TEST

START_TEST(who_turns_the_knob_by_hand_ends_the_aim)
{
    static const char *const lines[] = {"knob p 0.5", "router topk", "aim none", "rewind 30"};
    struct console *c = fresh("topp");
    say(c, "aim 1.5");
    say(c, "train 100");
    say(c, lines[_i]);
    if (_i == 0) { /* a turn that has no effect would show */
        say(c, "train 100");
        NEAR(knob(c, "p"), 0.5, 0, 0, "p");
    }
    say(c, "train 30");
    ck_assert_msg(strstr(say(c, "aim"), "no aim"), "%s: %s", lines[_i], say(c, "aim"));
    console_close(c);
}
END_TEST

START_TEST(the_same_words_turn_it_the_same_way)
{
    uint64_t hash[2];
    for (int i = 0; i < 2; i++) {
        struct console *c = fresh("topp");
        say(c, "train 30");
        say(c, "aim 1.5");
        say(c, i ? "train 220" : "train 100");
        if (!i) say(c, "train 120");
        hash[i] = trainer_hash(console_trainer(c));
        console_close(c);
    }
    ck_assert(hash[0] == hash[1]);
}
END_TEST

START_TEST(a_knob_at_its_end_says_so)
{
    struct console *c = fresh("adamoe");
    say(c, "aim 0.2");
    for (int i = 0; i < 20 && !strstr(console_snapshot(c)->notice, "at its end"); i++)
        say(c, "train 100");
    ck_assert_msg(strstr(console_snapshot(c)->notice, "aux is at its end"), "%s",
                  console_snapshot(c)->notice);
    console_close(c);
}
END_TEST

START_TEST(what_is_no_number_of_experts_is_refused)
{
    static const char *const lines[] = {"aim two", "aim 0", "aim -1", "aim 65", "aim 1 2"};
    struct text out = {0};
    struct err e = {0};
    struct console *c = fresh("topp");
    ck_assert(!console_do(c, lines[_i], &out, &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    text_free(&out);
    console_close(c);
}
END_TEST

SUITE(console_aim)
{
    TCase *t = tcase_create("aim");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_knob_that_only_moves_the_count_is_turned_until_it_is_there, 0, 4);
    tcase_add_test(t, a_knob_that_is_a_count_is_set_to_it);
    tcase_add_loop_test(t, who_turns_the_knob_by_hand_ends_the_aim, 0, 4);
    tcase_add_test(t, the_same_words_turn_it_the_same_way);
    tcase_add_test(t, a_knob_at_its_end_says_so);
    tcase_add_loop_test(t, what_is_no_number_of_experts_is_refused, 0, 5);
    suite_add_tcase(suite, t);
}
