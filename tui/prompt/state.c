/* tui/prompt/state.c - The face's words of a state: view=, cursor=, layer=, axis=. */
#include "tui/prompt/state.h"
#include "core/script/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(const char *word, const struct view **view, struct scene *s)
{
    char name[32];
    size_t n = strcspn(word, " \t");
    const char *is = memchr(word, '=', n);
    if (!is) return;
    const char *value = is + 1;
    snprintf(name, sizeof name, "%.*s", (int)(word + n - value), value);
    size_t key = (size_t)(is - word);
    if (key == 4 && strncmp(word, "view", 4) == 0) {
        const struct view *v = view_find(name, NULL);
        if (v) *view = v;
    }
    if (key == 6 && strncmp(word, "cursor", 6) == 0) s->cursor = abs(atoi(name)) % SNAP_TOKENS;
    if (key == 5 && strncmp(word, "layer", 5) == 0 && atoi(name) > 0)
        s->layer = (atoi(name) - 1) % SNAP_LAYERS;
    if (key == 4 && strncmp(word, "axis", 4) == 0) s->log_axis = strcmp(name, "log") == 0;
}

const char *state_line(const char *line, const struct view **view, struct scene *s, char *room,
                       size_t size)
{
    struct command_line words;
    if (!command_parse(&words, line, NULL) || words.argc == 0) return line;
    const struct command *c = command_find(words.argv[0], NULL);
    if (!c || strcmp(c->name, "state") != 0) return line;
    for (int i = 1; i < words.argc; i++)
        for (const char *at = words.argv[i]; *(at += strspn(at, " \t")); at += strcspn(at, " \t"))
            take(at, view, s);
    if (words.argc > 1) return line;
    snprintf(room, size, "state%s%s cursor=%d layer=%d%s", *view ? " view=" : "",
             *view ? (*view)->name : "", s->cursor, s->layer + 1, s->log_axis ? " axis=log" : "");
    return room;
}
