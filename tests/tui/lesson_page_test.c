/* tests/tui/lesson_page_test.c - Pages of the lessons as the smallest usual terminal shows them. */
#include "core/script/packed.h"
#include "tests/check.h"
#include "tests/tui/scene.h"

#include <stdlib.h>

static struct snapshot now;
static struct lesson lesson;
static struct runner runner;

/* Lines of the page that 80x24 has no room for. */
static int left_over(void)
{
    struct scene s = {.now = &now, .lesson = &runner};
    struct frame f = {.view = view_find("lesson", NULL), .hint = "-"};
    struct canvas c;
    struct text screen = {0};
    ck_assert(canvas_open(&c, 80, 24, CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    canvas_write(&c, &screen, false);
    const char *sign = strstr(text_str(&screen), "↓ ");
    int left = sign ? atoi(sign + strlen("↓ ")) : 0;
    text_free(&screen);
    canvas_close(&c);
    return left;
}

/* With nothing kept and nothing answered, as who turns to a page finds it. */
START_TEST(a_page_of_a_lesson_fits_a_terminal_of_80x24)
{
    const struct packed *p = packed_at("lessons", _i);
    struct err e = {0};
    ck_assert_ptr_nonnull(p);
    scene_orders(&now);
    ck_assert_msg(lesson_read(&lesson, p->name, p->text, strlen(p->text), &e), "%s", e.text);
    for (int page = 0; page < lesson.pages; page++) {
        runner_open(&runner, &lesson, page);
        int left = left_over();
        ck_assert_msg(left == 0, "%s: page %d is %d lines too long for 80x24", p->name, page + 1,
                      left);
    }
    lesson_close(&lesson);
}
END_TEST

SUITE(lesson_page)
{
    TCase *t = tcase_create("lesson_page");
    int lessons = 0;
    while (packed_at("lessons", lessons)) lessons++;
    tcase_add_loop_test(t, a_page_of_a_lesson_fits_a_terminal_of_80x24, 0, lessons);
    suite_add_tcase(suite, t);
}
