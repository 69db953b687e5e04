/* core/metrics/fields.c - What is measured, by name: `show`, --json, lessons' conditions and help
 * come from this table. */
#include "core/metrics/snapshot.h"

#include <stdio.h>
#include <string.h>

#define FIELD(member, unit, digits, help)                                                          \
    {                                                                                              \
#member, unit, help, offsetof(struct snapshot, member), false, digits                      \
    }
#define VAL(member, unit, digits, help)                                                            \
    {                                                                                              \
#member, unit, help, offsetof(struct snapshot, member), true, digits                       \
    }
const struct field snapshot_fields[] = {
    FIELD(loss, "nat", 3, "cross-entropy of the predictions of the step"),
    FIELD(accuracy, "share", 3,
          "predictions right; of orders: all items right, the order is delivered intact"),
    FIELD(item_accuracy, "share", 3, "predictions right, item by item"),
    FIELD(bits_per_char, "bit", 3, "loss of a byte of text in bits"),
    FIELD(experts_per_token, "experts", 2,
          "experts that did work, mean over tokens and layers; shared ones not counted"),
    FIELD(experts_spread, "experts", 2,
          "how far tokens differ in their experts: standard deviation, mean over layers"),
    FIELD(zero_compute_per_token, "picks", 2,
          "picks of slots that compute nothing, mean over tokens and layers"),
    FIELD(tokens_without_expert, "share", 3, "tokens that no expert served, mean over layers"),
    FIELD(nonfinite_tokens, "tokens", 0,
          "tokens whose router gave a number that is not finite, all layers"),
    FIELD(dropped_pairs, "picks", 0, "picks dropped because an expert was full, all layers"),
    FIELD(load_max_over_mean, "", 2,
          "picks of the busiest expert over the mean, worst layer; 1 is fair"),
    FIELD(load_cv, "", 2,
          "spread of the experts' picks: standard deviation over mean, worst layer"),
    FIELD(dead_experts, "experts", 0, "experts that no token of the step took, worst layer"),
    FIELD(router_entropy, "nat", 3, "how undecided the router is, mean over tokens and layers"),
    FIELD(gate_sum, "", 3, "sum of a token's gates, mean over tokens and layers"),
    FIELD(router_blind_tokens, "share", 3,
          "tokens whose router learns nothing from the task: one normalised pick, or none"),
    FIELD(count_need_rho, "", 2, "Spearman correlation of a token's experts with its known need"),
    FIELD(exact, "share", 3, "tokens with just as many experts as they need"),
    FIELD(wasted, "share", 3, "tokens with more experts than they need"),
    FIELD(shorted, "share", 3, "tokens with fewer experts than they need"),
    FIELD(flops_per_token, "FLOP", 0, "floating-point operations of a token, forward"),
    FIELD(expert_flops_per_token, "FLOP", 0, "the part of them that experts do"),
    FIELD(train_flops_per_token, "FLOP", 0,
          "of the training step: three times the forward ones, what is run for gradients alone, "
          "and other passes"),
    FIELD(tokens_per_s, "tok/s", 0, "tokens through the whole step in one second"),
    FIELD(step_ms, "ms", 2, "time of one step"),
    FIELD(lr, "", 6, "learning rate of the step"),
    FIELD(grad_norm, "", 3, "norm of the gradient before clipping"),
    FIELD(skipped_steps, "steps", 0,
          "steps whose update was left out because something was not finite"),
    FIELD(tokens_seen, "tokens", 0, "tokens trained on so far"),
    FIELD(wall_s, "s", 1, "time spent in training steps"),
    VAL(val_loss, "nat", 3, "loss on the validation split"),
    VAL(val_accuracy, "share", 3, "accuracy on the validation split"),
    VAL(val_experts_per_token, "experts", 2, "experts per token on the validation split"),
    VAL(val_count_need_rho, "", 2, "count_need_rho on the validation split"),
    VAL(val_bits_per_char, "bit", 3, "bits_per_char on the validation split"),
    VAL(val_leak, "nat", 3,
        "loss byte by byte, less the loss on the text as a whole; of rules that see the future"),
    {"regret", "nat",
     "newest answer of the command regret: loss above that of the best spread of as many experts",
     offsetof(struct snapshot, regret.regret), true, 4},
};
const int snapshot_field_count = sizeof snapshot_fields / sizeof *snapshot_fields;

