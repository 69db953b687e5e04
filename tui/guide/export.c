/* tui/guide/export.c - A lesson as a handout: one HTML page with what is to be done, and on
 * wish with how it is done. */
#include "tui/guide/export.h"

#include <string.h>

static const char style[] =
    "body{font:17px/1.5 Georgia,serif;max-width:44em;margin:2em auto;padding:0 1em;color:#222}"
    "pre{background:#f4f1ea;padding:.7em 1em;overflow-x:auto;font-size:14px}"
    "h1,h2{font-family:sans-serif;line-height:1.2}.box{border-left:4px solid #c9962b;padding:.2em "
    "1em;margin:1em 0}"
    ".box b{font-family:sans-serif;font-size:14px}";

static void box(struct text *out, const char *title, const char *text)
{
    text_add(out, "<div class=\"box\"><b>%s</b><pre>", title);
    text_html(out, text);
    text_add(out, "</pre></div>\n");
}

/* A question without its right answer: "- " and "+ " look alike, conditions and reasons are left
 * out. */
static void question(struct text *out, const struct lesson_part *p)
{
    struct ask ask;
    if (!ask_read(&ask, p->text, p->kind == LESSON_QUIZ, NULL)) return;
    text_add(out, "<div class=\"box\"><b>%s</b><p>", ask.quiz ? "Question" : "Guess first");
    text_html(out, ask.question);
    text_add(out, "</p>");
    for (int i = 0; i < ask.choices; i++) {
        text_add(out, "<p>%c) ", 'a' + i);
        text_html(out, ask.choice[i].text);
        text_add(out, "</p>");
    }
    if (!ask.choices) text_add(out, "<p>____________</p>");
    text_add(out, "</div>\n");
}

static void part(struct text *out, const struct lesson_part *p, bool answers)
{
    static const char *const titles[LESSON_PARTS] = {
        [LESSON_START] = "The page begins with",
        [LESSON_WATCH] = "Look at the view",
        [LESSON_EXPECT] = "What should come true",
        [LESSON_DO] = "One way to do it",
        [LESSON_HINT] = "Hint",
        [LESSON_NOTES] = "For who teaches",
    };
    bool answer = p->kind == LESSON_DO || p->kind == LESSON_HINT || p->kind == LESSON_NOTES;
    struct runner plain = {.blanks = true};
    struct text words = {0};
    if (p->kind == LESSON_PROSE || p->kind == LESSON_FORMULA) {
        runner_words(&plain, NULL, p->text, &words);
        text_add(out, p->kind == LESSON_PROSE ? "<p>" : "<pre>");
        text_html(out, text_str(&words));
        text_add(out, p->kind == LESSON_PROSE ? "</p>\n" : "</pre>\n");
    } else if (p->kind == LESSON_PREDICT || p->kind == LESSON_QUIZ) {
        question(out, p);
        if (answers) box(out, "Its answers", p->text);
    } else if (p->kind == LESSON_EXPECT) {
        char line[256];
        for (int at = 0; lesson_line(p, &at, line, sizeof line);) {
            const char *means = lesson_remark(line);
            text_add(&words, *means ? "[ ] %s (%s)\n" : "[ ] %s%s\n", means, line);
        }
        box(out, titles[p->kind], text_str(&words));
    } else if (titles[p->kind] && (answers || !answer)) {
        box(out, titles[p->kind], p->text);
    }
    text_free(&words);
}

void guide_html(const struct lesson *l, bool answers, struct text *out)
{
    text_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    text_html(out, l->title);
    text_add(out, "</title><style>%s</style></head><body>\n<h1>", style);
    text_html(out, l->title);
    text_add(out, "</h1>\n<p>About %.0f minutes. In vanpool: <code>vanpool lesson %d</code></p>\n",
             l->minutes, l->number);
    for (int i = 0; i < l->pages; i++) {
        text_add(out, "<h2>");
        text_html(out, l->page[i].title);
        text_add(out, "</h2>\n");
        for (int j = 0; j < l->page[i].parts; j++) part(out, &l->page[i].part[j], answers);
    }
    text_add(out, "</body></html>\n");
}
