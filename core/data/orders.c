/* core/data/orders.c - Orders of 1 to 4 items, made on the spot, whose difficulty is known: every
 * item is two XORs of its own four numbers, seen through a rotation of its type, so that one expert
 * can just learn one type. An order of s items wants s experts. Any order can be made by itself
 * from (seed, split, number). A linear model is at chance on every item; the margin of the numbers
 * keeps the classes apart. */
#include "core/base/rng.h"
#include "core/data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TYPES = DATA_ITEMS,
    NUMBERS = 4,
    CLASSES = 4,
    INPUT = TYPES * (1 + NUMBERS) + 1,
    TESTS = 8192
};

struct orders {
    struct dataset base;
    uint64_t seed;                        /* of the task: rotations and the test set */
    double turn[TYPES][NUMBERS][NUMBERS]; /* an orthogonal matrix a type, rows orthonormal */
};

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}

/* 16 standard normals row by row, then modified Gram-Schmidt over the rows. */
static void make_turn(double turn[NUMBERS][NUMBERS], uint64_t seed, int type)
{
    struct rng r = rng_at(seed, RNG_TASK, (uint32_t)type);
    for (int i = 0; i < NUMBERS * NUMBERS; i++) turn[i / NUMBERS][i % NUMBERS] = rng_normal(&r);
    for (int i = 0; i < NUMBERS; i++) {
        for (int k = 0; k < i; k++) {
            double along = dot(turn[i], turn[k]);
            for (int j = 0; j < NUMBERS; j++) turn[i][j] -= along * turn[k][j];
        }
        double length = sqrt(dot(turn[i], turn[i]));
        for (int j = 0; j < NUMBERS; j++) turn[i][j] /= length;
    }
}

/* One order from its own random numbers, drawn in this order: s; for each item its type; then for
 * each item and number its size, and its sign (1: plus). x[INPUT] and label[TYPES] come cleared: 0
 * and -1. Returns s. */
static int make_order(const struct orders *o, struct rng r, float *x, int32_t *label)
{
    double u = rng_uniform(&r);
    int s = 1 + (u < .50 ? 0 : u < .65 ? 1 : u < .85 ? 2 : 3);
    int type[TYPES] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < s; i++) {
        int j = i + (int)rng_below(&r, (uint32_t)(TYPES - i)), swap = type[i];
        type[i] = type[j], type[j] = swap;
    }
    for (int i = 0; i < s; i++) {
        int t = type[i];
        float *item = x + t * (1 + NUMBERS);
        double z[NUMBERS], sum[NUMBERS] = {0};
        for (int j = 0; j < NUMBERS; j++) {
            double size = 0.5 + rng_uniform(&r);
            z[j] = rng_below(&r, 2) ? size : -size;
        }
        for (int k = 0; k < NUMBERS; k++)
            for (int j = 0; j < NUMBERS; j++) sum[j] += z[k] * o->turn[t][k][j];
        label[t] = 1 * (z[0] * z[1] > 0) + 2 * (z[2] * z[3] > 0);
        item[0] = 1;
        for (int j = 0; j < NUMBERS; j++) item[1 + j] = (float)sum[j];
    }
    x[INPUT - 1] = 1; /* a router without bias behind a norm has no threshold of its own: the
                         constant gives it one */
    return s;
}

static void orders_fill(const struct dataset *d, uint64_t seed, enum data_split split,
                        int64_t index, struct batch *b)
{
    const struct orders *o = (const struct orders *)d;
    memset(b->x, 0, (size_t)b->T * INPUT * sizeof *b->x);
    memset(b->label, -1, (size_t)b->T * TYPES * sizeof *b->label);
    for (int t = 0; t < b->T; t++) {
        int64_t id = index * b->T + t;
        bool train = split == DATA_TRAIN;
        bool real =
            train ||
            id < TESTS; /* past the last test order: a row of zeros with nothing to predict */
        struct rng r = rng_at(train ? seed : o->seed, train ? RNG_TRAIN : RNG_TEST, (uint32_t)id);
        r.counter[2] = (uint32_t)(id >> 32);
        b->need[t] =
            real ? make_order(o, r, b->x + (size_t)t * INPUT, b->label + (size_t)t * TYPES) : -1;
        b->kind[t] = b->need[t];
        b->id[t] = real ? id : -1;
    }
}

static void orders_show(const struct dataset *d, const struct batch *b, int token, char *to,
                        int size)
{
    (void)d;
    if (b->id[token] < 0)
        snprintf(to, (size_t)size, "%s", "");
    else
        snprintf(to, (size_t)size, "#%lld", (long long)b->id[token]);
}

static void orders_close(struct dataset *d)
{
    free(d);
}

static struct dataset *orders_open(const struct dataset_type *type, const char *argument,
                                   uint64_t seed, struct err *e)
{
    if (argument) {
        err_set(e, ERR_USAGE,
                "orders are made on the spot and take no file; for a file say text:%.80s",
                argument);
        return NULL;
    }
    struct orders *o = calloc(1, sizeof *o);
    if (!o) {
        err_set(e, ERR_MEMORY, "not enough memory for the data set orders (%zu bytes)", sizeof *o);
        return NULL;
    }
    o->base = (struct dataset){.type = type,
                               .shape = {.input = INPUT, .items = TYPES, .classes = CLASSES},
                               .label = "orders",
                               .fingerprint = 0x6f72646572733031 ^ seed, /* "orders01" */
                               .val_tokens = TESTS,
                               .close = orders_close,
                               .fill = orders_fill,
                               .show = orders_show};
    o->seed = seed;
    for (int t = 0; t < TYPES; t++) make_turn(o->turn[t], seed, t);
    return &o->base;
}

const struct dataset_type dataset_type_orders = {
    .name = "orders",
    .title = "Moving orders",
    .help = "made-up orders of 1 to 4 items; an order of s items wants s experts, so the right "
            "count is known",
    .steps = 1500,
    .lr_default = 6e-3,
    .lr = {{"topk", 1e-2},
           {"remoe", 1e-2},
           {"blockffn", 1e-2},
           {"topp", 6e-3},
           {"adamoe", 6e-3},
           {"moepp", 6e-3},
           {"longcat", 6e-3},
           {"dynmoe", 4e-3}},
    /* Six seeds each, accuracy at experts per token: aux .1 .58 at 1.2 (slots take over early), .15
       .83 at 2.3, .2 .88 at 2.4, .3 .92 at 2.6 (three seeds). */
    .starts = {{"moepp", "aux", .2}},
    .need_unit = "experts",
    .open = orders_open,
};
