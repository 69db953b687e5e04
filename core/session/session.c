/* core/session/session.c - A console on a thread of its own. Lines go in and answers come out
 * through two rings under one lock; snapshots leave by the exchange, without one. With nothing to
 * do the thread sleeps on a condition. */
#include "core/session/session.h"
#include "core/base/clock.h"
#include "core/session/exchange.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 64, LINE = sizeof((struct session_answer *)0)->line };

struct session {
    pthread_t thread;
    struct exchange *exchange;

    /* set before the thread starts, then its own */
    struct config config;
    char *first;
    struct console *console;
    struct text out;
    double published, routed; /* when the last snapshot and the last window left */
    bool worked;              /* a piece of work was the last thing done */

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;  /* a line came, an answer was taken, or it is time to go */
    bool stop, ended;
    struct err why;
    double snapshots, windows; /* a second */
    char line[RING][LINE];
    int lines, line_first;
    struct session_answer answer[RING];
    int answers, answer_first;
    struct session_answer said; /* when work was done */
    bool saying;
};

/* ---- the trainer's thread ---- */

static void fill_answer(struct session_answer *a, const char *line, bool ok, bool scripted,
                        const char *text)
{
    snprintf(a->line, sizeof a->line, "%s", line);
    if (snprintf(a->text, sizeof a->text, "%s", text) >= (int)sizeof a->text) {
        size_t n = sizeof a->text - sizeof "…"; /* cut between two letters */
        while (n > 0 && ((unsigned char)a->text[n] & 0xc0) == 0x80) n--;
        memcpy(a->text + n, "…", sizeof "…");
    }
    a->ok = ok, a->scripted = scripted;
}

/* With the lock held and room in the ring. */
static void put_answer(struct session *s, const char *line, bool ok, bool scripted,
                       const char *text)
{
    fill_answer(&s->answer[(s->answer_first + s->answers++) % RING], line, ok, scripted, text);
}

static void publish(struct session *s)
{
    exchange_put(s->exchange, console_snapshot(s->console));
    s->published = s->routed = clock_now();
}

/* The snapshot leaves before the answer: who has the answer finds in it what the line did. */
static void do_line(struct session *s, const char *line, bool scripted)
{
    struct err e = {0};
    text_clear(&s->out);
    bool ok = console_do(s->console, line, &s->out, &e);
    if (ok) publish(s);
    pthread_mutex_lock(&s->lock);
    put_answer(s, line, ok, scripted, ok ? text_str(&s->out) : e.text);
    pthread_mutex_unlock(&s->lock);
}

/* The next thing to do. A line of a script waits until nothing is left to train, a person's does
 * not. With the answers' ring full no line is taken: nothing is lost, the mailbox fills. */
enum task { TASK_STOP, TASK_LINE, TASK_SCRIPTED, TASK_WORK, TASK_STEP };
static enum task next_task(struct session *s, char *line, double *snapshots, double *windows)
{
    enum task task = TASK_STOP;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        bool room = s->answers < RING;
        task = TASK_LINE;
        if (s->lines > 0 && room) {
            memcpy(line, s->line[s->line_first], LINE);
            s->line_first = (s->line_first + 1) % RING;
            s->lines--;
            break;
        }
        bool first, busy = console_busy(s->console);
        task = TASK_WORK;
        if (console_working(s->console, &first) && (first || !busy || !s->worked)) break;
        task = TASK_STEP;
        if (busy) break;
        task = TASK_SCRIPTED;
        if (room && console_next(s->console, line, LINE)) break;
        if (console_busy(s->console)) continue; /* the script that has ended was all that held it */
        pthread_cond_wait(&s->wake, &s->lock);
    }
    if (s->stop) task = TASK_STOP;
    s->worked = task == TASK_WORK;
    *snapshots = s->snapshots, *windows = s->windows;
    pthread_mutex_unlock(&s->lock);
    return task;
}

static bool step(struct session *s, double snapshots, double windows, struct err *e)
{
    double now = clock_now();
    bool window = now - s->routed >= 1 / windows;
    bool measure = window || now - s->published >= 1 / snapshots;
    bool ok = console_step(s->console, measure, window, e);
    if (ok && !console_busy(s->console)) {
        publish(s); /* the last one is whole */
    } else if (measure || !ok) {
        exchange_put(s->exchange, console_snapshot(s->console));
        s->published = now;
        if (window) s->routed = now;
    }
    return ok;
}

/* Questions go before the next step, a byte of text between two. What fails here says so in the
 * notice; only a backend that is gone ends the session. */
