/* core/console/scenario.c - Phases of a run, by name: what was measured at the end of each. */
#include "core/console/scenario.h"
#include "core/script/expect.h"

#include <stdio.h>
#include <string.h>

void scenario_end_phase(struct scenario_state *s, const struct snapshot *now)
{
    struct scenario_phase *p = s->phases ? &s->phase[s->phases - 1] : NULL;
    if (!p) return;
    p->to = now->step;
    for (int i = 0; i < snapshot_field_count && i < SCENARIO_FIELDS; i++)
        p->value[i] = field_get(&snapshot_fields[i], now);
}

bool scenario_phase(struct scenario_state *s, const struct snapshot *now, const char *name,
                    struct err *e)
{
    for (int i = 0; i < s->phases; i++)
        if (strcmp(s->phase[i].name, name) == 0)
            return err_set(e, ERR_USAGE, "there was a phase '%.24s' already: give it another name",
                           name);
    if (s->phases == SCENARIO_PHASES)
        return err_set(e, ERR_USAGE, "a run has at most %d phases", SCENARIO_PHASES);
    struct scenario_phase *p = &s->phase[s->phases++];
    *p = (struct scenario_phase){.from = now->step, .to = -1};
    snprintf(p->name, sizeof p->name, "%s", name);
    return true;
}

/* Of a phase that is over; of the one that lasts, what is measured now. */
static bool phase_value(const struct scenario_phase *p, const struct snapshot *now,
                        const char *name, double *to, struct err *e)
{
    const struct field *f = field_find(name, e);
    if (!f) return false;
    int i = (int)(f - snapshot_fields);
    *to = p->to < 0 ? field_get(f, now) : p->value[i];
    return true;
}

bool scenario_value(const struct scenario_state *s, const struct snapshot *now, const char *name,
                    double *to, struct err *e)
{
    const char *dot = strchr(name, '.');
    if (!dot) return expect_value(now, name, to, e);
    size_t n = (size_t)(dot - name);
    for (int i = 0; i < s->phases; i++)
        if (strlen(s->phase[i].name) == n && strncmp(s->phase[i].name, name, n) == 0)
            return phase_value(&s->phase[i], now, dot + 1, to, e);
    if (expect_value(now, name, to, NULL)) return true; /* of a run that was kept */
    return err_set(e, ERR_USAGE,
                   "there was no phase and no kept run '%.*s': 'phase NAME' begins one, 'keep "
                   "NAME' keeps the run of now",
                   (int)(n > 24 ? 24 : n), name);
}
