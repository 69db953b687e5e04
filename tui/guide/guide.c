/* tui/guide/guide.c - Lessons as faces offer them. */
#include "tui/guide/guide.h"
#include "core/base/io.h"
#include "core/script/packed.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which there are ---- */

static int is_lesson(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return isdigit((unsigned char)d->d_name[0]) && n > 3 && strcmp(d->d_name + n - 3, ".md") == 0;
}

static bool folder_source(const char *folder, int i, struct lesson_source *to, struct err *e)
{
    struct dirent **names;
    int n = scandir(folder, &names, is_lesson, alphasort);
    if (n < 0) return err_set(e, ERR_FILE, "cannot read the lessons' folder %s", io_tail(folder));
    if (i < n)
        snprintf(to->name, sizeof to->name, "%.80s/%.160s", io_tail(folder), names[i]->d_name);
    char path[1024];
    if (i < n) snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    for (int k = 0; k < n; k++) free(names[k]);
    free(names);
    if (i >= n) return false;
    size_t size;
    to->text = to->own = io_load(path, LESSON_MOST, &size, e);
    if (to->own && strlen(to->own) != size) {
        guide_source_free(to);
        return err_set(e, ERR_INPUT, "%s: there is a zero byte in it: no text", to->name);
    }
    return to->own != NULL;
}

bool guide_source(const struct guide *g, int i, struct lesson_source *to, struct err *e)
{
    *to = (struct lesson_source){0};
    if (*g->folder) return folder_source(g->folder, i, to, e);
    const struct packed *p = packed_at("lessons", i);
    if (!p) return false;
    snprintf(to->name, sizeof to->name, "lessons/%.200s.md", p->name);
    to->text = p->text;
    return true;
}

void guide_source_free(struct lesson_source *s)
{
    free(s->own);
    *s = (struct lesson_source){0};
}

/* Where a lesson of this number or name is in the list; -1: e. */
static int place(const struct guide *g, const char *which, struct err *e)
{
    struct lesson_source s;
    struct err why = {0};
    bool number = *which && !which[strspn(which, "0123456789")];
    char names[GUIDE_LESSONS][48];
    int n = 0, found = -1;
    for (; n < GUIDE_LESSONS && guide_source(g, n, &s, &why); n++) {
        const char *base = strrchr(s.name, '/') ? strrchr(s.name, '/') + 1 : s.name;
        snprintf(names[n], sizeof names[n], "%.*s", (int)(strcspn(base, ".") % 47), base);
        const char *word = names[n] + strspn(names[n], "0123456789");
        word += *word == '-';
        bool is = number ? atoi(base) == atoi(which)
                         : strcmp(names[n], which) == 0 || strncmp(word, which, strlen(which)) == 0;
        if (is && found < 0) found = n;
        guide_source_free(&s);
    }
    if (why.code && e) *e = why;
    if (found >= 0 || why.code) return found;
    err_set(e, ERR_USAGE,
            n ? "there is no lesson '%.40s': 'lesson list' names them"
              : "there is no lesson '%.40s', for there is none at all",
            which);
    return -1;
}

bool guide_open(struct guide *g, const char *which, bool on, struct err *e)
{
    struct lesson_source s;
    struct lesson lesson;
    struct progress p;
    int i = place(g, which, e);
    if (i < 0 || !guide_source(g, i, &s, e)) return false;
    bool ok = lesson_read(&lesson, s.name, s.text, strlen(s.text), e);
    guide_source_free(&s);
    if (ok && !lesson_lint(&lesson, e)) {
        lesson_close(&lesson);
        ok = false;
    }
    if (!ok) return false;
    lesson_close(&g->lesson);
    g->lesson = lesson;
    progress_read(g->lesson.name, &p);
    runner_open(&g->runner, &g->lesson, on && !p.done && p.page > 0 ? p.page : 0);
    runner_catch_up(&g->runner, 0, false);
    g->moved = true;
    return true;
}

void guide_close(struct guide *g)
{
    lesson_close(&g->lesson);
    *g = (struct guide){0};
}

static void put_json(const struct lesson *l, const struct progress *p, struct text *out)
{
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:i, s:b}", "number", l->number, "name",
                          l->name, "title", l->title, "needs", l->needs, "strategy", l->strategy,
                          "minutes", l->minutes, "pages", l->pages, "done", (int)p->done);
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
    text_add(out, "%s\n", line ? line : "null");
    free(line);
    json_decref(o);
}

