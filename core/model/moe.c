/* core/model/moe.c - Route, plan, experts, combine; and the same backwards. Picks of one expert
 * stand together in the plan, so its matrices are used on all of its tokens at once; slots never
 * enter the plan. */
#include "core/model/moe.h"
#include "core/model/part.h"

#include <math.h>
#include <string.h>

/* ---- forward ---- */
static double input_scale(const struct moe *m)
{
    int knob = m->route.router->input_scale;
    return knob ? m->route.knob[knob - 1] : 1;
}

/* x as experts and slots see it. */
static struct kn_buf seen(const struct moe *m)
{
    return input_scale(m) == 1 ? m->route.x : m->scaled;
}

/* Shared experts serve every token that could be routed; without gates of their own, with gate 1.
 */
static void shared_forward(struct moe *m, struct moe_shared *s, struct kn_buf y, int T)
{
    struct kn_backend *be = m->be;
    int n = s->count;
    if (!n) return;
    kn_topk_mask(be, s->mask, m->ones, n, (struct kn_ints){0}, m->route.valid, T, n);
    if (s == &m->shared) kn_masked_gate(be, s->gate, m->ones, s->mask, T, n);
    kn_plan(be, &s->plan, s->mask, T);
    kn_moe_ffn(be, m->out, s->pre, &s->plan, m->route.x, &s->up, &s->down, m->shape.act, T);
    kn_combine(be, y, &s->plan, m->out, s->gate, T, m->shape.D, true);
}

static void shared_backward(struct moe *m, struct moe_shared *s, struct kn_buf dx, struct kn_buf dy)
{
    struct route *r = &m->route;
    if (s->count)
        kn_moe_ffn_back(m->be, dx, s->dgate, s->dup, s->ddown, &s->plan, dy, s->gate, r->x, s->pre,
                        &s->up, &s->down, m->shape.act, r->T, true);
}

/* The v and c of constant slots are the strategy's arrays of these names. */
static int array_named(const struct router *r, const char *name)
{
    for (int i = 0; i < ROUTER_ARRAYS && r->params[i].name; i++)
        if (strcmp(r->params[i].name, name) == 0) return i;
    return 0;
}

static void slots_forward(struct moe *m, struct kn_buf y)
{
    struct route *r = &m->route;
    for (int i = 0, first = r->E; i < m->run_count; first += m->runs[i++].count) {
        int n = m->runs[i].count;
        if (m->runs[i].kind == SLOT_COPY)
            kn_copy_slots(m->be, y, seen(m), r->gate, r->mask, first, n, r->T, r->N, r->D);
        if (m->runs[i].kind == SLOT_CONSTANT && n > 0)
            kn_constant_slots(m->be, y, seen(m), r->gate, r->mask,
                              r->param[array_named(r->router, "v")],
                              r->param[array_named(r->router, "c")], first, n, r->T, r->N, r->D);
    }
}

/* Experts not taken but run have gate 0: they add nothing, and their gates' gradients are known. */
static void plan(struct moe *m)
{
    struct route *r = &m->route;
    const struct kn_over all = {.on = r->on, .shift = -INFINITY};
    bool reaches = r->training && route_reaches(r->router, r->knob);
    if (reaches) kn_over_mask(m->be, m->reach, r->logits, &all, false, r->valid, r->T, r->N);
    kn_plan(m->be, &m->plan, reaches ? m->reach : r->mask, r->T);
}

void moe_forward(struct moe *m, struct kn_buf y, struct kn_buf x, int T, bool training)
{
    struct route *r = &m->route;
    r->T = T, r->training = training, r->x = x;
    kn_times_part(m->be, PART_ROUTER);
    route_forward(r);
    kn_times_part(m->be, PART_EXPERTS);
    plan(m);
    if (input_scale(m) != 1)
        kn_scale(m->be, m->scaled, input_scale(m), x, (size_t)T * (size_t)r->D);
    kn_moe_ffn(m->be, m->out, m->pre, &m->plan, seen(m), &m->up, &m->down, m->shape.act, T);
    kn_combine(m->be, y, &m->plan, m->out, r->gate, T, r->D, false);
    slots_forward(m, y);
    shared_forward(m, &m->shared, y, T);
    shared_forward(m, &m->own, y, T);
}

