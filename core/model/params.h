#ifndef CORE_MODEL_PARAMS_H
#define CORE_MODEL_PARAMS_H
/* The parameter table: every trained tensor by name, in one block of weights with one block each
 * for gradients and the two moments of AdamW. Checkpoints, the gradient test and `inspect` walk it.
 * Names are those of Hugging Face's Mixtral where it has them, so that a top-k text model can be
 * read there. */
#include "core/base/err.h"
#include "core/router/router.h"

enum { PARAM_NAME = 96, PARAM_DIMS = 4 };

struct param {
    char name[PARAM_NAME];
    int dims, shape[PARAM_DIMS];
    size_t size, first; /* how many numbers, and where in the blocks */
    bool decay;         /* weight decay: matrices yes; routers, gains and biases no */
    bool joined;        /* stands right behind the one before it, so that several make one stack */
    /* not for the model's optimiser: something else trains it, with these moments */
    bool apart;
    enum router_start start;
    double scale; /* START_NORMAL: standard deviation */
};

struct params {
    struct kn_backend *be;
    struct kn_buf w, g, m, v; /* [size] each: weights, gradients, first and second moment */
    size_t size, decayed, trained,
        count_of_numbers; /* block size with its gaps; the first `decayed` decay, those from `trained`
                             on are apart; without gaps */
    int count, room;
    bool failed; /* params_add ran out of memory: params_open says so */
    struct param *list;
};

/* Adds a tensor whose shape ends with 0 or after four; returns its place in `list`. */
int params_add(struct params *p, struct param what);
/* Gives every tensor its place and takes the four blocks. */
bool params_open(struct params *p, struct kn_backend *be, struct err *e);
void params_close(struct params *p); /* accepts a zeroed one */
/* Draws every tensor's start. Each has its own stream by its name and is drawn row by row, so that
 * the shape of one never moves another. Moments and gradients become 0. */
bool params_start(struct params *p, uint64_t seed, struct err *e);
/* Rows first..first+rows-1 of tensor i drawn anew by another seed; their moments become 0. */
bool params_redraw(struct params *p, int i, int first, int rows, uint64_t seed, struct err *e);
/* Weights and moments of every tensor that both have in the same shape. Of the gates
 * (".gate.weight"), whatever their rows: the first E; rows of slots
 * start as the mean of those plus what params_start drew or, `cycle`, as copies of those, from
 * the first. `routers`: also the strategies' own
 * tensors (".router."), right where both are of the same strategy. */
bool params_take(struct params *to, const struct params *from, int E, bool routers, bool cycle,
                 struct err *e);
const struct param *params_find(const struct params *p, const char *name); /* NULL: none */
/* tensor i in w, g, m or v */
struct kn_buf params_at(const struct params *p, struct kn_buf block, int i);
#endif
