/* tui/prompt/face.c - Lines that are a face's own, for the REPL and the plain run: `view NAME`,
 * `show NAME [json]`, `help NAME`, `export FILE`, `pin`. */
#include "tui/prompt/face.h"
#include "core/script/command.h"
#include "tui/export/export.h"

#include <string.h>

static const struct view *view_of(const struct face *f)
{
    if (f->view) return f->view;
    const char *first = f->scene.now && f->scene.now->text ? "tokens" : "vans";
    return view_find(first, NULL);
}

static void tell(struct face *f, const struct view *v, struct text *out)
{
    f->view = v;
    text_add(out, "%s\n", v->question);
    v->tell(out, &f->scene);
    if (out->size && out->at[out->size - 1] != '\n') text_add(out, "\n");
}

/* Some views are named as a command or a field is: these come first. */
static void explain(const struct view *v, struct text *out)
{
    if (command_help(v->name, out, NULL)) return;
    text_add(out, "%s: %s\n%s\n", v->name, v->question, v->explain);
}

static enum face_result show(struct face *f, int argc, char **argv, struct text *out, struct err *e)
{
    bool json = argc == 3 && strcmp(argv[2], "json") == 0, shows = strcmp(argv[0], "show") == 0;
    const struct view *v = argc > 1 ? view_find(argv[1], shows ? NULL : e) : NULL;
    if (argc == 1 && !shows) v = view_of(f);
    if (!v && !shows) return FACE_FAILED;
    if (!v || (shows && !json && field_find(argv[1], NULL))) return FACE_NOT_MINE;
    if (argc > 2 && !json) {
        err_set(e, ERR_USAGE, "%s %s takes 'json' or nothing more, not '%.40s'", argv[0], argv[1],
                argv[2]);
        return FACE_FAILED;
    }
    if (json)
        export_json(out, f->view = v, &f->scene);
    else
        tell(f, v, out);
    return FACE_DONE;
}

/* The words of a lesson; another page is shown at once. */
static enum face_result guide(struct face *f, int argc, char **argv, struct text *out,
                              struct err *e)
{
    bool ok;
    if (!guide_line(&f->guide, argc, argv, f->scene.now, out, &ok, e)) return FACE_NOT_MINE;
    if (ok && (f->guide.moved || strcmp(argv[0], "lesson") == 0))
        guide_page(&f->guide, f->scene.now, out);
    f->guide.moved = false;
    return ok ? FACE_DONE : FACE_FAILED;
}

/* The token that was asked about last stands in for one under a cursor. */
static int cursor_of(const struct snapshot *now, int else_at)
{
    return now->probe.step >= 0 && now->probe.token < now->tokens ? now->probe.token : else_at;
}

enum face_result face_line(struct face *f, const char *line, const struct snapshot *now,
                           const struct history *past, struct text *out, struct err *e)
{
    struct command_line words;
    if (!command_parse(&words, line, NULL) || words.open_quote || words.argc == 0)
        return FACE_NOT_MINE;
    const struct command *c = command_find(words.argv[0], NULL);
    if (!c) return FACE_NOT_MINE;
    f->scene.now = now, f->scene.past = past, f->scene.pins = &f->pins;
    f->scene.lesson = &f->guide.runner;
    if (now) f->scene.layer = now->focus, f->scene.cursor = cursor_of(now, f->scene.cursor);
    words.argv[0] = (char *)c->name;
    if (strcmp(c->name, "show") == 0 || strcmp(c->name, "view") == 0)
        return show(f, words.argc, words.argv, out, e);
    const struct view *topic = words.argc == 2 ? view_find(words.argv[1], NULL) : NULL;
    if (strcmp(c->name, "help") == 0 && topic) return explain(topic, out), FACE_DONE;
    bool ok;
    if (pins_line(&f->pins, words.argc, words.argv, now, past, out, &ok, e))
        return ok ? FACE_DONE : FACE_FAILED;
    if (strcmp(c->name, "watch") == 0)
        return watch_command(&f->watch, words.argc, words.argv, now, out, e) ? FACE_DONE
                                                                             : FACE_FAILED;
    if (strcmp(c->name, "export") != 0) return guide(f, words.argc, words.argv, out, e);
    return export_command(words.argc, words.argv, &f->scene, view_of(f), 0, 0, out, e)
               ? FACE_DONE
               : FACE_FAILED;
}

void face_step(const struct face *f, const struct snapshot *s, struct text *out)
{
    char loss[16], right[16], experts[16], speed[16];
    text_add(out, "step %ld: loss %s, accuracy %s, experts per token %s, %s tokens a second",
             s->step, text_number(loss, s->loss, 3), text_number(right, s->accuracy, 3),
             text_number(experts, s->experts_per_token, 2), text_count(speed, s->tokens_per_s));
    if (f->watch.count) text_add(out, "; "), watch_tell(&f->watch, s, out);
    text_add(out, "\n");
}
