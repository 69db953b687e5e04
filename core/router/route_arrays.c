/* core/router/route_arrays.c - The arrays of numbers in the JSON of `route`, checked, into a route. */
#include "core/router/route_input_in.h"
#include "core/router/route_memory.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */
struct array {
    const char *key;
    int shape[3], dims;
    double most; /* largest magnitude */
    bool whole;  /* integers (true and false too) */
    double least, greatest;
};

static bool read_number(const struct array *a, const json_t *from, const char *where, double *to,
                        struct err *e)
{
    if (json_is_boolean(from) && a->whole)
        *to = json_is_true(from);
    else if (json_is_number(from))
        *to = json_number_value(from);
    else
        return bad(e, "%s is not a number", where);
    if (a->whole && !(json_is_integer(from) || json_is_boolean(from)))
        return bad(e, "%s is not a whole number", where);
    if (a->whole && !(*to >= a->least && *to <= a->greatest))
        return bad(e, "%s is %.15g, which is not from %.15g to %.15g", where, *to, a->least,
                   a->greatest);
    if (!(*to >= -a->most && *to <= a->most))
        return bad(e, "%s is %g, which is not finite in float32: try --backend ref", where, *to);
    return true;
}

/* `from` is the part of the array at depth `dim`, called `where`. *to moves on. */
static bool read_part(const struct array *a, int dim, const json_t *from, const char *where,
                      double **to, struct err *e)
{
    char inner[64];
    if (dim == a->dims) return read_number(a, from, where, (*to)++, e);
    int size = a->shape[dim];
    const char *of = dim + 1 < a->dims ? "rows" : "numbers";
    if (size == 1 && json_is_number(from)) return read_part(a, dim + 1, from, where, to, e);
    if (!json_is_array(from)) return bad(e, "%s is not a list of %d %s", where, size, of);
    if (json_array_size(from) != (size_t)size)
        return bad(e, "%s should hold %d %s, not %zu", where, size, of, json_array_size(from));
    for (int i = 0; i < size; i++) {
        snprintf(inner, sizeof inner, "%s[%d]", where, i);
        if (!read_part(a, dim + 1, json_array_get(from, i), inner, to, e)) return false;
    }
    return true;
}

static size_t cells(const struct array *a)
{
    size_t n = 1;
    for (int i = 0; i < a->dims; i++) n *= a->shape[i];
    return n;
}

/* The whole array on the host; free it. NULL: e says why. */
static double *read_array(const struct array *a, const json_t *from, struct err *e)
{
    double *values = malloc(cells(a) * sizeof *values + 1), *at = values;
    if (!values)
        err_set(e, ERR_MEMORY, "no memory for %s", a->key);
    else if (!read_part(a, 0, from, a->key, &at, e))
        free(values), values = NULL;
    return values;
}

static bool fill(struct route *r, struct kn_buf to, struct array a, const json_t *from,
                 struct err *e)
{
    a.most = kn_exact(r->be) ? DBL_MAX : FLT_MAX;
    double *values = read_array(&a, from, e);
    if (!values) return false;
    kn_write(r->be, to, values, cells(&a));
    free(values);
    return true;
}

/* Integers from 0 to `greatest`, one a token, into memory of their own. */
static bool fill_ints(struct route *r, struct kn_ints *to, const char *key, int greatest,
                      const json_t *from, struct err *e)
{
    struct array a = {key, {r->T}, 1, DBL_MAX, true, 0, greatest};
    if (!from) return true;
    double *values = read_array(&a, from, e);
    if (!values) return false;
    *to = kn_alloc_ints(r->be, r->T);
    for (int t = 0; to->at && t < r->T; t++) {
        int32_t value = (int32_t)values[t];
        kn_write_ints(r->be, kn_part_ints(*to, t), &value, 1);
    }
    free(values);
    return to->at || err_set(e, ERR_MEMORY, "no memory for %s", key);
}

/* Entry i of the table of params or of state, and how many numbers it has in this layer. */
static struct array array_of(const struct route *r, const struct router_array *table, int i,
                             size_t *size)
{
    struct array a = {.key = table[i].name};
    if (table == r->router->params) {
        a.dims = route_param_shape(r, i, a.shape);
        *size = route_param_size(r, i);
    } else {
        a.dims = router_array_shape(&table[i], r->E, r->S, r->D, a.shape);
        *size = router_array_size(&table[i], r->E, r->S, r->D);
    }
    return a;
}

/* ---- by their names ---- */
/* Each array of an object (may be NULL) by its entry in a strategy's table, from entry `first` on;
 * those not given take their start where that is a plain number. */
static bool fill_table(const struct route_input *in, struct route *r, const char *key,
                       const struct router_array *table, struct kn_buf *to, int first,
                       struct err *e)
{
    const char *name;
    char none[48];
    json_t *from, *value;
    int count = 0;
    snprintf(none, sizeof none, "%s: %s has no", key, in->router->name);
    if (!route_read_object(in->root, key, &from, e)) return false;
    while (count < ROUTER_ARRAYS && table[count].name) count++;
    json_object_foreach(from, name, value)
    {
        int i = 0;
        while (i < count && strcmp(table[i].name, name) != 0) i++;
        if (i == count) return unknown(e, none, name, table, count);
        size_t n;
        struct array a = array_of(r, table, i, &n);
        if (i < first || (in->D == 0 && table[i].matrix))
            return bad(e, "%s: %s is of no use beside logits", key, name);
        if (n == 0) return bad(e, "%s: %s is of no use with these knobs", key, name);
        if (!fill(r, to[i], a, value, e)) return false;
    }
    for (int i = first; i < count; i++) {
        size_t n;
        double value;
        array_of(r, table, i, &n);
        if (n == 0 || table[i].spoken || (in->D == 0 && table[i].matrix) ||
            json_object_get(from, table[i].name))
            continue;
        for (size_t j = 0; j < n; j++) {
            if (!router_array_start(&table[i], in->knob, j, &value))
                return bad(e, "%s: %s is missing", key, table[i].name);
            kn_write(r->be, kn_part(r->be, to[i], j), &value, 1);
        }
    }
    return true;
}

