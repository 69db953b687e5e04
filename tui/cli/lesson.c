/* tui/cli/lesson.c - `lesson`: the list, one lesson in the terminal, and the check that no lesson
 * rots: every page is run headless with its own solution and must hold; left alone it must not. */
#include "core/base/clock.h"
#include "core/console/console.h"
#include "core/train/trainer.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/guide/export.h"
#include "tui/guide/guide.h"
#include "tui/views/view.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_EVERY = 10, SEEDS_MOST = 16 };

/* ---- check ---- */

struct taking {
    const struct flags *flags;
    struct console *console;
    struct runner runner;
    struct text out;
};

/* Says a line and trains as far as it wants. */
static bool say(struct taking *t, const char *line, struct err *e)
{
    text_clear(&t->out);
    if (!console_do(t->console, line, &t->out, e)) return false;
    if (console_snapshot(t->console)->goal < 0 && console_busy(t->console))
        return err_set(e, ERR_INPUT, "'%.60s' trains without end", line);
    for (long i = 1; console_busy(t->console); i++) {
        if (out_interrupts()) return err_set(e, ERR_INTERRUPTED, "interrupted");
        bool look = i % FEED_EVERY == 0;
        if (!console_step(t->console, look, false, e)) return false;
        if (look) runner_feed(&t->runner, console_snapshot(t->console));
    }
    return true;
}

static bool say_all(struct taking *t, struct err *e)
{
    char line[512];
    while (runner_says(&t->runner, line, sizeof line))
        if (!say(t, line, e)) return false;
    runner_feed(&t->runner, console_snapshot(t->console));
    return true;
}

static bool views_are_there(const struct lesson *l, struct err *e)
{
    char name[64];
    for (int i = 0; i < l->pages; i++)
        for (const struct lesson_part *p = NULL; (p = lesson_part(&l->page[i], LESSON_WATCH, p));) {
            int at = 0;
            struct err why = {0};
            if (lesson_line(p, &at, name, sizeof name) && view_find(name, &why)) continue;
            return err_set(e, ERR_INPUT, "%s:%d: %s", l->name, p->line, why.text);
        }
    return true;
}

/* What a person was asked must be known afterwards. */
static bool truths_are_known(struct taking *t, struct err *e)
{
    const struct snapshot *s = console_snapshot(t->console);
    for (int i = 0; i < t->runner.asks; i++)
        if (!t->runner.ask[i].ask.quiz && isnan(ask_truth(&t->runner.ask[i].ask, s)))
            return err_set(e, ERR_CHECK, "page %d asks '%.60s', and nothing answers it",
                           t->runner.page + 1, t->runner.ask[i].ask.question);
    return true;
}

static bool ticks_are_there(struct taking *t, struct err *e)
{
    double value;
    char number[16];
    for (int i = 0; i < t->runner.checks; i++) {
        const struct runner_check *c = &t->runner.check[i];
        if (c->ticked) continue;
        const struct snapshot *s = console_snapshot(t->console);
        bool known = expect_value(s, c->condition.name, &value, NULL);
        return err_set(e, ERR_CHECK, "page %d: '%.80s' does not hold: it is %s", t->runner.page + 1,
                       c->words, known ? text_number(number, value, 4) : "unknown");
    }
    return true;
}

static bool open_console(struct taking *t, const char *seed, struct err *e)
{
    struct config c;
    console_close(t->console);
    t->console = NULL;
    if (!flags_config(t->flags, &c, e) || !config_set(&c, "seed", seed, e)) return false;
    c.named = 0; /* a lesson decides for itself */
    return (t->console = console_open(&c, e)) != NULL;
}

/* All pages, with their solutions or without. *held: how many checks ticked. */
static bool take(struct taking *t, const struct lesson *l, const char *seed, bool solved, int *held,
                 int *checks, struct err *e)
{
    *held = *checks = 0;
    if (!open_console(t, seed, e)) return false;
    runner_open(&t->runner, l, 0);
    do {
        if (!say_all(t, e)) return false;
        if (solved) {
            runner_solve(&t->runner);
            if (!say_all(t, e) || !ticks_are_there(t, e) || !truths_are_known(t, e)) return false;
        }
        for (int i = 0; i < t->runner.checks; i++) *held += t->runner.check[i].ticked;
        *checks += t->runner.checks;
    } while (runner_turn(&t->runner, 1));
    return true;
}

static bool check_one(struct taking *t, const struct lesson *l, const char *seed, struct err *e)
{
    int held, checks;
    if (!lesson_lint(l, e) || !views_are_there(l, e)) return false;
    if (!take(t, l, seed, true, &held, &checks, e)) return false;
    if (!take(t, l, seed, false, &held, &checks, e)) return false;
    return held < checks ||
           err_set(e, ERR_CHECK, "all its checks hold although nobody does anything");
}

