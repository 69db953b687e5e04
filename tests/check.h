#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
/* What every test file uses: Check, one macro for numbers, and the way a suite is found.
 * A test file says SUITE(name) { ... add test cases to `suite` ... } and is thereby run by main.c.
 */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_suite {
    const char *name;
    void (*fill)(Suite *suite);
    struct test_suite *next;
};
#ifdef __cplusplus
extern "C" {
#endif
extern struct test_suite *test_suites;
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
#ifdef __cplusplus
}
#endif

#define SUITE(id)                                                                                  \
    static void fill_##id(Suite *suite);                                                           \
    static struct test_suite suite_##id = {.name = #id, .fill = fill_##id, .next = NULL};          \
    __attribute__((constructor)) static void enlist_##id(void)                                     \
    {                                                                                              \
        suite_##id.next = test_suites;                                                             \
        test_suites = &suite_##id;                                                                 \
    }                                                                                              \
    static void fill_##id(Suite *suite)

/* Leaves a test that cannot run here and says why (a printf format); the last line counts it. */
#define SKIP(...)                                                                                  \
    do {                                                                                           \
        test_skip(__VA_ARGS__);                                                                    \
        return;                                                                                    \
    } while (0)

/* The only comparison of numbers in tests: NaN never passes. `what` is a printf format. */
#define NEAR(got, want, atol, rtol, ...)                                                           \
    do {                                                                                           \
        double got_ = (got), want_ = (want);                                                       \
        if (!(fabs(got_ - want_) <= (atol) + (rtol)*fabs(want_))) {                                \
            char what_[256];                                                                       \
            snprintf(what_, sizeof what_, __VA_ARGS__);                                            \
            ck_abort_msg("%s: got %.9g, want %.9g", what_, got_, want_);                           \
        }                                                                                          \
    } while (0)
#endif
