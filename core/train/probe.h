#ifndef CORE_TRAIN_PROBE_H
#define CORE_TRAIN_PROBE_H
/* What-if questions to a trainer, about the tokens of the window and the layer looked at. They are
 * answered between two steps, with forced experts and without gradient, and leave no trace in the
 * training. An answer comes in pieces of some ten milliseconds; while pieces are left no step
 * should be made, or the question starts over with the new weights. The answer stands in the
 * snapshots from then on, with the step that it is of. */
#include "core/train/trainer.h"

/* One token: its loss as the rule routes it, with its 0 .. E best experts (by score; where each has
 * a bar of its own, by score less bar), and with one
 * pick changed, column by column. Slots that the rule took stay with other counts; a gate is what the rule gives for
 * the picks that are forced (so a ReLU that is shut adds nothing). Other layers route by the rule
 * what then reaches them; of rules that see other tokens (SEES_FUTURE) they keep their picks. */
bool probe_token(struct trainer *t, int token, struct err *e);

/* Regret, over PROBE_BATCH tokens spread evenly over the window (fewer where the model is large). The loss of every token i
 * with its n best experts, L_i(n), is measured for n = 0 .. E. The oracle has as many experts in
 * all as the rule spent on these tokens and places them where they help most: it finds, exactly
 * (dynamic programming, not step by step), the n_i with sum n_i <= budget and the least sum of
 * L_i(n_i). regret = the rule's loss - the oracle's.
 * What it bounds: no rule that takes a token's experts in this order, in this layer and from this
 * budget, can do better on these tokens; a rule that picks other experts than the best can (then
 * regret may be below 0), and so can a layer whose other tokens change as well: in text each token
 * is asked with everything before it left as the rule routes it. Of rules that gate by ReLU the
 * oracle cannot open what is shut (its gate is 0), so their regret says only whether what is open
 * is used well. */
bool probe_regret(struct trainer *t, struct err *e);

/* What is being answered: pieces are left. */
enum probe_kind { PROBE_NOTHING, PROBE_TOKEN, PROBE_REGRET };
enum probe_kind probe_busy(const struct trainer *t);
/* One piece. False: the backend failed. Nothing to do is fine. */
bool probe_piece(struct trainer *t, struct err *e);

/* The oracle's spread: loss[tokens][E + 1] (a row a token, NaN counts as never better), most experts
 * in all. Writes the count of each token; returns the least sum, NaN where there is no memory. */
double probe_spread(const double *loss, int tokens, int E, int budget, int *count);
#endif
