#ifndef CORE_METRICS_REPORT_H
#define CORE_METRICS_REPORT_H
/* A snapshot as a line: JSON objects for programs, a row of text for people. Each function adds one
 * line with its line feed. `lane` (NULL: none) is named in every object of a race. */
#include "core/base/text.h"
#include "core/metrics/snapshot.h"

void report_start(struct text *to, const struct snapshot *s, const char *lane);
void report_step(struct text *to, const struct snapshot *s, const char *lane);
void report_end(struct text *to, const struct snapshot *s, const char *lane);
void report_row_head(struct text *to); /* the names over the columns of report_row */
void report_row(struct text *to, const struct snapshot *s);
#endif
