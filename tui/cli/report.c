/* tui/cli/report.c - `report FILE.record`: what somebody did, as one page: settings, curves, what
 * was changed and when, lessons and answers. `class` reads such pages (or the records) of many. */
#include "core/base/io.h"
#include "core/base/text.h"
#include "core/script/record.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "<script type=\"application/json\" id=\"vanpool-record\">"
#define END "</script>"

static bool is(const json_t *o, const char *type)
{
    return strcmp(record_word(o, "type"), type) == 0;
}

/* ---- one person's sum ---- */

struct sum {
    long steps, changes;
    int pages, lessons, answers, right; /* lessons: begun */
    double best, last, experts;         /* accuracy, best and newest; experts of the newest */
};

static void sum_up(const json_t *lines, struct sum *s)
{
    char lessons[2048] = "", name[64];
    size_t i;
    const json_t *o;
    *s = (struct sum){.best = NAN, .last = NAN, .experts = NAN};
    json_array_foreach(lines, i, o)
    {
        if (is(o, "line")) s->changes++;
        if (is(o, "sample")) {
            double right = record_number(o, "accuracy");
            s->steps = (long)record_number(o, "made");
            s->last = right, s->experts = record_number(o, "experts_per_token");
            s->best = fmax(s->best, right);
        }
        if (!is(o, "note")) continue;
        const char *text = record_word(o, "text");
        s->pages += strncmp(text, "page done ", 10) == 0;
        s->answers += strncmp(text, "answer ", 7) == 0;
        s->right += strncmp(text, "answer right ", 13) == 0;
        if (sscanf(text, "lesson %60s", name) != 1) continue;
        strcat(name, ";");
        if (strstr(lessons, name) || strlen(lessons) + strlen(name) >= sizeof lessons) continue;
        strcat(lessons, name), s->lessons++;
    }
}

/* ---- the page ---- */

/* A field of the samples over the steps made. */
static void curve(const json_t *lines, const char *field, struct text *out)
{
    enum { WIDTH = 640, HEIGHT = 120 };
    double last = 1, low = INFINITY, high = -INFINITY;
    size_t i;
    const json_t *o;
    json_array_foreach(lines, i, o)
    {
        double y = is(o, "sample") ? record_number(o, field) : NAN;
        if (isnan(y)) continue;
        low = fmin(low, y), high = fmax(high, y), last = fmax(last, record_number(o, "made"));
    }
    if (!(high >= low)) return;
    text_add(out,
             "<h3>%s, %.4g to %.4g</h3>\n<svg viewBox=\"0 0 %d %d\" width=\"100%%\"><polyline "
             "fill=\"none\" stroke=\"#246\" stroke-width=\"2\" points=\"",
             field, low, high, WIDTH, HEIGHT);
    json_array_foreach(lines, i, o)
    {
        double y = is(o, "sample") ? record_number(o, field) : NAN;
        if (!isnan(y))
            text_add(out, "%.1f,%.1f ", record_number(o, "made") / last * WIDTH,
                     HEIGHT - 4 - (high > low ? (y - low) / (high - low) : .5) * (HEIGHT - 8));
    }
    text_add(out, "\"/></svg>\n");
}

static void table_html(const json_t *lines, struct text *out)
{
    size_t i;
    const json_t *o;
    text_add(out, "<h2>What was done</h2>\n<table>\n");
    json_array_foreach(lines, i, o)
    {
        if (!is(o, "line") && !is(o, "note")) continue;
        text_add(out, "<tr><td>step %ld</td><td>%s", (long)record_number(o, "made"),
                 is(o, "line") ? "<code>" : "");
        text_html(out, record_word(o, is(o, "line") ? "line" : "text"));
        text_add(out, "%s</td></tr>\n", is(o, "line") ? "</code>" : "");
    }
    text_add(out, "</table>\n");
}

static void put_sum(const json_t *lines, bool html, struct text *out)
{
    const json_t *head = json_array_get(lines, 0);
    struct sum s;
    char best[16], last[16], experts[16];
    sum_up(lines, &s);
    char value[160];
#define ROW(name, ...)                                                                             \
    do {                                                                                           \
        snprintf(value, sizeof value, __VA_ARGS__);                                                \
        text_add(out, html ? "<tr><th>%s</th><td>" : "| %s | ", name);                             \
        if (html)                                                                                  \
            text_html(out, value);                                                                 \
        else                                                                                       \
            text_add(out, "%s", value);                                                            \
        text_add(out, html ? "</td></tr>\n" : " |\n");                                             \
    } while (0)
    ROW("data, strategy at the start", "%.60s, %.40s", record_word(head, "data"),
        record_word(head, "strategy"));
    ROW("seed", "%.0f", record_number(json_object_get(head, "settings"), "seed"));
    ROW("steps made", "%ld", s.steps);
    ROW("commands that changed something", "%ld", s.changes);
    ROW("lessons begun, pages done", "%d, %d", s.lessons, s.pages);
    ROW("answers, right ones", "%d, %d", s.answers, s.right);
    ROW("accuracy at the end, best", "%s, %s", text_number(last, s.last, 3),
        text_number(best, s.best, 3));
    ROW("experts a token at the end", "%s", text_number(experts, s.experts, 2));
#undef ROW
}