/* ---- backward ---- */
static void slots_backward(struct moe *m, struct kn_buf dx, struct kn_buf dy)
{
    struct route *r = &m->route;
    for (int i = 0, first = r->E; i < m->run_count; first += m->runs[i++].count) {
        int n = m->runs[i].count, v = array_named(r->router, "v"), c = array_named(r->router, "c");
        if (m->runs[i].kind == SLOT_COPY)
            kn_copy_slots_back(m->be, dx, r->dgate, dy, seen(m), r->gate, r->mask, first, n, r->T,
                               r->N, r->D);
        if (m->runs[i].kind == SLOT_CONSTANT && n > 0)
            kn_constant_slots_back(m->be, dx, r->dgate, r->dparam[v], r->dparam[c], dy, seen(m),
                                   r->gate, r->mask, r->param[v], r->param[c], first, n, r->T, r->N,
                                   r->D);
    }
}

void moe_backward(struct moe *m, struct kn_buf dx, struct kn_buf dy)
{
    struct route *r = &m->route;
    kn_times_part(m->be, PART_EXPERTS);
    if (r->S > 0)
        kn_zero(m->be, r->dgate,
                (size_t)r->T * (size_t)r->N); /* a zero slot's gate moves nothing */
    kn_moe_ffn_back(m->be, dx, r->dgate, m->dup, m->ddown, &m->plan, dy, r->gate, seen(m), m->pre,
                    &m->up, &m->down, m->shape.act, r->T, false);
    slots_backward(m, dx, dy);
    if (input_scale(m) != 1) kn_scale(m->be, dx, input_scale(m), dx, (size_t)r->T * (size_t)r->D);
    shared_backward(m, &m->shared, dx, dy);
    shared_backward(m, &m->own, dx, dy);
    r->dx = dx;
    kn_times_part(m->be, PART_ROUTER);
    route_backward(r, 1.0 / m->shape.layers, true);
}

/* ---- what-if ---- */
void moe_force(struct moe *m, const int32_t *mask, int T)
{
    m->route.forced = mask ? m->forced : (struct kn_ints){0};
    if (mask) kn_write_ints(m->be, m->forced, mask, (size_t)T * (size_t)m->route.N);
}

void moe_force_counts(struct moe *m, struct kn_ints counts)
{
    m->route.counts = counts, m->route.counts_real = true;
}

void moe_each(struct moe *m, struct kn_buf x)
{
    struct route *r = &m->route;
    int32_t row[COLUMNS_MAX];
    for (int e = 0; e < r->E; e++) {
        for (int j = 0; j < r->N; j++) row[j] = j == e;
        kn_write_ints(m->be, kn_part_ints(r->mask, (size_t)e * (size_t)r->N), row, (size_t)r->N);
    }
    kn_plan(m->be, &m->plan, r->mask, r->E);
    double scale = input_scale(m);
    if (scale != 1) kn_scale(m->be, m->scaled, scale, x, (size_t)r->E * (size_t)r->D);
    kn_moe_ffn(m->be, m->out, m->pre, &m->plan, scale == 1 ? x : m->scaled, &m->up, &m->down,
               m->shape.act, r->E);
}

/* ---- FLOPs, forward: a multiplication and an addition are two ---- */
static double expert_flops(const struct moe *m, int H)
{
    return (m->shape.act == KN_SWIGLU ? 6.0 : 4.0) * m->shape.D * H;
}

double moe_expert_flops(const struct moe *m)
{
    return expert_flops(m, m->shape.H);
}

double moe_shared_flops(const struct moe *m)
{
    return m->shared.count * expert_flops(m, m->shared.H) +
           m->own.count * expert_flops(m, m->own.H);
}

double moe_fixed_flops(const struct moe *m)
{
    const struct route *r = &m->route;
    double logits = r->router->flops ? r->router->flops(r) : 2.0 * r->D * (r->N + r->M);
    return logits + moe_shared_flops(m);
}

static enum slot_kind kind_of(const struct moe *m, int column)
{
    int i = 0;
    for (int first = m->route.E; column >= first + m->runs[i].count;) first += m->runs[i++].count;
    return m->runs[i].kind;
}

bool moe_copies(const struct moe *m, int column)
{
    return column >= m->route.E && kind_of(m, column) == SLOT_COPY;
}

double moe_slot_flops(const struct moe *m, const double *count, double copied)
{
    double flops = copied * m->shape.D; /* a token's copies are one multiplication */
    for (int j = m->route.E; j < m->route.N; j++)
        if (kind_of(m, j) == SLOT_CONSTANT) flops += count[j] * 7 * m->shape.D;
    return flops;
}
