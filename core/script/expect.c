/* core/script/expect.c - Conditions on what was measured. */
#include "core/script/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name of letters, digits, _ and one dot; how many bytes. */
static size_t take_name(const char *words, char *to, size_t size)
{
    size_t n = 0;
    while (isalnum((unsigned char)words[n]) || words[n] == '_' || (n && words[n] == '.')) n++;
    if (n >= size || !isalpha((unsigned char)*words)) return 0;
    snprintf(to, size, "%.*s", (int)n, words);
    return n;
}

/* "for N steps" or nothing. */
static bool read_steps(struct expect *to, const char *words)
{
    int used = 0;
    words += strspn(words, " ");
    if (!*words) return true;
    return sscanf(words, "for %7ld step%*1[s]%n", &to->steps, &used) == 1 && used &&
           !words[used + strspn(words + used, " ")] && to->steps > 0;
}

static bool read_number(const char **at, double *to)
{
    char *stop;
    *to = strtod(*at, &stop);
    if (stop == *at || !isfinite(*to)) return false;
    *at = stop;
    return true;
}

static const char *skip(const char *at)
{
    return at + strspn(at, " ");
}

/* NUMBER, or [NUMBER *] NAME [+|- NUMBER]; *end: what stands behind. */
static bool read_value(struct expect *to, const char *words, const char **end)
{
    double first;
    bool number = read_number(&words, &first);
    *end = words;
    if (number && *skip(words) != '*') return to->value = first, true;
    if (number) to->times = first, words = skip(skip(words) + 1);
    size_t n = take_name(words, to->than, sizeof to->than);
    *end = words + n;
    if (n == 0 || strcmp(to->than, "nan") == 0 || strcmp(to->than, "inf") == 0) return false;
    char sign = *skip(*end);
    if (sign != '+' && sign != '-') return true;
    *end = skip(skip(*end) + 1);
    if (!read_number(end, &to->value)) return false;
    if (sign == '-') to->value = -to->value;
    return true;
}

bool expect_read(struct expect *to, const char *words, struct err *e)
{
    static const struct {
        const char *sign;
        enum expect_op op;
    } ops[] = {{"<=", EXPECT_AT_MOST}, {">=", EXPECT_AT_LEAST}, {"!=", EXPECT_UNEQUAL},
               {"==", EXPECT_EQUAL},   {"<", EXPECT_LESS},      {">", EXPECT_MORE},
               {"=", EXPECT_EQUAL}};
    const char *form = "a condition is FIELD OP VALUE, as in 'loss<0.5'", *end;
    *to = (struct expect){.times = 1};
    words += strspn(words, " ");
    size_t n = take_name(words, to->name, sizeof to->name);
    if (n == 0) return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, words);
    const char *rest = words + n + strspn(words + n, " ");
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        size_t m = strlen(ops[i].sign);
        if (strncmp(rest, ops[i].sign, m) != 0) continue;
        const char *value = rest + m + strspn(rest + m, " ");
        to->op = ops[i].op;
        if (!read_value(to, value, &end) || !read_steps(to, end))
            return err_set(e, ERR_USAGE, "%s: '%.40s' is no number, field or 'for N steps'", form,
                           value);
        return true;
    }
    return err_set(e, ERR_USAGE, "%s, not '%.40s'", form, words);
}

static const struct snap_kept *kept_run(const struct snapshot *s, const char *name, size_t n)
{
    for (int i = 0; i < SNAP_KEPT; i++)
        if (strlen(s->kept[i].name) == n && n && strncmp(s->kept[i].name, name, n) == 0)
            return &s->kept[i];
    return NULL;
}

/* What a strategy adds: its measures and losses. */
static bool rule_value(const struct router *r, const double *rule, const double *losses,
                       const char *name, double *to)
{
    for (int i = 0; r && i < ROUTER_METRICS && r->metrics[i].name; i++)
        if (strcmp(r->metrics[i].name, name) == 0) return *to = rule[i], true;
    for (int i = 0; r && i < ROUTER_LOSSES && r->losses[i].pressure; i++)
        if (strcmp(r->losses[i].pressure, name) == 0) return *to = losses[i], true;
    return false;
}

bool expect_value(const struct snapshot *s, const char *name, double *to, struct err *e)
{
    const char *dot = strchr(name, '.');
    const struct field *f = field_find(dot ? dot + 1 : name, NULL);
    if (dot) {
        const struct snap_kept *k = kept_run(s, name, (size_t)(dot - name));
        if (!k)
            return err_set(e, ERR_USAGE,
                           "no run was kept as '%.*s': keep %.*s keeps the one of now",
                           (int)(dot - name), name, (int)(dot - name), name);
        if (f) return *to = k->field[f - snapshot_fields], true;
        if (strcmp(dot + 1, "step") == 0) return *to = (double)k->step, true;
        return rule_value(k->router, k->rule, k->losses, dot + 1, to) || field_find(dot + 1, e);
    }
    if (f) return *to = field_get(f, s), true;
    if (strcmp(name, "step") == 0) return *to = (double)s->step, true;
    if (rule_value(s->router, s->rule, s->losses, name, to)) return true;
    int knob = s->router ? router_knob(s->router, name) : -1;
    if (knob >= 0) return *to = s->knob[knob], true;
    return field_find(name, e) != NULL;
}

bool expect_of(const struct expect *x, double value, double than)
{
    return expect_compare(x->op, value, *x->than ? x->times * than + x->value : x->value);
}

bool expect_validates(const struct expect *x)
{
    return strncmp(x->name, "val_", 4) == 0 || strncmp(x->than, "val_", 4) == 0;
}

bool expect_holds(const struct expect *x, const struct snapshot *s)
{
    double a, b = 0;
    if (!expect_value(s, x->name, &a, NULL)) return false;
    if (*x->than && !expect_value(s, x->than, &b, NULL)) return false;
    return expect_of(x, a, b);
}

bool expect_lasts(const struct expect *x, const struct snapshot *s, long *since)
{
    if (!expect_holds(x, s)) return *since = -1, false;
    if (*since < 0 || *since > s->step) *since = s->step;
    return s->step - *since >= x->steps;
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
