/* core/router/route_input.c - Reads and checks the JSON of `route`. */
#include "core/router/route_input.h"
#include "core/router/route_memory.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 65536 }; /* tokens, and width of x */

static const char *const keys[] = {
    "strategy",         "base",         "knobs",       "training", "logits",        "x",
    "params",           "state",        "counts",      "seed",     "documents",     "valid",
    "grad_gates",       "grad_losses",  "prev_logits", "answers",  "shared_logits", "old_log_prob",
    "allocator_logits", "layers_above", "rewards"};
enum { KEYS = sizeof keys / sizeof *keys };

static bool bad(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct err *e, const char *format, ...)
{
    char say[sizeof e->text];
    va_list args;
    va_start(args, format);
    vsnprintf(say, sizeof say, format, args);
    va_end(args);
    return err_set(e, ERR_INPUT, "%s", say);
}

/* "what 'word' is unknown", with the nearest of `count` names `stride` bytes apart. */
static bool unknown(struct err *e, const char *what, const char *word, const void *names, int count,
                    int stride)
{
    return bad(e, "%s '%.40s'%s", what, word, err_meant(word, names, count, stride, "").text);
}

/* ---- arrays of numbers ---- */
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

/* Is `key` the name of the logits beside this strategy's own? */
static bool is_side(const struct route_input *in, const char *key)
{
    return in->router->side && strcmp(in->router->side, key) == 0;
}

static bool fill(struct route *r, struct kn_buf to, struct array a, const json_t *from,
                 struct err *e)
{
    a.most = kn_exact(r->be) ? DBL_MAX : FLT_MAX;
    double *values = read_array(&a, from, e);
    if (values) kn_write(r->be, to, values, cells(&a));
    free(values);
    return values;
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

/* ---- words and sizes ---- */
static bool check_keys(const json_t *root, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value)
    {
        bool known = false;
        for (int i = 0; i < KEYS; i++) known |= strcmp(key, keys[i]) == 0;
        if (!known) return unknown(e, "there is no key", key, keys, KEYS, sizeof *keys);
    }
    return true;
}

/* *to = the value of a switch; as it was where it is missing. */
static bool read_flag(const json_t *root, const char *key, bool *to, struct err *e)
{
    const json_t *from = json_object_get(root, key);
    if (!from) return true;
    *to = json_is_true(from);
    return json_is_boolean(from) || bad(e, "%s is true or false", key);
}

/* The object at `key`; NULL where it is missing. */
static bool read_object(const json_t *root, const char *key, json_t **to, struct err *e)
{
    *to = json_object_get(root, key);
    return !*to || json_is_object(*to) || bad(e, "%s is not an object of names and values", key);
}

static bool read_words(struct route_input *in, bool *paper, struct err *e)
{
    const char *name = json_string_value(json_object_get(in->root, "strategy"));
    const json_t *base = json_object_get(in->root, "base"),
                 *seed = json_object_get(in->root, "seed");
    const char *word = json_string_value(base);
    struct err why = {0};
    if (!name) return bad(e, "strategy is missing: name one, as in \"strategy\":\"topk\"");
    in->router = router_find(name, &why);
    if (!in->router) return bad(e, "strategy: %s", why.text);
    *paper = word && strcmp(word, "paper") == 0;
    if (base && !*paper && (!word || strcmp(word, "start") != 0))
        return bad(e, "base is \"start\" or \"paper\"");
    if (seed && !(json_is_integer(seed) && json_integer_value(seed) >= 0))
        return bad(e, "seed is a whole number, 0 or more");
    return read_flag(in->root, "training", &in->training, e);
}

/* Keys that only some strategies read. */
static bool check_use(const struct route_input *in, struct err *e)
{
    const struct router *r = in->router;
    const struct {
        const char *key;
        bool used;
    } some[] = {{"shared_logits", is_side(in, "shared_logits")},
                {"allocator_logits", is_side(in, "allocator_logits")},
                {"answers", router_knob(r, "answer_weight") >= 0},
                {"old_log_prob", r->learn},
                {"rewards", r->learn},
                {"layers_above", r->learn},
                {"documents", r->needs & NEEDS_SEQUENCES},
                {"prev_logits", r->needs & NEEDS_PREV_LOGITS}};
    for (int i = 0; i < (int)(sizeof some / sizeof *some); i++)
        if (json_object_get(in->root, some[i].key) && !some[i].used)
            return bad(e, "%s is of no use to this strategy", some[i].key);
    return true;
}

