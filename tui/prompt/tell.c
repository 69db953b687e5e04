/* tui/prompt/tell.c - Views in sentences, for the REPL and the plain run. */
#include "tui/prompt/tell.h"
#include "core/script/command.h"
#include "tui/views/view.h"

#include <string.h>

bool tell_line(const char *line, const struct snapshot *now, const struct history *past,
               struct text *out)
{
    struct command_line words;
    if (!command_parse(&words, line, NULL) || words.open_quote || words.argc != 2) return false;
    const struct command *c = command_find(words.argv[0], NULL);
    const struct view *v = c ? view_find(words.argv[1], NULL) : NULL;
    if (!v) return false;
    if (strcmp(c->name, "help") == 0) {
        if (command_help(words.argv[1], out, NULL))
            return true; /* some views are named as a command or field is */
        text_add(out, "%s: %s\n%s\n", v->name, v->question, v->explain);
        return true;
    }
    bool field = strcmp(c->name, "show") == 0 && field_find(words.argv[1], NULL);
    if (field || (strcmp(c->name, "show") != 0 && strcmp(c->name, "view") != 0)) return false;
    struct scene scene = {.now = now, .past = past};
    text_add(out, "%s\n", v->question);
    v->tell(out, &scene);
    if (out->size && out->at[out->size - 1] != '\n') text_add(out, "\n");
    return true;
}

void tell_step(const struct snapshot *s, struct text *out)
{
    char loss[16], right[16], experts[16], speed[16];
    text_add(out, "step %ld: loss %s, accuracy %s, experts per token %s, %s tokens a second\n",
             s->step, text_number(loss, s->loss, 3), text_number(right, s->accuracy, 3),
             text_number(experts, s->experts_per_token, 2), text_count(speed, s->tokens_per_s));
}
