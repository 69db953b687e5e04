/* core/metrics/trace.c - Traces read back, told and compared. */
#include "core/metrics/trace.h"
#include "core/base/io.h"
#include "core/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_MOST = 256 << 20 };

/* ---- reading ---- */

bool trace_is(const char *path)
{
    struct io_map m = {0};
    unsigned char first[8] = {0};
    if (!io_map_open(&m, path, NULL)) return false;
    size_t n = io_map_read(&m, 0, first, sizeof first);
    io_map_close(&m);
    /* a checkpoint begins with a length below 2^20: there are zeros among its eight bytes */
    return n == sizeof first && first[0] == '{' && !memchr(first, 0, sizeof first);
}

static const char *type_of(const json_t *line)
{
    const char *type = json_string_value(json_object_get(line, "type"));
    return type ? type : "";
}

static double step_of(const json_t *line)
{
    const json_t *step = json_object_get(line, "step");
    return json_is_number(step) ? json_number_value(step) : NAN;
}

/* Takes the line over. */
static bool take(struct trace *t, json_t *line, int number, struct err *e)
{
    const char *type = type_of(line);
    size_t n = json_array_size(t->steps);
    bool ok = false;
    if (json_object_get(line, "lane")) {
        err_set(e, ERR_INPUT, "%s, line %d: this is a race; a trace is of one run", t->path,
                number);
    } else if (strcmp(type, "step") == 0) {
        double before = n ? step_of(json_array_get(t->steps, n - 1)) : -1;
        if (step_of(line) > before)
            return json_array_append_new(t->steps, line) == 0 ||
                   err_set(e, ERR_MEMORY, "out of memory for %s", t->path);
        err_set(e, ERR_INPUT, "%s, line %d: the step is missing or not behind the one before",
                t->path, number);
    } else if (strcmp(type, "start") == 0 && !t->start && !n) {
        return t->start = line, true;
    } else if (strcmp(type, "end") == 0 && !t->end) {
        return t->end = line, true;
    } else {
        ok = *type && strcmp(type, "start") != 0 && strcmp(type, "end") != 0; /* kinds to come */
        if (!ok)
            err_set(e, ERR_INPUT,
                    "%s, line %d: '%.20s' has no place here; one run is start, "
                    "steps, end",
                    t->path, number, type);
    }
    json_decref(line);
    return ok;
}

bool trace_open(struct trace *t, const char *path, struct err *e)
{
    size_t size;
    *t = (struct trace){0};
    snprintf(t->path, sizeof t->path, "%s", io_tail(path));
    char *text = io_load(path, TRACE_MOST, &size, e);
    if (!text) return false;
    bool ok = (t->steps = json_array()) || err_set(e, ERR_MEMORY, "out of memory for %s", t->path);
    int number = 0;
    for (char *at = text, *end; ok && at < text + size; at = end + 1) {
        json_error_t why;
        end = at + strcspn(at, "\n");
        number++;
        if (end == at) continue;
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, &why);
        ok = line ? take(t, line, number, e)
                  : err_set(e, ERR_INPUT, "%s, line %d: %s", t->path, number, why.text);
    }
    free(text);
    if (ok && !t->start && !json_array_size(t->steps))
        ok = err_set(e, ERR_INPUT, "%s holds no run: train --trace FILE writes one", t->path);
    if (!ok) trace_close(t);
    return ok;
}

void trace_close(struct trace *t)
{
    json_decref(t->start), json_decref(t->end), json_decref(t->steps);
    *t = (struct trace){0};
}

/* ---- telling ---- */

