/* core/router/route.c - One layer's routing, part by part, in the one order that holds for every
 * strategy. Forward: x -> logits -> prob, score -> mask -> gate -> capacity. Backward: gates and
 * losses -> prob -> logits -> x, w. Everything that is not a strategy's own idea (forced counts and
 * experts, rows that are not finite, capacity, losses) happens here, between the parts. */
#include "core/balance/pressure.h"
#include "core/router/router.h"

#include <math.h>
#include <string.h>

static size_t cells(const struct route *r)
{
    return (size_t)r->T * r->N;
}

double route_sharpness(const struct route *r)
{
    int i = r->router->temperature;
    return i ? 1 / r->knob[i - 1] : 1;
}

double route_knob(const struct route *r, const char *name, double other)
{
    int i = router_knob(r->router, name);
    return i < 0 ? other : r->knob[i];
}

/* The knob's value where it counts, that is in training; 0: no limit. */
static double capacity_of(const struct route *r)
{
    return r->training ? route_knob(r, "capacity", 0) : 0;
}

struct kn_buf route_order(const struct route *r)
{
    return r->router->softmax && !r->router->score && !r->on.at ? r->logits : r->score;
}

bool route_reaches(const struct router *router, const double *knob)
{
    return router->reach && router->reach(knob);
}

/* ---- forward ---- */
void route_linear(struct route *r, struct kn_buf x)
{
    kn_linear(r->be, r->logits, x, &r->w, r->T);
    if (r->M) kn_linear(r->be, r->side, x, &r->matrix[1], r->T);
}

void route_draw(struct route *r, int purpose, size_t n)
{
    struct kn_draw draw = {
        {(uint32_t)r->seed, RNG_ROUTE},
        {r->draw, (uint32_t)(r->layer * 8 + purpose), (uint32_t)(r->seed >> 32)}};
    kn_uniform(r->be, r->noise, &draw, n);
}

static void find_logits(struct route *r)
{
    if (!r->x.at) return;
    if (r->router->logits)
        r->router->logits(r);
    else
        route_linear(r, r->x);
}

/* A row is valid where its logits and its side logits are finite. */
static void clean(struct route *r)
{
    struct kn_ints real = r->padding;
    if (r->M) {
        kn_clean_rows(r->be, r->side, r->valid, r->side_bad, r->side, real, r->T, r->M);
        real = r->valid;
    }
    kn_clean_rows(r->be, r->logits, r->valid, r->bad, r->logits, real, r->T, r->N);
}

static void find_score(struct route *r)
{
    if (r->router->score) {
        r->router->score(r);
        return;
    }
    struct kn_buf seen = r->router->scaled ? r->router->scaled(r) : r->logits;
    kn_softmax_rows(r->be, r->prob, seen, route_sharpness(r), r->T, r->N);
    if (r->score.at != r->prob.at) kn_copy(r->be, r->score, r->prob, cells(r));
}

/* Columns off the fleet have no probability (the others share it all) and stand last in order.
 * A score that is not prob, of a strategy with an order, is moved by a bias that may be large. */
static void leave_out(struct route *r)
{
    const double tiny = 1e-30; /* all off: 0 / tiny */
    if (!r->on.at) return;
    kn_relu_back(r->be, r->prob, r->prob, r->on, cells(r), false);
    if (r->router->softmax) kn_row_share(r->be, r->prob, r->prob, tiny, r->T, r->N);
    if (r->router->score && r->router->ordered)
        kn_bias(r->be, r->score, r->away, r->T, r->N);
    else if (r->router->score)
        kn_relu_back(r->be, r->score, r->score, r->on, cells(r), false);
    else if (r->score.at != r->prob.at)
        kn_copy(r->be, r->score, r->prob, cells(r));
}

/* Whatever chose them: what is off the fleet is not taken. The gate's memory is free until weigh. */
static void strike_out(struct route *r)
{
    if (!r->on.at) return;
    kn_masked_gate(r->be, r->gate, r->on, r->mask, r->T, r->N);
    kn_positive_mask(r->be, r->mask, r->gate, r->valid, r->T, r->N);
}

