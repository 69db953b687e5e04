/* tui/prompt/repl.c - The command language on stdin or from a file. A person may err and goes on; a
 * script ends at its first error, with its line and status. `train` and `step` are waited for; `go`
 * trains until the next line is typed. */
#include "core/console/console.h"
#include "core/script/script.h"
#include "core/train/trainer.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/prompt/line.h"
#include "tui/prompt/face.h"
#include "tui/prompt/state.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct repl {
    struct console *console;
    struct history *past;
    struct script script; /* -f FILE */
    struct text out, line;
    struct face face;
    bool person, file; /* a person types; lines come from -f FILE */
    int lines;
};

static bool say(struct repl *r, struct err *e)
{
    return r->out.size == 0 || out_put(&r->out, e);
}

/* ---- training ---- */

static bool line_waits(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&in, 1, 0) > 0;
}

static void note(struct repl *r)
{
    char line[200];
    const struct snapshot *s = console_snapshot(r->console);
    if (s->race.on) {
        char left[16];
        text_add(&r->line, "%.0f %% of the race, %s left", 100 * s->race.done,
                 text_seconds(left, s->race.left));
    } else {
        history_add(r->past, s);
        face_step(&r->face, s, &r->line);
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(text_str(&r->line), "\n"), text_str(&r->line));
    text_clear(&r->line);
    out_progress(line);
}

/* The race's table; what ended it before its end is an error. */
static bool race_ended(struct repl *r, struct err *e)
{
    const struct snap_race *race = &console_snapshot(r->console)->race;
    if (!console_do(r->console, "race show", &r->out, e) || !say(r, e)) return false;
    return !*race->why || err_set(e, ERR_USAGE, "the race is over: %s", race->why);
}

/* Trains as far as the goal; one without end stops when a line or Ctrl-C comes. */
static bool train(struct repl *r, struct err *e)
{
    bool endless = console_snapshot(r->console)->goal < 0,
         racing = console_snapshot(r->console)->race.on;
    long first = trainer_now(console_trainer(r->console));
    if (endless && console_busy(r->console) && !r->person)
        return err_set(e, ERR_USAGE,
                       "go has no end, and nobody is there to stop it: train N makes N steps");
    for (long i = 0; console_busy(r->console); i++) {
        if (out_interrupts()) {
            struct text nothing = {0};
            bool stopped = console_do(r->console, "pause", &nothing, e);
            text_free(&nothing);
            if (!r->person)
                return err_set(e, ERR_INTERRUPTED, "interrupted at step %ld",
                               trainer_now(console_trainer(r->console)));
            out_forget_interrupt();
            if (!stopped) return false;
            break;
        }
        if (endless && line_waits()) return true;
        long next = trainer_now(console_trainer(r->console)) + 1;
        long every = racing ? 0 : watch_every(&r->face.watch);
        bool due = every > 0 && next % every == 0, measure = i % 20 == 0 || due;
        if (!console_step(r->console, measure, false, e)) return false;
        if (due && console_busy(r->console)) { /* the last one is told anyway */
            face_step(&r->face, console_snapshot(r->console), &r->out);
            if (!say(r, e)) return false;
        }
        if (measure) note(r), guide_feed(&r->face.guide, console_snapshot(r->console));
        if (racing && !console_snapshot(r->console)->race.on) {
            if (!race_ended(r, e)) return false;
            racing = false;
        }
    }
    if (trainer_now(console_trainer(r->console)) == first) return true;
    const struct snapshot *now = console_snapshot(r->console);
    history_add(r->past, now);
    face_step(&r->face, now, &r->out);
    if (guide_feed(&r->face.guide, now)) guide_outcome(&r->face.guide, now, &r->out);
    return say(r, e);
}

/* ---- lines ---- */

static bool do_line(struct repl *r, const char *line, struct err *e);

/* What the lesson's page wants said by itself. */
static bool lesson_says(struct repl *r, struct err *e)
{
    char line[512];
    bool some = false;
    while (runner_says(&r->face.guide.runner, line, sizeof line)) {
        text_add(&r->out, "> %s\n", line);
        if (!say(r, e) || !do_line(r, line, e)) return false;
        some = true;
    }
    if (some && guide_feed(&r->face.guide, console_snapshot(r->console)))
        guide_outcome(&r->face.guide, console_snapshot(r->console), &r->out);
    return say(r, e);
}

