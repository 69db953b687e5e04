/* core/router/routers.c - The table of strategies, and what can be asked of any of them. */
#include "core/router/router.h"

#include <stdio.h>
#include <string.h>

/* One line a strategy, in the order that people see them. */
#define ROUTERS(X)                                                                                 \
    X(topk)                                                                                        \
    X(topp)                                                                                        \
    X(dynmoe)                                                                                      \
    X(remoe)                                                                                       \
    X(blockffn)                                                                                    \
    X(adak)                                                                                        \
    X(adamoe)                                                                                      \
    X(moepp)                                                                                       \
    X(longcat)                                                                                     \
    X(unimoe)                                                                                      \
    X(lossfree)                                                                                    \
    X(expertchoice)

#define X(name) extern const struct router router_##name;
ROUTERS(X)
#undef X

static const struct router *const table[] = {
#define X(name) &router_##name,
    ROUTERS(X)
#undef X
};
enum { COUNT = sizeof table / sizeof *table };

const struct router *router_at(int i)
{
    return i >= 0 && i < COUNT ? table[i] : NULL;
}

int router_count(void)
{
    return COUNT;
}

const struct router *router_find(const char *name, struct err *e)
{
    const char *names[COUNT];
    struct text all = {0};
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            text_free(&all);
            return table[i];
        }
        names[i] = table[i]->name;
        text_add(&all, "%s%s", i == 0 ? ": try " : ", ", names[i]);
    }
    err_set(e, ERR_USAGE, "there is no strategy '%.40s'%s", name,
            ERR_MEANT(name, names, COUNT, text_str(&all)));
    text_free(&all);
    return NULL;
}

int router_knob(const struct router *r, const char *name)
{
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++)
        if (strcmp(r->knobs[i].name, name) == 0) return i;
    return -1;
}

int router_slots(const struct router *r, const double *knob, int E, struct slot_run runs[4],
                 int *run_count)
{
    int count = r->slots ? r->slots(knob, E, runs) : 0, S = 0;
    for (int i = 0; i < count; i++) S += runs[i].count;
    if (run_count) *run_count = count;
    return S;
}

static int dim_size(enum router_dim dim, int E, int S, int D)
{
    switch (dim) {
    case DIM_E:
        return E;
    case DIM_S:
        return S;
    case DIM_N:
        return E + S;
    case DIM_D:
        return D;
    case DIM_4:
        return 4;
    case DIM_2:
        return 2;
    case DIM_HIDDEN:
        return 8 * (E + S);
    case DIM_IN: /* of params, see route_param_shape */
    case DIM_KNOB:
    case DIM_1:
    case DIM_END:
        break;
    }
    return 1;
}

int router_array_shape(const struct router_array *a, int E, int S, int D, int shape[3])
{
    int n = 0;
    for (; n < 3 && a->shape[n] != DIM_END; n++) shape[n] = dim_size(a->shape[n], E, S, D);
    return n;
}

int router_array_size(const struct router_array *a, int E, int S, int D)
{
    int shape[3], n = router_array_shape(a, E, S, D, shape), size = 1;
    for (int i = 0; i < n; i++) size *= shape[i];
    return size;
}

bool router_array_start(const struct router_array *a, const double *knob, size_t i, double *to)
{
    switch (a->start) {
    case START_ZERO:
        return *to = 0, true;
    case START_ONE:
        return *to = 1, true;
    case START_VALUE:
        return *to = a->scale, true;
    case START_KNOB:
        return *to = knob[a->knob], true;
    case START_LN_KNOB:
        return *to = log(knob[a->knob]), true;
    case START_FIRST_KNOB:
        return *to = (double)i < knob[a->knob], true;
    case START_NORMAL:
    case START_ORTHOGONAL:
        break;
    }
    return false;
}

/* ---- params of a layer ---- */
static int param_dim(const struct route *r, const struct router_array *a, enum router_dim dim)
{
    int hidden = r->router->hidden;
    if (dim == DIM_KNOB) return (int)r->knob[a->knob];
    if (dim == DIM_IN) dim = hidden && r->knob[hidden - 1] != 0 ? DIM_HIDDEN : DIM_D;
    return dim_size(dim, r->E, r->S, r->D);
}

int route_param_shape(const struct route *r, int i, int shape[3])
{
    const struct router_array *a = &r->router->params[i];
    int n = 0;
    for (; n < 3 && a->shape[n] != DIM_END; n++) shape[n] = param_dim(r, a, a->shape[n]);
    return n;
}

int route_param_size(const struct route *r, int i)
{
    const struct router_array *a = &r->router->params[i];
    if (i >= ROUTER_ARRAYS || !a->name || (a->later && r->layer == 0)) return 0;
    if (a->only && r->knob[router_knob(r->router, a->only)] == 0) return 0;
    int shape[3], n = route_param_shape(r, i, shape), size = 1;
    for (int k = 0; k < n; k++) size *= shape[k];
    return size;
}

