/* tests/core/console_scenario.c - Every situation shows what its sentence says: its own conditions
 * hold. And what phases and conditions are. */
#include "core/console/console.h"
#include "core/console/scenario.h"
#include "core/script/packed.h"
#include "tests/check.h"

/* One line and whatever it starts, to its end. False: *e says why. */
static bool whole(struct console *c, const char *line, struct text *out, struct err *e)
{
    char next[1024];
    bool ok = console_do(c, line, out, e);
    while (ok && (console_busy(c) || console_next(c, next, sizeof next))) {
        if (console_busy(c))
            ok = console_step(c, false, false, e);
        else
            ok = console_do(c, next, out, e);
    }
    return ok;
}

static struct console *fresh(void)
{
    struct config config;
    struct err e = {0};
    ck_assert_msg(config_start(&config, "orders", "topk", &e), "%s", e.text);
    config.threads = 1;
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

START_TEST(a_scenario_shows_what_it_says)
{
    struct text out = {0};
    struct err e = {0};
    char line[80], title[200];
    const struct packed *p = packed_at(SCENARIO_FOLDER, _i);
    if (!p) return;
    struct console *c = fresh();
    snprintf(line, sizeof line, "scenario %s", p->name);
    ck_assert_msg(strncmp(p->text, "# ", 2) == 0, "%s does not begin with its sentence", p->name);
    ck_assert_int_gt((int)strlen(packed_title(p, title, sizeof title)), 20);
    ck_assert_msg(strstr(p->text, "\nexpect "), "%s expects nothing", p->name);
    ck_assert_msg(whole(c, line, &out, &e), "%s\n%s", e.text, text_str(&out));
    text_free(&out);
    console_close(c);
}
END_TEST

START_TEST(a_phase_keeps_what_was_measured_at_its_end)
{
    struct text out = {0};
    struct err e = {0};
    struct console *c = fresh();
    ck_assert(whole(c, "phase one", &out, &e) && whole(c, "train 20", &out, &e));
    double loss = console_snapshot(c)->loss;
    ck_assert(whole(c, "phase two", &out, &e) && whole(c, "train 60", &out, &e));
    char line[80];
    snprintf(line, sizeof line, "expect one.loss = %.9g", loss);
    ck_assert_msg(whole(c, line, &out, &e), "%s", e.text);
    ck_assert_msg(whole(c, "expect two.loss < one.loss", &out, &e), "%s", e.text);
    ck_assert_msg(whole(c, "expect loss = two.loss", &out, &e), "%s", e.text);
    ck_assert(!whole(c, "expect two.loss > one.loss", &out, &e));
    ck_assert_int_eq(e.code, ERR_CHECK);
    ck_assert(!whole(c, "expect three.loss > 1", &out, &e));
    ck_assert(!whole(c, "expect one.lost > 1", &out, &e));
    ck_assert(!whole(c, "phase one", &out, &e));
    ck_assert(!whole(c, "phase a.b", &out, &e));
    text_free(&out);
    console_close(c);
}
END_TEST

static const char *const no_conditions[] = {
    "expect",         "expect loss",       "expect loss <",    "expect < 1",    "expect loss ~ 1",
    "expect los < 1", "expect loss < nan", "expect loss <> 2", "expect a b c d"};

START_TEST(what_is_no_condition_is_refused)
{
    struct text out = {0};
    struct err e = {0};
    struct console *c = fresh();
    ck_assert_msg(!whole(c, no_conditions[_i], &out, &e), "%s", no_conditions[_i]);
    ck_assert_msg(e.code == ERR_USAGE, "%s: %s", no_conditions[_i], e.text);
    text_free(&out);
    console_close(c);
}
END_TEST

START_TEST(pause_holds_a_script_and_go_lets_it_on)
{
    struct text out = {0};
    struct err e = {0};
    char next[1024];
    struct console *c = fresh();
    ck_assert(console_do(c, "scenario budget-cut", &out, &e));
    while (!console_busy(c)) {
        ck_assert(console_next(c, next, sizeof next));
        ck_assert_msg(console_do(c, next, &out, &e), "%s", e.text);
    }
    ck_assert(console_do(c, "pause", &out, &e));
    ck_assert(!console_busy(c));
    ck_assert(!console_next(c, next, sizeof next));
    ck_assert(console_snapshot(c)->paused);
    ck_assert(console_do(c, "go", &out, &e));
    ck_assert(console_busy(c));
    ck_assert(console_snapshot(c)->scripted);
    text_free(&out);
    console_close(c);
}
END_TEST

SUITE(console_scenario)
{
    TCase *t = tcase_create("phases");
    tcase_add_test(t, a_phase_keeps_what_was_measured_at_its_end);
    tcase_add_loop_test(t, what_is_no_condition_is_refused, 0,
                        sizeof no_conditions / sizeof *no_conditions);
    tcase_add_test(t, pause_holds_a_script_and_go_lets_it_on);
    suite_add_tcase(suite, t);
}

SUITE(scenarios)
{
    enum { MOST = 16 };
    TCase *t = tcase_create("scenarios");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_scenario_shows_what_it_says, 0, MOST);
    suite_add_tcase(suite, t);
}
