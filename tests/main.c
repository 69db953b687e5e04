/* Runs every suite that was linked in; an argument NAME runs only the suites whose name contains it, -NAME all but those.
 * Ends with one line: N passed, N failed, N skipped. A test that cannot run says SKIP(why). */
#include "tests/check.h"

#include <stdarg.h>
#include <sys/mman.h>

struct test_suite *test_suites;
static int *skipped; /* shared with the forked tests */

void test_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("SKIP ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
    __atomic_add_fetch(skipped, 1, __ATOMIC_RELAXED);
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any = false, named = false;
    for (int i = 1; i < argc; i++) {
        bool without = argv[i][0] == '-';
        bool is = strstr(name, argv[i] + without) != NULL;
        if (without && is) return false;
        if (!without) any = true, named = named || is;
    }
    return named || !any;
}

int main(int argc, char **argv)
{
    skipped =
        mmap(NULL, sizeof *skipped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (skipped == MAP_FAILED) return 1;
    SRunner *runner = srunner_create(NULL);
    for (struct test_suite *s = test_suites; s; s = s->next) {
        if (!wanted(s->name, argc, argv)) continue;
        Suite *suite = suite_create(s->name);
        s->fill(suite);
        srunner_add_suite(runner, suite);
    }
    srunner_run_all(runner, CK_ENV);
    int run = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%d passed, %d failed, %d skipped\n", run - failed - *skipped, failed, *skipped);
    return run == 0 || failed > 0;
}
