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
        for (int at = 0; lesson_line(p, &at, c.words, sizeof c.words);)
            if (r->checks < RUNNER_CHECKS && expect_read(&c.condition, c.words, NULL))
                r->check[r->checks++] = c;
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
        a->guess = NAN, a->before = false;
        r->asks++;
    }
}

void runner_restart(struct runner *r)
{
    int at = 0;
    r->hints = 0;
    r->playing = false;
    fill_checks(r);
    fill_asks(r);
    r->saying = lesson_part(page_of(r), LESSON_START, NULL);
    r->said = 0;
    const struct lesson_part *watch = lesson_part(page_of(r), LESSON_WATCH, NULL);
    if (!watch || !lesson_line(watch, &at, r->watch, sizeof r->watch)) r->watch[0] = 0;
}

void runner_open(struct runner *r, const struct lesson *l, int page)
{
    bool plain = r->plain_words;
    *r = (struct runner){.lesson = l, .plain_words = plain};
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
    if (r->lesson && r->saying && lesson_line(r->saying, &r->said, line, size)) return true;
    r->saying = NULL;
    return false;
}

void runner_solve(struct runner *r)
{
    r->saying = lesson_part(page_of(r), LESSON_DO, NULL);
    r->said = 0;
    r->playing = false;
}

/* A guess is a guess while its truth is open; a quiz may be tried again. */
bool runner_answer(struct runner *r, const char *words, const struct snapshot *s, struct text *out,
                   struct err *e)
{
    for (int i = 0; r->lesson && i < r->asks; i++) {
        struct runner_ask *a = &r->ask[i];
        double truth = ask_truth(&a->ask, s), guess;
        if (!isnan(a->guess) && !(a->ask.quiz && a->guess != truth)) continue;
        if (!ask_guess(&a->ask, words, &guess, e)) return false;
        a->guess = guess;
        a->before = !runner_done(r) || r->checks == 0;
        if (a->ask.quiz)
            ask_judge(&a->ask, guess, truth, out);
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
    return false;
}

/* ---- in words ---- */

static void put_value(const struct snapshot *s, const char *name, struct text *out)
{
    double value = NAN;
    char number[16];
    const char *dot = strrchr(name, '.');
    const struct field *f = field_find(dot ? dot + 1 : name, NULL);
    if (s) expect_value(s, name, &value, NULL);
    int digits = f ? f->digits : value == floor(value) ? 0 : 3;
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
    put_value(s, word, out);
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

static void tell_ask(const struct runner_ask *a, const struct snapshot *s, struct text *out)
{
    text_add(out, "%s %s\n", a->ask.quiz ? "Question:" : "Guess first:", a->ask.question);
    for (int i = 0; i < a->ask.choices; i++)
        text_add(out, "  %c) %s\n", 'a' + i, a->ask.choice[i].text);
    if (isnan(a->guess)) {
        text_add(out, a->ask.choices ? "  (answer a letter)\n" : "  (answer NUMBER)\n");
        return;
    }
    text_add(out, "  ");
    ask_judge(&a->ask, a->guess, s ? ask_truth(&a->ask, s) : NAN, out);
    text_add(out, "\n");
}

static void tell_part(const struct runner *r, const struct lesson_part *p, int *ask, int *hint,
                      const struct snapshot *s, struct text *out)
{
    struct text words = {0};
    switch (p->kind) {
    case LESSON_PROSE:
        runner_words(r, s, p->text, &words);
        text_add(out, "%s\n\n", text_str(&words));
        break;
    case LESSON_FORMULA:
        runner_words(r, s, p->text, &words);
        for (char *line = words.at; line && *line;) {
            size_t n = strcspn(line, "\n");
            text_add(out, "   %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
        text_add(out, "\n");
        break;
    case LESSON_PREDICT:
    case LESSON_QUIZ:
        if (*ask < r->asks) tell_ask(&r->ask[(*ask)++], s, out), text_add(out, "\n");
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

void runner_tell(const struct runner *r, const struct snapshot *s, struct text *out)
{
    int ask = 0, hint = 0;
    if (!r->lesson) return;
    const struct lesson_page *page = page_of(r);
    for (int i = 0; i < page->parts; i++) tell_part(r, &page->part[i], &ask, &hint, s, out);
    for (int i = 0; i < r->checks; i++)
        text_add(out, "[%s] %s\n",
                 r->check[i].ticked ? "x"
                 : r->check[i].now  ? "~"
                                    : " ",
                 r->check[i].words);
}
