/* tui/app/lesson.c - A lesson in the explorer: its words, what its page says by itself, and its view. */
#include "tui/app/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look(struct app *a)
{
    const struct view *v = view_find("lesson", NULL);
    a->guide.moved = false;
    a->scene.scroll = 0;
    if (v) action_view(a, v);
}

static void list(struct app *a)
{
    text_clear(&a->lessons);
    guide_list(&a->guide, false, &a->lessons, NULL);
    a->scene.lessons = text_str(&a->lessons);
}

static void show(struct app *a, struct text *out, const char *word)
{
    const char *end = strchr(text_str(out), '\n');
    if (strcmp(word, "lesson") == 0 && !a->guide.runner.lesson) {
        list(a);
        look(a);
    } else if (end && end[1]) {
        popup_page(&a->popup, "Lesson", text_str(out));
    } else if (out->size) {
        app_hint(a, "%.*s", (int)strcspn(text_str(out), "\n"), text_str(out));
    }
}

bool app_lesson_line(struct app *a, int argc, char **argv)
{
    struct text out = {0};
    struct err e = {0};
    bool ok, mine = guide_line(&a->guide, argc, argv, a->any ? &a->now : NULL, &out, &ok, &e);
    if (mine && !ok) app_hint(a, "%s", e.text);
    if (mine && ok) show(a, &out, argv[0]);
    if (a->guide.moved && strcmp(argv[0], "lesson") == 0) a->scene.knob = 0; /* as at a start */
    if (a->guide.moved) look(a);
    bool all = mine && ok && strcmp(argv[0], "answer") == 0 && !runner_open_ask(&a->guide.runner);
    if (all && a->frame.view == view_find("lesson", NULL))
        action_run(a, "last"); /* what comes of it, and what is left to do, stands below */
    a->stale = true;
    text_free(&out);
    return mine;
}

/* The lesson under the cursor of the list opens: its line begins with its number. */
void app_lesson_chosen(struct app *a)
{
    const char *line = text_str(&a->lessons), *next;
    for (int i = 0; i < a->scene.scroll && (next = strchr(line, '\n')) && next[1]; i++)
        line = next + 1;
    char name[] = "lesson", number[16], *words[] = {name, number};
    snprintf(number, sizeof number, "%d", atoi(line));
    app_lesson_line(a, 2, words);
}

/* In a script a line waits until the one before it is trained; so it is here. What a page begins
 * with is the same on every machine: nothing trains between its lines. */
void app_lesson_tick(struct app *a, bool snapshot)
{
    char line[256];
    struct runner *r = &a->guide.runner;
    bool idle = a->any && a->wishes == 0 && (a->now.paused || a->now.goal < 0);
    if (snapshot && guide_feed(&a->guide, &a->now)) a->stale = true;
    while (a->any && guide_note(&a->guide, line, sizeof line)) wish_say(a, line, false);
    if (!idle || !r->saying) return;
    if (!a->now.paused)
        wish_say(a, "pause", false);
    else if (guide_says(&a->guide, &a->now, line, sizeof line))
        wish_say(a, line, false);
}

void app_lesson_begin(struct app *a, const struct app_options *o)
{
    struct err e = {0};
    a->scene.lesson = &a->guide.runner;
    a->guide.runner.keys = true;
    if (o->folder) snprintf(a->guide.folder, sizeof a->guide.folder, "%s", o->folder);
    if (o->lesson && !guide_open(&a->guide, o->lesson, true, &e)) app_hint(a, "%s", e.text);
    list(a);
    if (a->guide.moved) look(a);
}
