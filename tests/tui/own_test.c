/* tests/tui/own_test.c - A text of a person's own in the view `tokens`: how much was typed, what the
 * model wrote behind it, and from where it is shown. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene.h"

static struct snapshot now;

static struct scene scene_of(int typed, int written, int left, int first)
{
    scene_text(&now);
    now.tokens = typed + written - first;
    now.typed = (struct snap_own){true, typed, written, left, first};
    for (int i = 0; i < now.tokens; i++) now.token[i].id = first + i;
    return (struct scene){.now = &now, .cursor = 5, .layer = 1};
}

START_TEST(a_text_of_ones_own_is_as_its_golden_screens)
{
    static const int sizes[][2] = {{120, 36}, {80, 24}, {40, 12}};
    struct scene s = scene_of(28, 97, 35, 0);
    struct frame f = {.view = view_find("tokens", NULL)};
    struct canvas c;
    char name[64];
    ck_assert(canvas_open(&c, sizes[_i][0], sizes[_i][1], CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    snprintf(name, sizeof name, "tokens-own-%dx%d", c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

static int digits_in(const struct canvas *c, enum ink ink)
{
    int n = 0;
    for (int i = 0; i < c->width * c->height; i++)
        n += c->cells[i].ink == ink && strchr("0123456789", c->cells[i].at[0]) && c->cells[i].at[0];
    return n;
}

START_TEST(digits_of_what_was_written_have_a_colour_of_their_own)
{
    struct canvas c;
    const struct view *tokens = view_find("tokens", NULL);
    int without = 0;
    for (int written = 0; written <= 20; written += 20) {
        struct scene s = scene_of(30, written, 0, 0);
        ck_assert(canvas_open(&c, 60, 16, CHARSET_ASCII)); /* one line of head: no count in it */
        tokens->draw(&c, &s);
        if (written)
            ck_assert_int_eq(digits_in(&c, INK_ACCENT), without + written);
        else
            without = digits_in(&c, INK_ACCENT);
        canvas_close(&c);
    }
}
END_TEST

START_TEST(what_was_typed_and_written_is_told)
{
    struct scene s = scene_of(100, 200, 7, 64);
    struct text t = {0};
    view_find("tokens", NULL)->tell(&t, &s);
    ck_assert_msg(strstr(text_str(&t), "your text: 100 bytes, 200 written, 7 to go; shown from "
                                       "byte 64 on."),
                  "%s", text_str(&t));
    text_clear(&t);
    scene_text(&now);
    view_find("tokens", NULL)->tell(&t, &s);
    ck_assert_ptr_null(strstr(text_str(&t), "your text"));
    text_free(&t);
}
END_TEST

SUITE(own)
{
    TCase *tc = tcase_create("own");
    tcase_add_loop_test(tc, a_text_of_ones_own_is_as_its_golden_screens, 0, 3);
    tcase_add_test(tc, digits_of_what_was_written_have_a_colour_of_their_own);
    tcase_add_test(tc, what_was_typed_and_written_is_told);
    suite_add_tcase(suite, tc);
}
