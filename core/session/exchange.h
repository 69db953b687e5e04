#ifndef CORE_SESSION_EXCHANGE_H
#define CORE_SESSION_EXCHANGE_H
/* Hands the newest snapshot from the trainer thread to one reader, without a lock:
 * three copies, one being written, one being read, one waiting between them. */
#include "core/metrics/snapshot.h"

struct exchange;

struct exchange *exchange_open(struct err *e);
void exchange_close(struct exchange *x); /* accepts NULL */
/* Writer thread only. Never waits; an unread snapshot is replaced. */
void exchange_put(struct exchange *x, const struct snapshot *s);
/* Reader thread only. False: nothing new, *s untouched. */
bool exchange_take(struct exchange *x, struct snapshot *s);
#endif
