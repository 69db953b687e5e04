/* tui/app/actions.c - What the keys of keys.c do. */
#include "core/script/command.h"
#include "tui/app/inside.h"
#include "tui/app/keys.h"
#include "tui/export/export.h"
#include "tui/prompt/line.h"
#include "tui/views/facts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 10 };

void app_hint(struct app *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(a->hint, sizeof a->hint, format, args);
    va_end(args);
    a->stale = true;
}

/* ---- looking ---- */

void action_view(struct app *a, const struct view *to)
{
    if (to == a->frame.view) return;
    a->before = a->frame.view;
    a->frame.view = to;
    a->scene.scroll = a->scene.zoom = 0;
    if (!a->session || a->ended) return;
    if (a->before && a->before->leave) wish_say(a, a->before->leave, false);
    if (to->enter) wish_say(a, to->enter, false);
}

static const struct view *view_of_key(char key)
{
    for (int i = 0; view_at(i); i++)
        if (view_at(i)->key == key) return view_at(i);
    return NULL;
}

static void do_view(struct app *a, const char *key)
{
    const struct view *v = view_of_key(*key);
    if (v)
        action_view(a, v);
    else
        app_hint(a, "1 to 9 change the view: they are listed under ?");
}

void action_help(struct app *a)
{
    const struct view *help = view_of_key('?');
    bool there = a->frame.view == help && !a->scene.topic;
    action_view(a, there && a->before ? a->before : help);
    a->scene.topic = NULL;
    a->scene.scroll = 0;
}

static void do_help(struct app *a, const char *key)
{
    (void)key;
    action_help(a);
}

static void do_explain(struct app *a, const char *key)
{
    (void)key;
    struct text page = {0};
    const struct view *v = a->frame.view;
    text_add(&page, "%s\n\n%s\n\n", v->question, v->explain ? v->explain : "");
    if (a->any && v->tell) v->tell(&page, &a->scene);
    popup_page(&a->popup, v->title, text_str(&page));
    text_free(&page);
}

/* A key that is a word of a lesson's. */
static void do_lesson(struct app *a, const char *key)
{
    char next[] = "next", back[] = "back", hint[] = "hint";
    char *word = *key == ']' ? next : *key == '[' ? back : hint;
    if (!app_lesson_line(a, 1, &word)) app_hint(a, "no lesson is open: :lesson 1 opens the first");
}

static void do_open(struct app *a, const char *key)
{
    (void)key;
    const struct runner *r = &a->guide.runner;
    if (r->lesson && a->frame.view == view_find("lesson", NULL)) {
        if (!r->checks || runner_done(r)) return do_lesson(a, "]");
        return app_hint(a,
                        "not all checks hold yet: h gives a hint, ] turns the page all the same");
    }
    if (!r->lesson && a->frame.view == view_find("lesson", NULL)) return app_lesson_chosen(a);
    if (facts_cursor(&a->scene) < 0) return app_hint(a, "nothing has been routed yet");
    action_view(a, view_find("why", NULL));
}

static bool looks_at_why(const struct app *a)
{
    return a->frame.view == view_find("why", NULL);
}

/* From the fleet to an order, from the order to its arithmetic. */
static void do_zoom(struct app *a, const char *key)
{
    if (!looks_at_why(a)) return do_open(a, key);
    if (a->scene.zoom > 0) app_hint(a, "nearer than its numbers one cannot look");
    a->scene.zoom = 1;
}

static void do_back(struct app *a, const char *key)
{
    (void)key;
    if (a->frame.presenter)
        a->frame.presenter = false;
    else if (a->scene.zoom > 0)
        a->scene.zoom = 0;
    else if (a->before)
        action_view(a, a->before);
}

static void do_out(struct app *a, const char *key)
{
    if (looks_at_why(a) && !a->frame.presenter) do_back(a, key);
}

/* A choice by its letter; where a number is asked for, the prompt. */
static void do_answer(struct app *a, const char *key)
{
    const struct runner_ask *ask = runner_open_ask(&a->guide.runner);
    char line[16];
    if (!ask) return app_hint(a, "nothing is asked here; a to d answer a lesson's questions");
    if (a->frame.view != view_find("lesson", NULL)) return app_hint(a, "9 goes to the question");
    if (!ask->ask.choices || !*key) return action_prompt(a, "answer ");
    snprintf(line, sizeof line, "answer %s", key);
    wish_say(a, line, false);
}

