#ifndef CORE_METRICS_SNAP_ENGINE_H
#define CORE_METRICS_SNAP_ENGINE_H
/* Where a training step's time goes, measured while somebody looks. Milliseconds of a step; what
 * was not measured is NaN. */
#include <stdbool.h>

enum engine_group {
    ENGINE_ROUTER,
    ENGINE_GATE,
    ENGINE_PLAN,
    ENGINE_MOVE,
    ENGINE_EXPERTS,
    ENGINE_COMBINE,
    ENGINE_ATTENTION,
    ENGINE_DENSE,
    ENGINE_LOSS,
    ENGINE_OPTIMISER,
    ENGINE_REST,
    ENGINE_GROUPS
};
struct snap_spent {
    double forward[ENGINE_GROUPS], backward[ENGINE_GROUPS];
    double idle[ENGINE_GROUPS]; /* of both together: by as much faster with no thread waiting */
};
/* The same pass, forward and backward, with as many experts. */
enum engine_pass { ENGINE_AS_IS, ENGINE_TWO, ENGINE_ALL, ENGINE_PASSES };
struct snap_pass {
    double ms, experts, flops; /* experts that were run, a token and layer; FLOPs of the pass */
    struct snap_spent spent;
};
struct snap_engine {
    bool on;
    long steps;     /* timed in the newest window; 0: none yet */
    double step_ms; /* mean over them */
    struct snap_spent spent;
    double flops;        /* of a step, forward and backward */
    double dense;        /* of a step in which every token takes every expert */
    double expert_flops; /* of `flops`: what experts do */
    double peak;   /* GFLOP/s of all threads, measured here; NaN: not yet, or no such measure */
    int comparing; /* passes still to make; 0: none is under way */
    bool compared;
    long compared_at;     /* step */
    char compared_as[96]; /* the run's label then */
    struct snap_pass pass[ENGINE_PASSES];
};
#endif
