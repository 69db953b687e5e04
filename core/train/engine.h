#ifndef CORE_TRAIN_ENGINE_H
#define CORE_TRAIN_ENGINE_H
/* Timing of a trainer's own steps, group by group, and the same pass with other numbers of experts
 * on the weights of now. For the console; a step calls engine_begin and engine_end. */
#include "core/train/trainer.h"

/* On: steps are timed, and what they took is in the snapshot's `engine`. Off: nothing is. */
void trainer_engine(struct trainer *t, bool on);
/* A pass as the strategy says, one with two experts for every token, one with all: in turns of a
 * pass each, without learning anything. False: no memory, or the backend has failed. */
bool trainer_compare(struct trainer *t, struct err *e);
bool trainer_comparing(const struct trainer *t);
bool trainer_compare_turn(struct trainer *t, struct err *e);

/* For trainer.c. */
void engine_begin(struct trainer *t);
void engine_end(struct trainer *t, double seconds);
void engine_flops(struct trainer *t);     /* of the step just measured, and were every expert run */
void engine_new_model(struct trainer *t); /* what was compared was another one's */
#endif
