#ifndef CORE_TRAIN_RACE_H
#define CORE_TRAIN_RACE_H
/* Several strategies from the same weights, on the same batches, with the same budget, one after
 * the other. */
#include "core/base/text.h"
#include "core/train/trainer.h"

enum { RACE_LANES = 32, RACE_SEEDS = 16 };
enum race_budget {
    RACE_STEPS,
    RACE_FLOPS,
    RACE_SECONDS
}; /* FLOPs: of training, that is three times the forward's */
struct race_range {
    double mean, min, max;
}; /* over the seeds; NaN: not measured */
struct race_result {
    char lane[96];
    int seeds;
    long steps;
    struct race_range accuracy, loss, experts, rho, flops,
        speed;  /* validation; FLOPs a token, tokens a second */
    bool front;  /* no other lane is at least as accurate with fewer FLOPs a token */
    bool future; /* its rule sees later tokens: no loss, not on the front, beats nobody */
};
struct race {
    struct config lane[RACE_LANES];
    int lanes;
    uint64_t seed[RACE_SEEDS];
    int seeds;
    enum race_budget kind;
    double budget; /* steps, FLOPs or seconds, for each lane and seed */
    int every; /* steps between two calls of `tell`; 0: only at the start and the end of a run */
    /* Called after trainer_measure: first before the first step, then every `every` steps, last
     * with val_* filled. False stops the race. */
    bool (*tell)(void *to, const char *lane, const struct snapshot *s, bool first, bool last);
    void *to;
};

/* Runs it all; false: an error, or `tell` stopped it (ERR_INTERRUPTED). result: one a lane. */
bool race_run(const struct race *r, struct race_result *result, struct err *e);
void race_mark(struct race_result *result, int count);                         /* sets `front` */
void race_table(struct text *to, const struct race_result *result, int count); /* for people */
void race_json(struct text *to, const struct race_result *result,
               int count); /* {"type":"race",...} */
#endif
