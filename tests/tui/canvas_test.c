/* tests/tui/canvas_test.c - Cells, wide characters, clipping, ASCII; bars, sparks, prose; colours
 * at each depth. */
#include "tests/check.h"
#include "tui/draw/bars.h"
#include "tui/draw/heat.h"
#include "tui/draw/prose.h"
#include "tui/draw/spark.h"
#include "tui/screen/theme.h"

static struct canvas c;

static void open_canvas(int width, int height, enum charset charset)
{
    ck_assert(canvas_open(&c, width, height, charset));
}

static void expect(const char *want)
{
    struct text t = {0};
    canvas_write(&c, &t, false);
    ck_assert_str_eq(text_str(&t), want);
    text_free(&t);
    canvas_close(&c);
}

START_TEST(text_is_clipped_and_cut_text_ends_in_an_ellipsis)
{
    open_canvas(6, 3, CHARSET_BLOCK);
    ck_assert_int_eq(canvas_text(&c, 2, 0, INK_TEXT, "abcdefgh"), 10);
    canvas_fit(&c, 0, 1, 99, INK_TEXT, "abcdefgh");
    canvas_fit(&c, 0, 2, 6, INK_TEXT, "abcdef");
    canvas_text(&c, 0, 9, INK_TEXT, "below");
    expect("  abcd\nabcde…\nabcdef\n");
}
END_TEST

START_TEST(ascii_says_the_same_in_plain_characters)
{
    open_canvas(16, 2, CHARSET_ASCII);
    canvas_text(&c, 0, 0, INK_TEXT, "▪▪ – ✓ ✗ ρ × … ▶");
    canvas_text(&c, 0, 1, INK_TEXT, "┌─┐ │ ⣿ 中");
    expect("## - + x r x ~ >\n+-+ | . ??\n");
}
END_TEST

START_TEST(a_wide_character_is_whole_or_not_there)
{
    open_canvas(5, 3, CHARSET_BLOCK);
    canvas_text(&c, 0, 0, INK_TEXT, "ab中国"); /* the last one would be cut in half */
    canvas_text(&c, 0, 1, INK_TEXT, "中x");
    canvas_text(&c, 1, 1, INK_TEXT, "y");          /* over its right half */
    canvas_text(&c, 0, 2, INK_TEXT, "e\xcc\x81g"); /* a mark that combines */
    expect("ab中\n yx\ne\xcc\x81g\n");
    ck_assert_int_eq(canvas_columns("ab中e\xcc\x81"), 5);
}
END_TEST

START_TEST(bytes_that_are_no_text_take_one_column_each)
{
    open_canvas(8, 1, CHARSET_BLOCK);
    ck_assert_int_eq(canvas_text(&c, 0, 0, INK_TEXT, "\xff\xc3(\xe2\x82\x1b["), 7);
    expect("\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd[\n");
}
END_TEST

START_TEST(a_part_clips_to_itself_and_to_its_whole)
{
    open_canvas(6, 2, CHARSET_BLOCK);
    struct canvas part = canvas_part(&c, 2, 0, 3, 1), beyond = canvas_part(&c, 4, 1, 9, 9),
                  none = canvas_part(&c, 7, 7, 2, 2);
    canvas_text(&part, -1, 0, INK_TEXT, "abcdef");
    canvas_fill(&beyond, 0, 0, 9, INK_TEXT, "#");
    canvas_text(&none, 0, 0, INK_TEXT, "x");
    ck_assert_int_eq(beyond.width, 2);
    ck_assert_int_eq(none.width, 0);
    expect("  bcd\n    ##\n");
}
END_TEST

START_TEST(bars_grow_by_eighths)
{
    static const struct {
        double share;
        const char *want;
    } cases[] = {
        {0, "\n"},        {0.001, "▏\n"}, {0.5, "██\n"}, {0.53125, "██▏\n"},
        {0.99, "████\n"}, {7, "████\n"},  {NAN, "\n"},
    };
    open_canvas(6, 1, CHARSET_BLOCK);
    bar_draw(&c, 0, 0, 4, cases[_i].share, INK_TEXT);
    expect(cases[_i].want);
}
END_TEST

