/* core/data/datasets.c - The table of data sets, and what all of them share: opening by name,
 * batches, starts. */
#include "core/data/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct dataset_type dataset_type_orders, dataset_type_districts, dataset_type_ledger,
    dataset_type_text;
static const struct dataset_type *const types[] = {&dataset_type_orders, &dataset_type_districts,
                                                   &dataset_type_ledger, &dataset_type_text};
enum { TYPES = sizeof types / sizeof *types };

const struct dataset_type *dataset_type(int i)
{
    return i >= 0 && i < TYPES ? types[i] : NULL;
}

struct dataset *dataset_open(const char *what, uint64_t seed, struct err *e)
{
    char name[32];
    size_t n = strcspn(what, ":");
    const char *argument = what[n] ? what + n + 1 : NULL;
    const char *names[TYPES];
    for (int i = 0; i < TYPES; i++) {
        names[i] = types[i]->name;
        if (strlen(names[i]) == n && memcmp(names[i], what, n) == 0)
            return types[i]->open(types[i], argument, seed, e);
    }
    if (n >= sizeof name) n = sizeof name - 1;
    memcpy(name, what, n);
    name[n] = 0;
    if (access(what, F_OK) == 0)
        err_set(e, ERR_USAGE, "a file is trained on as text:FILE: did you mean text:%.150s?", what);
    else
        err_set(e, ERR_USAGE, "unknown data set '%s'%s", name,
                ERR_MEANT(name, names, TYPES,
                          "; 'list datasets' names them, and text:FILE is any file of yours"));
    return NULL;
}

void dataset_close(struct dataset *d)
{
    if (d) d->close(d);
}

bool batch_open(struct batch *b, const struct data_shape *s, int sequences, int context,
                struct err *e)
{
    enum { MOST = 1 << 22 }; /* tokens */
    *b = (struct batch){0};
    if (!s->text) context = 1;
    if (sequences < 1 || context < 1 || sequences > MOST / context)
        return err_set(e, ERR_USAGE,
                       "a batch of %d x %d tokens is not possible; 1 to %d tokens are", sequences,
                       context, MOST);
    size_t T = (size_t)sequences * (size_t)context;
    b->T = (int)T, b->sequences = sequences, b->context = context;
    if (s->text)
        b->ids = calloc(T, sizeof *b->ids);
    else
        b->x = calloc(T * (size_t)s->input, sizeof *b->x);
    b->label = malloc(T * (size_t)s->items * sizeof *b->label);
    b->need = malloc(T * sizeof *b->need);
    b->kind = malloc(T * sizeof *b->kind);
    b->count = calloc(T, sizeof *b->count);
    b->id = malloc(T * sizeof *b->id);
    if (!(s->text ? (void *)b->ids : (void *)b->x) || !b->label || !b->need || !b->kind ||
        !b->count || !b->id) {
        batch_close(b);
        return err_set(e, ERR_MEMORY,
                       "not enough memory for a batch of %zu tokens; try a smaller --batch", T);
    }
    memset(b->label, -1, T * (size_t)s->items * sizeof *b->label);
    memset(b->need, -1, T * sizeof *b->need);
    memset(b->kind, -1, T * sizeof *b->kind);
    memset(b->id, -1, T * sizeof *b->id);
    return true;
}

void batch_close(struct batch *b)
{
    free(b->x), free(b->ids), free(b->label), free(b->need), free(b->kind), free(b->count);
    free(b->id);
    *b = (struct batch){0};
}

double dataset_lr(const struct dataset_type *t, const char *strategy)
{
    for (int i = 0; strategy && t->lr[i].strategy; i++)
        if (strcmp(t->lr[i].strategy, strategy) == 0) return t->lr[i].lr;
    return t->lr_default;
}

double dataset_start(const struct dataset_type *t, const char *strategy, const struct option *knob,
                     int E, bool paper)
{
    bool published = paper && !isnan(knob->paper);
    for (int i = 0; strategy && !published && t->starts[i].strategy; i++)
        if (strcmp(t->starts[i].strategy, strategy) == 0 &&
            strcmp(t->starts[i].knob, knob->name) == 0)
            return t->starts[i].value;
    return option_start(knob, E, paper);
}
