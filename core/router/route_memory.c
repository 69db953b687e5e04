/* core/router/route_memory.c - Takes and gives back what one route needs. */
#include "core/router/route_memory.h"

static bool take(struct route *r, struct kn_buf *to, size_t n)
{
    *to = kn_alloc(r->be, n > 0 ? n : 1);
    return to->at;
}

static bool take_ints(struct route *r, struct kn_ints *to, size_t n)
{
    *to = kn_alloc_ints(r->be, n > 0 ? n : 1);
    return to->at;
}

static bool take_arrays(struct route *r)
{
    for (int i = r->D > 0 ? 0 : 1; i < ROUTER_ARRAYS && r->router->params[i].name; i++) {
        size_t size = route_param_size(r, i);
        if (size == 0 || (r->D == 0 && r->router->params[i].matrix)) continue;
        if (!take(r, &r->param[i], size) || !take(r, &r->dparam[i], size)) return false;
    }
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        if (!take(r, &r->state[i], router_array_size(&r->router->state[i], r->E, r->S, r->D)))
            return false;
    for (int i = 0; i < ROUTER_LOSSES && r->router->losses[i].pressure; i++)
        if (!take(r, &r->loss[i], 1)) return false;
    return true;
}

static bool take_inputs(struct route *r)
{
    size_t n = (size_t)r->T * r->D;
    return n == 0 || (take(r, &r->x, n) && take(r, &r->dx, n) && route_matrices_open(r));
}

static bool take_learning(struct route *r, struct route_learning *l)
{
    const double one = 1;
    bool ok = take(r, &l->reward, r->T) && take(r, &l->baseline, r->T) && take(r, &l->old, r->T) &&
              take(r, &l->advantage, r->T) && take(r, &l->one, r->T) && take(r, &l->row, r->M) &&
              take(r, &l->told, LEARN_TOLD) && take_ints(r, &l->choice, r->T) &&
              take_ints(r, &l->label, r->T) && take_ints(r, &l->open, (size_t)r->T * r->M);
    for (int t = 0; ok && t < r->T; t++) kn_write(r->be, kn_part(r->be, l->one, t), &one, 1);
    l->rewarded = true;
    return ok;
}

static bool take_extras(struct route *r)
{
    size_t n = (size_t)r->T * r->N, m = (size_t)r->T * r->M, x = (size_t)r->T * r->D;
    bool ok = take_ints(r, &r->side_bad, 1);
    for (int i = 0; ok && i < ROUTER_ARRAYS; i++)
        if (route_kept_size(r, i, r->T) > 0) ok = take(r, &r->kept[i], route_kept_size(r, i, r->T));
    if (r->M)
        ok = ok && take(r, &r->side, m) && take(r, &r->side_gate, m) && take(r, &r->dside, m) &&
             take(r, &r->dside_gate, m);
    if (r->router->learn) ok = ok && take_learning(r, &r->learning);
    if (r->router->needs & NEEDS_NOISE)
        ok = ok && take(r, &r->seen, x) && take(r, &r->noise, x + 2 * n);
    return ok;
}

bool route_memory_open(struct route *r)
{
    size_t n = (size_t)r->T * r->N;
    struct kn_buf *const cells[] = {&r->logits, &r->prob,  &r->score,  &r->gate,
                                    &r->dgate,  &r->dprob, &r->dlogits};
    r->M = route_side(r);
    bool ok = take_arrays(r) && take_inputs(r) && take_extras(r);
    for (int i = 0; ok && i < (int)(sizeof cells / sizeof *cells); i++) ok = take(r, cells[i], n);
    ok = ok && take(r, &r->load, r->N) && take_ints(r, &r->mask, n) && take_ints(r, &r->part, n) &&
         take_ints(r, &r->valid, r->T) && take_ints(r, &r->bad, 1) && take_ints(r, &r->dropped, 1);
    if (!ok) route_memory_close(r);
    return ok;
}

void route_memory_close(struct route *r)
{
    struct route_learning *l = &r->learning;
    struct kn_buf *const bufs[] = {
        &r->x,          &r->dx,        &r->logits, &r->prob,      &r->score,
        &r->gate,       &r->dgate,     &r->dprob,  &r->dlogits,   &r->load,
        &r->prev,       &r->dprev,     &r->side,   &r->side_gate, &r->dside,
        &r->dside_gate, &r->seen,      &r->noise,  &l->reward,    &l->baseline,
        &l->old,        &l->advantage, &l->one,    &l->row,       &l->told};
    struct kn_ints *const ints[] = {&r->mask,   &r->valid,  &r->bad,     &r->side_bad, &r->dropped,
                                    &r->counts, &r->forced, &r->padding, &r->answers,  &r->document,
                                    &r->part,   &l->choice, &l->label,   &l->open};
    if (!r->be) return;
    route_matrices_close(r);
    for (int i = 0; i < ROUTER_ARRAYS; i++) {
        kn_free(r->be, r->param[i]);
        kn_free(r->be, r->dparam[i]);
        kn_free(r->be, r->state[i]);
        kn_free(r->be, r->kept[i]);
    }
    for (int i = 0; i < ROUTER_LOSSES; i++) kn_free(r->be, r->loss[i]);
    for (int i = 0; i < (int)(sizeof bufs / sizeof *bufs); i++) kn_free(r->be, *bufs[i]);
    for (int i = 0; i < (int)(sizeof ints / sizeof *ints); i++) kn_free_ints(r->be, *ints[i]);
    *r = (struct route){0};
}

void route_memory_repack(struct route *r)
{
    struct kn_weight *w[ROUTER_ARRAYS];
    kn_repack(r->be, w, route_matrices(r, w));
}
