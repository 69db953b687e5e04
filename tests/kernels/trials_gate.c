/* Trials of masks, gates and the losses on columns. */
#include "tests/kernels/trial.h"

/* Each row a softmax, in float32 values. */
static void make_probabilities(struct trial *t, double *x)
{
    for (int i = 0; i < t->s.T; i++) {
        double sum = 0, *row = x + i * t->N;
        for (int j = 0; j < t->N; j++) sum += row[j] = exp(row[j]);
        for (int j = 0; j < t->N; j++) row[j] = (float)(row[j] / sum);
    }
}

/* ---- masks */
static void clean_setup(struct trial *t)
{
    double *x = given(t, "x", t->s.T * t->N);
    int32_t *padding = given_ints(t, "padding", t->s.T);
    beside(t, "y", t->s.T * t->N);
    beside_ints(t, "valid", t->s.T);
    beside_ints(t, "bad", 1);
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < t->s.T; i++) {
        padding[i] = rig_below(&t->random, 4) > 0;
        if (rig_below(&t->random, 4) == 0)
            x[i * t->N + rig_below(&t->random, t->N)] = wrong[rig_below(&t->random, 3)];
    }
}

static void clean_forward(struct trial *t)
{
    kn_clean_rows(t->be, at(t, "y"), ints(t, "valid"), ints(t, "bad"), at(t, "x"),
                  t->add ? ints(t, "padding") : (struct kn_ints){0}, t->s.T, t->N);
}

static void topk_setup(struct trial *t)
{
    double *score = given(t, "score", t->s.T * t->N);
    int32_t *counts = given_ints(t, "counts", t->s.T);
    given_valid(t);
    beside_ints(t, "mask", t->s.T * t->N);
    for (int i = 0; i < t->s.T; i++) counts[i] = rig_below(&t->random, t->N + 1);
    for (int i = 0; i < t->s.T * t->N; i++) /* many ties */
        if (rig_below(&t->random, 2)) score[i] = round(score[i]);
}

static void topk_forward(struct trial *t)
{
    kn_topk_mask(t->be, ints(t, "mask"), at(t, "score"), t->N < 2 ? 1 : 2,
                 t->add ? ints(t, "counts") : (struct kn_ints){0}, ints(t, "valid"), t->s.T, t->N);
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Rows whose running sum comes so near to p that float32 may fall on the other side are not valid.
 */
static void cumulative_setup(struct trial *t)
{
    double *prob = given(t, "prob", t->s.T * t->N), sorted[64];
    make_probabilities(t, prob);
    given_valid(t);
    beside_ints(t, "mask", t->s.T * t->N);
    ck_assert_int_le(t->N, 64);
    t->c = 1.1 * rig_uniform(&t->random);
    for (int i = 0; i < t->s.T; i++) {
        double sum = 0;
        memcpy(sorted, prob + i * t->N, t->N * sizeof *sorted);
        qsort(sorted, t->N, sizeof *sorted, falling);
        for (int j = 0; j < t->N; j++)
            if (fabs((sum += sorted[j]) - t->c) < 1e-5) whole(t, "valid")->host[i] = 0;
    }
}

static void cumulative_forward(struct trial *t)
{
    kn_cumulative_mask(t->be, ints(t, "mask"), at(t, "prob"), t->c, t->add, ints(t, "valid"),
                       t->s.T, t->N);
}

/* ---- gates */
static void masked_setup(struct trial *t)
{
    input(t, "prob", t->s.T * t->N, t->add);
    output(t, "gate", t->s.T * t->N);
    given_mask(t);
}

static void masked_forward(struct trial *t)
{
    kn_masked_gate(t->be, at(t, "gate"), at(t, "prob"), ints(t, "mask"), t->s.T, t->N);
}

static void masked_back(struct trial *t)
{
    kn_masked_gate_back(t->be, grad(t, "prob"), grad(t, "gate"), ints(t, "mask"), t->s.T, t->N,
                        t->add);
}

static void normalised_setup(struct trial *t)
{
    input(t, "logits", t->s.T * t->N, t->add);
    output(t, "gate", t->s.T * t->N);
    given_mask(t);
}

static void normalised_forward(struct trial *t)
{
    kn_normalised_gate(t->be, at(t, "gate"), at(t, "logits"), t->c, ints(t, "mask"), t->s.T, t->N);
}

static void normalised_back(struct trial *t)
{
    kn_normalised_gate_back(t->be, grad(t, "logits"), grad(t, "gate"), at(t, "gate"), t->c,
                            ints(t, "mask"), t->s.T, t->N, t->add);
}

/* ---- losses: their backward takes the gradient of the loss as a number */
static double loss_grad(struct trial *t)
{
    return real(t, "loss")->host_d[0];
}

static void column_setup(struct trial *t)
{
    input(t, "a", t->s.T * t->N, true);
    output(t, "loss", 1);
    beside(t, "load", t->N);
    given_mask(t);
    given_valid(t);
}

static void column_forward(struct trial *t)
{
    kn_column_load(t->be, at(t, "load"), ints(t, "mask"), t->s.T, t->N, t->s.E);
    kn_column_loss(t->be, at(t, "loss"), at(t, "a"), at(t, "load"), ints(t, "valid"), t->s.T, t->N);
}

static void column_back(struct trial *t)
{
    kn_column_loss_back(t->be, grad(t, "a"), loss_grad(t), at(t, "load"), ints(t, "valid"), t->s.T,
                        t->N);
}

static void z_setup(struct trial *t)
{
    input(t, "logits", t->s.T * t->N, true);
    output(t, "loss", 1);
    given_valid(t);
}

static void z_forward(struct trial *t)
{
    kn_z_loss(t->be, at(t, "loss"), at(t, "logits"), ints(t, "valid"), t->s.T, t->N);
}

static void z_back(struct trial *t)
{
    kn_z_loss_back(t->be, grad(t, "logits"), loss_grad(t), at(t, "logits"), ints(t, "valid"),
                   t->s.T, t->N);
}

static void entropy_setup(struct trial *t)
{
    make_probabilities(t, input(t, "prob", t->s.T * t->N, true));
    output(t, "loss", 1);
    given_valid(t);
}

static void entropy_forward(struct trial *t)
{
    kn_entropy_loss(t->be, at(t, "loss"), at(t, "prob"), ints(t, "valid"), t->s.T, t->N, t->s.E);
}

static void entropy_back(struct trial *t)
{
    kn_entropy_loss_back(t->be, grad(t, "prob"), loss_grad(t), at(t, "prob"), ints(t, "valid"),
                         t->s.T, t->N, t->s.E);
}

const struct op_trial trials_gate[] = {
    {"clean_rows", clean_setup, clean_forward, NULL, 0},
    {"topk_mask", topk_setup, topk_forward, NULL, 0},
    {"cumulative_mask", cumulative_setup, cumulative_forward, NULL, 0},
    {"masked_gate", masked_setup, masked_forward, masked_back, 0},
    {"normalised_gate", normalised_setup, normalised_forward, normalised_back, 0},
    {"column_loss", column_setup, column_forward, column_back, 0},
    {"z_loss", z_setup, z_forward, z_back, 0},
    {"entropy_loss", entropy_setup, entropy_forward, entropy_back, 0},
    {0},
};
