/* core/router/route_input.c - What the JSON of `route` asks for: words, sizes, knobs. Its arrays are
 * read in route_arrays.c. */
#include "core/router/route_input_in.h"

#include <stdio.h>
#include <string.h>

static const char *const keys[] = {
    "strategy",         "base",         "knobs",       "training", "logits",        "x",
    "params",           "state",        "counts",      "seed",     "documents",     "valid",
    "grad_gates",       "grad_losses",  "prev_logits", "answers",  "shared_logits", "old_log_prob",
    "allocator_logits", "layers_above", "rewards"};
enum { KEYS = sizeof keys / sizeof *keys };

/* ---- words and sizes ---- */
static bool check_keys(const json_t *root, struct err *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value)
    {
        bool known = false;
        for (int i = 0; i < KEYS; i++) known |= strcmp(key, keys[i]) == 0;
        if (!known) return unknown(e, "there is no key", key, keys, KEYS);
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

bool route_read_object(const json_t *root, const char *key, json_t **to, struct err *e)
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

/* Is `key` the name of the logits beside this strategy's own? */
static bool is_side(const struct route_input *in, const char *key)
{
    return in->router->side && strcmp(in->router->side, key) == 0;
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
    if (json_array_size(from) > ROUTE_MOST || json_array_size(first) > ROUTE_MOST)
        return bad(e, "%s has more than %d rows or columns", key, ROUTE_MOST);
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
    if (!route_read_object(in->root, "params", &params, e)) return false;
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
    if (i < 0) return unknown(e, "knobs: there is no knob", name, r->knobs, count);
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
    if (!route_read_object(in->root, "knobs", &knobs, e)) return false;
    json_object_foreach(knobs, name, value) if (!read_knob(in, name, value, E, e)) return false;
    return true;
}

/* The columns are experts and slots, and how many slots there are may depend on the experts: E is
 * what fits. */
static bool find_experts(struct route_input *in, bool paper, struct err *e)
{
    struct slot_run runs[4];
    struct err say = {0};
    const char *key = in->D ? in->router->params[0].name : "logits";
    const char *part = in->D ? "rows" : "columns";
    if (in->N > COLUMNS_MAX)
        return bad(e, "%s has %d %s, more than %d", key, in->N, part, COLUMNS_MAX);
    if (!read_knobs(in, paper, in->N, e)) return false; /* with the widest ranges there can be */
    for (in->E = in->N; in->E > 0; in->E--)
        if (read_knobs(in, paper, in->E, NULL) &&
            in->E + router_slots(in->router, in->knob, in->E, runs, NULL) == in->N)
            break;
    if (in->E == 0) return bad(e, "%d columns fit no number of experts with these knobs", in->N);
    in->S = in->N - in->E;
    if (in->E > EXPERTS_MAX)
        return bad(e, "%s has %d %s, and experts are at most %d", key, in->N, part, EXPERTS_MAX);
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
    if (at < 0) return unknown(e, "grad_losses: there is no loss", name, losses, count);
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
    if (!route_read_object(in->root, "grad_losses", &losses, e)) return false;
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
        in->broken = true, in->broken_at = at < size ? at : size;
        find_key(json, in->broken_at, key, sizeof key);
        return bad(e, "broken JSON%s: %s", key, why.text);
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
