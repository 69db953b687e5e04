/* tui/views/lesson.c - A lesson: the page on the left, the view that it watches on the right (under
 * it there is no room in small windows: its own key shows it), and its checks, ticking. */
#include "tui/draw/grid.h"
#include "tui/draw/prose.h"
#include "tui/views/facts.h"

#include <stdio.h>
#include <string.h>

extern const struct view view_lesson;

enum { BESIDE_WIDTH = 78, PAGE_MOST = 58, PAGE_LEAST = 40 };

static const char explain[] =
    "A lesson is a few pages. Read one, do what it asks with keys or commands, and watch its "
    "checks "
    "tick: each is a condition on what is being measured now. ] turns the page, [ turns back, h "
    "gives a hint, :solve shows the page's own way, :play lets the checks rest. Nothing you do can "
    "break anything.";

static void draw_checks(struct canvas *to, int y, const struct runner *r)
{
    canvas_fill(to, 0, y, to->width, INK_FRAME, "─");
    for (int i = 0; i < r->checks; i++) {
        const struct runner_check *c = &r->check[i];
        enum ink ink = c->ticked ? INK_GOOD : c->now ? INK_WARN : INK_DIM;
        canvas_text(to, 0, y + 1 + i, ink, c->ticked ? "✓" : c->now ? "~" : "·");
        canvas_fit(to, 2, y + 1 + i, to->width - 2, c->ticked ? INK_TEXT : INK_BRIGHT, "%s",
                   c->words);
    }
    if (r->checks && runner_done(r))
        canvas_fit(to, 0, y + 1 + r->checks, to->width, INK_GOOD,
                   "all of it holds: ] turns the page");
    else if (r->playing)
        canvas_fit(to, 0, y + 1 + r->checks, to->width, INK_WARN, "play: the checks rest");
    else
        canvas_fit(to, 0, y + 1 + r->checks, to->width, INK_DIM, "h hint  ] next  [ back");
}

/* The page's words without its checks: these stand below and stay in sight. */
static void page_words(const struct runner *r, const struct snapshot *s, struct text *out)
{
    struct runner bare = *r;
    bare.checks = 0;
    runner_tell(&bare, s, out);
    while (out->size && out->at[out->size - 1] == '\n') out->at[--out->size] = 0;
}

static void draw_page(struct canvas *to, const struct scene *s)
{
    const struct runner *r = s->lesson;
    const struct lesson_page *page = &r->lesson->page[r->page];
    struct text words = {0};
    int below = r->checks + 2, room = to->height - 2 - below;
    canvas_fit(to, 0, 0, to->width, INK_TITLE, "%d/%d %s", r->page + 1, r->lesson->pages,
               page->title);
    page_words(r, s->now, &words);
    int lines = prose_lines(to->width, text_str(&words)), most = lines - room;
    int skip = s->scroll < most ? s->scroll : most;
    if (skip < 0) skip = 0;
    prose_draw(to, 0, 2, to->width, room, skip, INK_TEXT, text_str(&words));
    text_free(&words);
    if (room > 0) draw_checks(to, to->height - below, r);
    if (lines - skip > room && room > 0)
        canvas_fit(to, to->width - 18, to->height - below, 18, INK_ACCENT, " ↓ %d more lines ",
                   lines - skip - room);
}

static void draw_list(struct canvas *to, const struct scene *s)
{
    canvas_fit(to, 1, 0, to->width - 2, INK_TEXT,
               "No lesson is open. :lesson N opens one, and it is yours until :lesson quit.");
    if (s->lessons)
        prose_draw(to, 1, 2, to->width - 2, to->height - 2, s->scroll, INK_TEXT, s->lessons);
}

static void lesson_draw(struct canvas *to, const struct scene *s)
{
    const struct runner *r = s->lesson;
    if (!r || !r->lesson) {
        draw_list(to, s);
        return;
    }
    const struct view *watched = *r->watch ? view_find(r->watch, NULL) : NULL;
    bool beside = watched && watched != &view_lesson && to->width >= BESIDE_WIDTH;
    int width = beside ? to->width / 2 : to->width - 1;
    if (width > PAGE_MOST && beside) width = PAGE_MOST;
    struct canvas page = canvas_part(to, 1, 0, width - 1, to->height);
    draw_page(&page, s);
    if (!beside) return;
    grid_upright(to, width + 1, 0, to->height);
    struct canvas view = canvas_part(to, width + 2, 0, to->width - width - 2, to->height);
    struct scene scene = *s;
    scene.scroll = 0;
    watched->draw(&view, &scene);
}

static void lesson_tell(struct text *to, const struct scene *s)
{
    if (!s->lesson || !s->lesson->lesson) {
        text_add(to, "No lesson is open: 'lesson N' opens one.\n%s", s->lessons ? s->lessons : "");
        return;
    }
    text_add(to, "%s\n\n", s->lesson->lesson->page[s->lesson->page].title);
    runner_tell(s->lesson, s->now, to);
}

const struct view view_lesson = {
    .name = "lesson",
    .key = '9',
    .title = "Lesson",
    .question = "What do I try next?",
    .uses = VIEW_SCROLL,
    .explain = explain,
    .draw = lesson_draw,
    .tell = lesson_tell,
};