/* mask = forced, on valid rows. By way of the host, some rows at a time: only what-if questions
 * come here. */
static void take_forced(struct route *r)
{
    enum { CELLS = 4096 };
    int32_t cell[CELLS], valid[CELLS];
    int some = CELLS / r->N;
    for (int t = 0; t < r->T; t += some) {
        size_t rows = (size_t)(r->T - t < some ? r->T - t : some), N = (size_t)r->N,
               at = (size_t)t * N;
        kn_read_ints(r->be, cell, kn_part_ints(r->forced, at), rows * N);
        kn_read_ints(r->be, valid, kn_part_ints(r->valid, (size_t)t), rows);
        for (size_t i = 0; i < rows * N; i++) cell[i] = valid[i / N] && cell[i];
        kn_write_ints(r->be, kn_part_ints(r->mask, at), cell, rows * N);
    }
}

/* The best counts[t] experts of every valid row, slots left out: what is ranked is a softmax over
 * the expert columns alone, which orders them alike and is 0 in the others. */
static void take_experts(struct route *r)
{
    kn_topk_mask(r->be, r->mask, route_order(r), r->N, (struct kn_ints){0}, r->valid, r->T, r->N);
    kn_mask_without(r->be, r->part, r->mask, r->E, r->S, r->T, r->N);
    kn_normalised_gate(r->be, r->gate, route_order(r), 1, r->part, r->T, r->N);
    kn_topk_mask(r->be, r->mask, r->gate, 0, r->counts, r->valid, r->T, r->N);
}

static void choose(struct route *r)
{
    if (r->forced.at)
        take_forced(r);
    else if (r->counts.at && r->counts_real && r->S > 0)
        take_experts(r);
    else if (r->counts.at)
        kn_topk_mask(r->be, r->mask, route_order(r), 0, r->counts, r->valid, r->T, r->N);
    else
        r->router->select(r);
    strike_out(r);
    r->router->weigh(r);
}

static void drop(struct route *r)
{
    static const int32_t none = 0;
    bool was_limited = r->limited;
    double capacity = capacity_of(r);
    bool by_position = route_knob(r, "drop", 0) != 0;
    r->limited = capacity > 0;
    if (capacity > 0 && r->router->drop)
        r->router->drop(r, capacity, by_position);
    else if (capacity > 0)
        kn_capacity_drop(r->be, r->mask, r->gate, r->dropped, capacity, by_position, r->T, r->N,
                         r->E);
    else if (was_limited)
        kn_write_ints(r->be, r->dropped, &none, 1);
}

void route_forward(struct route *r)
{
    find_logits(r);
    clean(r);
    find_score(r);
    leave_out(r);
    choose(r);
    if (r->router->load)
        r->router->load(r);
    else
        kn_column_load(r->be, r->load, r->mask, r->T, r->N, r->E);
    drop(r);
}

/* ---- losses ---- */
bool route_loss_known(const struct route *r, int loss)
{
    return r->document.at || !(pressure_of(r->router, loss)->needs & NEEDS_SEQUENCES);
}

static double knob_of(const struct route *r, int loss)
{
    const struct router_loss *l = &r->router->losses[loss];
    double weight = l->knob ? route_knob(r, l->knob, 0) : 0;
    return r->late && l->late ? weight * route_knob(r, l->late, 1) : weight;
}

double route_coefficient(const struct route *r, int loss)
{
    double value = knob_of(r, loss);
    return value == 0 && r->router->losses[loss].state ? 1 : value;
}

/* The state that is a loss's coefficient; {NULL}: its knob is. */
static struct kn_buf factor_of(const struct route *r, int loss)
{
    const char *name = r->router->losses[loss].state;
    const struct router_array *state = r->router->state;
    if (!name || knob_of(r, loss) != 0) return (struct kn_buf){0};
    for (int i = 0; i < ROUTER_ARRAYS && state[i].name; i++)
        if (strcmp(state[i].name, name) == 0) return r->state[i];
    return (struct kn_buf){0};
}

