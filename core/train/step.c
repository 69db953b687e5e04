/* core/train/step.c - One step: the batch, the pass forwards and back, and the update, handed to the
 * backend as one piece of work; nothing in it waits for what the backend finds. */
#include "core/base/clock.h"
#include "core/data/control.h"
#include "core/model/part.h"
#include "core/train/engine.h"
#include "core/train/inside.h"

#include <math.h>

/* ---- the batch ---- */
void trainer_input(struct trainer *t)
{
    model_input(t->model, &t->batch);
    learn_counts(t);
}

struct data_day trainer_day(const struct trainer *t)
{
    const struct config *c = &t->config;
    return (struct data_day){config_int(c, CONFIG_MIX), config_int(c, CONFIG_SEASON),
                             config_int(c, CONFIG_DISTRICT)};
}

void trainer_fill_from(struct trainer *t, enum data_split split, int64_t index, int sequences,
                       int context)
{
    t->batch.sequences = sequences, t->batch.context = context, t->batch.T = sequences * context;
    t->batch.day = trainer_day(t);
    uint64_t seed = (uint64_t)t->config.value[CONFIG_SEED];
    enum control control = (enum control)config_int(&t->config, CONFIG_COUNTS);
    t->data->fill(t->data, seed, split, index, &t->batch);
    if (control != CONTROL_NONE)
        control_counts(&t->batch, control, t->model->layer[0].moe.route.E, seed, split, index);
    trainer_input(t);
}

void trainer_fill(struct trainer *t)
{
    trainer_fill_from(t, DATA_TRAIN, t->step, t->sequences, t->context);
}

bool trainer_well(struct trainer *t, struct err *e)
{
    const char *op, *reason;
    if (kn_well(t->be, &op, &reason)) return true;
    return err_set(e, ERR_BACKEND, "backend %s failed in %s: %s; try --backend cpu", kn_name(t->be),
                   op, reason);
}

bool trainer_alive(struct trainer *t, struct err *e)
{
    kn_sync(t->be, NULL, NULL);
    return trainer_well(t, e);
}

/* ---- to see the guard at work ---- */
void trainer_inject(struct trainer *t, enum trainer_poison what)
{
    t->poison = what;
}

static void write_nan(struct trainer *t, struct kn_buf at)
{
    const double nan = NAN;
    kn_write(t->be, at, &nan, 1);
}

/* Before the forward pass. A weight stays poisoned; of the router's w one number does for this step
 * alone, so that its logits are. *kept: what stood there. */
static void poison_weights(struct trainer *t, double *kept)
{
    struct model *m = t->model;
    struct kn_buf w = params_at(&m->params, m->params.w, m->head_at),
                  gate = m->layer[0].moe.route.param[0];
    if (t->poison == POISON_WEIGHT) write_nan(t, w);
    if (t->poison == POISON_LOGITS) kn_read(t->be, kept, gate, 1), write_nan(t, gate);
    if (t->poison == POISON_WEIGHT || t->poison == POISON_LOGITS) model_repack(m);
}

static void heal_router(struct trainer *t, double kept)
{
    if (t->poison != POISON_LOGITS) return;
    kn_write(t->be, t->model->layer[0].moe.route.param[0], &kept, 1);
    model_repack(t->model);
}

static void poison_results(struct trainer *t)
{
    if (t->poison == POISON_LOSS) write_nan(t, t->model->loss);
    if (t->poison == POISON_GRADIENT) write_nan(t, t->model->params.g);
}

/* ---- the step ---- */
/* What lasts changes only where the step was finite: the backend sees to that, and tells. */
static void update(struct trainer *t, unsigned phase)
{
    struct model *m = t->model;
    struct kn_buf factor = t->optimizer.factor;
    if (!t->learning.rested) {
        rest_keep(&t->rest, m);
        optimizer_update(&t->optimizer, &m->params, t->lr, t->config.value[CONFIG_DECAY]);
        kn_only(t->be, factor);
        model_after_step(m);
        kn_only(t->be, (struct kn_buf){0});
        rest_back(&t->rest, m);
        model_repack(m);
    }
    kn_times_part(t->be, PART_ROUTER);
    kn_only(t->be, factor);
    learn_step(t, phase);
    kn_only(t->be, (struct kn_buf){0});
}

static bool end(struct trainer *t, struct err *e)
{
    if (e) *e = t->over;
    t->over = (struct err){0};
    return false;
}

bool trainer_step(struct trainer *t, struct err *e)
{
    double start = clock_now();
    struct model *m = t->model;
    trainer_keep_if_due(t);
    if (t->over.code) return end(t, e);
    unsigned phase = learn_phase(t);
    bool rests = t->learning.rested = t->learning.stage == STAGE_ALONE;
    const struct learning was = t->learning;
    t->extra_flops = 0;
    engine_begin(t);
    kn_step_begin(t->be);
    trainer_fill(t);
    double done = t->horizon < 0 ? (double)t->step / t->config.value[CONFIG_STEPS] : t->horizon;
    for (int l = 0; l < m->L; l++) m->layer[l].moe.route.late = done >= .5;
    model_draw(m, (uint32_t)t->step);
    learn_baseline(t, phase);
    double kept = 0;
    if (t->poison) poison_weights(t, &kept);
    model_forward(m, true);
    if (t->poison) heal_router(t, kept);
    model_loss(m, !rests);
    if (!rests) model_backward(m);
    if (t->poison) poison_results(t);
    rest_gradient(&t->rest, m);
    kn_times_part(t->be, PART_OPTIMISER);
    optimizer_sums(&t->optimizer, &m->params, m->loss, m->bad, 2 * SNAP_LAYERS,
                   t->config.value[CONFIG_CLIP]);
    t->lr = t->lr_scale * optimizer_rate(&t->config, t->step, t->horizon);
    update(t, phase);
    kn_step_end(t->be);
    if (!trainer_well(t, e)) {
        t->learning = was;
        return trainer_rescue(t, e) && trainer_step(t, e);
    }
    t->trial[t->tried++ % TRIALS] =
        (struct trial){.step = t->step,
                       .poison = t->poison,
                       .updates = !rests,
                       .learnt = (int)(t->learning.updates - was.updates)};
    bool ok = trainer_hear(t, false);
    if (!ok) end(t, e);
    t->poison = POISON_NONE;
    t->step++;
    t->fresh = true, t->measured = false;
    double seconds = clock_now() - start, tokens = m->T;
    t->wall += seconds, t->tokens_seen += tokens;
    t->since_seconds += seconds, t->since_tokens += tokens, t->since_steps++;
    engine_end(t, seconds);
    return ok;
}
