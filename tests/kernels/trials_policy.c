/* Trials of counts that are chosen. */
#include "tests/kernels/trial.h"

static int cells(const struct trial *t)
{
    return t->s.T * t->N;
}

/* Probabilities in steps of 1/4096, so that sums are exact in float32. */
static void some_prob(struct trial *t)
{
    double *prob = given(t, "prob", cells(t));
    for (int i = 0; i < t->s.T; i++) {
        double left = 1, *row = prob + i * t->N;
        for (int j = 0; j + 1 < t->N; j++)
            left -= row[j] = floor(4096 * left * rig_uniform(&t->random)) / 4096;
        row[t->N - 1] = left;
    }
}

static void some_counts(struct trial *t)
{
    int32_t *count = given_ints(t, "count", t->s.T);
    for (int i = 0; i < t->s.T; i++) count[i] = rig_below(&t->random, t->N + 1);
}

static void match_setup(struct trial *t)
{
    some_prob(t);
    given_valid(t);
    beside(t, "p", 1);
}

static void match_forward(struct trial *t)
{
    kn_mass_match(t->be, at(t, "p"), at(t, "prob"), 1 + t->c, ints(t, "valid"), t->s.T, t->N);
}

static void mass_setup(struct trial *t)
{
    some_prob(t);
    given_valid(t);
    given(t, "p", 1)[0] = (1 + rig_below(&t->random, 9000)) / 8192.;
    beside_ints(t, "count", t->s.T);
}

static void mass_forward(struct trial *t)
{
    kn_mass_count(t->be, ints(t, "count"), at(t, "prob"), at(t, "p"), 3, ints(t, "valid"), t->s.T,
                  t->N);
}

static void draw_setup(struct trial *t)
{
    some_prob(t);
    given_valid(t);
    double *u = given(t, "u", t->s.T);
    for (int i = 0; i < t->s.T; i++) u[i] = rig_below(&t->random, 8192) / 8192.;
    beside_ints(t, "count", t->s.T);
}

static void draw_forward(struct trial *t)
{
    kn_draw_count(t->be, ints(t, "count"), at(t, "prob"),
                  t->op->variant ? (struct kn_buf){0} : at(t, "u"), t->op->variant == 2,
                  ints(t, "valid"), t->s.T, t->N);
}

static void count_setup(struct trial *t)
{
    int32_t *mask = given_ints(t, "mask", cells(t));
    for (int i = 0; i < cells(t); i++) mask[i] = rig_below(&t->random, 2);
    beside_ints(t, "count", t->s.T);
}

static void count_forward(struct trial *t)
{
    kn_row_count(t->be, ints(t, "count"), ints(t, "mask"), t->s.T, t->N);
}

/* Logits go in and are made probabilities by the op that the gradient supposes. */
static void policy_setup(struct trial *t)
{
    input(t, "logits", cells(t), true);
    output(t, "loss", 1);
    beside(t, "clipped", 1);
    beside(t, "prob", cells(t));
    beside(t, "picked", t->s.T);
    some_counts(t);
    given_valid(t);
    double *old = given(t, "old", t->s.T), *advantage = given(t, "advantage", t->s.T);
    for (int i = 0; i < t->s.T; i++) old[i] = (float)(-.2 - fabs(old[i]));
    if (t->s.T > 1) advantage[0] = NAN; /* left out */
}

static void policy_forward(struct trial *t)
{
    kn_softmax_rows(t->be, at(t, "prob"), at(t, "logits"), 1, t->s.T, t->N);
    kn_log_pick(t->be, at(t, "picked"), at(t, "prob"), ints(t, "count"), t->s.T, t->N);
    kn_policy_loss(t->be, at(t, "loss"), at(t, "clipped"), at(t, "prob"), ints(t, "count"),
                   at(t, "old"), at(t, "advantage"), .2, ints(t, "valid"), t->s.T, t->N);
}

static void policy_back(struct trial *t)
{
    kn_policy_loss_back(t->be, grad(t, "logits"), real(t, "loss")->host_d[0], at(t, "prob"),
                        ints(t, "count"), at(t, "old"), at(t, "advantage"), .2, ints(t, "valid"),
                        t->s.T, t->N);
}

static void sum_setup(struct trial *t)
{
    given(t, "x", t->s.T * t->s.H);
    beside(t, "y", t->s.T);
}

static void sum_forward(struct trial *t)
{
    kn_group_sum(t->be, at(t, "y"), at(t, "x"), t->c, t->s.T, t->s.H);
}

const struct op_trial trials_policy[] = {
    {"mass_match", match_setup, match_forward, NULL, 0},
    {"mass_count", mass_setup, mass_forward, NULL, 0},
    {"draw_count", draw_setup, draw_forward, NULL, 0},
    {"draw_count, most probable", draw_setup, draw_forward, NULL, 1},
    {"draw_count, mean", draw_setup, draw_forward, NULL, 2},
    {"row_count", count_setup, count_forward, NULL, 0},
    {"policy_loss", policy_setup, policy_forward, policy_back, 0},
    {"group_sum", sum_setup, sum_forward, NULL, 0},
    {0},
};
