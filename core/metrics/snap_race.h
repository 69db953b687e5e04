#ifndef CORE_METRICS_SNAP_RACE_H
#define CORE_METRICS_SNAP_RACE_H
/* What a race run beside the main model shows of itself. What was not measured is NaN. */
#include <stdbool.h>
#include <stdint.h>

enum { SNAP_RACE_LANES = 12, SNAP_TRAIL = 26 };

struct snap_lane {
    char label[64];
    long steps;  /* of the run under way, or of the last one */
    double done; /* of all its runs, 0..1 */
    double loss; /* of the newest training step that was measured */
    /* Held out: of the newest evaluation, and once a seed has been run to its end the mean over
     * such seeds. FLOPs a token, tokens a second, while training. */
    double accuracy, val_loss, experts, flops, speed;
    double least, most;   /* accuracy, over the seeds run to their end; NaN: fewer than two */
    const char *excluded; /* why it is compared with nobody; NULL: it is */
    bool front, finished;
    int trail; /* evaluations of the newest run, oldest first */
    float trail_flops[SNAP_TRAIL], trail_accuracy[SNAP_TRAIL];
};
struct snap_race {
    int lanes;                  /* 0: there was none */
    bool on;                    /* under way */
    int seeds, seed_now;        /* how many, which (from 0) */
    uint64_t seed;              /* the one under way, or the last */
    double target;              /* experts per token that every lane is kept on; 0: none */
    char budget[32];            /* "1500 steps", for each lane and seed */
    int turn;                   /* the lane that trains now */
    long look;                  /* held-out tokens of an evaluation on the way */
    double done, seconds, left; /* of all, 0..1; gone; still to go, by what has gone */
    char why[160];              /* why it ended before its end; "" it did not */
    struct snap_lane lane[SNAP_RACE_LANES];
};
#endif
