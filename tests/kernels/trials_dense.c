/* Trials of vectors, dense products, attention, norm, softmax, loss and optimiser. */
#include "tests/kernels/trial.h"

/* ---- vectors: y = c (a + b + c a) */
static void vectors_setup(struct trial *t)
{
    input(t, "a", t->s.n, false);
    input(t, "b", t->s.n, false);
    output(t, "y", t->s.n);
    beside(t, "zero", t->s.n);
    beside(t, "fill", t->s.n);
}

static void vectors_forward(struct trial *t)
{
    kn_copy(t->be, at(t, "y"), at(t, "b"), t->s.n);
    kn_add(t->be, at(t, "y"), at(t, "a"), at(t, "y"), t->s.n);
    kn_accumulate(t->be, at(t, "y"), t->c, at(t, "a"), t->s.n);
    kn_scale(t->be, at(t, "y"), t->c, at(t, "y"), t->s.n);
    kn_zero(t->be, at(t, "zero"), t->s.n);
    kn_fill(t->be, at(t, "fill"), t->c, t->s.n);
}

static void vectors_back(struct trial *t)
{
    kn_scale(t->be, grad(t, "b"), t->c, grad(t, "y"), t->s.n);
    kn_copy(t->be, grad(t, "a"), grad(t, "b"), t->s.n);
    kn_accumulate(t->be, grad(t, "a"), t->c, grad(t, "b"), t->s.n);
}

/* ---- linear, with V rows */
static void linear_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->s.D, t->add);
    input(t, "w", t->s.V * t->s.D, true);
    output(t, "y", t->s.T * t->s.V);
    ck_assert(kn_weight_open(t->be, &t->up, at(t, "w"), KN_DENSE, 1, t->s.V, t->s.D, false));
}

static void linear_forward(struct trial *t)
{
    kn_repack(t->be, (struct kn_weight *[]){&t->up}, 1);
    kn_linear(t->be, at(t, "y"), at(t, "x"), &t->up, t->s.T);
}

static void linear_back(struct trial *t)
{
    kn_linear_back_x(t->be, grad(t, "x"), grad(t, "y"), &t->up, t->s.T, t->add);
    kn_linear_back_w(t->be, grad(t, "w"), grad(t, "y"), at(t, "x"), &t->up, t->s.T);
}

static void bias_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->s.D, false);
    input(t, "b", t->s.D, true);
    output(t, "y", t->s.T * t->s.D);
}

static void bias_forward(struct trial *t)
{
    kn_copy(t->be, at(t, "y"), at(t, "x"), (size_t)t->s.T * t->s.D);
    kn_bias(t->be, at(t, "y"), at(t, "b"), t->s.T, t->s.D);
}

static void bias_back(struct trial *t)
{
    kn_copy(t->be, grad(t, "x"), grad(t, "y"), (size_t)t->s.T * t->s.D);
    kn_bias_back(t->be, grad(t, "b"), grad(t, "y"), t->s.T, t->s.D);
}

static void embed_setup(struct trial *t)
{
    input(t, "table", t->s.V * t->s.D, true);
    output(t, "y", t->s.T * t->s.D);
    int32_t *ids = given_ints(t, "ids", t->s.T);
    for (int i = 0; i < t->s.T; i++) ids[i] = rig_below(&t->random, t->s.V);
}

static void embed_forward(struct trial *t)
{
    kn_embed(t->be, at(t, "y"), ints(t, "ids"), at(t, "table"), t->s.T, t->s.V, t->s.D);
}

static void embed_back(struct trial *t)
{
    kn_embed_back(t->be, grad(t, "table"), grad(t, "y"), ints(t, "ids"), t->s.T, t->s.V, t->s.D);
}

/* ---- attention */
static int qkv_size(const struct trial *t)
{
    return t->s.B * t->s.C * 3 * t->s.heads * t->s.d;
}

static void rope_setup(struct trial *t)
{
    input(t, "x", qkv_size(t), false);
    output(t, "y", qkv_size(t));
}

static void rope_forward(struct trial *t)
{
    kn_copy(t->be, at(t, "y"), at(t, "x"), qkv_size(t));
    kn_rope(t->be, at(t, "y"), t->s.B, t->s.C, t->s.heads, t->s.d, 10000);
}

static void rope_back(struct trial *t)
{
    kn_copy(t->be, grad(t, "x"), grad(t, "y"), qkv_size(t));
    kn_rope_back(t->be, grad(t, "x"), t->s.B, t->s.C, t->s.heads, t->s.d, 10000);
}

static void attention_setup(struct trial *t)
{
    input(t, "qkv", qkv_size(t), false);
    output(t, "y", qkv_size(t) / 3);
    beside(t, "lse", t->s.B * t->s.heads * t->s.C);
}

