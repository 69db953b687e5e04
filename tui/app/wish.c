/* tui/app/wish.c - Command lines on their way to the session, and what it answers. */
#include "core/script/command.h"
#include "tui/app/inside.h"
#include "tui/prompt/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void wish_say(struct app *a, const char *line, bool typed)
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
    bool shown = typed && app_look(a, command->name, words.argc, words.argv);
    a->wish[a->wishes++] = (struct wish){.typed = typed && !shown};
    show_wished(a, command->name, words.argc, words.argv);
}

/* ---- hearing ---- */

static void show_answer(struct app *a, const struct session_answer *answer, bool typed)
{
    const char *end = strchr(answer->text, '\n');
    bool wide = canvas_columns(answer->text) > a->canvas.width - 2; /* than the last line */
    if (typed && ((end && end[1]) || wide))
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
        show_answer(a, &answer, w.typed);
    }
    if (a->wishes == 0) a->wished = NULL;
    return some;
}
