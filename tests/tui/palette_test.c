/* tests/tui/palette_test.c - What the palette holds, finds and runs. */
#include "tests/tui/app_rig.h"
#include "tui/prompt/line.h"

static void type(struct app *a, const char *letters)
{
    for (; *letters; letters++) popup_key(a, *letters == ' ' ? "Space" : (char[]){*letters, 0});
}

START_TEST(every_table_is_in_the_palette)
{
    struct app *a = app_running();
    popup_palette(&a->popup, &a->now);
    const struct palette *p = &a->popup.palette;
    static const char *const lines[] = {"@quit",     "view load",   "router topp", "knob k ",
                                        "save ",     "preset tiny", "data orders", "set lr ",
                                        "show loss", "lesson 1"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int found = 0;
        for (int k = 0; k < p->count; k++) found += strcmp(p->entry[k].line, lines[i]) == 0;
        ck_assert_msg(found == 1, "%s: %d times", lines[i], found);
    }
    for (int k = 0; k < p->count; k++) ck_assert_msg(*p->entry[k].help, "%s", p->entry[k].name);
    app_free(a);
}
END_TEST

START_TEST(what_is_typed_finds_the_best_first)
{
    static const struct {
        const char *typed, *first;
    } cases[] = {{"topp", "router topp"}, {"curves", "view curves"},
                 {"quit", "@quit"},       {"load vans", "view load"},
                 {"q", "@quit"},          {"blkffn", "router blockffn"},
                 {"write check", "save "}};
    struct app *a = app_fresh();
    popup_palette(&a->popup, NULL);
    type(a, cases[_i].typed);
    ck_assert_ptr_nonnull(palette_chosen(&a->popup.palette));
    ck_assert_str_eq(palette_chosen(&a->popup.palette)->line, cases[_i].first);
    int few = a->popup.palette.matches;
    popup_key(a, "Ctrl-U");
    ck_assert_int_gt(a->popup.palette.matches, few);
    type(a, "zzzzqqq");
    ck_assert_ptr_null(palette_chosen(&a->popup.palette));
    popup_key(a, "Enter");
    ck_assert_int_eq(a->popup.kind, POPUP_PALETTE);
    app_free(a);
}
END_TEST

START_TEST(enter_in_the_palette_runs_or_asks_for_words)
{
    struct app *a = app_running();
    action_key(a, "?");
    type(a, "topp");
    popup_key(a, "Enter");
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    app_settle(a);
    ck_assert_str_eq(a->now.router->name, "topp");
    action_key(a, "?");
    type(a, "view curves");
    popup_key(a, "Enter");
    ck_assert_str_eq(a->frame.view->name, "curves");
    action_key(a, "?");
    type(a, "confidence");
    popup_key(a, "Enter");
    int cursor;
    ck_assert(a->typing);
    ck_assert_str_eq(line_typed(&cursor), "knob p ");
    line_end();
    app_free(a);
}
END_TEST

SUITE(palette)
{
    TCase *tc = tcase_create("palette");
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, every_table_is_in_the_palette);
    tcase_add_loop_test(tc, what_is_typed_finds_the_best_first, 0, 7);
    tcase_add_test(tc, enter_in_the_palette_runs_or_asks_for_words);
    suite_add_tcase(suite, tc);
}
