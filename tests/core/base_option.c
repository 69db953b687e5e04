/* tests/core/base_option.c - Reading, showing and turning values of every kind. */
#include "core/base/option.h"
#include "tests/check.h"

static const char *const norms[] = {"rms", "none", "sum", NULL};
static const struct option table[] = {
    {"p", "share", NULL, OPTION_REAL, 0, 1, 0.9, 0.4, 0, NULL},
    {"k", "experts", NULL, OPTION_INT, 1, 1, 2, OPTION_NO_PAPER, OPTION_MAX_E, NULL},
    {"renormalise", "gates", NULL, OPTION_SWITCH, 0, 1, 1, 0, 0, NULL},
    {"norm", "gates", NULL, OPTION_CHOICE, 0, 0, 0, 2, 0, norms},
    {"aux", "weight", NULL, OPTION_REAL, 0, 1, 0.01, 0.01, OPTION_LOG, NULL},
    {"lambda0", "weight", NULL, OPTION_REAL, 1e-16, 1, 1e-8, 1e-8, OPTION_LOG, NULL},
    {"nulls", "slots", NULL, OPTION_INT, 0, 4, 0.5, 1,
     OPTION_MAX_E | OPTION_START_E | OPTION_PAPER_E, NULL},
    {"picks", "slots", NULL, OPTION_INT, 1, 1, 4, 3, OPTION_MAX_N, NULL},
};
enum { COUNT = sizeof table / sizeof *table };

static const struct option *named(const char *name)
{
    const struct option *o = option_find(table, COUNT, name);
    ck_assert_ptr_nonnull(o);
    return o;
}

