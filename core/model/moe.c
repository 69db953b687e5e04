/* core/model/moe.c - Route, plan, experts, combine; and the same backwards. Picks of one expert
 * stand together in the plan, so its matrices are used on all of its tokens at once; slots never
 * enter the plan. */
#include "core/model/moe.h"
#include "core/model/part.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- parameters ---- */
static struct param named(const struct moe *m, const char *part, int expert, const char *tail)
{
    struct param a = {.decay = true, .start = START_NORMAL};
    if (expert >= 0)
        snprintf(a.name, sizeof a.name, "model.layers.%d.block_sparse_moe.%s.%d.%s", m->shape.layer,
                 part, expert, tail);
    else
        snprintf(a.name, sizeof a.name, "model.layers.%d.block_sparse_moe.%s%s", m->shape.layer,
                 part, tail);
    return a;
}

/* One matrix of an expert: rows x cols, behind the one before it where `joined`. */
static int add_matrix(struct moe *m, struct params *p, const char *part, int expert,
                      const char *tail, int rows, int cols, double scale, bool joined)
{
    struct param a = named(m, part, expert, tail);
    a.shape[0] = rows, a.shape[1] = cols;
    a.scale = scale, a.joined = joined;
    return params_add(p, a);
}

/* `count` experts: the stack of w1 (and w3), then the stack of w2. */
static void add_experts(struct moe *m, struct params *p, const char *part, int count, int H,
                        int *up, int *down)
{
    const struct moe_shape *s = &m->shape;
    double scale = 1 / sqrt(s->D), down_scale = s->down_scale * sqrt((double)s->H / H);
    for (int i = 0; i < count; i++) {
        int at = add_matrix(m, p, part, i, "w1.weight", H, s->D, scale, i > 0);
        if (i == 0) *up = at;
        if (s->act == KN_SWIGLU) add_matrix(m, p, part, i, "w3.weight", H, s->D, scale, true);
    }
    for (int i = 0; i < count; i++) {
        int at = add_matrix(m, p, part, i, "w2.weight", s->D, H, down_scale, i > 0);
        if (i == 0) *down = at;
    }
}

static void add_shared(struct moe *m, struct params *p, struct moe_shared *s, const char *part)
{
    if (s->count) add_experts(m, p, part, s->count, s->H, &s->first_up, &s->first_down);
}

/* The strategy's own arrays: its first is the gate, with the name that Mixtral gives it. */
static void add_router(struct moe *m, struct params *p)
{
    const struct router *r = m->route.router;
    for (int i = 0; i < ROUTER_ARRAYS; i++) {
        const struct router_array *from = &r->params[i];
        m->extra[i] = -1;
        if (route_param_size(&m->route, i) == 0) continue;
        struct param a =
            i == 0 ? named(m, "gate", -1, ".weight") : named(m, "router.", -1, from->name);
        route_param_shape(&m->route, i, a.shape);
        a.decay = false, a.start = from->start, a.scale = from->scale, a.apart = from->apart;
        if (router_array_start(from, m->route.knob, 0, &a.scale)) a.start = START_VALUE;
        m->extra[i] = params_add(p, a);
    }
}

void moe_declare(struct moe *m, const struct moe_shape *shape, const struct router *r,
                 const double *knob, struct params *p)
{
    *m = (struct moe){.shape = *shape};
    int S = router_slots(r, knob, shape->E, m->runs, &m->run_count);
    m->route = (struct route){.router = r,
                              .knob = knob,
                              .T = shape->T,
                              .D = shape->D,
                              .E = shape->E,
                              .S = S,
                              .N = shape->E + S,
                              .layer = shape->layer,
                              .layers = shape->layers};
    m->route.M = route_side(&m->route);
    add_experts(m, p, "experts", shape->E, shape->H, &m->first_up, &m->first_down);
    m->shared = (struct moe_shared){.count = shape->shared, .H = shape->H};
    add_shared(m, p, &m->shared, "shared_experts");
    double width = 1;
    if (r->shared) m->own.count = r->shared(knob, &width);
    m->own.H = (int)fmax(1, round(width * shape->H));
    add_shared(m, p, &m->own, "router.shared_experts");
    add_router(m, p);
}

/* ---- memory ---- */
static int hidden_rows(const struct moe *m, int H)
{
    return m->shape.act == KN_SWIGLU ? 2 * H : H;
}

int moe_rows(const struct moe *m)
{
    int rows = m->shape.E;
    if (m->shared.count > rows) rows = m->shared.count;
    return m->own.count > rows ? m->own.count : rows;
}

