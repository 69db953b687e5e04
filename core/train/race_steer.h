#ifndef CORE_TRAIN_RACE_STEER_H
#define CORE_TRAIN_RACE_STEER_H
/* For race.c: which value of a strategy's own knob gives the number of experts wanted. */
#include "core/train/race.h"

enum { STEER_PILOTS = 7, STEER_TRIALS = 5 };
#define STEER_SHARE 0.25 /* of the budget, a pilot; see race.c */

/* Trains c on `share` of the budget with the first seed; *experts: per token, on the validation
 * split. */
typedef bool steer_train(void *to, const struct config *c, double share, double *experts,
                         struct err *e);
/* Turns the knobs of c that its strategy steers by; says in *result what it did. Where the target
 * cannot be met, the nearest value that was tried stays. */
bool steer_lane(struct config *c, double target, steer_train *train, void *to,
                struct race_result *result, struct err *e);
#endif
