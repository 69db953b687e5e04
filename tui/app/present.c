/* tui/app/present.c - What stands on the teacher's second terminal: the notes of the lesson's page
 * and its checks, or the view in plain words. */
#include "tui/app/inside.h"

#include <stdio.h>

static void say_lesson(struct app *a, struct text *page)
{
    const struct runner *r = &a->guide.runner;
    const struct lesson_page *now = &r->lesson->page[r->page];
    const struct lesson_part *p = NULL;
    text_add(page, "%s, page %d of %d: %s\n\n", r->lesson->title, r->page + 1, r->lesson->pages,
             now->title);
    while ((p = lesson_part(now, LESSON_NOTES, p))) text_add(page, "%s\n", p->text);
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
