/* core/train/rescue.c - When a device is lost, what is on it is lost: so the newest good state is in
 * host memory too, and training goes on with it on the CPU. And a new model for which its memory is
 * too small is tried with half the batch, then on the CPU. */
#include "core/base/clock.h"
#include "core/train/inside.h"
#include "core/train/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rescue_open(struct trainer *t, struct good *g, struct err *e)
{
    size_t numbers = 3 * g->size + g->states + 1;
    if (kn_on_host(t->be)) return true;
    for (int i = 0; i < 2; i++) {
        g->host[i] = malloc(numbers * sizeof *g->host[i]);
        if (!g->host[i])
            return err_set(e, ERR_MEMORY, "not enough memory to keep a copy of what the GPU holds");
    }
    return true;
}

void rescue_close(struct good *g)
{
    free(g->host[0]), free(g->host[1]);
    g->host[0] = g->host[1] = NULL;
}

/* A large model's state is gigabytes, its steps are milliseconds. */
bool rescue_due(const struct trainer *t)
{
    return clock_now() - t->good.host_at >= 20 * t->good.host_took;
}

void rescue_keep(struct trainer *t)
{
    struct good *g = &t->good;
    int other = g->newest == 0;
    float *to = g->host[other];
    double start = clock_now();
    if (!to) return;
    kn_read_f32(t->be, to, g->w, g->size);
    kn_read_f32(t->be, to + g->size, g->m, g->size);
    kn_read_f32(t->be, to + 2 * g->size, g->v, g->size);
    kn_read_f32(t->be, to + 3 * g->size, g->state, g->states);
    if (!kn_sync(t->be, NULL, NULL)) return;
    g->newest = other;
    g->host_updates = g->updates;
    g->host_at = clock_now(), g->host_took = g->host_at - start;
}

/* What was kept, on the backend of now. */
static void restore(struct trainer *t, const float *from, long updates)
{
    struct params *p = &t->model->params;
    kn_write_f32(t->be, p->w, from, p->size);
    kn_write_f32(t->be, p->m, from + p->size, p->size);
    kn_write_f32(t->be, p->v, from + 2 * p->size, p->size);
    kn_write_f32(t->be, t->good.state, from + 3 * p->size, t->good.states);
    trainer_move_states(t, false);
    t->optimizer.updates = updates;
    model_repack(t->model);
    trainer_keep(t);
}

bool trainer_rescue(struct trainer *t, struct err *e)
{
    char why[200];
    const char *op = "", *reason = "";
    struct err lost = e ? *e : (struct err){0};
    struct good kept = t->good;
    struct kn_backend *gone = t->be, *cpu = NULL;
    struct optimizer was = t->optimizer;
    struct config c = t->config;
    if (kn_on_host(gone) || kept.newest < 0) return false;
    if (!(cpu = trainer_backend(&c, "cpu", why, sizeof why))) return false;
    t->good.host[0] = t->good.host[1] = NULL; /* ours until they are copied */
    t->be = cpu;
    strcpy(c.backend, "cpu");
    bool ok = optimizer_open(&t->optimizer, cpu, e) && trainer_build(t, &c, NULL, e);
    if (!ok) {
        optimizer_close(&t->optimizer);
        t->optimizer = was, t->be = gone;
        memcpy(t->good.host, kept.host, sizeof kept.host);
        kn_close(cpu);
        if (e) *e = lost;
        return false;
    }
    kn_sync(gone, &op, &reason);
    optimizer_close(&was);
    restore(t, kept.host[kept.newest], kept.host_updates);
    rescue_close(&kept);
    t->fresh = t->measured = false, t->bad_row = 0, t->judged = t->tried;
    trainer_identify(t);
    t->untold = false;
    trainer_tell(t, "now on the CPU, from the state after %ld updates; in %.20s %.80s",
                 t->optimizer.updates, op, reason);
    t->untold = true;
    past_cut(t, 0);
    t->gone = gone; /* the words are its own; states taken by hand may still be there */
    if (e) *e = (struct err){0};
    return true;
}

bool trainer_outlives(struct trainer *t, bool *lost, struct err *e)
{
    struct err why = {0};
    bool alive = trainer_alive(t, &why), saved = !alive && trainer_rescue(t, &why);
    if (lost) *lost = !alive;
    if (!alive && e) *e = why; /* none, where it was saved */
    return alive || saved;
}

/* ---- a new model ---- */
static struct trainer *open_on(struct config c, const char *backend, int batch, struct err *e)
{
    snprintf(c.backend, sizeof c.backend, "%s", backend);
    c.value[CONFIG_BATCH] = batch;
    return trainer_open(&c, e);
}

struct trainer *rescue_renew(const struct trainer *t, const struct config *c, struct err *e)
{
    const char *device = kn_name(t->be);
    bool automatic = !c->backend[0] || strcmp(c->backend, "auto") == 0;
    int batch = config_int(c, CONFIG_BATCH);
    struct config half = *c;
    struct err why = {0}, again = {0};
    if (kn_on_host(t->be) || (!automatic && strcmp(c->backend, device) != 0))
        return trainer_open(c, e);
    struct trainer *fresh = open_on(*c, device, batch, &why);
    if (!fresh && why.code == ERR_MEMORY && batch > 1) {
        half.named |= 1u << CONFIG_BATCH; /* as if it had been asked for: it is told and kept */
        if ((fresh = open_on(half, device, batch / 2, &again)))
            trainer_tell(fresh, "batch=%d, as the GPU had no room for %d: %.140s", batch / 2, batch,
                         why.text);
    }
    if (!fresh && (why.code == ERR_MEMORY || why.code == ERR_BACKEND) &&
        (fresh = open_on(*c, "cpu", batch, &again)))
        trainer_tell(fresh, "on the CPU, as the GPU cannot be used: %.170s", why.text);
    if (!fresh)
        err_set(e, why.code, "%s", why.text);
    else if (automatic)
        strcpy(fresh->config.backend, c->backend); /* the next model may fit again */
    return fresh;
}
