/* core/data/districts.c - Orders for roomy experts: an item is a house number in a district (its
 * type), the answer stands in that district's address book, a table without any pattern that can
 * only be learnt by heart. With experts this wide their work outweighs the rest of the model, so
 * experts saved are time saved. */
#include "core/data/items.h"

enum { BITS = 6, CODES = 1 << BITS, CLASSES = 4 };

struct districts {
    struct items items;
    /* the class of every house; each class stands in it 16 times; the new district's books behind */
    int8_t book[2 * DATA_ITEMS][CODES];
};

static void make_book(int8_t *book, uint64_t seed, int type)
{
    struct rng r = rng_at(seed, RNG_TASK, (uint32_t)type);
    for (int c = 0; c < CODES; c++) book[c] = (int8_t)(c % CLASSES);
    for (int c = 0; c < CODES; c++) {
        int other = c + (int)rng_below(&r, (uint32_t)(CODES - c));
        int8_t swap = book[c];
        book[c] = book[other], book[other] = swap;
    }
}

static int make_item(const struct items *of, struct rng *r, int district, int type, float *item)
{
    const struct districts *o = (const struct districts *)of;
    int code = (int)rng_below(r, CODES);
    item[0] = 1;
    for (int b = 0; b < BITS; b++) item[1 + b] = code >> b & 1 ? 1 : -1;
    return o->book[district * DATA_ITEMS + type][code];
}

static struct dataset *districts_open(const struct dataset_type *type, const char *argument,
                                      uint64_t seed, struct err *e)
{
    struct districts *o = (struct districts *)items_open(type, argument, seed, sizeof *o, 1 + BITS,
                                                         CLASSES, "district", e);
    if (!o) return NULL;
    o->items.at_most[0] = .60, o->items.at_most[1] = .75, o->items.at_most[2] = .90;
    o->items.make = make_item;
    for (int t = 0; t < 2 * DATA_ITEMS; t++) make_book(o->book[t], seed, t);
    return &o->items.base;
}

const struct dataset_type dataset_type_districts = {
    .name = "districts",
    .title = "Address books",
    .help = "orders of 1 to 4 house numbers whose answers are learnt by heart; experts do most of "
            "the work here, so experts saved are time saved",
    .shifts = DATA_MIX | DATA_SEASON | DATA_DISTRICT,
    .sizes = {.layers = 1,
              .width = 64,
              .heads = 4,
              .context = 1,
              .experts = 8,
              .expert_width = 24,
              .batch = 256},
    .steps = 1500,
    .lr_default = 6e-3,
    .lr = {{"topk", 1e-2},
           {"remoe", 1e-2},
           {"blockffn", 1e-2},
           {"moepp", 1e-2},
           {"topp", 6e-3},
           {"dynmoe", 4e-3}},
    .starts = {{"topp", "entropy", .08}},
    .need_unit = "experts",
    .open = districts_open,
};