/* The logits of the layer before, where given. */
static bool fill_prev(const struct route_input *in, struct route *r, struct err *e)
{
    const json_t *from = json_object_get(in->root, "prev_logits");
    struct array a = {.key = "prev_logits", .shape = {in->T, in->N}, .dims = 2};
    size_t n = (size_t)in->T * in->N;
    if (!from) return true;
    r->prev = kn_alloc(r->be, n), r->dprev = kn_alloc(r->be, n);
    if (!r->prev.at || !r->dprev.at) return err_set(e, ERR_MEMORY, "no memory for %s", a.key);
    return fill(r, r->prev, a, from, e);
}

/* Logits beside the columns' own: given with the logits, made of x else. */
static bool fill_side(const struct route_input *in, struct route *r, struct err *e)
{
    const char *key = in->router->side;
    const json_t *from = key ? json_object_get(in->root, key) : NULL;
    struct array a = {.key = key, .shape = {in->T, r->M}, .dims = 2};
    if (in->D) return !from || bad(e, "%s is of no use beside x", key);
    if (!from && r->M)
        return bad(e, "%s is missing: %d rows of %d numbers beside logits", key, in->T, r->M);
    return !from || fill(r, r->side, a, from, e);
}

/* What choices were worth: of the counts drawn and of the baseline pass. */
static bool fill_learning(const struct route_input *in, struct route *r, struct err *e)
{
    static const char *const names[] = {"sampled", "baseline"};
    const json_t *old = json_object_get(in->root, "old_log_prob"),
                 *above = json_object_get(in->root, "layers_above");
    struct array a = {.key = "old_log_prob", .shape = {in->T}, .dims = 1};
    struct kn_buf *to[] = {&r->learning.reward, &r->learning.baseline};
    const char *name;
    json_t *rewards, *value;
    if (above && !(json_is_integer(above) && json_integer_value(above) >= 0 &&
                   json_integer_value(above) <= ROUTE_MOST))
        return bad(e, "layers_above is a whole number, 0 or more");
    r->layers = 1 + (int)json_integer_value(above);
    r->learning.remembered = old;
    if (old && !fill(r, r->learning.old, a, old, e)) return false;
    if (!route_read_object(in->root, "rewards", &rewards, e)) return false;
    json_object_foreach(rewards, name, value)
    {
        int i = strcmp(name, names[0]) == 0 ? 0 : strcmp(name, names[1]) == 0 ? 1 : 2;
        if (i == 2) return unknown(e, "rewards: there is no", name, names, 2);
        a.key = name;
        if (!fill(r, *to[i], a, value, e)) return false;
    }
    return true;
}

/* Tokens come in order; without documents they are one text. */
static bool fill_documents(const struct route_input *in, struct route *r, struct err *e)
{
    const json_t *from = json_object_get(in->root, "documents");
    if (!(in->router->needs & NEEDS_SEQUENCES)) return true;
    if (from) return fill_ints(r, &r->document, "documents", INT32_MAX, from, e);
    r->document = kn_alloc_ints(r->be, r->T); /* all 0 */
    return r->document.at || err_set(e, ERR_MEMORY, "no memory for documents");
}

bool route_input_fill(const struct route_input *in, struct route *r, struct err *e)
{
    const json_t *root = in->root;
    struct array x = {.key = "x", .shape = {in->T, in->D}, .dims = 2},
                 logits = {.key = "logits", .shape = {in->T, in->N}, .dims = 2}, gates = logits;
    gates.key = "grad_gates";
    if (!(in->D ? fill(r, r->x, x, json_object_get(root, "x"), e)
                : fill(r, r->logits, logits, json_object_get(root, "logits"), e)))
        return false;
    if (!fill_table(in, r, "params", in->router->params, r->param, in->D ? 0 : 1, e) ||
        !fill_side(in, r, e))
        return false;
    if (!fill_table(in, r, "state", in->router->state, r->state, 0, e)) return false;
    if (!fill_ints(r, &r->counts, "counts", in->N, json_object_get(root, "counts"), e))
        return false;
    if (!fill_ints(r, &r->padding, "valid", 1, json_object_get(root, "valid"), e)) return false;
    if (!fill_prev(in, r, e) || !fill_documents(in, r, e)) return false;
    if (!fill_ints(r, &r->answers, "answers", 1, json_object_get(root, "answers"), e)) return false;
    if (in->router->learn && !fill_learning(in, r, e)) return false;
    r->seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
    if (in->gates && !fill(r, r->dgate, gates, json_object_get(root, "grad_gates"), e))
        return false;
    route_memory_repack(r);
    return true;
}
