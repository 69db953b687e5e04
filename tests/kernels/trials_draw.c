/* Trials of what is drawn, of gates shared with columns beside, and of rows that weigh more. */
#include "tests/kernels/trial.h"

static int cells(const struct trial *t)
{
    return t->s.T * t->N;
}

static void some_ints(struct trial *t, const char *name, int n, int odds)
{
    int32_t *to = given_ints(t, name, n);
    for (int i = 0; i < n; i++) to[i] = rig_below(&t->random, 5) < odds;
}

static double *uniforms(struct trial *t, const char *name, int n)
{
    double *u = given(t, name, n);
    for (int i = 0; i < n; i++) u[i] = rig_below(&t->random, 1 << 12) / 4096.;
    return u;
}

/* ---- random numbers */
static void uniform_setup(struct trial *t)
{
    beside(t, "y", t->s.n);
}

static void uniform_forward(struct trial *t)
{
    struct kn_draw draw = {{7, 6}, {(uint32_t)t->s.n, 2, 3}};
    kn_uniform(t->be, at(t, "y"), &draw, t->s.n);
}

static void jitter_setup(struct trial *t)
{
    input(t, "x", t->s.n, false);
    output(t, "y", t->s.n);
    uniforms(t, "u", t->s.n);
}

static void jitter_forward(struct trial *t)
{
    kn_jitter(t->be, at(t, "y"), at(t, "x"), at(t, "u"), .05, t->s.n);
}

static void jitter_back(struct trial *t)
{
    kn_jitter(t->be, grad(t, "x"), grad(t, "y"), at(t, "u"), .05, t->s.n);
}

/* ---- gates; M = H columns beside, none where variant is 1 */
static int beside_count(const struct trial *t)
{
    return t->op->variant ? 0 : t->s.H;
}

static void joint_setup(struct trial *t)
{
    int side = t->s.T * beside_count(t);
    input(t, "logits", cells(t), false);
    output(t, "gate", cells(t));
    input(t, "side", side, false);
    output(t, "side_gate", side);
    some_ints(t, "mask", cells(t), 2);
    some_ints(t, "valid", t->s.T, 4);
}

static void joint_forward(struct trial *t)
{
    kn_joint_gate(t->be, at(t, "gate"), at(t, "side_gate"), at(t, "logits"), at(t, "side"),
                  ints(t, "mask"), ints(t, "valid"), t->s.T, t->N, beside_count(t));
}

static void joint_back(struct trial *t)
{
    kn_joint_gate_back(t->be, grad(t, "logits"), grad(t, "side"), grad(t, "gate"),
                       grad(t, "side_gate"), at(t, "gate"), at(t, "side_gate"), t->s.T, t->N,
                       beside_count(t));
}

static void rated_setup(struct trial *t)
{
    double *w = input(t, "w", cells(t), false), *r = input(t, "r", cells(t), false);
    for (int i = 0; i < cells(t); i++) w[i] = (float)fabs(w[i]), r[i] = (float)(.1 + fabs(r[i]));
    output(t, "gate", cells(t));
    some_ints(t, "mask", cells(t), 3);
}

static void rated_forward(struct trial *t)
{
    kn_rated_gate(t->be, at(t, "gate"), at(t, "w"), at(t, "r"), ints(t, "mask"), t->add, t->s.T,
                  t->N);
}

static void rated_back(struct trial *t)
{
    kn_rated_gate_back(t->be, grad(t, "w"), grad(t, "r"), grad(t, "gate"), at(t, "w"), at(t, "r"),
                       ints(t, "mask"), t->add, t->s.T, t->N);
}

/* Logits on a coarse grid, so that no distance comes near the edge of a band of .109; no draw comes
 * near a running sum's edge but by rare chance. */
static void band_setup(struct trial *t)
{
    double *z = input(t, "logits", cells(t), true);
    for (int i = 0; i < cells(t); i++)
        z[i] = 3 + round(2 * z[i]) / 8 + i % t->N / 65536.; /* no ties */
    output(t, "r", cells(t));
    some_ints(t, "mask", cells(t), 3);
    double *u = uniforms(t, "u", 2 * cells(t));
    for (int i = 0; i < cells(t); i++) u[2 * i + 1] = t->op->variant == 2 ? 1 : u[2 * i + 1];
    if (!t->op->variant) return;
    beside_ints(t, "drawn", cells(t)); /* it holds the counts and is drawn anew */
    memcpy(whole(t, "drawn")->host, whole(t, "mask")->host, cells(t) * sizeof(int32_t));
}

static struct kn_ints band_mask(struct trial *t)
{
    return ints(t, t->op->variant ? "drawn" : "mask");
}

static struct kn_buf band_draws(struct trial *t)
{
    return t->op->variant ? at(t, "u") : (struct kn_buf){0};
}

static void band_forward(struct trial *t)
{
    kn_band(t->be, at(t, "r"), band_mask(t), at(t, "logits"), .109, band_draws(t), t->s.T, t->N);
}

static void band_back(struct trial *t)
{
    kn_band_back(t->be, grad(t, "logits"), grad(t, "r"), band_mask(t), at(t, "logits"), .109,
                 band_draws(t), t->s.T, t->N);
}

/* ---- rows that weigh more */
static void share_setup(struct trial *t)
{
    some_ints(t, "mask", cells(t), 2);
    some_ints(t, "valid", t->s.T, 4);
    some_ints(t, "marked", t->s.T, 2);
    beside(t, "f", t->N);
}

static void share_forward(struct trial *t)
{
    kn_column_share(t->be, at(t, "f"), ints(t, "mask"),
                    t->add ? ints(t, "marked") : (struct kn_ints){0}, 10, t->c, ints(t, "valid"),
                    t->s.T, t->N);
}

static void weigh_setup(struct trial *t)
{
    input(t, "x", cells(t), false);
    output(t, "y", cells(t));
    some_ints(t, "valid", t->s.T, 4);
    some_ints(t, "marked", t->s.T, 2);
}

static void weigh(struct trial *t, struct kn_buf y, struct kn_buf x)
{
    kn_weigh_rows(t->be, y, x, t->add ? ints(t, "marked") : (struct kn_ints){0}, 10,
                  ints(t, "valid"), t->s.T, t->N);
}

static void weigh_forward(struct trial *t)
{
    weigh(t, at(t, "y"), at(t, "x"));
}

static void weigh_back(struct trial *t)
{
    weigh(t, grad(t, "x"), grad(t, "y"));
}

const struct op_trial trials_draw[] = {
    {"uniform", uniform_setup, uniform_forward, NULL, 0},
    {"jitter", jitter_setup, jitter_forward, jitter_back, 0},
    {"joint_gate", joint_setup, joint_forward, joint_back, 0},
    {"joint_gate, nothing beside", joint_setup, joint_forward, joint_back, 1},
    {"rated_gate", rated_setup, rated_forward, rated_back, 0},
    {"band", band_setup, band_forward, band_back, 0},
    {"band, drawn", band_setup, band_forward, NULL, 1},
    {"band, drawn and whole", band_setup, band_forward, band_back, 2},
    {"column_share", share_setup, share_forward, NULL, 0},
    {"weigh_rows", weigh_setup, weigh_forward, weigh_back, 0},
    {0},
};