const struct field *field_find(const char *name, struct err *e)
{
    for (int i = 0; i < snapshot_field_count; i++)
        if (strcmp(snapshot_fields[i].name, name) == 0) return &snapshot_fields[i];
    err_set(e, ERR_USAGE, "there is no field '%.40s'%s; 'list fields' names them all", name,
            ERR_MEANT(name, snapshot_fields, snapshot_field_count, ""));
    return NULL;
}

double field_get(const struct field *f, const struct snapshot *s)
{
    double value;
    memcpy(&value, (const char *)s + f->offset, sizeof value);
    return value;
}

static void unknown(float *at, size_t n)
{
    for (size_t i = 0; i < n; i++) at[i] = NAN;
}

void snapshot_forget_picks(struct snap_picks *p)
{
    unknown(p->share, SNAP_KINDS), unknown(p->right, SNAP_KINDS), unknown(p->loss, SNAP_KINDS);
    unknown(p->experts[0], (size_t)SNAP_LAYERS * SNAP_KINDS);
    unknown(p->column[0], (size_t)SNAP_KINDS * COLUMNS_MAX);
    unknown(p->together[0], (size_t)EXPERTS_MAX * EXPERTS_MAX);
}

char *snapshot_kind(const struct snapshot *s, int kind, char *to)
{
    bool named = s->kind_name && kind >= 0 && kind < SNAP_KINDS;
    for (int i = 0; named && i <= kind; i++) named = s->kind_name[i] != NULL;
    if (named)
        snprintf(to, 16, "%.15s", s->kind_name[kind]);
    else
        snprintf(to, 16, "%d", kind);
    return to;
}

void snap_probe_clear(struct snap_probe *p)
{
    memset(p, 0, sizeof *p);
    p->step = p->token = -1;
    p->loss = p->sum = p->stream = p->x = NAN;
    unknown(p->with, EXPERTS_MAX + 1), unknown(p->other, COLUMNS_MAX);
    unknown(p->said, EXPERTS_MAX);
    unknown(p->logit, COLUMNS_MAX), unknown(p->prob, COLUMNS_MAX);
    unknown(p->score, COLUMNS_MAX), unknown(p->gate, COLUMNS_MAX), unknown(p->bar, COLUMNS_MAX);
}

void snapshot_forget_probes(struct snapshot *s)
{
    snap_probe_clear(&s->probe);
    s->regret = (struct snap_regret){-1, false, 0, 0, NAN, NAN, NAN, NAN, NAN, NAN};
}

void snap_rule_forget(struct snap_rule *to)
{
    for (int i = 0; i < ROUTER_LOSSES; i++) to->weight[i] = NAN;
    for (int i = 0; i < ROUTER_METRICS; i++) unknown(to->column[i], COLUMNS_MAX);
    to->cells = -1;
    unknown(to->cell, SNAP_CELLS);
}

void snapshot_clear(struct snapshot *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < snapshot_field_count; i++)
        *(double *)((char *)s + snapshot_fields[i].offset) = NAN;
    for (int i = 0; i < ROUTER_LOSSES; i++) s->losses[i] = NAN;
    for (int i = 0; i < ROUTER_METRICS; i++) {
        s->rule[i] = NAN;
        unknown(s->rule_column[i], COLUMNS_MAX);
        unknown(s->rule_token[i], SNAP_TOKENS);
        unknown(s->rule_layer[i], SNAP_LAYERS);
    }
    for (int l = 0; l < SNAP_LAYERS; l++) {
        unknown(s->load[l], COLUMNS_MAX);
        unknown(s->count_share[l], SNAP_COUNTS + 1);
    }
    snap_rule_forget(&s->own);
    unknown(s->need_share, SNAP_NEEDS + 1);
    unknown(s->experts_by_need, SNAP_NEEDS + 1);
    unknown(s->right_by_need, SNAP_NEEDS + 1);
    snapshot_forget_picks(&s->picks), snapshot_forget_picks(&s->val_picks);
    snapshot_forget_probes(s);
    s->gpu = SNAP_GPU_UNKNOWN;
    s->window_step = -1;
    s->goal = -1;
}
