/* tests/bench/explorer.c - What the explorer costs and how fast it answers, measured from the
 * terminal's side. Build: cc -O2 -o build/bench-explorer tests/bench/explorer.c -lutil -lm usage:
 * bench-explorer PROGRAM [ARGUMENT ...]; exit 1 where a goal is missed. A key's answer: an unknown
 * letter is typed, and the explorer's sentence about it holds that letter. Training speed without
 * the screen is that of PROGRAM train with the same arguments; the two take turns of a second. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 100, SEEN = 1 << 20 };

static char **program; /* and its arguments */
static int missed;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench-explorer: %s\n", what);
    exit(1);
}

static void row(const char *what, double value, const char *unit, double goal)
{
    bool met = value <= goal; /* not a number is a miss */
    printf("%-44s %9.2f %-6s", what, value, unit);
    if (isfinite(goal)) printf(" goal %6.2f  %s", goal, met ? "met" : "MISSED");
    printf("\n");
    fflush(stdout);
    missed += !met;
}

/* ---- a terminal of our own ---- */

struct visit {
    pid_t pid;
    int fd;
    double began;
    char *seen;
    size_t size;
};

static struct visit visit_open(int width, int height)
{
    struct visit v = {.seen = malloc(SEEN + 1)};
    struct winsize size = {.ws_row = height, .ws_col = width};
    v.began = now();
    v.pid = forkpty(&v.fd, NULL, NULL, &size);
    if (v.pid < 0 || !v.seen) fail("no terminal to be had");
    if (v.pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        unsetenv("NO_COLOR");
        execvp(program[0], program);
        _exit(127);
    }
    return v;
}

static void forget(struct visit *v)
{
    v->size = 0;
    v->seen[0] = 0;
}

/* Reads until `what` has been written (NULL: anything) or the time is up. Returns when it was, NaN:
 * never. */
static double until(struct visit *v, const char *what, double seconds)
{
    double end = now() + seconds;
    for (;;) {
        double left = end - now();
        struct pollfd from = {.fd = v->fd, .events = POLLIN};
        if (left <= 0 || poll(&from, 1, (int)ceil(left * 1000)) < 0) return NAN;
        if (!from.revents) continue;
        if (v->size > SEEN / 2) forget(v);
        ssize_t n = read(v->fd, v->seen + v->size, SEEN - v->size);
        if (n <= 0) return NAN;
        v->size += (size_t)n;
        v->seen[v->size] = 0;
        if (what ? memmem(v->seen, v->size, what, strlen(what)) != NULL : true) return now();
    }
}

static void press(struct visit *v, const char *keys)
{
    if (write(v->fd, keys, strlen(keys)) < 0) fail("the explorer has gone");
}

static void pass(struct visit *v, double seconds)
{
    double end = now() + seconds;
    while (now() < end) {
        until(v, "\1never\1", end - now());
        forget(v);
    }
}

static void visit_close(struct visit *v)
{
    press(v, "q");
    double end = now() + 3;
    while (waitpid(v->pid, NULL, WNOHANG) == 0) {
        if (now() > end) kill(v->pid, SIGKILL);
        until(v, NULL, 0.02);
    }
    close(v->fd);
    free(v->seen);
}

/* The step on the screen, after having all of it written again without colours in between. */
static long step_shown(struct visit *v, double *when)
{
    forget(v);
    press(v, "\f");
    *when = until(v, "quit", 3);
    char plain[8192];
    size_t n = 0;
    for (const char *s = v->seen; *s && n < sizeof plain - 1;) {
        if (s[0] == '\033' && s[1] == '[') {
            s += 2 + strcspn(s + 2, "ABCDEFGHIJKLMSTXZ@`abcdefghlmnqrst");
            s += *s != 0;
        } else if (s[0] == '\033') {
            s += s[1] == '(' ? 3 : 2;
        } else {
            plain[n++] = *s++;
        }
    }
    plain[n] = 0;
    const char *at = strstr(plain, "step ");
    long step = 0;
    if (!at || isnan(*when)) fail("no step on the screen");
    for (at += 5; (*at >= '0' && *at <= '9') || *at == ','; at++)
        if (*at != ',') step = step * 10 + *at - '0';
    return step;
}

