#ifndef CORE_DATA_ITEMS_H
#define CORE_DATA_ITEMS_H
/* What the data sets of orders share: an order holds s different item types, and any order can be
 * made by itself from (seed, split, number). What an item looks like, and what its answer is, each
 * data set says itself. */
#include "core/base/rng.h"
#include "core/data/dataset.h"

enum { ITEMS_TESTS = 8192 };

struct items {
    struct dataset base;
    uint64_t seed;     /* of the task: its tables and the test set */
    double at_most[3]; /* share of orders with at most 1, 2, 3 items; the rest have 4 */
    int each;          /* inputs of an item; the last input of all is the constant 1 */
    /* Draws one item of type `type` by the tables of a district (0, 1): fills its inputs (they come as 0) and returns its class. */
    int (*make)(const struct items *o, struct rng *r, int district, int type, float *item);
};

/* `size` bytes of memory that begin with a struct items, filled but for at_most and make; `name`:
 * eight letters for the fingerprint. NULL: an argument was given, or no memory. */
struct items *items_open(const struct dataset_type *type, const char *argument, uint64_t seed,
                         size_t size, int each, int classes, const char name[8], struct err *e);
#endif
