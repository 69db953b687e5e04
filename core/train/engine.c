/* core/train/engine.c - The clock is looked at around every op, and only while somebody asked for
 * it. Forced experts are spread evenly: what is compared is the work, not the choice. */
#include "core/train/engine.h"
#include "core/base/clock.h"
#include "core/metrics/engine.h"
#include "core/model/part.h"
#include "core/train/inside.h"
#include "kernels/peak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a window of steps ---- */
#define WINDOW 0.2        /* seconds of timed steps */
#define FIRST_WINDOW 0.03 /* something soon */
#define PEAK_AFTER 1.0    /* seconds after the start: the first steps matter more */
#define SHORT 5e-3   /* of steps shorter than this one in SAMPLE is timed: looking at the clock */
enum { SAMPLE = 4 }; /* some hundred times would be a hundredth of such a step */

static void fresh_window(struct trainer *t)
{
    t->engine.seconds = 0, t->engine.steps = 0;
    kn_times_reset(t->be);
}

void trainer_engine(struct trainer *t, bool on)
{
    struct snap_engine *s = &t->now.engine;
    if (on == s->on) return;
    s->on = on;
    s->steps = 0;
    fresh_window(t);
    meters_forget(t);
}

void engine_begin(struct trainer *t)
{
    struct engine *g = &t->engine;
    g->timed = t->now.engine.on && (g->newest > SHORT || t->step % SAMPLE == 0);
    if (g->timed) kn_timing(t->be, true);
    kn_times_part(t->be, PART_REST);
}

void engine_flops(struct trainer *t)
{
    struct snap_engine *s = &t->now.engine;
    const struct model *m = t->model;
    double tokens = t->sequences * t->context;
    double pick = m->L * moe_expert_flops(&m->layer[0].moe);
    s->flops = t->now.train_flops_per_token * tokens;
    s->expert_flops = 3 * t->now.expert_flops_per_token * tokens;
    s->dense = 3 * (model_fixed_flops(m, t->context) + m->layer[0].moe.route.E * pick) * tokens;
}

static void measure_peak(struct trainer *t)
{
    double peak = kn_peak_gflops(t->be, 0);
    t->engine.peaked = true;
    t->now.engine.peak = fmax(t->now.engine.peak, peak); /* what disturbs it makes it lower */
}

void engine_end(struct trainer *t, double seconds)
{
    struct snap_engine *s = &t->now.engine;
    t->engine.newest = seconds;
    kn_times_part(t->be, PART_REST);
    if (s->on) meters_step(t, seconds);
    if (!t->engine.timed) return;
    kn_timing(t->be, false);
    t->engine.seconds += seconds, t->engine.steps++;
    if (!t->engine.peaked && clock_now() - t->engine.opened > PEAK_AFTER) measure_peak(t);
    if (t->engine.seconds < (s->steps ? WINDOW : FIRST_WINDOW)) return;
    s->steps = t->engine.steps;
    s->step_ms = 1e3 * t->engine.seconds / (double)s->steps;
    memset(&s->spent, 0, sizeof s->spent);
    engine_add(&s->spent, t->be, 1.0 / (double)s->steps);
    s->spent.forward[ENGINE_REST] = fmax(s->step_ms - engine_all_ms(&s->spent), 0);
    fresh_window(t);
}

void engine_new_model(struct trainer *t)
{
    t->now.engine.compared = false;
    t->now.engine.steps = 0, t->now.engine.comparing = 0;
    if (t->engine.opened == 0) t->engine.opened = clock_now(), t->now.engine.peak = NAN;
    fresh_window(t);
    meters_forget(t);
}

/* ---- the same pass with other numbers of experts ---- */
enum { ROUNDS = 40, LEAST_ROUNDS = 4 }; /* the first of them warms up */
#define ENOUGH 0.6                      /* seconds, after which LEAST_ROUNDS do */

