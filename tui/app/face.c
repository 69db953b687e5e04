/* tui/app/face.c - The commands that are a face's own: what cmd_face.c of the console names. */
#include "tui/app/inside.h"
#include "tui/export/export.h"

#include <stdio.h>
#include <string.h>

/* ---- a face's commands ---- */

static int word_among(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

static void face_view(struct app *a, int argc, char **argv)
{
    struct err e = {0};
    const struct view *v = argc == 2 ? view_find(argv[1], &e) : NULL;
    if (v)
        action_view(a, v);
    else
        app_hint(a, "%s", argc == 2 ? e.text : "view NAME: the names are listed under ?");
}

static void face_watch(struct app *a, int argc, char **argv)
{
    struct err e = {0};
    struct text said = {0};
    if (!watch_command(&a->watch, argc, argv, a->any ? &a->now : NULL, &said, &e))
        app_hint(a, "%s", e.text);
    else if (a->watch.count == 0)
        app_hint(a, "%.*s", (int)strcspn(text_str(&said), "\n"), text_str(&said));
    text_free(&said);
}

static void face_export(struct app *a, int argc, char **argv)
{
    struct err e = {0};
    struct text said = {0};
    struct scene s = a->scene;
    s.now = a->any ? &a->now : NULL, s.past = &a->past;
    if (!export_begin(argc, argv, &s, a->frame.view, a->canvas.width, a->canvas.height, &a->picture,
                      &said, &e))
        app_hint(a, "%s", e.text);
    else if (said.size)
        app_hint(a, "%.*s", (int)strcspn(text_str(&said), "\n"), text_str(&said));
    text_free(&said);
}

void app_picture(struct app *a)
{
    struct err e = {0};
    struct text said = {0};
    if (!a->picture || export_under_way(a->picture)) return;
    bool ok = export_end(&a->picture, &said, &e);
    app_hint(a, "%.*s", (int)strcspn(ok ? text_str(&said) : e.text, "\n"),
             ok ? text_str(&said) : e.text);
    text_free(&said);
}

static void face_hint(struct app *a, int argc, char **argv)
{
    (void)argc, (void)argv;
    app_hint(a, "s changes the rule, Tab selects a knob, + and - turn it, u takes it back; 1 to 9 "
                "look elsewhere");
}

static void face_color(struct app *a, int argc, char **argv)
{
    static const char *const words[] = {"auto", "always", "never", NULL};
    int to = argc == 2 ? word_among(words, argv[1]) : -1;
    if (to < 0) return app_hint(a, "color is auto, always or never");
    terminal_color((enum terminal_color)to);
}

static void face_charset(struct app *a, int argc, char **argv)
{
    static const char *const words[] = {"auto", "ascii", "block", "braille", NULL};
    int to = argc == 2 ? word_among(words, argv[1]) : -1;
    if (to < 0) return app_hint(a, "charset is auto, ascii, block or braille");
    terminal_letters((enum terminal_charset)to);
}

static void face_mouse(struct app *a, int argc, char **argv)
{
    static const char *const words[] = {"off", "on", NULL};
    int to = argc == 2 ? word_among(words, argv[1]) : -1;
    if (to < 0) return app_hint(a, "mouse is on or off");
    terminal_mouse(to == 1);
    app_hint(a, to ? "the mouse clicks here; with Shift held it selects text"
                   : "the mouse is the terminal's own again");
}

static void face_theme(struct app *a, int argc, char **argv)
{
    struct err e = {0};
    const struct theme *to = argc == 2 ? theme_find(argv[1], &e) : NULL;
    if (!to) return app_hint(a, "%s", argc == 2 ? e.text : "theme NAME: Tab behind it lists them");
    terminal_theme(to);
    app_hint(a, "%s: %s", to->name, to->help);
}

static void face_quit(struct app *a, int argc, char **argv)
{
    (void)argc, (void)argv;
    a->quit = true;
}

static void face_help(struct app *a, int argc, char **argv)
{
    action_help(a);
    if (argc < 2) return;
    snprintf(a->topic, sizeof a->topic, "%s", argv[1]);
    a->scene.topic = a->topic;
}

/* `show VIEW` as a page of sentences; other things to show are the console's. */
static bool face_show(struct app *a, int argc, char **argv)
{
    const struct view *v = argc > 1 ? view_find(argv[1], NULL) : NULL;
    struct text page = {0};
    if (!v || argc > 3 || (argc == 2 && field_find(argv[1], NULL))) return false;
    struct scene s = a->scene;
    s.now = a->any ? &a->now : NULL, s.past = &a->past;
    if (argc == 3 && strcmp(argv[2], "json") == 0)
        export_json(&page, v, &s);
    else if (argc == 2)
        v->tell(&page, &s);
    else
        return false;
    popup_page(&a->popup, v->question, text_str(&page));
    text_free(&page);
    return true;
}

bool action_face(struct app *a, int argc, char **argv)
{
    if (strcmp(argv[0], "show") == 0) return face_show(a, argc, argv);
    static const struct {
        const char *name;
        void (*run)(struct app *a, int argc, char **argv);
    } verbs[] = {
        /* clang-format off */
        {"view", face_view},
        {"hint", face_hint},
        {"pin", app_pins},
        {"pins", app_pins},
        {"unpin", app_pins},
        {"color", face_color},
        {"charset", face_charset},
        {"quit", face_quit},
        {"help", face_help},
        {"mouse", face_mouse},
        {"theme", face_theme},
        {"export", face_export},
        {"watch", face_watch},
        /* clang-format on */
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[0]) == 0) {
            bool lesson = strcmp(argv[0], "hint") == 0 && app_lesson_line(a, argc, argv);
            if (!lesson) verbs[i].run(a, argc, argv);
            return true;
        }
    return app_lesson_line(a, argc, argv);
}
