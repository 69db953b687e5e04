/* core/train/fleet.c - Experts that break, rest, leave and come, between two steps. Whether one
 * works stands in the config; what is done to weights here is done in all layers. */
#include "core/train/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which one ---- */
static bool there(const struct trainer *t, int expert, struct err *e)
{
    int E = t->model->layer[0].moe.shape.E;
    return (expert >= 0 && expert < E) ||
           err_set(e, ERR_USAGE, "there is no van %d: this fleet has 1 to %d", expert + 1, E);
}

static struct kn_buf state_named(const struct route *r, const char *name)
{
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        if (strcmp(r->router->state[i].name, name) == 0) return r->state[i];
    return (struct kn_buf){0};
}

/* Has the strategy itself fired it, in any layer? Strategies that do keep who is active. */
static bool fired(const struct trainer *t, int expert)
{
    for (int l = 0; l < t->model->L; l++) {
        struct kn_buf active = state_named(&t->model->layer[l].moe.route, "active");
        double on = 1;
        if (active.at) kn_read(t->be, &on, kn_part(t->be, active, (size_t)expert), 1);
        if (on == 0) return true;
    }
    return false;
}

/* ---- weights ---- */
/* Fresh weights as at a start, by a seed that no other start has. */
static bool refresh(struct trainer *t, int expert, struct err *e)
{
    struct model *m = t->model;
    uint64_t seed = (uint64_t)t->config.value[CONFIG_SEED] ^
                    ((uint64_t)(t->step + 1) * 0x9e3779b97f4a7c15u + (uint64_t)expert) >> 16;
    for (int l = 0; l < m->L; l++) {
        struct moe *y = &m->layer[l].moe;
        const struct router *r = y->route.router;
        int ups = y->shape.act == KN_SWIGLU ? 2 : 1, first = y->first_up + expert * ups;
        bool ok = true;
        for (int i = 0; ok && i < ups; i++)
            ok = params_redraw(&m->params, first + i, 0, m->params.list[first + i].shape[0], seed,
                               e);
        int down = y->first_down + expert;
        ok = ok && params_redraw(&m->params, down, 0, m->params.list[down].shape[0], seed, e);
        for (int i = 0; ok && i < ROUTER_ARRAYS && r->params[i].name; i++)
            if (y->extra[i] >= 0 && rest_by_column(&r->params[i]))
                ok = params_redraw(&m->params, y->extra[i], expert, 1, seed, e);
        if (!ok) return false;
        struct kn_buf active = state_named(&y->route, "active");
        if (active.at) kn_fill(t->be, kn_part(t->be, active, (size_t)expert), 1, 1);
    }
    return true;
}

/* n numbers of w, at `from`, to `to`, with a hair of noise. */
static void copy_near(struct trainer *t, size_t from, size_t to, size_t n, double *scratch,
                      struct rng *r)
{
    const struct params *p = &t->model->params;
    kn_read(t->be, scratch, kn_part(t->be, p->w, from), n);
    for (size_t i = 0; i < n; i++) scratch[i] *= 1 + .01 * (2 * rng_uniform(r) - 1);
    kn_write(t->be, kn_part(t->be, p->w, to), scratch, n);
    kn_zero(t->be, kn_part(t->be, p->m, to), n);
    kn_zero(t->be, kn_part(t->be, p->v, to), n);
}

static void clone_layer(struct trainer *t, struct moe *y, int from, int to, double *scratch,
                        struct rng *r)
{
    const struct params *p = &t->model->params;
    const struct router *router = y->route.router;
    const int first[] = {y->first_up, y->first_down};
    for (int i = 0; i < 2; i++) {
        size_t at = p->list[first[i]].first, n = y->route.expert[i].size;
        copy_near(t, at + (size_t)from * n, at + (size_t)to * n, n, scratch, r);
    }
    for (int i = 0; i < ROUTER_ARRAYS && router->params[i].name; i++) {
        if (y->extra[i] < 0 || !rest_by_column(&router->params[i])) continue;
        const struct param *a = &p->list[y->extra[i]];
        size_t n = a->size / (size_t)a->shape[0];
        copy_near(t, a->first + (size_t)from * n, a->first + (size_t)to * n, n, scratch, r);
    }
}

