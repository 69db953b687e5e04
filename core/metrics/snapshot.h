#ifndef CORE_METRICS_SNAPSHOT_H
#define CORE_METRICS_SNAPSHOT_H
/* All that the world may know of a training step: aggregates, and a window of tokens that stays the
 * same while the weights change (the first tokens of the validation split, routed with the weights
 * of now). Plain data, no pointer that does not last for ever (tables only). What was not measured
 * is NaN. */
#include "core/metrics/snap_kept.h"
#include "core/metrics/snap_engine.h"
#include "core/metrics/snap_gpu.h"
#include "core/metrics/snap_own.h"
#include "core/metrics/snap_probe.h"
#include "core/metrics/snap_race.h"
#include "core/metrics/snap_rule.h"
#include "core/metrics/snap_rules.h"
#include "core/router/router.h"
#include <stdint.h>

enum {
    SNAP_LAYERS = 12,
    SNAP_TOKENS = 256,
    SNAP_DETAIL = 8192,
    SNAP_MARKS = 16,
    SNAP_COUNTS = 16,
    SNAP_NEEDS = 8,
    SNAP_KINDS = 9
};

struct snap_token {
    int64_t id;
    char text[16];                  /* as people see it: "#4711", a character */
    int16_t need, kind;             /* -1: unknown */
    int8_t right;                   /* 1 every prediction right, 0 not, -1 nothing to predict */
    float loss;                     /* nat; NaN: nothing to predict */
    uint8_t count[SNAP_LAYERS];     /* real experts taken */
    uint8_t zero[SNAP_LAYERS];      /* zero-computation picks */
    uint64_t taken[SNAP_LAYERS][2]; /* columns, bit by bit */
};
/* Who takes what: by class of token (`kind`: names in kind_name, else the number), and pair by
 * pair. NaN: unknown, or no such token. */
struct snap_picks {
    int layer;                                 /* of `column` and `together` */
    float share[SNAP_KINDS];                   /* share of the tokens that are of the class */
    float right[SNAP_KINDS], loss[SNAP_KINDS]; /* share of them that is right; nat a prediction */
    float experts[SNAP_LAYERS][SNAP_KINDS];    /* experts of a token of the class, layer by layer */
    float column[SNAP_KINDS][COLUMNS_MAX]; /* share of the class's tokens that take the column */
    /* share of all tokens that take both; on the diagonal: that take the one */
    float together[EXPERTS_MAX][EXPERTS_MAX];
};
struct snap_mark {
    long step;
    char text[56];
}; /* what changed, and when */

struct snapshot {
    /* what is running */
    /* run_label: strategy and the knobs that differ from its start */
    char data[64], run_label[96];
    char badge[16]; /* where the knobs stand, see config_badge */
    const struct router *router;
    double knob[ROUTER_KNOBS];
    double setting[32]; /* in the order of enum config_item */
    struct fleet fleet;
    struct snap_rules locked;
    /* predictions: a token's items */
    int E, S, N, L, D, H, context, tokens_per_step, threads, predictions;
    bool text, paused, finished, paper;
    int model;        /* counts fresh ones: where it is another, steps begin anew */
    int undos, redos; /* changes that can be taken back, or made again */
    bool scripted;    /* a script goes on by itself */
    char backend[8], simd[8];
    uint64_t seed;
    double params;
    long step, goal;  /* goal: the step at which it will stop; -1: none */
    char notice[160]; /* newest thing a person should know; "" none */

    /* of the newest measured step; names and units in fields.c */
    double loss, accuracy, item_accuracy, experts_per_token, experts_spread, zero_compute_per_token,
        tokens_without_expert, nonfinite_tokens, dropped_pairs, load_max_over_mean, load_cv,
        dead_experts, router_entropy, count_need_rho, gate_sum, router_blind_tokens,
        flops_per_token, expert_flops_per_token, train_flops_per_token, tokens_per_s, step_ms, lr,
        bits_per_char, grad_norm, skipped_steps, tokens_seen, wall_s;
    /* of the newest evaluation */
    double val_loss, val_accuracy, val_experts_per_token, val_count_need_rho, val_bits_per_char,
        val_leak;

    double losses[ROUTER_LOSSES]; /* unweighted, in the strategy's order */
    /* the strategy's scalars (and the mean of those per token), by its order */
    double rule[ROUTER_METRICS];
    float rule_column[ROUTER_METRICS][COLUMNS_MAX]; /* per expert or column, mean over layers */
    float rule_layer[ROUTER_METRICS][SNAP_LAYERS];  /* the scalars layer by layer */
    /* picks of a column over the mean of the expert columns: 1 = fair */
    float load[SNAP_LAYERS][COLUMNS_MAX];
    float count_share[SNAP_LAYERS][SNAP_COUNTS + 1]; /* share of tokens with 0..15, 16+ experts */
    float need_share[SNAP_NEEDS + 1]; /* share of tokens by need; all NaN where unknown */
    /* mean experts, share delivered; NaN where none */
    float experts_by_need[SNAP_NEEDS + 1], right_by_need[SNAP_NEEDS + 1];
    /* names of the classes, from the data set's table; NULL: numbers */
    const char *const *kind_name;
    /* of the newest measured step, of the newest evaluation */
    struct snap_picks picks, val_picks;
    /* share of tokens whose count is equal to, above, below their need */
    double exact, wasted, shorted;

    /* the window */
    int tokens;       /* how many of `token` are filled */
    long window_step; /* the step whose weights routed it */
    struct snap_token token[SNAP_TOKENS];
    int focus, detail; /* layer of the arrays below; tokens that they hold */
    /* [detail, N] */
    float logits[SNAP_DETAIL], prob[SNAP_DETAIL], score[SNAP_DETAIL], gate[SNAP_DETAIL];
    float rule_token[ROUTER_METRICS][SNAP_TOKENS]; /* metrics per token, layer `focus` */
    struct snap_rule own;                          /* more of the strategy's own */

    struct snap_engine engine; /* what a step's time goes into, while that is looked at */
    struct snap_gpu gpu;       /* and what the device says of itself meanwhile */
    /* the newest answers to what-if questions, `asking`: another is on its way; what was typed in
     * the window's place */
    struct snap_probe probe;
    struct snap_regret regret;
    bool asking;
    struct snap_own typed;
    struct snap_race race; /* run beside the model, which rests meanwhile */

    int marks;
    struct snap_mark mark[SNAP_MARKS]; /* oldest first */

    struct snap_kept kept[SNAP_KEPT]; /* by `keep`, in the order of keeping */
};

/* ---- fields.c ---- */
/* offset of a double in struct snapshot */
struct field {
    const char *name, *unit, *help;
    size_t offset;
    bool val;
    int digits;
};
extern const struct field snapshot_fields[];
extern const int snapshot_field_count;
const struct field *field_find(const char *name, struct err *e); /* NULL: e suggests the nearest */
double field_get(const struct field *f, const struct snapshot *s);
void snapshot_clear(struct snapshot *s); /* every measure NaN, the rest 0 */
void snapshot_forget_picks(struct snap_picks *p);
void snapshot_forget_probes(struct snapshot *s);
/* How a class is called: its name, or its number; to: at least 16 bytes. Returns `to`. */
char *snapshot_kind(const struct snapshot *s, int kind, char *to);
#endif
