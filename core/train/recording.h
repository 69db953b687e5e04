#ifndef CORE_TRAIN_RECORDING_H
#define CORE_TRAIN_RECORDING_H
/* What a record says of a run, whoever trains it: what it began with, and now and then what was
 * measured, with a fingerprint of the weights. */
#include "core/metrics/snapshot.h"
#include "core/script/record.h"
#include "core/train/trainer.h"

enum { RECORDING_EVERY = 100 }; /* steps between two samples */

/* The first line: the run as it is before its first step. */
bool recording_head(struct record *r, const struct config *c, const struct snapshot *s,
                    struct err *e);
/* A sample behind `made` steps of the record; `s`: measured now. */
bool recording_sample(struct record *r, struct trainer *t, const struct snapshot *s, long made,
                      struct err *e);
#endif
