/* tests/core/console_verbs.c - What command lines do to a model in training. */
#include "core/console/console.h"
#include "core/train/trainer.h"
#include "tests/check.h"

#include <unistd.h>

static struct console *open_small(void)
{
    struct config config;
    struct err e = {0};
    ck_assert(config_start(&config, "orders", "topk", &e));
    config.threads = 1;
    ck_assert(config_set(&config, "batch", "16", &e));
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

static void must(struct console *c, const char *line)
{
    struct text out = {0};
    struct err e = {0};
    ck_assert_msg(console_do(c, line, &out, &e), "%s: %s", line, e.text);
    text_free(&out);
}

static void must_fail(struct console *c, const char *line, const char *because)
{
    struct text out = {0};
    struct err e = {0};
    ck_assert_msg(!console_do(c, line, &out, &e), "%s was done", line);
    ck_assert_msg(strstr(e.text, because) != NULL, "%s: '%s' does not say '%s'", line, e.text,
                  because);
    text_free(&out);
}

static int train(struct console *c)
{
    struct err e = {0};
    int steps = 0;
    for (; console_busy(c) && steps < 10000; steps++)
        ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
    return steps;
}

static const char *strategy(struct console *c)
{
    return trainer_config(console_trainer(c))->router->name;
}

START_TEST(train_makes_exactly_so_many_steps)
{
    struct console *c = open_small();
    ck_assert(!console_busy(c));
    must(c, "train 7");
    ck_assert_int_eq(train(c), 7);
    must(c, "step");
    ck_assert_int_eq(train(c), 1);
    must(c, "step 3");
    must(c, "pause");
    ck_assert_int_eq(train(c), 0);
    must(c, "go");
    ck_assert_int_eq(train(c), 3);
    must(c, "go");
    ck_assert_int_eq(train(c), 10000); /* no end */
    ck_assert_int_eq(console_snapshot(c)->goal, -1);
    must_fail(c, "train 0", "whole number");
    must_fail(c, "train -3", "whole number");
    must_fail(c, "train x", "whole number");
    must_fail(c, "train 1 2", "train [N]");
    console_close(c);
}
END_TEST

START_TEST(a_switch_is_done_whole_or_not_at_all)
{
    struct console *c = open_small();
    must(c, "train 3");
    train(c);
    must_fail(c, "router topp p=0.5 aux=9", "aux");
    ck_assert_str_eq(strategy(c), "topk");
    must_fail(c, "router tokp", "did you mean topk");
    must_fail(c, "router topp p", "KNOB=VALUE");
    ck_assert_str_eq(strategy(c), "topk");
    must(c, "router topp p=0.5");
    ck_assert_str_eq(strategy(c), "topp");
    int p = router_knob(trainer_config(console_trainer(c))->router, "p");
    NEAR(trainer_config(console_trainer(c))->knob[p], 0.5, 1e-12, 0, "p");
    NEAR(console_snapshot(c)->knob[p], 0.5, 1e-12, 0, "p of the snapshot");
    ck_assert_int_eq(trainer_now(console_trainer(c)), 3);
    must(c, "router topp paper");
    NEAR(trainer_config(console_trainer(c))->knob[p], 0.4, 1e-12, 0, "p of the paper");
    must(c, "knob p=0.7");
    must(c, "knob p 0.8");
    NEAR(trainer_config(console_trainer(c))->knob[p], 0.8, 1e-12, 0, "p");
    must_fail(c, "knob p 1.5", "from 0 to 1");
    must_fail(c, "knob q 1", "no knob");
    must_fail(c, "knob q", "no knob");
    must(c, "router topk");
    must_fail(c, "knob k 9", "from 1 to 8");
    must(c, "train 2");
    ck_assert_int_eq(train(c), 2);
    console_close(c);
}
END_TEST

START_TEST(a_size_waits_for_reset_and_the_rest_is_live)
{
    struct console *c = open_small();
    must(c, "train 2");
    train(c);
    must(c, "set experts 4");
    NEAR(trainer_config(console_trainer(c))->value[CONFIG_EXPERTS], 8, 0, 0,
         "experts before reset");
    must(c, "set lr 0.001");
    NEAR(trainer_config(console_trainer(c))->value[CONFIG_LR], 0.001, 1e-12, 0, "lr");
    must(c, "reset");
    NEAR(trainer_config(console_trainer(c))->value[CONFIG_EXPERTS], 4, 0, 0, "experts after reset");
    ck_assert_int_eq(trainer_now(console_trainer(c)), 0);
    ck_assert(!console_busy(c));
    must_fail(c, "reset experts=1", "experts");
    must_fail(c, "reset experts", "NAME=VALUE");
    must_fail(c, "set exprets 4", "experts");
    must(c, "seed 5");
    NEAR(trainer_config(console_trainer(c))->value[CONFIG_SEED], 5, 0, 0, "seed");
    must(c, "set k 1"); /* a knob's name is taken too */
    console_close(c);
}
END_TEST

START_TEST(k_over_the_experts_after_reset_is_refused_and_nothing_is_lost)
{
    struct console *c = open_small();
    must(c, "router topk k=8");
    must(c, "train 2");
    train(c);
    must_fail(c, "reset experts=4", "k");
    ck_assert_int_eq(trainer_now(console_trainer(c)), 2);
    NEAR(trainer_config(console_trainer(c))->value[CONFIG_EXPERTS], 8, 0, 0, "experts");
    console_close(c);
}
END_TEST

START_TEST(an_open_quote_is_told)
{
    struct console *c = open_small();
    must_fail(c, "show \"loss", "quote");
    must(c, "show \"loss\"");
    console_close(c);
}
END_TEST

/* The file's lines, and how many of them were handed out. */
static int run_script(struct console *c, const char *lines, struct err *e)
{
    char path[] = "/tmp/vanpool-test-XXXXXX", line[256], command[64];
    struct text out = {0};
    int file = mkstemp(path), count = 0;
    ck_assert(file >= 0 && write(file, lines, strlen(lines)) == (ssize_t)strlen(lines));
    close(file);
    snprintf(command, sizeof command, "source %s", path);
    must(c, command);
    while (console_next(c, line, sizeof line)) {
        count++;
        if (!console_do(c, line, &out, e)) break;
        train(c);
    }
    unlink(path);
    text_free(&out);
    return count;
}

START_TEST(a_script_waits_for_its_own_training)
{
    struct console *c = open_small();
    struct err e = {0};
    ck_assert_int_eq(run_script(c, "train 4 # first\nrouter topp\n\ntrain 2", &e), 4);
    ck_assert_int_eq(trainer_now(console_trainer(c)), 6);
    ck_assert_str_eq(strategy(c), "topp");
    console_close(c);
}
END_TEST

START_TEST(a_script_ends_at_its_first_error_with_file_and_line)
{
    struct console *c = open_small();
    struct err e = {0};
    char line[64];
    ck_assert_int_eq(run_script(c, "train 2\nknob q 3\ntrain 2\n", &e), 2);
    ck_assert_ptr_nonnull(strstr(e.text, "/tmp/vanpool-test-"));
    ck_assert_ptr_nonnull(strstr(e.text, ":2: "));
    ck_assert(!console_next(c, line, sizeof line));
    must_fail(c, "source /nonexistent", "/nonexistent");
    console_close(c);
}
END_TEST

/* A face asks for numbers more often than for the window; what stands in the end is of one step. */
START_TEST(at_rest_the_window_is_of_the_newest_step)
{
    struct console *c = open_small();
    struct err e = {0};
    must(c, "train 4");
    for (int i = 0; i < 4; i++) {
        ck_assert(console_step(c, true, i == 1, &e));
        ck_assert_int_eq(console_snapshot(c)->step, i + 1);
    }
    ck_assert_int_eq(console_snapshot(c)->window_step, 4);
    must(c, "train 3");
    ck_assert(console_step(c, true, false, &e));
    ck_assert_int_eq(console_snapshot(c)->window_step, 4); /* not before it rests */
    must(c, "pause");
    ck_assert_int_eq(console_snapshot(c)->window_step, 5);
    console_close(c);
}
END_TEST

START_TEST(show_names_what_is_unknown_and_suggests)
{
    struct console *c = open_small();
    must_fail(c, "show lsos", "loss");
    must_fail(c, "list knosb", "knobs");
    must_fail(c, "help trian", "train");
    must_fail(c, "preset tinny", "tiny");
    must_fail(c, "data orderz", "orders");
    must_fail(c, "data text:/nonexistent", "/nonexistent");
    must_fail(c, "load /nonexistent", "/nonexistent");
    must(c, "show all");
    console_close(c);
}
END_TEST

SUITE(console_verbs)
{
    TCase *t = tcase_create("verbs");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, train_makes_exactly_so_many_steps);
    tcase_add_test(t, a_switch_is_done_whole_or_not_at_all);
    tcase_add_test(t, a_size_waits_for_reset_and_the_rest_is_live);
    tcase_add_test(t, k_over_the_experts_after_reset_is_refused_and_nothing_is_lost);
    tcase_add_test(t, an_open_quote_is_told);
    tcase_add_test(t, a_script_waits_for_its_own_training);
    tcase_add_test(t, a_script_ends_at_its_first_error_with_file_and_line);
    tcase_add_test(t, at_rest_the_window_is_of_the_newest_step);
    tcase_add_test(t, show_names_what_is_unknown_and_suggests);
    suite_add_tcase(suite, t);
}
