/* tui/views/lesson.c - A lesson: the page on the left, the view that it watches on the right (under
 * it there is no room in small windows: its own key shows it), and its checks, ticking. */
#include "tui/draw/grid.h"
#include "tui/draw/prose.h"
#include "tui/views/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_lesson;

enum { BESIDE_WIDTH = 78, PAGE_MOST = 58, PAGE_LEAST = 40 };

static const char explain[] =
    "A lesson is a few pages. Read one, do what it asks with keys or commands, and watch its "
    "checks tick: each is a condition on what is being measured now. A letter, or a click, answers "
    "a question; a begins to type a number. ] turns the page, and so does Enter once all checks "
    "hold; [ turns back, h gives a hint, :solve shows the page's own way, :again begins the page "
    "anew, :play lets the checks rest. The arrows move a page that is longer than the screen. "
    "Nothing you do can break anything.";

/* What comes next, in the line between the words and the checks. */
static void draw_state(struct canvas *to, int y, int room, const struct runner *r)
{
    enum ink ink = INK_DIM;
    struct text say = {0};
    bool done = r->checks && runner_done(r);
    if (r->saying && r->saying_page < r->page)
        ink = INK_WARN, text_add(&say, "page %d first: %s", r->saying_page + 1, r->line);
    else if (r->saying && r->saying->kind == LESSON_DO)
        ink = INK_WARN, text_add(&say, "its own way: %s", r->line);
    else if (r->saying)
        ink = INK_WARN, text_add(&say, "it begins with: %s", r->line);
    else if (r->playing)
        ink = INK_WARN, text_add(&say, "play: the checks rest until :play");
    else if (done && runner_last(r))
        ink = INK_GOOD, text_add(&say, "✓ done: Enter opens the next");
    else if (done)
        ink = INK_GOOD, text_add(&say, "✓ all holds: Enter turns");
    else if (!r->checks)
        ink = INK_KEY,
        text_add(&say, runner_last(r) ? "Enter opens the next lesson" : "Enter turns the page");
    else
        text_add(&say, "h hint  :solve");
    canvas_fill(to, 0, y, to->width, INK_FRAME, "─");
    int end = canvas_fit(to, 3, y, room - 4, ink, "%s", text_str(&say));
    canvas_text(to, 2, y, ink, " ");
    canvas_text(to, end, y, ink, " ");
    bool turns = !r->saying && !r->playing && (done || !r->checks);
    canvas_zone(to, 2, y, end - 1, 1, turns ? "@open" : "@lesson-hint");
    text_free(&say);
}

static void draw_checks(struct canvas *to, int y, const struct runner *r)
{
    for (int i = 0; i < r->checks; i++) {
        const struct runner_check *c = &r->check[i];
        enum ink ink = c->ticked ? INK_GOOD : c->now ? INK_WARN : INK_DIM;
        canvas_text(to, 0, y + i, ink, c->ticked ? "✓" : c->now ? "~" : "·");
        int end = canvas_fit(to, 2, y + i, to->width - 2, c->ticked ? INK_TEXT : INK_BRIGHT, "%s",
                             *c->means ? c->means : c->words);
        if (*c->means && end + 2 + canvas_columns(c->words) <= to->width)
            canvas_text(to, end + 2, y + i, INK_DIM, "%s", c->words);
    }
}

/* The page's words without its checks: these stand below and stay in sight. */
static void page_words(const struct runner *r, const struct snapshot *s, struct text *out)
{
    struct runner bare = *r;
    bare.checks = 0;
    runner_tell(&bare, s, out);
    while (out->size && out->at[out->size - 1] == '\n') out->at[--out->size] = 0;
}

