/* core/train/learn.c - Strategies that learn from what their choice was worth: the pass that
 * rewards are held against, and who trains when. Beside a model that trains, everything trains;
 * bolted on, the model first trains as in that pass, then rests while the strategy learns. */
#include "core/data/control.h"
#include "core/train/inside.h"

unsigned learn_phase(const struct trainer *t)
{
    const struct router *r = t->config.router;
    bool forced = config_int(&t->config, CONFIG_COUNTS) != CONTROL_NONE; /* there is no choice */
    if (!r->phase || forced) return 0;
    if (t->learning.stage == STAGE_BASE) return PHASE_PLAIN;
    return r->phase(t->config.knob, t->learning.age, t->learning.stage == STAGE_ALONE);
}

/* The same count for every token, or (0) what the strategy says. */
static void count_all(struct trainer *t, int count)
{
    enum { PIECE = 256 };
    struct model *m = t->model;
    int32_t piece[PIECE];
    for (int i = 0; i < PIECE; i++) piece[i] = count;
    for (int at = 0; count && at < m->T; at += PIECE)
        kn_write_ints(m->be, kn_part_ints(m->counts, (size_t)at), piece,
                      (size_t)(m->T - at < PIECE ? m->T - at : PIECE));
    for (int l = 0; l < m->L; l++)
        moe_force_counts(&m->layer[l].moe, count ? m->counts : (struct kn_ints){0});
}

void learn_counts(struct trainer *t)
{
    const struct router *r = t->config.router;
    if (learn_phase(t) & PHASE_PLAIN) count_all(t, r->baseline(t->config.knob));
}

void learn_baseline(struct trainer *t, unsigned phase)
{
    struct model *m = t->model;
    if (!(phase & PHASE_BASELINE)) return;
    int count = t->config.router->baseline(t->config.knob);
    count_all(t, count);
    model_forward(m, false);
    model_loss(m, false);
    kn_group_sum(m->be, m->baseline, m->nll, -1, m->T, m->data.items);
    count_all(t, 0);
    t->extra_flops +=
        m->T * (model_fixed_flops(m, m->C) + m->L * count * moe_expert_flops(&m->layer[0].moe));
}

/* An update is a gradient and, beyond the first, the logits again. */
static double update_flops(const struct model *m, int updates)
{
    const struct route *r = &m->layer[0].moe.route;
    return updates ? (2.0 * updates - 1) * 2 * m->T * m->L * r->M * r->D : 0;
}

void learn_step(struct trainer *t, unsigned phase)
{
    struct model *m = t->model;
    int updates = 0;
    if (phase & PHASE_BASELINE) kn_group_sum(m->be, m->reward, m->nll, -1, m->T, m->data.items);
    for (int l = 0; phase & PHASE_LEARN && l < m->L; l++) {
        struct route *r = &m->layer[l].moe.route;
        r->learning.updates = t->learning.updates;
        updates = t->config.router->learn(r, phase);
    }
    t->learning.updates += updates;
    t->learning.age++;
    t->extra_flops += update_flops(m, updates);
}

void learn_fresh(struct trainer *t)
{
    t->learning.age = t->learning.updates = 0;
}

void trainer_stage(struct trainer *t, enum trainer_stage stage)
{
    if (!t->config.router->learn || stage == t->learning.stage) return;
    t->learning.stage = stage;
    learn_fresh(t);
}
