/* core/script/runner.c - A lesson as a state machine. */
#include "core/script/runner.h"

#include <stdio.h>
#include <string.h>

static const struct lesson_page *page_of(const struct runner *r)
{
    return &r->lesson->page[r->page];
}

/* ---- pages ---- */

static void fill_checks(struct runner *r)
{
    const struct lesson_part *p = NULL;
    r->checks = 0;
    while ((p = lesson_part(page_of(r), LESSON_EXPECT, p))) {
        struct runner_check c = {.since = -1};
        char line[256];
        for (int at = 0; lesson_line(p, &at, line, sizeof line);) {
            snprintf(c.means, sizeof c.means, "%.95s", lesson_remark(line));
            snprintf(c.words, sizeof c.words, "%.95s", line);
            if (r->checks < RUNNER_CHECKS && expect_read(&c.condition, line, NULL))
                r->check[r->checks++] = c;
        }
    }
}

static void fill_asks(struct runner *r)
{
    const struct lesson_page *page = page_of(r);
    r->asks = 0;
    for (int i = 0; i < page->parts && r->asks < RUNNER_ASKS; i++) {
        bool quiz = page->part[i].kind == LESSON_QUIZ;
        struct runner_ask *a = &r->ask[r->asks];
        if (!quiz && page->part[i].kind != LESSON_PREDICT) continue;
        if (!ask_read(&a->ask, page->part[i].text, quiz, NULL)) continue;
        a->guess = a->truth = NAN;
        r->asks++;
    }
}

void runner_restart(struct runner *r)
{
    r->hints = 0;
    r->playing = false;
    fill_checks(r);
    fill_asks(r);
    r->saying = lesson_part(page_of(r), LESSON_START, NULL);
    r->saying_page = r->page, r->said = 0, r->line[0] = 0;
    r->clean = r->page == 0 && r->saying;
    r->watch[0] = 0; /* a page without a view of its own keeps the one before */
    for (int i = r->page, at = 0; i >= 0 && !r->watch[0]; i--) {
        const struct lesson_part *watch = lesson_part(&r->lesson->page[i], LESSON_WATCH, NULL);
        if (watch && !lesson_line(watch, &at, r->watch, sizeof r->watch)) r->watch[0] = 0;
    }
}

void runner_open(struct runner *r, const struct lesson *l, int page)
{
    *r = (struct runner){.lesson = l, .plain_words = r->plain_words, .keys = r->keys};
    r->page = page >= 0 && page < l->pages ? page : 0;
    runner_restart(r);
}

bool runner_turn(struct runner *r, int by)
{
    if (!r->lesson || r->page + by < 0 || r->page + by >= r->lesson->pages) return false;
    r->page += by;
    runner_restart(r);
    return true;
}

/* The part behind the one that is said: solutions of pages before, starts up to this page's. */
static const struct lesson_part *part_behind(struct runner *r, bool solved)
{
    while (r->saying_page < r->page) {
        const struct lesson_page *p = &r->lesson->page[r->saying_page + solved];
        const struct lesson_part *next = lesson_part(p, solved ? LESSON_START : LESSON_DO, NULL);
        r->saying_page += solved;
        solved = !solved;
        if (next) return next;
    }
    return NULL;
}

void runner_catch_up(struct runner *r, int from, bool solved)
{
    if (!r->lesson || from < 0 || from >= r->page) return;
    r->saying_page = from, r->said = 0;
    r->clean = from == 0 && !solved;
    r->saying = solved ? NULL : lesson_part(&r->lesson->page[from], LESSON_START, NULL);
    if (!r->saying) r->saying = part_behind(r, false);
}

bool runner_last(const struct runner *r)
{
    return !r->lesson || r->page == r->lesson->pages - 1;
}

/* ---- what it hears and says ---- */

bool runner_feed(struct runner *r, const struct snapshot *s)
{
    bool changed = false;
    if (!r->lesson || r->playing || r->saying) return false; /* `start` is not yet through */
    for (int i = 0; i < r->checks; i++) {
        struct runner_check *c = &r->check[i];
        bool lasts = expect_lasts(&c->condition, s, &c->since), was = c->ticked, now = c->now;
        c->now = c->since >= 0;
        c->ticked = c->ticked || lasts;
        changed |= was != c->ticked || now != c->now;
    }
    for (int i = 0; i < r->asks && runner_done(r); i++) {
        struct runner_ask *a = &r->ask[i];
        if (!isnan(a->truth) || a->ask.quiz) continue;
        a->truth = ask_truth(&a->ask, s);
        changed |= !isnan(a->truth) && !isnan(a->guess);
    }
    return changed;
}

