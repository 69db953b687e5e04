#ifndef TUI_VIEWS_SAY_H
#define TUI_VIEWS_SAY_H
/* Sentences with numbers that have a name. What `tell` writes through these two reaches people as
 * text and, where the text has a place for facts (core/base/text.h), JSON as a named value with its
 * unit: one call, so that the two cannot disagree. */
#include "tui/views/view.h"

/* Like text_add; then {FIELD} becomes the value of that field of the snapshot with its digits,
 * {FIELD%} the same as percent, {FIELD,} in whole groups of three. Also {step}. */
void say(struct text *to, const struct snapshot *now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A number that is no field: its name is `name` with what belongs to it, as in "load 1 3". */
void say_number(struct text *to, double value, int digits, const char *unit, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with as many digits as its size asks. */
void say_figure(struct text *to, double value, const char *unit, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
void say_percent(struct text *to, double share, const char *name, ...)
    __attribute__((format(printf, 3, 4)));
/* A number that stands in the sentence as `shown`, in a form of its own. */
void say_as(struct text *to, const char *shown, double value, const char *unit, const char *name,
            ...) __attribute__((format(printf, 5, 6)));
#endif
