/* tui/cli/claims.c - `claims`: every claim of the table, or those of some strategies, tried now; a
 * block each and a table at the end, or one object a line. A verdict that is "no" is no failure. */
#include "core/base/clock.h"
#include "core/claims/claims.h"
#include "core/router/router.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct telling {
    const struct flags *flags;
    const struct claims *claims;
    double begun;
    struct text out, table;
    struct err err;
};

static bool progress(void *to, const char *lane, const struct snapshot *s)
{
    struct telling *t = to;
    char left[16], line[240];
    double gone = clock_now() - t->begun, done = t->claims->done;
    snprintf(line, sizeof line, "%s, seed %llu: step %ld  %.0f %% of the claims, %s left", lane,
             (unsigned long long)s->seed, s->step, 100 * done,
             text_seconds(left, done > .01 ? gone * (1 - done) / done : NAN));
    if (!t->flags->quiet) out_progress(line);
    return out_interrupts() == 0;
}

static bool tell(void *to, const struct claim_result *r)
{
    struct telling *t = to;
    if (t->flags->json)
        claim_json(&t->out, r);
    else
        claim_text(&t->out, r);
    text_add(&t->table, "%-13s %-23s %s\n", r->claim->strategy, claim_verdict_name(r->verdict),
             r->claim->says);
    return out_put(&t->out, &t->err);
}

/* The claims of the strategies named, in the table's order; none named: all. */
static bool choose(const struct flags *f, struct claims *c, struct err *e)
{
    for (int k = 0; k < f->operands.count; k++)
        if (!router_find(f->operands.at[k], e)) return false;
    for (int i = 0; claim_at(i); i++) {
        bool wanted = f->operands.count == 0;
        for (int k = 0; k < f->operands.count; k++)
            wanted |= strcmp(claim_at(i)->strategy, f->operands.at[k]) == 0;
        if (wanted && c->count < (int)(sizeof c->claim / sizeof *c->claim))
            c->claim[c->count++] = claim_at(i);
    }
    return true;
}

static bool read_claims(const struct flags *f, struct claims *c, struct config *machine,
                        struct err *e)
{
    const char *steps = f->setting[CONFIG_STEPS];
    c->seeds = flags_seeds(f->seeds ? f->seeds : "1,2,3", c->seed, RACE_SEEDS, e);
    if (!c->seeds || !choose(f, c, e) || !config_start(machine, "orders", "topk", e) ||
        !flags_machine(f, machine, e) || (steps && !config_set(machine, "steps", steps, e)))
        return false;
    if (steps) c->steps = config_int(machine, CONFIG_STEPS);
    c->machine = machine;
    return true;
}

bool cli_claims(const struct flags *f, struct err *e)
{
    struct telling t = {.flags = f, .begun = clock_now()};
    struct claims *c = calloc(1, sizeof *c);
    struct config machine;
    if (!c) return err_set(e, ERR_MEMORY, "out of memory for the claims");
    t.claims = c;
    c->tell = tell, c->progress = progress, c->to = &t;
    out_catch_interrupt();
    bool ok = read_claims(f, c, &machine, e) && claims_run(c, e);
    if (!ok && t.err.code) *e = t.err;
    if (ok && !f->json) {
        text_put(&t.out, text_str(&t.table), t.table.size);
        ok = out_put(&t.out, e);
    }
    text_free(&t.out);
    text_free(&t.table);
    free(c);
    return ok;
}
