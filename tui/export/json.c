/* tui/export/json.c - A view's facts as one JSON object: what runs and what was measured exactly
 * as `train --json` says it, the view's sentences, and the numbers in them by name. */
#include "core/base/json.h"
#include "core/metrics/report.h"
#include "tui/export/export.h"
#include "tui/views/facts.h"

#include <stdlib.h>
#include <string.h>

/* One line of report.c as a member. */
static void add_report(struct text *to, const char *key,
                       void (*report)(struct text *, const struct snapshot *, const char *),
                       const struct snapshot *now)
{
    struct text line = {0};
    report(&line, now, NULL);
    size_t n = strcspn(text_str(&line), "\n");
    json_put_key(to, key);
    text_put(to, text_str(&line), n);
    to->failed |= line.failed;
    text_free(&line);
}

static void add_sentences(struct text *to, char *lines)
{
    json_put_open(to, "sentences", '[');
    for (char *at = lines, *end; *at; at = end) {
        end = at + strcspn(at, "\n");
        if (*end) *end++ = 0;
        if (*at) json_put_string(to, NULL, at);
    }
    json_put_close(to, ']');
}

bool export_json(struct text *to, const struct view *view, const struct scene *s)
{
    struct text facts = {0}, said = {.facts = &facts};
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", "view");
    json_put_string(to, "view", view->name);
    json_put_string(to, "question", view->question);
    if (s->now) {
        json_put_number(to, "layer", facts_layer(s) + 1);
        json_put_number(to, "cursor", facts_cursor(s));
        add_report(to, "run", report_start, s->now);
        add_report(to, "measured", report_step, s->now);
    }
    view->tell(&said, s);
    text_put(&said, "", 1); /* in memory that may be cut into lines, also when nothing was said */
    if (said.at) add_sentences(to, said.at);
    text_add(to, ",\"facts\":{%s}}\n", text_str(&facts));
    to->failed |= said.failed || facts.failed;
    text_free(&said);
    text_free(&facts);
    return !to->failed;
}
