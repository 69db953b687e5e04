/* core/router/route_json.c - One JSON object through one strategy. */
#include "core/router/route_json.h"
#include "core/base/json.h"
#include "core/balance/pressure.h"
#include "core/router/host.h"
#include "core/router/route_input.h"
#include "core/router/route_memory.h"
#include "core/router/route_place.h"

#include <stdlib.h>
#include <string.h>

struct writer {
    struct text *to;
    struct route *r;
    int digits;
};

/* ---- numbers ---- */
/* Nested lists of this shape; returns what is behind the last number. */
static const double *put_list(struct writer *w, const char *name, const double *at,
                              const int *shape, int dims)
{
    if (dims == 0) {
        json_put_digits(w->to, name, *at, w->digits);
        return at + 1;
    }
    json_put_open(w->to, name, '[');
    for (int i = 0; i < shape[0]; i++) at = put_list(w, NULL, at, shape + 1, dims - 1);
    json_put_close(w->to, ']');
    return at;
}

static void put_buf(struct writer *w, const char *name, struct kn_buf from, const int *shape,
                    int dims)
{
    size_t n = 1;
    for (int i = 0; i < dims; i++) n *= shape[i];
    double *values = malloc(n * sizeof *values + 1);
    if (!values) {
        w->to->failed = true;
        return;
    }
    kn_read(w->r->be, values, from, n);
    put_list(w, name, values, shape, dims);
    free(values);
}

static void put_state_array(struct writer *w, int i)
{
    const struct route *r = w->r;
    const struct router_array *a = &r->router->state[i];
    int shape[3], dims = router_array_shape(a, r->E, r->S, r->D, shape);
    put_buf(w, a->name, r->state[i], shape, dims);
}

/* ---- what was chosen ---- */
/* The arrays of a route on the host. */
struct copy {
    struct route_host host;
    float *floats;
    int32_t *ints;
    double *order, *state[ROUTER_ARRAYS], *metric;
};

/* On the host; NULL: no memory. */
static double *read_array(struct route *r, const struct router_array *a, struct kn_buf from)
{
    size_t size = (size_t)router_array_size(a, r->E, r->S, r->D);
    double *to = malloc((size + 1) * sizeof *to);
    if (to) kn_read(r->be, to, from, size);
    return to;
}

static bool copy_open(struct copy *c, struct route *r)
{
    size_t n = (size_t)r->T * r->N;
    size_t side = (size_t)r->T * r->M;
    *c = (struct copy){.floats = malloc((4 * n + side + 1) * sizeof *c->floats),
                       .ints = malloc((n + 2 * (size_t)r->T + 1) * sizeof *c->ints),
                       .order = malloc((n + 1) * sizeof *c->order),
                       .metric = malloc((n + COLUMNS_MAX) * sizeof *c->metric)};
    if (!c->floats || !c->ints || !c->order || !c->metric) return false;
    float *f = c->floats;
    kn_read_f32(r->be, f, r->logits, n);
    kn_read_f32(r->be, f + n, r->prob, n);
    kn_read_f32(r->be, f + 2 * n, r->score, n);
    kn_read_f32(r->be, f + 3 * n, r->gate, n);
    if (side) kn_read_f32(r->be, f + 4 * n, r->side_gate, side);
    kn_read_ints(r->be, c->ints, r->mask, n);
    kn_read_ints(r->be, c->ints + n, r->valid, r->T);
    if (r->document.at) kn_read_ints(r->be, c->ints + n + r->T, r->document, r->T);
    kn_read(r->be, c->order, route_order(r), n);
    c->host = (struct route_host){.router = r->router,
                                  .knob = r->knob,
                                  .T = r->T,
                                  .E = r->E,
                                  .N = r->N,
                                  .M = r->M,
                                  .side_gate = f + 4 * n,
                                  .logits = f,
                                  .prob = f + n,
                                  .score = f + 2 * n,
                                  .gate = f + 3 * n,
                                  .mask = c->ints,
                                  .valid = c->ints + n,
                                  .document = r->document.at ? c->ints + n + r->T : NULL};
    if (r->router->look) r->router->look(r, c->host.look);
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
        c->host.state[i] = c->state[i] = read_array(r, &r->router->state[i], r->state[i]);
        if (!c->state[i]) return false;
    }
    return true;
}

