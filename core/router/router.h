#ifndef CORE_ROUTER_ROUTER_H
#define CORE_ROUTER_ROUTER_H
/* What a routing strategy is, and the arrays that one layer's routing of one batch leaves. A
 * strategy is one file and one line of the table in routers.c, written once against kernels/ops.h.
 * Its work is cut where the arrays are: x -> logits -> prob, score -> mask -> gate. route.c runs
 * the parts in order, so that forced counts, forced experts, given logits, capacity and all losses
 * work for every strategy alike. */
#include "core/base/err.h"
#include "core/base/option.h"
#include "core/base/rng.h"
#include "core/router/fleet.h"
#include "kernels/ops.h"

enum {
    ROUTER_KNOBS = 20,
    ROUTER_ARRAYS = 8,
    ROUTER_LOSSES = 6,
    ROUTER_METRICS = 12,
    COLUMNS_MAX = KN_COLUMNS,
    EXPERTS_MAX = 64
};

enum router_family {
    FAMILY_RANK,
    FAMILY_THRESHOLD,
    FAMILY_LEARNED_COUNT,
    FAMILY_NULL,
    FAMILY_BASELINE
};
enum router_needs {
    NEEDS_PREV_LOGITS = 1,
    NEEDS_SEQUENCES = 2,
    NEEDS_BASELINE_PASS = 4,
    NEEDS_NOISE = 8,
    /* a token's experts depend on later tokens: its losses are not comparable, it cannot write text */
    SEES_FUTURE = 16
};
enum slot_kind { SLOT_ZERO, SLOT_COPY, SLOT_CONSTANT };

/* Sizes that are known only when a model is: 0 ends a shape. */
enum router_dim {
    DIM_END,
    DIM_1,
    DIM_2,
    DIM_4,
    DIM_E,
    DIM_S,
    DIM_N,
    DIM_D,
    DIM_HIDDEN /* 8 N */,
    DIM_IN /* of params: what w multiplies, D or DIM_HIDDEN */,
    DIM_KNOB /* of params: the value of knob number `knob` */
};
enum router_start {
    START_ZERO,
    START_ONE,
    START_NORMAL /* N(0, scale^2) */,
    START_ORTHOGONAL,
    START_VALUE,      /* `scale` */
    START_KNOB,       /* the value of knob number `knob` */
    START_LN_KNOB,    /* its ln */
    START_FIRST_KNOB, /* 1 in the first so many places as it says, else 0 */
};
struct router_array {
    const char *name;
    enum router_dim shape[3];
    enum router_start start;
    double scale;
    int knob;
    /* Of params: */
    const char *only; /* there only where this knob is not 0; NULL: always */
    bool later;       /* not in the first of the MoE layers */
    bool matrix;      /* multiplies rows: route.matrix holds its weight */
    bool spoken;      /* for what slots say: no gate depends on it */
    bool apart;       /* `learn` trains it, not the model's optimiser */
};

enum metric_kind {
    METRIC_SCALAR,
    METRIC_PER_EXPERT,
    METRIC_PER_COLUMN,
    METRIC_PER_TOKEN,
    METRIC_PER_TOKEN_COLUMN,
    METRIC_PER_LAYER /* a scalar that is also shown layer by layer */
};
struct router_metric {
    const char *name, *unit, *help;
    enum metric_kind kind;
};

/* A run of zero-computation columns: `count` of one kind, as people call them. */
struct slot_run {
    enum slot_kind kind;
    int count;
    const char *label;
};

/* What a strategy wants of a training step (struct router, phase). */
enum route_phase {
    PHASE_PLAIN = 1,    /* every token takes as many experts as in the baseline pass */
    PHASE_BASELINE = 2, /* that pass is made, without gradient */
    PHASE_LEARN = 4,    /* `learn` is called */
};

struct route;      /* below */
struct route_host; /* host.h */
struct pressure;   /* core/balance/pressure.h */
/* A knob that moves the number of experts a token takes: up with its value, or down (`fewer`). */
struct router_steer {
    const char *knob;
    bool fewer;
};
/* Its name, and the knob that is its coefficient; what may be NULL: `late`, a knob that this is
 * multiplied by in the second half of the budget; `state`, the state [1] that is the coefficient
 * where there is no knob or it is 0; `form`, its entry of core/balance where that is not of its
 * name. */
