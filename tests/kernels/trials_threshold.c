/* Trials of routers that compare, and of what routers keep outside the gradient. */
#include "tests/kernels/trial.h"

static void some_on(struct trial *t)
{
    double *on = given(t, "on", t->N);
    for (int n = 0; n < t->N; n++) on[n] = rig_below(&t->random, 4) > 0;
}

static double loss_grad(struct trial *t)
{
    return real(t, "loss")->host_d[0];
}

/* ---- cosines */
static void cosine_setup(struct trial *t)
{
    if (t->s.D < 2)
        t->s.D = 2; /* two numbers have one of two cosines: all of the gradient cancels */
    input(t, "x", t->s.T * t->s.D, t->add);
    input(t, "w", t->s.E * t->s.D, true);
    output(t, "y", t->s.T * t->s.E);
    ck_assert(kn_weight_open(t->be, &t->up, at(t, "w"), KN_ROUTER, 1, t->s.E, t->s.D, false));
}

static void cosine_forward(struct trial *t)
{
    kn_repack(t->be, (struct kn_weight *[]){&t->up}, 1);
    kn_cosine(t->be, at(t, "y"), at(t, "x"), &t->up, t->s.T);
}

static void cosine_back(struct trial *t)
{
    kn_cosine_back(t->be, grad(t, "x"), grad(t, "w"), grad(t, "y"), at(t, "y"), at(t, "x"), &t->up,
                   t->s.T, t->add);
}

/* ---- thresholds */
static struct kn_over over_of(struct trial *t)
{
    return (struct kn_over){
        .bound = at(t, "bound"), .log_c = at(t, "log_c"), .on = at(t, "on"), .shift = .1};
}

static void over_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->N, true);
    input(t, "bound", t->N, true);
    input(t, "log_c", 1, true);
    output(t, "loss", 1);
    beside(t, "da", t->s.T * t->N);
    beside(t, "score", t->s.T * t->N);
    beside_ints(t, "mask", t->s.T * t->N);
    some_on(t);
    given_valid(t);
}

static void over_forward(struct trial *t)
{
    struct kn_over o = over_of(t);
    kn_over_loss(t->be, at(t, "loss"), at(t, "x"), &o, ints(t, "valid"), t->s.T, t->N);
    kn_over_mask(t->be, ints(t, "mask"), at(t, "x"), &o, t->add, ints(t, "valid"), t->s.T, t->N);
    kn_squash(t->be, at(t, "score"), at(t, "x"), &o, t->s.T, t->N);
}

static void over_back(struct trial *t)
{
    struct kn_over o = over_of(t);
    kn_zero(t->be, at(t, "da"), (size_t)t->s.T * t->N);
    kn_over_loss_back(t->be, at(t, "da"), loss_grad(t), at(t, "x"), &o, ints(t, "valid"), t->s.T,
                      t->N);
    kn_over_back(t->be, grad(t, "x"), grad(t, "bound"), grad(t, "log_c"), at(t, "da"), at(t, "x"),
                 &o, false, ints(t, "valid"), t->s.T, t->N);
}

/* With `all` the gradient is that of sum(da (s - theta)) over the valid rows' columns that are on:
 * which the score has, where nothing is wanted of the bounds. */
static void squash_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->N, true);
    output(t, "y", t->s.T * t->N);
    given(t, "bound", t->N);
    given(t, "log_c", 1);
    some_on(t);
    int32_t *valid = given_ints(t, "valid", t->s.T);
    for (int i = 0; i < t->s.T; i++) valid[i] = 1;
}

static void squash_forward(struct trial *t)
{
    struct kn_over o = over_of(t);
    kn_squash(t->be, at(t, "y"), at(t, "x"), &o, t->s.T, t->N);
}

static void squash_back(struct trial *t)
{
    struct kn_over o = over_of(t);
    kn_over_back(t->be, grad(t, "x"), (struct kn_buf){0}, (struct kn_buf){0}, grad(t, "y"),
                 at(t, "x"), &o, true, ints(t, "valid"), t->s.T, t->N);
}

