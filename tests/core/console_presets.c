/* tests/core/console_presets.c - Every preset shows what its sentence says; the badge of the knobs. */
#include "core/console/console.h"
#include "core/console/presets.h"
#include "core/train/trainer.h"
#include "tests/check.h"

static struct text out;

static bool whole(struct console *c, const char *line, struct err *e)
{
    char next[1024];
    bool ok = console_do(c, line, &out, e);
    while (ok && (console_busy(c) || console_next(c, next, sizeof next)))
        ok = console_busy(c) ? console_step(c, false, false, e) : console_do(c, next, &out, e);
    return ok;
}

static struct console *fresh(void)
{
    struct config config;
    struct err e = {0};
    ck_assert(config_start(&config, "orders", "topk", &e));
    config.threads = 1;
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    return c;
}

START_TEST(a_preset_shows_what_it_says)
{
    const struct preset_run *p = preset_run_at(_i);
    struct err e = {0};
    char line[200];
    if (!p) return;
    struct console *c = fresh();
    snprintf(line, sizeof line, "preset %s", p->name);
    ck_assert_msg(whole(c, line, &e), "%s", e.text);
    snprintf(line, sizeof line, "train %d", p->steps);
    ck_assert_msg(whole(c, line, &e), "%s", e.text);
    for (const char *at = p->shows; *at; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof line, "expect %.*s", (int)strcspn(at, "\n"), at);
        ck_assert_msg(whole(c, line, &e), "%s: %s", p->name, e.text);
    }
    console_close(c);
    text_free(&out);
}
END_TEST

START_TEST(the_badge_says_where_the_knobs_stand)
{
    static const struct {
        const char *line, *badge;
    } steps[] = {{"router topp", "tuned"},
                 {"base paper", "as published"},
                 {"knob p 0.6", "changed"},
                 {"base start", "tuned"},
                 {"router topp paper", "as published"},
                 {"undo", "tuned"},
                 {"redo", "as published"},
                 {"router remoe", "tuned"}};
    struct err e = {0};
    struct console *c = fresh();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ck_assert_msg(whole(c, steps[i].line, &e), "%s", e.text);
        ck_assert_msg(strcmp(console_snapshot(c)->badge, steps[i].badge) == 0, "%s: %s",
                      steps[i].line, console_snapshot(c)->badge);
    }
    ck_assert(!whole(c, "base papper", &e) && !whole(c, "preset nope", &e));
    console_close(c);
    text_free(&out);
}
END_TEST

SUITE(console_presets)
{
    TCase *t = tcase_create("badge");
    tcase_add_test(t, the_badge_says_where_the_knobs_stand);
    suite_add_tcase(suite, t);
}

SUITE(scenarios_presets)
{
    enum { MOST = 16 };
    TCase *t = tcase_create("presets");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_preset_shows_what_it_says, 0, MOST);
    suite_add_tcase(suite, t);
}
