/* tests/core/base_err.c - Sentences, nearest names, growing text and numbers for people. */
#include "core/base/err.h"
#include "core/base/text.h"
#include "tests/check.h"

START_TEST(filling_an_error_returns_false_and_keeps_code_and_words)
{
    struct err e = {0};
    ck_assert(!err_set(&e, ERR_INPUT, "%s is empty", "a.txt"));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_str_eq(e.text, "a.txt is empty");
    ck_assert(!err_set(NULL, ERR_INPUT, "nobody listens"));
}
END_TEST

START_TEST(a_long_sentence_is_cut_between_characters_and_says_so)
{
    for (int shift = 0; shift < 4; shift++) {
        struct err e;
        char word[600] = "";
        memset(word, 'x', (size_t)shift);
        for (int i = shift; i + 3 < 500; i += 3) memcpy(word + i, "€", 4);
        err_set(&e, ERR_USAGE, "%s", word);
        size_t n = strlen(e.text);
        ck_assert_uint_lt(n, sizeof e.text);
        ck_assert_str_eq(e.text + n - 3, "…");
        ck_assert_uint_eq((n - 3 - (size_t)shift) % 3, 0);
    }
}
END_TEST

START_TEST(control_characters_never_reach_the_terminal)
{
    struct err e;
    err_set(&e, ERR_FILE, "cannot open %s", "a\033[2J\nb\x7f");
    ck_assert_str_eq(e.text, "cannot open a?[2J?b?");
}
END_TEST

START_TEST(the_nearest_name_is_found_where_one_is_near)
{
    static const struct {
        const char *name;
        int other;
    } names[] = {{"topk", 1},     {"topp", 2},         {"remoe", 3},
                 {"blockffn", 4}, {"expertchoice", 5}, {NULL, 6}};
    static const struct {
        const char *word, *want;
    } cases[] = {{"tokp", "topk"},
                 {"topl", "topk"},
                 {"TopP", "topp"},
                 {"remo", "remoe"},
                 {"reome", "remoe"},
                 {"block", "blockffn"},
                 {"expretchoise", "expertchoice"},
                 {"exp", "expertchoice"},
                 {"x", NULL},
                 {"", NULL},
                 {"banana", NULL},
                 {"toxx", NULL},
                 {"te", NULL},
                 {NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = err_nearest(cases[i].word, names, 6, sizeof *names);
        if (cases[i].want)
            ck_assert_msg(got && strcmp(got, cases[i].want) == 0, "%s: %s", cases[i].word, got);
        else
            ck_assert_msg(!got, "%s: %s", cases[i].word, got);
    }
    ck_assert_str_eq(ERR_MEANT("tokp", names, 6, "; ask"), ": did you mean topk?");
    ck_assert_str_eq(ERR_MEANT("banana", names, 6, "; ask"), "; ask");
    char endless[5000];
    memset(endless, 'a', sizeof endless - 1), endless[sizeof endless - 1] = 0;
    ck_assert_ptr_null(err_nearest(endless, names, 6, sizeof *names));
}
END_TEST

START_TEST(text_grows_and_stays_terminated)
{
    struct text t = {0};
    ck_assert_str_eq(text_str(&t), "");
    for (int i = 0; i < 1000; i++) text_add(&t, "%d,", i);
    ck_assert_uint_eq(t.size, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert_uint_eq(strlen(text_str(&t)), t.size);
    ck_assert_int_eq(strncmp(t.at, "0,1,2,3,", 8), 0);
    ck_assert_str_eq(t.at + t.size - 4, "999,");
    text_clear(&t);
    ck_assert_str_eq(text_str(&t), "");
    text_put(&t, "a\0b", 3);
    ck_assert_uint_eq(t.size, 3);
    ck_assert_int_eq(memcmp(t.at, "a\0b", 4), 0);
    text_put(&t, "", SIZE_MAX / 2);
    ck_assert(t.failed);
    ck_assert_uint_eq(t.size, 3);
    text_free(&t);
    text_free(&t);
}
END_TEST

START_TEST(numbers_read_as_people_say_them)
{
    static const struct {
        double value;
        const char *want;
    } counts[] = {{NAN, "–"},        {0, "0"},          {0.25, "0.25"},   {42, "42"},
                  {999, "999"},      {999.7, "1.00k"},  {61000, "61.0k"}, {1234567, "1.23M"},
                  {999999, "1.00M"}, {-2500, "-2.50k"}, {5.5e9, "5.50G"}, {1e30, "1e+30"},
                  {INFINITY, "inf"}};
    static const struct {
        double value;
        const char *want;
    } seconds[] = {
        {NAN, "–"},           {0.44, "0.4 s"},     {9.96, "10 s"},         {42, "42 s"},
        {59.7, "1 min 00 s"}, {185, "3 min 05 s"}, {3599.6, "1 h 00 min"}, {4320, "1 h 12 min"},
        {-3, "0.0 s"},        {1e300, "> 8000 h"}};
    char to[16];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        ck_assert_str_eq(text_count(to, counts[i].value), counts[i].want);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        ck_assert_str_eq(text_seconds(to, seconds[i].value), seconds[i].want);
    ck_assert_str_eq(text_number(to, 0.3456, 2), "0.35");
    ck_assert_str_eq(text_number(to, NAN, 2), "–");
    ck_assert_str_eq(text_number(to, -1e99, 3), "-1e+99");
}
END_TEST

SUITE(base_err)
{
    TCase *c = tcase_create("sentences");
    tcase_add_test(c, filling_an_error_returns_false_and_keeps_code_and_words);
    tcase_add_test(c, a_long_sentence_is_cut_between_characters_and_says_so);
    tcase_add_test(c, control_characters_never_reach_the_terminal);
    tcase_add_test(c, the_nearest_name_is_found_where_one_is_near);
    tcase_add_test(c, text_grows_and_stays_terminated);
    tcase_add_test(c, numbers_read_as_people_say_them);
    suite_add_tcase(suite, c);
}
