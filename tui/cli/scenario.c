/* tui/cli/scenario.c - One situation, one strategy or several side by side: `train --scenario NAME`,
 * `race --scenario NAME --strategies a,b`. Each goes through the whole script on a fresh model of the
 * same seed; what was measured at the end of each phase stands beside each other. */
#include "core/base/json.h"
#include "core/console/console.h"
#include "core/console/scenario.h"
#include "core/train/race.h"
#include "core/train/trainer.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct telling {
    const struct flags *flags;
    struct text out;
    struct scenario_state lane[RACE_LANES];
    char name[RACE_LANES][96]; /* of the strategy that went through it */
    int lanes;
};

static bool wait(const struct telling *t, struct console *c, const char *lane, struct err *e)
{
    char line[160];
    for (long i = 0; console_busy(c); i++) {
        if (out_interrupts()) return err_set(e, ERR_INTERRUPTED, "the scenario was stopped");
        if (!console_step(c, i % 50 == 0, false, e)) return false;
        if (i % 50) continue;
        snprintf(line, sizeof line, "%s: step %ld", lane, console_snapshot(c)->step);
        if (!t->flags->quiet) out_progress(line);
    }
    return true;
}

/* One lane to its end; `words`: a strategy with its knobs, "" the script's own. */
static bool go_through(struct telling *t, const struct config *config, const char *words,
                       struct err *e)
{
    char line[1024];
    struct text said = {0};
    if (t->lanes == RACE_LANES)
        return err_set(e, ERR_USAGE, "a race has at most %d lanes", RACE_LANES);
    struct console *c = console_open(config, e);
    if (!c) return false;
    bool ok = flags_scenario_line(t->flags, words, line, sizeof line, e) &&
              console_do(c, line, &said, e) && wait(t, c, words, e);
    while (ok && console_next(c, line, sizeof line))
        ok = console_do(c, line, &said, e) && wait(t, c, words, e);
    if (ok) {
        struct scenario_state *s = &t->lane[t->lanes];
        const struct snapshot *now = console_snapshot(c);
        *s = *console_scenario(c);
        scenario_end_phase(s, now);
        snprintf(t->name[t->lanes++], sizeof t->name[0], "%s", now->run_label);
    }
    out_progress_end();
    text_free(&said);
    console_close(c);
    return ok;
}

static bool go_through_all(struct telling *t, const struct config *c, const char *words,
                           struct err *e)
{
    const struct flags *f = t->flags;
    char name[48];
    if (f->strategy && !go_through(t, c, words, e)) return false;
    for (const char *at = f->strategies; at; at = *at ? at + 1 : NULL) {
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (!router_find(name, e) || !go_through(t, c, name, e)) return false;
        at += n;
    }
    for (int i = 0; i < f->lanes.count; i++)
        if (!go_through(t, c, f->lanes.at[i], e)) return false;
    return t->lanes > 0 || go_through(t, c, "", e);
}

/* ---- telling ---- */
static double value_of(const struct scenario_phase *p, const char *field)
{
    const struct field *f = field_find(field, NULL);
    int i = f ? (int)(f - snapshot_fields) : SCENARIO_FIELDS;
    return i < SCENARIO_FIELDS ? p->value[i] : NAN;
}

static void put_cell(struct text *to, double value, int digits)
{
    char shown[32];
    text_number(shown, value, digits);
    text_add(to, "%*s%s", 9 - (isnan(value) ? 1 : (int)strlen(shown)), "", shown);
}

static void tell_table(struct telling *t)
{
    static const struct {
        const char *field, *head;
        int digits;
    } columns[] = {{"loss", "loss", 3},
                   {"accuracy", "accuracy", 3},
                   {"experts_per_token", "experts", 2},
                   {"wasted", "wasted", 2},
                   {"shorted", "short", 2},
                   {"load_max_over_mean", "busiest", 2},
                   {"dead_experts", "dead", 0},
                   {"dropped_pairs", "dropped", 0}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    text_add(&t->out, "%-16s %-28s %7s", "phase", "strategy", "to step");
    for (int c = 0; c < COLUMNS; c++) text_add(&t->out, "%9s", columns[c].head);
    text_add(&t->out, "\n");
    for (int i = 0; i < t->lane[0].phases; i++)
        for (int l = 0; l < t->lanes; l++) {
            const struct scenario_phase *p = &t->lane[l].phase[i];
            if (i >= t->lane[l].phases) continue;
            text_add(&t->out, "%-16s %-28.28s %7ld", l ? "" : p->name, t->name[l], p->to);
            for (int c = 0; c < COLUMNS; c++)
                put_cell(&t->out, value_of(p, columns[c].field), columns[c].digits);
            text_add(&t->out, "\n");
        }
}

static void tell_json(struct telling *t)
{
    for (int l = 0; l < t->lanes; l++)
        for (int i = 0; i < t->lane[l].phases; i++) {
            const struct scenario_phase *p = &t->lane[l].phase[i];
            json_put_open(&t->out, NULL, '{');
            json_put_string(&t->out, "type", "phase");
            json_put_string(&t->out, "scenario", t->lane[l].name);
            json_put_string(&t->out, "lane", t->name[l]);
            json_put_string(&t->out, "phase", p->name);
            json_put_number(&t->out, "from", p->from);
            json_put_number(&t->out, "to", p->to);
            for (int k = 0; k < snapshot_field_count && k < SCENARIO_FIELDS; k++)
                json_put_number(&t->out, snapshot_fields[k].name, p->value[k]);
            text_add(&t->out, "}\n");
        }
}

bool cli_scenario(const struct flags *f, struct err *e)
{
    struct config c;
    struct flags run = *f;
    char words[FLAGS_SCENARIO];
    struct telling *t = calloc(1, sizeof *t);
    if (!t) return err_set(e, ERR_MEMORY, "out of memory for the scenario");
    t->flags = f;
    run.strategy = NULL, run.knobs.count = 0; /* they come with the scenario */
    out_catch_interrupt();
    bool ok = flags_scenario(f, words, sizeof words, e) && flags_config(&run, &c, e) &&
              go_through_all(t, &c, words, e);
    if (ok) {
        (f->json ? tell_json : tell_table)(t);
        ok = out_put(&t->out, e);
    }
    text_free(&t->out);
    free(t);
    return ok;
}
