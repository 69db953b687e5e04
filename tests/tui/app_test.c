/* tests/tui/app_test.c - Keys, what they do before and after something has come, and the lines that
 * take changes back. */
#include "tests/check.h"
#include "tui/app/inside.h"
#include "tui/app/keys.h"

#include <unistd.h>

static struct app *app_fresh(void)
{
    struct app *a = calloc(1, sizeof *a);
    ck_assert_ptr_nonnull(a);
    a->frame.view = view_at(0);
    a->scene.past = &a->past;
    ck_assert(canvas_open(&a->canvas, 80, 24, CHARSET_ASCII));
    return a;
}

static void app_free(struct app *a)
{
    session_close(a->session);
    canvas_close(&a->canvas);
    text_free(&a->popup.page);
    free(a);
}

/* The first key of the i-th entry. */
static const char *key_at(int i, char *to)
{
    const char *keys = key_entry_at(i)->keys;
    sprintf(to, "%.*s", (int)strcspn(keys, " "), keys);
    if (strcmp(to, "1-9") == 0) strcpy(to, "1");
    return to;
}

START_TEST(a_key_does_one_thing_only)
{
    char key[32];
    for (int i = 0; key_entry_at(i); i++)
        ck_assert_ptr_eq(key_entry_of(key_at(i, key)), key_entry_at(i));
    ck_assert_str_eq(key_entry_of("7")->action, "view");
    ck_assert_str_eq(key_entry_of("=")->action, "more");
    ck_assert_ptr_null(key_entry_of("0"));
    ck_assert_ptr_null(key_entry_of("Spac"));
    ck_assert_ptr_null(key_entry_of(""));
}
END_TEST

START_TEST(every_key_can_be_pressed_before_anything_has_come)
{
    char key[32];
    struct app *a = app_fresh();
    for (int i = 0; key_entry_at(i); i++) {
        action_key(a, key_at(i, key));
        popup_draw(&a->popup, &a->canvas);
        popup_close(&a->popup);
    }
    ck_assert(a->quit);
    app_free(a);
}
END_TEST

START_TEST(a_key_without_a_meaning_says_so)
{
    struct app *a = app_fresh();
    action_key(a, "F1"); /* has one */
    ck_assert_str_eq(a->hint, "");
    action_key(a, "%");
    ck_assert_ptr_nonnull(strstr(a->hint, "% does nothing here"));
    app_free(a);
}
END_TEST

START_TEST(escape_goes_back_to_the_view_before)
{
    struct app *a = app_fresh();
    action_key(a, "5");
    ck_assert_str_eq(a->frame.view->name, "load");
    action_key(a, "Esc");
    ck_assert_ptr_eq(a->frame.view, view_at(0));
    action_key(a, "3");
    ck_assert_ptr_nonnull(strstr(a->hint, "view 3 is not built yet"));
    app_free(a);
}
END_TEST

START_TEST(a_page_scrolls_to_its_end_and_back)
{
    struct app *a = app_fresh();
    action_key(a, "?");
    action_key(a, "End");
    int end = a->scene.scroll;
    ck_assert_int_gt(end, 20);
    action_key(a, "Down");
    ck_assert_int_eq(a->scene.scroll, end);
    action_key(a, "Up");
    ck_assert_int_eq(a->scene.scroll, end - 1);
    action_key(a, "Home");
    ck_assert_int_eq(a->scene.scroll, 0);
    app_free(a);
}
END_TEST

/* ---- with a session ---- */

static struct app *app_running(void)
{
    struct err e;
    struct config c;
    struct app *a = app_fresh();
    ck_assert_msg(config_start(&c, "orders", "topk", &e), "%s", e.text);
    snprintf(c.backend, sizeof c.backend, "ref");
    a->session = session_open(&c, "pause", &e);
    ck_assert_msg(a->session != NULL, "%s", e.text);
    for (int i = 0; i < 1000 && !a->any; i++, usleep(5000))
        a->any = session_snapshot(a->session, &a->now);
    ck_assert(a->any);
    return a;
}

/* Until all that was said has been answered and its snapshot has come. */
static void settle(struct app *a)
{
    for (int i = 0; i < 1000 && a->wishes > 0; i++, usleep(5000)) wish_answers(a);
    ck_assert_int_eq(a->wishes, 0);
    usleep(50000);
    while (session_snapshot(a->session, &a->now)) {}
}