static bool do_line(struct repl *r, const char *line, struct err *e)
{
    char room[256];
    line = state_line(line, &r->face.view, &r->face.scene, room, sizeof room);
    enum face_result own =
        face_line(&r->face, line, console_snapshot(r->console), r->past, &r->out, e);
    bool ok =
        own == FACE_DONE || (own == FACE_NOT_MINE && console_do(r->console, line, &r->out, e));
    if (!ok) text_clear(&r->out);
    if (!ok || !say(r, e) || !train(r, e)) return false;
    if (guide_feed(&r->face.guide, console_snapshot(r->console)))
        guide_outcome(&r->face.guide, console_snapshot(r->console), &r->out);
    char remark[256];
    while (guide_note(&r->face.guide, remark, sizeof remark))
        if (!console_do(r->console, remark, &r->out, e)) return false;
    return say(r, e) && (own != FACE_DONE || lesson_says(r, e));
}

/* The line, and those of the scripts that it opens. */
static bool do_all(struct repl *r, const char *line, struct err *e)
{
    char next[1024];
    if (!do_line(r, line, e)) return false;
    while (!console_quit(r->console) && console_next(r->console, next, sizeof next))
        if (!do_line(r, next, e)) return false;
    return true;
}

static bool next_line(struct repl *r)
{
    char line[1100];
    if (!r->file) return line_read("vanpool> ", &r->line);
    if (!script_next(&r->script, line, sizeof line)) return false;
    text_clear(&r->line);
    text_add(&r->line, "%s", line);
    return true;
}

static bool loop(struct repl *r, struct err *e)
{
    while (!console_quit(r->console) && !out_ended() && next_line(r) && !out_ended()) {
        char line[1100];
        struct err why = {0};
        r->lines++;
        if (r->person)
            out_forget_interrupt(); /* Ctrl-C at the prompt is no reason to stop training */
        snprintf(line, sizeof line, "%s", text_str(&r->line));
        text_clear(&r->line);
        if (do_all(r, line, &why)) continue;
        bool fatal = why.code >= ERR_FILE && why.code != ERR_FILE;
        if (r->person && !fatal)
            out_say("%s", why.text);
        else if (r->person || why.code == ERR_INTERRUPTED)
            return *e = why, false;
        else
            return err_set(e, why.code, "%s:%d: %s", r->file ? r->script.name : "stdin", r->lines,
                           why.text);
    }
    bool killed = out_ended() || (!r->person && out_interrupts() && !console_quit(r->console));
    return !killed || err_set(e, ERR_INTERRUPTED, "interrupted after line %d", r->lines);
}

static bool begin(struct repl *r, const struct flags *f, struct err *e)
{
    struct text before = {0};
    char line[1100];
    bool ok = flags_before(f, &before, e);
    for (const char *at = text_str(&before); ok && *at; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        ok = console_do(r->console, line, &r->out, e);
    }
    text_free(&before);
    return ok && say(r, e);
}

bool cli_repl(const struct flags *f, struct err *e)
{
    struct repl r = {.person = !f->file && isatty(STDIN_FILENO), .file = f->file != NULL};
    struct config c;
    char first[FLAGS_FIRST];
    bool ok = flags_config(f, &c, e) && flags_first(f, first, sizeof first, e) &&
              (!f->file || script_open(&r.script, f->file, e));
    out_catch_interrupt();
    if (ok && !(r.past = calloc(1, sizeof *r.past)))
        ok = err_set(e, ERR_MEMORY, "out of memory for the curves");
    ok = ok && (r.console = console_open(&c, e)) && begin(&r, f, e) && do_all(&r, first, e) &&
         loop(&r, e);
    console_close(r.console);
    guide_close(&r.face.guide);
    script_close(&r.script);
    text_free(&r.out);
    text_free(&r.line);
    free(r.past);
    return ok;
}
