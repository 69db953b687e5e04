/* tests/tui/app_test.c - Keys, what they do before and after something has come, and the lines that
 * take changes back. */
#include "tests/check.h"
#include "tests/tui/scene.h"
#include "tui/app/inside.h"
#include "tui/app/keys.h"
#include "tui/prompt/line.h"

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
    popup_close(&a->popup);
    text_free(&a->popup.page);
    text_free(&a->lessons);
    guide_close(&a->guide);
    desk_close(&a->desk);
    keys_restore();
    free(a);
}

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
    settle(a);
    ck_assert_str_eq(a->hint, "nothing to take back");
    action_key(a, "U");
    settle(a);
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
    settle(a);
    settle(a);
    NEAR(a->now.knob[0], 2, 0, 0, "k");
    ck_assert_int_eq(a->now.undos, 0);
    app_free(a);
}
END_TEST

START_TEST(a_refusal_is_said_and_not_taken_back)
{
    struct app *a = app_running();
    wish_say(a, "knob k 99", true);
    settle(a);
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

/* ---- the palette ---- */

static void type(struct app *a, const char *letters)
{
    for (; *letters; letters++) popup_key(a, *letters == ' ' ? "Space" : (char[]){*letters, 0});
}

START_TEST(every_table_is_in_the_palette)
{
    struct app *a = app_running();
    popup_palette(&a->popup, &a->now);
    const struct palette *p = &a->popup.palette;
    static const char *const lines[] = {"@quit",     "view load",   "router topp", "knob k ",
                                        "save ",     "preset tiny", "data orders", "set lr ",
                                        "show loss", "lesson 1"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int found = 0;
        for (int k = 0; k < p->count; k++) found += strcmp(p->entry[k].line, lines[i]) == 0;
        ck_assert_msg(found == 1, "%s: %d times", lines[i], found);
    }
    for (int k = 0; k < p->count; k++) ck_assert_msg(*p->entry[k].help, "%s", p->entry[k].name);
    app_free(a);
}
END_TEST

START_TEST(what_is_typed_finds_the_best_first)
{
    static const struct {
        const char *typed, *first;
    } cases[] = {{"topp", "router topp"}, {"curves", "view curves"},
                 {"quit", "@quit"},       {"load vans", "view load"},
                 {"q", "@quit"},          {"blkffn", "router blockffn"},
                 {"write check", "save "}};
    struct app *a = app_fresh();
    popup_palette(&a->popup, NULL);
    type(a, cases[_i].typed);
    ck_assert_ptr_nonnull(palette_chosen(&a->popup.palette));
    ck_assert_str_eq(palette_chosen(&a->popup.palette)->line, cases[_i].first);
    int few = a->popup.palette.matches;
    popup_key(a, "Ctrl-U");
    ck_assert_int_gt(a->popup.palette.matches, few);
    type(a, "zzzzqqq");
    ck_assert_ptr_null(palette_chosen(&a->popup.palette));
    popup_key(a, "Enter");
    ck_assert_int_eq(a->popup.kind, POPUP_PALETTE);
    app_free(a);
}
END_TEST

START_TEST(enter_in_the_palette_runs_or_asks_for_words)
{
    struct app *a = app_running();
    action_key(a, "?");
    type(a, "topp");
    popup_key(a, "Enter");
    ck_assert_int_eq(a->popup.kind, POPUP_NONE);
    settle(a);
    ck_assert_str_eq(a->now.router->name, "topp");
    action_key(a, "?");
    type(a, "view curves");
    popup_key(a, "Enter");
    ck_assert_str_eq(a->frame.view->name, "curves");
    action_key(a, "?");
    type(a, "confidence");
    popup_key(a, "Enter");
    int cursor;
    ck_assert(a->typing);
    ck_assert_str_eq(line_typed(&cursor), "knob p ");
    line_end();
    app_free(a);
}
END_TEST

/* ---- the mouse ---- */

static void draw(struct app *a)
{
    canvas_close(&a->canvas);
    ck_assert(canvas_open(&a->canvas, 120, 36, CHARSET_BLOCK));
    a->canvas.zones = &a->zones, a->zones.count = 0;
    a->scene.now = &a->now;
    a->frame.can_undo = a->now.undos > 0;
    frame_draw(&a->canvas, &a->scene, &a->frame);
    popup_draw(&a->popup, &a->canvas);
}

/* Presses at `part` (0..1) of the topmost zone that does `what`. */
static void press(struct app *a, const char *what, double part, const char *kind)
{
    draw(a);
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
    settle(a);
    NEAR(a->now.knob[0], 5, 0.6, 0, "k in the middle of 1 to 8");
    mouse_event(a, "Mouse-Drag", 119, 0);
    settle(a);
    NEAR(a->now.knob[0], 8, 0, 0, "k dragged beyond the right end");
    mouse_event(a, "Mouse-Up", 0, 0);
    mouse_event(a, "Mouse-Drag", 0, 0);
    settle(a);
    NEAR(a->now.knob[0], 8, 0, 0, "k once the button is up");
    press(a, "@undo", 0, "Mouse-Down");
    app_free(a);
}
END_TEST

/* The whole of the topmost zone that begins so. */
static const char *zone_like(struct app *a, const char *start)
{
    draw(a);
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
    settle(a);
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
    settle(a);
    a->frame.view = view_find("load", NULL);
    press(a, "@vans 0 0 4", 21.0 / 47, "Mouse-Down"); /* the second column of cell 6 */
    settle(a);
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
    settle(a);
    a->frame.view = view_find("race", NULL);
    press(a, "@lane 1", 0, "Mouse-Down");
    ck_assert(a->typing);
    ck_assert_str_eq(line_typed(&cursor), "router topk k=3");
    line_end();
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
    settle(a);
    unlink(path);
    action_key(a, "Tab"); /* from k; the next is free, aux is not */
    action_key(a, "Tab");
    ck_assert_str_eq(a->now.router->knobs[a->scene.knob].name, "z");
    draw(a);
    canvas_write(&a->canvas, &seen, false);
    ck_assert(strstr(text_str(&seen), "locked"));
    wish_say(a, "aim 3", true);
    settle(a);
    ck_assert_msg(strstr(a->hint, "k is locked"), "%s", a->hint);
    action_key(a, "s");
    settle(a);
    ck_assert_str_eq(a->now.router->name, "remoe");
    action_key(a, "s");
    settle(a);
    ck_assert_str_eq(a->now.router->name, "topk");
    action_key(a, "S");
    draw(a);
    text_clear(&seen);
    canvas_write(&a->canvas, &seen, false);
    ck_assert(strstr(text_str(&seen), "locked in this class"));
    text_free(&seen);
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
    draw(a);
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
            if (i % 20 == 0) draw(a);
            mouse_event(a, "Mouse-Down", i * 37 % 130 - 5, i * 17 % 40 - 2);
            if (a->typing) line_end(), a->typing = false;
            popup_close(&a->popup);
            wish_answers(a);
        }
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
    tcase_add_test(tc, every_table_is_in_the_palette);
    tcase_add_loop_test(tc, what_is_typed_finds_the_best_first, 0, 7);
    tcase_add_test(tc, enter_in_the_palette_runs_or_asks_for_words);
    tcase_add_test(tc, what_is_drawn_can_be_clicked);
    tcase_add_loop_test(tc, a_click_on_a_van_tells_of_it, 0, 3);
    tcase_add_test(tc, what_is_locked_is_passed_over_and_shown);
    tcase_add_test(tc, a_cell_of_the_heat_map_is_its_van);
    tcase_add_test(tc, a_click_on_a_lane_offers_its_rule);
    tcase_add_test(tc, a_box_hides_what_lies_under_it_from_the_mouse);
    tcase_add_test(tc, a_click_anywhere_in_any_view_is_survived);
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
