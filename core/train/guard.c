/* core/train/guard.c - What is not finite. A step's update is left out where anything in it was not:
 * the backend sees to that, and tells. After three such steps in a row the newest good state comes
 * back at half the learning rate; after three of those it is over. */
#include "core/train/inside.h"
#include "core/train/past.h"

#include <math.h>

enum { KEEP_EVERY = 50, BAD_ROW = 3, RETURNS = 3 };

/* ---- the good state ---- */
bool good_open(struct good *g, struct trainer *t, struct err *e)
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

void good_close(struct good *g, struct kn_backend *be)
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
void trainer_keep_if_due(struct trainer *t)
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

/* ---- what was not finite ---- */
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
    t->optimizer.updates -= one->updates;
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