/* ---- what the kernel counts ---- */

/* Processor seconds of a thread (0: of all threads), to the nanosecond. */
static double used(pid_t pid, pid_t thread)
{
    char path[300];
    unsigned long long ns, all = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks) fail("cannot read /proc");
    for (struct dirent *d; (d = readdir(tasks));) {
        if (*d->d_name == '.' || (thread && atoi(d->d_name) != thread)) continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, d->d_name);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%llu", &ns) == 1) all += ns;
        if (f) fclose(f);
    }
    closedir(tasks);
    return 1e-9 * (double)all;
}

/* ---- the measures ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void first_paint(void)
{
    double paint[5], step[5];
    for (int i = 0; i < 5; i++) {
        struct visit v = visit_open(120, 36);
        paint[i] = 1000 * (until(&v, "vanpool", 5) - v.began);
        forget(&v);
        step[i] = 1000 * (until(&v, "step", 10) - v.began);
        visit_close(&v);
    }
    qsort(paint, 5, sizeof *paint, by_size);
    qsort(step, 5, sizeof *step, by_size);
    row("first screen, median of 5", paint[2], "ms", 100);
    row("first numbers, median of 5", step[2], "ms", 1000);
}

static void keys(struct visit *v, const char *during)
{
    static const char *const letters[] = {"þ", "ð", "ß", "æ", "ø", "ł"};
    double took[KEYS];
    for (int i = 0; i < KEYS; i++) {
        const char *letter = letters[i % 6];
        pass(v, 0.013 + 0.0007 * (i * 37 % 60));
        forget(v);
        double pressed = now();
        press(v, letter);
        took[i] = 1000 * (until(v, letter, 2) - pressed);
        if (isnan(took[i])) fail("a key was not answered in 2 s");
    }
    qsort(took, KEYS, sizeof *took, by_size);
    char what[64];
    snprintf(what, sizeof what, "key to screen while %s, median", during);
    row(what, took[KEYS / 2], "ms", 50);
    snprintf(what, sizeof what, "key to screen while %s, 99th of 100", during);
    row(what, took[KEYS - 2], "ms", 50);
}

/* Training without a screen, stopped while it is not looked at. */
struct train {
    pid_t pid;
    int fd;
    FILE *lines;
};