static void place_shared(struct moe *m, struct memory *mem, struct moe_shared *s)
{
    size_t cells = (size_t)m->shape.T * (size_t)s->count;
    s->pre = memory_take(mem, kn_pre_room(mem->be, cells, s->H, m->shape.act == KN_SWIGLU));
    s->gate = memory_take(mem, cells);
    s->dgate = memory_take(mem, cells);
    s->mask = memory_take_ints(mem, cells);
}

/* What only some strategies need. */
static void place_extras(struct moe *m, struct memory *mem)
{
    struct route *r = &m->route;
    size_t T = (size_t)m->shape.T, cells = T * (size_t)r->N, side = T * (size_t)r->M;
    if (r->M) {
        r->side = memory_take(mem, side);
        r->side_gate = memory_take(mem, side);
        r->dside = memory_take(mem, side);
        r->dside_gate = memory_take(mem, side);
    }
    if (r->router->learn) {
        struct route_learning *l = &r->learning;
        l->old = memory_take(mem, T), l->advantage = memory_take(mem, T);
        l->row = memory_take(mem, (size_t)r->M), l->told = memory_take(mem, LEARN_TOLD);
        l->choice = memory_take_ints(mem, T), l->label = memory_take_ints(mem, T);
        l->open = memory_take_ints(mem, side);
        l->one = m->ones;
    }
    if (r->router->needs & NEEDS_NOISE) {
        r->seen = memory_take(mem, T * (size_t)r->D);
        r->noise = memory_take(mem, T * (size_t)r->D + 2 * cells);
    }
}

void moe_place(struct moe *m, struct memory *mem, struct kn_buf out)
{
    struct route *r = &m->route;
    size_t T = (size_t)m->shape.T, cells = T * (size_t)r->N, rows = T * (size_t)m->shape.E;
    r->logits = memory_take(mem, cells);
    r->prob = memory_take(mem, cells);
    r->score = r->router->score ? memory_take(mem, cells) : r->prob;
    r->gate = memory_take(mem, cells);
    r->dgate = memory_take(mem, cells);
    r->dprob = memory_take(mem, cells);
    r->dlogits = memory_take(mem, cells);
    r->mask = memory_take_ints(mem, cells);
    r->valid = memory_take_ints(mem, T);
    r->dropped = memory_take_ints(mem, 1);
    r->part = memory_take_ints(mem, cells);
    r->load = memory_take(mem, (size_t)r->N);
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        r->kept[i] = memory_take(mem, route_kept_size(r, i, m->shape.T));
    if (r->router->needs & NEEDS_PREV_LOGITS) r->dabove = memory_take(mem, cells);
    if (r->router->input_scale) m->scaled = memory_take(mem, T * (size_t)m->shape.D);
    for (int i = 0; i < ROUTER_LOSSES; i++) r->loss[i] = memory_take(mem, 1);
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        r->state[i] =
            memory_take(mem, (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D));
    m->forced = memory_take_ints(mem, cells);
    m->reach = memory_take_ints(mem, r->router->reach ? cells : 0);
    m->pre = memory_take(mem, kn_pre_room(mem->be, rows, m->shape.H, m->shape.act == KN_SWIGLU));
    m->out = out;
    m->ones = memory_take(mem, T * (size_t)moe_rows(m));
    place_shared(m, mem, &m->shared);
    place_shared(m, mem, &m->own);
    place_extras(m, mem);
    if (m->own.count) m->own.gate = r->side_gate, m->own.dgate = r->dside_gate;
}

static bool open_pair(struct moe *m, struct params *p, struct kn_weight *up, struct kn_weight *down,
                      int first_up, int first_down, int count, int H)
{
    const struct moe_shape *s = &m->shape;
    return kn_weight_open(m->be, up, params_at(p, p->w, first_up), KN_UP, count, hidden_rows(m, H),
                          s->D, s->act == KN_SWIGLU) &&
           kn_weight_open(m->be, down, params_at(p, p->w, first_down), KN_DOWN, count, s->D, H,
                          false);
}

static bool open_shared(struct moe *m, struct params *p, struct moe_shared *s)
{
    if (!s->count) return true;
    s->dup = params_at(p, p->g, s->first_up), s->ddown = params_at(p, p->g, s->first_down);
    return kn_plan_open(m->be, &s->plan, m->shape.T, s->count, s->count) &&
           open_pair(m, p, &s->up, &s->down, s->first_up, s->first_down, s->count, s->H);
}