/* A click on a choice of the open question answers it. */
static void draw_choices(struct canvas *to, const struct runner *r, const char *words, int top,
                         int room, int skip)
{
    const struct runner_ask *a = runner_open_ask(r);
    const char *at = a ? strstr(words, a->ask.question) : NULL;
    for (int i = 0; at && i < a->ask.choices; i++) {
        char before[8];
        struct text above = {0};
        snprintf(before, sizeof before, "\n  %c) ", 'a' + i);
        if (!(at = strstr(at, before))) return;
        text_put(&above, words, (size_t)(at + 1 - words));
        int y = prose_lines(to->width, text_str(&above)) - skip;
        text_free(&above);
        if (y >= 0 && y < room) canvas_zone(to, 0, top + y, to->width, 1, "answer %c", 'a' + i);
        at++;
    }
}

static void draw_page(struct canvas *to, const struct scene *s)
{
    const struct runner *r = s->lesson;
    const struct lesson_page *page = &r->lesson->page[r->page];
    struct text words = {0};
    char more[24] = "", less[24] = "";
    page_words(r, s->now, &words);
    int below = r->checks + 1, lines = prose_lines(to->width, text_str(&words));
    int top = 2 + lines + below <= to->height ? 2 : 1; /* air under the title where there is any */
    int room = to->height - top - below, line = to->height - below, most = lines - room;
    int skip = s->scroll < most ? s->scroll : most;
    int end = canvas_fit(to, 0, 0, to->width, INK_TITLE, "%d/%d %s", r->page + 1, r->lesson->pages,
                         page->title);
    if (to->width - end >= 12 && r->lesson->number >= 0)
        canvas_fit(to, to->width - 9, 0, 9, INK_DIM, "lesson %2d", r->lesson->number);
    if (skip < 0) skip = 0;
    prose_draw(to, 0, top, to->width, room, skip, INK_TEXT, text_str(&words));
    draw_choices(to, r, text_str(&words), top, room, skip);
    text_free(&words);
    if (room <= 0) return;
    if (skip > 0) snprintf(less, sizeof less, " ↑ %d ", skip);
    if (lines - skip > room) snprintf(more, sizeof more, " ↓ %d more ", lines - skip - room);
    int arrows = canvas_columns(less) + canvas_columns(more);
    draw_state(to, line, to->width - arrows, r);
    int x = canvas_text(to, to->width - arrows, line, INK_ACCENT, "%s", less);
    canvas_text(to, x, line, INK_ACCENT, "%s", more);
    draw_checks(to, line + 1, r);
}

/* Every lesson a line, as `lesson list` says it; the arrows choose one. */
static void draw_list(struct canvas *to, const struct scene *s)
{
    const char *head = "No lesson is open. Up and Down choose one, Enter opens it; it is yours "
                       "until :lesson quit.";
    if (to->height < 12) head = "No lesson is open: Up, Down, Enter.";
    const char *list = s->lessons ? s->lessons : "";
    int y = prose_draw(to, 1, 0, to->width - 2, 3, 0, INK_TEXT, head) + 1, count = 0;
    for (const char *at = list; *at; at++) count += *at == '\n';
    int chosen = s->scroll < count ? s->scroll : count - 1, rows = to->height - y;
    bool longer = rows < count; /* the last row tells */
    rows -= longer;
    int first = chosen >= rows ? chosen - rows + 1 : 0, i = 0;
    for (const char *at = list; *at; at += strcspn(at, "\n") + 1, i++) {
        if (i < first || i - first >= rows) continue;
        int row = y + i - first;
        enum ink ink = i == chosen ? INK_BRIGHT : INK_TEXT;
        if (i == chosen) canvas_text(to, 0, row, INK_ACCENT, "▸");
        canvas_fit(to, 1, row, to->width - 2, ink, "%.*s", (int)strcspn(at, "\n"), at);
        canvas_zone(to, 0, row, to->width, 1, "lesson %d", atoi(at));
    }
    int below = count - first - rows;
    if (longer && below > 0)
        canvas_fit(to, 1, to->height - 1, to->width - 2, INK_DIM, "↓ %d more lesson%s", below,
                   below == 1 ? "" : "s");
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
