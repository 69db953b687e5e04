#ifndef CORE_CONSOLE_SCENARIO_H
#define CORE_CONSOLE_SCENARIO_H
/* A situation told by a script: its phases, what was measured at the end of each, and its
 * conditions. Scripts of lessons/scenarios are run so, by `scenario NAME`. */
#include "core/metrics/snapshot.h"

enum { SCENARIO_PHASES = 12, SCENARIO_FIELDS = 64 };
#define SCENARIO_FOLDER "lessons/scenarios"

struct scenario_phase {
    char name[24];
    long from, to;                 /* steps; to: -1 while it lasts */
    double value[SCENARIO_FIELDS]; /* of snapshot_fields, at its end */
};
struct scenario_state {
    char name[40];            /* "" none has been started */
    const struct router *own; /* goes through it in the place of the script's; NULL: the script's */
    char words[128];          /* `own` with its knobs, as they are typed */
    struct scenario_phase phase[SCENARIO_PHASES];
    int phases;
    int held, broken; /* conditions that were asked */
};

/* The phase that lasts ends here, with what is measured now. */
void scenario_end_phase(struct scenario_state *s, const struct snapshot *now);
/* A number of a phase, "winter.accuracy", or of now. False: unknown, e suggests. */
bool scenario_value(const struct scenario_state *s, const struct snapshot *now, const char *name,
                    double *to, struct err *e);
/* A new phase begins. False: too many, or the name is taken. */
bool scenario_phase(struct scenario_state *s, const struct snapshot *now, const char *name,
                    struct err *e);
#endif
