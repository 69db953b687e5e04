/* tests/core/metrics_trace.c - Traces are read with suspicion, and compared number by number. */
#include "core/metrics/trace.h"
#include "tests/check.h"

#include <unistd.h>

static char path[64];

static const char *wrote(const char *text, size_t n)
{
    strcpy(path, "/tmp/vanpool-trace-XXXXXX");
    int fd = mkstemp(path);
    ck_assert(write(fd, text, n) == (ssize_t)n);
    close(fd);
    return path;
}

static const struct {
    const char *what, *text, *say;
} bad[] = {
    {"nothing", "", "holds no run"},
    {"blank lines", "\n\n", "holds no run"},
    {"no JSON", "{\"type\":\"start\"}\n{\"type\":\"step\",\n", "line 2"},
    {"no object", "[1]\n", "line 1"},
    {"a number", "7\n", "line 1"},
    {"no type", "{\"step\":1}\n", "line 1: ''"},
    {"two starts", "{\"type\":\"start\"}\n{\"type\":\"start\"}\n", "line 2"},
    {"a start behind steps", "{\"type\":\"step\",\"step\":1}\n{\"type\":\"start\"}\n", "line 2"},
    {"two ends", "{\"type\":\"start\"}\n{\"type\":\"end\"}\n{\"type\":\"end\"}\n", "line 3"},
    {"a step without number", "{\"type\":\"start\"}\n{\"type\":\"step\"}\n", "line 2: the step"},
    {"a step that is text", "{\"type\":\"step\",\"step\":\"9\"}\n", "line 1: the step"},
    {"steps that go back", "{\"type\":\"step\",\"step\":9}\n{\"type\":\"step\",\"step\":9}\n",
     "line 2: the step"},
    {"a race", "{\"type\":\"step\",\"step\":9,\"lane\":\"topk\"}\n", "a race"},
    {"a key twice", "{\"type\":\"start\",\"type\":\"start\"}\n", "line 1"},
};

START_TEST(a_bad_trace_is_refused_with_its_line)
{
    struct trace t;
    struct err e = {0};
    const char *at = wrote(bad[_i].text, strlen(bad[_i].text));
    ck_assert_msg(!trace_open(&t, at, &e), "%s was taken", bad[_i].what);
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_msg(strstr(e.text, bad[_i].say) != NULL, "%s: %s", bad[_i].what, e.text);
    unlink(path);
}
END_TEST

START_TEST(a_checkpoint_is_no_trace)
{
    ck_assert(trace_is(wrote("{\"type\":\"start\"}", 16)));
    unlink(path);
    ck_assert(!trace_is(wrote("{\"\0\0\0\0\0\0{}", 10)));
    unlink(path);
    ck_assert(!trace_is(wrote("{}", 2)));
    unlink(path);
    ck_assert(!trace_is(path));
}
END_TEST

START_TEST(numbers_are_compared_step_by_step)
{
    static const char one[] =
        "{\"type\":\"start\",\"seed\":1,\"knobs\":{\"p\":0.4},\"old\":1}\n"
        "{\"type\":\"step\",\"step\":10,\"loss\":1,\"rho\":null,\"wall_s\":1,\"losses\":{\"aux\":2}"
        "}\n"
        "{\"type\":\"step\",\"step\":20,\"loss\":0.5,\"rho\":null,\"losses\":{\"aux\":2}}\n"
        "{\"type\":\"step\",\"step\":30,\"loss\":0.25,\"rho\":null,\"losses\":{\"aux\":1}}\n";
    static const char two[] =
        "{\"type\":\"start\",\"seed\":1,\"knobs\":{\"p\":0.5},\"new\":2}\n"
        "{\"type\":\"step\",\"step\":20,\"loss\":0.5,\"rho\":null,\"wall_s\":9,\"losses\":{\"aux\":"
        "2}}\n"
        "{\"type\":\"step\",\"step\":25,\"loss\":9,\"rho\":null,\"losses\":{\"aux\":9}}\n"
        "{\"type\":\"step\",\"step\":30,\"loss\":0.75,\"rho\":1,\"losses\":{\"aux\":1}}\n";
    struct trace a, b;
    struct err e = {0};
    struct text out = {0};
    ck_assert_msg(trace_open(&a, wrote(one, sizeof one - 1), &e), "%s", e.text);
    unlink(path);
    ck_assert_msg(trace_open(&b, wrote(two, sizeof two - 1), &e), "%s", e.text);
    unlink(path);
    trace_diff(&a, &b, true, &out);
    ck_assert_str_eq(
        text_str(&out),
        "{\"type\":\"setting\",\"name\":\"knobs.p\",\"a\":0.4,\"b\":0.5}\n"
        "{\"type\":\"setting\",\"name\":\"old\",\"a\":1,\"b\":null}\n"
        "{\"type\":\"setting\",\"name\":\"new\",\"a\":null,\"b\":2}\n"
        "{\"type\":\"field\",\"name\":\"loss\",\"first_step\":30,\"a\":0.25,\"b\":0.75,"
        "\"largest_difference\":0.5}\n"
        "{\"type\":\"field\",\"name\":\"rho\",\"first_step\":30,\"a\":null,\"b\":1,"
        "\"largest_difference\":null}\n"
        "{\"type\":\"diff\",\"what\":\"trace\",\"common_steps\":2,\"differ\":2,\"same\":1,"
        "\"equal\":false}\n");
    text_clear(&out);
    trace_diff(&a, &a, false, &out);
    ck_assert_str_eq(text_str(&out),
                     "3 steps in common: 3 numbers are equal in all of them, 0 differ\n");
    trace_close(&a), trace_close(&b);
    text_free(&out);
}
END_TEST

SUITE(metrics_trace)
{
    TCase *tc = tcase_create("metrics_trace");
    tcase_add_loop_test(tc, a_bad_trace_is_refused_with_its_line, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, a_checkpoint_is_no_trace);
    tcase_add_test(tc, numbers_are_compared_step_by_step);
    suite_add_tcase(suite, tc);
}
