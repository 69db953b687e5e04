/* Trials of what counts picks by column, and of what slots need beside. */
#include "tests/kernels/trial.h"

static void some_valid(struct trial *t, bool none)
{
    int32_t *valid = given_ints(t, "valid", t->s.T);
    for (int i = 0; i < t->s.T; i++) valid[i] = !none && rig_below(&t->random, 5) > 0;
}

/* Any picks, on valid rows only. */
static void some_mask(struct trial *t, const char *name, bool given)
{
    if (given)
        given_ints(t, name, t->s.T * t->N);
    else
        beside_ints(t, name, t->s.T * t->N);
    int32_t *mask = whole(t, name)->host;
    for (int i = 0; i < t->s.T; i++) {
        int odds = rig_below(&t->random, 5);
        for (int j = 0; j < t->N; j++) mask[i * t->N + j] = rig_below(&t->random, 4) < odds;
    }
}

static void without_setup(struct trial *t)
{
    some_mask(t, "mask", true);
    beside_ints(t, "y", t->s.T * t->N);
}

static void without_forward(struct trial *t)
{
    kn_mask_without(t->be, ints(t, "y"), ints(t, "mask"), t->N / 3, t->N / 2, t->s.T, t->N);
}

static void load_setup(struct trial *t)
{
    some_mask(t, "mask", true);
    some_valid(t, t->c < .55);
    beside(t, "f", t->N);
}

static void load_forward(struct trial *t)
{
    kn_group_load(t->be, at(t, "f"), ints(t, "mask"), ints(t, "valid"),
                  &(struct kn_groups){.width = 1 + t->s.E / 3,
                                      .slots = t->s.S ? t->s.S : 1,
                                      .c = t->c,
                                      .c_slots = .3,
                                      .once = t->add},
                  t->s.T, t->N, t->s.E);
}

static void room_setup(struct trial *t)
{
    if (t->s.T > 3000) t->s.T = 3000; /* ref drops one pick at a time */
    some_mask(t, "mask", false);
    beside(t, "gate", t->s.T * t->N);
    beside_ints(t, "dropped", 1);
    double *gate = real(t, "gate")->host;
    for (int i = 0; i < t->s.T * t->N; i++) {
        if (rig_below(&t->random, 2)) gate[i] = round(2 * gate[i]); /* ties */
        if (!whole(t, "mask")->host[i]) gate[i] = 0;
    }
}

static void room_forward(struct trial *t)
{
    kn_room_drop(t->be, ints(t, "mask"), at(t, "gate"), ints(t, "dropped"), t->c / t->N, .7 / t->N,
                 t->add, t->s.T, t->N, t->s.E);
}

static void mix_setup(struct trial *t)
{
    given(t, "x", t->s.T * t->s.D);
    double *c = given(t, "c", t->s.S * 2 * t->s.D);
    for (int i = 0; i < t->s.S * 2 * t->s.D; i++) c[i] = (float)(c[i] / sqrt(t->s.D));
    some_mask(t, "mask", true);
    for (int j = t->s.E; t->s.T > 0 && j < t->N; j++) /* without takers it is NaN */
        whole(t, "mask")->host[j] = 1;
    if (t->s.T > 0)
        beside(t, "mix", t->s.S);
    else
        given(t, "mix", t->s.S);
}

static void mix_forward(struct trial *t)
{
    kn_constant_mix(t->be, at(t, "mix"), at(t, "x"), t->c, ints(t, "mask"), at(t, "c"), t->s.E,
                    t->s.S, t->s.T, t->N, t->s.D);
}

static void standard_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->N, false);
    output(t, "y", t->s.T * t->N);
    beside(t, "inv", t->N > 1 ? t->s.T : 0); /* one column: 1/eps */
}

static void standard_forward(struct trial *t)
{
    kn_standardise_rows(t->be, at(t, "y"), at(t, "inv"), at(t, "x"), t->s.T, t->N);
}

static void standard_back(struct trial *t)
{
    kn_standardise_rows_back(t->be, grad(t, "x"), grad(t, "y"), at(t, "y"), at(t, "inv"), t->s.T,
                             t->N);
}

static void tanh_setup(struct trial *t)
{
    input(t, "x", t->s.n, false);
    output(t, "y", t->s.n);
}

static void tanh_forward(struct trial *t)
{
    kn_tanh(t->be, at(t, "y"), at(t, "x"), t->s.n);
}

static void tanh_backward(struct trial *t)
{
    kn_tanh_back(t->be, grad(t, "x"), grad(t, "y"), at(t, "y"), t->s.n);
}

const struct op_trial trials_columns[] = {
    {"mask_without", without_setup, without_forward, NULL, 0},
    {"group_load", load_setup, load_forward, NULL, 0},
    {"room_drop", room_setup, room_forward, NULL, 0},
    {"constant_mix", mix_setup, mix_forward, NULL, 0},
    {"standardise_rows", standard_setup, standard_forward, standard_back, 0},
    {"tanh", tanh_setup, tanh_forward, tanh_backward, 0},
    {0},
};