static const char *guide_mark(const struct lesson *l, const struct progress *p, char *to,
                              size_t size)
{
    if (p->done) return "✓ done";
    if (p->page < 0) return "";
    snprintf(to, size, "page %d/%d", p->page + 1, l->pages);
    return to;
}

bool guide_list(const struct guide *g, bool json, struct text *out, struct err *e)
{
    struct lesson_source s;
    struct err why = {0};
    for (int i = 0; guide_source(g, i, &s, &why); i++) {
        struct lesson l;
        struct progress p;
        bool ok = lesson_read(&l, s.name, s.text, strlen(s.text), &why);
        guide_source_free(&s);
        if (!ok) break;
        char mark[32];
        progress_read(l.name, &p);
        if (json)
            put_json(&l, &p, out);
        else
            text_add(out, "%2d  %-52s %3.0f min  %s\n", l.number, l.title, l.minutes,
                     guide_mark(&l, &p, mark, sizeof mark));
        lesson_close(&l);
    }
    if (why.code && e) *e = why;
    return !why.code;
}

/* ---- the words ---- */

/* Kept until the face takes it; what is too much is lost. */
static void note(struct guide *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct guide *g, const char *format, ...)
{
    va_list args;
    if (g->notes == (int)(sizeof g->note / sizeof *g->note)) return;
    va_start(args, format);
    vsnprintf(g->note[g->notes++], sizeof g->note[0], format, args);
    va_end(args);
}

bool guide_note(struct guide *g, char *line, int size)
{
    if (g->notes == 0) return false;
    snprintf(line, (size_t)size, "note %s", g->note[0]);
    memmove(g->note[0], g->note[1], sizeof g->note[0] * (size_t)--g->notes);
    return true;
}

static void remember(struct guide *g)
{
    struct progress p;
    progress_read(g->lesson.name, &p);
    p.page = g->runner.page;
    p.done = p.done || (runner_last(&g->runner) && runner_done(&g->runner));
    progress_write(g->lesson.name, &p, NULL);
}

bool guide_feed(struct guide *g, const struct snapshot *s)
{
    bool was = g->runner.lesson && runner_done(&g->runner);
    bool changed = runner_feed(&g->runner, s);
    if (changed && !was && runner_done(&g->runner)) {
        remember(g);
        note(g, "page done %s %d", g->lesson.name, g->runner.page + 1);
    }
    return changed;
}

void guide_page(const struct guide *g, const struct snapshot *s, struct text *out)
{
    const struct runner *r = &g->runner;
    if (!r->lesson) return;
    text_add(out, "%s, page %d of %d: %s\n\n", r->lesson->title, r->page + 1, r->lesson->pages,
             r->lesson->page[r->page].title);
    runner_tell(r, s, out);
    if (!r->checks) /* nothing will tick */
        text_add(out, runner_last(r) ? "'next' opens the lesson after this one.\n"
                                     : "'next' turns the page.\n");
}

void guide_checks(const struct guide *g, struct text *out)
{
    runner_tell_checks(&g->runner, out);
    if (!g->runner.checks || !runner_done(&g->runner)) return;
    text_add(out, runner_last(&g->runner)
                      ? "All of it holds, and the lesson is done: 'next' opens the one after.\n"
                      : "All of it holds: 'next' turns the page.\n");
}

void guide_outcome(const struct guide *g, const struct snapshot *s, struct text *out)
{
    runner_tell_outcome(&g->runner, s, out);
    guide_checks(g, out);
}

bool guide_says(struct guide *g, const struct snapshot *s, char *line, int size)
{
    if (!g->runner.saying) return false;
    if (runner_says(&g->runner, line, size)) return true;
    guide_feed(g, s);
    return false;
}

static bool turn(struct guide *g, int by, struct text *out, struct err *e)
{
    bool last = by > 0 && runner_last(&g->runner);
    if (last) {
        remember(g);
        char next[16];
        snprintf(next, sizeof next, "%d", g->lesson.number + 1);
        struct err none = {0};
        if (g->lesson.number >= 0 && guide_open(g, next, false, &none)) return true;
        text_add(out, "That was the last page of the last lesson.\n");
        return true;
    }
    struct runner was = g->runner;
    if (!runner_turn(&g->runner, by)) return err_set(e, ERR_USAGE, "this is the first page");
    bool started = !was.saying || was.saying->kind == LESSON_DO;
    if (by > 0 && (was.saying || !runner_done(&was))) {
        runner_catch_up(&g->runner, was.saying ? was.saying_page : was.page, started);
        text_add(out, "What page %d asked for is done first, in its own way.\n", was.page + 1);
    }
    remember(g);
    g->moved = true;
    return true;
}

