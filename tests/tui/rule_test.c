/* tests/tui/rule_test.c - The view `rule` of every strategy against its golden screen, in mono too;
 * and what it must say of the way each decides. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene_rule.h"
#include "tui/screen/theme.h"
#include "tui/views/rule.h"

static struct snapshot now;
static struct history past;

static struct scene scene_of(const char *strategy)
{
    scene_rule(&now, strategy);
    scene_rule_past(&past, &now);
    return (struct scene){.now = &now, .past = &past, .cursor = 2};
}

static void draw(struct canvas *c, const struct scene *s, int width, int height, enum charset set)
{
    struct frame f = {.view = view_find("rule", NULL)};
    ck_assert(canvas_open(c, width, height, set));
    frame_draw(c, s, &f);
}

START_TEST(every_strategy_is_as_its_golden_screen)
{
    const char *strategy = router_at(_i)->name;
    struct scene s = scene_of(strategy);
    struct canvas c;
    char name[64];
    draw(&c, &s, 80, 24, CHARSET_BRAILLE);
    snprintf(name, sizeof name, "rule-%s-80x24", strategy);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

START_TEST(the_thermostat_is_as_its_golden_screens)
{
    static const struct {
        int width, height;
        enum charset set;
        const char *mark;
    } cases[] = {{120, 36, CHARSET_BRAILLE, ""},
                 {40, 12, CHARSET_BRAILLE, ""},
                 {80, 24, CHARSET_ASCII, "-ascii"}};
    struct scene s = scene_of("remoe");
    struct canvas c;
    char name[64];
    draw(&c, &s, cases[_i].width, cases[_i].height, cases[_i].set);
    snprintf(name, sizeof name, "rule-remoe%s-%dx%d", cases[_i].mark, c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

/* Without colours: the characters, then what each cell has in their place. */
START_TEST(in_mono_bold_and_reverse_stand_in_for_colours)
{
    struct scene s = scene_of("dynmoe");
    struct canvas c;
    struct text looks = {0};
    draw(&c, &s, 80, 24, CHARSET_BLOCK);
    canvas_write(&c, &looks, false);
    for (int y = 0; y < c.height; y++) {
        for (int x = 0; x < c.width; x++) {
            const struct cell *cell = &c.cells[y * c.stride + x];
            struct theme_look look =
                theme_look(theme_find("dark", NULL), THEME_MONO, (enum ink)cell->ink);
            ck_assert_int_eq(look.fore, -1);
            ck_assert_int_eq(look.back, -1);
            text_add(&looks, "%c",
                     look.reverse              ? 'R'
                     : look.underline          ? 'U'
                     : look.bold || cell->bold ? 'B'
                                               : '.');
        }
        text_add(&looks, "\n");
    }
    golden_text("rule-dynmoe-mono-80x24", text_str(&looks));
    text_free(&looks);
    canvas_close(&c);
}
END_TEST

START_TEST(the_threshold_is_what_the_rule_compares_with)
{
    static const struct {
        const char *strategy, *begins;
    } cases[] = {
        {"topk", "score 0."},   {"topp", "p 0.90"},      {"dynmoe", "bars 0.54…0.62"},
        {"remoe", "above 0"},   {"blockffn", "above 0"}, {"adak", "score 0."},
        {"adamoe", "score 0."}, {"moepp", "score 0."},   {"longcat", "s+b "},
        {"unimoe", "p 0.90"},   {"lossfree", "s+b "},    {"expertchoice", "seat 0.17…0.25"}};
    struct scene s = scene_of(cases[_i].strategy);
    char got[32];
    facts_threshold(got, &s);
    ck_assert_msg(strncmp(got, cases[_i].begins, strlen(cases[_i].begins)) == 0, "%s: %s",
                  cases[_i].strategy, got);
}
END_TEST

START_TEST(experts_nulls_and_threshold_are_in_sight_with_every_strategy)
{
    static const struct {
        int width, height;
    } sizes[] = {{120, 36}, {80, 24}, {40, 12}};
    const struct router *r = router_at(_i / 3);
    struct scene s = scene_of(r->name);
    struct canvas c;
    struct text t = {0};
    char experts[32], nulls[64], number[32], threshold[32];
    facts_number(experts, now.experts_per_token, 2), facts_threshold(threshold, &s);
    facts_number(number, now.zero_compute_per_token, 2);
    snprintf(nulls, sizeof nulls, sizes[_i % 3].width < 60 ? "null %s" : "null hits %s", number);
    if (sizes[_i % 3].width >= 108) snprintf(nulls, sizeof nulls, "null hits     %s", number);
    draw(&c, &s, sizes[_i % 3].width, sizes[_i % 3].height, CHARSET_BRAILLE);
    canvas_write(&c, &t, false);
    ck_assert_msg(strstr(text_str(&t), experts), "%s: %s\n%s", r->name, experts, text_str(&t));
    ck_assert_msg(strstr(text_str(&t), nulls), "%s: %s\n%s", r->name, nulls, text_str(&t));
    ck_assert_msg(strstr(text_str(&t), threshold), "%s: %s\n%s", r->name, threshold, text_str(&t));
    ck_assert_int_eq(isnan(now.zero_compute_per_token), r->slots == NULL);
    text_free(&t);
    canvas_close(&c);
}
END_TEST

