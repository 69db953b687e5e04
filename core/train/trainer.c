/* core/train/trainer.c - Opening, one step, and what to do when a step is not finite: its update is
 * left out; after three in a row the newest good state comes back at half the learning rate; after
 * three of those it is over. */
#include "core/train/inside.h"
#include "core/base/clock.h"
#include "core/data/control.h"
#include "core/model/part.h"
#include "core/train/engine.h"
#include "core/train/past.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_EVERY = 50, BAD_ROW = 3, RETURNS = 3, EVALUATION_MOST = 1 << 18 };
enum { TRIALS = sizeof((struct trainer *)0)->trial / sizeof *((struct trainer *)0)->trial };

/* ---- opening ---- */
struct kn_backend *trainer_backend(const struct config *c, const char *name, char *why, size_t size)
{
    struct kn_settings settings = {.threads = c->threads, .simd = c->simd[0] ? c->simd : "auto"};
    struct kn_backend *be = kn_open(name, &settings, why, size);
    if (be) kn_name_parts(be, part_names);
    return be;
}

void trainer_window_shape(const struct trainer *t, int *sequences, int *context)
{
    bool text = t->data->shape.text;
    *context = text ? (t->context < SNAP_TOKENS ? t->context : SNAP_TOKENS) : 1;
    *sequences = text ? SNAP_TOKENS / *context : 64;
}