static void do_presenter(struct app *a, const char *key)
{
    (void)key;
    struct err e = {0};
    a->frame.presenter = !a->frame.presenter;
    if (a->frame.presenter && !desk_open(&a->desk, &e)) app_hint(a, "%s", e.text);
}

static void do_log(struct app *a, const char *key)
{
    (void)key;
    a->scene.log_axis = !a->scene.log_axis;
}

void action_layer(struct app *a, int layer)
{
    int layers = a->any ? a->now.L : 0;
    if (layers < 2) return app_hint(a, "this model has one layer");
    a->scene.layer = layer % layers;
    app_hint(a, "layer %d of %d", a->scene.layer + 1, layers);
    char line[32]; /* its scores, too, where the console brings one layer's at a time */
    snprintf(line, sizeof line, "layer %d", a->scene.layer + 1);
    if (command_find("layer", NULL)) wish_say(a, line, false);
}

static void do_pin(struct app *a, const char *key)
{
    (void)key;
    app_pins(a, 1, (char *[]){"pin"});
}

static void do_layer(struct app *a, const char *key)
{
    (void)key;
    action_layer(a, a->scene.layer + 1);
}

/* Where the keys of the cursor lead, by their first name in the table of keys. */
static void do_move(struct app *a, const char *key)
{
    static const struct {
        const char *key;
        int by;
    } moves[] = {{"Up", -1},     {"Down", 1},     {"PgUp", -PAGE},
                 {"PgDn", PAGE}, {"Home", -9999}, {"End", 9999}};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(moves[i].key, key) == 0) action_shift(a, moves[i].by);
}

/* ---- changing ---- */

static void do_strategy(struct app *a, const char *key)
{
    (void)key;
    const struct router *now = a->wished ? a->wished : a->any ? a->now.router : NULL;
    if (!now) return app_hint(a, "one moment: the model is being made");
    char line[64];
    int next = 0, n = router_count();
    while (router_at(next) != now) next++;
    do next = (next + 1) % n;
    while (a->now.locked.strategies >> next & 1 && router_at(next) != now);
    if (router_at(next) == now) return app_hint(a, "every other strategy is locked in this class");
    snprintf(line, sizeof line, "router %s", router_at(next)->name);
    wish_say(a, line, false);
}

static void do_choose(struct app *a, const char *key)
{
    (void)key;
    popup_chooser(&a->popup, a->any ? &a->now : NULL);
}

static int knob_count(const struct app *a)
{
    int n = 0;
    while (a->any && a->now.router && n < ROUTER_KNOBS && a->now.router->knobs[n].name) n++;
    return n;
}

static void do_knob(struct app *a, const char *key)
{
    int n = knob_count(a);
    if (n == 0) return app_hint(a, "this strategy has no knob");
    for (int tried = 0; tried < n; tried++) {
        a->scene.knob = (a->scene.knob + (strcmp(key, "Tab") == 0 ? 1 : n - 1)) % n;
        if (!(a->now.locked.knobs >> a->scene.knob & 1)) break;
    }
    const struct option *o = &a->now.router->knobs[a->scene.knob];
    app_hint(a, "%s: %s  (+ and - turn it)", o->name, o->help);
}

static void do_turn(struct app *a, const char *key)
{
    if (a->scene.knob >= knob_count(a)) return app_hint(a, "no knob is selected: Tab selects one");
    const struct option *o = &a->now.router->knobs[a->scene.knob];
    int dir = *key == '+' || *key == '=' ? 1 : -1;
    double was = a->now.knob[a->scene.knob], to = option_notch(o, was, dir, a->now.E, a->now.N);
    char line[96], shown[32];
    if (to == was)
        return app_hint(a, "%s is at its %s, %s", o->name, dir > 0 ? "highest" : "lowest",
                        option_show(o, was, shown));
    snprintf(line, sizeof line, "knob %s %.9g", o->name, to);
    wish_say(a, line, false);
}