static struct train train_open(double rate)
{
    struct train t;
    char every[24];
    int ends[2];
    snprintf(every, sizeof every, "%d", rate > 40 ? (int)(rate / 20) : 1);
    if (pipe(ends) != 0) fail("no pipe to be had");
    t.pid = fork();
    if (t.pid == 0) {
        char *args[64] = {program[0], "train", "--json", "--every", every, "--steps", "100000000"};
        for (int i = 1; program[i] && i < 56; i++) args[6 + i] = program[i];
        dup2(ends[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2);
        execvp(program[0], args);
        _exit(127);
    }
    close(ends[1]);
    t.fd = ends[0];
    t.lines = fdopen(ends[0], "r");
    char line[4096];
    do
        if (!fgets(line, sizeof line, t.lines)) fail("PROGRAM train failed");
    while (!strstr(line, "\"step\":"));
    kill(t.pid, SIGSTOP);
    return t;
}

/* Steps a second, from the first line to come to the last one; *cpu: processor seconds a step. */
static double steps_without(struct train *t, double seconds, double *cpu)
{
    char line[4096];
    long first = -1, step = 0;
    double from = 0, to = 0, end = now() + seconds, before = 0;
    kill(t->pid, SIGCONT);
    while (to < end && fgets(line, sizeof line, t->lines)) {
        const char *at = strstr(line, "\"step\":");
        to = now();
        if (at) step = strtol(at + 7, NULL, 10);
        if (first < 0) first = step, from = to, before = used(t->pid, 0);
    }
    *cpu = (used(t->pid, 0) - before) / (double)(step - first);
    kill(t->pid, SIGSTOP);
    return (step - first) / (to - from);
}

static double steps_with(struct visit *v, double seconds, double *share, double *cpu)
{
    double from, to;
    kill(v->pid, SIGCONT);
    pass(v, 0.2);
    long first = step_shown(v, &from);
    double before = used(v->pid, v->pid), all = used(v->pid, 0);
    pass(v, seconds);
    *share = 100 * (used(v->pid, v->pid) - before) / seconds;
    long last = step_shown(v, &to);
    *cpu = (used(v->pid, 0) - all) / (double)(last - first);
    kill(v->pid, SIGSTOP);
    return (last - first) / (to - from);
}

/* In turns, so that what else the machine does falls on both. */
static void speed(struct visit *v, const char *view)
{
    enum { ROUNDS = 15 };
    double with[ROUNDS], without[ROUNDS], share[ROUNDS], cost[ROUNDS], cpu[ROUNDS], on, off;
    struct train t = train_open(steps_with(v, 1, &share[0], &on));
    for (int i = 0; i < ROUNDS; i++) {
        with[i] = steps_with(v, 1, &share[i], &on);
        without[i] = steps_without(&t, 1, &off);
        cpu[i] = 100 * (on / off - 1);
        cost[i] = 100 * (1 - with[i] / without[i]);
    }
    kill(t.pid, SIGKILL);
    waitpid(t.pid, NULL, 0);
    fclose(t.lines);
    kill(v->pid, SIGCONT);
    qsort(with, ROUNDS, sizeof *with, by_size);
    qsort(without, ROUNDS, sizeof *without, by_size);
    qsort(share, ROUNDS, sizeof *share, by_size);
    qsort(cost, ROUNDS, sizeof *cost, by_size);
    qsort(cpu, ROUNDS, sizeof *cpu, by_size);
    printf("with view %s:\n", view);
    row("  steps a second without a screen, median", without[ROUNDS / 2], "1/s", INFINITY);
    row("  steps a second with the screen, median", with[ROUNDS / 2], "1/s", INFINITY);
    row("  the screen's cost, median of pairs", cost[ROUNDS / 2], "%", 2);
    row("    its quartiles: lower", cost[ROUNDS / 4], "%", INFINITY);
    row("    its quartiles: upper", cost[ROUNDS - 1 - ROUNDS / 4], "%", INFINITY);
    /* With --threads 1 this is steady on a busy machine too: nobody spins while another waits. */
    row("  its cost in processor time of all threads", cpu[ROUNDS / 2], "%", INFINITY);
    row("  the screen's thread, share of one core", share[ROUNDS / 2], "%", 3);
}

/* All rules in turn, long enough for a hundred keys. */
static void race(struct visit *v)
{
    press(v, ":race steps=100000\r7");
    if (isnan(until(v, "race", 5))) fail("the race did not start");
    pass(v, 1);
    keys(v, "racing");
    press(v, ":race stop\r");
    pass(v, 0.5);
}

static void paused(struct visit *v)
{
    press(v, " ");
    pass(v, 1);
    double before = used(v->pid, 0);
    pass(v, 3);
    row("paused, share of one core", 100 * (used(v->pid, 0) - before) / 3, "%", 1);
    press(v, " ");
}

int main(int argc, char **argv)
{
    if (argc < 2) fail("usage: bench-explorer PROGRAM [ARGUMENT ...]");
    program = argv + 1;
    first_paint();
    struct visit v = visit_open(120, 36);
    if (isnan(until(&v, "step", 10))) fail("it does not train");
    keys(&v, "training");
    paused(&v);
    race(&v);
    press(&v, "8");
    pass(&v, 1);
    keys(&v, "timing ops");
    speed(&v, "8, engine");
    press(&v, "1");
    pass(&v, 0.5);
    speed(&v, "1, vans");
    visit_close(&v);
    return missed > 0;
}