bool runner_done(const struct runner *r)
{
    for (int i = 0; i < r->checks; i++)
        if (!r->check[i].ticked) return false;
    return true;
}

bool runner_says(struct runner *r, char *line, int size)
{
    /* knobs turned, and runs kept, in the lesson before are no part of this one */
    if (r->lesson && r->saying && r->clean) {
        r->clean = false;
        return snprintf(line, (size_t)size, "reset all") > 0;
    }
    while (r->lesson && r->saying) {
        if (lesson_line(r->saying, &r->said, line, size)) {
            snprintf(r->line, sizeof r->line, "%.95s", line);
            return true;
        }
        r->saying = part_behind(r, r->saying->kind == LESSON_DO);
        r->said = 0;
    }
    r->saying = NULL;
    return false;
}

void runner_solve(struct runner *r)
{
    r->saying = lesson_part(page_of(r), LESSON_DO, NULL);
    r->saying_page = r->page, r->said = 0;
    r->playing = false;
}

/* A guess is made once; a quiz may be tried again. */
static bool is_answered(const struct runner_ask *a)
{
    return !isnan(a->guess) && !(a->ask.quiz && a->guess != ask_truth(&a->ask, NULL));
}

const struct runner_ask *runner_open_ask(const struct runner *r)
{
    for (int i = 0; r->lesson && i < r->asks; i++)
        if (!is_answered(&r->ask[i])) return &r->ask[i];
    return NULL;
}

bool runner_answer(struct runner *r, const char *words, const struct snapshot *s, struct text *out,
                   struct err *e)
{
    for (int i = 0; r->lesson && i < r->asks; i++) {
        struct runner_ask *a = &r->ask[i];
        double guess;
        if (is_answered(a)) continue;
        if (!ask_guess(&a->ask, words, &guess, e)) return false;
        a->guess = guess;
        if (a->ask.quiz || !isnan(a->truth))
            ask_judge(&a->ask, guess, a->ask.quiz ? ask_truth(&a->ask, s) : a->truth, out);
        else
            text_add(out, "Noted. Now run it, and see.");
        text_add(out, "\n");
        return true;
    }
    return err_set(e, ERR_USAGE, "this page asks nothing more");
}

bool runner_hint(struct runner *r, struct text *out)
{
    const struct lesson_part *p = NULL;
    for (int i = 0; r->lesson && (p = lesson_part(page_of(r), LESSON_HINT, p)); i++) {
        if (i < r->hints) continue;
        r->hints++;
        runner_words(r, NULL, p->text, out);
        return true;
    }
    char line[256];
    p = lesson_part(page_of(r), LESSON_DO, NULL);
    for (int at = 0, n = 0; lesson_line(p, &at, line, sizeof line); n++)
        text_add(out, "%s  %s\n", n ? "" : "The page's own way, which solve does for you:\n", line);
    return p != NULL;
}

/* ---- in words ---- */

static void put_value(const struct runner *r, const struct snapshot *s, const char *name,
                      struct text *out)
{
    double value = NAN;
    char number[16];
    const char *dot = strrchr(name, '.');
    const struct field *f = field_find(dot ? dot + 1 : name, NULL);
    if (s) expect_value(s, name, &value, NULL);
    int digits = f ? f->digits : value == floor(value) ? 0 : 3;
    if (isnan(value) && r->blanks) return text_add(out, "____");
    if (f && strcmp(f->unit, "share") == 0 && isfinite(value))
        return text_add(out, "%.1f %%", 100 * value);
    if (fabs(value) < 1e-3 && value != 0 && !f)
        return text_add(out, "%.2g", value); /* a price may be as small as it likes */
    if (fabs(value) >= 1e5)
        text_add(out, "%s", text_count(number, value));
    else
        text_add(out, "%s", text_number(number, value, digits));
}

