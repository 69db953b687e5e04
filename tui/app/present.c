/* tui/app/present.c - What stands on the teacher's second terminal: the notes of the lesson's page
 * and its checks, or the view in plain words. */
#include "tui/app/inside.h"

#include <stdio.h>

/* The notes of a page; false: it has none. */
static bool say_notes(const struct lesson_page *of, struct text *page)
{
    const struct lesson_part *p = NULL;
    bool any = false;
    while ((p = lesson_part(of, LESSON_NOTES, p))) text_add(page, "%s\n", p->text), any = true;
    return any;
}

/* Behind a page that is only read stands the one with its question: its notes are wanted now. */
static void say_lesson(struct app *a, struct text *page)
{
    const struct runner *r = &a->guide.runner;
    const struct lesson_page *now = &r->lesson->page[r->page];
    const struct lesson_part *p = NULL;
    text_add(page, "%s, page %d of %d: %s\n\n", r->lesson->title, r->page + 1, r->lesson->pages,
             now->title);
    if (!say_notes(now, page) && !r->checks && !runner_last(r)) {
        text_add(page, "Then comes: %s\n\n", now[1].title);
        say_notes(now + 1, page);
    }
    if ((p = lesson_part(now, LESSON_DO, NULL))) text_add(page, "Its own way:\n%s\n", p->text);
    guide_checks(&a->guide, page);
}

void app_present(struct app *a)
{
    struct text page = {0};
    const struct view *v = a->frame.view;
    if (!a->frame.presenter) return desk_close(&a->desk);
    if (a->guide.runner.lesson)
        say_lesson(a, &page);
    else
        text_add(&page, "%s\n\n%s\n", v->question, v->explain ? v->explain : "");
    desk_show(&a->desk, text_str(&page));
    text_free(&page);
}
