/* tests/tui/mouse_test.c - What is drawn can be clicked, and does what it says. */
#include "tests/tui/app_rig.h"
#include "tui/prompt/line.h"

/* Presses at `part` (0..1) of the topmost zone that does `what`. */
static void press(struct app *a, const char *what, double part, const char *kind)
{
    app_draw(a);
    for (int i = 0; i < a->zones.count; i++) {
        const struct zone *z = &a->zones.at[i];
        int x = z->x + (int)lround(part * (z->width - 1));
        if (strcmp(z->what, what) != 0 || canvas_zone_at(&a->canvas, x, z->y) != z) continue;
        mouse_event(a, kind, x, z->y);
        return;
    }
    ck_abort_msg("nothing that can be clicked does '%s'", what);
}

START_TEST(what_is_drawn_can_be_clicked)
{
    struct app *a = app_running();
    press(a, "@token 7", 0, "Mouse-Down");
    ck_assert_int_eq(a->scene.cursor, 7);
    press(a, "view load", 0.5, "Mouse-Down");
    ck_assert_str_eq(a->frame.view->name, "load");
    press(a, "@next view", 0, "Mouse-Down");
    ck_assert_str_ne(a->frame.view->name, "load");
    press(a, "@knob 2", 0, "Mouse-Down");
    ck_assert_int_eq(a->scene.knob, 2);
    press(a, "@slider 0", 0.5, "Mouse-Down");
    app_settle(a);
    NEAR(a->now.knob[0], 5, 0.6, 0, "k in the middle of 1 to 8");
    mouse_event(a, "Mouse-Drag", 119, 0);
    app_settle(a);
    NEAR(a->now.knob[0], 8, 0, 0, "k dragged beyond the right end");
    mouse_event(a, "Mouse-Up", 0, 0);
    mouse_event(a, "Mouse-Drag", 0, 0);
    app_settle(a);
    NEAR(a->now.knob[0], 8, 0, 0, "k once the button is up");
    press(a, "@undo", 0, "Mouse-Down");
    app_free(a);
}
END_TEST

/* The whole of the topmost zone that begins so. */
static const char *zone_like(struct app *a, const char *start)
{
    app_draw(a);
    for (int i = a->zones.count - 1; i >= 0; i--)
        if (strncmp(a->zones.at[i].what, start, strlen(start)) == 0) return a->zones.at[i].what;
    ck_abort_msg("nothing that can be clicked begins with '%s'", start);
}

START_TEST(a_click_on_a_van_tells_of_it)
{
    static const char *const views[] = {"vans", "load", "why"};
    struct app *a = app_running();
    char what[56], van[32];
    a->frame.view = view_find(views[_i], NULL);
    snprintf(what, sizeof what, "%s", zone_like(a, "@vans 0 "));
    snprintf(van, sizeof van, "van %d of 8", atoi(what + strlen("@vans 0 ")) + 1);
    press(a, what, 0, "Mouse-Down");
    app_settle(a);
    ck_assert_int_eq(a->popup.kind, POPUP_PAGE);
    ck_assert_msg(strstr(text_str(&a->popup.page), van), "%s: %s", van, text_str(&a->popup.page));
    app_free(a);
}
END_TEST

/* Cells of the heat map stand side by side in one place that can be clicked. */
START_TEST(a_cell_of_the_heat_map_is_its_van)
{
    struct app *a = app_running();
    wish_say(a, "router adamoe", false); /* has slots, so that there is a map */
    app_settle(a);
    a->frame.view = view_find("load", NULL);
    press(a, "@vans 0 0 4", 21.0 / 47, "Mouse-Down"); /* the second column of cell 6 */
    app_settle(a);
    ck_assert_msg(strstr(text_str(&a->popup.page), "van 6 of 8"), "%s", text_str(&a->popup.page));
    popup_close(&a->popup);
    press(a, "@vans 0 0 4", 1, "Mouse-Down");
    ck_assert_msg(strstr(a->hint, "slot"), "%s", a->hint);
    app_free(a);
}
END_TEST

START_TEST(a_click_on_a_lane_offers_its_rule)
{
    struct app *a = app_running();
    int cursor;
    wish_say(a, "race topp topk k=3 steps=5", false);
    app_settle(a);
    a->frame.view = view_find("race", NULL);
    press(a, "@lane 1", 0, "Mouse-Down");
    ck_assert(a->typing);
    ck_assert_str_eq(line_typed(&cursor), "router topk k=3");
    line_end();
    app_free(a);
}
END_TEST

START_TEST(a_box_hides_what_lies_under_it_from_the_mouse)
{
    struct app *a = app_running();
    press(a, "@palette", 0, "Mouse-Down");
    ck_assert_int_eq(a->popup.kind, POPUP_PALETTE);
    mouse_event(a, "Mouse-Next", 60, 20);
    ck_assert_int_eq(a->popup.palette.choice, 1);
    app_draw(a);
    for (int y = 0; y < 36; y++)
        for (int x = 0; x < 120; x++) {
            const struct zone *z = canvas_zone_at(&a->canvas, x, y);
            bool own = z && (strncmp(z->what, "@entry", 6) == 0 || strcmp(z->what, "@none") == 0 ||
                             strncmp(z->what, "@key", 4) == 0);
            ck_assert_msg(own, "%d,%d: %s", x, y, z ? z->what : "nothing");
        }
    press(a, "@key Esc", 0, "Mouse-Down");
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    mouse_event(a, "Mouse-Next", 10, 10);
    ck_assert_int_eq(a->scene.cursor, 1);
    mouse_event(a, "Mouse-Before", 10, 10);
    ck_assert_int_eq(a->scene.cursor, 0);
    app_free(a);
}
END_TEST

START_TEST(a_click_anywhere_in_any_view_is_survived)
{
    struct app *a = app_running();
    for (int v = 0; view_at(v); v++)
        for (int i = 0; i < 200; i++) {
            a->frame.view = view_at(v);
            if (i % 20 == 0) app_draw(a);
            mouse_event(a, "Mouse-Down", i * 37 % 130 - 5, i * 17 % 40 - 2);
            if (a->typing) line_end(), a->typing = false;
            popup_close(&a->popup);
            wish_answers(a);
        }
    app_free(a);
}
END_TEST

SUITE(mouse)
{
    TCase *tc = tcase_create("mouse");
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, what_is_drawn_can_be_clicked);
    tcase_add_loop_test(tc, a_click_on_a_van_tells_of_it, 0, 3);
    tcase_add_test(tc, a_cell_of_the_heat_map_is_its_van);
    tcase_add_test(tc, a_click_on_a_lane_offers_its_rule);
    tcase_add_test(tc, a_box_hides_what_lies_under_it_from_the_mouse);
    tcase_add_test(tc, a_click_anywhere_in_any_view_is_survived);
    suite_add_tcase(suite, tc);
}