static void close_shared(struct moe *m, struct moe_shared *s)
{
    kn_weight_close(m->be, &s->up), kn_weight_close(m->be, &s->down);
    kn_plan_close(m->be, &s->plan);
}

static void fill(struct moe *m, struct kn_buf to, size_t n, double value)
{
    for (size_t i = 0; i < n; i++) kn_write(m->be, kn_part(m->be, to, i), &value, 1);
}

/* What the strategy keeps outside the gradient, at its start. */
static bool start_state(struct moe *m, struct err *e)
{
    const struct router *r = m->route.router;
    for (int i = 0; i < ROUTER_ARRAYS && r->state[i].name; i++) {
        const struct router_array *a = &r->state[i];
        size_t n = (size_t)router_array_size(a, m->route.E, m->route.S, m->route.D);
        for (size_t j = 0; j < n; j++) {
            double value;
            if (router_array_start(a, m->route.knob, j, &value))
                kn_write(m->be, kn_part(m->be, m->route.state[i], j), &value, 1);
        }
    }
    if (r->learn) fill(m, m->route.learning.told, LEARN_TOLD, NAN); /* nothing was learnt yet */
    fill(m, m->ones, (size_t)m->shape.T * (size_t)moe_rows(m), 1);
    return kn_sync(m->be, NULL, NULL) ||
           err_set(e, ERR_BACKEND, "the backend failed while a layer was made");
}

static struct kn_stack stack(const struct params *p, int first, size_t size)
{
    return (struct kn_stack){params_at(p, p->w, first), params_at(p, p->m, first),
                             params_at(p, p->v, first), size};
}

bool moe_open(struct moe *m, struct params *p, struct err *e)
{
    const struct moe_shape *s = &m->shape;
    struct route *r = &m->route;
    m->be = r->be = p->be;
    for (int i = 0; i < ROUTER_ARRAYS; i++) {
        if (m->extra[i] < 0) continue;
        r->param[i] = params_at(p, p->w, m->extra[i]);
        r->dparam[i] = params_at(p, p->g, m->extra[i]);
        r->m[i] = params_at(p, p->m, m->extra[i]), r->v[i] = params_at(p, p->v, m->extra[i]);
    }
    r->expert[0] = stack(p, m->first_up, (size_t)hidden_rows(m, s->H) * (size_t)s->D);
    r->expert[1] = stack(p, m->first_down, (size_t)s->H * (size_t)s->D);
    bool ok = kn_plan_open(m->be, &m->plan, s->T, s->E, r->N) && route_matrices_open(r) &&
              open_pair(m, p, &m->up, &m->down, m->first_up, m->first_down, s->E, s->H) &&
              open_shared(m, p, &m->shared) && open_shared(m, p, &m->own);
    if (!ok)
        return err_set(
            e, ERR_MEMORY,
            "not enough memory for %d experts of width %d; try fewer or narrower experts", s->E,
            s->H);
    m->dup = params_at(p, p->g, m->first_up), m->ddown = params_at(p, p->g, m->first_down);
    return start_state(m, e);
}

void moe_close(struct moe *m)
{
    if (!m->be) return;
    route_matrices_close(&m->route);
    kn_weight_close(m->be, &m->up), kn_weight_close(m->be, &m->down);
    kn_plan_close(m->be, &m->plan);
    close_shared(m, &m->shared), close_shared(m, &m->own);
    memset(m, 0, sizeof *m);
}

int moe_weights(struct moe *m, struct kn_weight **to)
{
    int n = route_matrices(&m->route, to);
    to[n++] = &m->up, to[n++] = &m->down;
    if (m->shared.count) to[n++] = &m->shared.up, to[n++] = &m->shared.down;
    if (m->own.count) to[n++] = &m->own.up, to[n++] = &m->own.down;
    return n;
}

void moe_follow(struct moe *m, struct moe *before)
{
    bool follows = m->route.router->needs & NEEDS_PREV_LOGITS && before;
    m->route.prev = follows ? before->route.logits : (struct kn_buf){0};
    m->route.dprev = follows ? before->route.dabove : (struct kn_buf){0};
    if (m->shape.layer == m->shape.layers - 1) m->route.dabove = (struct kn_buf){0};
}

void moe_set_router(struct moe *m, const struct router *r)
{
    m->route.router = r;
    router_slots(r, m->route.knob, m->shape.E, m->runs, &m->run_count);
}

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