/* Weights were written: shadows and the state to fall back on follow. */
static void settle_weights(struct trainer *t)
{
    model_repack(t->model);
    trainer_keep(t);
    past_changed(t);
}

/* ---- the acts ---- */
static const struct act {
    const char *verb, *already;
} acts[] = {
    [FLEET_BREAK] = {"break", "is broken already: mend it first"},
    [FLEET_MEND] = {"mend", "is not broken: there is nothing to mend"},
    [FLEET_FREEZE] = {"freeze", "is frozen already"},
    [FLEET_THAW] = {"thaw", "is not frozen"},
    [FLEET_RETIRE] = {"retire", "has retired already: hire it first"},
    [FLEET_HIRE] = {"hire", "works: only one that was retired or fired can be hired"},
};

static uint64_t *bits_of(struct fleet *f, enum fleet_act act)
{
    return act <= FLEET_MEND ? &f->broken : act <= FLEET_THAW ? &f->frozen : &f->retired;
}

bool trainer_fleet(struct trainer *t, enum fleet_act act, int expert, struct err *e)
{
    char text[56];
    if (!trainer_outlives(t, NULL, e) || !there(t, expert, e)) return false;
    struct config c = t->config;
    uint64_t bit = (uint64_t)1 << expert, *bits = bits_of(&c.fleet, act);
    bool set = act == FLEET_BREAK || act == FLEET_FREEZE || act == FLEET_RETIRE;
    bool rehired = act == FLEET_HIRE && fired(t, expert);
    if (!(*bits & bit) == !set && !rehired)
        return err_set(e, ERR_USAGE, "van %d %s", expert + 1, acts[act].already);
    *bits = set ? *bits | bit : *bits & ~bit;
    if (act == FLEET_RETIRE) c.fleet.broken &= ~bit, c.fleet.frozen &= ~bit;
    if (!trainer_apply(t, &c, e)) return false;
    if (act == FLEET_HIRE && !refresh(t, expert, e)) return false;
    if (act == FLEET_HIRE) settle_weights(t);
    snprintf(text, sizeof text, "%s %d", acts[act].verb, expert + 1);
    trainer_mark(t, text);
    return true;
}

bool trainer_clone(struct trainer *t, int from, int to, struct err *e)
{
    char text[56];
    if (!trainer_outlives(t, NULL, e) || !there(t, from, e) || !there(t, to, e)) return false;
    struct model *m = t->model;
    if (from == to) return err_set(e, ERR_USAGE, "van %d cannot be a copy of itself", to + 1);
    if (t->config.fleet.retired >> from & 1)
        return err_set(e, ERR_USAGE, "van %d has retired: there is nothing to copy", from + 1);
    size_t most = (size_t)m->D * COLUMNS_MAX;
    for (int i = 0; i < 2; i++)
        if (m->layer[0].moe.route.expert[i].size > most)
            most = m->layer[0].moe.route.expert[i].size;
    double *scratch = malloc(most * sizeof *scratch);
    if (!scratch) return err_set(e, ERR_MEMORY, "not enough memory to copy an expert");
    trainer_settle(t);
    for (int l = 0; l < m->L; l++) {
        struct rng r = rng_at((uint64_t)t->config.value[CONFIG_SEED], RNG_FLEET, (uint32_t)t->step);
        r.counter[2] = (uint32_t)(l * EXPERTS_MAX + to);
        clone_layer(t, &m->layer[l].moe, from, to, scratch, &r);
    }
    free(scratch);
    settle_weights(t);
    snprintf(text, sizeof text, "clone %d to %d", from + 1, to + 1);
    trainer_mark(t, text);
    return true;
}
