/* tests/tui/race_test.c - The race and the engine beyond their golden screens: twelve lanes under
 * way, what is compared with nobody, and who asks for the clock. */
#include "core/base/clock.h"
#include "core/metrics/engine.h"
#include "tests/check.h"
#include "tests/tui/golden.h"
#include "tests/tui/scene.h"
#include "tui/app/inside.h"

#include <unistd.h>

static struct snapshot now;
static struct history past;

/* As many lanes as there can be, in the middle of their only seed. */
static struct scene twelve(void)
{
    scene_orders(&now);
    scene_past(&past, 1240);
    struct snap_race *r = &now.race;
    struct snap_lane some[4];
    memcpy(some, r->lane, sizeof some);
    r->lanes = SNAP_RACE_LANES, r->seeds = 1, r->seed_now = 0, r->seed = 7, r->turn = 3;
    r->on = true, r->done = 0.44, r->left = 62;
    for (int i = 0; i < r->lanes; i++) {
        struct snap_lane *a = &r->lane[i];
        *a = some[i % 4];
        a->accuracy -= 0.02 * i, a->flops *= 1 + 0.01 * i, a->done = 0.44, a->finished = false;
        a->least = a->most = NAN;
        a->front = i == 2;
        a->excluded = i == 11 ? "sees the future" : NULL;
        snprintf(a->label, sizeof a->label, "%.20s %d", some[i % 4].label, i + 1);
    }
    return (struct scene){.now = &now, .past = &past};
}

/* The engine has no number then, and says why. */
START_TEST(during_a_race_the_engine_says_that_the_model_rests)
{
    struct scene s = twelve();
    struct text said = {0};
    now.engine.steps = 0, now.engine.on = true;
    view_find("engine", NULL)->tell(&said, &s);
    ck_assert_msg(strstr(text_str(&said), "this model rests"), "%s", text_str(&said));
    text_clear(&said);
    now.race.on = false, now.paused = false;
    view_find("engine", NULL)->tell(&said, &s);
    ck_assert_msg(!strstr(text_str(&said), "rests"), "%s", text_str(&said));
    text_free(&said);
}
END_TEST

START_TEST(a_long_list_of_lessons_shows_the_chosen_one_and_how_many_follow)
{
    struct scene s = twelve();
    struct frame f = {.view = view_find("lesson", NULL)};
    struct canvas c;
    struct text list = {0};
    for (int i = 0; i < 20; i++) text_add(&list, "%2d  lesson number %d   5 min\n", i, i);
    s.lessons = text_str(&list), s.scroll = 9;
    ck_assert(canvas_open(&c, 80, 24, CHARSET_BRAILLE));
    frame_draw(&c, &s, &f);
    golden_compare("lesson-list-80x24", &c, false);
    s.scroll = 100; /* the end holds */
    frame_draw(&c, &s, &f);
    golden_compare("lesson-list-end-80x24", &c, false);
    canvas_close(&c);
    text_free(&list);
}
END_TEST

START_TEST(twelve_lanes_under_way)
{
    static const struct {
        int width, height, cursor;
        enum charset charset;
        const char *mark;
    } cases[] = {{120, 36, 0, CHARSET_BRAILLE, ""},
                 {80, 24, 0, CHARSET_BRAILLE, ""},
                 {80, 24, 0, CHARSET_ASCII, "-ascii"},
                 {40, 12, 0, CHARSET_BRAILLE, ""},
                 {40, 12, 9, CHARSET_BRAILLE, "-end"}};
    struct scene s = twelve();
    struct frame f = {.view = view_find("race", NULL)};
    struct canvas c;
    char name[64];
    s.cursor = cases[_i].cursor;
    ck_assert(canvas_open(&c, cases[_i].width, cases[_i].height, cases[_i].charset));
    frame_draw(&c, &s, &f);
    snprintf(name, sizeof name, "race-twelve%s-%dx%d", cases[_i].mark, c.width, c.height);
    golden_compare(name, &c, false);
    canvas_close(&c);
}
END_TEST

/* Below the table a letter stands for each lane that is compared, and for no other. */
START_TEST(who_is_compared_with_nobody_is_in_no_picture)
{
    struct scene s = twelve();
    struct canvas c;
    int seen[128] = {0};
    ck_assert(canvas_open(&c, 84, 40, CHARSET_BLOCK));
    view_find("race", NULL)->draw(&c, &s);
    for (int y = 16; y < 36; y++)
        for (int x = 10; x < 42; x++) seen[(unsigned char)c.cells[y * 84 + x].at[0] & 127]++;
    for (int i = 0; i < SNAP_RACE_LANES; i++) {
        char key = (char)(i < 9 ? '1' + i : 'a' + i - 9);
        ck_assert_msg(seen[(int)key] == (i < 11), "lane %c is there %d times", key, seen[(int)key]);
    }
    canvas_close(&c);
}
END_TEST

/* What a step's time is cut into is the whole step. */
START_TEST(the_parts_told_add_up_to_the_step)
{
    struct text out = {0};
    scene_orders(&now);
    struct scene s = {.now = &now, .past = &past};
    view_find("engine", NULL)->tell(&out, &s);
    double sum = 0;
    int lines = 0;
    for (const char *at = text_str(&out); *at; at += strcspn(at, "\n") + 1) {
        const char *end = strstr(at, " of the step.\n"), *ms = strstr(at, ": ");
        if (!end || end > at + strcspn(at, "\n")) continue;
        sum += strtod(ms + 2, NULL);
        lines++;
    }
    ck_assert_int_eq(lines, 8);
    NEAR(sum, now.engine.step_ms, 0.005, 0, "milliseconds told");
    text_free(&out);
}
END_TEST

/* The newest snapshot in which the clock is on, or off. */
static bool clock_is(struct app *a, bool on)
{
    double end = clock_now() + 20;
    while (clock_now() < end) {
        wish_answers(a);
        if (session_snapshot(a->session, &a->now) && a->now.step > 0 && a->now.engine.on == on)
            return true;
        usleep(1000);
    }
    return false;
}

START_TEST(the_clock_runs_only_while_somebody_looks)
{
    struct err e = {0};
    struct config c;
    struct app *a = calloc(1, sizeof *a);
    ck_assert(config_start(&c, "orders", "topk", &e));
    a->frame.view = view_at(0);
    a->scene.past = &a->past;
    a->session = session_open(&c, NULL, &e);
    ck_assert_msg(a->session != NULL, "%s", e.text);
    ck_assert(clock_is(a, false));
    action_key(a, "8");
    ck_assert_msg(clock_is(a, true), "looking did not start it");
    action_key(a, "6");
    ck_assert_msg(clock_is(a, false), "looking elsewhere did not stop it");
    session_close(a->session);
    free(a);
}
END_TEST

SUITE(race_view)
{
    TCase *t = tcase_create("race_view");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, twelve_lanes_under_way, 0, 5);
    tcase_add_test(t, during_a_race_the_engine_says_that_the_model_rests);
    tcase_add_test(t, a_long_list_of_lessons_shows_the_chosen_one_and_how_many_follow);
    tcase_add_test(t, who_is_compared_with_nobody_is_in_no_picture);
    tcase_add_test(t, the_parts_told_add_up_to_the_step);
    tcase_add_test(t, the_clock_runs_only_while_somebody_looks);
    suite_add_tcase(suite, t);
}
