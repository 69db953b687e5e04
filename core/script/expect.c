/* core/script/expect.c - Conditions on what was measured. */
#include "core/script/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool expect_read(struct expect *to, const char *words, struct err *e)
{
    static const struct {
        const char *sign;
        enum expect_op op;
    } ops[] = {{"<=", EXPECT_AT_MOST}, {">=", EXPECT_AT_LEAST}, {"!=", EXPECT_UNEQUAL},
               {"==", EXPECT_EQUAL},   {"<", EXPECT_LESS},      {">", EXPECT_MORE},
               {"=", EXPECT_EQUAL}};
    const char *form = "a condition is FIELD OP VALUE, as in 'loss<0.5'";
    words += strspn(words, " ");
    size_t n = 0;
    while (isalnum((unsigned char)words[n]) || words[n] == '_') n++;
    if (n == 0 || n >= sizeof to->name)
        return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, words);
    snprintf(to->name, sizeof to->name, "%.*s", (int)n, words);
    const char *rest = words + n + strspn(words + n, " ");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        size_t m = strlen(ops[i].sign);
        if (strncmp(rest, ops[i].sign, m) != 0) continue;
        const char *value = rest + m + strspn(rest + m, " ");
        char *end;
        to->op = ops[i].op;
        to->value = strtod(value, &end);
        end += strspn(end, " ");
        if (end == value || *end || !isfinite(to->value))
            return err_set(e, ERR_USAGE, "%s: '%.40s' is not a number", form, value);
        return true;
    }
    return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, words);
}

bool expect_value(const struct snapshot *s, const char *name, double *to, struct err *e)
{
    const struct field *f = field_find(name, NULL);
    if (f) return *to = field_get(f, s), true;
    if (strcmp(name, "step") == 0) return *to = (double)s->step, true;
    const struct router *r = s->router;
    for (int i = 0; r && i < ROUTER_METRICS && r->metrics[i].name; i++)
        if (strcmp(r->metrics[i].name, name) == 0) return *to = s->rule[i], true;
    for (int i = 0; r && i < ROUTER_LOSSES && r->losses[i].pressure; i++)
        if (strcmp(r->losses[i].pressure, name) == 0) return *to = s->losses[i], true;
    return field_find(name, e) != NULL;
}

bool expect_compare(enum expect_op op, double a, double b)
{
    bool equal = fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
    switch (op) {
    case EXPECT_LESS:
        return a < b;
    case EXPECT_AT_MOST:
        return a <= b || equal;
    case EXPECT_MORE:
        return a > b;
    case EXPECT_AT_LEAST:
        return a >= b || equal;
    case EXPECT_EQUAL:
        return equal;
    case EXPECT_UNEQUAL:
        return !isnan(a) && !isnan(b) && !equal;
    }
    return false;
}