static void copy_close(struct copy *c)
{
    free(c->floats);
    free(c->ints);
    free(c->order);
    free(c->metric);
    for (int i = 0; i < ROUTER_ARRAYS; i++) free(c->state[i]);
}

static void put_mask(struct writer *w, const struct copy *c)
{
    const int32_t *at = c->host.mask;
    json_put_open(w->to, "mask", '[');
    for (int t = 0; t < c->host.T; t++) {
        json_put_open(w->to, NULL, '[');
        for (int j = 0; j < c->host.N; j++) json_put_number(w->to, NULL, *at++);
        json_put_close(w->to, ']');
    }
    json_put_close(w->to, ']');
}

/* A token's columns in falling order of score, equal ones lower first. */
static void put_chosen(struct writer *w, const struct copy *c)
{
    int N = c->host.N;
    json_put_open(w->to, "chosen", '[');
    for (int t = 0; t < c->host.T; t++) {
        const double *order = c->order + (size_t)t * N;
        int chosen[COLUMNS_MAX], n = 0;
        for (int j = 0; j < N; j++) {
            int at = n;
            if (!c->host.mask[(size_t)t * N + j]) continue;
            for (; at > 0 && order[chosen[at - 1]] < order[j]; at--) chosen[at] = chosen[at - 1];
            chosen[at] = j;
            n++;
        }
        json_put_open(w->to, NULL, '[');
        for (int i = 0; i < n; i++) json_put_number(w->to, NULL, chosen[i]);
        json_put_close(w->to, ']');
    }
    json_put_close(w->to, ']');
}

/* Picks of each token in columns first..last-1. */
static void put_counts(struct writer *w, const struct copy *c, const char *name, int first,
                       int last)
{
    json_put_open(w->to, name, '[');
    for (int t = 0; t < c->host.T; t++)
        json_put_number(w->to, NULL, host_picks(&c->host, t, first, last));
    json_put_close(w->to, ']');
}

/* ---- losses and metrics ---- */
static void put_losses(struct writer *w)
{
    struct route *r = w->r;
    json_put_open(w->to, "losses", '{');
    for (int i = 0; i < ROUTER_LOSSES && r->router->losses[i].pressure; i++)
        put_buf(w, r->router->losses[i].pressure, r->loss[i], NULL, 0);
    json_put_close(w->to, '}');
}

static void put_ints(struct writer *w, const char *name, struct kn_ints from)
{
    int32_t value;
    kn_read_ints(w->r->be, &value, from, 1);
    json_put_number(w->to, name, value);
}

static void put_metrics(struct writer *w, const struct copy *c)
{
    const struct router *router = w->r->router;
    int T = w->r->T, N = w->r->N;
    double gate_sum = host_gate_sum(&c->host), blind = host_blind_share(&c->host);
    int digits = w->digits;
    w->digits = 9; /* measured on the float32 copy */
    json_put_open(w->to, "metrics", '{');
    for (int i = 0; router->measure && i < ROUTER_METRICS && router->metrics[i].name; i++) {
        int shape[2] = {T, N}, *from = shape, dims = 2;
        switch (router->metrics[i].kind) {
        case METRIC_SCALAR:
        case METRIC_PER_LAYER:
            dims = 0;
            break;
        case METRIC_PER_EXPERT:
            dims = 1, shape[0] = w->r->E;
            break;
        case METRIC_PER_COLUMN:
            dims = 1, shape[0] = N;
            break;
        case METRIC_PER_TOKEN:
            dims = 1;
            break;
        case METRIC_PER_TOKEN_COLUMN:
            break;
        }
        router->measure(&c->host, i, c->metric);
        put_list(w, router->metrics[i].name, c->metric, from, dims);
    }
    put_list(w, "gate_sum", &gate_sum, NULL, 0);
    put_list(w, "router_blind_tokens", &blind, NULL, 0);
    put_ints(w, "dropped_pairs", w->r->dropped);
    put_ints(w, "nonfinite_tokens", w->r->bad);
    json_put_close(w->to, '}');
    w->digits = digits;
}

/* ---- gradients ---- */
static void clear_gradients(struct route *r)
{
    if (r->dx.at) kn_zero(r->be, r->dx, (size_t)r->T * r->D);
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        if (r->dparam[i].at) kn_zero(r->be, r->dparam[i], route_param_size(r, i));
}