START_TEST(what_is_in_stands_on_the_right_side_of_its_bar)
{
    static const char *const barred[] = {"dynmoe", "remoe", "blockffn", "expertchoice"};
    struct scene s = scene_of(barred[_i]);
    for (int t = 0; t < now.tokens; t++)
        for (int e = 0; e < now.E; e++) {
            double value = (double)rule_row(&s, t)[e], bar = rule_bar(&s, e);
            bool in = facts_taken(&now.token[t], 0, e);
            ck_assert_msg(in ? value >= bar : value <= bar, "%s, token %d, expert %d: %g, %g",
                          barred[_i], t, e, value, bar);
        }
}
END_TEST

START_TEST(every_metric_and_loss_is_told)
{
    const struct router *r = router_at(_i);
    struct scene s = scene_of(r->name);
    struct text t = {0};
    view_find("rule", NULL)->tell(&t, &s);
    for (int m = 0; m < ROUTER_METRICS && r->metrics[m].name; m++)
        ck_assert_msg(strstr(text_str(&t), r->metrics[m].name), "%s of %s", r->metrics[m].name,
                      r->name);
    for (int i = 0; i < ROUTER_LOSSES && r->losses[i].pressure; i++)
        ck_assert_msg(strstr(text_str(&t), r->losses[i].pressure), "%s of %s",
                      r->losses[i].pressure, r->name);
    ck_assert_msg(!strstr(text_str(&t), "nan"), "%s", text_str(&t));
    text_free(&t);
}
END_TEST

/* Titles keep to the narrowest place that has a list beside it. */
START_TEST(titles_of_pictures_are_never_cut)
{
    const struct rule_face *f = rule_face_of(router_at(_i));
    for (int i = 0; i < RULE_PICTURES && f->picture[i]; i++)
        ck_assert_msg(canvas_columns(f->picture[i]->title) <= 40, "%s", f->picture[i]->title);
}
END_TEST

START_TEST(a_strategy_without_an_entry_is_drawn_as_a_cut_with_its_own_numbers)
{
    struct scene s = scene_of("topp");
    struct router own = *now.router;
    struct canvas c;
    struct text t = {0};
    own.name = "yours", now.router = &own;
    past.router = &own;
    draw(&c, &s, 80, 24, CHARSET_BRAILLE);
    canvas_write(&c, &t, false);
    ck_assert_msg(strstr(text_str(&t), "the cut, in falling order"), "%s", text_str(&t));
    ck_assert_msg(strstr(text_str(&t), "p_mass"), "%s", text_str(&t));
    ck_assert_msg(strstr(text_str(&t), "cumulative"), "%s", text_str(&t));
    text_free(&t);
    canvas_close(&c);
}
END_TEST

START_TEST(another_strategys_numbers_are_no_past_of_this_one)
{
    struct scene s = scene_of("remoe");
    (void)s;
    int count = past.count;
    ck_assert(isfinite(past.rule[0][count - 1]));
    now.router = router_find("topp", NULL), now.step++;
    history_add(&past, &now);
    for (int i = 0; i < count; i++) ck_assert(isnan(past.rule[0][i]));
    ck_assert_int_eq(past.came, now.step);
    ck_assert(history_since(&past).from <= (double)now.step);
    ck_assert(isfinite(past.line[HISTORY_LOSS][count - 1]));
}
END_TEST

SUITE(rule_views)
{
    TCase *tc = tcase_create("golden");
    tcase_add_loop_test(tc, every_strategy_is_as_its_golden_screen, 0, router_count());
    tcase_add_loop_test(tc, the_thermostat_is_as_its_golden_screens, 0, 3);
    tcase_add_test(tc, in_mono_bold_and_reverse_stand_in_for_colours);
    suite_add_tcase(suite, tc);
    tc = tcase_create("facts");
    tcase_add_loop_test(tc, the_threshold_is_what_the_rule_compares_with, 0, 12);
    tcase_add_loop_test(tc, experts_nulls_and_threshold_are_in_sight_with_every_strategy, 0,
                        3 * router_count());
    tcase_add_loop_test(tc, what_is_in_stands_on_the_right_side_of_its_bar, 0, 4);
    tcase_add_loop_test(tc, every_metric_and_loss_is_told, 0, router_count());
    tcase_add_loop_test(tc, titles_of_pictures_are_never_cut, 0, router_count());
    tcase_add_test(tc, a_strategy_without_an_entry_is_drawn_as_a_cut_with_its_own_numbers);
    tcase_add_test(tc, another_strategys_numbers_are_no_past_of_this_one);
    suite_add_tcase(suite, tc);
}