int route_side(const struct route *r)
{
    int shape[3] = {0};
    if (r->router->side) route_param_shape(r, 1, shape);
    return shape[0];
}

static bool open_matrix(struct route *r, struct kn_weight *to, int i)
{
    int shape[3];
    route_param_shape(r, i, shape);
    return kn_weight_open(r->be, to, r->param[i], KN_ROUTER, 1, shape[0], shape[1], false);
}

bool route_matrices_open(struct route *r)
{
    if (!open_matrix(r, &r->w, 0)) return false;
    for (int i = 1; i < ROUTER_ARRAYS && r->router->params[i].name; i++)
        if (r->router->params[i].matrix && r->param[i].at && !open_matrix(r, &r->matrix[i], i))
            return false;
    return true;
}

void route_matrices_close(struct route *r)
{
    kn_weight_close(r->be, &r->w);
    for (int i = 0; i < ROUTER_ARRAYS; i++) kn_weight_close(r->be, &r->matrix[i]);
}

int route_matrices(struct route *r, struct kn_weight **to)
{
    int n = 0;
    if (r->w.w.at) to[n++] = &r->w;
    for (int i = 1; i < ROUTER_ARRAYS; i++)
        if (r->matrix[i].w.at) to[n++] = &r->matrix[i];
    return n;
}

size_t route_kept_size(const struct route *r, int i, int T)
{
    if (i >= ROUTER_ARRAYS || !r->router->kept[i].name) return 0;
    const char *only = r->router->kept[i].only;
    if (only && r->knob[router_knob(r->router, only)] == 0) return 0;
    return (size_t)T * router_array_size(&r->router->kept[i], r->E, r->S, r->D);
}

/* ---- knobs ---- */
void router_fit(const struct router *r, unsigned named, int E, double *knob)
{
    struct slot_run runs[4];
    int N = E + router_slots(r, knob, E, runs, NULL);
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++) {
        unsigned flags = r->knobs[i].flags;
        if (named >> i & 1) continue;
        if (flags & OPTION_MAX_N && knob[i] > option_max(&r->knobs[i], E, N))
            knob[i] = option_max(&r->knobs[i], E, N);
        while (flags & OPTION_DIVIDES_E && knob[i] > 1 && E % (int)knob[i] != 0) knob[i]--;
    }
}

void router_starts(const struct router *r, int E, bool paper, double *knob)
{
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++)
        knob[i] = option_start(&r->knobs[i], E, paper);
    router_fit(r, 0, E, knob);
}

/* What a bound that depends on the model stands for. */
static const char *bound(const struct option *o)
{
    return o->flags & OPTION_MAX_E   ? " (there are that many experts)"
           : o->flags & OPTION_MAX_N ? " (there are that many columns)"
                                     : "";
}

bool router_check(const struct router *r, const double *knob, int E, struct err *e)
{
    struct slot_run runs[4];
    struct err why = {0};
    char word[32];
    double same;
    if (E < 1 || E > EXPERTS_MAX)
        return err_set(e, ERR_USAGE, "experts is a whole number from 1 to %d; %d is not",
                       EXPERTS_MAX, E);
    int N = E + router_slots(r, knob, E, runs, NULL);
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++) {
        snprintf(word, sizeof word, "%.15g", knob[i]);
        if (!option_read(&r->knobs[i], word, E, N, &same, &why))
            return err_set(e, ERR_USAGE, "%s: %s%s", r->name, why.text, bound(&r->knobs[i]));
        if (r->knobs[i].flags & OPTION_DIVIDES_E && E % (int)knob[i] != 0)
            return err_set(e, ERR_USAGE,
                           "%s: %s divides the number of experts; %g does not divide %d", r->name,
                           r->knobs[i].name, knob[i], E);
    }
    if (N > COLUMNS_MAX)
        return err_set(e, ERR_USAGE, "%s: %d experts and %d slots are more than %d columns",
                       r->name, E, N - E, COLUMNS_MAX);
    int capacity = router_knob(r, "capacity");
    if (capacity >= 0 && knob[capacity] > 0 && knob[capacity] < .5)
        return err_set(e, ERR_USAGE, "%s: capacity is 0 (no limit) or from 0.5 to %g; %g is not",
                       r->name, r->knobs[capacity].max, knob[capacity]);
    char say[sizeof why.text] = "";
    bool ok = !r->check || r->check(knob, E, say, sizeof say);
    err_set(e, ok ? ERR_NONE : ERR_USAGE, "%s%s%s", *say ? r->name : "", *say ? ": " : "", say);
    return ok;
}
