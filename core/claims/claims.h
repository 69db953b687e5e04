#ifndef CORE_CLAIMS_CLAIMS_H
#define CORE_CLAIMS_CLAIMS_H
/* What each method's paper reports, and whether the smallest honest experiment shows it here and
 * now. A claim is an entry of the table in table.c; its verdict is computed from the run. */
#include "core/base/text.h"
#include "core/train/race.h"

enum {
    CLAIM_LANES = 4,
    CLAIM_ASKS = 3,
    CLAIM_SHOWN = 4,
    CLAIM_VALUES = CLAIM_LANES * (2 * CLAIM_ASKS + CLAIM_SHOWN)
};

struct claim {
    const char *strategy, *says; /* of whom; what is claimed, in one sentence */
    const char *figure, *setting,
        *source;                   /* as reported; of which model and data; where it stands */
    const char *data;              /* the experiment: a data set that may not be here .. */
    int steps;                     /* 0: the data set's own .. */
    const char *lane[CLAIM_LANES]; /* and lanes a, b, c, d: "topp entropy=0.15" */
    /* All of it must hold, with every seed: conditions as expect_read takes them. Lanes that
     * no condition names are there to be looked at. */
    const char *asks[CLAIM_ASKS];
    const char *shown[CLAIM_SHOWN]; /* fields of every lane that are told beside those asked */
    const char *missing;            /* what it would take, where something is not here; else NULL */
};
const struct claim *claim_at(int i); /* the table; NULL past the end */

enum claim_verdict { CLAIM_SHOWS, CLAIM_DOES_NOT, CLAIM_CANNOT };
const char *claim_verdict_name(enum claim_verdict v);

/* A field of a lane, "a.val_accuracy", seed by seed. NaN: not measured. */
struct claim_value {
    char name[64];
    double at[RACE_SEEDS];
};
struct claim_result {
    const struct claim *claim;
    uint64_t seed[RACE_SEEDS];
    int seeds;
    long steps;                  /* of a lane; 0: nothing was run */
    char label[CLAIM_LANES][96]; /* the lanes as they ran */
    struct claim_value value[CLAIM_VALUES];
    int values;
    int held[CLAIM_ASKS]; /* with how many seeds a condition held */
    enum claim_verdict verdict;
    char why[240]; /* a sentence */
};
struct race_range claim_range(const struct claim_result *r, int value);
/* The run that a lane names. */
bool claim_lane(const struct claim *c, int lane, struct config *to, struct err *e);
/* verdict, held and why, from the values. */
void claim_judge(struct claim_result *r);

struct claims {
    const struct claim *claim[64]; /* which */
    int count;
    uint64_t seed[RACE_SEEDS];
    int seeds;
    int steps;                    /* of every lane; 0: as the claims say */
    const struct config *machine; /* its backend, simd and threads are used */
    /* Of each claim when it is judged; false stops. */
    bool (*tell)(void *to, const struct claim_result *r);
    /* While a lane runs; may be NULL; false stops. */
    bool (*progress)(void *to, const char *lane, const struct snapshot *s);
    void *to;
    double done; /* how much of all is run, 0..1, a guess */
};
/* Runs every lane once, however many claims name it. */
bool claims_run(struct claims *c, struct err *e);
void claim_text(struct text *to, const struct claim_result *r); /* for people */
void claim_json(struct text *to, const struct claim_result *r); /* {"type":"claim",...} */
#endif
