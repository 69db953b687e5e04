/* tests/tui/views_test.c - Every view against its golden screen, and no view ever writes outside
 * its canvas. UPDATE_GOLDEN=1 rewrites the screens. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene.h"
#include "tests/tui/scene_why.h"
#include "tui/app/keys.h"
#include "tui/views/facts.h"

static struct snapshot now;
static struct history past;

/* ---- golden screens ---- */
static const struct {
    int width, height;
} sizes[] = {{120, 36}, {80, 24}, {40, 12}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static struct scene scene_of(bool text)
{
    if (text)
        scene_text(&now);
    else
        scene_orders(&now);
    scene_why(&now, text ? 28 : 2, text ? 1 : 0);
    scene_past(&past, 1240);
    return (struct scene){.now = &now,
                          .past = &past,
                          .cursor = text ? 28 : 2,
                          .layer = text ? 1 : 0,
                          .lesson = text ? NULL : scene_lesson(),
                          .lessons = " 1  Two vans for every order    5 min  done\n"};
}

/* The first view of the four is looked at with orders and text; text comes as view "text-NAME". */
static void golden(const struct view *view, bool text, int size, enum charset charset,
                   const char *mark, bool inks)
{
    struct scene s = scene_of(text);
    struct frame f = {.view = view, .hint = "s changes the rule"};
    struct canvas c;
    char name[64];
    ck_assert(canvas_open(&c, sizes[size].width, sizes[size].height, charset));
    frame_draw(&c, &s, &f);
    snprintf(name, sizeof name, "%s%s%s-%dx%d", text ? "text-" : "", view->name, mark, c.width,
             c.height);
    golden_compare(name, &c, inks);
    canvas_close(&c);
}

START_TEST(every_view_is_as_its_golden_screen_with_orders)
{
    golden(view_at(_i / SIZES), false, _i % SIZES, CHARSET_BRAILLE, "", false);
}
END_TEST

/* As wide as it is beside a lesson's page in 80x24. */
START_TEST(beside_a_lesson_the_load_still_says_how_many_are_dead)
{
    struct scene s = scene_of(false);
    struct canvas c;
    struct text seen = {0};
    now.dead_experts = 5, now.load_max_over_mean = 6.97, now.load_cv = 2.27;
    ck_assert(canvas_open(&c, 35 + _i, 20, CHARSET_BRAILLE));
    view_find("load", NULL)->draw(&c, &s);
    canvas_write(&c, &seen, false);
    ck_assert_msg(strstr(text_str(&seen), "6.97 ×  CV 2.27  dead 5"), "%s", text_str(&seen));
    ck_assert_msg(strstr(text_str(&seen), "over the steps\n"), "%s", text_str(&seen));
    ck_assert_msg(strstr(text_str(&seen), "nothing dropped\n"), "%s", text_str(&seen));
    text_free(&seen);
    canvas_close(&c);
}
END_TEST

START_TEST(every_view_is_as_its_golden_screen_with_text)
{
    golden(view_at(_i / SIZES), true, _i % SIZES, CHARSET_BRAILLE, "", false);
}
END_TEST

START_TEST(every_view_can_be_drawn_in_ascii)
{
    golden(view_at(_i), false, 1, CHARSET_ASCII, "-ascii", false);
    struct scene s = scene_of(_i % 2);
    struct frame f = {.view = view_at(_i)};
    struct canvas c;
    ck_assert(canvas_open(&c, 120, 36, CHARSET_ASCII));
    frame_draw(&c, &s, &f);
    for (int i = 0; i < 120 * 36; i++)
        for (const char *b = c.cells[i].at; *b; b++)
            ck_assert_msg((unsigned char)*b < 128, "%s: '%s' is not ASCII", f.view->name,
                          c.cells[i].at);
    canvas_close(&c);
}
END_TEST

START_TEST(colours_are_as_their_golden_screen)
{
    golden(view_find(_i ? "tokens" : "vans", NULL), _i, 1, CHARSET_BLOCK, "-inks", true);
}
END_TEST

/* ---- what holds at every size ---- */
enum { GUARD = 2 };

/* Draws into the middle of a larger canvas whose rim must stay as it was. */
static void draw_guarded(int width, int height, enum charset charset,
                         void (*draw)(struct canvas *, const struct scene *, const struct view *),
                         const struct scene *s, const struct view *v)
{
    static struct canvas whole; /* one piece of memory for all sizes */
    if (!whole.cells) ck_assert(canvas_open(&whole, 6000, 6, charset));
    whole.width = whole.stride = width + 2 * GUARD, whole.height = height + 2 * GUARD,
    whole.charset = charset;
    ck_assert_int_le(whole.width * whole.height, 6000 * 6);
    for (int y = 0; y < whole.height; y++) canvas_fill(&whole, 0, y, whole.width, INK_BAD, "@");
    struct canvas part = canvas_part(&whole, GUARD, GUARD, width, height);
    draw(&part, s, v);
    for (int y = 0; y < whole.height; y++)
        for (int x = 0; x < whole.width; x++) {
            bool inside = x >= GUARD && x < GUARD + width && y >= GUARD && y < GUARD + height;
            const struct cell *cell = &whole.cells[y * whole.stride + x];
            if (inside || (cell->at[0] == '@' && cell->ink == INK_BAD && !cell->bold)) continue;
            ck_abort_msg("%s at %dx%d wrote outside, at %d,%d", v->name, width, height, x - GUARD,
                         y - GUARD);
        }
}

static void draw_view(struct canvas *to, const struct scene *s, const struct view *v)
{
    v->draw(to, s);
}

static void draw_frame(struct canvas *to, const struct scene *s, const struct view *v)
{
    struct frame f = {.view = v,
                      .hint = s->log_axis ? "a hint" : NULL,
                      .prompt = s->cursor % 2 ? "router topp" : NULL,
                      .presenter = s->scroll == 3};
    frame_draw(to, s, &f);
}

static void every_size(const struct scene *s, const struct view *v)
{
    for (int height = 0; height <= 20; height++)
        for (int width = 0; width <= 50; width++) {
            enum charset charset = (enum charset)((width + height) % 3);
            draw_guarded(width, height, charset, draw_view, s, v);
            if (width > 36 && height > 8) draw_guarded(width, height, charset, draw_frame, s, v);
        }
    static const struct {
        int width, height;
    } large[] = {{80, 3}, {60, 16}, {79, 24}, {108, 24}, {133, 43}, {300, 90}, {10, 200}, {700, 8}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        for (int charset = 0; charset < 3; charset++) {
            draw_guarded(large[i].width, large[i].height, (enum charset)charset, draw_view, s, v);
            draw_guarded(large[i].width, large[i].height, (enum charset)charset, draw_frame, s, v);
        }
}

START_TEST(no_view_writes_outside_its_canvas)
{
    const struct view *v = view_at(_i / 6);
    struct scene s = scene_of(_i % 6 == 1 || _i % 6 == 3);
    if (_i % 6 == 2) s.cursor = 9999, s.layer = 99, s.scroll = 9999, s.knob = 99, s.log_axis = true;
    if (_i % 6 == 3)
        s.cursor = -7, s.layer = -1, s.scroll = 3, s.knob = 1, s.topic = "nothing is called so";
    if (_i % 6 == 4) s.now = NULL, s.past = NULL;
    if (_i % 6 == 5) scene_nothing_known(&now);
    every_size(&s, v);
}
END_TEST

START_TEST(what_is_unknown_is_a_dash_and_never_nan)
{
    struct scene s = {.now = &now, .past = &past, .log_axis = true};
    struct frame f = {.view = view_at(_i)};
    scene_nothing_known(&now);
    memset(&past, 0, sizeof past);
    history_add(&past, &now);
    now.step = 1;
    history_add(&past, &now);
    for (int size = 0; size < SIZES; size++) {
        struct canvas c;
        struct text t = {0};
        ck_assert(canvas_open(&c, sizes[size].width, sizes[size].height, CHARSET_BRAILLE));
        frame_draw(&c, &s, &f);
        canvas_write(&c, &t, false);
        ck_assert_msg(!strstr(text_str(&t), "nan") || view_at(_i)->key == '?', "%s", text_str(&t));
        ck_assert_msg(strstr(text_str(&t), "–") || view_at(_i)->key == '?', "%s", text_str(&t));
        text_free(&t);
        canvas_close(&c);
    }
}
END_TEST

START_TEST(experts_null_hits_and_threshold_are_always_in_sight)
{
    for (int size = 0; size < SIZES; size++) {
        struct scene s = scene_of(false);
        struct frame f = {.view = view_at(_i)};
        struct canvas c;
        struct text t = {0};
        char experts[32];
        ck_assert(canvas_open(&c, sizes[size].width, sizes[size].height, CHARSET_BRAILLE));
        frame_draw(&c, &s, &f);
        canvas_write(&c, &t, false);
        ck_assert_msg(strstr(text_str(&t), facts_number(experts, now.experts_per_token, 2)), "%s",
                      text_str(&t));
        ck_assert_msg(strstr(text_str(&t), "null"), "%s", text_str(&t));
        ck_assert_msg(strstr(text_str(&t), "p 0.80"), "%s", text_str(&t));
        text_free(&t);
        canvas_close(&c);
    }
}
END_TEST

START_TEST(every_view_tells_what_it_shows)
{
    struct scene s = scene_of(_i % 2);
    struct text t = {0};
    view_at(_i / 2)->tell(&t, &s);
    ck_assert_uint_gt(t.size, 40);
    ck_assert_int_eq(t.at[t.size - 1], '\n');
    ck_assert_msg(!strchr(t.at, '\033') && !strstr(t.at, "nan,"), "%s", t.at);
    text_clear(&t);
    s.now = NULL;
    view_at(_i / 2)->tell(&t, &s);
    text_free(&t);
}
END_TEST

START_TEST(the_threshold_of_topk_is_the_lowest_score_taken)
{
    struct scene s = scene_of(true);
    char got[32], want[32];
    double least = 1;
    for (int e = 0; e < 8; e++)
        if (now.token[28].taken[1][0] >> e & 1) least = fmin(least, now.score[28 * 8 + e]);
    snprintf(want, sizeof want, "score %.2f", least);
    ck_assert_str_eq(facts_threshold(got, &s), want);
    s.layer = 0; /* no scores of that layer were brought along */
    ck_assert_str_eq(facts_threshold(got, &s), "–");
}
END_TEST

START_TEST(zero_vans_that_deliver_are_explained)
{
    struct scene s = scene_of(false);
    struct text t = {0};
    view_at(0)->tell(&t, &s);
    ck_assert_ptr_null(strstr(t.at, "0 vans, delivered:"));
    now.token[3].count[0] = 0, now.token[3].taken[0][0] = 0, now.token[3].right = 1;
    text_clear(&t);
    view_at(0)->tell(&t, &s);
    ck_assert_ptr_nonnull(strstr(t.at, "0 vans, delivered:"));
    struct canvas c;
    ck_assert(canvas_open(&c, 100, 30, CHARSET_BRAILLE));
    view_at(0)->draw(&c, &s);
    text_clear(&t);
    canvas_write(&c, &t, false);
    ck_assert_ptr_nonnull(strstr(t.at, "0 vans, delivered:"));
    canvas_close(&c);
    text_free(&t);
}
END_TEST

START_TEST(help_keeps_the_lines_that_speak_of_its_topic)
{
    struct scene s = scene_of(false);
    struct text t = {0};
    s.topic = "entropy";
    view_find("help", NULL)->tell(&t, &s);
    ck_assert_ptr_nonnull(strstr(t.at, "entropy = "));
    ck_assert_ptr_null(strstr(t.at, "capacity"));
    text_clear(&t);
    s.topic = "p";
    view_find("help", NULL)->tell(&t, &s);
    ck_assert_ptr_nonnull(strstr(t.at, "p = 0.80"));
    ck_assert_ptr_null(strstr(t.at, "temperature"));
    text_free(&t);
}
END_TEST

/* The last line of a frame of this width. */
static const char *last_line(struct text *t, const struct scene *s, const struct frame *f,
                             int width)
{
    struct canvas c;
    ck_assert(canvas_open(&c, width, 24, CHARSET_BLOCK));
    frame_draw(&c, s, f);
    text_clear(t);
    canvas_write(&c, t, false);
    canvas_close(&c);
    t->at[t->size - 1] = 0;
    return strrchr(t->at, '\n') + 1;
}

START_TEST(the_footer_names_only_what_works_now)
{
    struct scene s = scene_of(false);
    struct frame f = {.view = view_at(0)};
    struct text t = {0};
    const char *line = last_line(&t, &s, &f, 119);
    ck_assert_msg(strstr(line, "Space pause") && !strstr(line, "undo") && !strstr(line, "layer") &&
                      !strstr(line, "step") && !strstr(line, "log"),
                  "%s", line);
    f.can_undo = true;
    now.paused = true;
    line = last_line(&t, &s, &f, 119);
    ck_assert_msg(strstr(line, "Space go on") && strstr(line, "u undo") && strstr(line, ". step"),
                  "%s", line);
    f.view = view_find("curves", NULL);
    line = last_line(&t, &s, &f, 119);
    ck_assert_msg(strstr(line, "g log axis") && !strstr(line, "Enter"), "%s", line);
    for (int width = 40; width < 300; width += 7) {
        line = last_line(&t, &s, &f, width);
        ck_assert_msg(strstr(line, "? ") && strstr(line, "q quit"), "%d: %s", width, line);
    }
    text_free(&t);
}
END_TEST

START_TEST(views_are_found_by_name_and_the_nearest_is_suggested)
{
    struct err e = {0};
    for (int i = 0; view_at(i); i++)
        ck_assert_ptr_eq(view_find(view_at(i)->name, NULL), view_at(i));
    ck_assert_ptr_null(view_find("curvs", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "curves"));
    ck_assert_int_eq(e.code, ERR_USAGE);
}
END_TEST

/* ---- history ---- */
START_TEST(history_keeps_a_long_run_evenly_in_fixed_memory)
{
    snapshot_clear(&now);
    memset(&past, 0, sizeof past);
    for (long step = 1; step <= 100000; step++) {
        now.step = step;
        now.loss = (double)step;
        history_add(&past, &now);
    }
    ck_assert_int_le(past.count, HISTORY_POINTS);
    ck_assert_int_gt(past.count, HISTORY_POINTS / 2 - 1);
    ck_assert_int_eq(past.step[0], 1);
    for (int i = 1; i < past.count; i++)
        ck_assert_int_eq(past.step[i] - past.step[i - 1], past.every);
    ck_assert_int_ge(past.step[past.count - 1], 100000 - past.every);
}
END_TEST

START_TEST(history_starts_over_with_a_new_run_and_keeps_marks_once)
{
    snapshot_clear(&now);
    memset(&past, 0, sizeof past);
    now.marks = 1;
    now.mark[0] = (struct snap_mark){5, "p=0.5"};
    for (now.step = 5; now.step < 50; now.step++) history_add(&past, &now);
    ck_assert_int_eq(past.marks, 1);
    ck_assert_int_eq(past.count, 45);
    history_add(&past, &now), history_add(&past, &now); /* paused: the same step again */
    ck_assert_int_eq(past.count, 46);
    now.step = 0, now.marks = 0;
    history_add(&past, &now);
    ck_assert_int_eq(past.count, 1);
    ck_assert_int_eq(past.marks, 0);
}
END_TEST

SUITE(views)
{
    int views = 0;
    while (view_at(views)) views++;
    TCase *tc = tcase_create("golden");
    tcase_add_loop_test(tc, every_view_is_as_its_golden_screen_with_orders, 0, views * SIZES);
    tcase_add_loop_test(tc, every_view_is_as_its_golden_screen_with_text, 0, views * SIZES);
    tcase_add_loop_test(tc, every_view_can_be_drawn_in_ascii, 0, views);
    tcase_add_loop_test(tc, beside_a_lesson_the_load_still_says_how_many_are_dead, 0, 3);
    tcase_add_loop_test(tc, colours_are_as_their_golden_screen, 0, 2);
    suite_add_tcase(suite, tc);
    tc = tcase_create("every size");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, no_view_writes_outside_its_canvas, 0, views * 6);
    tcase_add_loop_test(tc, what_is_unknown_is_a_dash_and_never_nan, 0, views);
    tcase_add_loop_test(tc, experts_null_hits_and_threshold_are_always_in_sight, 0, views);
    suite_add_tcase(suite, tc);
    tc = tcase_create("facts");
    tcase_add_loop_test(tc, every_view_tells_what_it_shows, 0, views * 2);
    tcase_add_test(tc, the_threshold_of_topk_is_the_lowest_score_taken);
    tcase_add_test(tc, zero_vans_that_deliver_are_explained);
    tcase_add_test(tc, help_keeps_the_lines_that_speak_of_its_topic);
    tcase_add_test(tc, the_footer_names_only_what_works_now);
    tcase_add_test(tc, views_are_found_by_name_and_the_nearest_is_suggested);
    suite_add_tcase(suite, tc);
    tc = tcase_create("history");
    tcase_add_test(tc, history_keeps_a_long_run_evenly_in_fixed_memory);
    tcase_add_test(tc, history_starts_over_with_a_new_run_and_keeps_marks_once);
    suite_add_tcase(suite, tc);
}
