/* core/balance/policy.c - What a strategy that chooses counts learns from: the worth of its choices
 * (policy), their cost (chosen), and labels to imitate first (warm). All are losses on the side
 * logits, whose probabilities stand in side_gate; route_learning holds the rest; kept[0] is zeros,
 * kept[1] is overwritten. Source: Yue et al. 2025, arXiv 2410.10456, equations 7 to 13. */
#include "core/balance/pressure.h"

#include <math.h>

/* ---- policy: eq 7, with the advantage of eq 9 ---- */
static void prepare(struct route *r)
{
    struct route_learning *l = &r->learning;
    double share = pow(route_knob(r, "gamma", 1), r->layers - 1 - r->layer);
    kn_scale(r->be, l->advantage, share, l->reward, (size_t)r->T);
    kn_accumulate(r->be, l->advantage, -share, l->baseline, (size_t)r->T);
    if (!l->remembered) kn_log_pick(r->be, l->old, r->side_gate, l->choice, r->T, r->M);
}

/* told: means of advantage, reward and baseline's reward, and the share that clip held. */
static void tell(struct route *r)
{
    struct route_learning *l = &r->learning;
    const struct kn_buf of[] = {l->advantage, l->reward, l->baseline};
    for (int i = 0; i < 3; i++)
        kn_column_loss(r->be, kn_part(r->be, l->told, (size_t)i), of[i], l->one, r->valid, r->T, 1);
}

static void policy_loss(struct route *r, struct kn_buf to)
{
    struct route_learning *l = &r->learning;
    if (!l->rewarded) return; /* what the newest learning left stays */
    prepare(r);
    tell(r);
    kn_policy_loss(r->be, to, kn_part(r->be, l->told, LEARN_TOLD - 1), r->side_gate, l->choice,
                   l->old, l->advantage, route_knob(r, "clip", .2), r->valid, r->T, r->M);
}

static void policy_back(struct route *r, double coefficient)
{
    struct route_learning *l = &r->learning;
    prepare(r);
    kn_policy_loss_back(r->be, r->dside, coefficient, r->side_gate, l->choice, l->old, l->advantage,
                        route_knob(r, "clip", .2), r->valid, r->T, r->M);
}

/* ---- chosen: eq 10 ---- */
static void write_counts(struct route *r)
{
    double n[COLUMNS_MAX];
    for (int i = 0; i < r->M; i++) n[i] = i + 1;
    kn_write(r->be, r->learning.row, n, (size_t)r->M);
}

static void chosen_loss(struct route *r, struct kn_buf to)
{
    write_counts(r);
    kn_column_loss(r->be, to, r->side_gate, r->learning.row, r->valid, r->T, r->M);
}

static void chosen_back(struct route *r, double coefficient)
{
    write_counts(r);
    kn_zero(r->be, r->kept[1], (size_t)r->T * r->M);
    kn_column_loss_back(r->be, r->kept[1], coefficient, r->learning.row, r->valid, r->T, r->M);
    kn_normalised_gate_back(r->be, r->dside, r->kept[1], r->side_gate, 1, r->learning.open, r->T,
                            r->M, true);
}

/* ---- warm: cross-entropy on labels (eq 12 and 13); minus the policy gradient of advantage 1 on
 * the label ---- */
static void find_labels(struct route *r)
{
    struct route_learning *l = &r->learning;
    int most = (int)route_knob(r, "max", r->M), k = (int)route_knob(r, "k", 1);
    if (route_knob(r, "warm", 0) == 1) { /* k for everyone */
        kn_topk_mask(r->be, l->open, r->kept[0], k < most ? k : most, (struct kn_ints){0}, r->valid,
                     r->T, r->M);
        kn_row_count(r->be, l->label, l->open, r->T, r->M);
        kn_topk_mask(r->be, l->open, r->kept[0], most, (struct kn_ints){0}, r->valid, r->T, r->M);
    } else {
        kn_mass_count(r->be, l->label, r->prob, r->state[0], most, r->valid, r->T, r->N);
    }
    kn_log_pick(r->be, l->advantage, r->side_gate, l->label, r->T, r->M);
}

static void warm_loss(struct route *r, struct kn_buf to)
{
    find_labels(r);
    kn_column_loss(r->be, to, r->learning.advantage, r->learning.one, r->valid, r->T, 1);
    kn_scale(r->be, to, -1, to, 1);
}

static void warm_back(struct route *r, double coefficient)
{
    struct route_learning *l = &r->learning;
    find_labels(r);
    kn_policy_loss_back(r->be, r->dside, coefficient, r->side_gate, l->label, l->advantage, l->one,
                        1, r->valid, r->T, r->M);
}

#define PAPER "Yue et al. 2025, arXiv 2410.10456"
const struct pressure pressure_policy = {
    .name = "policy",
    .title = "worth of the counts",
    .paper = PAPER ", eq 7",
    .formula =
        "− mean min(r A, clip(r) A);  A: ln P(target) over the baseline's, r: probability of "
        "the choice now over then",
    .side = true,
    .loss = policy_loss,
    .back = policy_back,
};
const struct pressure pressure_chosen = {
    .name = "chosen",
    .title = "cost of the counts",
    .paper = PAPER ", eq 10",
    .formula = "mean over tokens of Σₙ n πₙ",
    .side = true,
    .loss = chosen_loss,
    .back = chosen_back,
};
const struct pressure pressure_warm = {
    .name = "warm",
    .title = "labels to imitate first",
    .paper = PAPER ", eq 12 and 13",
    .formula = "− mean ln π(label);  label: experts that reach p*, or k",
    .side = true,
    .loss = warm_loss,
    .back = warm_back,
};
