/* tui/cli/plain.c - The explorer where there is no screen: one event a line, commands from stdin.
 * Left alone it trains 200 steps and ends; given commands it does them in order and ends where they
 * end. No escape sequence leaves it. */
#include "core/base/clock.h"
#include "core/script/command.h"
#include "core/session/session.h"
#include "tui/app/app.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/prompt/face.h"
#include "tui/prompt/state.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAIN_STEPS = 200, PATIENCE_MS = 300, PACE_MS = 10, ANSWER_MS = 1 };

struct plain {
    struct session *session;
    struct snapshot *now;
    struct history *past;
    struct face face;
    struct text out;
    char input[4096]; /* read and not yet a line */
    int bytes;
    bool ended, started, said; /* stdin is at its end; the model is there; a line has come */
    bool skipping;             /* what comes is the rest of a line that was too long */
    int waiting;               /* lines said and not answered */
    int marks;                 /* of the snapshot, told so far: the step of the last */
    int model;                 /* of which the snapshots are */
    long marked, told;
    double told_at;
};

/* ---- what comes from the session ---- */

static bool tell_answer(struct plain *p, const struct session_answer *a, struct err *e)
{
    if (!a->scripted) p->waiting--;
    if (a->ok)
        text_add(&p->out, "%s%s", a->text,
                 *a->text && a->text[strlen(a->text) - 1] != '\n' ? "\n" : "");
    if (p->out.size && !out_put(&p->out, e)) return false;
    if (!a->ok) out_say("%s: %s", a->line, a->text);
    return true;
}

static void tell_marks(struct plain *p)
{
    for (int i = 0; i < p->now->marks; i++)
        if (p->now->mark[i].step > p->marked)
            text_add(&p->out, "step %ld: %s\n", p->now->mark[i].step, p->now->mark[i].text);
    if (p->now->marks) p->marked = p->now->mark[p->now->marks - 1].step;
}

static bool tell_snapshot(struct plain *p, struct err *e)
{
    char params[16];
    double now = clock_now();
    history_add(p->past, p->now);
    if (!p->started) {
        text_add(&p->out, "%s, %s, %s parameters, seed %llu, %s %s on %d threads\n", p->now->data,
                 p->now->run_label, text_count(params, p->now->params),
                 (unsigned long long)p->now->seed, p->now->backend, p->now->simd, p->now->threads);
        p->started = true;
    }
    if (guide_feed(&p->face.guide, p->now)) guide_outcome(&p->face.guide, p->now, &p->out);
    if (p->now->model != p->model)
        p->told = p->marked = -1, p->model = p->now->model;
    else if (p->now->step < p->told)
        p->told = -1, p->marked = p->now->step - 1;
    tell_marks(p);
    bool due = p->now->paused || now - p->told_at >= 0.5;
    if (p->now->step > 0 && p->now->step != p->told && due) {
        face_step(&p->face, p->now, &p->out);
        p->told = p->now->step, p->told_at = now;
    }
    return p->out.size == 0 || out_put(&p->out, e);
}

/* Everything that has come: answers first, so that the snapshot is no older than they are. False:
 * the session is over, or nobody reads. */
static bool listen(struct plain *p, struct err *e)
{
    struct session_answer a;
    bool ended = session_ended(p->session, e);
    while (session_answer(p->session, &a))
        if (!tell_answer(p, &a, e)) return false;
    if (session_snapshot(p->session, p->now) && !tell_snapshot(p, e)) return false;
    if (session_said(p->session, &a)) {
        text_add(&p->out, "%s", a.text);
        if (!out_put(&p->out, e)) return false;
    }
    return !ended;
}

/* ---- what goes to it ---- */

/* Waits for input; true: some came, or its end. */
static bool read_input(struct plain *p, int ms)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    int room = (int)sizeof p->input - 1 - p->bytes;
    if (p->ended || room == 0) return usleep((useconds_t)ms * 1000), false;
    if (poll(&in, 1, ms) <= 0) return false;
    ssize_t n = read(STDIN_FILENO, p->input + p->bytes, (size_t)room);
    if (n > 0)
        p->bytes += (int)n;
    else
        p->ended = true;
    return true;
}

/* The next whole line, or the last one without an end. One longer than the room comes cut, which is
 * too long for a command; its rest is passed over. */
static bool take_line(struct plain *p, char *line, int size)
{
    char *feed = memchr(p->input, '\n', (size_t)p->bytes);
    int n = feed ? (int)(feed - p->input) : p->bytes;
    bool full = !feed && p->bytes == (int)sizeof p->input - 1, skipped = p->skipping;
    if (p->bytes == 0 || (!feed && !full && !p->ended)) return false;
    if (!skipped) snprintf(line, (size_t)size, "%.*s", n, p->input);
    p->skipping = full;
    n += feed != NULL;
    memmove(p->input, p->input + n, (size_t)(p->bytes - n));
    p->bytes -= n;
    return !skipped || take_line(p, line, size);
}