static bool do_lesson(struct guide *g, int argc, char **argv, struct text *out, struct err *e)
{
    const char *what = argc > 1 ? argv[1] : g->runner.lesson ? "page" : "list";
    if (strcmp(what, "list") == 0) return guide_list(g, false, out, e);
    if (strcmp(what, "page") == 0) return true;
    if (strcmp(what, "quit") == 0) {
        lesson_close(&g->lesson);
        g->runner = (struct runner){.plain_words = g->runner.plain_words, .keys = g->runner.keys};
        text_add(out, "The lesson is closed; the model trains on. 'lesson N' opens one.\n");
        return true;
    }
    if (!guide_open(g, what, true, e)) return false;
    note(g, "lesson %s", g->lesson.name);
    return true;
}

static bool do_play(struct guide *g, struct text *out)
{
    g->runner.playing = !g->runner.playing;
    text_add(out, g->runner.playing ? "Play: nothing is checked until 'play' is said again.\n"
                                    : "Back to the page: its checks look again.\n");
    return true;
}

static bool do_again(struct guide *g)
{
    runner_restart(&g->runner);
    return g->moved = true;
}

static bool do_solve(struct guide *g, struct text *out)
{
    runner_solve(&g->runner);
    text_add(out, "The page's own way, command by command.\n");
    return true;
}

static bool do_answer(struct guide *g, int argc, char **argv, const struct snapshot *s,
                      struct text *out, struct err *e)
{
    char words[256] = "";
    for (int i = 1; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i > 1 ? " " : "",
                 argv[i]);
    size_t before = out->size;
    if (!runner_answer(&g->runner, words, s, out, e)) return false;
    if (runner_last(&g->runner) && runner_done(&g->runner)) remember(g); /* a last question */
    const char *said = text_str(out) + before;
    words[strcspn(words, "\"\\#")] = 0; /* a remark is one plain line */
    note(g, "answer %s%.60s, lesson %s page %d", strncmp(said, "Right", 5) == 0 ? "right " : "",
         words, g->lesson.name, g->runner.page + 1);
    return true;
}

static bool do_words(struct guide *g, int argc, char **argv, struct err *e)
{
    bool plain = argc == 2 && strcmp(argv[1], "plain") == 0;
    if (argc != 2 || (!plain && strcmp(argv[1], "story") != 0))
        return err_set(e, ERR_USAGE,
                       "words story speaks of vans and orders, words plain of experts and tokens");
    g->runner.plain_words = plain;
    return true;
}

bool guide_line(struct guide *g, int argc, char **argv, const struct snapshot *s, struct text *out,
                bool *ok, struct err *e)
{
    const char *word = argv[0];
    *ok = true;
    if (strcmp(word, "lesson") == 0) return *ok = do_lesson(g, argc, argv, out, e), true;
    if (strcmp(word, "words") == 0) return *ok = do_words(g, argc, argv, e), true;
    static const char *const words[] = {"next", "back",  "hint",  "answer",
                                        "play", "again", "solve", NULL};
    int i = 0;
    while (words[i] && strcmp(words[i], word) != 0) i++;
    if (!words[i]) return false;
    if (!g->runner.lesson) {
        if (strcmp(word, "hint") == 0) return false; /* the face has one of its own */
        *ok = err_set(e, ERR_USAGE,
                      "no lesson is open: 'lesson list' names them, 'lesson 1' opens one");
        return true;
    }
    switch (i) {
    case 0:
        return *ok = turn(g, 1, out, e), true;
    case 1:
        return *ok = turn(g, -1, out, e), true;
    case 2:
        if (!runner_hint(&g->runner, out))
            text_add(out, "This page has no hint: it asks for nothing to be done.\n");
        return true;
    case 3:
        return *ok = do_answer(g, argc, argv, s, out, e), true;
    case 4:
        return *ok = do_play(g, out), true;
    case 5:
        return *ok = do_again(g), true;
    default:
        return *ok = do_solve(g, out), true;
    }
}