static void attention_forward(struct trial *t)
{
    kn_attention(t->be, at(t, "y"), at(t, "lse"), at(t, "qkv"), t->s.B, t->s.C, t->s.heads, t->s.d);
}

static void attention_back(struct trial *t)
{
    kn_attention_back(t->be, grad(t, "qkv"), grad(t, "y"), at(t, "y"), at(t, "lse"), at(t, "qkv"),
                      t->s.B, t->s.C, t->s.heads, t->s.d);
}

/* ---- rows */
static void rmsnorm_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->s.D, t->add);
    input(t, "gain", t->s.D, true);
    output(t, "y", t->s.T * t->s.D);
    beside(t, "inv", t->s.T);
}

static void rmsnorm_forward(struct trial *t)
{
    kn_rmsnorm(t->be, at(t, "y"), at(t, "inv"), at(t, "x"), at(t, "gain"), t->s.T, t->s.D);
}

static void rmsnorm_back(struct trial *t)
{
    kn_rmsnorm_back(t->be, grad(t, "x"), grad(t, "gain"), grad(t, "y"), at(t, "x"), at(t, "inv"),
                    at(t, "gain"), t->s.T, t->s.D, t->add);
}

static void softmax_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->N, t->add);
    output(t, "y", t->s.T * t->N);
}

static void softmax_forward(struct trial *t)
{
    kn_softmax_rows(t->be, at(t, "y"), at(t, "x"), t->c, t->s.T, t->N);
}

static void softmax_back(struct trial *t)
{
    kn_softmax_rows_back(t->be, grad(t, "x"), grad(t, "y"), at(t, "y"), t->c, t->s.T, t->N, t->add);
}

/* ---- loss and optimiser */
static void cross_entropy_setup(struct trial *t)
{
    input(t, "logits", t->s.T * t->s.V, false);
    output(t, "loss", 1)->host_d[0] = 1;
    beside(t, "nll", t->s.T);
    beside_ints(t, "hit", t->s.T);
    int32_t *label = given_ints(t, "label", t->s.T);
    for (int i = 0; i < t->s.T; i++) label[i] = rig_below(&t->random, t->s.V + 1) - 1;
}

static void cross_entropy_forward(struct trial *t)
{
    kn_cross_entropy(t->be, at(t, "loss"), at(t, "nll"), ints(t, "hit"), (struct kn_buf){0},
                     at(t, "logits"), ints(t, "label"), t->s.T, t->s.V);
}

static void cross_entropy_back(struct trial *t)
{
    kn_cross_entropy(t->be, at(t, "loss"), at(t, "nll"), ints(t, "hit"), grad(t, "logits"),
                     at(t, "logits"), ints(t, "label"), t->s.T, t->s.V);
}

static void adamw_setup(struct trial *t)
{
    given(t, "x", t->s.n);
    beside(t, "squares", 1);
    beside(t, "ok", 2);
    memset(given_ints(t, "bad", t->s.T + 1), 0, ((size_t)t->s.T + 1) * sizeof(int32_t));
    beside(t, "factor", 1);
    beside(t, "w", t->s.n);
    beside(t, "m", t->s.n);
    beside(t, "v", t->s.n);
    beside(t, "g", t->s.n);
    for (int i = 0; i < t->s.n; i++) real(t, "v")->host[i] = fabs(real(t, "v")->host[i]);
}

static void adamw_forward(struct trial *t)
{
    struct kn_adamw o = {
        .lr = 0.01, .b1 = 0.9, .b2 = 0.99, .eps = 1e-8, .decay = 0.1, .step = 1 + t->s.T};
    kn_sum_squares(t->be, at(t, "squares"), at(t, "g"), t->s.n);
    kn_watch(t->be, at(t, "ok"), at(t, "squares"), 1, ints(t, "bad"), t->s.T);
    kn_clip_factor(t->be, at(t, "factor"), at(t, "squares"), at(t, "ok"), t->add ? t->c : 0);
    kn_adamw(t->be, at(t, "w"), at(t, "m"), at(t, "v"), at(t, "g"), at(t, "factor"), &o, t->s.n);
}

const struct op_trial trials_dense[] = {
    {"vectors", vectors_setup, vectors_forward, vectors_back, 0},
    {"linear", linear_setup, linear_forward, linear_back, 0},
    {"bias", bias_setup, bias_forward, bias_back, 0},
    {"embed", embed_setup, embed_forward, embed_back, 0},
    {"rope", rope_setup, rope_forward, rope_back, 0},
    {"attention", attention_setup, attention_forward, attention_back, 0},
    {"rmsnorm", rmsnorm_setup, rmsnorm_forward, rmsnorm_back, 0},
    {"softmax_rows", softmax_setup, softmax_forward, softmax_back, 0},
    {"cross_entropy", cross_entropy_setup, cross_entropy_forward, cross_entropy_back, 0},
    {"adamw", adamw_setup, adamw_forward, NULL, 0},
    {0},
};