struct router_loss {
    const char *pressure, *knob, *late, *state, *form;
};

struct router {
    const char *name, *title, *paper; /* paper: authors, year, arXiv id */
    const char *rule;                 /* the rule in one line of plain words */
    const char *formula;              /* the rule as a formula, UTF-8 */
    /* what a run that switches to it is to expect; NULL: nothing out of the way */
    const char *arrival;
    enum router_family family;
    unsigned needs;
    /* prob is softmax(logits / temperature): route.c turns dprob into dlogits */
    bool softmax;
    int temperature; /* 1 + index of the knob that divides the logits; 0: none */
    /* 1 + index of the knob that multiplies what experts and slots see; 0: none */
    int input_scale;
    /* 1 + index of the knob that, where not 0, puts 8 N hidden units before w; 0: none */
    int hidden;
    /* a new slot's row of w starts as expert row j mod E; else as their mean and noise */
    bool slots_cycle;
    /* a token's columns have an order of score: forced counts make sense */
    bool ordered;
    struct router_steer steer[2];      /* what to turn for a given number of experts, best first */
    struct option knobs[ROUTER_KNOBS]; /* ends with .name NULL */
    struct router_array params[ROUTER_ARRAYS]; /* trained; the first is `w` */
    struct router_array state[ROUTER_ARRAYS];  /* outside the gradient; saved, resumed, shown */
    /* scratch of the strategy, [T, shape], from forward to backward or within after_step */
    struct router_array kept[ROUTER_ARRAYS];
    struct router_loss losses[ROUTER_LOSSES];
    struct router_metric metrics[ROUTER_METRICS];
    /* NULL: none; returns how many runs */
    int (*slots)(const double *knob, int E, struct slot_run runs[4]);
    /* Logits beside the columns' own, [T,M]: x params[1]ᵀ, M its rows. NULL: none. What they mean
     * is the strategy's. */
    const char *side;
    bool side_detached; /* they teach params[1] and never x */
    /* NULL: none. Shared experts of its own, one a side logit; side_gate are their gates. width:
     * their part of H. */
    int (*shared)(const double *knob, double *width);
    /* Strategies that learn from what their choice was worth (NEEDS_BASELINE_PASS); all NULL: no.
     * baseline: experts of every token in the pass that rewards are held against. phase: of a step,
     * `age` of them after the strategy came (`alone`: the model rests). learn: once a step that
     * asks for it, after the loss; r is as the forward left it; moves the params that are `apart`,
     * and returns how many updates that took. */
    int (*baseline)(const double *knob);
    unsigned (*phase)(const double *knob, long age, bool alone);
    int (*learn)(struct route *r, unsigned phase);
    void (*logits)(struct route *r);      /* NULL: logits = x wᵀ */
    void (*logits_back)(struct route *r); /* NULL: dx += dlogits w, dw += dlogitsᵀ x */
    /* of the logits of one token, forward; NULL: 2 D N */
    double (*flops)(const struct route *r);
    /* What the softmax sees of the logits, in memory of the strategy's; NULL: the logits. Back:
     * dlogits in place. */
    struct kn_buf (*scaled)(struct route *r);
    void (*scaled_back)(struct route *r);
    /* logits -> prob, score; NULL with softmax: prob = softmax, score = prob */
    void (*score)(struct route *r);
    void (*select)(struct route *r); /* score -> mask (valid rows only) */
    void (*weigh)(struct route *r);  /* mask -> gate */
    void (*load)(struct route *r);   /* mask -> load; NULL: kn_column_load */
    void (*drop)(struct route *r, double capacity, bool by_position); /* NULL: kn_capacity_drop */
    void (*backward)(struct route *r); /* dgate -> dlogits (overwritten), may add to dprob */
    /* dprob -> dlogits (added), dparam; NULL: through the softmax, if it is one */
    void (*score_back)(struct route *r);
    /* is the gates' gradient an estimate, not their derivative? NULL: no */
    bool (*estimated)(const double *knob);
    /* thresholds, of strategies whose scores meet some */
    struct kn_over (*bars)(const struct route *r);
    /* Do gates of experts not taken want a gradient in training too? Then all experts are run
     * there. NULL: no. */
    bool (*reach)(const double *knob);
    void (*after_step)(struct route *r); /* NULL: no state. Moves state, once per optimiser step */
    /* what metrics need of x and params: up to COLUMNS_MAX numbers; NULL: nothing */
    void (*look)(struct route *r, double *to);
    /* NULL: no metrics of its own */
    void (*measure)(const struct route_host *h, int metric, double *to);
    /* Is token t's task gradient on all logits 0 by construction? NULL: only where nothing is
     * taken. */
    bool (*blind)(const struct route_host *h, int t);
    /* NULL: any is fine. A sentence of warning (true) or refusal (false) for a combination of knob
     * values. */
    bool (*check)(const double *knob, int E, char *say, int size);
};