static char *show(char to[32], const json_t *value)
{
    if (json_is_string(value))
        snprintf(to, 32, "%.30s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(to, 32, "%.6g", json_number_value(value));
    else
        strcpy(to, "–");
    return to;
}

/* Members of objects in objects as one list: "knobs.p". */
typedef void member(void *to, const char *name, const json_t *value);
static void each(const json_t *object, const char *prefix, member *tell, void *to)
{
    const char *key;
    json_t *value;
    char name[96];
    json_object_foreach((json_t *)object, key, value)
    {
        snprintf(name, sizeof name, "%s%s%.60s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value))
            each(value, name, tell, to);
        else if (!json_is_array(value) && strcmp(name, "type") != 0)
            tell(to, name, value);
    }
}

static const json_t *find(const json_t *object, const char *name)
{
    char head[96];
    size_t n = strcspn(name, ".");
    snprintf(head, sizeof head, "%.*s", (int)n, name);
    const json_t *value = json_object_get(object, head);
    return name[n] ? find(value, name + n + 1) : value;
}

static void tell_member(void *to, const char *name, const json_t *value)
{
    char shown[32];
    text_add(to, "%-28s %s\n", name, show(shown, value));
}

void trace_tell(const struct trace *t, bool json, struct text *out)
{
    size_t n = json_array_size(t->steps);
    const json_t *last = n ? json_array_get(t->steps, n - 1) : NULL;
    if (json) {
        json_t *line =
            json_pack("{s:s, s:s, s:i, s:O?, s:O?, s:O?}", "type", "trace", "file", t->path,
                      "steps", (int)n, "start", t->start, "last", last, "end", t->end);
        char *made = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
        text_add(out, "%s\n", made ? made : "{}");
        free(made);
        json_decref(line);
        return;
    }
    text_add(out, "a trace of %zu steps%s\n", n, t->end ? "" : "; it has no end");
    if (t->start) each(t->start, "", tell_member, out);
    if (last) text_add(out, "the last of them:\n"), each(last, "", tell_member, out);
    if (t->end) text_add(out, "the end:\n"), each(t->end, "", tell_member, out);
}

/* ---- comparing ---- */

struct diff {
    const struct trace *a, *b;
    bool json;
    struct text *out;
    int differ, same;
};

static bool timed(const char *name)
{
    static const char *const names[] = {"tokens_per_s", "step_ms", "wall_s", "threads", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static void put_value(struct text *to, const char *key, const json_t *value)
{
    json_put_key(to, key);
    char *made = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    text_add(to, "%s", made ? made : "null");
    free(made);
}

/* NULL: it is not there. */
static void put_setting(struct text *to, const char *name, const json_t *a, const json_t *b)
{
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", "setting");
    json_put_string(to, "name", name);
    put_value(to, "a", a);
    put_value(to, "b", b);
    text_add(to, "}\n");
}

static void diff_setting(void *to, const char *name, const json_t *value)
{
    struct diff *d = to;
    const json_t *other = find(d->b->start, name);
    char x[32], y[32];
    if (timed(name) || json_equal(value, other)) return;
    if (!d->json) {
        text_add(d->out, "%-28s %s | %s\n", name, show(x, value), show(y, other));
        return;
    }
    put_setting(d->out, name, value, other);
}

/* Only in b: what a's start does not have. */
static void diff_missing(void *to, const char *name, const json_t *value)
{
    struct diff *d = to, turned = {.a = d->b, .b = d->a, .json = d->json, .out = d->out};
    char y[32];
    if (find(d->a->start, name) || timed(name)) return;
    if (turned.json) {
        put_setting(d->out, name, NULL, value);
    } else {
        text_add(d->out, "%-28s – | %s\n", name, show(y, value));
    }
}

struct gap {
    long common, first; /* steps that both have; the first that differs, -1: none */
    double most, a, b;  /* the largest difference; the values of the last common step */
};

/* The two runs side by side, from the first step to the last; what only one has is passed over. */
static struct gap gap_of(const struct diff *d, const char *name)
{
    struct gap g = {.first = -1, .a = NAN, .b = NAN};
    size_t i = 0, j = 0, n = json_array_size(d->a->steps), m = json_array_size(d->b->steps);
    while (i < n && j < m) {
        const json_t *x = json_array_get(d->a->steps, i), *y = json_array_get(d->b->steps, j);
        double p = step_of(x), q = step_of(y);
        if (p < q) i++;
        if (q < p) j++;
        if (p != q) continue;
        const json_t *v = find(x, name), *w = find(y, name);
        g.a = json_is_number(v) ? json_number_value(v) : NAN;
        g.b = json_is_number(w) ? json_number_value(w) : NAN;
        double gap = isnan(g.a) && isnan(g.b) ? 0 : fabs(g.a - g.b);
        if (gap != 0 && g.first < 0) g.first = (long)p;
        if (!(gap <= g.most)) g.most = isnan(g.most) ? g.most : gap;
        g.common++, i++, j++;
    }
    return g;
}

static void diff_field(void *to, const char *name, const json_t *value)
{
    struct diff *d = to;
    if (timed(name) || strcmp(name, "step") == 0 || json_is_string(value)) return;
    struct gap g = gap_of(d, name);
    if (g.first < 0) {
        d->same++;
        return;
    }
    d->differ++;
    if (d->json) {
        json_put_open(d->out, NULL, '{');
        json_put_string(d->out, "type", "field");
        json_put_string(d->out, "name", name);
        json_put_number(d->out, "first_step", g.first);
        json_put_digits(d->out, "a", g.a, 9);
        json_put_digits(d->out, "b", g.b, 9);
        json_put_digits(d->out, "largest_difference", g.most, 9);
        text_add(d->out, "}\n");
        return;
    }
    char a[16], b[16], most[16];
    text_add(d->out, "%-28s from step %-7ld %12s %12s   at most %s apart\n", name, g.first,
             isnan(g.a) ? "–" : (snprintf(a, sizeof a, "%.6g", g.a), a),
             isnan(g.b) ? "–" : (snprintf(b, sizeof b, "%.6g", g.b), b),
             isnan(g.most) ? "–" : (snprintf(most, sizeof most, "%.3g", g.most), most));
}

/* Names of fields that only b's steps have are compared too. */
static void diff_other(void *to, const char *name, const json_t *value)
{
    struct diff *d = to;
    if (!find(json_array_get(d->a->steps, 0), name)) diff_field(to, name, value);
}

static void put_sum(struct text *to, long common, const struct diff *d)
{
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", "diff");
    json_put_string(to, "what", "trace");
    json_put_number(to, "common_steps", common);
    json_put_number(to, "differ", d->differ);
    json_put_number(to, "same", d->same);
    json_put_bool(to, "equal", !d->differ && common);
    text_add(to, "}\n");
}

void trace_diff(const struct trace *a, const struct trace *b, bool json, struct text *out)
{
    struct diff d = {a, b, json, out, 0, 0};
    const json_t *first = json_array_get(a->steps, 0), *other = json_array_get(b->steps, 0);
    long common = gap_of(&d, "step").common;
    if (a->start && b->start)
        each(a->start, "", diff_setting, &d), each(b->start, "", diff_missing, &d);
    if (first && other) each(first, "", diff_field, &d), each(other, "", diff_other, &d);
    if (json)
        put_sum(out, common, &d);
    else if (!common)
        text_add(out, "the two have no step in common\n");
    else
        text_add(out, "%ld steps in common: %d numbers are equal in all of them, %d differ\n",
                 common, d.same, d.differ);
}