static bool work_on(struct session *s, double windows, struct err *e)
{
    struct err own = {0};
    text_clear(&s->out);
    if (!console_work(s->console, &s->out, &own) && own.code == ERR_BACKEND) return *e = own, false;
    bool done = !console_working(s->console, NULL), busy = console_busy(s->console);
    if (done && s->out.size > 0) {
        pthread_mutex_lock(&s->lock);
        fill_answer(&s->said, "", true, true, text_str(&s->out));
        s->saying = true;
        pthread_mutex_unlock(&s->lock);
    }
    if (done || (!busy && clock_now() - s->routed >= 1 / windows)) publish(s);
    return true;
}

/* Lines that a face wants run before the first step; the first that fails ends the session. */
static bool run_first(struct session *s, struct err *e)
{
    char line[LINE];
    for (const char *at = s->first ? s->first : ""; *at;) {
        size_t n = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, at);
        at += n + (at[n] == '\n');
        text_clear(&s->out);
        if (!console_do(s->console, line, &s->out, e)) return false;
    }
    return true;
}

static bool work(struct session *s, struct err *e)
{
    char line[LINE];
    double snapshots, windows;
    s->console = console_open(&s->config, e);
    if (!s->console || !console_do(s->console, "go", &s->out, e)) return false;
    console_leave_work(s->console);
    if (!run_first(s, e)) return false;
    publish(s);
    while (!console_quit(s->console)) {
        enum task task = next_task(s, line, &snapshots, &windows);
        switch (task) {
        case TASK_STOP:
            return true;
        case TASK_LINE:
        case TASK_SCRIPTED:
            do_line(s, line, task == TASK_SCRIPTED);
            break;
        case TASK_WORK:
            if (!work_on(s, windows, e)) return false;
            break;
        case TASK_STEP:
            if (!step(s, snapshots, windows, e)) return false;
            break;
        }
    }
    return true;
}

static void *thread_main(void *of)
{
    struct session *s = of;
    struct err e = {0};
    bool ok = work(s, &e);
    console_close(s->console);
    s->console = NULL;
    text_free(&s->out);
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    if (!ok) s->why = e;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the face's thread ---- */

static void free_all(struct session *s)
{
    exchange_close(s->exchange);
    free(s->first);
    free(s);
}

struct session *session_open(const struct config *c, const char *first, struct err *e)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_MEMORY, "out of memory: a session needs %zu bytes", sizeof *s);
        return NULL;
    }
    s->config = *c;
    s->snapshots = 30, s->windows = 4;
    s->published = s->routed = -INFINITY;
    s->exchange = exchange_open(e);
    s->first = first ? strdup(first) : NULL;
    if (!s->exchange || (first && !s->first)) {
        if (s->exchange) err_set(e, ERR_MEMORY, "out of memory for the first commands");
        free_all(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    int failed = pthread_create(&s->thread, NULL, thread_main, s);
    if (!failed) return s;
    err_set(e, ERR_MEMORY, "cannot start the trainer's thread: %s", strerror(failed));
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free_all(s);
    return NULL;
}

void session_close(struct session *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free_all(s);
}

bool session_say(struct session *s, const char *line)
{
    pthread_mutex_lock(&s->lock);
    bool fits = strlen(line) < LINE, room = !s->ended && (fits ? s->lines : s->answers) < RING;
    if (room && !fits) {
        struct err e;
        err_set(&e, ERR_USAGE, "a command line has at most %d bytes here; this one has %zu",
                LINE - 1, strlen(line));
        put_answer(s, line, false, false, e.text);
    } else if (room) {
        snprintf(s->line[(s->line_first + s->lines++) % RING], LINE, "%s", line);
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

bool session_answer(struct session *s, struct session_answer *to)
{
    pthread_mutex_lock(&s->lock);
    bool some = s->answers > 0;
    if (some) {
        *to = s->answer[s->answer_first];
        s->answer_first = (s->answer_first + 1) % RING;
        s->answers--;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    return some;
}

bool session_said(struct session *s, struct session_answer *to)
{
    pthread_mutex_lock(&s->lock);
    bool some = s->saying;
    if (some) *to = s->said;
    s->saying = false;
    pthread_mutex_unlock(&s->lock);
    return some;
}

bool session_snapshot(struct session *s, struct snapshot *to)
{
    return exchange_take(s->exchange, to);
}

void session_rates(struct session *s, double snapshots, double windows)
{
    pthread_mutex_lock(&s->lock);
    s->snapshots = snapshots > 0 ? snapshots : 1e-3;
    s->windows = windows > 0 ? windows : 1e-3;
    pthread_mutex_unlock(&s->lock);
}

bool session_ended(struct session *s, struct err *e)
{
    pthread_mutex_lock(&s->lock);
    bool ended = s->ended;
    if (ended && e) *e = s->why;
    pthread_mutex_unlock(&s->lock);
    return ended;
}
