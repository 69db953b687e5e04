/* core/data/items.c - Orders of 1 to 4 items of different types, made on the spot. */
#include "core/data/items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pack(const struct items *o, struct rng *r, int district, const int *type, int s,
                 float *x, int32_t *label)
{
    for (int i = 0; i < s; i++)
        label[type[i]] = o->make(o, r, district, type[i], x + type[i] * o->each);
    x[DATA_ITEMS * o->each] = 1; /* a router without bias behind a norm has no threshold of its
                                    own: the constant gives it one */
}

static int size_of(const struct items *o, int mix, double u)
{
    int s = 1;
    if (mix == MIX_SMALL) return 1;
    if (mix == MIX_LARGE) return 4;
    if (mix == MIX_EVEN) return 1 + (int)(4 * u);
    while (s < 4 && u >= o->at_most[s - 1]) s++;
    return s;
}

/* One order from its own random numbers, drawn in this order: s; for each item its type; then item
 * by item what the data set draws. x and label come cleared: 0 and -1. Returns s. */
static int make_order(const struct items *o, const struct data_day *day, struct rng r, float *x,
                      int32_t *label)
{
    int types = day->season == SEASON_ALL ? DATA_ITEMS : DATA_ITEMS / 2;
    int s = size_of(o, day->mix, rng_uniform(&r)), type[DATA_ITEMS];
    for (int i = 0; i < types; i++) type[i] = i + (day->season == SEASON_WINTER) * types;
    for (int i = 0; i < s; i++) {
        int j = i + (int)rng_below(&r, (uint32_t)(types - i)), swap = type[i];
        type[i] = type[j], type[j] = swap;
    }
    pack(o, &r, day->district, type, s, x, label);
    return s;
}

static void items_fill(const struct dataset *d, uint64_t seed, enum data_split split, int64_t index,
                       struct batch *b)
{
    const struct items *o = (const struct items *)d;
    size_t input = (size_t)d->shape.input;
    bool train = split == DATA_TRAIN;
    memset(b->x, 0, (size_t)b->T * input * sizeof *b->x);
    memset(b->label, -1, (size_t)b->T * DATA_ITEMS * sizeof *b->label);
    for (int t = 0; t < b->T; t++) {
        int64_t id = index * b->T + t;
        /* past the last test order: a row of zeros with nothing to predict */
        bool real = train || id < ITEMS_TESTS;
        struct rng r = rng_at(train ? seed : o->seed, train ? RNG_TRAIN : RNG_TEST, (uint32_t)id);
        r.counter[2] = (uint32_t)(id >> 32);
        b->need[t] = real ? make_order(o, &b->day, r, b->x + (size_t)t * input,
                                       b->label + (size_t)t * DATA_ITEMS)
                          : -1;
        b->kind[t] = b->need[t];
        b->id[t] = real ? id : -1;
    }
}

/* Its numbers lie behind those of the test orders. */
static void items_order(const struct dataset *d, uint64_t number, const int *type, int types,
                        struct batch *b)
{
    const struct items *o = (const struct items *)d;
    struct rng r = rng_at(o->seed, RNG_TEST, (uint32_t)(ITEMS_TESTS + number));
    memset(b->x, 0, (size_t)d->shape.input * sizeof *b->x);
    memset(b->label, -1, DATA_ITEMS * sizeof *b->label);
    pack(o, &r, b->day.district, type, types, b->x, b->label);
    b->need[0] = b->kind[0] = types;
    b->id[0] = -1;
}

static void items_show(const struct dataset *d, const struct batch *b, int token, char *to,
                       int size)
{
    (void)d;
    if (b->id[token] < 0)
        snprintf(to, (size_t)size, "%s", "");
    else
        snprintf(to, (size_t)size, "#%lld", (long long)b->id[token]);
}

static void items_close(struct dataset *d)
{
    free(d);
}

struct items *items_open(const struct dataset_type *type, const char *argument, uint64_t seed,
                         size_t size, int each, int classes, const char name[8], struct err *e)
{
    if (argument) {
        err_set(e, ERR_USAGE, "%s are made on the spot and take no file; for a file say text:%.80s",
                type->name, argument);
        return NULL;
    }
    struct items *o = calloc(1, size);
    if (!o) {
        err_set(e, ERR_MEMORY, "not enough memory for the data set %s (%zu bytes)", type->name,
                size);
        return NULL;
    }
    o->base = (struct dataset){.type = type,
                               .shape = {.input = DATA_ITEMS * each + 1,
                                         .items = DATA_ITEMS,
                                         .classes = classes,
                                         .active = each},
                               .fingerprint = seed,
                               .val_tokens = ITEMS_TESTS,
                               .close = items_close,
                               .fill = items_fill,
                               .order = items_order,
                               .show = items_show};
    snprintf(o->base.label, sizeof o->base.label, "%s", type->name);
    for (int i = 0; i < 8; i++) o->base.fingerprint ^= (uint64_t)name[i] << (8 * (7 - i));
    o->seed = seed, o->each = each;
    return o;
}