static bool open_good(struct good *g, struct trainer *t, struct err *e)
{
    const struct model *m = t->model;
    const struct route *r = &m->layer[0].moe.route;
    *g = (struct good){.size = m->params.size, .newest = -1};
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        g->states +=
            (size_t)m->L * (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
    g->w = kn_alloc(t->be, g->size), g->m = kn_alloc(t->be, g->size),
    g->v = kn_alloc(t->be, g->size);
    g->state = kn_alloc(t->be, g->states + 1);
    if (g->w.at && g->m.at && g->v.at && g->state.at) return rescue_open(t, g, e);
    return err_set(e, ERR_MEMORY,
                   "not enough memory for a second copy of the model to fall back on; try a "
                   "smaller model");
}

static void close_good(struct good *g, struct kn_backend *be)
{
    kn_free(be, g->w), kn_free(be, g->m), kn_free(be, g->v), kn_free(be, g->state);
    rescue_close(g);
    *g = (struct good){0};
}

void trainer_move_states(struct trainer *t, bool keep)
{
    size_t at = 0;
    for (int l = 0; l < t->model->L; l++) {
        struct route *r = &t->model->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
            size_t n = (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
            struct kn_buf copy = kn_part(t->be, t->good.state, at);
            kn_copy(t->be, keep ? copy : r->state[i], keep ? r->state[i] : copy, n);
            at += n;
        }
    }
}

static void keep(struct trainer *t)
{
    const struct params *p = &t->model->params;
    kn_copy(t->be, t->good.w, p->w, p->size);
    kn_copy(t->be, t->good.m, p->m, p->size);
    kn_copy(t->be, t->good.v, p->v, p->size);
    trainer_move_states(t, true);
    t->good.updates = t->optimizer.updates;
    t->keep_at = t->step - t->step % KEEP_EVERY + KEEP_EVERY;
}

void trainer_keep(struct trainer *t)
{
    keep(t);
    rescue_keep(t);
}

/* Between two steps: a step cannot wait for what it finds. */
static void keep_if_due(struct trainer *t)
{
    if (t->step < t->keep_at) return;
    if (!trainer_hear(t, true) || t->bad_row > 0 ||
        !optimizer_sound(&t->optimizer, &t->model->params))
        return;
    keep(t);
    if (rescue_due(t)) rescue_keep(t);
}

static void go_back(struct trainer *t)
{
    struct params *p = &t->model->params;
    kn_copy(t->be, p->w, t->good.w, p->size);
    kn_copy(t->be, p->m, t->good.m, p->size);
    kn_copy(t->be, p->v, t->good.v, p->size);
    trainer_move_states(t, false);
    t->optimizer.updates = t->good.updates;
    model_repack(t->model);
}

/* A model for *c in the place of the one there is, which stays where anything fails. `from`:
 * weights to carry over. */
bool trainer_build(struct trainer *t, const struct config *c, const struct model *from,
                   struct err *e)
{
    int sequences, context;
    trainer_window_shape(t, &sequences, &context);
    int room = t->sequences * t->context;
    if (sequences * context > room) room = sequences * context;
    struct trainer old = *t;
    t->model = calloc(1, sizeof *t->model);
    t->measure = NULL;
    t->good = (struct good){0};
    t->rest = (struct rest){0};
    bool ok = t->model || err_set(e, ERR_MEMORY, "not enough memory for the model");
    ok = ok && model_open(t->model, t->be, c, &t->data->shape, room, e);
    ok =
        ok && (!from || params_take(&t->model->params, &from->params, config_int(c, CONFIG_EXPERTS),
                                    from->config.router == c->router, c->router->slots_cycle, e));
    ok = ok && (t->measure = measure_open(t->model, e)) && open_good(&t->good, t, e) &&
         rest_open(&t->rest, t->model, e);
    if (ok) {
        if (from) model_repack(t->model);
        trainer_keep(t);
        ok = trainer_alive(t, e); /* or the old model and what was kept of it are needed yet */
    }
    struct trainer *gone = ok ? &old : t;
    struct kn_backend *its = gone->model && gone->model->be ? gone->model->be : t->be;
    measure_close(gone->measure);
    close_good(&gone->good, its);
    rest_close(&gone->rest);
    if (gone->model) model_close(gone->model);
    free(gone->model);
    if (!ok) {
        t->model = old.model, t->measure = old.measure, t->good = old.good, t->rest = old.rest;
        return false;
    }
    t->config = *c;
    engine_new_model(t);
    return true;
}

/* Optimiser and model on t->be; where it fails nothing stays open. */
static bool start_on(struct trainer *t, const struct config *c, struct err *e)
{
    if (optimizer_open(&t->optimizer, t->be, e) && trainer_build(t, c, NULL, e) &&
        trainer_alive(t, e))
        return true;
    trainer_alive(t, e); /* a device that failed has more to say than memory that was not got */
    if (t->model) model_close(t->model);
    free(t->model);
    measure_close(t->measure);
    close_good(&t->good, t->be), rest_close(&t->rest);
    optimizer_close(&t->optimizer);
    t->model = NULL, t->measure = NULL;
    return false;
}

struct trainer *trainer_open(const struct config *c, struct err *e)
{
    return trainer_open_on(c, dataset_open(c->data, (uint64_t)c->value[CONFIG_TASK_SEED], e), e);
}

struct trainer *trainer_open_on(const struct config *c, struct dataset *data, struct err *e)
{
    struct err warning = {0};
    struct trainer *t = data ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        if (data) err_set(e, ERR_MEMORY, "not enough memory to train");
        dataset_close(data);
        return NULL;
    }
    t->data = data;
    if (!config_check(c, &warning)) {
        if (e) *e = warning;
        goto failed;
    }
    t->config = *c;
    t->lr_scale = 1, t->horizon = -1;
    snapshot_clear(&t->now);
    char why[200] = "", full[200] = "";
    const char *wanted = c->backend[0] ? c->backend : "auto";
    if (!(t->be = trainer_backend(c, wanted, why, sizeof why))) {
        err_set(e, ERR_BACKEND, "%s", why[0] ? why : "no backend could be opened");
        goto failed;
    }
    t->sequences = config_int(c, CONFIG_BATCH),
    t->context = t->data->shape.text ? config_int(c, CONFIG_CONTEXT) : 1;
    int sequences, context;
    trainer_window_shape(t, &sequences, &context);
    if (sequences * context < t->sequences * t->context)
        sequences = t->sequences, context = t->context;
    if (!batch_open(&t->batch, &t->data->shape, sequences, context, e)) goto failed;
    if (!start_on(t, c, e)) {
        /* A GPU that was not asked for by name, and is too small or broken, is passed over. */
        struct kn_backend *gone = t->be;
        if (strcmp(wanted, "auto") != 0 || kn_on_host(t->be)) goto failed;
        snprintf(why, sizeof why, "%.199s", e ? e->text : "the GPU failed");
        if (!(t->be = trainer_backend(c, "cpu", full, sizeof full))) {
            t->be = gone;
            goto failed;
        }
        kn_close(gone);
        if (!start_on(t, c, e)) goto failed;
    }
    trainer_identify(t);
    if (why[0])
        trainer_tell(t, "on the CPU, as the GPU cannot be used: %s", why);
    else
        trainer_tell(t, "%s", warning.text);
    return t;
failed:
    trainer_close(t);
    return NULL;
}

