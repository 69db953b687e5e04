#ifndef CORE_MODEL_MOE_H
#define CORE_MODEL_MOE_H
/* The mixture-of-experts layer: routes its tokens, runs the experts that were taken, adds what they
 * say by their gates. Any number of experts a token, also none; gates need not sum to 1. */
#include "core/model/memory.h"
#include "core/model/params.h"

enum { MOE_WEIGHTS = 6 + ROUTER_ARRAYS };
struct moe_shape {
    int T, D, E, H, shared; /* most tokens, width, experts, expert width, shared experts */
    int layer, layers;
    enum kn_act act;
    double down_scale; /* standard deviation that the experts' last matrix starts with */
};
/* Shared experts: every token that can be routed takes all of them. */
struct moe_shared {
    int count, H;
    struct kn_plan plan;
    struct kn_weight up, down;
    struct kn_buf dup, ddown;       /* in the block of gradients */
    struct kn_buf pre, gate, dgate; /* rows of the plan; [T,count] */
    struct kn_ints mask;            /* [T,count] */
    int first_up, first_down;
};
struct moe {
    struct moe_shape shape;
    struct kn_backend *be;
    struct route route; /* of the newest forward */
    struct slot_run runs[4];
    int run_count;
    struct kn_plan plan;
    struct kn_weight up, down;
    struct kn_buf dup, ddown;      /* in the block of gradients */
    struct kn_buf scaled;          /* [T,D] x as experts and slots see it, where that is not x */
    struct kn_buf pre, out;        /* rows of the plan: [T*E, 2H or H], [T*E, D] */
    struct moe_shared shared, own; /* of gate 1; the strategy's, with gates from its router */
    struct kn_buf ones;            /* [T, most of the two] */
    struct kn_ints forced, reach;  /* [T,N] see moe_force; pairs that are run, see struct router */
    int first_up, first_down,
        /* places in the parameter table; extra: the strategy's own by number, -1 not there */
        extra[ROUTER_ARRAYS];
};

/* The layer's tensors, named below "model.layers.LAYER.". `knob` must outlive the layer. */
void moe_declare(struct moe *m, const struct moe_shape *shape, const struct router *r,
                 const double *knob, struct params *p);
/* Its activations. out: [T*E, D] scratch that all layers may share. Call twice, see memory.h. */
void moe_place(struct moe *m, struct memory *mem, struct kn_buf out);
/* Plans and shadows, once parameters and activations have their memory. */
bool moe_open(struct moe *m, struct params *p, struct err *e);
void moe_close(struct moe *m); /* accepts a zeroed one */
/* its weights, for kn_repack: at most MOE_WEIGHTS; returns how many */
int moe_weights(struct moe *m, struct kn_weight **to);
/* Logits travel: from `before`, the MoE layer before this one (NULL: none), or not where the
 * strategy does not ask for them. Once both have their activations. */
void moe_follow(struct moe *m, struct moe *before);
/* of the same shapes, or another choice of slots */
void moe_set_router(struct moe *m, const struct router *r);

/* y[T,D] = what the experts say to x[T,D]; 0 for a token that cannot be routed. x is borrowed until
 * moe_backward. */
void moe_forward(struct moe *m, struct kn_buf y, struct kn_buf x, int T, bool training);
/* dx[T,D] = gradient of y's use and of the router's losses (each by its coefficient / layers). */
void moe_backward(struct moe *m, struct kn_buf dx, struct kn_buf dy);

/* What-if questions: the next forwards take this mask [T,N] instead of the strategy's choice; NULL:
 * as the strategy says. Not inside a training step. */
void moe_force(struct moe *m, const int32_t *mask, int T);
/* The same with a number of real experts for every token, its best ones and no slot: counts[T], at
 * most E, or {NULL}. Borrowed. */
void moe_force_counts(struct moe *m, struct kn_ints counts);

/* m->out[E,D] = what each expert by itself says to x[E,D], expert e to row e, without its gate.
 * Mask and plan of the newest forward are lost. */
void moe_each(struct moe *m, struct kn_buf x);

double moe_expert_flops(const struct moe *m); /* of one pick of one expert, forward */
double moe_shared_flops(const struct moe *m); /* a token: all shared experts */
double moe_fixed_flops(const struct moe *m);  /* a token: router and shared experts */
int moe_rows(const struct moe *m);            /* a token's most rows in one plan */
double moe_slot_flops(const struct moe *m, const double *count, /* count[N]: picks of each column */
                      double copied); /* tokens with any copy among them */
bool moe_copies(const struct moe *m, int column);
#endif
