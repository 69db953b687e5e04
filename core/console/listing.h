#ifndef CORE_CONSOLE_LISTING_H
#define CORE_CONSOLE_LISTING_H
/* Every table of the program as rows, for `list`: an object an entry, or some of its columns as
 * text. */
#include "core/base/text.h"
#include "core/base/err.h"
#include <jansson.h>

struct listing {
    const char *name, *help;
    json_t *(*row)(int i); /* a new object; NULL past the end (or out of memory) */
    const char *column[5]; /* what the text form shows; ends with NULL */
};
extern const struct listing core_listings[]; /* ends with .name NULL */

/* Among `tables` and, where it is not NULL, `more`. NULL: e suggests the nearest. */
const struct listing *listing_find(const char *name, const struct listing *tables,
                                   const struct listing *more, struct err *e);
/* All rows: columns, or with `json` one object a line. */
void listing_write(const struct listing *l, bool json, struct text *out);
#endif
