#ifndef CORE_TRAIN_PROBE_IN_H
#define CORE_TRAIN_PROBE_IN_H
/* What core/train/probe*.c share. */
#include "core/train/inside.h"
#include "core/train/probe.h"

enum { WIDEST = 4096 }; /* of a model: config.c */

struct probe {
    enum probe_kind kind; /* what is being answered */
    bool regret_waits;    /* asked while a token was */
    int token;            /* PROBE_TOKEN: of the window */

    /* what it was begun with; when that changes it starts over */
    bool begun;
    long step;
    int layer;
    const struct router *router;
    double knob[ROUTER_KNOBS];
    int typed, written; /* of the window */
    uint64_t number;

    /* the window as the rule routes it */
    struct batch window;
    int tokens, E, N, L;
    size_t room;    /* of base and score: L x tokens x N */
    uint8_t *base;  /* [L, tokens, N] what it takes */
    float *score;   /* [tokens, N] in the layer: what columns are ordered by */
    int32_t *mask;  /* [rows, N] what a forward is forced to */
    int rows, wide; /* room of mask: rows of `wide` columns */

    int subject[PROBE_BATCH], subjects; /* tokens asked about */
    int variants, done;                 /* of each subject; answered so far, subject by subject */
    double *nll;                        /* [subjects, variants]: sum over a token's predictions */
    size_t nlls;
    struct snap_probe answer;    /* what is already known of it */
    double x[WIDEST], w[WIDEST]; /* of one token, one column */
};

/* What every expert would say, the logits' terms, bars: of the rule's own pass, which was the
 * newest forward. */
void probe_read(struct trainer *t, struct probe *p);
/* Where scores are held against bars, p->score becomes what is above the bar: the order in which
 * the rule takes columns. */
void probe_margins(struct trainer *t, struct probe *p);
/* What the rule took for a token of the window, [N]. */
const uint8_t *probe_taken(const struct probe *p, int layer, int token);
/* Into the trainer's snapshot, once all variants are answered. */
void probe_tell_token(struct trainer *t, struct probe *p);
bool probe_tell_regret(struct trainer *t, struct probe *p, struct err *e);
#endif