double route_weight(const struct route *r, int loss)
{
    const struct router_loss *l = &r->router->losses[loss];
    struct kn_buf factor = factor_of(r, loss);
    double value = 1;
    if (!l->knob && !l->state) return NAN;
    if (factor.at) kn_read(r->be, &value, factor, 1);
    return value * route_coefficient(r, loss);
}

void route_losses(struct route *r)
{
    const struct pressure *p;
    for (int i = 0; r->training && (p = pressure_of(r->router, i)); i++)
        if (route_loss_known(r, i)) p->loss(r, r->loss[i]);
}

/* ---- backward ---- */
/* A dropped pick has left mask and gate, yet it still has its part in a gate that was renormalised
 * over it. So the picks are made again as they were, with no gradient on the dropped ones, and
 * dropped again. */
static void task_back(struct route *r)
{
    bool limited = capacity_of(r) > 0;
    if (limited && !route_reaches(r->router, r->knob)) {
        kn_masked_gate_back(r->be, r->dlogits, r->dgate, r->mask, r->T, r->N, false);
        kn_copy(r->be, r->dgate, r->dlogits, cells(r));
    }
    if (limited) choose(r);
    r->router->backward(r);
    if (limited) drop(r);
}

void route_linear_back(struct route *r, struct kn_buf dx, struct kn_buf x)
{
    bool side = r->M && !r->router->side_detached;
    if (r->dparam[0].at) kn_linear_back_w(r->be, r->dparam[0], r->dlogits, x, &r->w, r->T);
    if (r->M && r->dparam[1].at)
        kn_linear_back_w(r->be, r->dparam[1], r->dside, x, &r->matrix[1], r->T);
    if (dx.at) kn_linear_back_x(r->be, dx, r->dlogits, &r->w, r->T, true);
    if (dx.at && side) kn_linear_back_x(r->be, dx, r->dside, &r->matrix[1], r->T, true);
}

static void logits_back(struct route *r)
{
    if (!r->x.at) return;
    if (r->router->logits_back)
        r->router->logits_back(r);
    else
        route_linear_back(r, r->dx, r->x);
}

/* `factors`: losses also by the state that is their coefficient. `on_logits`: those whose gradient
 * is of the logits themselves. */
static void losses_back(struct route *r, const double *weight, bool factors, bool on_logits)
{
    const struct pressure *p;
    for (int i = 0; weight && (p = pressure_of(r->router, i)); i++) {
        if (p->on_logits != on_logits || weight[i] == 0 || !route_loss_known(r, i)) continue;
        r->factor = factors ? factor_of(r, i) : (struct kn_buf){0};
        p->back(r, weight[i]);
    }
}

static void backward(struct route *r, const double weight[ROUTER_LOSSES], bool factors, bool task)
{
    if (r->dprob.at) kn_zero(r->be, r->dprob, cells(r));
    if (r->M) kn_zero(r->be, r->dside, (size_t)r->T * r->M);
    if (task)
        task_back(r);
    else
        kn_zero(r->be, r->dlogits, cells(r));
    losses_back(r, weight, factors, false);
    if (r->router->score_back)
        r->router->score_back(r);
    else if (r->router->softmax)
        kn_softmax_rows_back(r->be, r->dlogits, r->dprob, r->prob, route_sharpness(r), r->T, r->N,
                             true);
    if (r->router->scaled_back) r->router->scaled_back(r);
    losses_back(r, weight, factors, true);
    if (r->dabove.at) kn_accumulate(r->be, r->dlogits, 1, r->dabove, cells(r));
    if (r->on.at) kn_relu_back(r->be, r->dlogits, r->dlogits, r->on, cells(r), false);
    logits_back(r);
}

void route_backward_by(struct route *r, const double weight[ROUTER_LOSSES], bool task)
{
    backward(r, weight, false, task);
}

void route_backward(struct route *r, double share, bool task)
{
    double weight[ROUTER_LOSSES] = {0};
    for (int i = 0; r->training && pressure_of(r->router, i); i++)
        weight[i] = route_coefficient(r, i) * share;
    backward(r, weight, true, task);
}
