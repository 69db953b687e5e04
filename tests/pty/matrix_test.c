/* tests/pty/matrix_test.c - Terminal types, locales and NO_COLOR: it works, or says in one line
 * why not and ends with status 3. And sizes: a thousand of them in a few seconds. */
#include "tests/check.h"
#include "tests/pty/pty.h"

#include <sys/wait.h>

static struct visit v;

static const struct kind {
    const char *term; /* NAME=VALUE, or NAME: unset */
    bool works, coloured;
} kinds[] = {
    {"TERM", false, false},      {"TERM=no-such-terminal", false, false},
    {"TERM=dumb", false, false}, {"TERM=vt100", true, false},
    {"TERM=linux", true, true},  {"TERM=xterm-256color", true, true},
    {"TERM=screen", true, true}, {"TERM=tmux-256color", true, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(a_terminal_works_or_is_refused_in_one_line)
{
    const struct kind *k = &kinds[_i / 4];
    bool utf8 = _i & 1, colour = !(_i & 2);
    const char *argv[] = {k->term,
                          utf8 ? "LC_ALL=C.UTF-8" : "LC_ALL=C",
                          colour ? "NO_COLOR" : "NO_COLOR=1",
                          "XDG_CONFIG_HOME=/nowhere",
                          "XDG_STATE_HOME=/nowhere",
                          visit_program(),
                          NULL};
    visit_open(&v, 100, 30, argv);
    if (!k->works) {
        int status = visit_end(&v, 5);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 3, "%s: %x", k->term,
                      (unsigned)status);
        ck_assert_msg(!v.escapes, "%s: an escape sequence was written", k->term);
        const char *screen = visit_screen(&v), *first = strstr(screen, "vanpool: ");
        ck_assert_msg(first && strstr(first, "--plain"), "%.2500s", screen);
        return visit_close(&v);
    }
    ck_assert_msg(visit_sees(&v, " step ", 10), "%s:\n%.2500s", k->term, visit_screen(&v));
    ck_assert_msg(visit_sees(&v, "q quit", 5), "%s:\n%.2500s", k->term, visit_screen(&v));
    ck_assert_msg(v.coloured == (k->coloured && colour), "%s: %s", k->term,
                  v.coloured ? "has colours" : "has no colours");
    ck_assert_msg(v.beyond_ascii == utf8, "%s: %s", k->term, utf8 ? "is ASCII" : "is not ASCII");
    visit_press(&v, "q");
    ck_assert_int_eq(visit_end(&v, 5), 0);
    const char *left = visit_left(&v);
    ck_assert_msg(!left, "%s: left %s", k->term, left);
    visit_close(&v);
}
END_TEST

/* ---- sizes ---- */

static unsigned drawn = 7;

static int below(int most)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (int)((drawn >> 8) % (unsigned)most);
}

static long resident(pid_t pid)
{
    char path[64];
    long size = 0, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &size, &pages), 2);
    fclose(f);
    return pages * 4;
}

static long at_its_largest(void)
{
    visit_resize(&v, VISIT_WIDEST, VISIT_HIGHEST);
    ck_assert(visit_sees(&v, "q quit", 10));
    visit_pass(&v, 2, 0.3);
    return resident(v.pid);
}

START_TEST(a_thousand_sizes_leave_it_whole)
{
    const char *argv[] = {"XDG_CONFIG_HOME=/nowhere", "XDG_STATE_HOME=/nowhere", visit_program(),
                          NULL};
    long at_first = 0, at_last = 0;
    visit_open(&v, 100, 30, argv);
    ck_assert(visit_sees(&v, " step ", 10));
    visit_press(&v, " ");
    ck_assert(visit_sees(&v, "paused at", 5));
    double began = visit_clock();
    for (int i = 0; i < 1000; i++) {
        bool small = i % 3 > 0;
        visit_resize(&v, 1 + below(small ? 150 : VISIT_WIDEST), 1 + below(small ? 60 : 500));
        visit_pass(&v, 0.004, 1);
        if (i == 300) at_first = at_its_largest();
    }
    double took = visit_clock() - began;
    at_last = at_its_largest();
    visit_resize(&v, 100, 30);
    ck_assert_msg(visit_sees(&v, "q quit", 10), "%.2500s", visit_screen(&v));
    visit_pass(&v, 1, 0.2);
    char *as_drawn = strdup(visit_screen(&v));
    visit_press(&v, "\f"); /* all of it anew */
    visit_pass(&v, 1, 0.2);
    ck_assert_str_eq(visit_screen(&v), as_drawn);
    ck_assert_msg(visit_shows(&v, "1 Vans") && visit_shows(&v, "paused at"), "%s", as_drawn);
    free(as_drawn);
    printf("1000 sizes took %.1f s; resident at the largest %ld KiB after 300, %ld KiB after all\n",
           took, at_first, at_last);
    ck_assert_msg(took < 60, "it took %.1f s", took);
    ck_assert_msg(getenv("VANPOOL_ASAN") || at_last < at_first + 16384, "%ld KiB, then %ld",
                  at_first, at_last);
    visit_press(&v, "q");
    ck_assert_int_eq(visit_end(&v, 5), 0);
    visit_close(&v);
}
END_TEST

SUITE(matrix)
{
    TCase *tc = tcase_create("matrix");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_terminal_works_or_is_refused_in_one_line, 0, KINDS * 4);
    tcase_add_test(tc, a_thousand_sizes_leave_it_whole);
    suite_add_tcase(suite, tc);
}
