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
    int first = r->D > 0 ? 0 : r->router->side ? 2 : 1; /* what makes logits is not needed */
    for (int i = first; i < ROUTER_ARRAYS && r->router->params[i].name; i++) {
        int size = router_param_size(r->router, i, r->knob, r->E, r->S, r->D);
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
    if (n == 0) return true;
    bool ok = take(r, &r->x, n) && take(r, &r->dx, n) &&
              kn_weight_open(r->be, &r->w, r->param[0], KN_DENSE, 1, r->N, r->D, false);
    return ok && (!r->M ||
                  kn_weight_open(r->be, &r->side_w, r->param[1], KN_DENSE, 1, r->M, r->D, false));
}

static bool take_extras(struct route *r)
{
    size_t n = (size_t)r->T * r->N, m = (size_t)r->T * r->M;
    bool ok = take_ints(r, &r->side_bad, 1) && take(r, &r->row, r->N);
    for (int i = 0; i < r->router->scratch; i++) ok = ok && take(r, &r->scratch[i], n);
    if (r->M)
        ok = ok && take(r, &r->side, m) && take(r, &r->side_gate, m) && take(r, &r->dside, m) &&
             take(r, &r->dside_gate, m);
    struct route_learning *l = &r->learning;
    if (r->router->learn) {
        const double one = 1;
        ok = ok && take(r, &l->reward, r->T) && take(r, &l->baseline, r->T) &&
             take(r, &l->old, r->T) && take(r, &l->advantage, r->T) && take(r, &l->one, r->T) &&
             take(r, &l->row, r->M) && take(r, &l->told, LEARN_TOLD) &&
             take_ints(r, &l->choice, r->T) && take_ints(r, &l->label, r->T) &&
             take_ints(r, &l->open, m);
        for (int t = 0; ok && t < r->T; t++) kn_write(r->be, kn_part(r->be, l->one, t), &one, 1);
        l->rewarded = true;
    }
    if (r->router->needs & NEEDS_NOISE)
        ok = ok && take(r, &r->seen, (size_t)r->T * r->D) &&
             take(r, &r->noise, (size_t)r->T * r->D + 2 * n);
    return ok;
}

bool route_memory_open(struct route *r)
{
    size_t n = (size_t)r->T * r->N;
    struct kn_buf *const cells[] = {&r->logits, &r->prob,  &r->score,  &r->gate,
                                    &r->dgate,  &r->dprob, &r->dlogits};
    r->M = router_side(r->router, r->knob, r->E, r->S, r->D);
    bool ok = take_arrays(r) && take_inputs(r) && take_extras(r);
    for (int i = 0; ok && i < (int)(sizeof cells / sizeof *cells); i++) ok = take(r, cells[i], n);
    ok = ok && take(r, &r->load, r->N) && take_ints(r, &r->mask, n) &&
         take(r, &r->work, ROUTER_WORK + (size_t)r->T) && take_ints(r, &r->valid, r->T) &&
         take_ints(r, &r->bad, 1) && take_ints(r, &r->dropped, 1);
    if (!ok) route_memory_close(r);
    return ok;
}

void route_memory_close(struct route *r)
{
    struct kn_buf *const bufs[] = {&r->x,
                                   &r->dx,
                                   &r->logits,
                                   &r->prob,
                                   &r->score,
                                   &r->gate,
                                   &r->dgate,
                                   &r->dprob,
                                   &r->dlogits,
                                   &r->load,
                                   &r->side,
                                   &r->side_gate,
                                   &r->dside,
                                   &r->dside_gate,
                                   &r->row,
                                   &r->seen,
                                   &r->noise,
                                   &r->work,
                                   &r->learning.reward,
                                   &r->learning.baseline,
                                   &r->learning.old,
                                   &r->learning.advantage,
                                   &r->learning.one,
                                   &r->learning.row,
                                   &r->learning.told};
    struct kn_ints *const ints[] = {&r->mask,         &r->valid,           &r->bad,
                                    &r->side_bad,     &r->dropped,         &r->counts,
                                    &r->forced,       &r->padding,         &r->answers,
                                    &r->document,     &r->learning.choice, &r->learning.label,
                                    &r->learning.open};
    if (!r->be) return;
    kn_weight_close(r->be, &r->w);
    kn_weight_close(r->be, &r->side_w);
    for (int i = 0; i < ROUTER_SCRATCH; i++) kn_free(r->be, r->scratch[i]);
    for (int i = 0; i < ROUTER_ARRAYS; i++) {
        kn_free(r->be, r->param[i]);
        kn_free(r->be, r->dparam[i]);
        kn_free(r->be, r->state[i]);
    }
    for (int i = 0; i < ROUTER_LOSSES; i++) kn_free(r->be, r->loss[i]);
    for (int i = 0; i < (int)(sizeof bufs / sizeof *bufs); i++) kn_free(r->be, *bufs[i]);
    for (int i = 0; i < (int)(sizeof ints / sizeof *ints); i++) kn_free_ints(r->be, *ints[i]);
    *r = (struct route){0};
}

void route_memory_repack(struct route *r)
{
    struct kn_weight *const w[] = {&r->w, &r->side_w};
    if (r->x.at) kn_repack(r->be, w, r->M ? 2 : 1);
}
