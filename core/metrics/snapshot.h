#ifndef CORE_METRICS_SNAPSHOT_H
#define CORE_METRICS_SNAPSHOT_H
/* All that the world may know of a training step: aggregates, and a window of tokens that stays the same while the
 * weights change (the first tokens of the validation split, routed with the weights of now). Plain data, no pointer
 * that does not last for ever (tables only). What was not measured is NaN. */
#include "core/router/router.h"
#include <stdint.h>

enum { SNAP_LAYERS = 12, SNAP_TOKENS = 256, SNAP_DETAIL = 8192, SNAP_MARKS = 16, SNAP_COUNTS = 16, SNAP_NEEDS = 8 };

struct snap_token {
    int64_t id;
    char text[16];                     /* as people see it: "#4711", a character */
    int16_t need, kind;                /* -1: unknown */
    int8_t right;                      /* 1 every prediction right, 0 not, -1 nothing to predict */
    float loss;                        /* nat; NaN: nothing to predict */
    uint8_t count[SNAP_LAYERS];        /* real experts taken */
    uint8_t zero[SNAP_LAYERS];         /* zero-computation picks */
    uint64_t taken[SNAP_LAYERS][2];    /* columns, bit by bit */
};
struct snap_mark { long step; char text[56]; }; /* what changed, and when */

struct snapshot {
    /* what is running */
    char data[64], run_label[96];      /* run_label: strategy and the knobs that differ from its start */
    const struct router *router;
    double knob[ROUTER_KNOBS];
    double setting[32];                /* in the order of enum config_item */
    int E, S, N, L, D, H, context, tokens_per_step, threads, predictions; /* predictions: a token's items */
    bool text, paused, finished, paper;
    char backend[8], simd[8];
    uint64_t seed;
    double params;
    long step, goal;                   /* goal: the step at which it will stop; -1: none */
    char notice[160];                  /* newest thing a person should know; "" none */

    /* of the newest measured step; names and units in fields.c */
    double loss, accuracy, item_accuracy, experts_per_token, zero_compute_per_token, tokens_without_expert, nonfinite_tokens,
        dropped_pairs, load_max_over_mean, load_cv, dead_experts, router_entropy, count_need_rho, gate_sum,
        router_blind_tokens, flops_per_token, expert_flops_per_token, tokens_per_s, step_ms, lr, bits_per_char, grad_norm,
        skipped_steps, tokens_seen, wall_s;
    /* of the newest evaluation */
    double val_loss, val_accuracy, val_experts_per_token, val_count_need_rho, val_bits_per_char;

    double losses[ROUTER_LOSSES];      /* unweighted, in the strategy's order */
    double rule[ROUTER_METRICS];       /* the strategy's scalars (and the mean of those per token), by its order */
    float rule_column[ROUTER_METRICS][COLUMNS_MAX]; /* per expert or column, mean over layers */
    float rule_layer[ROUTER_METRICS][SNAP_LAYERS]; /* the scalars layer by layer */
    float load[SNAP_LAYERS][COLUMNS_MAX];  /* picks of a column over the mean of the expert columns: 1 = fair */
    float count_share[SNAP_LAYERS][SNAP_COUNTS + 1]; /* share of tokens with 0..15, 16+ experts */
    float need_share[SNAP_NEEDS + 1];      /* share of tokens by need; all NaN where unknown */
    float experts_by_need[SNAP_NEEDS + 1], right_by_need[SNAP_NEEDS + 1]; /* mean experts, share delivered; NaN where none */
    double exact, wasted, shorted;         /* share of tokens whose count is equal to, above, below their need */

    /* the window */
    int tokens;                        /* how many of `token` are filled */
    long window_step;                  /* the step whose weights routed it */
    struct snap_token token[SNAP_TOKENS];
    int focus, detail;                 /* layer of the arrays below; tokens that they hold */
    float logits[SNAP_DETAIL], prob[SNAP_DETAIL], score[SNAP_DETAIL], gate[SNAP_DETAIL]; /* [detail, N] */
    float rule_token[ROUTER_METRICS][SNAP_TOKENS]; /* metrics per token, layer `focus` */

    int marks;
    struct snap_mark mark[SNAP_MARKS]; /* oldest first */
};

/* ---- fields.c ---- */
struct field { const char *name, *unit, *help; size_t offset; bool val; int digits; }; /* offset of a double in struct snapshot */
extern const struct field snapshot_fields[];
extern const int snapshot_field_count;
const struct field *field_find(const char *name, struct err *e); /* NULL: e suggests the nearest */
double field_get(const struct field *f, const struct snapshot *s);
void snapshot_clear(struct snapshot *s); /* every measure NaN, the rest 0 */
#endif
