/* core/balance/pressures.c - The table of pressures. */
#include "core/balance/pressure.h"

#include <string.h>

extern const struct pressure pressure_aux, pressure_z, pressure_entropy, pressure_diversity,
    pressure_simplicity, pressure_balance, pressure_efficiency, pressure_over, pressure_l1,
    pressure_locality, pressure_chunk, pressure_picked, pressure_policy, pressure_chosen,
    pressure_warm;

static const struct pressure *const table[] = {
    &pressure_aux,        &pressure_z,        &pressure_entropy,    &pressure_diversity,
    &pressure_simplicity, &pressure_balance,  &pressure_efficiency, &pressure_over,
    &pressure_l1,         &pressure_locality, &pressure_chunk,      &pressure_picked,
    &pressure_policy,     &pressure_chosen,   &pressure_warm};
enum { COUNT = sizeof table / sizeof *table };

const struct pressure *pressure_at(int i)
{
    return i >= 0 && i < COUNT ? table[i] : NULL;
}

const struct pressure *pressure_find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}

const struct pressure *pressure_of(const struct router *r, int loss)
{
    const struct router_loss *l = loss < ROUTER_LOSSES ? &r->losses[loss] : NULL;
    return l && l->pressure ? pressure_find(l->form ? l->form : l->pressure) : NULL;
}
