/* Trials of what ReLU routers are made of. */
#include "tests/kernels/trial.h"

enum { LEFT_OUT = 5 }; /* one row in so many is not valid */

static void some_rows(struct trial *t)
{
    int32_t *valid = given_ints(t, "valid", t->s.T), *document = given_ints(t, "document", t->s.T);
    for (int i = 0; i < t->s.T; i++) {
        valid[i] = rig_below(&t->random, LEFT_OUT) > 0;
        document[i] = i == 0 ? 7 : document[i - 1] + (rig_below(&t->random, 9) == 0);
    }
}

/* Logits whose relu float32 and float64 take alike; some rows are off as a whole. */
static void some_logits(struct trial *t, bool adds)
{
    double *x = input(t, "x", t->s.T * t->N, adds);
    for (int i = 0; i < t->s.T * t->N; i++) x[i] = (float)(x[i] + .2 * (x[i] > 0 ? 1 : -1));
    for (int i = 0; i < t->s.T; i++)
        for (int j = 0; i % 6 == 5 && j < t->N; j++) x[i * t->N + j] = -fabs(x[i * t->N + j]);
}

/* ---- values */
static void relu_setup(struct trial *t)
{
    some_logits(t, t->add);
    output(t, "y", t->s.T * t->N);
}

static void relu_forward(struct trial *t)
{
    kn_relu(t->be, at(t, "y"), at(t, "x"), (size_t)t->s.T * t->N);
}

static void relu_back(struct trial *t)
{
    kn_relu_back(t->be, grad(t, "x"), grad(t, "y"), at(t, "y"), (size_t)t->s.T * t->N, t->add);
}

static void share_setup(struct trial *t)
{
    double *x = input(t, "x", t->s.T * t->N, false);
    for (int i = 0; i < t->s.T * t->N; i++) x[i] = (float)(fabs(x[i]) + .01);
    output(t, "y", t->s.T * t->N);
}

static void share_forward(struct trial *t)
{
    kn_row_share(t->be, at(t, "y"), at(t, "x"), 1e-3, t->s.T, t->N);
}

static void share_back(struct trial *t)
{
    kn_row_share_back(t->be, grad(t, "x"), grad(t, "y"), at(t, "y"), at(t, "x"), 1e-3, t->s.T,
                      t->N);
}

static void positive_setup(struct trial *t)
{
    double *x = given(t, "x", t->s.T * t->N);
    for (int i = 0; i < t->s.T * t->N; i++)
        if (rig_below(&t->random, 4) == 0) x[i] = 0; /* 0 is off */
    beside(t, "m", 1);
    beside_ints(t, "mask", t->s.T * t->N);
    some_rows(t);
    whole(t, "valid")->host[0] = 1; /* a mean of nothing is NaN: known_relu.c */
}

static void positive_forward(struct trial *t)
{
    kn_positive_mask(t->be, ints(t, "mask"), at(t, "x"), ints(t, "valid"), t->s.T, t->N);
    if (t->s.T > 0) kn_positive_mean(t->be, at(t, "m"), at(t, "x"), ints(t, "valid"), t->s.T, t->N);
}

/* ---- losses, of a = relu(x), times a weight that stands in memory */
static void loss_setup(struct trial *t)
{
    some_logits(t, true);
    beside(t, "a", t->s.T * t->N);
    output(t, "loss", 1);
    *given(t, "weight", 1) = .7f;
    some_rows(t);
}

static struct kn_buf weight(struct trial *t)
{
    return t->add ? at(t, "weight") : (struct kn_buf){0};
}

static void weigh(struct trial *t)
{
    if (t->add) kn_scale(t->be, at(t, "loss"), .7f, at(t, "loss"), 1);
}

static double loss_grad(struct trial *t)
{
    return real(t, "loss")->host_d[0];
}

static void activate(struct trial *t)
{
    kn_relu(t->be, at(t, "a"), at(t, "x"), (size_t)t->s.T * t->N);
}

static double balance(struct trial *t)
{
    return t->op->variant ? 0 : 1.5;
}

static void l1_forward(struct trial *t)
{
    activate(t);
    kn_l1_loss(t->be, at(t, "loss"), at(t, "a"), balance(t), ints(t, "valid"), t->s.T, t->N);
    weigh(t);
}

static void l1_back(struct trial *t)
{
    kn_l1_loss_back(t->be, grad(t, "x"), loss_grad(t), weight(t), at(t, "a"), balance(t),
                    ints(t, "valid"), t->s.T, t->N);
}

static void locality_forward(struct trial *t)
{
    activate(t);
    kn_locality_loss(t->be, at(t, "loss"), at(t, "x"), 4 * t->c, ints(t, "document"),
                     ints(t, "valid"), t->s.T, t->N);
    weigh(t);
}

static void locality_back(struct trial *t)
{
    kn_locality_loss_back(t->be, grad(t, "x"), loss_grad(t), weight(t), at(t, "x"), 4 * t->c,
                          ints(t, "document"), ints(t, "valid"), t->s.T, t->N);
}

static int length(const struct trial *t)
{
    return 2 + t->s.T % 7;
}

static void chunk_forward(struct trial *t)
{
    activate(t);
    kn_chunk_loss(t->be, at(t, "loss"), at(t, "a"), t->op->variant, length(t), ints(t, "document"),
                  ints(t, "valid"), t->s.T, t->N);
    weigh(t);
}

static void chunk_back(struct trial *t)
{
    kn_chunk_loss_back(t->be, grad(t, "x"), loss_grad(t), weight(t), at(t, "a"), t->op->variant,
                       length(t), ints(t, "document"), ints(t, "valid"), t->s.T, t->N);
}

/* ---- controllers */
static void control_setup(struct trial *t)
{
    double *x = given(t, "x", 1);
    *x = (float)(2 + rig_uniform(&t->random));
    beside(t, "y", 1), beside(t, "course", 4), beside(t, "ramp", 1), beside(t, "state", 4);
    for (int i = 0; i < 4; i++) real(t, "course")->host[i] = real(t, "state")->host[i] = 0;
    real(t, "y")->host[0] = real(t, "ramp")->host[0] = .25;
}

static void control_forward(struct trial *t)
{
    const struct kn_ramp ramp = {.start = .25, .least = 1.03, .most = 1, .every = 3, .first = 6};
    for (int i = 0; i < 20; i++) {
        kn_toggle(t->be, at(t, "y"), at(t, "x"), 2.5, 1.25, 1e-3, 1);
        kn_stage(t->be, at(t, "course"), at(t, "x"), 1.2, .05);
        kn_ratio_ramp(t->be, at(t, "ramp"), at(t, "state"), at(t, "x"), &ramp);
        kn_scale(t->be, at(t, "x"), .97, at(t, "x"), 1);
    }
}

const struct op_trial trials_relu[] = {
    {"relu", relu_setup, relu_forward, relu_back, 0},
    {"row_share", share_setup, share_forward, share_back, 0},
    {"positive_mask", positive_setup, positive_forward, NULL, 0},
    {"l1_loss", loss_setup, l1_forward, l1_back, 0},
    {"l1_loss, not balanced", loss_setup, l1_forward, l1_back, 1},
    {"locality_loss", loss_setup, locality_forward, locality_back, 0},
    {"chunk_loss", loss_setup, chunk_forward, chunk_back, 0},
    {"chunk_loss of a norm", loss_setup, chunk_forward, chunk_back, 1},
    {"toggle, stage, ratio_ramp", control_setup, control_forward, NULL, 0},
    {0},
};
