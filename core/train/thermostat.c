/* core/train/thermostat.c - Counts answer late, for the router learns under its prices: so it turns
 * by small parts of the slider, by where the count will be if it goes on as it does, and rests where
 * that is near enough. */
#include "core/train/thermostat.h"

#include <math.h>
#include <string.h>

enum { LOOKS = 5, LOOK_EVERY = THERMOSTAT_EVERY / LOOKS };
#define AHEAD 4.0   /* turns that it looks ahead */
#define GAIN 0.06   /* of the slider, for a count that is off by all of the target */
#define MOST 0.02   /* of the slider, in one turn */
#define ENOUGH 0.03 /* of the target: near enough */

int thermostat_count_knob(const struct router *r)
{
    for (int i = 0; i < 2 && r->steer[i].knob; i++) {
        int knob = router_knob(r, r->steer[i].knob);
        const char *unit = r->knobs[knob].unit;
        if (!strcmp(r->steer[i].knob, "k") || (unit && strcmp(unit, "experts") == 0)) return knob;
    }
    return -1;
}

bool thermostat_begin(struct thermostat *h, const struct trainer *t, double target)
{
    const struct config *now = trainer_config(t);
    const struct router *r = now->router;
    for (int i = 0; i < 2 && r->steer[i].knob; i++) {
        int knob = router_knob(r, r->steer[i].knob);
        if (r->knobs[knob].kind != OPTION_REAL || r->knobs[knob].flags & OPTION_SHAPES) continue;
        *h = (struct thermostat){.target = target,
                                 .router = r,
                                 .knob = knob,
                                 .fewer = r->steer[i].fewer,
                                 .set = now->knob[knob],
                                 .last = trainer_now(t),
                                 .before = NAN};
        return true;
    }
    *h = (struct thermostat){0};
    return false;
}

bool thermostat_looks(const struct thermostat *h, const struct trainer *t)
{
    const struct config *now = trainer_config(t);
    if (!(h->target > 0)) return false;
    bool over =
        now->router != h->router || now->knob[h->knob] != h->set || trainer_now(t) < h->last;
    return over || trainer_now(t) % LOOK_EVERY == 0;
}

static void turn(struct thermostat *h, struct trainer *t, double mean)
{
    struct config to = *trainer_config(t);
    const struct option *o = &h->router->knobs[h->knob];
    struct slot_run runs[4];
    int E = config_int(&to, CONFIG_EXPERTS),
        N = E + router_slots(to.router, to.knob, E, runs, NULL);
    double trend = isnan(h->before) ? 0 : mean - h->before;
    double off = (mean + AHEAD * trend) / h->target - 1, move = fmin(fabs(off) * GAIN, MOST);
    h->before = mean;
    if (isnan(off) || fabs(off) < ENOUGH) return;
    double place = option_place(o, h->set, E, N) + ((off > 0) == h->fewer ? move : -move);
    to.knob[h->knob] = option_at(o, place, E, N);
    bool held = to.knob[h->knob] == h->set;
    h->stuck = held && (place <= 0 || place >= 1);
    if (!held && trainer_change(t, &to, NULL)) h->set = to.knob[h->knob];
}

bool thermostat_look(struct thermostat *h, struct trainer *t, double experts)
{
    const struct config *now = trainer_config(t);
    if (now->router != h->router || now->knob[h->knob] != h->set || trainer_now(t) < h->last)
        return h->target = 0, false;
    h->last = trainer_now(t);
    if (isnan(experts)) return true;
    h->sum += experts;
    if (++h->looks < LOOKS) return true;
    double mean = h->sum / h->looks;
    h->sum = h->looks = 0;
    turn(h, t, mean);
    return true;
}
