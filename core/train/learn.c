/* core/train/learn.c - Strategies that learn from what their choice was worth: the pass that
 * rewards are held against, and who trains when. Beside a model that trains, everything trains;
 * bolted on, the model first trains as in that pass, then rests while the strategy learns. */
#include "core/train/inside.h"

unsigned learn_phase(const struct trainer *t)
{
    const struct router *r = t->config.router;
    if (!r->phase) return 0;
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
        kn_write_ints(m->be, kn_part_ints(m->plain, (size_t)at), piece,
                      (size_t)(m->T - at < PIECE ? m->T - at : PIECE));
    for (int l = 0; l < m->L; l++)
        moe_force_counts(&m->layer[l].moe, count ? m->plain : (struct kn_ints){0});
}

void learn_counts(struct trainer *t)
{
    const struct router *r = t->config.router;
    if (r->learn) count_all(t, learn_phase(t) & PHASE_PLAIN ? r->baseline(t->config.knob) : 0);
}

void learn_baseline(struct trainer *t, unsigned phase)
{
    struct model *m = t->model;
    if (!(phase & PHASE_BASELINE)) return;
    count_all(t, t->config.router->baseline(t->config.knob));
    model_forward(m, false);
    model_loss(m, false);
    kn_group_sum(m->be, m->baseline, m->nll, -1, m->T, m->data.items);
    count_all(t, 0);
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
    t->learning.passed = phase;
    t->learning.epochs = updates;
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

double trainer_step_flops(const struct trainer *t, const struct snapshot *s)
{
    const struct model *m = t->model;
    const struct router *r = t->config.router;
    double tokens = s->tokens_per_step, forward = s->flops_per_token * tokens;
    if (!r->learn) return 3 * forward;
    double all = t->learning.stage == STAGE_ALONE ? forward : 3 * forward;
    if (t->learning.passed & PHASE_BASELINE)
        all += tokens * (model_fixed_flops(m, m->C) +
                         m->L * r->baseline(t->config.knob) * moe_expert_flops(&m->layer[0].moe));
    /* an update: the gradient, and beyond the first the logits again */
    const struct route *route = &m->layer[0].moe.route;
    int products = t->learning.epochs > 0 ? 2 * t->learning.epochs - 1 : 0;
    return all + products * 2.0 * tokens * m->L * route->M * route->D;
}
