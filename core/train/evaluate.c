/* core/train/evaluate.c - What the newest step, the standing window and the validation split say. */
#include "core/model/part.h"
#include "core/train/engine.h"
#include "core/train/inside.h"

#include <math.h>
#include <string.h>

enum { EVALUATION_MOST = 1 << 18 };

void trainer_settle(struct trainer *t)
{
    trainer_hear(t, true);
    if (t->measured || !t->fresh) return;
    memset(&t->tally, 0, sizeof t->tally);
    t->tally.layer = t->focus;
    for (int l = 0; l < t->model->L; l++) route_losses(&t->model->layer[l].moe.route);
    measure_add(t->measure, &t->tally, t->model, &t->batch, t->batch.T);
    measure_step(&t->tally, t->model, &t->now);
    if (t->learning.rested) t->now.train_flops_per_token = t->now.flops_per_token;
    t->now.train_flops_per_token += t->extra_flops / t->batch.T;
    measure_rule(t->measure, t->model, &t->now);
    trainer_show_leak(t);
    t->measured = true;
}

void trainer_fill_window(struct trainer *t)
{
    int sequences, context;
    trainer_window_shape(t, &sequences, &context);
    trainer_fill_from(t, DATA_VAL, 0, sequences, context);
    if (t->own.on) own_fill(t);
    t->fresh = false;
}

static void route_window(struct trainer *t)
{
    trainer_fill_window(t);
    model_forward(t->model, false);
    model_loss(t->model, false);
    kn_times_part(t->be, PART_REST);
    measure_window(t->measure, t->model, t->data, &t->batch, t->focus, &t->now);
    own_tell(t);
    t->now.window_step = t->step;
}

/* What was read from a device as it was lost is not known. */
static void forget_if_lost(struct trainer *t)
{
    struct err e = {0};
    if (trainer_alive(t, &e)) return;
    snapshot_clear(&t->now);
    trainer_identify(t);
    trainer_tell(t, "%s", e.text);
    trainer_rescue(t, &e);
}

void trainer_measure(struct trainer *t, struct snapshot *to, bool window)
{
    struct snapshot *s = &t->now;
    trainer_settle(t);
    if (s->engine.steps > 0) engine_flops(t);
    forget_if_lost(t);
    s->step = t->step;
    s->skipped_steps = (double)t->skipped;
    s->tokens_seen = t->tokens_seen, s->wall_s = t->wall;
    if (t->step > 0) s->lr = t->lr, s->grad_norm = t->grad_norm;
    if (t->since_steps > 0) {
        s->step_ms = 1e3 * t->since_seconds / (double)t->since_steps;
        s->tokens_per_s = t->since_tokens / t->since_seconds;
        t->since_steps = 0, t->since_seconds = t->since_tokens = 0;
    }
    if (window) route_window(t), forget_if_lost(t);
    *to = *s;
    t->untold = false;
}

void trainer_evaluate_begin(struct trainer *t, long tokens)
{
    trainer_settle(t);
    t->fresh = false;
    t->evaluating = fmin(t->data->val_tokens, tokens > 0 ? (double)tokens : EVALUATION_MOST);
    t->evaluated = 0;
    memset(&t->tally, 0, sizeof t->tally);
    t->tally.layer = t->focus;
}

static void show_evaluation(struct trainer *t, struct snapshot *to)
{
    measure_val(&t->tally, t->model, &t->now);
    to->val_loss = t->now.val_loss, to->val_accuracy = t->now.val_accuracy;
    to->val_experts_per_token = t->now.val_experts_per_token,
    to->val_count_need_rho = t->now.val_count_need_rho;
    to->val_bits_per_char = t->now.val_bits_per_char;
    to->val_picks = t->now.val_picks;
}

bool trainer_evaluate_batch(struct trainer *t, struct snapshot *to, bool *done, struct err *e)
{
    double left = t->evaluating - t->tally.tokens;
    if (left > 0) {
        trainer_fill_from(t, DATA_VAL, t->evaluated++, t->sequences, t->context);
        model_forward(t->model, false);
        model_loss(t->model, false);
        kn_times_part(t->be, PART_REST);
        measure_add(t->measure, &t->tally, t->model, &t->batch,
                    left < t->batch.T ? (int)left : t->batch.T);
        if (!trainer_alive(t, e)) {
            if (!trainer_rescue(t, e)) return false;
            trainer_evaluate_begin(t, (long)t->evaluating); /* by the model there is now */
        }
    }
    *done = t->tally.tokens >= t->evaluating;
    if (*done) show_evaluation(t, to);
    return true;
}

bool trainer_evaluate(struct trainer *t, long tokens, struct snapshot *to, struct err *e)
{
    trainer_evaluate_begin(t, tokens);
    for (bool done = false; !done;)
        if (!trainer_evaluate_batch(t, to, &done, e)) return false;
    to->val_leak = t->now.val_leak = trainer_leak(t);
    return true;
}

void trainer_horizon(struct trainer *t, double fraction_done)
{
    t->horizon = fraction_done;
}