START_TEST(every_kind_reads_its_own_words)
{
    static const struct {
        const char *name, *word;
        double want;
    } cases[] = {{"p", "0.4", .4},
                 {"p", "1", 1},
                 {"p", "1e-3", .001},
                 {"p", "-0", 0},
                 {"k", "8", 8},
                 {"k", "1", 1},
                 {"k", "2.0", 2},
                 {"renormalise", "on", 1},
                 {"renormalise", "false", 0},
                 {"renormalise", "0", 0},
                 {"norm", "sum", 2},
                 {"norm", "1", 1},
                 {"nulls", "32", 32},
                 {"picks", "12", 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        double value = -7;
        ck_assert_msg(option_read(named(cases[i].name), cases[i].word, 8, 12, &value, &e), "%s",
                      e.text);
        NEAR(value, cases[i].want, 0, 0, "%s=%s", cases[i].name, cases[i].word);
        ck_assert(!signbit(value));
    }
}
END_TEST

START_TEST(a_wrong_word_leaves_the_value_and_gets_a_sentence)
{
    static const struct {
        const char *name, *word, *want;
    } cases[] = {
        {"p", "1.3", "p is a number from 0 to 1; 1.3 is not"},
        {"p", "-0.1", "p is a number from 0 to 1; -0.1 is not"},
        {"p", "", "p is a number from 0 to 1, not ''"},
        {"p", "nan", "p is a number from 0 to 1, not 'nan'"},
        {"p", "inf", "p is a number from 0 to 1, not 'inf'"},
        {"p", "0x1", "p is a number from 0 to 1, not '0x1'"},
        {"p", " 1", "p is a number from 0 to 1, not ' 1'"},
        {"p", "1e999", "p is a number from 0 to 1, not '1e999'"},
        {"p", "0,5", "p is a number from 0 to 1, not '0,5'"},
        {"k", "9", "k is a whole number from 1 to 8; 9 is not"},
        {"k", "0", "k is a whole number from 1 to 8; 0 is not"},
        {"k", "2.5", "k is a whole number from 1 to 8; 2.5 is not"},
        {"k", "two", "k is a whole number from 1 to 8, not 'two'"},
        {"renormalise", "maybe", "renormalise is on or off, not 'maybe'"},
        {"norm", "rsm", "norm is one of rms, none, sum; 'rsm' is none of them: did you mean rms?"},
        {"norm", "3", "norm is one of rms, none, sum; '3' is none of them"},
        {"norm", "0.5", "norm is one of rms, none, sum; '0.5' is none of them"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        double value = -7;
        ck_assert_msg(!option_read(named(cases[i].name), cases[i].word, 8, 12, &value, &e), "%s",
                      cases[i].word);
        ck_assert_str_eq(e.text, cases[i].want);
        ck_assert_int_eq(e.code, ERR_USAGE);
        NEAR(value, -7, 0, 0, "kept");
    }
}
END_TEST

START_TEST(starts_and_ranges_follow_the_number_of_experts)
{
    NEAR(option_start(named("p"), 8, false), .9, 0, 0, "start");
    NEAR(option_start(named("p"), 8, true), .4, 0, 0, "paper");
    NEAR(option_start(named("k"), 8, true), 2, 0, 0, "not published");
    NEAR(option_start(named("k"), 1, false), 1, 0, 0, "held in range");
    NEAR(option_start(named("nulls"), 8, false), 4, 0, 0, "E/2");
    NEAR(option_start(named("nulls"), 7, false), 3, 0, 0, "whole");
    NEAR(option_start(named("nulls"), 8, true), 8, 0, 0, "E");
    NEAR(option_max(named("nulls"), 8, 12), 32, 0, 0, "4E");
    NEAR(option_max(named("picks"), 8, 12), 12, 0, 0, "N");
    NEAR(option_max(named("norm"), 8, 12), 2, 0, 0, "last word");
}
END_TEST

START_TEST(values_show_as_people_read_them)
{
    static const struct {
        const char *name;
        double value;
        const char *want;
    } cases[] = {{"p", .4, "0.40"},          {"p", .925, "0.925"},     {"p", 0, "0"},
                 {"p", .01, "0.01"},         {"p", 1, "1.00"},         {"k", 2, "2"},
                 {"lambda0", 1e-8, "1e-08"}, {"renormalise", 1, "on"}, {"renormalise", 0, "off"},
                 {"norm", 0, "rms"},         {"norm", 7, "7"},         {"p", NAN, "–"},
                 {"p", -1e300, "-1e+300"}};
    char to[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(option_show(named(cases[i].name), cases[i].value, to), cases[i].want);
}
END_TEST

START_TEST(notches_walk_the_whole_slider_and_stop_at_its_ends)
{
    for (int i = 0; i < COUNT; i++) {
        const struct option *o = &table[i];
        if (o->kind == OPTION_CHOICE || o->kind == OPTION_SWITCH) continue;
        double max = option_max(o, 8, 12), value = o->min, place = 0;
        int up = 0;
        for (; value < max && up < 60; up++) {
            double next = option_notch(o, value, +1, 8, 12);
            ck_assert_msg(next > value && next <= max, "%s %g -> %g", o->name, value, next);
            NEAR(option_notch(o, next, -1, 8, 12), value, 1e-12 + (o->min > 0 ? 0 : 1e-9), 2e-3,
                 "%s back", o->name);
            ck_assert(option_place(o, next, 8, 12) > place);
            place = option_place(o, next, 8, 12);
            NEAR(option_at(o, place, 8, 12), next, 1e-12, 1e-3, "%s at its place", o->name);
            value = next;
        }
        ck_assert_int_le(up, o->kind == OPTION_INT ? 32 : 22);
        NEAR(place, 1, 0, 0, "%s at the top", o->name);
        NEAR(option_notch(o, max, +1, 8, 12), max, 0, 0, "%s stays", o->name);
        for (int k = 0; k < 60; k++) value = option_notch(o, value, -1, 8, 12);
        NEAR(value, o->min, 0, 0, "%s at the bottom", o->name);
        NEAR(option_place(o, value, 8, 12), 0, 0, 0, "%s at the bottom", o->name);
    }
}
END_TEST

START_TEST(a_notch_has_the_size_its_kind_says)
{
    NEAR(option_notch(named("p"), .9, +1, 8, 8), .95, 0, 0, "1/20 of the range");
    NEAR(option_notch(named("k"), 2, -1, 8, 8), 1, 0, 0, "integers by 1");
    NEAR(option_notch(named("renormalise"), 1, +1, 8, 8), 0, 0, 0, "a switch flips");
    NEAR(option_notch(named("norm"), 2, +1, 8, 8), 0, 0, 0, "a choice goes round");
    NEAR(option_notch(named("norm"), 0, -1, 8, 8), 2, 0, 0, "a choice goes round");
    NEAR(option_notch(named("aux"), 0, +1, 8, 8), 1e-4, 0, 1e-12, "from 0 to the smallest");
    NEAR(option_notch(named("aux"), 1e-4, -1, 8, 8), 0, 0, 0, "below the smallest lies 0");
    NEAR(option_notch(named("aux"), .01, +1, 8, 8), .01585, 0, 1e-12, "1/20 of four decades");
    NEAR(option_notch(named("lambda0"), 1e-16, -1, 8, 8), 1e-16, 0, 0, "no 0 here");
    NEAR(option_notch(named("p"), NAN, +1, 8, 8), .05, 0, 0, "unknown begins at the bottom");
}
END_TEST

SUITE(base_option)
{
    TCase *c = tcase_create("options");
    tcase_add_test(c, every_kind_reads_its_own_words);
    tcase_add_test(c, a_wrong_word_leaves_the_value_and_gets_a_sentence);
    tcase_add_test(c, starts_and_ranges_follow_the_number_of_experts);
    tcase_add_test(c, values_show_as_people_read_them);
    tcase_add_test(c, notches_walk_the_whole_slider_and_stop_at_its_ends);
    tcase_add_test(c, a_notch_has_the_size_its_kind_says);
    suite_add_tcase(suite, c);
}