/* Added to a score, it stands behind all others. */
#define FLEET_AWAY -1e4

/* What choices were worth, and what learning from it needs. [T] each unless said. */
enum { LEARN_TOLD = 4 };
struct route_learning {
    /* log-probability of a token's targets: as chosen; in the baseline pass */
    struct kn_buf reward, baseline;
    struct kn_buf old, advantage; /* log-probability of the choices when they were made */
    /* ones; [M]; [LEARN_TOLD] what the newest learning leaves for metrics */
    struct kn_buf one, row, told;
    /* counts taken; counts to imitate; [T,M] the counts that there are */
    struct kn_ints choice, label, open;
    long updates;              /* made before */
    bool rewarded, remembered; /* reward and baseline are of this forward; old is known */
};

/* One layer's routing of one batch. The owner (the MoE layer, or the route command) gives the
 * memory. */
struct route {
    struct kn_backend *be;
    const struct router *router;
    const double *knob;   /* values in the order of router->knobs */
    int T, D, E, S, N, M; /* M: side logits */
    int layer, layers;    /* this MoE layer, 0-based, of how many */
    bool training;
    bool late; /* the second half of the budget */

    uint64_t seed; /* with `draw` (the step) it makes what this forward draws */
    uint32_t draw;
    /* NEEDS_NOISE: [T*(D+2N)] numbers; [T,D] x as the router sees it */
    struct kn_buf noise, seen;

    /* [T,D]; .at NULL: logits are given / no gradient wanted. dx is ADDED to */
    struct kn_buf x, dx;
    /* tokens of a sequence, one behind the other; 0: tokens are independent */
    int context;
    struct kn_weight w; /* [N,D]: params[0] */
    struct kn_buf param[ROUTER_ARRAYS], dparam[ROUTER_ARRAYS], state[ROUTER_ARRAYS];
    struct kn_weight matrix[ROUTER_ARRAYS]; /* params marked so, but w */
    struct kn_buf kept[ROUTER_ARRAYS];
    /* NEEDS_PREV_LOGITS. [T,N]: logits of the MoE layer before and where their gradient goes
     * (overwritten); gradient on these logits from the layer behind. .at NULL: there is none. */
    struct kn_buf prev, dprev, dabove;
    struct kn_ints padding; /* [T] 1 = real; NULL .at: all real */
    struct kn_ints counts;  /* [T] forced counts; NULL .at: the strategy decides */
    bool counts_real;       /* they are of experts, slots left out; false: of picks */
    struct kn_ints answers; /* [T] 1 = a token that answers; NULL .at: unknown */
    struct kn_ints forced;  /* [T,N] forced mask; NULL .at: the strategy decides */
    /* [T] tokens in order, those of one text by one number; NULL .at: no order */
    struct kn_ints document;
    const struct route *before; /* the MoE layer before this one; NULL: none */
    /* Columns off the fleet, by their bits; [T,N] (and so [N]) 1 or 0, and [N] 0 or FLEET_AWAY for
     * them. .at NULL: all work. */
    uint64_t off;
    struct kn_buf on, away;

