/* tui/views/views.c - The table of views, in the order of their keys. */
#include "tui/views/view.h"
#include "core/base/err.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
#define VIEWS(X) \
    X(vans)      \
    X(tokens)    \
    X(why)       \
    X(rule)      \
    X(load)      \
    X(curves)    \
    X(race)      \
    X(engine)    \
    X(lesson)    \
    X(help)
/* clang-format on */
#define DECLARE(name) extern const struct view view_##name;
#define POINT(name) &view_##name,
VIEWS(DECLARE)
static const struct view *const views[] = {VIEWS(POINT)};
enum { COUNT = sizeof views / sizeof *views };

const struct view *view_at(int i)
{
    return i >= 0 && i < COUNT ? views[i] : NULL;
}

const struct view *view_find(const char *name, struct err *e)
{
    const char *names[COUNT];
    struct text all = {0};
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(views[i]->name, name) == 0) {
            text_free(&all);
            return views[i];
        }
        names[i] = views[i]->name;
        text_add(&all, "%s%s", i ? ", " : "; the views are ", names[i]);
    }
    err_set(e, ERR_USAGE, "there is no view '%.40s'%s", name,
            ERR_MEANT(name, names, COUNT, text_str(&all)));
    text_free(&all);
    return NULL;
}
