#ifndef CHECK_H
#define CHECK_H
/* As much of Check (libcheck) as the tests of kernels use, for a machine that has a GPU and not
 * Check: the same names, one process, no time limits. A test that fails is left by a jump. */
#include <stdint.h>
#include <string.h>

typedef struct suite Suite;
typedef struct tcase TCase;
typedef struct runner SRunner;
typedef void check_test(int _i);
enum print_output { CK_ENV };

Suite *suite_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tc);
TCase *tcase_create(const char *name);
void tcase_set_timeout(TCase *tc, double seconds);
void check_add(TCase *tc, const char *name, check_test *test, int from, int to);
SRunner *srunner_create(Suite *suite);
void srunner_add_suite(SRunner *r, Suite *suite);
void srunner_run_all(SRunner *r, enum print_output how);
int srunner_ntests_run(SRunner *r);
int srunner_ntests_failed(SRunner *r);
void srunner_free(SRunner *r);
void check_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

#define START_TEST(name) static void name(int _i __attribute__((unused)))
#define END_TEST
#define tcase_add_test(tc, test) check_add(tc, #test, test, 0, 1)
#define tcase_add_loop_test(tc, test, from, to) check_add(tc, #test, test, from, to)

#define ck_abort_msg(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(is, ...)                                                                     \
    do {                                                                                           \
        if (!(is)) ck_abort_msg(__VA_ARGS__);                                                      \
    } while (0)
#define ck_assert(is) ck_assert_msg(is, "not so: %s", #is)
#define CHECK_COMPARE(a, op, b, type, as)                                                          \
    do {                                                                                           \
        type a_ = (a), b_ = (b);                                                                   \
        ck_assert_msg(a_ op b_, "not so: %s %s %s: " as " and " as, #a, #op, #b, a_, b_);          \
    } while (0)
#define ck_assert_int_eq(a, b) CHECK_COMPARE(a, ==, b, long, "%ld")
#define ck_assert_int_ge(a, b) CHECK_COMPARE(a, >=, b, long, "%ld")
#define ck_assert_int_le(a, b) CHECK_COMPARE(a, <=, b, long, "%ld")
#define ck_assert_uint_eq(a, b) CHECK_COMPARE(a, ==, b, unsigned long, "%lu")
#define ck_assert_double_eq(a, b) CHECK_COMPARE(a, ==, b, double, "%.17g")
#define ck_assert_double_gt(a, b) CHECK_COMPARE(a, >, b, double, "%.17g")
#define ck_assert_ptr_null(p) ck_assert((p) == 0)
#define ck_assert_ptr_nonnull(p) ck_assert((p) != 0)
#define ck_assert_mem_eq(a, b, n) ck_assert(memcmp(a, b, n) == 0)
#define ck_assert_str_eq(a, b)                                                                     \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        ck_assert_msg(strcmp(a_, b_) == 0, "not so: %s is \"%s\", not \"%s\"", #a, a_, b_);        \
    } while (0)
#endif