START_TEST(what_is_changed_can_be_taken_back_in_order)
{
    struct app *a = app_running();
    const struct router *topk = a->now.router;
    ck_assert_str_eq(topk->name, "topk");
    action_key(a, "+");
    NEAR(a->now.knob[0], 3, 0, 0, "k, at once");
    action_key(a, "+");
    settle(a);
    NEAR(a->now.knob[0], 4, 0, 0, "k after ++");
    action_key(a, "s");
    settle(a);
    ck_assert_str_eq(a->now.router->name, "topp");
    wish_say(a, "set lr 0.01", true);
    settle(a);
    NEAR(a->now.setting[CONFIG_LR], 0.01, 1e-12, 0, "lr");
    action_key(a, "u");
    settle(a);
    ck_assert(a->now.setting[CONFIG_LR] != 0.01);
    action_key(a, "u");
    settle(a);
    ck_assert_ptr_eq(a->now.router, topk);
    NEAR(a->now.knob[0], 4, 0, 0, "k is back with its strategy");
    action_key(a, "u");
    action_key(a, "u");
    settle(a);
    NEAR(a->now.knob[0], 2, 0, 0, "k as it started");
    action_key(a, "u");
    ck_assert_str_eq(a->hint, "nothing to take back");
    app_free(a);
}
END_TEST

START_TEST(taking_back_waits_for_what_is_on_its_way)
{
    struct app *a = app_running();
    action_key(a, "+");
    action_key(a, "+");
    action_key(a, "u");
    action_key(a, "u");
    settle(a);
    settle(a);
    NEAR(a->now.knob[0], 2, 0, 0, "k");
    ck_assert_int_eq(a->undos, 0);
    app_free(a);
}
END_TEST

START_TEST(a_refusal_is_said_and_not_taken_back)
{
    struct app *a = app_running();
    wish_say(a, "knob k 99", true);
    settle(a);
    ck_assert_msg(strstr(a->hint, "from 1 to"), "%s", a->hint);
    ck_assert_int_eq(a->undos, 0);
    wish_say(a, "rooter topp", true);
    ck_assert_msg(strstr(a->hint, "did you mean router"), "%s", a->hint);
    ck_assert_int_eq(a->wishes, 0);
    app_free(a);
}
END_TEST

START_TEST(a_short_answer_is_a_hint_and_a_long_one_a_page)
{
    struct app *a = app_running();
    wish_say(a, "seed", true);
    settle(a);
    ck_assert_str_eq(a->hint, "seed 1");
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    wish_say(a, "show knobs", true);
    settle(a);
    ck_assert_int_eq(a->popup.kind, POPUP_PAGE);
    popup_draw(&a->popup, &a->canvas);
    struct text shown = {0};
    canvas_write(&a->canvas, &shown, false);
    ck_assert_ptr_nonnull(strstr(text_str(&shown), "renormalise"));
    text_free(&shown);
    ck_assert(popup_key(a, "Esc"));
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    app_free(a);
}
END_TEST

START_TEST(the_chooser_switches_on_enter_only)
{
    struct app *a = app_running();
    action_key(a, "S");
    ck_assert_int_eq(a->popup.kind, POPUP_CHOOSER);
    ck_assert(popup_key(a, "Down"));
    ck_assert(popup_key(a, "Esc"));
    ck_assert_int_eq(a->wishes, 0);
    action_key(a, "S");
    ck_assert(popup_key(a, "Down"));
    ck_assert(popup_key(a, "Enter"));
    settle(a);
    ck_assert_ptr_eq(a->now.router, router_at(1));
    app_free(a);
}
END_TEST

SUITE(app)
{
    TCase *tc = tcase_create("app");
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, a_key_does_one_thing_only);
    tcase_add_test(tc, every_key_can_be_pressed_before_anything_has_come);
    tcase_add_test(tc, a_key_without_a_meaning_says_so);
    tcase_add_test(tc, escape_goes_back_to_the_view_before);
    tcase_add_test(tc, a_page_scrolls_to_its_end_and_back);
    tcase_add_test(tc, what_is_changed_can_be_taken_back_in_order);
    tcase_add_test(tc, taking_back_waits_for_what_is_on_its_way);
    tcase_add_test(tc, a_refusal_is_said_and_not_taken_back);
    tcase_add_test(tc, a_short_answer_is_a_hint_and_a_long_one_a_page);
    tcase_add_test(tc, the_chooser_switches_on_enter_only);
    suite_add_tcase(suite, tc);
}
