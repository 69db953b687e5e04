/* core/train/race_steer.c - How many experts a knob's value gives is known after training only: the
 * router learns under its prices. So short pilot runs (each with its own annealing) close in on the
 * value between two bounds; then a whole run shows how far a pilot is from the truth, and the
 * pilots' curve, shifted by that, gives a better one. Counts may waver: what came nearest stays. */
#include "core/train/race_steer.h"
#include "core/data/control.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NEAR_PILOT 0.03 /* of the target: near enough */
#define NEAR_WHOLE 0.05
#define NEAR_ENOUGH 0.1 /* else the next knob is turned too */

/* Places run from 0, fewest experts, to 1, most: whatever way the knob turns. */
struct point {
    double place, count;
};
struct hunt {
    struct config *c;
    const struct option *knob;
    int at; /* index of the knob */
    bool fewer;
    double target;
    steer_train *train;
    void *to;
    struct point seen[STEER_PILOTS];
    int count;
};

static int columns(const struct hunt *h)
{
    struct slot_run runs[4];
    int E = config_int(h->c, CONFIG_EXPERTS);
    return E + router_slots(h->c->router, h->c->knob, E, runs, NULL);
}

static double value_at(const struct hunt *h, double place)
{
    return option_at(h->knob, h->fewer ? 1 - place : place, config_int(h->c, CONFIG_EXPERTS),
                     columns(h));
}

static double place_of(const struct hunt *h, double value)
{
    double place = option_place(h->knob, value, config_int(h->c, CONFIG_EXPERTS), columns(h));
    return h->fewer ? 1 - place : place;
}

static bool near(double count, double target, double tolerance)
{
    return fabs(count - target) <= tolerance * target;
}

static bool try_at(struct hunt *h, double place, double share, double *count, struct err *e)
{
    h->c->knob[h->at] = value_at(h, place);
    h->c->knob_named |= 1u << h->at;
    return h->train(h->to, h->c, share, count, e);
}

static const struct point *nearest(const struct hunt *h)
{
    const struct point *best = &h->seen[0];
    for (int i = 1; i < h->count; i++)
        if (fabs(h->seen[i].count - h->target) < fabs(best->count - h->target)) best = &h->seen[i];
    return best;
}

/* Two places with the target between their counts, as far as they were tried (NaN: not). */
struct bracket {
    struct point low, high;
    int side; /* which end moved last: -1, 1; 0 none */
};

/* Takes in a point and says where to look next: on the line through both ends, each weighed less
 * once the other has moved twice in a row (the Illinois rule: a curved count would creep else);
 * where one end was not tried, at `guess` if that lies inside, else in the middle. */
static double narrow(struct bracket *b, struct point p, double target, double guess)
{
    int side = p.count < target ? -1 : 1;
    struct point *moved = side < 0 ? &b->low : &b->high, *other = side < 0 ? &b->high : &b->low;
    if (side == b->side) other->count = target + (other->count - target) / 2;
    *moved = p, b->side = side;
    double wide = b->high.place - b->low.place, along = .5;
    if (!isnan(b->low.count) && !isnan(b->high.count) && b->high.count > b->low.count)
        along = (target - b->low.count) / (b->high.count - b->low.count);
    else if (guess > b->low.place && guess < b->high.place)
        along = (guess - b->low.place) / wide;
    return b->low.place + wide * fmin(fmax(along, .05), .95);
}

/* Where a whole-number knob was tried, nothing new lies. */
static bool tried(const struct hunt *h, double place)
{
    for (int i = 0; i < h->count; i++)
        if (value_at(h, h->seen[i].place) == value_at(h, place)) return true;
    return false;
}

static bool pilots(struct hunt *h, struct race_result *result, struct err *e)
{
    struct bracket b = {{0, NAN}, {1, NAN}, 0};
    bool in_experts = h->knob->unit && strcmp(h->knob->unit, "experts") == 0;
    double place = place_of(h, in_experts ? h->target : h->c->knob[h->at]);
    for (h->count = 0; h->count < STEER_PILOTS && !tried(h, place);) {
        struct point *p = &h->seen[h->count];
        p->place = place;
        if (!try_at(h, place, STEER_SHARE, &p->count, e)) return false;
        h->count++, result->pilots++;
        if (near(p->count, h->target, NEAR_PILOT)) break;
        place = narrow(&b, *p, h->target, NAN);
    }
    return true;
}

/* The pilots' place for a count: on the line through the nearest two around it. */
static double pilots_say(const struct hunt *h, double count)
{
    struct point low = {0, 0}, high = {1, config_int(h->c, CONFIG_EXPERTS)};
    for (int i = 0; i < h->count; i++) {
        struct point p = h->seen[i];
        if (p.count <= count && p.count > low.count) low = p;
        if (p.count >= count && p.count < high.count) high = p;
    }
    double wide = high.count - low.count;
    return wide > 0 ? low.place + (high.place - low.place) * (count - low.count) / wide : low.place;
}

/* Whole runs: the first two aimed by the pilots' curve, shifted by what they missed. */
static bool trials(struct hunt *h, bool *met, struct race_result *result, struct err *e)
{
    struct bracket b = {{0, NAN}, {1, NAN}, 0};
    struct point now = {nearest(h)->place, NAN}, best = now;
    double aim = nearest(h)->count, last = NAN;
    for (int i = 0; i < STEER_TRIALS && value_at(h, now.place) != last; i++) {
        last = value_at(h, now.place);
        if (!try_at(h, now.place, 1, &now.count, e)) return false;
        result->trials++;
        if (isnan(best.count) || fabs(now.count - h->target) < fabs(best.count - h->target))
            best = now;
        if (near(now.count, h->target, NEAR_WHOLE)) break;
        aim += h->target - now.count;
        now.place = narrow(&b, now, h->target, pilots_say(h, aim));
    }
    h->c->knob[h->at] = value_at(h, best.place);
    *met = near(best.count, h->target, NEAR_ENOUGH);
    return true;
}

bool steer_lane(struct config *c, double target, steer_train *train, void *to,
                struct race_result *result, struct err *e)
{
    const struct router *r = c->router;
    char shown[32];
    size_t used = 0;
    if (config_int(c, CONFIG_COUNTS) != CONTROL_NONE) return true;
    for (int i = 0; i < 2 && r->steer[i].knob; i++) {
        struct hunt h = {.c = c,
                         .at = router_knob(r, r->steer[i].knob),
                         .fewer = r->steer[i].fewer,
                         .target = target,
                         .train = train,
                         .to = to};
        h.knob = &r->knobs[h.at];
        if (!pilots(&h, result, e)) return false;
        bool last = i == 1 || !r->steer[i + 1].knob,
             met = near(nearest(&h)->count, target, NEAR_ENOUGH);
        c->knob[h.at] = value_at(&h, nearest(&h)->place);
        if ((last || met) && !trials(&h, &met, result, e)) return false;
        if (used < sizeof result->steered)
            used += (size_t)snprintf(result->steered + used, sizeof result->steered - used,
                                     "%s%s=%s", used ? " " : "", h.knob->name,
                                     option_show(h.knob, c->knob[h.at], shown));
        if (met) break;
    }
    return true;
}
