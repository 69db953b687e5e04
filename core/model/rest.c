/* core/model/rest.c - Lists the pieces of the model that belong to experts at rest, and keeps them
 * over an update. */
#include "core/model/rest.h"

#include <stdlib.h>

static bool add(struct rest *r, struct kn_buf at, size_t n, bool gradient)
{
    if (!at.at || n == 0) return true;
    if (r->parts == r->room) {
        int room = r->room ? 2 * r->room : 64;
        struct rest_part *more = realloc(r->part, (size_t)room * sizeof *more);
        if (!more) return false;
        r->part = more, r->room = room;
    }
    r->part[r->parts++] = (struct rest_part){at, n, gradient};
    return true;
}

/* Row `row` of `width` numbers of a tensor that begins at `first` in all four blocks. */
static bool add_row(struct rest *r, const struct params *p, size_t first, size_t width, int row)
{
    size_t at = first + width * (size_t)row;
    return add(r, kn_part(p->be, p->w, at), width, false) &&
           add(r, kn_part(p->be, p->m, at), width, false) &&
           add(r, kn_part(p->be, p->v, at), width, false) &&
           add(r, kn_part(p->be, p->g, at), width, true);
}

static bool add_expert(struct rest *r, struct model *m, const struct moe *moe, int expert)
{
    const struct params *p = &m->params;
    const int first[] = {moe->first_up, moe->first_down};
    for (int i = 0; i < 2; i++)
        if (!add_row(r, p, p->list[first[i]].first, moe->route.expert[i].size, expert))
            return false;
    return true;
}

bool rest_by_column(const struct router_array *a)
{
    return !a->apart && (a->shape[0] == DIM_E || a->shape[0] == DIM_N);
}

static bool add_routing(struct rest *r, struct model *m, const struct moe *moe, int expert)
{
    const struct route *route = &moe->route;
    const struct router *router = route->router;
    for (int i = 0; i < ROUTER_ARRAYS && router->params[i].name; i++) {
        if (moe->extra[i] < 0 || !rest_by_column(&router->params[i])) continue;
        const struct param *a = &m->params.list[moe->extra[i]];
        if (!add_row(r, &m->params, a->first, a->size / (size_t)a->shape[0], expert)) return false;
    }
    for (int i = 0; i < ROUTER_ARRAYS && router->state[i].name; i++)
        if (rest_by_column(&router->state[i]) && router->state[i].shape[1] == DIM_END &&
            !add(r, kn_part(m->be, route->state[i], (size_t)expert), 1, false))
            return false;
    return true;
}

bool rest_open(struct rest *r, struct model *m, struct err *e)
{
    const struct fleet *f = &m->config.fleet;
    size_t size = 0;
    bool ok = true;
    *r = (struct rest){.be = m->be};
    for (int l = 0; l < m->L; l++)
        for (int i = 0; ok && i < m->layer[l].moe.shape.E; i++) {
            if (fleet_rests(f) >> i & 1) ok = add_expert(r, m, &m->layer[l].moe, i);
            if (ok && fleet_off(f) >> i & 1) ok = add_routing(r, m, &m->layer[l].moe, i);
        }
    for (int i = 0; i < r->parts; i++) size += r->part[i].gradient ? 0 : r->part[i].n;
    if (ok && r->parts) ok = (r->kept = kn_alloc(m->be, size)).at != NULL;
    if (ok) return true;
    rest_close(r);
    return err_set(e, ERR_MEMORY, "not enough memory to keep an expert as it is");
}

void rest_close(struct rest *r)
{
    if (r->kept.at) kn_free(r->be, r->kept);
    free(r->part);
    *r = (struct rest){0};
}

void rest_gradient(const struct rest *r, struct model *m)
{
    for (int i = 0; i < r->parts; i++)
        if (r->part[i].gradient) kn_zero(m->be, r->part[i].at, r->part[i].n);
}

static void move(const struct rest *r, struct model *m, bool back)
{
    size_t at = 0;
    for (int i = 0; i < r->parts; i++) {
        const struct rest_part *p = &r->part[i];
        if (p->gradient) continue;
        struct kn_buf copy = kn_part(m->be, r->kept, at);
        kn_copy(m->be, back ? p->at : copy, back ? copy : p->at, p->n);
        at += p->n;
    }
}

void rest_keep(const struct rest *r, struct model *m)
{
    move(r, m, false);
}

void rest_back(const struct rest *r, struct model *m)
{
    move(r, m, true);
}