bool trainer_compare(struct trainer *t, struct err *e)
{
    struct snap_engine *s = &t->now.engine;
    if (!trainer_alive(t, e)) return false;
    trainer_settle(t);
    measure_peak(t);
    s->comparing = ROUNDS * ENGINE_PASSES;
    s->compared = false;
    t->engine.rounds = 0, t->engine.compared = 0;
    for (int i = 0; i < ENGINE_PASSES; i++) s->pass[i].ms = INFINITY;
    return true;
}

bool trainer_comparing(const struct trainer *t)
{
    return t->now.engine.comparing > 0;
}

/* `experts` for every token, each expert as often as any other. */
static bool force(struct trainer *t, int experts, struct err *e)
{
    const struct route *r = &t->model->layer[0].moe.route;
    size_t cells = (size_t)t->model->T * (size_t)r->N;
    int32_t *mask = calloc(cells, sizeof *mask);
    if (!mask) return err_set(e, ERR_MEMORY, "not enough memory to compare");
    for (int i = 0; i < t->model->T; i++)
        for (int k = 0; k < experts; k++) mask[(size_t)i * r->N + (i + k) % r->E] = 1;
    for (int l = 0; l < t->model->L; l++) moe_force(&t->model->layer[l].moe, mask, t->model->T);
    free(mask);
    return true;
}

/* Experts that were run, a token and layer. */
static double experts_run(struct trainer *t)
{
    int32_t count[COLUMNS_MAX];
    double rows = 0;
    const struct model *m = t->model;
    for (int l = 0; l < m->L; l++) {
        const struct kn_plan *p = &m->layer[l].moe.plan;
        kn_read_ints(t->be, count, p->count, (size_t)p->N);
        for (int i = 0; i < p->E; i++) rows += count[i];
    }
    return rows / m->T / m->L;
}

/* The fastest pass stays, with all that it took: what else the machine does only adds to it. */
static void make_pass(struct trainer *t, struct snap_pass *to)
{
    struct model *m = t->model;
    struct snap_spent spent = {0};
    kn_times_reset(t->be);
    kn_timing(t->be, true);
    double start = clock_now();
    model_forward(m, true);
    model_loss(m, true);
    model_backward(m);
    double ms = 1e3 * (clock_now() - start);
    kn_timing(t->be, false);
    if (ms >= to->ms || t->engine.rounds == 0) return;
    engine_add(&spent, t->be, 1);
    spent.forward[ENGINE_REST] = fmax(ms - engine_all_ms(&spent), 0);
    to->spent = spent, to->ms = ms;
    to->experts = experts_run(t);
    to->flops =
        3 * m->T *
        (model_fixed_flops(m, m->C) + to->experts * m->L * moe_expert_flops(&m->layer[0].moe));
}

static void end_round(struct trainer *t)
{
    struct snap_engine *s = &t->now.engine;
    int rounds = ++t->engine.rounds;
    if (rounds < ROUNDS && (rounds < LEAST_ROUNDS || t->engine.compared < ENOUGH)) return;
    s->comparing = 0, s->compared = true, s->compared_at = t->step;
    memcpy(s->compared_as, t->now.run_label, sizeof s->compared_as);
}

bool trainer_compare_turn(struct trainer *t, struct err *e)
{
    struct snap_engine *s = &t->now.engine;
    struct model *m = t->model;
    int which = (ENGINE_PASSES - s->comparing % ENGINE_PASSES) % ENGINE_PASSES;
    double start = clock_now();
    trainer_settle(t);
    t->fresh = false;
    trainer_fill(t);
    int E = m->layer[0].moe.route.E;
    bool ok = which == ENGINE_AS_IS || force(t, which == ENGINE_TWO ? (E < 2 ? E : 2) : E, e);
    model_draw(m, (uint32_t)t->step);
    if (ok) make_pass(t, &s->pass[which]);
    for (int l = 0; l < m->L; l++) moe_force(&m->layer[l].moe, NULL, m->T);
    kn_zero(t->be, m->params.g, m->params.size);
    fresh_window(t);
    t->engine.compared += clock_now() - start;
    s->comparing--;
    if (!ok || !trainer_alive(t, e)) {
        s->comparing = 0;
        return false;
    }
    if (which == ENGINE_ALL) end_round(t);
    return true;
}
