/* JSON, piece by piece: commas, and values that JSON has no word for. */
#include "core/base/json.h"
#include "tests/check.h"

#include <jansson.h>

START_TEST(commas_come_by_themselves)
{
    struct text t = {0};
    const float steps[] = {1, 9, 2, 9};
    json_put_open(&t, NULL, '{');
    json_put_string(&t, "a", "x");
    json_put_open(&t, "b", '[');
    json_put_open(&t, NULL, '{');
    json_put_close(&t, '}');
    json_put_number(&t, NULL, 2);
    json_put_floats(&t, NULL, steps, 2, 2);
    json_put_close(&t, ']');
    json_put_bool(&t, "c", false);
    json_put_open(&t, "d", '[');
    json_put_close(&t, ']');
    json_put_close(&t, '}');
    text_add(&t, "\n");
    json_put_open(&t, NULL, '{');
    json_put_close(&t, '}');
    ck_assert_str_eq(text_str(&t), "{\"a\":\"x\",\"b\":[{},2,[1,2]],\"c\":false,\"d\":[]}\n{}");
    text_free(&t);
}
END_TEST

/* What ends in a bracket, a colon or a line feed within its quotes is a value like any other. */
START_TEST(what_is_within_quotes_moves_no_comma)
{
    static const char *const words[] = {"{", "[", ":", "\n", "\"", "\\", "", "\x1b[0m"};
    struct text t = {0};
    enum { WORDS = sizeof words / sizeof *words };
    json_put_open(&t, NULL, '[');
    for (int i = 0; i < WORDS; i++) json_put_string(&t, NULL, words[i]);
    json_put_close(&t, ']');
    json_t *read = json_loads(text_str(&t), 0, NULL);
    ck_assert_msg(json_array_size(read) == WORDS, "%s", text_str(&t));
    for (size_t i = 0; i < WORDS; i++)
        ck_assert_str_eq(json_string_value(json_array_get(read, i)), words[i]);
    json_decref(read);
    text_free(&t);
}
END_TEST

static const struct number_case {
    double value;
    const char *want;
} numbers[] = {{0, "0"},
               {-0.0, "0"},
               {3, "3"},
               {-12345678, "-12345678"},
               {999999999999999, "999999999999999"},
               {1.0 / 3, "0.3333333"},
               {1e-9, "1e-09"},
               {2.5e20, "2.5e+20"},
               {NAN, "null"},
               {INFINITY, "null"},
               {-INFINITY, "null"}};

START_TEST(a_number_is_written_as)
{
    struct text t = {0};
    json_put_number(&t, NULL, numbers[_i].value);
    ck_assert_str_eq(text_str(&t), numbers[_i].want);
    text_free(&t);
}
END_TEST

START_TEST(no_string_is_null)
{
    struct text t = {0};
    json_put_string(&t, "who", NULL);
    json_put_digits(&t, "third", 1.0 / 3, 3);
    ck_assert_str_eq(text_str(&t), "\"who\":null,\"third\":0.333");
    text_free(&t);
}
END_TEST

SUITE(base_json)
{
    TCase *t = tcase_create("json");
    tcase_add_test(t, commas_come_by_themselves);
    tcase_add_test(t, what_is_within_quotes_moves_no_comma);
    tcase_add_loop_test(t, a_number_is_written_as, 0, sizeof numbers / sizeof *numbers);
    tcase_add_test(t, no_string_is_null);
    suite_add_tcase(suite, t);
}
