/* tui/app/ask.c - The view why asks its questions by itself: a token's when it comes under the
 * cursor and once a second while the weights move, the batch's regret now and then. Like every
 * wish they are command lines. */
#include "core/base/clock.h"
#include "tui/app/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While a question is answered no step is made: it may take a twentieth of the time. */
enum { AGAIN_S = 1, REGRET_S = 5, PATIENCE = 20 };

static double at_least(double seconds, double took)
{
    return seconds > PATIENCE * took ? seconds : PATIENCE * took;
}

/* How long an answer took, once it is there. */
static void hear(struct app *a, double now)
{
    if (a->wishes > 0 || a->now.asking) return;
    if (a->asks) a->token_took = now - a->asked;
    if (a->asks_regret) a->regret_took = now - a->asked_regret;
    a->asks = a->asks_regret = false;
}

static bool token_is_old(const struct app *a, double now)
{
    const struct snap_probe *p = &a->now.probe;
    bool here = a->asked_token == a->scene.cursor && a->asked_layer == a->scene.layer;
    bool same = p->step >= 0 && p->token == a->scene.cursor && p->layer == a->scene.layer &&
                p->router == a->now.router && p->id == a->now.token[a->scene.cursor].id;
    if (!here) return true;
    return (!same || p->stale || p->step != a->now.step) &&
           now - a->asked >= at_least(AGAIN_S, a->token_took);
}

static bool regret_is_old(const struct app *a, double now)
{
    const struct snap_regret *r = &a->now.regret;
    bool same = !r->stale && r->step == a->now.step && r->layer == a->scene.layer;
    bool soon = r->step < 0 || r->layer != a->scene.layer;
    return !same && now - a->asked_regret >= at_least(soon ? AGAIN_S : REGRET_S, a->regret_took);
}

void app_ask(struct app *a)
{
    char line[32];
    double now = clock_now();
    bool looks = strcmp(a->frame.view->name, "why") == 0;
    hear(a, now);
    if (!looks) a->asked_token = -1;
    if (!looks || !a->any || a->ended || a->wishes > 0 || a->now.asking) return;
    if (a->scene.cursor >= a->now.tokens || a->scene.layer != a->now.focus) return;
    if (token_is_old(a, now)) {
        snprintf(line, sizeof line, "why %d", a->scene.cursor);
        a->asks = true, a->asked = now, a->asked_token = a->scene.cursor,
        a->asked_layer = a->scene.layer;
        wish_say(a, line, false);
    } else if (regret_is_old(a, now)) {
        a->asks_regret = true, a->asked_regret = now;
        wish_say(a, "regret", false);
    }
}

bool app_look(struct app *a, const char *command, int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "", *to = NULL;
    bool own = strcmp(command, "try") == 0 || strcmp(command, "write") == 0;
    if (!a->any) return false;
    if (strcmp(command, "why") == 0 && argc == 2) to = "why", a->scene.cursor = atoi(first);
    if (own) to = a->now.text ? "tokens" : "vans", a->scene.cursor = 0;
    if (strcmp(command, "regret") == 0) to = "why";
    if (strcmp(command, "engine") == 0 && strcmp(first, "compare") == 0) to = "engine";
    if (strcmp(command, "race") == 0 && strcmp(first, "show") && strcmp(first, "stop")) to = "race";
    if (to) action_view(a, view_find(to, NULL));
    return to != NULL;
}
