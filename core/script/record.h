#ifndef CORE_SCRIPT_RECORD_H
#define CORE_SCRIPT_RECORD_H
/* A session on paper: JSON Lines, from which it can be made again bit by bit. First what ran, then
 * every command that changed something and the number of steps made before it, what was measured
 * now and then with a fingerprint of the weights, and notes. */
#include "core/base/err.h"
#include <jansson.h>

struct record; /* a file that grows by whole lines */

/* A file that is there is refused: a record is never written over. */
struct record *record_open(const char *path, struct err *e);
/* Adds one object as a line; takes it over, NULL is out of memory. What was written before stays
 * whole. */
bool record_put(struct record *r, json_t *line, struct err *e);
void record_close(struct record *r); /* accepts NULL */

/* The whole file as an array of objects that have a "type"; the first is of type "record". A last
 * line that was cut is left out. NULL: e names file and line. */
json_t *record_read(const char *path, struct err *e);
/* Of one object: the text under a key, "" where there is none; the number, NaN. */
const char *record_word(const json_t *o, const char *key);
double record_number(const json_t *o, const char *key);
#endif