/* ---- gates */
static void even_setup(struct trial *t)
{
    given(t, "dgate", t->s.T * t->N);
    beside(t, "gate", t->s.T * t->N);
    beside(t, "da", t->s.T * t->N);
    given_mask(t);
}

static void even_forward(struct trial *t)
{
    kn_even_gate(t->be, at(t, "gate"), ints(t, "mask"), t->s.T, t->N);
    kn_even_gate_back(t->be, at(t, "da"), at(t, "dgate"), ints(t, "mask"), t->s.T, t->N, t->add);
}

static void sigmoid_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->N, t->add);
    output(t, "gate", t->s.T * t->N);
    given_mask(t);
}

static void sigmoid_forward(struct trial *t)
{
    kn_sigmoid_gate(t->be, at(t, "gate"), at(t, "x"), t->c, t->op->variant, ints(t, "mask"), t->s.T,
                    t->N);
}

static void sigmoid_back(struct trial *t)
{
    kn_sigmoid_gate_back(t->be, grad(t, "x"), grad(t, "gate"), at(t, "gate"), at(t, "x"), t->c,
                         t->op->variant, ints(t, "mask"), t->s.T, t->N, t->add);
}

static void column_setup(struct trial *t)
{
    if (t->s.T > 3000) t->s.T = 3000; /* ref looks for one row at a time */
    double *score = given(t, "score", t->s.T * t->N);
    given_valid(t);
    beside_ints(t, "mask", t->s.T * t->N);
    for (int i = 0; i < t->s.T * t->N; i++) /* many ties */
        if (rig_below(&t->random, 2)) score[i] = round(score[i]);
}

static void column_forward(struct trial *t)
{
    kn_column_mask(t->be, ints(t, "mask"), at(t, "score"), 2 * t->c, t->add ? 1 : t->s.C,
                   ints(t, "valid"), t->s.T, t->N);
}

/* ---- losses on what was taken: piecewise constant, so their back is only compared */
static void taken_setup(struct trial *t)
{
    beside(t, "share", 1);
    beside(t, "taken", 1);
    beside(t, "da", t->s.T * t->N);
    given_mask(t);
    given_valid(t);
}

static void taken_forward(struct trial *t)
{
    kn_share_loss(t->be, at(t, "share"), ints(t, "mask"), t->s.T, t->N);
    kn_share_loss_back(t->be, at(t, "da"), t->c, ints(t, "mask"), t->s.T, t->N);
    kn_taken_loss(t->be, at(t, "taken"), ints(t, "mask"), ints(t, "valid"), t->s.T, t->N);
    kn_taken_loss_back(t->be, at(t, "da"), t->c, ints(t, "valid"), t->s.T, t->N);
}

/* ---- losses on rows */
static void overlap_setup(struct trial *t)
{
    input(t, "w", t->N * t->s.D, true);
    output(t, "loss", 1);
    some_on(t);
}

static struct kn_buf rows_on(struct trial *t)
{
    return t->add ? at(t, "on") : (struct kn_buf){0};
}

static void overlap_forward(struct trial *t)
{
    kn_overlap_loss(t->be, at(t, "loss"), at(t, "w"), rows_on(t), t->N, t->s.D);
}

static void overlap_back(struct trial *t)
{
    kn_overlap_loss_back(t->be, grad(t, "w"), loss_grad(t), at(t, "w"), rows_on(t), t->N, t->s.D);
}

static void length_setup(struct trial *t)
{
    input(t, "w", t->N * t->s.D, true);
    output(t, "loss", 1);
}

static void length_forward(struct trial *t)
{
    kn_length_loss(t->be, at(t, "loss"), at(t, "w"), t->N, t->s.D);
}

static void length_back(struct trial *t)
{
    kn_length_loss_back(t->be, grad(t, "w"), loss_grad(t), at(t, "w"), t->N, t->s.D);
}

/* ---- state */
static void bias_setup(struct trial *t)
{
    double *f = given(t, "f", t->N);
    beside(t, "bias", t->N);
    beside(t, "load", t->N);
    for (int n = 0; n < t->N; n++) {
        f[n] = rig_below(&t->random, 5);
        real(t, "load")->host[n] = rig_below(&t->random, 5);
    }
}

