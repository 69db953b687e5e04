/* Trials of dispatch, experts and slots. */
#include "tests/kernels/trial.h"

/* Any mask, with a column that nobody takes; or counts on both sides of the sizes that work is cut
 * into. */
static void some_mask(struct trial *t)
{
    static const int edges[] = {1, 15, 16, 17, 31, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 0};
    int32_t *mask = given_ints(t, "mask", t->s.T * t->N);
    int idle = rig_below(&t->random, t->N + 1);
    bool cut = t->s.T >= 129 && rig_below(&t->random, 2);
    for (int i = 0; i < t->s.T; i++) {
        int odds = rig_below(&t->random, 4);
        for (int j = 0; j < t->N; j++)
            mask[i * t->N + j] =
                cut ? i < edges[(idle + j) % 16] : j != idle && rig_below(&t->random, 4) < odds;
    }
}

/* ---- dispatch */
enum { BY_MASK, ALL };

static void plan_setup(struct trial *t)
{
    some_mask(t);
    ck_assert(kn_plan_open(t->be, &t->plan, t->s.T, t->s.E, t->N));
    beside_ints_at(t, "offset", t->plan.offset);
    beside_ints_at(t, "slot_token", t->plan.slot_token);
    beside_ints_at(t, "slot_expert", t->plan.slot_expert);
    beside_ints_at(t, "token_start", t->plan.token_start);
    beside_ints_at(t, "token_slot", t->plan.token_slot);
    beside_ints_at(t, "count", t->plan.count);
}

static void plan_forward(struct trial *t)
{
    int32_t rows;
    if (t->op->variant == BY_MASK)
        kn_plan(t->be, &t->plan, ints(t, "mask"), t->s.T);
    else
        kn_plan_all(t->be, &t->plan, t->s.T);
    kn_read_ints(t->be, &rows, kn_part_ints(t->plan.offset, t->s.E), 1);
    whole(t, "offset")->n = t->s.E + 1;
    whole(t, "token_start")->n = t->s.T + 1;
    whole(t, "count")->n = t->N;
    whole(t, "slot_token")->n = whole(t, "slot_expert")->n = whole(t, "token_slot")->n = rows;
}

static void capacity_setup(struct trial *t)
{
    if (t->s.T > 3000) t->s.T = 3000; /* ref drops one pick at a time */
    int n = t->s.T * t->N;
    beside(t, "gate", n);
    beside_ints(t, "mask", n);
    beside_ints(t, "dropped", 1);
    double *gate = real(t, "gate")->host;
    for (int i = 0; i < n; i++) {
        whole(t, "mask")->host[i] = rig_below(&t->random, 3) > 0;
        if (rig_below(&t->random, 2)) gate[i] = round(2 * gate[i]); /* ties */
        if (!whole(t, "mask")->host[i]) gate[i] = 0;
    }
}

static void capacity_forward(struct trial *t)
{
    kn_capacity_drop(t->be, ints(t, "mask"), at(t, "gate"), ints(t, "dropped"), t->c, t->add,
                     t->s.T, t->N, t->s.E);
}

/* ---- experts: plan, pair and combine */
static void poisoned(struct trial *t, const char *name, int n)
{
    double *host = given(t, name, n);
    for (int i = 0; i < n; i++) host[i] = NAN;
}

static void experts_setup(struct trial *t)
{
    int rows = t->s.H * (t->op->variant == KN_SWIGLU ? 2 : 1), room = t->s.T * t->s.E;
    input(t, "x", t->s.T * t->s.D, t->add);
    input_columns(t, "gate", t->s.T * t->N, t->N, 0, t->s.E);
    double *w1 = input(t, "up", t->s.E * rows * t->s.D, true);
    double *w2 = input(t, "down", t->s.E * t->s.D * t->s.H, true);
    output(t, "y", t->s.T * t->s.D);
    some_mask(t);
    for (int i = 0; i < t->s.E * rows * t->s.D; i++) w1[i] = (float)(w1[i] / sqrt(t->s.D));
    for (int i = 0; i < t->s.E * t->s.D * t->s.H; i++) w2[i] = (float)(w2[i] / sqrt(t->s.H));
    poisoned(t, "out", room * t->s.D); /* last: pre has another length elsewhere */
    poisoned(t, "pre", (int)kn_pre_room(t->be, room, t->s.H, t->op->variant == KN_SWIGLU));
    ck_assert(kn_plan_open(t->be, &t->plan, t->s.T, t->s.E, t->N));
    ck_assert(kn_weight_open(t->be, &t->up, at(t, "up"), KN_UP, t->s.E, rows, t->s.D,
                             t->op->variant == KN_SWIGLU));
    ck_assert(
        kn_weight_open(t->be, &t->down, at(t, "down"), KN_DOWN, t->s.E, t->s.D, t->s.H, false));
}

