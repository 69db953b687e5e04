#ifndef CORE_METRICS_ENGINE_H
#define CORE_METRICS_ENGINE_H
/* From the times of ops to those of the groups that people think in. */
#include "core/metrics/snap_engine.h"
#include "kernels/backend.h"

struct engine_name {
    const char *name, *help;
};
extern const struct engine_name engine_names[ENGINE_GROUPS];

/* Adds what the ops took since the last reset, times `scale`; the rest group is left alone. */
void engine_add(struct snap_spent *to, const struct kn_backend *be, double scale);
double engine_group_ms(const struct snap_spent *s, int group);
double engine_all_ms(const struct snap_spent *s);
#endif
