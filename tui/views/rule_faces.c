/* tui/views/rule_faces.c - Which pictures show what is particular to a strategy. */
#include "tui/views/rule.h"

#include <stddef.h>
#include <string.h>

static const struct rule_face faces[] = {
    {"topk", "z", RULE_LOGITS, RULE_CUT, {&rule_cut, &rule_sent}},
    {"topp", "P", RULE_PROB, RULE_SUM, {&rule_stairs, &rule_experts, &rule_sent}},
    {"dynmoe", "s", RULE_SCORE, RULE_BARS, {&rule_bars, &rule_experts, &rule_sent}},
    {"remoe", "z", RULE_LOGITS, RULE_ZERO, {&rule_lambda, &rule_sparsity, &rule_zero, &rule_sent}},
    {"blockffn", "z", RULE_LOGITS, RULE_ZERO, {&rule_raster, &rule_chunks, &rule_zero, &rule_sent}},
    {"adak", "z", RULE_LOGITS, RULE_CUT, {&rule_counts, &rule_reward, &rule_cut}},
    {"adamoe", "z", RULE_LOGITS, RULE_CUT, {&rule_nulls, &rule_null_share, &rule_cut, &rule_sent}},
    {"moepp", "G", RULE_LOGITS, RULE_CUT, {&rule_slots, &rule_cut, &rule_experts, &rule_sent}},
    {"longcat", "s+b ", RULE_SCORE, RULE_CUT, {&rule_band, &rule_bias, &rule_cut, &rule_sent}},
    {"unimoe", "P", RULE_PROB, RULE_SUM, {&rule_weights, &rule_stairs, &rule_experts, &rule_sent}},
    {"lossfree", "s+b ", RULE_SCORE, RULE_CUT, {&rule_bias, &rule_cut}},
    {"expertchoice", "P", RULE_PROB, RULE_SEATS, {&rule_seats, &rule_sent}},
    {NULL, "score ", RULE_SCORE, RULE_CUT, {&rule_cut, &rule_experts, &rule_sent}},
};

const struct rule_face *rule_face_of(const struct router *r)
{
    const struct rule_face *f = faces;
    while (f->strategy && (!r || strcmp(f->strategy, r->name) != 0)) f++;
    return f;
}