static bool say(struct plain *p, const char *line, struct err *e)
{
    struct err why = {0};
    struct command_line words;
    char room[256];
    if (!command_parse(&words, line, &why)) return out_say("%s", why.text), true;
    line = state_line(line, &p->face.view, &p->face.scene, room, sizeof room);
    enum face_result own = face_line(&p->face, line, p->now, p->past, &p->out, &why);
    if (own == FACE_FAILED) return out_say("%s: %s", line, why.text), true;
    if (own == FACE_DONE) return p->out.size == 0 || out_put(&p->out, e);
    if (session_say(p->session, line)) p->waiting++;
    return true;
}

/* In a script the next line waits until what was asked for is trained; beside the run of its own it
 * is said at once. */
static bool ready(const struct plain *p, bool alone)
{
    return p->started && p->waiting == 0 && !p->now->asking && !p->now->race.on &&
           (alone || p->now->paused || (p->now->goal < 0 && !p->now->scripted));
}

static bool over(const struct plain *p, bool alone)
{
    bool idle = p->started && p->waiting == 0 && !p->now->asking && !p->now->race.on &&
                !p->face.guide.runner.saying;
    if (alone) return idle && p->now->step >= PLAIN_STEPS;
    return idle && p->said && p->ended && p->bytes == 0 && !p->now->scripted &&
           (p->now->paused || p->now->goal < 0);
}

static bool loop(struct plain *p, struct err *e)
{
    char line[1100], train[32]; /* longer than a command may be */
    bool alone = false;
    double begun = clock_now();
    snprintf(train, sizeof train, "train %d", PLAIN_STEPS);
    while (!over(p, alone)) {
        if (out_interrupts())
            return err_set(e, ERR_INTERRUPTED, "interrupted at step %ld", p->now->step);
        read_input(p, p->waiting || p->bytes ? ANSWER_MS : PACE_MS);
        while (ready(p, alone) && guide_note(&p->face.guide, line, sizeof line))
            if (!say(p, line, e)) return false;
        bool saying = p->face.guide.runner.saying != NULL;
        while (ready(p, alone) && guide_says(&p->face.guide, p->now, line, sizeof line)) {
            text_add(&p->out, "> %s\n", line);
            if (!say(p, line, e)) return false;
        }
        if (saying && !p->face.guide.runner.saying) guide_outcome(&p->face.guide, p->now, &p->out);
        if (p->out.size && !out_put(&p->out, e)) return false;
        while (ready(p, alone) && !p->face.guide.runner.saying && take_line(p, line, sizeof line)) {
            p->said = true;
            if (!say(p, line, e)) return false;
        }
        bool silent = p->ended || clock_now() - begun > PATIENCE_MS / 1e3;
        if (!p->said && !alone && p->started && silent && p->bytes == 0) {
            alone = true;
            if (!say(p, train, e)) return false;
        }
        if (!listen(p, e)) return e->code == ERR_NONE;
    }
    return true;
}

bool cli_plain(const struct config *c, const struct app_options *o, struct err *e)
{
    char before[FLAGS_BEFORE + 8];
    snprintf(before, sizeof before, "pause\n%s", o->before ? o->before : "");
    struct plain p = {.told = -1, .marked = -1};
    p.now = calloc(1, sizeof *p.now);
    p.past = calloc(1, sizeof *p.past);
    bool ok = p.now && p.past;
    if (!ok) err_set(e, ERR_MEMORY, "out of memory for a snapshot");
    out_catch_interrupt();
    if (o->folder) snprintf(p.face.guide.folder, sizeof p.face.guide.folder, "%s", o->folder);
    if (ok && o->lesson) {
        ok = guide_open(&p.face.guide, o->lesson, true, e);
        guide_page(&p.face.guide, NULL, &p.out);
        p.face.guide.moved = false, p.said = true;
    }
    ok = ok && (p.session = session_open(c, before, e));
    if (ok && o->first && *o->first) ok = p.said = say(&p, o->first, e);
    ok = ok && loop(&p, e);
    session_close(p.session);
    if (ok && p.started && p.now->step > 0 && !p.said &&
        face_line(&p.face, "view", p.now, p.past, &p.out, e) == FACE_DONE)
        ok = out_put(&p.out, e);
    guide_close(&p.face.guide);
    text_free(&p.out);
    free(p.now);
    free(p.past);
    return ok;
}