static void bias_forward(struct trial *t)
{
    const struct kn_bias_rule rules[] = {
        {.rate = .25, .sign = true, .zero_mean = t->add},
        {.rate = .25, .smooth = .5, .zero_mean = t->add},
        {.rate = .25, .target = 1.3, .limit = 1, .sign = t->add},
    };
    bool averaged = t->op->variant < 2;
    kn_bias_step(t->be, at(t, "bias"), averaged ? at(t, "load") : (struct kn_buf){0}, at(t, "f"),
                 &rules[t->op->variant], t->N, averaged ? t->N : t->s.E);
}

/* Places that one token or none takes, now and then two steps before the end of a period. */
static void roster_setup(struct trial *t)
{
    static const char *const ones[] = {"orphans", "clock", "fired", "hired"}, *const places[] = {
                                                                                  "used", "age",
                                                                                  "bound"};
    given(t, "x", t->s.T * t->s.D);
    beside(t, "on", t->N);
    for (int i = 0; i < 4; i++) beside(t, ones[i], 1);
    for (int i = 0; i < 3; i++) beside(t, places[i], t->N);
    beside(t, "orphan_sum", t->s.D);
    beside(t, "stack", 4 * t->N * t->s.D);
    int32_t *mask = given_ints(t, "mask", t->s.T * t->N);
    given_valid(t);
    for (int i = 0; i < t->s.T * t->N; i++)
        mask[i] = i % t->N % 3 == 0 && rig_below(&t->random, 4) == 0;
    for (int n = 0; n < t->N; n++) {
        real(t, "on")->host[n] = rig_below(&t->random, 3) > 0;
        real(t, "used")->host[n] = rig_below(&t->random, 2) * rig_below(&t->random, 9);
        real(t, "age")->host[n] = rig_below(&t->random, 9);
    }
    for (int i = 0; i < 4; i++) real(t, ones[i])->host[0] = 7;
}

static void roster_forward(struct trial *t)
{
    size_t n = (size_t)t->N * t->s.D;
    struct kn_buf stack = at(t, "stack"), part[4];
    for (int i = 0; i < 4; i++) part[i] = kn_part(t->be, stack, i * n);
    struct kn_roster r = {.on = at(t, "on"),
                          .used = at(t, "used"),
                          .age = at(t, "age"),
                          .orphan_sum = at(t, "orphan_sum"),
                          .orphans = at(t, "orphans"),
                          .clock = at(t, "clock"),
                          .fired = at(t, "fired"),
                          .hired = at(t, "hired"),
                          .bound = at(t, "bound"),
                          .w = part[0],
                          .stack = {{part[1], part[2], part[3], t->s.D}},
                          .stacks = 1,
                          .period = 9};
    for (int step = 0; step < 2; step++)
        kn_roster_step(t->be, &r, at(t, "x"), ints(t, "mask"), ints(t, "valid"), t->s.T, t->N,
                       t->s.D);
}

const struct op_trial trials_threshold[] = {
    {"cosine", cosine_setup, cosine_forward, cosine_back, 0},
    {"over_loss", over_setup, over_forward, over_back, 0},
    {"squash", squash_setup, squash_forward, squash_back, 0},
    {"even_gate", even_setup, even_forward, NULL, 0},
    {"sigmoid_gate", sigmoid_setup, sigmoid_forward, sigmoid_back, 0},
    {"sigmoid_gate, shared", sigmoid_setup, sigmoid_forward, sigmoid_back, 1},
    {"column_mask", column_setup, column_forward, NULL, 0},
    {"share_loss and taken_loss", taken_setup, taken_forward, NULL, 0},
    {"overlap_loss", overlap_setup, overlap_forward, overlap_back, 0},
    {"length_loss", length_setup, length_forward, length_back, 0},
    {"bias_step, by sign", bias_setup, bias_forward, NULL, 0},
    {"bias_step, proportional", bias_setup, bias_forward, NULL, 1},
    {"bias_step, to a target", bias_setup, bias_forward, NULL, 2},
    {"roster_step", roster_setup, roster_forward, NULL, 0},
    {0},
};
