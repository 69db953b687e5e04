#ifndef CORE_SCRIPT_EXPECT_H
#define CORE_SCRIPT_EXPECT_H
/* A condition on a snapshot, as people write it: FIELD OP VALUE, OP one of < <= > >= = !=. VALUE is
 * a number, or another field, some times over, and a number more or less: `two.val_accuracy >
 * one.val_accuracy + 0.05`, `two.flops_per_token < 0.9 * one.flops_per_token`. RUN.FIELD is what `keep RUN` kept. `for N steps` behind it: it held that long. */
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
    char name[64];
    enum expect_op op;
    char than[64]; /* the other field; "" none */
    double value;  /* the number, or what is added to the other field */
    double times;  /* what the other field is multiplied by */
    long steps;    /* how long it has to hold; 0: at once */
};

/* Reads "loss<0.5" or "loss < 0.5". The names are looked up when the condition is asked. */
bool expect_read(struct expect *to, const char *words, struct err *e);
/* A number by name: a field of fields.c, `step`, a loss or scalar metric of the strategy, a knob; of a kept
 * run with its name and a dot before. False: unknown, e suggests. */
bool expect_value(const struct snapshot *s, const char *name, double *to, struct err *e);
/* Of numbers that are known already: `than` of the other field, any where there is none. */
bool expect_of(const struct expect *x, double value, double than);
/* It asks for what only an evaluation measures. */
bool expect_validates(const struct expect *x);
/* Now, whatever `steps` says. */
bool expect_holds(const struct expect *x, const struct snapshot *s);
/* It holds, and has for as many steps as it has to. *since: from which step on it holds, -1 none;
 * starts at -1. */
bool expect_lasts(const struct expect *x, const struct snapshot *s, long *since);
/* NaN holds for nothing; equality is within a part in a million. */
bool expect_compare(enum expect_op op, double a, double b);
#endif