/* combine adds to what y holds, or overwrites it. */
static void experts_forward(struct trial *t)
{
    if (t->add) kn_zero(t->be, at(t, "y"), (size_t)t->s.T * t->s.D);
    kn_repack(t->be, (struct kn_weight *[]){&t->up, &t->down}, 2);
    kn_plan(t->be, &t->plan, ints(t, "mask"), t->s.T);
    kn_moe_ffn(t->be, at(t, "out"), at(t, "pre"), &t->plan, at(t, "x"), &t->up, &t->down,
               t->op->variant, t->s.T);
    kn_combine(t->be, at(t, "y"), &t->plan, at(t, "out"), at(t, "gate"), t->s.T, t->s.D, t->add);
}

static void experts_back(struct trial *t)
{
    kn_moe_ffn_back(t->be, grad(t, "x"), grad(t, "gate"), grad(t, "up"), grad(t, "down"), &t->plan,
                    grad(t, "y"), at(t, "gate"), at(t, "x"), at(t, "pre"), &t->up, &t->down,
                    t->op->variant, t->s.T, t->add);
}

/* ---- slots: columns E..N-1 */
static void copy_setup(struct trial *t)
{
    input(t, "x", t->s.T * t->s.D, true);
    input_columns(t, "gate", t->s.T * t->N, t->N, t->s.E, t->N);
    output(t, "y", t->s.T * t->s.D);
    some_mask(t);
}

static void copy_forward(struct trial *t)
{
    kn_copy_slots(t->be, at(t, "y"), at(t, "x"), at(t, "gate"), ints(t, "mask"), t->s.E, t->s.S,
                  t->s.T, t->N, t->s.D);
}

static void copy_back(struct trial *t)
{
    kn_copy_slots_back(t->be, grad(t, "x"), grad(t, "gate"), grad(t, "y"), at(t, "x"),
                       at(t, "gate"), ints(t, "mask"), t->s.E, t->s.S, t->s.T, t->N, t->s.D);
}

static void constant_setup(struct trial *t)
{
    copy_setup(t);
    input(t, "v", t->s.S * t->s.D, true);
    double *c = input(t, "c", t->s.S * 2 * t->s.D, true);
    for (int i = 0; i < t->s.S * 2 * t->s.D; i++) c[i] = (float)(c[i] / sqrt(t->s.D));
}

static void constant_forward(struct trial *t)
{
    kn_constant_slots(t->be, at(t, "y"), at(t, "x"), at(t, "gate"), ints(t, "mask"), at(t, "v"),
                      at(t, "c"), t->s.E, t->s.S, t->s.T, t->N, t->s.D);
}

static void constant_back(struct trial *t)
{
    kn_constant_slots_back(t->be, grad(t, "x"), grad(t, "gate"), grad(t, "v"), grad(t, "c"),
                           grad(t, "y"), at(t, "x"), at(t, "gate"), ints(t, "mask"), at(t, "v"),
                           at(t, "c"), t->s.E, t->s.S, t->s.T, t->N, t->s.D);
}

const struct op_trial trials_moe[] = {
    {"plan", plan_setup, plan_forward, NULL, BY_MASK},
    {"plan_all", plan_setup, plan_forward, NULL, ALL},
    {"capacity_drop", capacity_setup, capacity_forward, NULL, 0},
    {"moe_ffn swiglu", experts_setup, experts_forward, experts_back, KN_SWIGLU},
    {"moe_ffn silu", experts_setup, experts_forward, experts_back, KN_SILU},
    {"moe_ffn relu", experts_setup, experts_forward, experts_back, KN_RELU},
    {"copy_slots", copy_setup, copy_forward, copy_back, 0},
    {"constant_slots", constant_setup, constant_forward, constant_back, 0},
    {0},
};
