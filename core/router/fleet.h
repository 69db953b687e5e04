#ifndef CORE_ROUTER_FLEET_H
#define CORE_ROUTER_FLEET_H
/* Experts that do not work as the others do, a bit each, alike in all layers: broken and retired
 * ones are off (no token takes them, nothing of them learns), frozen ones work and do not learn.
 * A retired one has been forgotten: hired again, it starts with fresh weights. */
#include <stdint.h>

struct fleet {
    uint64_t broken, retired, frozen;
};
static inline uint64_t fleet_off(const struct fleet *f)
{
    return f->broken | f->retired;
}
static inline uint64_t fleet_rests(const struct fleet *f)
{
    return fleet_off(f) | f->frozen;
}
#endif
