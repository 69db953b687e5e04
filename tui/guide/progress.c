/* tui/guide/progress.c - How far somebody has come. A file that cannot be read counts as none;
 * what cannot be written is said once and loses nothing else. */
#include "core/base/io.h"
#include "tui/guide/guide.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 20 };

static bool path_of(char *to, size_t size, bool folder)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/')
        snprintf(to, size, "%s/vanpool%s", state, folder ? "" : "/lessons.json");
    else if (home && *home)
        snprintf(to, size, "%s/.local/state/vanpool%s", home, folder ? "" : "/lessons.json");
    else
        return false;
    return true;
}

static json_t *load(void)
{
    char path[600];
    size_t size;
    char *text = path_of(path, sizeof path, false) ? io_load(path, FILE_MOST, &size, NULL) : NULL;
    json_t *all = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    if (json_is_object(all)) return all;
    json_decref(all);
    return json_object();
}

void progress_read(const char *lesson, struct progress *to)
{
    json_t *all = load(), *one = json_object_get(all, lesson);
    json_t *page = json_object_get(one, "page");
    bool known = json_is_integer(page) && json_integer_value(page) >= 0 &&
                 json_integer_value(page) < LESSON_PAGES;
    to->page = known ? (int)json_integer_value(page) : -1;
    to->done = json_is_true(json_object_get(one, "done"));
    json_decref(all);
}

bool progress_write(const char *lesson, const struct progress *p, struct err *e)
{
    char path[600], folder[600];
    if (!path_of(path, sizeof path, false) || !path_of(folder, sizeof folder, true)) return true;
    json_t *all = load();
    json_object_set_new(all, lesson,
                        json_pack("{s:i, s:b}", "page", p->page, "done", (int)p->done));
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(all);
    if (!text) return err_set(e, ERR_MEMORY, "out of memory for the lessons' progress");
    struct io_piece piece = {text, strlen(text)};
    bool ok = io_make_folder(folder, e) && io_save(path, &piece, 1, e);
    free(text);
    return ok;
}
