/* core/console/aim.c - The thermostat behind `aim`. Counts answer late, for the router learns under
 * its prices: so it turns by small parts of the slider, by where the count will be if it goes on as
 * it does, and rests where that is near enough. */
#include "core/console/aim.h"
#include "core/console/verbs.h"
#include "core/train/trainer.h"

#include <math.h>
#include <stdio.h>

enum { LOOKS = 5, LOOK_EVERY = AIM_EVERY / LOOKS };
#define AHEAD 4.0   /* turns that it looks ahead */
#define GAIN 0.06   /* of the slider, for a count that is off by all of the target */
#define MOST 0.02   /* of the slider, in one turn */
#define ENOUGH 0.03 /* of the target: near enough */

int aim_knob(const struct router *r, bool *fewer)
{
    for (int i = 0; i < 2 && r->steer[i].knob; i++) {
        int knob = router_knob(r, r->steer[i].knob);
        if (r->knobs[knob].kind != OPTION_REAL || r->knobs[knob].flags & OPTION_SHAPES) continue;
        *fewer = r->steer[i].fewer;
        return knob;
    }
    return -1;
}

void aim_begin(struct console *c, double target, int knob, bool fewer)
{
    const struct config *now = trainer_config(c->trainer);
    char mark[32];
    c->aim = (struct aim){.target = target,
                          .router = now->router,
                          .knob = knob,
                          .fewer = fewer,
                          .set = now->knob[knob],
                          .last = trainer_now(c->trainer),
                          .before = NAN};
    snprintf(mark, sizeof mark, "aim %.3g", target);
    trainer_mark(c->trainer, mark);
}

/* Somebody else has moved on: another strategy, a knob turned by hand, an earlier step. */
static bool is_over(const struct aim *a, const struct config *now, long step)
{
    return now->router != a->router || now->knob[a->knob] != a->set || step < a->last;
}

static void turn(struct console *c, double mean)
{
    struct aim *a = &c->aim;
    struct config to = *trainer_config(c->trainer);
    const struct option *o = &a->router->knobs[a->knob];
    int E = config_int(&to, CONFIG_EXPERTS), N = c->snapshot.N;
    double trend = isnan(a->before) ? 0 : mean - a->before;
    double off = (mean + AHEAD * trend) / a->target - 1, move = fabs(off) * GAIN;
    char value[32], text[160];
    a->before = mean;
    if (fabs(off) < ENOUGH || isnan(off)) return;
    if (move > MOST) move = MOST;
    double place = option_place(o, a->set, E, N) + ((off > 0) == a->fewer ? move : -move);
    to.knob[a->knob] = option_at(o, place, E, N);
    bool held = to.knob[a->knob] == a->set;
    if (held && !a->stuck && (place <= 0 || place >= 1)) {
        snprintf(text, sizeof text, "aim %.3g: %s is at its end, %s, and a token takes %.2f",
                 a->target, o->name, option_show(o, a->set, value), mean);
        trainer_tell_of(c->trainer, text);
    }
    a->stuck = held && (place <= 0 || place >= 1);
    if (!held && trainer_change(c->trainer, &to, NULL)) a->set = to.knob[a->knob];
}

void aim_step(struct console *c)
{
    struct aim *a = &c->aim;
    long step = trainer_now(c->trainer);
    if (!(a->target > 0)) return;
    if (is_over(a, trainer_config(c->trainer), step)) {
        char text[120];
        snprintf(text, sizeof text, "the aim at %.3g experts a token is over: somebody else turns",
                 a->target);
        trainer_tell_of(c->trainer, text);
        a->target = 0;
        return;
    }
    if (step % LOOK_EVERY) return;
    a->last = step;
    double now = console_snapshot(c)->experts_per_token;
    if (isnan(now)) return;
    a->sum += now;
    if (++a->looks < LOOKS) return;
    double mean = a->sum / a->looks;
    a->sum = a->looks = 0;
    turn(c, mean);
}
