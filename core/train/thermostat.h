#ifndef CORE_TRAIN_THERMOSTAT_H
#define CORE_TRAIN_THERMOSTAT_H
/* A given number of experts per token, by a knob that only moves it: a price or a threshold, whose
 * value for that number nobody knows beforehand. A thermostat looks every few steps and turns it a
 * little. What it does depends on the steps alone. */
#include "core/train/trainer.h"

enum { THERMOSTAT_EVERY = 20 }; /* steps between two turns */
struct thermostat {
    double target; /* experts per token; 0: off */
    const struct router *router;
    int knob;
    bool fewer;         /* the knob's value up, the count down */
    double set;         /* the value as it was left: another one is a person's */
    long last;          /* the step of the newest look */
    int looks;          /* since the knob was turned */
    double sum, before; /* of what they saw; the mean before that, NaN: none */
    bool stuck;         /* the knob is at its end, and the target is not met */
};

/* The knob that is a number of experts itself; -1: the strategy has none. */
int thermostat_count_knob(const struct router *r);
/* False: the strategy has no knob that can be turned for it while the model lives. */
bool thermostat_begin(struct thermostat *h, const struct trainer *t, double target);
/* Is it to be told now what a token takes? After every step. */
bool thermostat_looks(const struct thermostat *h, const struct trainer *t);
/* What it saw. False: somebody else has moved on (another strategy, the knob turned by hand, an
 * earlier step), and it is off. */
bool thermostat_look(struct thermostat *h, struct trainer *t, double experts);
#endif
