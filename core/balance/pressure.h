#ifndef CORE_BALANCE_PRESSURE_H
#define CORE_BALANCE_PRESSURE_H
/* A pressure is a loss on the router alone: its value, and its gradient into dprob or dlogits of a
 * route. One file and one line of pressures.c each. */
#include "core/router/router.h"

struct pressure {
    const char *name, *title, *paper, *formula;
    bool side;      /* of the side logits, which may be detached from x */
    unsigned needs; /* of enum router_needs: without it the loss is not known and does nothing */
    void (*loss)(struct route *r, struct kn_buf to); /* to[0] = its value, unweighted */
    /* adds coefficient (x r->factor) x gradient to r->dprob, r->dlogits or r->dparam */
    void (*back)(struct route *r, double coefficient);
    /* where the softmax sees something else (router.scaled): to dlogits of the logits themselves */
    bool on_logits;
    bool estimated; /* that is an estimate, passed on through picks */
};
const struct pressure *pressure_at(int i); /* the table; NULL past the end */
const struct pressure *pressure_find(const char *name);
/* NULL past the last of its losses */
const struct pressure *pressure_of(const struct router *r, int loss);
#endif