/* Rows and columns of a matrix by its first row. */
static bool read_size(const json_t *from, const char *key, int *rows, int *columns, struct err *e)
{
    const json_t *first = json_array_get(from, 0);
    if (!json_is_array(from)) return bad(e, "%s is not a list of rows", key);
    if (json_array_size(from) == 0) return bad(e, "%s has no row: give at least one", key);
    if (!json_is_array(first)) return bad(e, "%s[0] is not a list of numbers", key);
    if (json_array_size(first) == 0) return bad(e, "%s[0] is empty", key);
    if (json_array_size(from) > MOST || json_array_size(first) > MOST)
        return bad(e, "%s has more than %d rows or columns", key, MOST);
    *rows = (int)json_array_size(from);
    *columns = (int)json_array_size(first);
    return true;
}

static bool read_sizes(struct route_input *in, struct err *e)
{
    const json_t *logits = json_object_get(in->root, "logits"), *x = json_object_get(in->root, "x");
    json_t *params;
    int width;
    if (!logits == !x) return bad(e, "give either logits, or x and params");
    if (logits) return read_size(logits, "logits", &in->T, &in->N, e);
    if (!read_object(in->root, "params", &params, e)) return false;
    const json_t *w = json_object_get(params, in->router->params[0].name);
    if (!w) return bad(e, "x needs params: {\"%s\": [...]}", in->router->params[0].name);
    return read_size(x, "x", &in->T, &in->D, e) &&
           read_size(w, in->router->params[0].name, &in->N, &width, e);
}

/* ---- knobs ---- */
static bool read_knob(struct route_input *in, const char *name, const json_t *value, int E,
                      struct err *e)
{
    const struct router *r = in->router;
    int i = router_knob(r, name), count = 0;
    char number[40];
    const char *word = json_string_value(value);
    while (count < ROUTER_KNOBS && r->knobs[count].name) count++;
    if (i < 0)
        return unknown(e, "knobs: there is no knob", name, r->knobs, count, sizeof *r->knobs);
    if (json_is_boolean(value)) /* "true" may be a word of a choice */
        word = r->knobs[i].kind == OPTION_CHOICE ? (json_is_true(value) ? "true" : "false")
               : json_is_true(value)             ? "1"
                                                 : "0";
    if (json_is_number(value)) {
        snprintf(number, sizeof number, "%.17g", json_number_value(value));
        word = number;
    }
    struct err why = {0};
    if (!word) return bad(e, "knobs: %s is neither a number nor a word", name);
    if (!option_read(&r->knobs[i], word, E, in->N, &in->knob[i], &why))
        return bad(e, "knobs: %s", why.text);
    return true;
}

/* All knobs of a layer with E experts: named ones, the others by their column. */
static bool read_knobs(struct route_input *in, bool paper, int E, struct err *e)
{
    const char *name;
    json_t *knobs, *value;
    router_starts(in->router, E, paper, in->knob);
    if (!read_object(in->root, "knobs", &knobs, e)) return false;
    json_object_foreach(knobs, name, value) if (!read_knob(in, name, value, E, e)) return false;
    return true;
}

/* The columns are experts and slots, and how many slots there are may depend on the experts: E is
 * what fits. */
static bool find_experts(struct route_input *in, bool paper, struct err *e)
{
    struct slot_run runs[4];
    struct err say = {0};
    if (in->N > COLUMNS_MAX) return bad(e, "%d columns are more than %d", in->N, COLUMNS_MAX);
    if (!read_knobs(in, paper, in->N, e)) return false; /* with the widest ranges there can be */
    for (in->E = in->N; in->E > 0; in->E--)
        if (read_knobs(in, paper, in->E, NULL) &&
            in->E + router_slots(in->router, in->knob, in->E, runs, NULL) == in->N)
            break;
    if (in->E == 0) return bad(e, "%d columns fit no number of experts with these knobs", in->N);
    in->S = in->N - in->E;
    if (!router_check(in->router, in->knob, in->E, &say)) return bad(e, "knobs: %s", say.text);
    snprintf(in->warning, sizeof in->warning, "%s", say.text);
    return true;
}

