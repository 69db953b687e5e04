/* tui/cli/out.c - Writing to stdout and stderr with every failure seen. */
#include "tui/cli/out.h"
#include "core/base/clock.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static double progress_at = -INFINITY;
static bool progress_open;
static volatile sig_atomic_t interrupts, ended;

bool out_put(struct text *t, struct err *e)
{
    if (t->failed) return err_set(e, ERR_MEMORY, "out of memory for what is to be written");
    out_progress_end();
    errno = 0;
    bool ok = fwrite(text_str(t), 1, t->size, stdout) == t->size && fflush(stdout) == 0;
    text_clear(t);
    return ok || err_set(e, ERR_FILE, "cannot write to the standard output: %s", strerror(errno));
}

void out_say(const char *format, ...)
{
    va_list args;
    out_progress_end();
    fprintf(stderr, "vanpool: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
}

void out_progress(const char *line)
{
    bool terminal = isatty(STDERR_FILENO);
    double now = clock_now();
    if (now - progress_at < (terminal ? 0.2 : 10)) return;
    if (progress_at == -INFINITY && !terminal) { /* a short run says nothing */
        progress_at = now;
        return;
    }
    progress_at = now;
    if (terminal)
        fprintf(stderr, "\r%s\033[K", line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    progress_open = terminal;
}

void out_progress_end(void)
{
    if (progress_open) fprintf(stderr, "\r\033[K"); /* it was true for a moment only */
    progress_open = false;
}

static void count_interrupt(int signal)
{
    if (signal != SIGINT) ended = 1;
    if (interrupts < 1000) interrupts = interrupts + 1;
}

void out_catch_interrupt(void)
{
    struct sigaction act = {.sa_handler = count_interrupt};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    struct sigaction
        before; /* a terminal that goes away ends a run as Ctrl-C does, but for nohup */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &act, NULL);
}

int out_interrupts(void)
{
    return interrupts;
}

bool out_ended(void)
{
    return ended;
}

void out_forget_interrupt(void)
{
    if (!ended) interrupts = 0;
}
