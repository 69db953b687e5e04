/* core/train/meters.c - The device's meters are read between steps, a few times a second, and only
 * while the engine is looked at. Power is added up over the time in steps: what the device draws
 * while training rests is not the tokens'. */
#include "core/base/clock.h"
#include "core/train/inside.h"

#include <math.h>

#define EVERY 0.3  /* seconds from a reading to the next */
#define WINDOW 1.0 /* seconds in steps that a token's energy is the mean of */

void meters_forget(struct trainer *t)
{
    t->meters = (struct meters){.watts = NAN};
    t->now.gpu = SNAP_GPU_UNKNOWN;
}

/* The steps since the reading before took the mean of both readings. */
static void add_up(struct trainer *t, double watts)
{
    struct meters *m = &t->meters;
    if (isfinite(m->watts)) {
        m->joules += (m->watts + watts) / 2 * m->seconds;
        m->joules_seconds += m->seconds, m->joules_tokens += m->tokens;
    }
    m->watts = watts, m->seconds = m->tokens = 0;
    if (m->joules_tokens == 0 || (m->joules_seconds < WINDOW && isfinite(t->now.gpu.joules)))
        return;
    t->now.gpu.joules = m->joules / m->joules_tokens;
    if (m->joules_seconds < WINDOW) return; /* something soon; it gets better */
    m->joules = m->joules_seconds = m->joules_tokens = 0;
}

void meters_step(struct trainer *t, double seconds)
{
    struct meters *m = &t->meters;
    struct snap_gpu *s = &t->now.gpu;
    struct kn_meters got;
    double now;
    if (kn_on_host(t->be)) return;
    m->seconds += seconds, m->tokens += t->model->T;
    if ((now = clock_now()) < m->next) return;
    m->next = now + EVERY;
    if (!kn_meters(t->be, &got)) {
        meters_forget(t);
        m->next = now + EVERY;
        return;
    }
    s->watts = got.watts, s->celsius = got.celsius, s->megahertz = got.megahertz;
    s->used = got.used, s->total = got.total;
    if (isfinite(got.watts))
        add_up(t, got.watts);
    else
        s->joules = NAN, *m = (struct meters){.next = m->next, .watts = NAN};
}
