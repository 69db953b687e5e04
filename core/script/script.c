/* core/script/script.c - Command files, line by line. */
#include "core/script/script.h"
#include "core/base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_MOST = 1 << 20 };

bool script_open(struct script *s, const char *path, struct err *e)
{
    size_t size = 0;
    *s = (struct script){0};
    s->text = io_load(path, SCRIPT_MOST, &size, e);
    if (!s->text) return false;
    if (memchr(s->text, 0, size)) {
        script_close(s);
        return err_set(e, ERR_INPUT, "%s is not a file of command lines: it holds a 0 byte", path);
    }
    s->next = s->text;
    snprintf(s->name, sizeof s->name, "%s", path);
    return true;
}

bool script_open_text(struct script *s, const char *name, const char *text, struct err *e)
{
    *s = (struct script){.text = strdup(text)};
    if (!s->text) return err_set(e, ERR_MEMORY, "out of memory for the script %s", name);
    s->next = s->text;
    snprintf(s->name, sizeof s->name, "%s", name);
    return true;
}

bool script_next(struct script *s, char *line, int size)
{
    if (!s->next || !*s->next) return false;
    size_t n = strcspn(s->next, "\n");
    snprintf(line, (size_t)size, "%.*s", (int)n, s->next);
    s->next += n + (s->next[n] == '\n');
    s->line++;
    return true;
}

bool script_more(const struct script *s)
{
    return s->next && *s->next;
}

void script_close(struct script *s)
{
    free(s->text);
    *s = (struct script){0};
}