START_TEST(sparks_show_low_and_high_and_gaps)
{
    const float value[] = {0, 1, NAN, 0.5f};
    open_canvas(4, 1, CHARSET_BLOCK);
    spark_draw(&c, 0, 0, 4, value, 4, INK_TEXT);
    expect("▁█ ▄\n");
    open_canvas(3, 1, CHARSET_BRAILLE);
    spark_draw(&c, 0, 0, 3, value, 2, INK_TEXT);
    expect("  ⣸\n");
    open_canvas(4, 1, CHARSET_ASCII);
    spark_draw(&c, 0, 0, 4, value, 4, INK_TEXT);
    expect("_# -\n");
}
END_TEST

START_TEST(a_curve_goes_from_corner_to_corner)
{
    const float value[] = {0, 1, 2, 3};
    open_canvas(4, 4, CHARSET_ASCII);
    spark_plot(&c, value, 4, 0, 3, INK_TEXT);
    expect("   *\n  *\n *\n*\n");
    open_canvas(2, 1, CHARSET_BRAILLE);
    spark_plot(&c, value, 4, 0, 3, INK_TEXT);
    expect("⡠⠊\n");
}
END_TEST

START_TEST(prose_wraps_between_words_and_marks_what_is_cut)
{
    open_canvas(9, 3, CHARSET_BLOCK);
    ck_assert_int_eq(prose_draw(&c, 0, 0, 9, 2, 0, INK_TEXT, "two vans for every order"), 3);
    expect("two vans\nfor ever…\n\n");
}
END_TEST

START_TEST(prose_breaks_at_line_feeds_and_skips_lines)
{
    open_canvas(9, 2, CHARSET_BLOCK);
    prose_draw(&c, 0, 0, 9, 2, 1, INK_TEXT, "one\ntwo\nunbreakables");
    expect("two\nunbreaka…\n");
}
END_TEST

START_TEST(heat_has_a_colour_for_each_count)
{
    ck_assert_int_eq(heat_count(0, 8), INK_HEAT0);
    ck_assert_int_eq(heat_count(3, 8), INK_HEAT0 + 3);
    ck_assert_int_eq(heat_count(8, 8), INK_HEAT5);
    ck_assert_int_eq(heat_count(9, 64), INK_HEAT0 + 2);
    ck_assert_int_eq(heat_load(1), INK_HEAT0 + 2);
    ck_assert_int_eq(heat_load(NAN), INK_DIM);
}
END_TEST

START_TEST(no_colour_is_ever_used_where_there_is_none)
{
    for (int ink = 0; ink < INK_COUNT; ink++) {
        struct theme_look mono = theme_look(theme_find("dark", NULL), THEME_MONO, (enum ink)ink),
                          eight = theme_look(theme_find("dark", NULL), THEME_8, (enum ink)ink);
        ck_assert_int_eq(mono.fore, -1);
        ck_assert_int_eq(mono.back, -1);
        ck_assert_int_lt(eight.fore, 8);
        ck_assert_int_lt(eight.back, 8);
        ck_assert_int_lt(theme_look(theme_find("dark", NULL), THEME_16, (enum ink)ink).fore, 16);
    }
    ck_assert(theme_look(theme_find("dark", NULL), THEME_MONO, INK_SELECTED).reverse);
    static const short vans[] = {214, 74, 36, 227, 32, 166, 175, 250},
                       heat[] = {53, 24, 30, 36, 113, 220};
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(theme_look(theme_find("dark", NULL), THEME_256, INK_VAN0 + i).fore,
                         vans[i]);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(theme_look(theme_find("dark", NULL), THEME_256, INK_HEAT0 + i).back,
                         heat[i]);
}
END_TEST

SUITE(canvas)
{
    TCase *tc = tcase_create("canvas");
    tcase_add_test(tc, text_is_clipped_and_cut_text_ends_in_an_ellipsis);
    tcase_add_test(tc, ascii_says_the_same_in_plain_characters);
    tcase_add_test(tc, a_wide_character_is_whole_or_not_there);
    tcase_add_test(tc, bytes_that_are_no_text_take_one_column_each);
    tcase_add_test(tc, a_part_clips_to_itself_and_to_its_whole);
    tcase_add_loop_test(tc, bars_grow_by_eighths, 0, 7);
    tcase_add_test(tc, sparks_show_low_and_high_and_gaps);
    tcase_add_test(tc, a_curve_goes_from_corner_to_corner);
    tcase_add_test(tc, prose_wraps_between_words_and_marks_what_is_cut);
    tcase_add_test(tc, prose_breaks_at_line_feeds_and_skips_lines);
    tcase_add_test(tc, heat_has_a_colour_for_each_count);
    tcase_add_test(tc, no_colour_is_ever_used_where_there_is_none);
    suite_add_tcase(suite, tc);
}
