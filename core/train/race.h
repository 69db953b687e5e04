#ifndef CORE_TRAIN_RACE_H
#define CORE_TRAIN_RACE_H
/* Several strategies from the same weights, on the same batches, with the same budget, one after
 * the other; on demand each with its own knob steered to the same number of experts. */
#include "core/base/text.h"
#include "core/train/trainer.h"

enum { RACE_LANES = 32, RACE_SEEDS = 16 };
/* FLOPs: of training, that is three times the forward's and every extra pass. */
enum race_budget { RACE_STEPS, RACE_FLOPS, RACE_SECONDS };
/* Over the seeds; NaN: not measured. */
struct race_range {
    double mean, min, max;
};
struct race_result {
    char lane[96];
    int seeds;
    int reached; /* runs that `enough` has ended */
    struct race_range steps, accuracy, loss, experts, rho, flops,
        speed;            /* validation; FLOPs a token, tokens a second */
    double train_flops;   /* a token of the newest step, all passes */
    const char *excluded; /* why it is compared with nobody; NULL: it is */
    bool front;           /* no other lane is at least as accurate with fewer FLOPs a token */
    /* with a target: what was turned and to what, "p=0.63" (empty: nothing could be), the runs that
     * it took on a part of the budget and on all of it */
    char steered[48];
    int pilots, trials;
};
struct race {
    struct config lane[RACE_LANES];
    int lanes;
    uint64_t seed[RACE_SEEDS];
    int seeds;
    enum race_budget kind;
    double budget; /* steps, FLOPs or seconds, for each lane and seed */
    double target; /* experts per token that each lane is steered to; 0: as they are */
    int every; /* steps between two calls of `tell`; 0: only at the start and the end of a run */
    /* Called after trainer_measure: first before the first step, then every `every` steps, last
     * with val_* filled. False stops the race. */
    bool (*tell)(void *to, const char *lane, const struct snapshot *s, bool first, bool last);
    /* Asked after every step with what it measured, and first before the first: true ends the run
     * before its budget; may be NULL. An evaluation is in it where `validates`, then only every
     * `every` steps and at the end of the budget. */
    bool (*enough)(void *to, const struct snapshot *s, bool first);
    bool validates;
    /* The same as `tell` of a run that only looks for a knob's value, every `every` steps; may be
     * NULL. */
    bool (*pilot)(void *to, const char *lane, const struct snapshot *s);
    void *to;
    double done; /* how much of all is run, 0..1, a guess while knobs are looked for; race_run */
};

/* Why a lane is compared with nobody; NULL: it is. */
const char *race_excluded(const struct config *c);
/* What its `nth` finished run (0, 1, ...) gave, with val_* filled, into a lane's result. */
void race_add(struct race_result *to, const struct config *c, const struct snapshot *now, int nth);
/* Runs it all; false: an error, or `tell` stopped it (ERR_INTERRUPTED). result: one a lane. */
bool race_run(struct race *r, struct race_result *result, struct err *e);
void race_mark(struct race_result *result, int count); /* sets `front` */
/* For people; target: as in struct race. */
void race_table(struct text *to, const struct race_result *result, int count, double target);
/* Lane by lane after how many steps `until` held, the condition behind `enough`. */
void race_tell_reached(struct text *to, const struct race_result *result, int count,
                       const char *until);
/* [mean, least, most] */
void race_range_json(struct text *to, const char *key, const struct race_range *r);
/* {"type":"race",...}; until: there was such a condition. */
void race_json(struct text *to, const struct race_result *result, int count, double target,
               bool until);
#endif
