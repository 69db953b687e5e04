/* What tests of routers share. */
#include "tests/core/router_rig.h"

struct kn_backend *rig_backend(const char *name)
{
    char why[160];
    struct kn_settings s = {.threads = 1};
    struct kn_backend *be = kn_open(name, &s, why, sizeof why);
    if (!be) ck_abort_msg("%s", why);
    return be;
}

/* What does not start at random stands at its start. */
static void start(struct rig *g, const struct router_array *a, struct kn_buf to, int size)
{
    double value;
    for (int i = 0; i < size; i++)
        if (router_array_start(a, g->knob, (size_t)i, &value))
            kn_write(g->be, kn_part(g->be, to, (size_t)i), &value, 1);
}
void rig_open_with(struct rig *g, struct kn_backend *be, const struct router *router,
                   const double *knob, int T, int D, int E)
{
    struct slot_run runs[4];
    memset(g, 0, sizeof *g);
    g->be = be;
    memcpy(g->knob, knob, sizeof g->knob);
    int S = router_slots(router, g->knob, E, runs, NULL);
    g->r = (struct route){.be = be,
                          .router = router,
                          .knob = g->knob,
                          .T = T,
                          .D = D,
                          .E = E,
                          .S = S,
                          .N = E + S,
                          .layers = 1,
                          .training = true};
    ck_assert(route_memory_open(&g->r));
    if (router->needs & NEEDS_SEQUENCES) {
        g->r.document = kn_alloc_ints(be, (size_t)T + 1); /* one text */
        ck_assert_ptr_nonnull(g->r.document.at);
    }
    for (int i = 0; i < ROUTER_ARRAYS && router->state[i].name; i++)
        start(g, &router->state[i], g->r.state[i], router_array_size(&router->state[i], E, S, D));
    for (int i = 1; i < ROUTER_ARRAYS && router->params[i].name; i++)
        if (g->r.param[i].at)
            start(g, &router->params[i], g->r.param[i], route_param_size(&g->r, i));
}

void rig_open(struct rig *g, const char *backend, const char *strategy, const char *knobs, int T,
              int D, int E)
{
    struct err e = {0};
    double knob[ROUTER_KNOBS] = {0};
    const struct router *router = router_find(strategy, &e);
    if (!router) ck_abort_msg("%s", e.text);
    router_starts(router, E, false, knob);
    char words[256], *save = NULL;
    snprintf(words, sizeof words, "%s", knobs);
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *value = strchr(w, '=');
        *value++ = 0;
        int i = router_knob(router, w);
        ck_assert_int_ge(i, 0);
        if (!option_read(&router->knobs[i], value, E, E, &knob[i], &e)) ck_abort_msg("%s", e.text);
    }
    if (!router_check(router, knob, E, &e)) ck_abort_msg("%s", e.text);
    rig_open_with(g, rig_backend(backend), router, knob, T, D, E);
}

void rig_close(struct rig *g)
{
    const char *op = NULL, *reason = NULL;
    if (!kn_sync(g->be, &op, &reason)) ck_abort_msg("%s: %s", op, reason);
    route_memory_close(&g->r);
    kn_close(g->be);
}

void rig_write(struct rig *g, struct kn_buf to, const double *from, size_t n)
{
    kn_write(g->be, to, from, n);
}

void rig_write_ints(struct rig *g, struct kn_ints *to, const int32_t *from, size_t n)
{
    if (!to->at) *to = kn_alloc_ints(g->be, n);
    ck_assert_ptr_nonnull(to->at);
    kn_write_ints(g->be, *to, from, n);
}

const double *rig_read(struct rig *g, struct kn_buf from, size_t n)
{
    ck_assert_uint_le(n, RIG_CELLS);
    kn_read(g->be, g->read, from, n);
    return g->read;
}

void rig_read_ints(struct rig *g, int32_t *to, struct kn_ints from, size_t n)
{
    kn_read_ints(g->be, to, from, n);
}

void rig_random(struct rig *g, struct rng *rng, struct kn_buf to, size_t n, double scale)
{
    ck_assert_uint_le(n, RIG_CELLS);
    for (size_t i = 0; i < n; i++) g->read[i] = scale * rng_normal(rng);
    kn_write(g->be, to, g->read, n);
}

void rig_fill(struct rig *g, struct rng *rng)
{
    const struct route *r = &g->r;
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        if (r->param[i].at) rig_random(g, rng, r->param[i], route_param_size(r, i), 1);
    if (r->x.at)
        rig_random(g, rng, r->x, (size_t)r->T * r->D, 1);
    else
        rig_random(g, rng, r->logits, (size_t)r->T * r->N, 1.5);
    if (r->M && !r->x.at) rig_random(g, rng, r->side, (size_t)r->T * r->M, 1.5);
    route_memory_repack(&g->r);
}

void rig_random_knobs(const struct router *router, struct rng *rng, int E, double *knob)
{
    struct err e;
    memset(knob, 0, ROUTER_KNOBS * sizeof *knob);
    do {
        router_starts(router, E, false, knob);
        for (int i = 0; i < ROUTER_KNOBS && router->knobs[i].name; i++) {
            const struct option *o = &router->knobs[i];
            if (rng_uniform(rng) < .4) continue;
            double max = option_max(o, E, E);
            knob[i] = o->min + rng_uniform(rng) * (max - o->min);
            if (o->kind != OPTION_REAL)
                knob[i] = o->min + rng_below(rng, (uint32_t)(max - o->min) + 1);
        }
    } while (!router_check(router, knob, E, &e));
}

int rig_count_ints(struct rig *g, struct kn_ints from, size_t n)
{
    int32_t values[RIG_CELLS];
    int sum = 0;
    ck_assert_uint_le(n, RIG_CELLS);
    kn_read_ints(g->be, values, from, n);
    for (size_t i = 0; i < n; i++) sum += values[i];
    return sum;
}