static void put_param(struct writer *w, int i)
{
    int shape[3], dims = route_param_shape(w->r, i, shape);
    put_buf(w, w->r->router->params[i].name, w->r->dparam[i], shape, dims);
}

static void put_gradients(struct writer *w, const char *name, const double *weight, bool task)
{
    struct route *r = w->r;
    int x[2] = {r->T, r->D}, logits[2] = {r->T, r->N}, side[2] = {r->T, r->M};
    bool hidden = task && r->router->side_detached; /* no gate depends on them */
    clear_gradients(r);
    route_backward_by(r, weight, task);
    json_put_open(w->to, name, '{');
    if (r->x.at)
        put_buf(w, "x", r->dx, x, 2);
    else
        put_buf(w, "logits", r->dlogits, logits, 2);
    if (!r->x.at && r->M && !hidden) put_buf(w, r->router->side, r->dside, side, 2);
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        if (r->dparam[i].at && !r->router->params[i].spoken && (i != 1 || !hidden)) put_param(w, i);
    if (r->dprev.at) put_buf(w, "prev_logits", r->dprev, logits, 2);
    json_put_close(w->to, '}');
}

static void put_state(struct writer *w)
{
    struct route *r = w->r;
    if (r->training && r->router->after_step) r->router->after_step(r);
    json_put_open(w->to, "state", '{');
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) put_state_array(w, i);
    json_put_close(w->to, '}');
}

/* ---- the whole ---- */
static void put_route(struct writer *w, const struct route_input *in, const struct copy *c)
{
    int shape[2] = {in->T, in->N};
    json_put_open(w->to, NULL, '{');
    put_mask(w, c);
    put_buf(w, "gates", w->r->gate, shape, 2);
    put_buf(w, "scores", w->r->score, shape, 2);
    if (w->r->router->shared) {
        int side[2] = {in->T, w->r->M};
        put_buf(w, "shared_gates", w->r->side_gate, side, 2);
    }
    put_chosen(w, c);
    put_counts(w, c, "experts", 0, in->E);
    put_counts(w, c, "zero_compute", in->E, in->N);
    put_losses(w);
    put_metrics(w, c);
    if (in->gates) put_gradients(w, "grad", NULL, true);
    if (in->losses) put_gradients(w, "loss_grad", in->weight, false);
    put_state(w);
    if (*in->warning) json_put_string(w->to, "warning", in->warning);
    json_put_close(w->to, '}');
}

/* Values of the losses also where they take no part, because not training. */
static void find_losses(struct route *r)
{
    bool training = r->training;
    r->training = true;
    route_losses(r);
    r->training = training;
}

static bool answer(const struct route_input *in, struct route *r, struct text *line, struct err *e)
{
    struct writer w = {.to = line, .r = r, .digits = kn_exact(r->be) ? 15 : 9};
    struct copy c;
    const char *op = NULL, *reason = NULL;
    route_forward(r);
    find_losses(r);
    bool ok = copy_open(&c, r);
    if (ok) put_route(&w, in, &c);
    copy_close(&c);
    if (!ok || line->failed) return err_set(e, ERR_MEMORY, "no memory for the answer");
    return kn_sync(r->be, &op, &reason) || err_set(e, ERR_BACKEND, "%s: %s", op, reason);
}

bool route_json(const char *json, size_t size, struct kn_backend *be, struct text *out,
                size_t *where, struct err *e)
{
    struct route_input in;
    struct route r = {0};
    struct text line = {0};
    bool ok = route_input_open(&in, json, size, e);
    if (!ok) goto done;
    r = (struct route){.be = be,
                       .router = in.router,
                       .knob = in.knob,
                       .T = in.T,
                       .D = in.D,
                       .E = in.E,
                       .S = in.S,
                       .N = in.N,
                       .layer = in.later,
                       .layers = 1 + in.later,
                       .training = in.training};
    ok = route_memory_open(&r) || err_set(e, ERR_MEMORY, "no memory for %d tokens", in.T);
    ok = ok && route_input_fill(&in, &r, e) && answer(&in, &r, &line, e);
    if (ok) text_put(out, text_str(&line), line.size);
done:
    if (where)
        *where = ok ? 0 : in.broken ? in.broken_at : route_place(json, size, e ? e->text : "");
    route_memory_close(&r);
    route_input_close(&in);
    text_free(&line);
    return ok;
}
