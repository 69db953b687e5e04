/* tests/tui/why_test.c - The view `why` of every strategy against its golden screen, its arithmetic,
 * and what it says while an answer is on its way. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene_rule.h"
#include "tests/tui/scene_why.h"
#include "tui/views/why.h"

static struct snapshot now;

static struct scene scene_of(const char *strategy)
{
    scene_rule(&now, strategy);
    scene_why(&now, 2, now.focus);
    return (struct scene){.now = &now, .cursor = 2, .layer = now.focus};
}

static struct canvas drawn(const struct scene *s, int width, int height, enum charset set)
{
    struct frame f = {.view = view_find("why", NULL)};
    struct canvas c;
    ck_assert(canvas_open(&c, width, height, set));
    frame_draw(&c, s, &f);
    return c;
}

START_TEST(every_strategy_is_as_its_golden_screen)
{
    struct scene s = scene_of(router_at(_i / 2)->name);
    char name[64];
    s.zoom = _i % 2;
    struct canvas c = drawn(&s, 80, 24, CHARSET_BRAILLE);
    snprintf(name, sizeof name, "why%s-%s-80x24", s.zoom ? "-sums" : "", router_at(_i / 2)->name);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

START_TEST(the_arithmetic_is_as_its_golden_screens)
{
    static const int sizes[][2] = {{120, 36}, {40, 12}};
    struct scene s = scene_of("adamoe");
    char name[64];
    s.zoom = 1;
    struct canvas c = drawn(&s, sizes[_i][0], sizes[_i][1], CHARSET_BRAILLE);
    snprintf(name, sizeof name, "why-sums-%dx%d", c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

static bool shows(const struct scene *s, const char *what)
{
    struct canvas c = drawn(s, 120, 36, CHARSET_BRAILLE);
    struct text t = {0};
    canvas_write(&c, &t, false);
    bool found = strstr(text_str(&t), what) != NULL;
    text_free(&t);
    canvas_close(&c);
    return found;
}

/* The answer is of one token, in one layer, by one rule: elsewhere it must not be shown. */
START_TEST(an_answer_of_another_token_layer_or_rule_is_none)
{
    struct scene s = scene_of("topp");
    ck_assert_ptr_nonnull(why_answer(&s));
    ck_assert(!shows(&s, "asked, not answered"));
    s.cursor = 3;
    ck_assert_ptr_null(why_answer(&s));
    ck_assert(shows(&s, "asked, not answered"));
    s.zoom = 1;
    ck_assert(shows(&s, "have not come yet"));
    s = scene_of("topp");
    now.token[2].id = 4711; /* another window */
    ck_assert_ptr_null(why_answer(&s));
    s = scene_of("topp");
    now.probe.router = router_find("topk", NULL);
    ck_assert_ptr_null(why_answer(&s));
    s = scene_of("topp");
    now.probe.layer = 1;
    ck_assert_ptr_null(why_answer(&s));
}
END_TEST

START_TEST(turning_a_pick_is_told_by_its_change_of_loss)
{
    struct scene s = scene_of("topk");
    now.probe.loss = 0.5f, now.probe.other[3] = 0.75f, now.probe.other[4] = NAN;
    NEAR(why_turned(why_answer(&s), 3), 0.25, 1e-6, 0, "expert 4");
    ck_assert(isnan(why_turned(why_answer(&s), 4)));
    ck_assert(isnan(why_turned(NULL, 3)));
}
END_TEST

START_TEST(what_is_told_is_what_is_shown)
{
    struct scene s = scene_of(router_at(_i)->name);
    struct text t = {0};
    char number[32];
    view_find("why", NULL)->tell(&t, &s);
    for (int n = 0; n <= now.E && n < 6; n++) {
        facts_number(number, (double)now.probe.with[n], 3);
        ck_assert_msg(strstr(text_str(&t), number) != NULL, "%s is not told", number);
        ck_assert_msg(shows(&s, number), "%s is not shown", number);
    }
    ck_assert_ptr_nonnull(strstr(text_str(&t), "regret 0.051 nat"));
    ck_assert(shows(&s, "0.051 nat"));
    text_free(&t);
}
END_TEST

SUITE(why)
{
    TCase *tc = tcase_create("why");
    tcase_add_loop_test(tc, every_strategy_is_as_its_golden_screen, 0, 2 * router_count());
    tcase_add_loop_test(tc, the_arithmetic_is_as_its_golden_screens, 0, 2);
    tcase_add_test(tc, an_answer_of_another_token_layer_or_rule_is_none);
    tcase_add_test(tc, turning_a_pick_is_told_by_its_change_of_loss);
    tcase_add_loop_test(tc, what_is_told_is_what_is_shown, 0, router_count());
    suite_add_tcase(suite, tc);
}
