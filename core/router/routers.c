/* core/router/routers.c - The table of strategies, and what can be asked of any of them. */
#include "core/router/router.h"

#include <stdio.h>
#include <string.h>

extern const struct router router_topk, router_topp, router_remoe, router_blockffn, router_unimoe,
    router_adak;

static const struct router *const table[] = {&router_topk,     &router_topp,   &router_remoe,
                                             &router_blockffn, &router_unimoe, &router_adak};
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
        text_add(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *near = err_nearest(name, names, COUNT, sizeof *names);
    if (near)
        err_set(e, ERR_USAGE, "there is no strategy '%.40s': did you mean %s?", name, near);
    else
        err_set(e, ERR_USAGE, "there is no strategy '%.40s': try %s", name, text_str(&all));
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

int router_param_shape(const struct router *r, int i, const double *knob, int E, int S, int D,
                       int shape[3])
{
    const struct router_array *a = &r->params[i];
    int n = router_array_shape(a, E, S, D, shape);
    for (int k = 0; k < n; k++)
        if (a->shape[k] == DIM_KNOB) shape[k] = (int)knob[router_knob(r, a->knob)];
    return n;
}

int router_param_size(const struct router *r, int i, const double *knob, int E, int S, int D)
{
    int shape[3], n = router_param_shape(r, i, knob, E, S, D, shape), size = 1;
    for (int k = 0; k < n; k++) size *= shape[k];
    return size;
}

int router_side(const struct router *r, const double *knob, int E, int S, int D)
{
    int shape[3];
    if (!r->side) return 0;
    router_param_shape(r, 1, knob, E, S, D, shape);
    return shape[0];
}

void router_starts(const struct router *r, int E, bool paper, double *knob)
{
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++)
        knob[i] = option_start(&r->knobs[i], E, paper);
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
