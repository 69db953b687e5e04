/* tests/tui/app_test.c - Keys, what they do before and after something has come, and the lines that
 * take changes back. */
#include "tests/tui/app_rig.h"
#include "tests/tui/scene.h"
#include "tui/app/keys.h"

#include <unistd.h>

/* The first key of the i-th entry. */
static const char *key_at(int i, char *to)
{
    key_first(key_entry_at(i), to);
    if (strcmp(to, "1-9") == 0) strcpy(to, "1");
    return to;
}

START_TEST(a_key_does_one_thing_only)
{
    char key[KEYS_LONGEST];
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
    char key[KEYS_LONGEST];
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

START_TEST(keys_can_be_put_elsewhere_and_all_that_names_them_follows)
{
    struct err e = {0};
    struct app *a = app_fresh();
    ck_assert_msg(keys_bind("down", "j Down", &e), "%s", e.text);
    ck_assert_msg(keys_bind("up", "k Up", &e), "%s", e.text);
    ck_assert_msg(keys_bind("presenter", "e Ctrl-P", &e), "%s", e.text);
    ck_assert_msg(keys_bind("step", "none", &e), "%s", e.text);
    ck_assert_str_eq(key_entry_of("j")->action, "down");
    ck_assert_ptr_null(key_entry_of("Right")); /* the table's own key of the action is free */
    ck_assert_ptr_null(key_entry_of("."));
    ck_assert_str_eq(key_entry_of("e")->action, "presenter");
    ck_assert_str_eq(key_names(key_entry_for("explain")), "");
    a->any = true, a->now.tokens = 5;
    action_key(a, "j");
    action_key(a, "j");
    action_key(a, "k");
    ck_assert_int_eq(a->scene.cursor, 1);
    struct text t = {0};
    view_find("help", NULL)->tell(&t, &a->scene);
    ck_assert_ptr_nonnull(strstr(t.at, "j Down: "));
    popup_palette(&a->popup, NULL);
    for (const char *k = "presenter"; *k; k++) palette_search(&a->popup.palette, (char[]){*k, 0});
    ck_assert_str_eq(palette_chosen(&a->popup.palette)->key, "e Ctrl-P");
    text_free(&t);
    app_free(a);
}
END_TEST

/* The third of a range means the third wherever the range lies; a key taken out of one is gone. */
START_TEST(a_range_of_keys_can_be_put_elsewhere)
{
    struct err e = {0};
    struct app *a = app_fresh();
    char to[KEYS_LONGEST];
    ck_assert_msg(keys_bind("view", "A-I", &e), "%s", e.text);
    ck_assert_msg(keys_bind("lesson-answer", "w x y z", &e), "%s", e.text);
    action_key(a, "E");
    ck_assert_str_eq(a->frame.view->name, "load");
    ck_assert_ptr_null(key_entry_of("3"));
    ck_assert_str_eq(key_meant(key_entry_of("z"), "z", to), "d");
    ck_assert_str_eq(key_meant(key_entry_of("q"), "q", to), "q");
    keys_restore();
    ck_assert_msg(keys_bind("presenter", "b", &e), "%s", e.text); /* stands inside a-d */
    ck_assert_str_eq(key_entry_of("b")->action, "presenter");
    ck_assert_str_eq(key_entry_of("c")->action, "lesson-answer");
    ck_assert(!keys_bind("view", "9-1", &e));
    app_free(a);
}
END_TEST

START_TEST(a_key_that_cannot_be_is_refused_with_a_sentence)
{
    static const struct {
        const char *action, *keys, *says;
    } wrong[] = {
        {"quitt", "x", "did you mean quit"},
        {"quit", "Ctrl-q", "'Ctrl-q' is no key"},
        {"quit", "xy", "'xy' is no key"},
        {"quit", "", "names no key"},
        {"quit", "a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H", "too many"},
    };
    struct err e = {0};
    ck_assert(!keys_bind(wrong[_i].action, wrong[_i].keys, &e));
    ck_assert_msg(strstr(e.text, wrong[_i].says), "%s", e.text);
    ck_assert_str_eq(key_entry_of("q")->action, "quit");
}
END_TEST

START_TEST(escape_goes_back_to_the_view_before)
{
    struct app *a = app_fresh();
    action_key(a, "5");
    ck_assert_str_eq(a->frame.view->name, "load");
    action_key(a, "Esc");
    ck_assert_ptr_eq(a->frame.view, view_at(0));
    app_free(a);
}
END_TEST

START_TEST(zoom_goes_from_the_fleet_to_a_token_to_its_arithmetic_and_back)
{
    struct app *a = app_fresh();
    const struct view *why = view_find("why", NULL), *fleet = view_at(0);
    action_key(a, "z");
    ck_assert_ptr_eq(a->frame.view, fleet); /* no token has come yet */
    scene_orders(&a->now);
    a->scene.now = &a->now, a->any = true, a->scene.cursor = 5;
    action_key(a, "z");
    ck_assert_ptr_eq(a->frame.view, why);
    ck_assert_int_eq(a->scene.zoom, 0);
    action_key(a, "z"), action_key(a, "z");
    ck_assert_int_eq(a->scene.zoom, 1);
    action_key(a, "Down"); /* the next token, as near */
    ck_assert_int_eq(a->scene.cursor, 6);
    ck_assert_int_eq(a->scene.zoom, 1);
    action_key(a, "Z");
    ck_assert_ptr_eq(a->frame.view, why);
    ck_assert_int_eq(a->scene.zoom, 0);
    action_key(a, "Z");
    ck_assert_ptr_eq(a->frame.view, fleet);
    action_key(a, "Enter"), action_key(a, "z"), action_key(a, "Esc");
    ck_assert_ptr_eq(a->frame.view, why);
    ck_assert_int_eq(a->scene.zoom, 0);
    app_free(a);
}
END_TEST

START_TEST(a_page_scrolls_to_its_end_and_back)
{
    struct app *a = app_fresh();
    action_key(a, "F1");
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
START_TEST(what_is_changed_can_be_taken_back_in_order)
{
    struct app *a = app_running();
    const struct router *topk = a->now.router;
    ck_assert_str_eq(topk->name, "topk");
    action_key(a, "+");
    NEAR(a->now.knob[0], 3, 0, 0, "k, at once");
    action_key(a, "+");
    app_settle(a);
    NEAR(a->now.knob[0], 4, 0, 0, "k after ++");
    action_key(a, "s");
    app_settle(a);
    ck_assert_str_eq(a->now.router->name, "topp");
    wish_say(a, "set lr 0.01", true);
    app_settle(a);
    NEAR(a->now.setting[CONFIG_LR], 0.01, 1e-12, 0, "lr");
    action_key(a, "u");
    app_settle(a);
    ck_assert(a->now.setting[CONFIG_LR] != 0.01);
    action_key(a, "u");
    app_settle(a);
    ck_assert_ptr_eq(a->now.router, topk);
    NEAR(a->now.knob[0], 4, 0, 0, "k is back with its strategy");
    action_key(a, "u");
    action_key(a, "u");
    app_settle(a);
    NEAR(a->now.knob[0], 2, 0, 0, "k as it started");
    action_key(a, "u");
    app_settle(a);
    ck_assert_str_eq(a->hint, "nothing to take back");
    action_key(a, "U");
    app_settle(a);
    NEAR(a->now.knob[0], 3, 0, 0, "k once more as it was turned");
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
    app_settle(a);
    app_settle(a);
    NEAR(a->now.knob[0], 2, 0, 0, "k");
    ck_assert_int_eq(a->now.undos, 0);
    app_free(a);
}
END_TEST

START_TEST(a_refusal_is_said_and_not_taken_back)
{
    struct app *a = app_running();
    wish_say(a, "knob k 99", true);
    app_settle(a);
    ck_assert_msg(strstr(a->hint, "from 1 to"), "%s", a->hint);
    ck_assert_int_eq(a->now.undos, 0);
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
    app_settle(a);
    ck_assert_str_eq(a->hint, "seed 1");
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    wish_say(a, "show knobs", true);
    app_settle(a);
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
    app_settle(a);
    ck_assert_ptr_eq(a->now.router, router_at(1));
    app_free(a);
}
END_TEST

/* Keys go past what a class's rules lock, and it can be seen. */
START_TEST(what_is_locked_is_passed_over_and_shown)
{
    char path[] = "/tmp/vanpool-rules-XXXXXX", line[64];
    static const char rules[] = "[lock]\nknobs = k aux\nstrategies = topk remoe\n";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && write(fd, rules, sizeof rules - 1) == (ssize_t)sizeof rules - 1);
    close(fd);
    struct app *a = app_running();
    struct text seen = {0};
    snprintf(line, sizeof line, "policy %s", path);
    wish_say(a, line, false);
    app_settle(a);
    unlink(path);
    action_key(a, "Tab"); /* from k; the next is free, aux is not */
    action_key(a, "Tab");
    ck_assert_str_eq(a->now.router->knobs[a->scene.knob].name, "z");
    app_draw(a);
    canvas_write(&a->canvas, &seen, false);
    ck_assert(strstr(text_str(&seen), "locked"));
    wish_say(a, "aim 3", true);
    app_settle(a);
    ck_assert_msg(strstr(a->hint, "k is locked"), "%s", a->hint);
    action_key(a, "s");
    app_settle(a);
    ck_assert_str_eq(a->now.router->name, "remoe");
    action_key(a, "s");
    app_settle(a);
    ck_assert_str_eq(a->now.router->name, "topk");
    action_key(a, "S");
    app_draw(a);
    text_clear(&seen);
    canvas_write(&a->canvas, &seen, false);
    ck_assert(strstr(text_str(&seen), "locked in this class"));
    text_free(&seen);
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
    tcase_add_test(tc, keys_can_be_put_elsewhere_and_all_that_names_them_follows);
    tcase_add_test(tc, a_range_of_keys_can_be_put_elsewhere);
    tcase_add_loop_test(tc, a_key_that_cannot_be_is_refused_with_a_sentence, 0, 5);
    tcase_add_test(tc, what_is_locked_is_passed_over_and_shown);
    tcase_add_test(tc, escape_goes_back_to_the_view_before);
    tcase_add_test(tc, zoom_goes_from_the_fleet_to_a_token_to_its_arithmetic_and_back);
    tcase_add_test(tc, a_page_scrolls_to_its_end_and_back);
    tcase_add_test(tc, what_is_changed_can_be_taken_back_in_order);
    tcase_add_test(tc, taking_back_waits_for_what_is_on_its_way);
    tcase_add_test(tc, a_refusal_is_said_and_not_taken_back);
    tcase_add_test(tc, a_short_answer_is_a_hint_and_a_long_one_a_page);
    tcase_add_test(tc, the_chooser_switches_on_enter_only);
    suite_add_tcase(suite, tc);
}
