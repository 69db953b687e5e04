#ifndef CORE_SCRIPT_EXPECT_H
#define CORE_SCRIPT_EXPECT_H
/* A condition on a snapshot, as people write it: FIELD OP VALUE, OP one of < <= > >= = !=; and one
 * between named runs: a.FIELD OP b.FIELD. */
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
/* Between runs: "a.loss < 0.5", "a.loss <= b.loss", "a.loss < b.loss - 0.02" or "a.flops_per_token <
 * 0.9 * b.flops_per_token". */
struct expect_side {
    char run[16], name[48];
};
struct expect_runs {
    struct expect_side left, right; /* right.name empty: `add` alone stands there */
    enum expect_op op;
    double times, add; /* left OP times * right + add */
};
bool expect_read_runs(struct expect_runs *to, const char *words, struct err *e);
/* right: of the right side's field, any number where there is none. NaN holds for nothing. */
bool expect_runs_hold(const struct expect_runs *x, double left, double right);
/* A number by name: a field of fields.c, `step`, a loss or scalar metric of the strategy. False:
 * unknown, e suggests. */
bool expect_value(const struct snapshot *s, const char *name, double *to, struct err *e);
/* NaN holds for nothing; equality is within a part in a million. */
bool expect_compare(enum expect_op op, double a, double b);
#endif
