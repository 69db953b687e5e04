/* core/model/moe_open.c - A layer is made: its parameters declared, its memory placed, its weights
 * and plans opened; and closed. */
#include "core/model/moe.h"

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
