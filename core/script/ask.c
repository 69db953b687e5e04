/* core/script/ask.c - Questions of lessons: read, answered, judged. */
#include "core/script/ask.h"
#include "core/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool add_words(char *to, size_t size, const char *line, const char *what, struct err *e)
{
    size_t n = strlen(to);
    if (n + strlen(line) + 2 > size)
        return err_set(e, ERR_INPUT, "%s has more than %zu bytes", what, size - 1);
    snprintf(to + n, size - n, "%s%s", n ? " " : "", line);
    return true;
}

/* "answer [NUMBER *] FIELD" */
static bool read_number(struct ask *a, const char *words, struct err *e)
{
    char *end;
    a->scale = strtod(words, &end);
    if (end == words)
        a->scale = 1;
    else if (end += strspn(end, " "), *end == '*')
        words = end + 1;
    else
        return err_set(e, ERR_INPUT, "a number is asked for as 'answer 100 * val_accuracy'");
    words += strspn(words, " ");
    size_t n = strlen(words);
    if (n == 0 || n >= sizeof a->field ||
        words[strspn(words, "abcdefghijklmnopqrstuvwxyz0123456789_.")])
        return err_set(e, ERR_INPUT, "'answer' wants the name of a field, not '%.40s'", words);
    snprintf(a->field, sizeof a->field, "%s", words);
    return true;
}

static bool read_choice(struct ask *a, const char *line, bool right, struct err *e)
{
    if (a->choices == ASK_CHOICES)
        return err_set(e, ERR_INPUT, "a question has at most %d answers", ASK_CHOICES);
    const char *colon = a->quiz ? NULL : strrchr(line, ':');
    if (!a->quiz && !colon)
        return err_set(e, ERR_INPUT,
                       "a choice of a prediction is '- WORDS: CONDITION', not '%.60s'", line);
    size_t n = colon ? (size_t)(colon - line) : strlen(line);
    if (n == 0 || n >= sizeof a->choice[0].text)
        return err_set(e, ERR_INPUT, "an answer has 1 to %zu bytes", sizeof a->choice[0].text - 1);
    snprintf(a->choice[a->choices].text, sizeof a->choice[0].text, "%.*s", (int)n, line);
    a->choice[a->choices].right = right;
    if (colon && !expect_read(&a->choice[a->choices].when, colon + 1, e)) return false;
    a->choices++;
    return true;
}

static bool read_line(struct ask *a, const char *line, struct err *e)
{
    if (!a->quiz && strncmp(line, "answer ", 7) == 0) return read_number(a, line + 7, e);
    if (line[0] == '-' && line[1] == ' ') return read_choice(a, line + 2, false, e);
    if (a->quiz && line[0] == '+' && line[1] == ' ') return read_choice(a, line + 2, true, e);
    if (a->quiz && line[0] == '>' && line[1] == ' ')
        return add_words(a->why, sizeof a->why, line + 2, "the reason", e);
    return add_words(a->question, sizeof a->question, line, "the question", e);
}

bool ask_read(struct ask *to, const char *text, bool quiz, struct err *e)
{
    int right = 0;
    *to = (struct ask){.quiz = quiz};
    while (*text) {
        char line[512];
        size_t n = strcspn(text, "\n");
        if (n >= sizeof line)
            return err_set(e, ERR_INPUT, "a line has more than %zu bytes", sizeof line - 1);
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        text += n + (text[n] == '\n');
        if (*line && !read_line(to, line, e)) return false;
    }
    for (int i = 0; i < to->choices; i++) right += to->choice[i].right;
    if (!*to->question) return err_set(e, ERR_INPUT, "there is no question");
    if (quiz && (to->choices < 2 || right != 1))
        return err_set(e, ERR_INPUT,
                       "a quiz has two answers or more ('- '), one of them right ('+ ')");
    if (!quiz && !*to->field && to->choices < 2)
        return err_set(e, ERR_INPUT,
                       "a prediction is 'answer FIELD', or two choices '- WORDS: CONDITION'");
    return true;
}

double ask_truth(const struct ask *a, const struct snapshot *s)
{
    double value = NAN;
    for (int i = 0; i < a->choices; i++)
        if (a->quiz ? a->choice[i].right : expect_holds(&a->choice[i].when, s)) return i;
    if (*a->field && expect_value(s, a->field, &value, NULL)) return a->scale * value;
    return NAN;
}

bool ask_guess(const struct ask *a, const char *words, double *to, struct err *e)
{
    char *end;
    if (a->choices == 0) {
        *to = strtod(words, &end);
        if (end != words && !end[strspn(end, " %")] && isfinite(*to)) return true;
        return err_set(e, ERR_USAGE, "the answer is a number, as in 'answer 70', not '%.40s'",
                       words);
    }
    for (int i = 0; i < a->choices; i++) {
        bool letter = tolower((unsigned char)words[0]) == 'a' + i && !words[1];
        if (letter || strcasecmp(words, a->choice[i].text) == 0) return *to = i, true;
    }
    return err_set(e, ERR_USAGE, "the answer is a letter from a to %c, not '%.40s'",
                   'a' + a->choices - 1, words);
}

void ask_judge(const struct ask *a, double guess, double truth, struct text *out)
{
    if (isnan(guess)) return;
    if (a->choices == 0) {
        if (isnan(truth))
            return text_add(out, "You said %.4g: do what the page asks, then it is told here.",
                            guess);
        return text_add(out, "You said %.4g, it is %.4g: off by %.3g.", guess, truth,
                        fabs(guess - truth));
    }
    const char *said = a->choice[(int)guess].text;
    if (isnan(truth))
        return text_add(out, "You said: %s. Do what the page asks, then it is told here.", said);
    text_add(out, guess == truth ? "Right: %s." : "You said: %s. ", said);
    if (guess != truth && !a->quiz) text_add(out, "It is: %s.", a->choice[(int)truth].text);
    if (guess != truth && a->quiz) text_add(out, "Not this one: try again.");
    if (guess == truth && *a->why) text_add(out, " %s", a->why);
}
