#ifndef CORE_DATA_CONTROL_H
#define CORE_DATA_CONTROL_H
/* Forced counts, the control of every claim that experts should follow need: each token gets as
 * many experts as it truly needs, or the same numbers dealt out at random, so that compute and its
 * spread stay and only the knowledge goes. */
#include "core/data/dataset.h"

enum control { CONTROL_NONE, CONTROL_TRUE, CONTROL_SHUFFLED };

/* Fills b->count, at most `most` each, from b->need; a token without a need (padding) gets 0 and
 * takes no part in the shuffle. Shuffled: Fisher-Yates from stream RNG_SHUFFLE of (seed, split,
 * index), so that any batch is shuffled alike at any time. */
void control_counts(struct batch *b, enum control control, int most, uint64_t seed,
                    enum data_split split, int64_t index);
#endif
