/* tui/guide/progress.c - How far somebody has come. A file that cannot be read counts as none;
 * what cannot be written loses nothing else. */
#include "core/base/io.h"
#include "core/base/place.h"
#include "tui/guide/guide.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 20 };
static const char file[] = "lessons.json";

static json_t *load(void)
{
    char path[PLACE_LONGEST];
    size_t size;
    char *text = place_of(PLACE_STATE, file, path) ? io_load(path, FILE_MOST, &size, NULL) : NULL;
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
    char path[PLACE_LONGEST], folder[PLACE_LONGEST];
    if (!place_of(PLACE_STATE, file, path) || !place_of(PLACE_STATE, "", folder)) return true;
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
