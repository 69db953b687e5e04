#ifndef CORE_METRICS_MEASURE_H
#define CORE_METRICS_MEASURE_H
/* From the arrays that a forward left to what a snapshot says. A tally is the sum over one batch (a
 * step) or many (an evaluation). Host memory is taken at open; nothing here allocates. */
#include "core/metrics/snapshot.h"
#include "core/model/model.h"

enum { TALLY_COUNTS = SNAP_LAYERS * EXPERTS_MAX + 1 };

struct tally {
    double tokens, nll, predictions,
        hits;             /* tokens measured; predictions made, their loss, how many right */
    double judged, right; /* tokens with something to predict; all of it right */
    double nonfinite, dropped, no_expert; /* the last: tokens x layers */
    double gate_sum, blind, entropy;      /* layers' means times tokens, summed over layers */
    double copied[SNAP_LAYERS];           /* tokens that took any copy */
    double squares[SNAP_LAYERS];          /* of the tokens' experts */
    double picks[SNAP_LAYERS][COLUMNS_MAX], share[SNAP_LAYERS][SNAP_COUNTS + 1];
    double joint[SNAP_NEEDS + 1][TALLY_COUNTS]; /* tokens by need and experts over all layers */
    double right_by_need[SNAP_NEEDS + 1];
    int layer; /* of `column` and `together`: set before the first measure_add */
    double kinds[SNAP_KINDS], kind_judged[SNAP_KINDS], kind_right[SNAP_KINDS],
        kind_asked[SNAP_KINDS], kind_nll[SNAP_KINDS]; /* tokens of a class, and as above */
    double experts[SNAP_LAYERS][SNAP_KINDS], column[SNAP_KINDS][COLUMNS_MAX];
    double together[EXPERTS_MAX][EXPERTS_MAX];
};

struct measure; /* host copies of one batch */
struct measure *measure_open(const struct model *m, struct err *e);
void measure_close(struct measure *h); /* accepts NULL */

/* Adds the first `rows` tokens of the newest forward of b (after model_loss) to the tally. */
void measure_add(struct measure *h, struct tally *to, struct model *m, const struct batch *b,
                 int rows);
/* Everything of a step that a tally holds. */
void measure_step(const struct tally *y, const struct model *m, struct snapshot *to);
/* The val_* fields and val_picks. */
void measure_val(const struct tally *y, const struct model *m, struct snapshot *to);
/* The strategy's losses and metrics of the newest forward. */
void measure_rule(struct measure *h, struct model *m, struct snapshot *to);
/* The window: the tokens of the newest forward of b one by one; arrays of layer `focus`. */
void measure_window(struct measure *h, struct model *m, const struct dataset *d,
                    const struct batch *b, int focus, struct snapshot *to);

double measure_rho(const struct tally *y, bool need_known); /* Spearman with average ranks */
#endif
