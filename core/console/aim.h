#ifndef CORE_CONSOLE_AIM_H
#define CORE_CONSOLE_AIM_H
/* A given number of experts per token, by a knob that only moves it: a price or a threshold, whose
 * value for that number nobody knows beforehand. A thermostat looks every few steps and turns it a
 * little. What it does depends on the steps alone: a state or a record makes it again. */
#include "core/base/err.h"
#include "core/base/text.h"

enum { AIM_EVERY = 20 }; /* steps between two turns */
struct console;
struct router;

struct aim {
    double target; /* experts per token; 0: no aim */
    const struct router *router;
    int knob;
    bool fewer;         /* the knob's value up, the count down */
    double set;         /* the value as it was left: another one is a person's */
    long last;          /* the step of the newest look */
    int looks;          /* since the knob was turned */
    double sum, before; /* of what they saw; the mean before that, NaN: none */
    bool stuck;         /* the knob is at its end, and it was said */
};

/* The knob that can be turned for a count while the model lives; -1: the strategy has none. */
int aim_knob(const struct router *r, bool *fewer);
void aim_begin(struct console *c, double target, int knob, bool fewer);
/* After every step. */
void aim_step(struct console *c);
#endif
