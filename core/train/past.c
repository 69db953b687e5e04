/* core/train/past.c - A list of whole states by step. When it is full the state goes that is missed
 * least: the one whose neighbours are nearest to each other for its age. States at a change stay:
 * from an earlier one, steps could not be made again without making the change again. */
#include "core/train/past.h"
#include "core/train/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES = 64, EVERY = 10 };
#define BYTES 256e6

struct moment {
    struct kn_backend *be;
    struct config config;
    struct learning learning;
    long step, skipped, updates;
    int bad_row, returns;
    double lr_scale, tokens_seen, wall;
    struct kn_buf numbers; /* w, m, v, then the router state of all layers */
    size_t size, states;
    bool change; /* the config is another from here on, or weights were written */
};

struct past {
    struct moment *at[STATES]; /* oldest first */
    int count;
    bool changed; /* since the newest */
};

/* ---- one state ---- */
static size_t state_numbers(const struct model *m)
{
    const struct route *r = &m->layer[0].moe.route;
    size_t n = 0;
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        n += (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
    return n * (size_t)m->L;
}

static void move_numbers(struct trainer *t, struct kn_buf numbers, bool take)
{
    const struct params *p = &t->model->params;
    const struct kn_buf block[] = {p->w, p->m, p->v};
    size_t at = 0;
    for (int i = 0; i < 3; i++, at += p->size) {
        struct kn_buf copy = kn_part(t->be, numbers, at);
        kn_copy(t->be, take ? copy : block[i], take ? block[i] : copy, p->size);
    }
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
            size_t n = (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
            struct kn_buf copy = kn_part(t->be, numbers, at);
            kn_copy(t->be, take ? copy : r->state[i], take ? r->state[i] : copy, n);
            at += n;
        }
    }
}

static void write_down(struct moment *m, struct trainer *t)
{
    trainer_hear(t, true);
    m->config = t->config, m->learning = t->learning;
    m->step = t->step, m->skipped = t->skipped, m->updates = t->optimizer.updates;
    m->bad_row = t->bad_row, m->returns = t->returns;
    m->lr_scale = t->lr_scale, m->tokens_seen = t->tokens_seen, m->wall = t->wall;
    move_numbers(t, m->numbers, true);
}

void moment_close(struct moment *m)
{
    if (m) kn_free(m->be, m->numbers);
    free(m);
}

struct moment *moment_take(struct trainer *t, struct err *e)
{
    struct moment *m = calloc(1, sizeof *m);
    size_t size = t->model->params.size, states = state_numbers(t->model);
    if (m) *m = (struct moment){.be = t->be, .size = size, .states = states};
    if (m && !(m->numbers = kn_alloc(t->be, 3 * size + states + 1)).at) free(m), m = NULL;
    if (!m) {
        err_set(e, ERR_MEMORY, "not enough memory to keep this state");
        return NULL;
    }
    write_down(m, t);
    return m;
}

/* What was measured later than now is not known. */
static void forget_measures(struct trainer *t)
{
    struct snapshot *s = &t->now;
    for (int i = 0; i < snapshot_field_count; i++)
        *(double *)((char *)s + snapshot_fields[i].offset) = NAN;
    t->fresh = t->measured = false;
    t->since_steps = 0, t->since_seconds = t->since_tokens = 0;
    t->loss = t->grad_norm = t->lr = NAN;
    while (s->marks > 0 && s->mark[s->marks - 1].step > t->step) s->marks--;
}

bool moment_put(struct trainer *t, const struct moment *m, struct err *e)
{
    if (!trainer_outlives(t, NULL, e)) return false;
    if (m->be != t->be)
        return err_set(e, ERR_BACKEND, "the state of step %ld was lost with its device", m->step);
    if (!trainer_apply(t, &m->config, e)) return false;
    t->learning = m->learning;
    t->step = m->step, t->skipped = m->skipped, t->optimizer.updates = m->updates;
    t->bad_row = m->bad_row, t->returns = m->returns;
    t->lr_scale = m->lr_scale, t->tokens_seen = m->tokens_seen, t->wall = m->wall;
    move_numbers(t, m->numbers, false);
    model_repack(t->model);
    trainer_keep(t);
    forget_measures(t);
    return true;
}

