#ifndef CORE_METRICS_TRACE_H
#define CORE_METRICS_TRACE_H
/* A training run as the JSON lines of report.c in a file (train --trace, or --json behind >): what
 * is in one, and how two differ, step by step. */
#include "core/base/err.h"
#include "core/base/text.h"
#include <jansson.h>

struct trace {
    char path[128];      /* for sentences */
    json_t *start, *end; /* NULL: not there */
    json_t *steps;       /* an array, in the order of the file */
};
/* The file begins like a trace (and not like a checkpoint). False also where it cannot be read. */
bool trace_is(const char *path);
/* Refused with line and reason where a line is no object of a run, or steps go back. */
bool trace_open(struct trace *t, const char *path, struct err *e);
void trace_close(struct trace *t); /* accepts a zeroed one */

/* What it holds, for people; with `json` one object. */
void trace_tell(const struct trace *t, bool json, struct text *out);
/* Where settings differ, and for every number of the steps that both have: the first step at which
 * it differs, the largest difference, the last values. Times are left out. */
void trace_diff(const struct trace *a, const struct trace *b, bool json, struct text *out);
#endif