    struct kn_buf logits, prob, score, gate; /* [T,N] */
    /* [T,N], [T]; [T,N] scratch for weigh and backward: some of mask */
    struct kn_ints mask, valid, part;
    struct kn_ints bad, side_bad, dropped; /* [1] */
    bool limited; /* the newest pass had a capacity: dropped is its count, not the 0 of the start */
    struct kn_buf side, side_gate, dside, dside_gate; /* [T,M] */
    struct route_learning learning;                   /* router->learn only */
    /* [N] fractions f before dropping (kn_column_load), for the losses */
    struct kn_buf load;
    struct kn_buf loss[ROUTER_LOSSES];   /* [1] each, unweighted */
    struct kn_buf dgate, dprob, dlogits; /* [T,N] */
    /* [1] a pressure's coefficient is also times this; NULL .at: 1 */
    struct kn_buf factor;
    /* the experts' tensors with their moments, for after_step; .size 0: none */
    struct kn_stack expert[2];
    struct kn_buf m[ROUTER_ARRAYS], v[ROUTER_ARRAYS]; /* moments of param; .at NULL: none */
};

const struct router *router_at(int i); /* the table; NULL past the end */
int router_count(void);
/* NULL: e suggests the nearest */
const struct router *router_find(const char *name, struct err *e);
int router_knob(const struct router *r, const char *name); /* index, or -1 */
/* S in all */
int router_slots(const struct router *r, const double *knob, int E, struct slot_run runs[4],
                 int *run_count);
/* returns how many dimensions */
int router_array_shape(const struct router_array *a, int E, int S, int D, int shape[3]);
int router_array_size(const struct router_array *a, int E, int S, int D);
/* The start of element i of an array; false: it is drawn at random. */
bool router_array_start(const struct router_array *a, const double *knob, size_t i, double *to);
/* A strategy's param i as it is in this layer: how many dimensions; its size, 0 where it is not
 * there. */
int route_param_shape(const struct route *r, int i, int shape[3]);
int route_param_size(const struct route *r, int i);
int route_side(const struct route *r); /* M */
/* w (where x is used) and the weights of .matrix; false: no memory */
bool route_matrices_open(struct route *r);
void route_matrices_close(struct route *r);
/* for kn_repack: at most ROUTER_ARRAYS; how many */
int route_matrices(struct route *r, struct kn_weight **to);
size_t route_kept_size(const struct route *r, int i, int T); /* 0 past the end */
/* Knob values that nobody named (bits of `named` are 0) brought to where E experts allow them. */
void router_fit(const struct router *r, unsigned named, int E, double *knob);
void router_starts(const struct router *r, int E, bool paper, double *knob);
/* All of a strategy's knob values against their ranges and each other; k > E says so with the
 * range. True: e->code is ERR_NONE, and e->text is a warning or empty. */
bool router_check(const struct router *r, const double *knob, int E, struct err *e);

/* ---- route.c: the parts in order ---- */
/* logits (unless x.at is NULL), cleaning, score, selection (or forced counts or experts), gates,
 * capacity. */
void route_forward(struct route *r);
/* r->loss[i], unweighted, means over valid rows; nothing where not training */
void route_losses(struct route *r);
/* logits (and side logits) of x, as every strategy makes them unless it has its own way; and back:
 * dx is ADDED to. */
void route_linear(struct route *r, struct kn_buf x);
void route_linear_back(struct route *r, struct kn_buf dx, struct kn_buf x);
/* The first n numbers of r->noise, drawn by seed, step, layer and `purpose`. */
void route_draw(struct route *r, int purpose, size_t n);
/* dgate in; dlogits, dparam (added), dx (added) out. `share`: what the losses' coefficients are
 * multiplied by (1/layers); task false: dgate is taken as 0. */
void route_backward(struct route *r, double share, bool task);
/* the value of its knob; 0 where it has none, 1 where its state is one */
double route_coefficient(const struct route *r, int loss);
/* What the loss is multiplied by now, state and all, of one layer; NaN: no knob and no state says.
 * Reads from the backend. */
double route_weight(const struct route *r, int loss);
/* false: it needs an order of tokens, and there is none */
bool route_loss_known(const struct route *r, int loss);
/* The same with the weight of each loss given (NULL: no loss), whether training or not. */
void route_backward_by(struct route *r, const double weight[ROUTER_LOSSES], bool task);
/* its value; `other` where there is no such knob */
double route_knob(const struct route *r, const char *name, double other);
/* router->reach, false where NULL */
bool route_reaches(const struct router *router, const double *knob);
/* what the softmax multiplies logits by: 1 / temperature */
double route_sharpness(const struct route *r);
/* What a token's columns are ordered by: score; where that is a plain softmax, logits, which order
 * alike and do not underflow. */
struct kn_buf route_order(const struct route *r);
#endif
