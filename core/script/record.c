/* core/script/record.c - Lines of JSON to a file and back. */
#include "core/script/record.h"
#include "core/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MOST = 64 << 20 };
struct record {
    int fd;
    char path[512];
};

struct record *record_open(const char *path, struct err *e)
{
    struct record *r = calloc(1, sizeof *r);
    if (!r) return err_set(e, ERR_MEMORY, "out of memory for a record"), NULL;
    snprintf(r->path, sizeof r->path, "%s", io_tail(path));
    r->fd = io_calls.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (r->fd >= 0) return r;
    if (errno == EEXIST)
        err_set(e, ERR_FILE,
                "%s is there already, and a record is never written over; try another name",
                r->path);
    else
        err_set(e, ERR_FILE, "cannot record to %s: %s", r->path, strerror(errno));
    free(r);
    return NULL;
}

/* One write a line, so that a process that dies leaves whole lines but for the last. */
bool record_put(struct record *r, json_t *line, struct err *e)
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    size_t n = text ? strlen(text) : 0, done = 0;
    if (!text) return err_set(e, ERR_MEMORY, "out of memory for a line of %s", r->path);
    text[n++] = '\n';
    while (done < n) {
        ssize_t some = io_calls.write(r->fd, text + done, n - done);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0) break;
        done += (size_t)some;
    }
    free(text);
    return done == n || err_set(e, ERR_FILE, "cannot write to %s: %s; the record ends here",
                                r->path, strerror(errno));
}

void record_close(struct record *r)
{
    if (r) io_calls.close(r->fd);
    free(r);
}

static bool take(json_t *all, json_t *one)
{
    bool ok = json_is_string(json_object_get(one, "type"));
    if (ok && json_array_size(all) == 0)
        ok = strcmp(json_string_value(json_object_get(one, "type")), "record") == 0;
    return ok && json_array_append(all, one) == 0;
}

json_t *record_read(const char *path, struct err *e)
{
    size_t size;
    char *text = io_load(path, RECORD_MOST, &size, e);
    json_t *all = text ? json_array() : NULL;
    int line = 1;
    for (const char *at = text; all && at && *at; line++) {
        size_t n = strcspn(at, "\n");
        bool whole = at[n] == '\n';
        json_t *one = json_loadb(at, n, 0, NULL);
        bool ok = one && take(all, one);
        json_decref(one);
        at += n + whole;
        if (ok || (!whole && json_array_size(all) > 0)) continue;
        err_set(e, ERR_INPUT, "%s:%d: %s", io_tail(path), line,
                line == 1 ? "this is no record of vanpool: its first line says so"
                          : "this line is no object with a \"type\"");
        json_decref(all);
        all = NULL;
    }
    free(text);
    if (all && json_array_size(all) == 0) {
        err_set(e, ERR_INPUT, "%s: an empty record", io_tail(path));
        json_decref(all);
        all = NULL;
    }
    return all;
}

const char *record_word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

double record_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}
