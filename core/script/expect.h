#ifndef CORE_SCRIPT_EXPECT_H
#define CORE_SCRIPT_EXPECT_H
/* A condition on a snapshot, as people write it: FIELD OP VALUE, OP one of < <= > >= = !=. */
#include "core/metrics/snapshot.h"

enum expect_op {
    EXPECT_LESS,
    EXPECT_AT_MOST,
    EXPECT_MORE,
    EXPECT_AT_LEAST,
    EXPECT_EQUAL,
    EXPECT_UNEQUAL
};
struct expect {
    char name[48];
    enum expect_op op;
    double value;
};

/* Reads "loss<0.5" or "loss < 0.5". The name is looked up when the condition is asked. */
bool expect_read(struct expect *to, const char *words, struct err *e);
/* A number by name: a field of fields.c, `step`, a loss or scalar metric of the strategy. False:
 * unknown, e suggests. */
bool expect_value(const struct snapshot *s, const char *name, double *to, struct err *e);
/* NaN holds for nothing; equality is within a part in a million. */
bool expect_compare(enum expect_op op, double a, double b);
#endif
