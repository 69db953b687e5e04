/* tests/pty/ends_test.c - Every way out gives the terminal back: its modes, its first screen, its
 * cursor, its mouse. Some ways cannot be taken from outside; there the screen alone is opened. */
#include "tests/check.h"
#include "tests/pty/pty.h"
#include "tui/screen/terminal.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct visit v;

static void open_program(const char *flag, const char *value)
{
    const char *argv[] = {
        "XDG_STATE_HOME=/nowhere", "XDG_CONFIG_HOME=/nowhere", visit_program(), flag, value, NULL};
    visit_open(&v, 100, 30, argv);
}

static void open_and_see(void)
{
    open_program(NULL, NULL);
    ck_assert_msg(visit_sees(&v, "\xe2\x96\xb6 step ", 10), "%.2500s", visit_screen(&v));
    ck_assert(v.other && v.hidden && v.mouse && v.paste);
    ck_assert_ptr_nonnull(visit_left(&v));
}

static void given_back(const char *way)
{
    const char *left = visit_left(&v);
    ck_assert_msg(left == NULL, "%s left %s", way, left);
    visit_close(&v);
}

/* ---- of the program ---- */

static const struct way {
    const char *name, *keys;
    int signal, status; /* status: of exit; -1: it dies of the signal */
} ways[] = {
    {"q", "q", 0, 0},
    {"the command quit", ":quit\r", 0, 0},
    {"Ctrl-C", "\003", 0, 130},
    {"SIGINT", "", SIGINT, 130},
    {"SIGTERM", "", SIGTERM, 130},
    {"SIGHUP", "", SIGHUP, 130},
    {"SIGSEGV", "", SIGSEGV, -1},
    {"SIGABRT", "", SIGABRT, -1},
    {"SIGFPE", "", SIGFPE, -1},
    {"SIGBUS", "", SIGBUS, -1},
    {"SIGILL", "", SIGILL, -1},
    {"q with the prompt's first line typed", ":train\r:save \033q", 0, 0},
};

START_TEST(a_way_out_gives_the_terminal_back)
{
    const struct way *w = &ways[_i];
    open_and_see();
    if (w->signal)
        kill(v.pid, w->signal);
    else
        visit_press(&v, w->keys);
    int status = visit_end(&v, 5);
    ck_assert_msg(status >= 0, "%s: it is still there", w->name);
    if (w->status >= 0)
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == w->status, "%s: status %d",
                      w->name, WEXITSTATUS(status));
    else
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == w->signal, "%s: %x", w->name,
                      (unsigned)status);
    given_back(w->name);
}
END_TEST

/* The more memory it may have, the further it comes: whatever fails, the terminal is given back.
 */
START_TEST(no_memory_at_any_point_gives_the_terminal_back)
{
    int screens = 0, ended = 0;
    if (getenv("VANPOOL_ASAN")) SKIP("memory limits under a sanitizer: it maps terabytes");
    for (long mib = 12; mib <= 200; mib += mib < 60 ? 4 : 20) {
        if (visit_fork(&v, 100, 30)) {
            struct rlimit limit = {(rlim_t)mib << 20, (rlim_t)mib << 20};
            setenv("TERM", "xterm-256color", 1);
            setenv("LC_ALL", "C.UTF-8", 1);
            setrlimit(RLIMIT_AS, &limit);
            execl(visit_program(), visit_program(), (char *)NULL);
            _exit(127);
        }
        bool trains = visit_sees(&v, "\xe2\x96\xb6 step ", 1.5) && v.other;
        screens += trains;
        if (trains) visit_press(&v, "q");
        int status = visit_end(&v, 5);
        ck_assert_msg(status >= 0, "%ld MiB: it is still there:\n%.2500s", mib, visit_screen(&v));
        ck_assert_msg(WIFEXITED(status), "%ld MiB: it died of signal %d", mib, WTERMSIG(status));
        int code = WEXITSTATUS(status);
        ck_assert_msg(code == 0 || code == 3 || code == 6 || code == 7 || code == 127,
                      "%ld MiB: status %d\n%.2500s", mib, code, visit_screen(&v));
        ended += code == 6;
        given_back("a lack of memory");
    }
    ck_assert_int_gt(screens, 0);
    printf("memory limits: %d of them show the screen, %d end with status 6\n", screens, ended);
}
END_TEST

START_TEST(a_backend_that_cannot_be_had_gives_the_terminal_back)
{
    open_program("--backend", "cuda");
    int status = visit_end(&v, 3);
    if (status < 0) {
        visit_press(&v, "q");
        ck_assert_int_eq(visit_end(&v, 5), 0);
    } else {
        ck_assert_int_eq(WEXITSTATUS(status), 7);
        ck_assert_msg(visit_shows(&v, "vanpool: "), "%.2500s", visit_screen(&v));
    }
    given_back("a missing backend");
}
END_TEST