void trainer_close(struct trainer *t)
{
    if (!t) return;
    if (t->model) model_close(t->model);
    free(t->model);
    measure_close(t->measure);
    probe_close(t->probe);
    past_close(t->past);
    if (t->be) close_good(&t->good, t->be), rest_close(&t->rest);
    optimizer_close(&t->optimizer);
    batch_close(&t->batch);
    dataset_close(t->data);
    kn_close(t->be);
    kn_close(t->gone);
    free(t);
}

/* ---- one step ---- */
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

static void fill(struct trainer *t, enum data_split split, int64_t index, int sequences,
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
    fill(t, DATA_TRAIN, t->step, t->sequences, t->context);
}

static bool well(struct trainer *t, struct err *e)
{
    const char *op, *reason;
    if (kn_well(t->be, &op, &reason)) return true;
    return err_set(e, ERR_BACKEND, "backend %s failed in %s: %s; try --backend cpu", kn_name(t->be),
                   op, reason);
}

bool trainer_alive(struct trainer *t, struct err *e)
{
    kn_sync(t->be, NULL, NULL);
    return well(t, e);
}

/* ---- what is not finite ---- */
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

/* What a step found, in words. The cause stands before its effects. */
static const char *found(const struct optimizer *o)
{
    static const char *const names[] = {[OPTIMIZER_LOSS] = "the loss",
                                        [OPTIMIZER_G] = "the gradient",
                                        [OPTIMIZER_W] = "a weight",
                                        [OPTIMIZER_M] = "a first moment",
                                        [OPTIMIZER_V] = "a second moment"};
    static const int order[] = {OPTIMIZER_W, OPTIMIZER_M, OPTIMIZER_V, OPTIMIZER_LOSS, OPTIMIZER_G};
    for (int i = 0; i < OPTIMIZER_SUMS; i++) {
        if (order[i] == OPTIMIZER_LOSS && !isfinite(o->sum[OPTIMIZER_ROUTED])) break;
        if (!isfinite(o->sum[order[i]])) return names[order[i]];
    }
    return "a router's logit";
}

/* The step's gradient stayed unused. */
static bool skip(struct trainer *t, const struct trial *one, struct err *e)
{
    const char *by = one->poison ? " (injected)" : "", *what = found(&t->optimizer);
    struct params *p = &t->model->params;
    kn_zero(t->be, p->g, p->size);
    past_changed(t); /* made again, it would not find what was injected */
    t->optimizer.updates -= t->learning.rested ? 0 : 1;
    t->learning.updates -= one->learnt, t->learning.age--;
    t->skipped++;
    if (++t->bad_row < BAD_ROW) {
        trainer_tell(t, "step %ld: %s was not finite%s; its update is left out", one->step, what,
                     by);
        trainer_mark(t, "not finite: left out");
        return true;
    }
    if (t->returns == RETURNS)
        return err_set(e, ERR_DIVERGED,
                       "training diverged at step %ld, and %d returns to an earlier state did not "
                       "help; try a smaller lr (it was "
                       "%.3g), clip 1, or a longer warmup",
                       one->step, RETURNS, t->config.value[CONFIG_LR] * t->lr_scale);
    t->bad_row = 0, t->returns++;
    t->lr_scale /= 2;
    go_back(t);
    trainer_tell(
        t, "%d steps in a row, %s was not finite; back to the state after %ld updates, at lr x %g",
        BAD_ROW, what, t->optimizer.updates, t->lr_scale);
    trainer_mark(t, "not finite: back");
    return true;
}

