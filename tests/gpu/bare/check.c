/* Runs the tests in their order and says which failed, as Check does: FILE:LINE:F:CASE:TEST:ROUND: WHY. */
#include "tests/gpu/bare/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct test {
    const char *name;
    check_test *run;
    int from, to;
    struct test *next;
};
struct tcase {
    const char *name;
    struct test *first, **end;
    struct tcase *next;
};
struct suite {
    const char *name;
    struct tcase *first, **end;
    struct suite *next;
};
struct runner {
    struct suite *first, **end;
    int ran, failed;
};

static jmp_buf out;
static const char *in_case, *in_test;
static int in_round;

static void *fresh(size_t size)
{
    void *at = calloc(1, size);
    if (at) return at;
    fprintf(stderr, "no memory for a list of tests\n");
    exit(1);
}

Suite *suite_create(const char *name)
{
    Suite *s = fresh(sizeof *s);
    s->name = name;
    s->end = &s->first;
    return s;
}

TCase *tcase_create(const char *name)
{
    TCase *t = fresh(sizeof *t);
    t->name = name;
    t->end = &t->first;
    return t;
}

void suite_add_tcase(Suite *suite, TCase *tc)
{
    *suite->end = tc;
    suite->end = &tc->next;
}

void tcase_set_timeout(TCase *tc, double seconds)
{
    (void)tc, (void)seconds; /* whoever starts the program sets a limit for all of it */
}

void check_add(TCase *tc, const char *name, check_test *test, int from, int to)
{
    struct test *t = fresh(sizeof *t);
    *t = (struct test){.name = name, .run = test, .from = from, .to = to};
    *tc->end = t;
    tc->end = &t->next;
}

SRunner *srunner_create(Suite *suite)
{
    SRunner *r = fresh(sizeof *r);
    r->end = &r->first;
    if (suite) srunner_add_suite(r, suite);
    return r;
}

void srunner_add_suite(SRunner *r, Suite *suite)
{
    *r->end = suite;
    r->end = &suite->next;
}

void check_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s:%d:F:%s:%s:%d: ", file, line, in_case, in_test, in_round);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    longjmp(out, 1);
}

static void run(SRunner *r, const struct test *t, int round)
{
    in_test = t->name, in_round = round;
    r->ran++;
    if (setjmp(out))
        r->failed++;
    else
        t->run(round);
}

void srunner_run_all(SRunner *r, enum print_output how)
{
    (void)how;
    for (Suite *s = r->first; s; s = s->next) {
        printf("%s\n", s->name);
        fflush(stdout);
        for (TCase *c = s->first; c; c = c->next) {
            in_case = c->name;
            for (struct test *t = c->first; t; t = t->next)
                for (int i = t->from; i < t->to; i++) run(r, t, i);
        }
    }
}

int srunner_ntests_run(SRunner *r)
{
    return r->ran;
}

int srunner_ntests_failed(SRunner *r)
{
    return r->failed;
}

/* The program ends after it: its lists go with it. */
void srunner_free(SRunner *r)
{
    free(r);
}
