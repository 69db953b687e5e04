/* tui/app/wish.c - Command lines on their way to the session, what it answers, and the lines that
 * take them back. Taking back is only another command line, made from what stood there when the
 * change was wished. */
#include "core/script/command.h"
#include "tui/app/inside.h"
#include "tui/prompt/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the line that takes a line back ---- */

static void back_to_router(const struct snapshot *now, char *to, int size)
{
    int n = snprintf(to, size, "router %s", now->router->name);
    for (int i = 0; i < ROUTER_KNOBS && now->router->knobs[i].name && n < size; i++) {
        int more = snprintf(to + n, size - n, " %s=%.9g", now->router->knobs[i].name, now->knob[i]);
        if (n + more >= size) to[n] = 0; /* what does not fit starts anew */
        n += more;
    }
}

static bool back_to_knob(const struct snapshot *now, const char *name, char *to, int size)
{
    int knob = router_knob(now->router, name);
    if (knob >= 0) snprintf(to, size, "knob %s %.9g", name, now->knob[knob]);
    return knob >= 0;
}

static void back_to_setting(const struct snapshot *now, const char *name, char *to, int size)
{
    const struct option *o = option_find(config_options, CONFIG_COUNT, name);
    if (o && !(o->flags & OPTION_SHAPES))
        snprintf(to, size, "set %s %.9g", name, now->setting[o - config_options]);
}

static void back_of(const struct app *a, const char *command, int argc, char **argv, char *to,
                    int size)
{
    char name[64];
    to[0] = 0;
    if (!a->any || !a->now.router || argc < 2) return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[1], "="), argv[1]);
    bool value = argc == 3 || strchr(argv[1], '=');
    if (strcmp(command, "router") == 0)
        back_to_router(&a->now, to, size);
    else if (strcmp(command, "knob") == 0 && value)
        back_to_knob(&a->now, name, to, size);
    else if (strcmp(command, "lr") == 0)
        back_to_setting(&a->now, "lr", to, size);
    else if (strcmp(command, "set") == 0 && value && !back_to_knob(&a->now, name, to, size))
        back_to_setting(&a->now, name, to, size);
}

/* ---- saying ---- */

/* What was asked for is shown at once; the next snapshot says what came of it. */
static void show_wished(struct app *a, const char *command, int argc, char **argv)
{
    if (!a->any || !a->now.router || argc < 2) return;
    if (strcmp(command, "router") == 0) a->wished = router_find(argv[1], NULL);
    if (strcmp(command, "knob") != 0 || argc != 3) return;
    int knob = router_knob(a->now.router, argv[1]);
    if (knob >= 0)
        option_read(&a->now.router->knobs[knob], argv[2], a->now.E, a->now.N, &a->now.knob[knob],
                    NULL);
}

static void say(struct app *a, const char *line, bool typed, bool undoing)
{
    struct command_line words;
    struct err e = {0};
    char room[256];
    if (!command_parse(&words, line, &e)) return app_hint(a, "%s", e.text);
    if (words.argc == 0) return;
    const struct command *command = command_find(words.argv[0], &e);
    if (!command) return app_hint(a, "%s", e.text);
    words.argv[0] = (char *)command->name;
    if (action_face(a, words.argc, words.argv)) return;
    if (a->ended)
        return app_hint(a, "training has ended: %s", *a->why.text ? a->why.text : "q leaves");
    const struct view *view = a->frame.view;
    line = state_line(line, &view, &a->scene, room, sizeof room);
    if (view != a->frame.view) action_view(a, view);
    if (!a->session || a->wishes == WISHES || !session_say(a->session, line))
        return app_hint(a, "still busy with what was asked before: try again in a moment");
    struct wish *w = &a->wish[a->wishes++];
    bool shown = typed && app_look(a, command->name, words.argc, words.argv);
    *w = (struct wish){.typed = typed && !shown, .undoing = undoing};
    if (!undoing) back_of(a, command->name, words.argc, words.argv, w->back, sizeof w->back);
    show_wished(a, command->name, words.argc, words.argv);
}

void wish_say(struct app *a, const char *line, bool typed)
{
    say(a, line, typed, false);
}

/* Only what has been answered is known to have changed anything: until then it waits. */
void wish_undo(struct app *a)
{
    if (a->wishes > 0) {
        a->backs++;
        return;
    }
    if (a->undos == 0) return app_hint(a, "nothing to take back");
    char line[256];
    snprintf(line, sizeof line, "%s", a->undo[--a->undos]);
    app_hint(a, "back: %s", line);
    say(a, line, false, true);
}

/* ---- hearing ---- */

static void keep_undo(struct app *a, const char *line)
{
    if (a->undos == UNDOS) memmove(a->undo[0], a->undo[1], sizeof a->undo[0] * --a->undos);
    snprintf(a->undo[a->undos++], sizeof a->undo[0], "%s", line);
}

static void show_answer(struct app *a, const struct session_answer *answer, bool typed)
{
    const char *end = strchr(answer->text, '\n');
    if (typed && end && end[1])
        popup_page(&a->popup, "Answer", answer->text);
    else if (*answer->text)
        app_hint(a, "%.*s", (int)strcspn(answer->text, "\n"), answer->text);
    else if (typed)
        app_hint(a, "done: %s", answer->line);
}

bool wish_answers(struct app *a)
{
    struct session_answer answer;
    bool some = false;
    while (a->session && session_answer(a->session, &answer)) {
        some = true;
        if (answer.scripted || a->wishes == 0) { /* a script that was started says something */
            show_answer(a, &answer, true);
            continue;
        }
        struct wish w = a->wish[0];
        memmove(a->wish, a->wish + 1, sizeof w * --a->wishes);
        if (answer.ok && *w.back) keep_undo(a, w.back);
        if (!answer.ok || !w.undoing) show_answer(a, &answer, w.typed);
    }
    if (a->wishes == 0) a->wished = NULL;
    for (; a->wishes == 0 && a->backs > 0; a->backs--) wish_undo(a);
    return some;
}