/* Which lessons are meant: all, or those named. */
static bool is_meant(const struct flags *f, const struct lesson *l)
{
    for (int i = 1; i < f->operands.count; i++) {
        const char *word = f->operands.at[i];
        bool number = !word[strspn(word, "0123456789")];
        if (number ? atoi(word) == l->number : strstr(l->name, word) != NULL) return true;
    }
    return f->operands.count == 1;
}

static void say_result(const struct flags *f, const char *name, const char *seed, double seconds,
                       const struct err *why, struct text *out)
{
    if (!f->json) {
        text_add(out, "%-28s seed %-4s %5.2f s  %s%s\n", name, seed, seconds,
                 why->code ? "FAILED: " : "ok", why->text);
        return;
    }
    json_t *o = json_pack("{s:s, s:s, s:I, s:f, s:b, s:s}", "type", "lesson", "name", name, "seed",
                          (json_int_t)strtoll(seed, NULL, 10), "seconds", seconds, "ok",
                          why->code == ERR_NONE, "why", why->text);
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    text_add(out, "%s\n", line ? line : "null");
    free(line);
    json_decref(o);
}

static bool lesson_check(const struct flags *f, struct guide *g, struct err *e)
{
    struct taking t = {.flags = f};
    struct lesson_source s;
    struct text out = {0};
    uint64_t seeds[SEEDS_MOST] = {1};
    int passed = 0, failed = 0, n = f->seeds ? flags_seeds(f->seeds, seeds, SEEDS_MOST, e) : 1;
    bool ok = n > 0;
    out_catch_interrupt();
    for (int i = 0; ok && guide_source(g, i, &s, e); i++) {
        struct lesson l;
        struct err why = {0};
        bool read = lesson_read(&l, s.name, s.text, strlen(s.text), &why);
        for (int k = 0; ok && k < n && (!read || is_meant(f, &l)); k++) {
            char seed[24];
            double begun = clock_now();
            snprintf(seed, sizeof seed, "%llu", (unsigned long long)seeds[k]);
            if (read) why = (struct err){0}, check_one(&t, &l, seed, &why);
            if (why.code == ERR_INTERRUPTED && !(ok = false)) { /* neither passed nor failed */
                *e = why;
                break;
            }
            why.code ? failed++ : passed++;
            say_result(f, read ? l.name : s.name, seed, clock_now() - begun, &why, &out);
            ok = out_put(&out, e);
            if (!read) break;
        }
        if (read) lesson_close(&l);
        guide_source_free(&s);
    }
    console_close(t.console);
    text_free(&t.out);
    ok = ok && !e->code;
    if (ok && passed + failed == 0)
        ok = err_set(e, ERR_USAGE, "no such lesson: 'vanpool lesson list' names them");
    if (ok && !f->json) text_add(&out, "%d passed, %d failed, 0 skipped\n", passed, failed);
    ok = ok && (out.size == 0 || out_put(&out, e));
    text_free(&out);
    return ok &&
           (!failed || err_set(e, ERR_CHECK, "%d of %d did not pass", failed, passed + failed));
}

/* ---- the rest ---- */

static bool lesson_export(const struct flags *f, struct guide *g, struct err *e)
{
    if (f->operands.count != 2)
        return err_set(e, ERR_USAGE, "lesson export N writes one lesson as HTML to stdout");
    if (!guide_open(g, f->operands.at[1], false, e)) return false;
    struct text out = {0};
    guide_html(&g->lesson, f->answers, &out);
    bool ok = out_put(&out, e);
    text_free(&out);
    return ok;
}

static bool lesson_list(const struct flags *f, struct guide *g, struct err *e)
{
    struct text out = {0};
    bool ok = guide_list(g, f->json, &out, e) && (!out.size || out_put(&out, e));
    text_free(&out);
    return ok;
}

/* A lesson in the explorer, or where there is no screen in lines. */
static bool lesson_take(const struct flags *f, struct guide *g, const char *which, struct err *e)
{
    if (!guide_open(g, which, true, e)) return false; /* said here, before a screen comes */
    return cli_explore_lesson(f, which, e);
}

bool cli_lesson(const struct flags *f, struct err *e)
{
    struct guide g = {0};
    const char *what = f->operands.count ? f->operands.at[0] : "list";
    if (f->folder) snprintf(g.folder, sizeof g.folder, "%s", f->folder);
    bool ok, more = strcmp(what, "check") == 0 || strcmp(what, "export") == 0;
    if (!more && f->operands.count > 1)
        ok = err_set(e, ERR_USAGE, "lesson %.20s takes no '%.40s'", what, f->operands.at[1]);
    else if (strcmp(what, "list") == 0)
        ok = lesson_list(f, &g, e);
    else if (strcmp(what, "check") == 0)
        ok = lesson_check(f, &g, e);
    else if (strcmp(what, "export") == 0)
        ok = lesson_export(f, &g, e);
    else
        ok = lesson_take(f, &g, what, e);
    guide_close(&g);
    return ok;
}
