#ifndef CORE_SCRIPT_PACKED_H
#define CORE_SCRIPT_PACKED_H
/* The text files of lessons/, inside the program, so that it finds them wherever it is installed.
 * pack.sh writes the table when the program is built. */
#include "core/base/err.h"

struct packed {
    /* "lessons" or "lessons/scenarios"; without the ending; the whole file */
    const char *folder, *name, *text;
};
extern const struct packed packed_files[]; /* in the order of their names; ends with .name NULL */

/* File number i of a folder; NULL past the end. */
const struct packed *packed_at(const char *folder, int i);
/* By name, or by a beginning that only one has; NULL: e suggests the nearest. `what`: what people
 * call such a file. */
const struct packed *packed_find(const char *folder, const char *what, const char *name,
                                 struct err *e);
/* What a file says it is for: its first line, without the # before it. to: `size` bytes. Returns
 * `to`. */
char *packed_title(const struct packed *p, char *to, int size);
#endif