static void do_undo(struct app *a, const char *key)
{
    (void)key;
    wish_say(a, "undo", false);
}

static void do_redo(struct app *a, const char *key)
{
    (void)key;
    wish_say(a, "redo", false);
}

static void do_pause(struct app *a, const char *key)
{
    (void)key;
    wish_say(a, a->any && a->now.paused ? "go" : "pause", false);
}

static void do_step(struct app *a, const char *key)
{
    (void)key;
    wish_say(a, "step", false);
}

static void do_race(struct app *a, const char *key)
{
    (void)key;
    if (a->any && a->now.race.on)
        app_hint(a, "the race is under way: :race stop ends it");
    else
        wish_say(a, a->any && a->now.race.lanes > 0 ? "race again" : "race", false);
    action_view(a, view_find("race", NULL));
}

/* ---- the rest ---- */

static void do_palette(struct app *a, const char *key)
{
    (void)key;
    popup_palette(&a->popup, a->any ? &a->now : NULL);
}

/* The prompt with something typed already. */
void action_prompt(struct app *a, const char *typed)
{
    line_begin();
    line_put(typed, strlen(typed));
    a->typing = true;
}

static void do_prompt(struct app *a, const char *key)
{
    (void)key;
    action_prompt(a, "");
}

/* A sentence of one's own, or an order. */
static void do_own(struct app *a, const char *key)
{
    (void)key;
    action_prompt(a, a->any && a->now.text ? "try \"" : "try ");
    if (!a->any || !a->now.text)
        app_hint(a, "item types from 1 to 8 make an order, as in: try 1 3 5");
}

static void do_export(struct app *a, const char *key)
{
    (void)key;
    char line[160], name[128];
    if (!a->any) return app_hint(a, "one moment: there is nothing to export yet");
    export_name(name, sizeof name, a->frame.view, &a->now);
    snprintf(line, sizeof line, "export %s", name);
    action_prompt(a, line);
}

static void do_repaint(struct app *a, const char *key)
{
    (void)a, (void)key;
    terminal_repaint();
}

static void do_quit(struct app *a, const char *key)
{
    (void)key;
    a->quit = true;
}

/* clang-format off */
static const struct action {
    const char *name;
    void (*run)(struct app *a, const char *key);
} actions[] = {
    {"view", do_view},
    {"strategy", do_strategy},
    {"choose", do_choose},
    {"knob-next", do_knob},
    {"knob-before", do_knob},
    {"more", do_turn},
    {"less", do_turn},
    {"undo", do_undo},
    {"redo", do_redo},
    {"pause", do_pause},
    {"step", do_step},
    {"race", do_race},
    {"up", do_move},
    {"down", do_move},
    {"page-up", do_move},
    {"page-down", do_move},
    {"first", do_move},
    {"last", do_move},
    {"palette", do_palette},
    {"open", do_open},
    {"zoom", do_zoom},
    {"zoom-out", do_out},
    {"own", do_own},
    {"layer", do_layer},
    {"pin", do_pin},
    {"log", do_log},
    {"explain", do_explain},
    {"help", do_help},
    {"prompt", do_prompt},
    {"presenter", do_presenter},
    {"lesson-next", do_lesson},
    {"lesson-back", do_lesson},
    {"lesson-hint", do_lesson},
    {"lesson-answer", do_answer},
    {"back", do_back},
    {"repaint", do_repaint},
    {"quit", do_quit},
    {"export", do_export},
};
/* clang-format on */

static void run_action(struct app *a, const struct key_entry *entry, const char *key)
{
    char own[KEYS_LONGEST];
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, entry->action) == 0)
            return actions[i].run(a, key_meant(entry, key, own));
    assert(!"keys.c names an action that is not here");
}

void action_key(struct app *a, const char *key)
{
    const struct key_entry *entry = key_entry_of(key);
    if (!entry) return app_hint(a, "%s does nothing here: ? lists everything", key);
    run_action(a, entry, key);
}

bool action_run(struct app *a, const char *action)
{
    const struct key_entry *entry = key_entry_for(action);
    if (entry) run_action(a, entry, "");
    return entry != NULL;
}