START_TEST(a_hangup_ends_it_within_a_second)
{
    open_and_see();
    pid_t pid = v.pid;
    int status;
    double began = visit_clock();
    close(v.fd);
    while (waitpid(pid, &status, WNOHANG) != pid) {
        ck_assert_msg(visit_clock() - began < 1, "it is still there");
        usleep(5000);
    }
    v.pid = 0, v.fd = -1;
    visit_close(&v);
}
END_TEST

/* ---- of the REPL ---- */

static void open_repl(void)
{
    open_program("repl", NULL);
    ck_assert_msg(visit_sees(&v, "vanpool>", 10), "%.2500s", visit_screen(&v));
}

START_TEST(ctrl_c_at_the_prompt_drops_the_line)
{
    open_repl();
    visit_press(&v, "abc");
    ck_assert_msg(visit_sees(&v, "vanpool> abc", 5), "%.2500s", visit_screen(&v));
    visit_press(&v, "\003");
    visit_pass(&v, 1, .3);
    visit_press(&v, "show step\r");
    ck_assert_msg(visit_sees(&v, "step 0", 5), "%.2500s", visit_screen(&v));
    ck_assert_msg(!visit_shows(&v, "unknown command"), "%.2500s", visit_screen(&v));
    visit_pass(&v, 1, .3); /* the next prompt */
    visit_press(&v, "\004");
    ck_assert_int_eq(visit_end(&v, 5), 0);
    given_back("Ctrl-D");
}
END_TEST

START_TEST(what_kills_the_repl_ends_it_at_its_prompt_and_in_training)
{
    static const int signals[] = {SIGTERM, SIGHUP};
    open_repl();
    if (_i >= 2) {
        visit_press(&v, "go\r");
        ck_assert_msg(visit_sees(&v, "tokens a second", 10), "%.2500s", visit_screen(&v));
    }
    kill(v.pid, signals[_i % 2]);
    int status = visit_end(&v, 5);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 130, "%x", (unsigned)status);
    given_back("a signal");
}
END_TEST

/* ---- of the screen alone ---- */

static void by_assert(void)
{
#undef NDEBUG
    assert(!"planted by the test");
}

static void by_exit(void)
{
    exit(5);
}

static void by_abort(void)
{
    abort();
}

static void by_a_wild_pointer(void)
{
    static int *volatile wild; /* the compiler must not know */
    *wild = 1;
}

static void by_a_deep_stack(void)
{
    volatile char much[65536];
    much[0] = 1;
    if (much[0]) by_a_deep_stack();
    much[1] = 2;
}

static const struct inner {
    const char *name;
    void (*end)(void);
    int signal; /* 0: exit */
} inners[] = {
    {"a failed assertion", by_assert, SIGABRT},
    {"exit", by_exit, 0},
    {"abort", by_abort, SIGABRT},
    {"a wild pointer", by_a_wild_pointer, SIGSEGV},
    {"a stack overrun", by_a_deep_stack, SIGSEGV},
};

START_TEST(an_end_from_inside_gives_the_terminal_back)
{
    const struct inner *in = &inners[_i];
    if (visit_fork(&v, 80, 24)) {
        struct err e;
        int null = open("/dev/null", 1);
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
        terminal_mouse(true);
        if (!terminal_open(TERMINAL_COLOR_AUTO, TERMINAL_CHARSET_AUTO, &e)) _exit(99);
        struct canvas c;
        if (!canvas_open(&c, 80, 24, CHARSET_BLOCK)) _exit(98);
        canvas_text(&c, 0, 0, INK_GOOD, "the screen is open");
        terminal_draw(&c, -1, 0);
        terminal_wait(100);
        if (null >= 0) dup2(null, 2);
        in->end();
        _exit(97);
    }
    ck_assert_msg(visit_sees(&v, "the screen is open", 5), "%.2500s", visit_screen(&v));
    int status = visit_end(&v, 5);
    ck_assert_msg(in->signal ? WIFSIGNALED(status) && WTERMSIG(status) == in->signal
                             : WIFEXITED(status) && WEXITSTATUS(status) == 5,
                  "%s: %x", in->name, (unsigned)status);
    given_back(in->name);
}
END_TEST

SUITE(ends)
{
    TCase *tc = tcase_create("ends");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_way_out_gives_the_terminal_back, 0, sizeof ways / sizeof *ways);
    tcase_add_loop_test(tc, an_end_from_inside_gives_the_terminal_back, 0,
                        sizeof inners / sizeof *inners);
    tcase_add_test(tc, no_memory_at_any_point_gives_the_terminal_back);
    tcase_add_test(tc, a_backend_that_cannot_be_had_gives_the_terminal_back);
    tcase_add_test(tc, ctrl_c_at_the_prompt_drops_the_line);
    tcase_add_loop_test(tc, what_kills_the_repl_ends_it_at_its_prompt_and_in_training, 0, 4);
    tcase_add_test(tc, a_hangup_ends_it_within_a_second);
    suite_add_tcase(suite, tc);
}
