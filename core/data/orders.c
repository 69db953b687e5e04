/* core/data/orders.c - Orders whose difficulty is known: every item is two XORs of its own four
 * numbers, seen through a rotation of its type, so that one expert can just learn one type. An
 * order of s items wants s experts. A linear model is at chance on every item; the margin of the
 * numbers keeps the classes apart. */
#include "core/data/items.h"

enum { NUMBERS = 4, CLASSES = 4 };

struct orders {
    struct items items;
    /* an orthogonal matrix a type, rows orthonormal; those of the new district behind */
    double turn[2 * DATA_ITEMS][NUMBERS][NUMBERS];
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

/* Each number draws its size, then its sign (1: plus). */
static int make_item(const struct items *of, struct rng *r, int district, int type, float *item)
{
    const struct orders *o = (const struct orders *)of;
    double z[NUMBERS], sum[NUMBERS] = {0};
    for (int j = 0; j < NUMBERS; j++) {
        double size = 0.5 + rng_uniform(r);
        z[j] = rng_below(r, 2) ? size : -size;
    }
    for (int k = 0; k < NUMBERS; k++)
        for (int j = 0; j < NUMBERS; j++)
            sum[j] += z[k] * o->turn[district * DATA_ITEMS + type][k][j];
    item[0] = 1;
    for (int j = 0; j < NUMBERS; j++) item[1 + j] = (float)sum[j];
    return 1 * (z[0] * z[1] > 0) + 2 * (z[2] * z[3] > 0);
}

static struct dataset *orders_open(const struct dataset_type *type, const char *argument,
                                   uint64_t seed, struct err *e)
{
    struct orders *o = (struct orders *)items_open(type, argument, seed, sizeof *o, 1 + NUMBERS,
                                                   CLASSES, "orders01", e);
    if (!o) return NULL;
    o->items.at_most[0] = .50, o->items.at_most[1] = .65, o->items.at_most[2] = .85;
    o->items.make = make_item;
    for (int t = 0; t < 2 * DATA_ITEMS; t++) make_turn(o->turn[t], seed, t);
    return &o->items.base;
}

const struct dataset_type dataset_type_orders = {
    .name = "orders",
    .title = "Moving orders",
    .help = "made-up orders of 1 to 4 items; an order of s items wants s experts, so the right "
            "count is known",
    .shifts = DATA_MIX | DATA_SEASON | DATA_DISTRICT,
    .sizes = {.layers = 1,
              .width = 64,
              .heads = 4,
              .context = 1,
              .experts = 8,
              .expert_width = 4,
              .batch = 256},
    .steps = 1500,
    .lr_default = 6e-3,
    .lr = {{"topk", 1e-2},
           {"adak", 1e-2},
           {"remoe", 1e-2},
           {"blockffn", 1e-2},
           {"topp", 6e-3},
           {"adamoe", 6e-3},
           {"moepp", 6e-3},
           {"longcat", 6e-3},
           {"dynmoe", 4e-3},
           {"lossfree", 1e-2},
           {"expertchoice", 1e-2}},
    /* Six seeds each, accuracy at experts per token: aux .1 .58 at 1.2 (slots take over early), .15
       .83 at 2.3, .2 .88 at 2.4, .3 .92 at 2.6 (three seeds). */
    .starts = {{"moepp", "aux", .2}},
    .need_unit = "experts",
    .open = orders_open,
};