/* What stands between two braces: a name, or two ways to say it. False: neither. */
static bool put_braced(const struct runner *r, const struct snapshot *s, char *word,
                       struct text *out)
{
    char *other = strchr(word, '|');
    if (other) {
        *other = 0;
        text_add(out, "%s", r->plain_words ? other + 1 : word);
        return true;
    }
    if (!*word || word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_.")]) return false;
    put_value(r, s, word, out);
    return true;
}

void runner_words(const struct runner *r, const struct snapshot *s, const char *text,
                  struct text *out)
{
    while (*text) {
        size_t n = strcspn(text, "{");
        text_put(out, text, n);
        text += n;
        n = strcspn(text, "}");
        char word[128] = "";
        if (text[n] && n > 1 && n < sizeof word)
            snprintf(word, sizeof word, "%.*s", (int)n - 1, text + 1);
        if (*word && put_braced(r, s, word, out))
            text += n + 1;
        else if (*text)
            text_put(out, text++, 1); /* a brace of its own */
    }
}

static void tell_ask(const struct runner *r, const struct runner_ask *a, struct text *out)
{
    text_add(out, "%s %s\n", a->ask.quiz ? "Question:" : "Guess first:", a->ask.question);
    for (int i = 0; i < a->ask.choices; i++)
        text_add(out, "  %c) %s\n", 'a' + i, a->ask.choice[i].text);
    if (isnan(a->guess)) {
        const char *how = a->ask.choices ? "answer LETTER" : "answer NUMBER";
        if (r->keys) how = a->ask.choices ? "press the letter" : "press a, then the number";
        text_add(out, "  (%s)\n", how);
        return;
    }
    text_add(out, "  ");
    ask_judge(&a->ask, a->guess, a->ask.quiz ? ask_truth(&a->ask, NULL) : a->truth, out);
    text_add(out, "\n");
}

/* Does a text speak of a run that is not kept yet? Then it is the answer to what is asked for, and is
 * told once it can be. On paper everything stands. */
static bool is_early(const struct runner *r, const struct snapshot *s, const char *text)
{
    double value;
    char name[64];
    if (r->blanks) return false;
    for (; (text = strchr(text, '{')); text++) {
        size_t n = strcspn(text + 1, "}");
        if (n >= sizeof name) continue;
        snprintf(name, sizeof name, "%.*s", (int)n, text + 1);
        if (strchr(name, '.') && (!s || !expect_value(s, name, &value, NULL))) return true;
    }
    return false;
}

static void tell_part(const struct runner *r, const struct lesson_part *p, int *ask, int *hint,
                      const struct snapshot *s, struct text *out)
{
    struct text words = {0};
    bool words_only = p->kind == LESSON_PROSE || p->kind == LESSON_FORMULA;
    if (words_only && is_early(r, s, p->text)) return;
    switch (p->kind) {
    case LESSON_PROSE:
        runner_words(r, s, p->text, &words);
        text_add(out, "%s\n\n", text_str(&words));
        break;
    case LESSON_FORMULA:
        runner_words(r, s, p->text, &words);
        for (char *line = words.at; line && *line;) {
            size_t n = strcspn(line, "\n");
            text_add(out, "  %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
        text_add(out, "\n");
        break;
    case LESSON_PREDICT:
    case LESSON_QUIZ:
        if (*ask < r->asks) tell_ask(r, &r->ask[(*ask)++], out), text_add(out, "\n");
        break;
    case LESSON_HINT:
        if ((*hint)++ < r->hints) {
            runner_words(r, s, p->text, &words);
            text_add(out, "Hint: %s\n", text_str(&words));
        }
        break;
    default:
        break;
    }
    text_free(&words);
}

void runner_tell_checks(const struct runner *r, struct text *out)
{
    for (int i = 0; i < r->checks; i++) {
        const struct runner_check *c = &r->check[i];
        text_add(out, "[%s] ", c->ticked ? "x" : c->now ? "~" : " ");
        text_add(out, *c->means ? "%s (%s)\n" : "%s%s\n", c->means, c->words);
    }
}

void runner_tell(const struct runner *r, const struct snapshot *s, struct text *out)
{
    int ask = 0, hint = 0;
    if (!r->lesson) return;
    const struct lesson_page *page = page_of(r);
    for (int i = 0; i < page->parts; i++) tell_part(r, &page->part[i], &ask, &hint, s, out);
    runner_tell_checks(r, out);
}

void runner_tell_outcome(const struct runner *r, const struct snapshot *s, struct text *out)
{
    if (!r->lesson || !r->checks || !runner_done(r)) return;
    for (int i = 0; i < r->asks; i++) {
        const struct runner_ask *a = &r->ask[i];
        if (a->ask.quiz || isnan(a->guess)) continue;
        text_add(out, "%s\n  ", a->ask.question);
        ask_judge(&a->ask, a->guess, a->truth, out);
        text_add(out, "\n\n");
    }
    const struct lesson_page *page = page_of(r);
    for (int i = 0, none = 0; i < page->parts; i++) {
        const struct lesson_part *p = &page->part[i];
        bool words = p->kind == LESSON_PROSE || p->kind == LESSON_FORMULA;
        if (words && is_early(r, NULL, p->text)) tell_part(r, p, &none, &none, s, out);
    }
}