/* ---- what is asked for ---- */
static bool read_loss(struct route_input *in, const char *name, const json_t *value, struct err *e)
{
    const struct router_loss *losses = in->router->losses;
    int count = 0, at = -1;
    for (; count < ROUTER_LOSSES && losses[count].pressure; count++)
        if (strcmp(losses[count].pressure, name) == 0) at = count;
    if (at < 0)
        return unknown(e, "grad_losses: there is no loss", name, losses, count, sizeof *losses);
    if (!json_is_number(value)) return bad(e, "grad_losses: %s is not a number", name);
    in->weight[at] = json_number_value(value);
    return true;
}

static bool read_wishes(struct route_input *in, struct err *e)
{
    const char *name;
    json_t *losses, *value;
    in->later = in->router->needs & NEEDS_PREV_LOGITS && in->D > 0;
    if (json_object_get(in->root, "prev_logits") && !in->later)
        return bad(e, "prev_logits is of no use beside logits");
    in->gates = json_object_get(in->root, "grad_gates");
    if (!read_object(in->root, "grad_losses", &losses, e)) return false;
    in->losses = losses;
    json_object_foreach(losses, name, value) if (!read_loss(in, name, value, e)) return false;
    if (json_object_get(in->root, "counts") && !in->router->ordered)
        return bad(e, "counts: %s has no order to take columns in", in->router->name);
    return true;
}

/* The last of our keys before byte `end` that stands in the outer object, as ", in KEY"; "" where
 * there is none. */
static void find_key(const char *json, size_t end, char *to, size_t size)
{
    int depth = 0;
    *to = 0;
    for (size_t i = 0; i < end; i++) {
        depth += json[i] == '{' || json[i] == '[';
        depth -= json[i] == '}' || json[i] == ']';
        if (json[i] != '"') continue;
        size_t first = ++i;
        while (i < end && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
        for (int k = 0; k < KEYS && depth == 1 && i < end; k++)
            if (strlen(keys[k]) == i - first && memcmp(keys[k], json + first, i - first) == 0)
                snprintf(to, size, ", in %s", keys[k]);
    }
}

bool route_input_open(struct route_input *in, const char *json, size_t size, struct err *e)
{
    json_error_t why;
    bool paper = false;
    *in = (struct route_input){0};
    in->root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!in->root) {
        size_t at = why.position > 0 ? (size_t)why.position : 0;
        char key[32];
        find_key(json, at < size ? at : size, key, sizeof key);
        return bad(e, "broken JSON at byte %zu%s: %s", at, key, why.text);
    }
    if (!json_is_object(in->root)) return bad(e, "this is not a JSON object");
    return check_keys(in->root, e) && read_words(in, &paper, e) && check_use(in, e) &&
           read_sizes(in, e) && find_experts(in, paper, e) && read_wishes(in, e);
}

void route_input_close(struct route_input *in)
{
    json_decref(in->root);
    in->root = NULL;
}

/* ---- arrays ---- */
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
    if (!read_object(in->root, key, &from, e)) return false;
    while (count < ROUTER_ARRAYS && table[count].name) count++;
    json_object_foreach(from, name, value)
    {
        int i = 0;
        while (i < count && strcmp(table[i].name, name) != 0) i++;
        if (i == count) return unknown(e, none, name, table, count, sizeof *table);
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
                   json_integer_value(above) <= MOST))
        return bad(e, "layers_above is a whole number, 0 or more");
    r->layers = 1 + (int)json_integer_value(above);
    r->learning.remembered = old;
    if (old && !fill(r, r->learning.old, a, old, e)) return false;
    if (!read_object(in->root, "rewards", &rewards, e)) return false;
    json_object_foreach(rewards, name, value)
    {
        int i = strcmp(name, names[0]) == 0 ? 0 : strcmp(name, names[1]) == 0 ? 1 : 2;
        if (i == 2) return unknown(e, "rewards: there is no", name, names, 2, sizeof *names);
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
