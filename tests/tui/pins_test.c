/* tests/tui/pins_test.c - Runs kept on the curves: the lines that do it, and how they look. */
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene.h"

static struct snapshot now;
static struct history past;
static struct pins pins;

static bool say(const char *a, const char *b, const char *c, struct text *out, struct err *e)
{
    char words[3][32];
    char *argv[] = {words[0], words[1], words[2]};
    bool ok = false;
    snprintf(words[0], sizeof words[0], "%s", a);
    snprintf(words[1], sizeof words[1], "%s", b ? b : "");
    snprintf(words[2], sizeof words[2], "%s", c ? c : "");
    text_clear(out);
    ck_assert(pins_line(&pins, 1 + (b != NULL) + (c != NULL), argv, &now, &past, out, &ok, e));
    return ok;
}

static struct scene start(void)
{
    memset(&pins, 0, sizeof pins);
    scene_orders(&now);
    scene_past(&past, 1240);
    return (struct scene){.now = &now, .past = &past, .pins = &pins, .cursor = 2};
}

START_TEST(a_run_is_pinned_listed_and_let_go)
{
    struct text out = {0};
    struct err e = {0};
    start();
    ck_assert(say("pins", NULL, NULL, &out, &e));
    ck_assert_ptr_nonnull(strstr(out.at, "no run is pinned"));
    ck_assert(say("pin", NULL, NULL, &out, &e));
    ck_assert_str_eq(pins.pin[0].label, now.run_label);
    ck_assert(say("pin", "two", "words", &out, &e));
    ck_assert_str_eq(pins.pin[1].label, "two words");
    ck_assert(say("pins", NULL, NULL, &out, &e));
    ck_assert_msg(strstr(out.at, "1 topp p=0.80: to step 1240, loss 0.3"), "%s", out.at);
    ck_assert(say("unpin", "1", NULL, &out, &e));
    ck_assert_int_eq(pins.count, 1);
    ck_assert_str_eq(pins.pin[0].label, "two words");
    ck_assert(say("unpin", NULL, NULL, &out, &e));
    ck_assert_int_eq(pins.count, 0);
    ck_assert(!say("unpin", NULL, NULL, &out, &e));
    text_free(&out);
}
END_TEST

START_TEST(what_cannot_be_pinned_is_refused_and_loses_nothing)
{
    struct text out = {0};
    struct err e = {0};
    start();
    for (int i = 0; i < PINS_MOST; i++) ck_assert(say("pin", NULL, NULL, &out, &e));
    ck_assert(!say("pin", NULL, NULL, &out, &e));
    ck_assert_msg(strstr(e.text, "unpin"), "%s", e.text);
    ck_assert_int_eq(pins.count, PINS_MOST);
    ck_assert(!say("unpin", "9", NULL, &out, &e));
    ck_assert(!say("unpin", "1x", NULL, &out, &e));
    ck_assert_int_eq(pins.count, PINS_MOST);
    memset(&past, 0, sizeof past), memset(&pins, 0, sizeof pins);
    ck_assert(!say("pin", NULL, NULL, &out, &e));
    ck_assert_int_eq(pins.count, 0);
    text_free(&out);
}
END_TEST

START_TEST(a_pin_outlives_the_run_and_ends_where_it_ended)
{
    struct text out = {0};
    struct err e = {0};
    start();
    float loss = past.line[HISTORY_LOSS][past.count - 1];
    ck_assert(say("pin", NULL, NULL, &out, &e));
    scene_past(&past, 400); /* another run */
    ck_assert_int_eq(pins.pin[0].step[pins.pin[0].count - 1], 1240);
    ck_assert(pins_last(&pins.pin[0], HISTORY_LOSS) == (double)loss);
    ck_assert_int_le(pins.pin[0].count, PIN_POINTS);
    text_free(&out);
}
END_TEST

/* A long run pinned, a short one alive; `full`: more marks than there is room for, and a strategy
 * that says what to expect. */
START_TEST(pinned_runs_stand_dim_below_the_live_one)
{
    static const struct {
        int width, height;
        bool full;
    } cases[] = {{120, 36, false}, {80, 24, false}, {40, 12, false}, {80, 24, true}};
    struct scene s = start();
    struct frame f = {.view = view_find("curves", NULL)};
    struct canvas c;
    struct text out = {0};
    struct err e = {0};
    char name[64];
    bool full = cases[_i].full;
    ck_assert(say("pin", NULL, NULL, &out, &e));
    scene_past(&past, 620);
    for (int i = 0; i < past.count; i++) past.line[HISTORY_LOSS][i] += 0.3f;
    ck_assert(say("pin", "with a", "price", &out, &e));
    scene_past(&past, full ? 1100 : 500);
    for (int i = 0; full && i < 7; i++) {
        struct snap_mark *m = &past.mark[past.marks++];
        m->step = 1030 + 10 * i;
        snprintf(m->text, sizeof m->text, i == 6 ? "router dynmoe" : "aux=0.0%d", i + 1);
    }
    ck_assert(canvas_open(&c, cases[_i].width, cases[_i].height, CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    snprintf(name, sizeof name, "curves-%s-%dx%d", full ? "full" : "pins", c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
    text_free(&out);
}
END_TEST

START_TEST(pins_are_told_with_their_last_values)
{
    struct scene s = start();
    struct text out = {0};
    struct err e = {0};
    ck_assert(say("pin", NULL, NULL, &out, &e));
    text_clear(&out);
    view_find("curves", NULL)->tell(&out, &s);
    ck_assert_msg(strstr(out.at, "pinned 1, topp p=0.80, at step 1,240: loss 0.3"), "%s", out.at);
    text_free(&out);
}
END_TEST

SUITE(pins_views)
{
    TCase *tc = tcase_create("pins");
    tcase_add_test(tc, a_run_is_pinned_listed_and_let_go);
    tcase_add_test(tc, what_cannot_be_pinned_is_refused_and_loses_nothing);
    tcase_add_test(tc, a_pin_outlives_the_run_and_ends_where_it_ended);
    tcase_add_loop_test(tc, pinned_runs_stand_dim_below_the_live_one, 0, 4);
    tcase_add_test(tc, pins_are_told_with_their_last_values);
    suite_add_tcase(suite, tc);
}
