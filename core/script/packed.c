/* core/script/packed.c - Text files inside the program, by folder and name. */
#include "core/script/packed.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 128 };

const struct packed *packed_at(const char *folder, int i)
{
    for (const struct packed *p = packed_files; p->name && i >= 0; p++)
        if (strcmp(p->folder, folder) == 0 && i-- == 0) return p;
    return NULL;
}

const struct packed *packed_find(const char *folder, const char *what, const char *name,
                                 struct err *e)
{
    const struct packed *p, *found = NULL;
    const char *names[MOST];
    int n = 0, begin = 0;
    for (; n < MOST && (p = packed_at(folder, n)); n++) {
        names[n] = p->name;
        if (strcmp(p->name, name) == 0) return p;
        if (*name && strncmp(p->name, name, strlen(name)) == 0) found = p, begin++;
    }
    if (begin == 1) return found;
    err_set(e, ERR_USAGE, "unknown %s '%.40s'%s; 'list %ss' names them all", what, name,
            ERR_MEANT(name, names, n, ""), what);
    return NULL;
}

char *packed_title(const struct packed *p, char *to, int size)
{
    const char *at = p->text + strspn(p->text, "# ");
    snprintf(to, (size_t)size, "%.*s", (int)strcspn(at, "\n"), at);
    return to;
}