/* ---- all of them ---- */
void past_close(struct past *p)
{
    for (int i = 0; p && i < p->count; i++) moment_close(p->at[i]);
    free(p);
}

static double bytes_of(const struct trainer *t, const struct moment *m)
{
    return (double)(3 * m->size + m->states) * (kn_exact(t->be) ? 8 : 4);
}

double past_bytes(const struct trainer *t)
{
    double sum = 0;
    for (int i = 0; t->past && i < t->past->count; i++) sum += bytes_of(t, t->past->at[i]);
    return sum;
}

void past_open(struct trainer *t)
{
    double one = (double)t->model->params.size * 3 * (kn_exact(t->be) ? 8 : 4);
    if (t->past || 2 * one > BYTES) return;
    t->past = calloc(1, sizeof *t->past);
    if (t->past) t->past->changed = true;
    past_note(t);
}

void past_changed(struct trainer *t)
{
    probe_changed(t);
    if (t->past) t->past->changed = true;
}

static struct moment *remove_at(struct past *p, int i)
{
    struct moment *gone = p->at[i];
    memmove(p->at + i, p->at + i + 1, (size_t)(--p->count - i) * sizeof *p->at);
    return gone;
}

/* Which is missed least. Where nearly all stand at changes: the oldest. */
static int least_missed(const struct past *p, long now)
{
    int best = 0, free_ones = 0;
    double least = INFINITY;
    for (int i = 1; i < p->count - 1; i++) {
        double gap = (double)(p->at[i + 1]->step - p->at[i - 1]->step),
               age = (double)(now - p->at[i]->step) + EVERY;
        if (p->at[i]->change) continue;
        free_ones++;
        if (gap / age < least) least = gap / age, best = i;
    }
    return free_ones > STATES / 8 ? best : 0;
}

void past_note(struct trainer *t)
{
    struct past *p = t->past;
    if (!p) return;
    struct moment *newest = p->count ? p->at[p->count - 1] : NULL, *m = NULL;
    bool due = !newest || t->step - newest->step >= EVERY;
    if (!due && !p->changed) return;
    bool change = p->changed || (newest && newest->step == t->step && newest->change);
    p->changed = false;
    if (newest && newest->step == t->step) m = remove_at(p, p->count - 1);
    double one =
        (double)(3 * t->model->params.size + state_numbers(t->model)) * (kn_exact(t->be) ? 8 : 4);
    while (!m && p->count > 1 && (p->count == STATES || past_bytes(t) + one > BYTES)) {
        struct moment *gone = remove_at(p, least_missed(p, t->step));
        bool fits = gone->size == t->model->params.size && gone->states == state_numbers(t->model);
        if (fits && p->count < STATES)
            m = gone;
        else
            moment_close(gone);
    }
    if (m && (m->size != t->model->params.size || m->states != state_numbers(t->model)))
        moment_close(m), m = NULL;
    if (m)
        write_down(m, t);
    else if (!(m = moment_take(t, NULL))) {
        p->changed = change;
        return;
    }
    m->change = change;
    p->at[p->count++] = m;
}

void past_cut(struct trainer *t, long from)
{
    struct past *p = t->past;
    while (p && p->count && p->at[p->count - 1]->step >= from)
        moment_close(remove_at(p, p->count - 1));
    past_changed(t);
}

long past_oldest(const struct trainer *t)
{
    return t->past && t->past->count ? t->past->at[0]->step : -1;
}

int past_count(const struct trainer *t)
{
    return t->past ? t->past->count : 0;
}

bool past_rewind(struct trainer *t, long to, struct err *e)
{
    struct past *p = t->past;
    if (to < past_oldest(t) || past_oldest(t) < 0)
        return err_set(e, ERR_USAGE, "step %ld is no longer kept: the earliest is %ld", to,
                       past_oldest(t));
    int i = p->count - 1;
    /* from one step earlier, where there is no change between: then that step's measures come too */
    while (i > 0 && (p->at[i]->step > to || (p->at[i]->step == to && !p->at[i]->change))) i--;
    if (!moment_put(t, p->at[i], e)) return false;
    while (p->count > i + 1) moment_close(remove_at(p, p->count - 1));
    p->changed = false;
    while (t->step < to)
        if (!trainer_step(t, e)) return false;
    trainer_tell(t, "back at step %ld, bit by bit; undo brings back what came after", to);
    return true;
}
