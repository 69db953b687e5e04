#ifndef CORE_METRICS_SNAP_PROBE_H
#define CORE_METRICS_SNAP_PROBE_H
/* Answers to what-if questions: what one token would lose with other experts, what a better spread
 * of the same experts would gain, and the numbers behind one choice. Part of the snapshot: plain
 * data. What was not asked or has no answer is NaN. Losses are nat a prediction. */
#include "core/router/router.h"
#include <stdbool.h>

enum { PROBE_TERMS = 4, PROBE_COLUMNS = 12, PROBE_BATCH = 64 };

/* How one column came to its number, by what was read back from the model. */
struct snap_column {
    int16_t column;
    int16_t at[PROBE_TERMS]; /* the largest terms of its dot product, largest first: x[at] w[at] */
    float x[PROBE_TERMS], w[PROBE_TERMS];
    float dot, length; /* all terms added up; |w|. NaN: w does not meet x itself */
};

/* One token in one layer. Everywhere else the rule goes on as it does. */
struct snap_probe {
    long step;  /* made when it was asked: these weights answered; -1: nothing was asked */
    bool stale; /* something was changed by hand since, at this very step */
    int token, layer, E, N;
    int64_t id;
    const struct router *router;
    uint64_t taken[2];           /* what the rule took, bit by bit */
    float loss;                  /* with what the rule took */
    float with[EXPERTS_MAX + 1]; /* with its 0, 1, 2 … E best experts */
    /* with one pick changed: without a column that was taken, with one that was not */
    float other[COLUMNS_MAX];
    float logit[COLUMNS_MAX], prob[COLUMNS_MAX], score[COLUMNS_MAX], gate[COLUMNS_MAX];
    float bar[COLUMNS_MAX];  /* the score that it must pass, of rules with such thresholds */
    float said[EXPERTS_MAX]; /* |what the expert says to the token|, taken or not */
    float sum; /* |gates times what was said|: experts that were taken; no slots, none shared */
    float stream,
        x;       /* |the token's stream before the experts|, |its normed form, the router's x| */
    int columns; /* filled below: the best by score */
    struct snap_column column[PROBE_COLUMNS];
};
void snap_probe_clear(struct snap_probe *p); /* nothing asked, nothing known */

/* The layer's choices for a batch of tokens, held against the best that could be done with as many
 * experts in all; see core/train/probe.h. */
struct snap_regret {
    long step;  /* as above */
    bool stale; /* as above */
    int layer, tokens;
    double experts;          /* a token, by the rule: the budget of all three */
    double rule, best, even; /* loss: the rule's choice; the oracle's; as many for every token */
    double regret;           /* rule - best */
    double agree;            /* share of tokens to which rule and oracle give as many */
};
#endif
