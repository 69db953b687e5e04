/* core/router/route.c - One layer's routing, part by part, in the one order that holds for every
 * strategy. Forward: x -> logits -> prob, score -> mask -> gate -> capacity. Backward: gates and
 * losses -> prob -> logits -> x, w. Everything that is not a strategy's own idea (forced counts and
 * experts, rows that are not finite, capacity, losses) happens here, between the parts. */
#include "core/balance/balance.h"
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

static double knob_or(const struct route *r, const char *name, double other)
{
    int i = router_knob(r->router, name);
    return i < 0 ? other : r->knob[i];
}

double route_capacity(const struct route *r)
{
    return r->training ? knob_or(r, "capacity", 0) : 0;
}

struct kn_buf route_order(const struct route *r)
{
    return r->router->softmax && !r->router->score ? r->logits : r->score;
}

/* ---- forward ---- */
static void find_logits(struct route *r)
{
    if (!r->x.at) return;
    if (r->router->logits)
        r->router->logits(r);
    else
        kn_linear(r->be, r->logits, r->x, &r->w, r->T);
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

/* mask = forced, on valid rows. By way of the host: only what-if questions come here. */
static void take_forced(struct route *r)
{
    for (int t = 0; t < r->T; t++) {
        int32_t row[COLUMNS_MAX], valid;
        size_t at = (size_t)t * r->N;
        kn_read_ints(r->be, row, kn_part_ints(r->forced, at), r->N);
        kn_read_ints(r->be, &valid, kn_part_ints(r->valid, t), 1);
        for (int j = 0; j < r->N; j++) row[j] = valid && row[j];
        kn_write_ints(r->be, kn_part_ints(r->mask, at), row, r->N);
    }
}

static void choose(struct route *r)
{
    if (r->forced.at)
        take_forced(r);
    else if (r->counts.at)
        kn_topk_mask(r->be, r->mask, route_order(r), 0, r->counts, r->valid, r->T, r->N);
    else
        r->router->select(r);
    r->router->weigh(r);
}

static void drop(struct route *r)
{
    static const int32_t none = 0;
    double capacity = route_capacity(r);
    bool by_position = knob_or(r, "drop", 0) != 0;
    if (capacity > 0 && r->router->drop)
        r->router->drop(r, capacity, by_position);
    else if (capacity > 0)
        kn_capacity_drop(r->be, r->mask, r->gate, r->dropped, capacity, by_position, r->T, r->N,
                         r->E);
    else
        kn_write_ints(r->be, r->dropped, &none, 1);
}

void route_forward(struct route *r)
{
    find_logits(r);
    kn_clean_rows(r->be, r->logits, r->valid, r->bad, r->logits, r->padding, r->T, r->N);
    find_score(r);
    choose(r);
    if (r->router->load)
        r->router->load(r);
    else
        kn_column_load(r->be, r->load, r->mask, r->T, r->N, r->E);
    drop(r);
}

/* ---- losses ---- */
static const struct pressure *pressure_of(const struct route *r, int loss)
{
    const char *name = loss < ROUTER_LOSSES ? r->router->losses[loss].pressure : NULL;
    return name ? pressure_find(name) : NULL;
}

bool route_loss_known(const struct route *r, int loss)
{
    return r->document.at || !(pressure_of(r, loss)->needs & NEEDS_SEQUENCES);
}

static double knob_of(const struct route *r, int loss)
{
    const char *knob = r->router->losses[loss].knob, *late = r->router->anneal[loss];
    double weight = knob ? knob_or(r, knob, 0) : 0;
    return r->late && late ? weight * knob_or(r, late, 1) : weight;
}

double route_coefficient(const struct route *r, int loss)
{
    double value = knob_of(r, loss);
    return value == 0 && r->router->weights[loss] ? 1 : value;
}

/* The state that is a loss's coefficient; {NULL}: its knob is. */
static struct kn_buf factor_of(const struct route *r, int loss)
{
    const char *name = r->router->weights[loss];
    for (int i = 0; name && knob_of(r, loss) == 0 && i < ROUTER_ARRAYS; i++)
        if (strcmp(r->router->state[i].name, name) == 0) return r->state[i];
    return (struct kn_buf){0};
}

void route_losses(struct route *r)
{
    const struct pressure *p;
    for (int i = 0; r->training && (p = pressure_of(r, i)); i++)
        if (route_loss_known(r, i)) p->loss(r, r->loss[i]);
}

/* ---- backward ---- */
/* A dropped pick has left mask and gate, yet it still has its part in a gate that was renormalised
 * over it. So the picks are made again as they were, with no gradient on the dropped ones, and
 * dropped again. */
static void task_back(struct route *r)
{
    bool limited = route_capacity(r) > 0;
    if (limited) {
        kn_masked_gate_back(r->be, r->dlogits, r->dgate, r->mask, r->T, r->N, false);
        kn_copy(r->be, r->dgate, r->dlogits, cells(r));
        choose(r);
    }
    r->router->backward(r);
    if (limited) drop(r);
}

static void logits_back(struct route *r)
{
    if (!r->x.at) return;
    if (r->router->logits_back) {
        r->router->logits_back(r);
        return;
    }
    if (r->dparam[0].at) kn_linear_back_w(r->be, r->dparam[0], r->dlogits, r->x, &r->w, r->T);
    if (r->dx.at) kn_linear_back_x(r->be, r->dx, r->dlogits, &r->w, r->T, true);
}

/* `factors`: losses also by the state that is their coefficient. `on_logits`: those whose gradient
 * is of the logits themselves. */
static void losses_back(struct route *r, const double *weight, bool factors, bool on_logits)
{
    const struct pressure *p;
    for (int i = 0; weight && (p = pressure_of(r, i)); i++) {
        if (p->on_logits != on_logits || weight[i] == 0 || !route_loss_known(r, i)) continue;
        r->factor = factors ? factor_of(r, i) : (struct kn_buf){0};
        p->back(r, weight[i]);
    }
}

static void backward(struct route *r, const double weight[ROUTER_LOSSES], bool factors, bool task)
{
    if (r->dprob.at) kn_zero(r->be, r->dprob, cells(r));
    if (task)
        task_back(r);
    else
        kn_zero(r->be, r->dlogits, cells(r));
    losses_back(r, weight, factors, false);
    if (r->router->softmax)
        kn_softmax_rows_back(r->be, r->dlogits, r->dprob, r->prob, route_sharpness(r), r->T, r->N,
                             true);
    if (r->router->scaled_back) r->router->scaled_back(r);
    losses_back(r, weight, factors, true);
    if (r->dabove.at) kn_accumulate(r->be, r->dlogits, 1, r->dabove, cells(r));
    logits_back(r);
}

void route_backward_by(struct route *r, const double weight[ROUTER_LOSSES], bool task)
{
    backward(r, weight, false, task);
}

void route_backward(struct route *r, double share, bool task)
{
    double weight[ROUTER_LOSSES] = {0};
    for (int i = 0; r->training && pressure_of(r, i); i++)
        weight[i] = route_coefficient(r, i) * share;
    backward(r, weight, true, task);
}

/* ---- what holds for the picks of any strategy ---- */
double route_gate_sum(const struct route_host *h)
{
    double sum = 0;
    int tokens = 0;
    for (int t = 0; t < h->T; t++) {
        if (!h->valid[t]) continue;
        for (int j = 0; j < h->N; j++) sum += h->gate[(size_t)t * h->N + j];
        tokens++;
    }
    return tokens ? sum / tokens : NAN;
}

static bool empty(const struct route_host *h, int t)
{
    for (int j = 0; j < h->N; j++)
        if (h->mask[(size_t)t * h->N + j]) return false;
    return true;
}

double route_blind_share(const struct route_host *h)
{
    int blind = 0, tokens = 0;
    for (int t = 0; t < h->T; t++) {
        if (!h->valid[t]) continue;
        blind += empty(h, t) || (h->router->blind && h->router->blind(h, t));
        tokens++;
    }
    return tokens ? (double)blind / tokens : NAN;
}
