/* core/script/expect.c - Conditions on what was measured. */
#include "core/script/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *at)
{
    return at + strspn(at, " ");
}

/* False: no name stands here. *at moves behind it. */
static bool read_name(const char **at, char *to, size_t size)
{
    size_t n = 0;
    while (isalnum((unsigned char)(*at)[n]) || (*at)[n] == '_') n++;
    if (n == 0 || n >= size) return false;
    snprintf(to, size, "%.*s", (int)n, *at);
    *at += n;
    return true;
}

static bool read_op(const char **at, enum expect_op *to)
{
    static const struct {
        const char *sign;
        enum expect_op op;
    } ops[] = {{"<=", EXPECT_AT_MOST}, {">=", EXPECT_AT_LEAST}, {"!=", EXPECT_UNEQUAL},
               {"==", EXPECT_EQUAL},   {"<", EXPECT_LESS},      {">", EXPECT_MORE},
               {"=", EXPECT_EQUAL}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strncmp(*at, ops[i].sign, strlen(ops[i].sign)) != 0) continue;
        *at += strlen(ops[i].sign);
        *to = ops[i].op;
        return true;
    }
    return false;
}

static bool read_value(const char **at, double *to)
{
    char *end;
    *to = strtod(*at, &end);
    if (end == *at || !isfinite(*to)) return false;
    *at = skip(end);
    return true;
}

bool expect_read(struct expect *to, const char *words, struct err *e)
{
    const char *form = "a condition is FIELD OP VALUE, as in 'loss<0.5'";
    const char *at = skip(words);
    if (!read_name(&at, to->name, sizeof to->name))
        return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, at);
    at = skip(at);
    if (!read_op(&at, &to->op)) return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, words);
    const char *value = at = skip(at);
    return (read_value(&at, &to->value) && !*at) ||
           err_set(e, ERR_USAGE, "%s: '%.40s' is not a number", form, value);
}

static bool read_side(const char **at, struct expect_side *to)
{
    if (!read_name(at, to->run, sizeof to->run) || *(*at)++ != '.' ||
        !read_name(at, to->name, sizeof to->name))
        return false;
    *at = skip(*at);
    return true;
}

/* [NUMBER *] RUN.FIELD [+ NUMBER | - NUMBER], or a NUMBER. */
static bool read_right(const char *at, struct expect_runs *to)
{
    to->times = 1;
    if (!isalpha((unsigned char)*at)) {
        if (!read_value(&at, &to->add)) return false;
        if (!*at) return true;
        if (*at++ != '*') return false;
        to->times = to->add, to->add = 0;
        at = skip(at);
    }
    if (!read_side(&at, &to->right)) return false;
    char sign = *at;
    if (!sign) return true;
    at = skip(at + 1);
    if ((sign != '+' && sign != '-') || !isdigit((unsigned char)*at)) return false;
    if (!read_value(&at, &to->add) || *at) return false;
    if (sign == '-') to->add = -to->add;
    return true;
}

bool expect_read_runs(struct expect_runs *to, const char *words, struct err *e)
{
    const char *at = skip(words);
    *to = (struct expect_runs){.times = 1};
    bool ok = read_side(&at, &to->left) && read_op(&at, &to->op) && read_right(skip(at), to);
    return ok || err_set(e, ERR_USAGE,
                         "a condition between runs is RUN.FIELD OP RUN.FIELD, as in "
                         "'a.loss < b.loss - 0.02', not '%.60s'",
                         words);
}

bool expect_runs_hold(const struct expect_runs *x, double left, double right)
{
    return expect_compare(x->op, left, x->right.name[0] ? x->times * right + x->add : x->add);
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
