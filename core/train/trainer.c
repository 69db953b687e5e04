/* core/train/trainer.c - Opening and closing a trainer, a model in the place of another, and what is
 * running. */
#include "core/train/inside.h"
#include "core/base/clock.h"
#include "core/model/part.h"
#include "core/train/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    ok = ok && (t->measure = measure_open(t->model, e)) && good_open(&t->good, t, e) &&
         rest_open(&t->rest, t->model, e);
    if (ok) {
        if (from) model_repack(t->model);
        trainer_keep(t);
        ok = trainer_alive(t, e); /* or the old model and what was kept of it are needed yet */
    }
    struct trainer *gone = ok ? &old : t;
    struct kn_backend *its = gone->model && gone->model->be ? gone->model->be : t->be;
    measure_close(gone->measure);
    good_close(&gone->good, its);
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
    good_close(&t->good, t->be), rest_close(&t->rest);
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
        if (e) *e = (struct err){0}; /* told below, as a notice */
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
    if (t->be) good_close(&t->good, t->be), rest_close(&t->rest);
    optimizer_close(&t->optimizer);
    batch_close(&t->batch);
    dataset_close(t->data);
    kn_close(t->be);
    kn_close(t->gone);
    free(t);
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