static void html(const json_t *lines, const char *name, struct text *out)
{
    text_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    text_html(out, name);
    text_add(
        out,
        "</title><style>body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
        "td,th{text-align:left;padding:.1em 1em .1em "
        "0;vertical-align:top}</style></head><body>\n<h1>");
    text_html(out, name);
    text_add(out, "</h1>\n<table>\n");
    put_sum(lines, true, out);
    text_add(out, "</table>\n<h2>Curves</h2>\n");
    curve(lines, "loss", out), curve(lines, "accuracy", out);
    curve(lines, "experts_per_token", out), curve(lines, "load_max_over_mean", out);
    table_html(lines, out);
    char *data = json_dumps(lines, JSON_COMPACT);
    text_add(out, BEGIN);
    for (const char *at = data ? data : "[]"; *at; at++) /* no "</script>" in it */
        text_put(out, *at == '<' ? "\\u003c" : at, *at == '<' ? 6 : 1);
    text_add(out, END "\n</body></html>\n");
    free(data);
}

static void markdown(const json_t *lines, const char *name, struct text *out)
{
    size_t i;
    const json_t *o;
    text_add(out, "# %s\n\n| | |\n|---|---|\n", name);
    put_sum(lines, false, out);
    text_add(out, "\n| step | loss | accuracy | experts |\n|---|---|---|---|\n");
    json_array_foreach(lines, i, o)
    {
        char loss[16], right[16], experts[16];
        if (is(o, "sample"))
            text_add(out, "| %ld | %s | %s | %s |\n", (long)record_number(o, "made"),
                     text_number(loss, record_number(o, "loss"), 4),
                     text_number(right, record_number(o, "accuracy"), 4),
                     text_number(experts, record_number(o, "experts_per_token"), 2));
    }
    text_add(out, "\n## What was done\n\n");
    json_array_foreach(lines, i, o)
    {
        if (is(o, "line"))
            text_add(out, "- step %ld: `%s`\n", (long)record_number(o, "made"),
                     record_word(o, "line"));
        if (is(o, "note"))
            text_add(out, "- step %ld: %s\n", (long)record_number(o, "made"),
                     record_word(o, "text"));
    }
}

/* The file's name without folder and ending: whose it is. */
static void name_of(const char *path, char *to, size_t size)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    snprintf(to, size, "%.*s", (int)strcspn(base, "."), base);
}

bool cli_report(const struct flags *f, struct err *e)
{
    char name[128];
    struct text out = {0};
    if (f->operands.count != 1)
        return err_set(e, ERR_USAGE, "report needs a record: report FILE > FILE.html");
    json_t *lines = record_read(f->operands.at[0], e);
    if (!lines) return false;
    name_of(f->operands.at[0], name, sizeof name);
    if (f->markdown)
        markdown(lines, name, &out);
    else
        html(lines, name, &out);
    bool ok = out_put(&out, e);
    json_decref(lines);
    text_free(&out);
    return ok;
}

/* ---- many ---- */

/* A record, or the one inside a report. */
static json_t *lines_of(const char *path, struct err *e)
{
    enum { MOST = 64 << 20 };
    size_t size;
    char *text = io_load(path, MOST, &size, e);
    char *begin = text ? strstr(text, BEGIN) : NULL, *end = begin ? strstr(begin, END) : NULL;
    json_t *lines = NULL;
    if (begin && end) {
        begin += sizeof BEGIN - 1;
        lines = json_loadb(begin, (size_t)(end - begin), 0, NULL);
        if (!json_is_array(lines) || !is(json_array_get(lines, 0), "record")) {
            json_decref(lines), lines = NULL;
            err_set(e, ERR_INPUT, "%s: the record inside this report cannot be read",
                    io_tail(path));
        }
    }
    bool plain = text && !begin;
    free(text);
    return plain ? record_read(path, e) : lines;
}

static void put_cell(struct text *out, const char *value)
{
    bool quote = strpbrk(value, ",\"\n") != NULL;
    if (quote) text_add(out, "\"");
    for (; *value; value++) text_put(out, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1);
    if (quote) text_add(out, "\"");
}

static void put_person(const struct flags *f, const char *name, const struct sum *s,
                       struct text *out)
{
    char best[16], last[16], experts[16];
    bool known = !isnan(s->last);
    text_number(best, s->best, 4), text_number(last, s->last, 4),
        text_number(experts, s->experts, 2);
    if (!f->csv) {
        text_add(out, "%-20.20s %7ld %8ld %8d %6d %8d %6d %9s %9s %8s\n", name, s->steps,
                 s->changes, s->lessons, s->pages, s->answers, s->right, last, best, experts);
        return;
    }
    put_cell(out, name);
    text_add(out, ",%ld,%ld,%d,%d,%d,%d,%s,%s,%s\n", s->steps, s->changes, s->lessons, s->pages,
             s->answers, s->right, known ? last : "", known ? best : "", known ? experts : "");
}

bool cli_class(const struct flags *f, struct err *e)
{
    struct text out = {0};
    bool ok = f->operands.count > 0 ||
              err_set(e, ERR_USAGE, "class needs reports or records: class *.html --csv");
    if (f->csv)
        text_add(&out, "name,steps,changes,lessons,pages,answers,right,accuracy,best_accuracy,"
                       "experts_per_token\n");
    else
        text_add(&out, "%-20s %7s %8s %8s %6s %8s %6s %9s %9s %8s\n", "name", "steps", "changes",
                 "lessons", "pages", "answers", "right", "accuracy", "best", "experts");
    for (int i = 0; ok && i < f->operands.count; i++) {
        char name[128];
        struct sum s;
        json_t *lines = lines_of(f->operands.at[i], e);
        if (!(ok = lines != NULL)) break;
        name_of(f->operands.at[i], name, sizeof name);
        sum_up(lines, &s);
        put_person(f, name, &s, &out);
        json_decref(lines);
    }
    ok = ok && out_put(&out, e);
    text_free(&out);
    return ok;
}
