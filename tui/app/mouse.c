/* tui/app/mouse.c - What a click means. Whatever is drawn has said so in zones (canvas.h): a
 * command line, "@ACTION" of keys.c, or one of the few words below that take a number. */
#include "tui/app/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The knob takes the value that stands at column x of its slider. */
static void slide(struct app *a, const struct zone *z, int x, int knob)
{
    if (!a->any || !a->now.router || knob < 0 || knob >= ROUTER_KNOBS) return;
    const struct option *o = &a->now.router->knobs[knob];
    if (!o->name) return;
    double place = z->width > 1 ? (double)(x - z->x) / (z->width - 1) : 0;
    double to = option_at(o, place, a->now.E, a->now.N);
    char line[96];
    a->scene.knob = knob;
    if (to == a->now.knob[knob] || a->wishes > WISHES / 2)
        return; /* a drag never fills the queue */
    snprintf(line, sizeof line, "knob %s %.9g", o->name, to);
    wish_say(a, line, false);
}

static void next_view(struct app *a)
{
    int here = 0;
    while (view_at(here) && view_at(here) != a->frame.view) here++;
    do here++;
    while (view_at(here) && view_at(here)->key == '?');
    action_view(a, view_at(here) ? view_at(here) : view_at(0));
}

/* A knob that is selected already opens: on a second click a switch flips, a choice goes round. */
static void click_knob(struct app *a, int knob)
{
    if (a->scene.knob == knob && a->any && a->now.router &&
        a->now.router->knobs[knob].kind >= OPTION_SWITCH)
        action_run(a, "more");
    a->scene.knob = knob;
}

/* What there is to say of the van at column x: "@vans LAYER FIRST COLUMNS", vans side by side. */
static void click_van(struct app *a, const struct zone *z, int x)
{
    int layer, first, columns;
    char line[32];
    if (sscanf(z->what, "@vans %d %d %d", &layer, &first, &columns) != 3 || columns < 1) return;
    int van = first + (x - z->x) / columns;
    if (!a->any || van >= a->now.E) return app_hint(a, "a slot that computes nothing is no van");
    if (a->now.L > 1 && layer != a->scene.layer) action_layer(a, layer);
    snprintf(line, sizeof line, "fleet %d", van + 1);
    wish_say(a, line, true);
}

/* The rule of a lane, to be taken over with Enter. */
static void click_lane(struct app *a, int lane)
{
    char line[96];
    if (!a->any || lane < 0 || lane >= a->now.race.lanes) return;
    snprintf(line, sizeof line, "router %s", a->now.race.lane[lane].label);
    action_prompt(a, line);
    app_hint(a, "Enter gives this lane's rule to the model; Esc leaves it as it is");
}

static void click(struct app *a, const struct zone *z, int x)
{
    char word[56];
    int number = 0;
    snprintf(word, sizeof word, "%s", z->what);
    char *blank = strchr(word, ' ');
    if (word[0] != '@') return wish_say(a, word, false);
    if (blank) *blank++ = 0, number = atoi(blank);
    if (strcmp(word, "@slider") == 0)
        slide(a, z, x, number);
    else if (strcmp(word, "@knob") == 0)
        click_knob(a, number);
    else if (strcmp(word, "@token") == 0)
        a->scene.cursor = number;
    else if (strcmp(word, "@vans") == 0)
        click_van(a, z, x);
    else if (strcmp(word, "@lane") == 0)
        click_lane(a, number);
    else if (strcmp(word, "@layer") == 0)
        action_layer(a, number);
    else if (strcmp(word, "@entry") == 0)
        popup_choose(a, number);
    else if (strcmp(word, "@next") == 0)
        next_view(a);
    else if (strcmp(word, "@key") == 0)
        popup_key(a, blank);
    else if (strcmp(word, "@none") != 0)
        action_run(a, word + 1);
}

static void wheel(struct app *a, bool next)
{
    const char *key = next ? "Down" : "Up";
    if (a->popup.kind != POPUP_NONE)
        popup_key(a, key);
    else
        action_run(a, next ? "down" : "up");
}

void mouse_event(struct app *a, const char *kind, int x, int y)
{
    const struct zone *z = canvas_zone_at(&a->canvas, x, y);
    if (strcmp(kind, "Mouse-Up") == 0) {
        a->dragged.what[0] = 0;
    } else if (strcmp(kind, "Mouse-Drag") == 0) {
        if (strncmp(a->dragged.what, "@slider", 7) == 0) click(a, &a->dragged, x);
    } else if (strcmp(kind, "Mouse-Down") == 0) {
        a->dragged.what[0] = 0;
        a->hint[0] = 0;
        if (!z) return;
        a->dragged = *z; /* drawing anew forgets the zones */
        click(a, &a->dragged, x);
    } else {
        wheel(a, strcmp(kind, "Mouse-Next") == 0);
    }
}