bool trainer_hear(struct trainer *t, bool wait)
{
    while (t->judged != t->tried && optimizer_hear(&t->optimizer, wait)) {
        const struct trial *one = &t->trial[t->judged++ % TRIALS];
        const double *sum = t->optimizer.sum;
        t->loss = sum[OPTIMIZER_LOSS], t->grad_norm = sqrt(sum[OPTIMIZER_G]);
        if (isfinite(sum[OPTIMIZER_FINE]))
            t->bad_row = 0;
        else if (!skip(t, one, &t->over))
            return false;
    }
    return !t->over.code;
}

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
    keep_if_due(t);
    if (t->over.code) return end(t, e);
    unsigned phase = learn_phase(t);
    bool rests = t->learning.rested = t->learning.stage == STAGE_ALONE;
    long learnt = t->learning.updates;
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
    if (!well(t, e)) return trainer_rescue(t, e) && trainer_step(t, e);
    t->trial[t->tried++ % TRIALS] = (struct trial){
        .step = t->step, .poison = t->poison, .learnt = (int)(t->learning.updates - learnt)};
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

/* ---- measuring ---- */
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
    fill(t, DATA_VAL, 0, sequences, context);
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
        fill(t, DATA_VAL, t->evaluated++, t->sequences, t->context);
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

/* ---- what is running ---- */
void trainer_tell_of(struct trainer *t, const char *sentence)
{
    trainer_tell(t, "%s", sentence);
}

void trainer_tell(struct trainer *t, const char *format, ...)
{
    va_list args;
    if (t->untold) return;
    va_start(args, format);
    vsnprintf(t->now.notice, sizeof t->now.notice, format, args);
    va_end(args);
}

void trainer_identify(struct trainer *t)
{
    struct snapshot *s = &t->now;
    const struct config *c = &t->config;
    const struct route *r = &t->model->layer[0].moe.route;
    snprintf(s->data, sizeof s->data, "%s", t->data->label);
    config_label(c, s->run_label, sizeof s->run_label);
    snprintf(s->badge, sizeof s->badge, "%s", config_badge(c));
    s->router = c->router;
    memcpy(s->knob, c->knob, sizeof s->knob);
    memcpy(s->setting, c->value, sizeof c->value);
    s->fleet = c->fleet;
    s->E = r->E, s->S = r->S, s->N = r->N, s->L = t->model->L, s->D = r->D,
    s->H = config_int(c, CONFIG_EXPERT_WIDTH);
    s->context = t->context, s->tokens_per_step = t->sequences * t->context;
    s->threads = kn_threads(t->be), s->predictions = t->data->shape.items;
    s->text = t->data->shape.text, s->paper = c->paper;
    s->kind_name = t->data->type->kinds[0] ? t->data->type->kinds : NULL;
    snprintf(s->backend, sizeof s->backend, "%s", kn_name(t->be));
    snprintf(s->simd, sizeof s->simd, "%s", kn_simd(t->be));
    s->seed = (uint64_t)c->value[CONFIG_SEED];
    s->params = (double)t->model->params.count_of_numbers;
    s->step = t->step;
}

const struct config *trainer_config(const struct trainer *t)
{
    return &t->config;
}

long trainer_now(const struct trainer *t)
{
    return t->step;
}

const struct dataset *trainer_data(const struct trainer *t)
{
    return t->data;
}

struct model *trainer_model(struct trainer *t)
{
    return t->model;
}
