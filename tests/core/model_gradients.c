/* The whole model's gradient against central differences in float64, tensor by tensor of the
 * parameter table, with the selection held fast: it is what makes the loss discontinuous. */
#include "core/router/common.h"
#include "tests/core/model_rig.h"

static const struct gradient_case {
    const char *what, *data, *strategy, *words[12];
} cases[] =
    {
        {"orders, topk", "orders", "topk", {"batch=24", "aux=0.1"}},
        {"orders, topk as Switch, z loss",
         "orders",
         "topk",
         {"batch=24", "renormalise=0", "z=0.01"}},
        {"orders, topk k=1", "orders", "topk", {"batch=24", "k=1", "renormalise=0"}},
        {"orders, topp", "orders", "topp", {"batch=24", "p=0.5"}},
        {"orders, topp not renormalised, temperature",
         "orders",
         "topp",
         {"batch=24", "renormalise=0", "temperature=0.5", "p=0.6"}},
        {"orders, shared experts, three layers",
         "orders",
         "topk",
         {"batch=12", "shared=2", "layers=3"}},
        {"orders, unimoe", "orders", "unimoe", {"batch=24", "p=0.7"}},
        {"orders, unimoe, released gates, two shared experts, jitter",
         "orders",
         "unimoe",
         {"batch=12", "gates=released", "shared=2", "layers=2", "jitter=0.05", "shared_width=1"}},
        {"orders, adak", "orders", "adak", {"batch=24", "k=3", "layers=2"}},
        {"orders, relu experts", "orders", "topp", {"batch=24", "expert=relu"}},
        {"text, topk",
         "text",
         "topk",
         {"batch=2", "context=6", "width=8", "heads=2", "expert-width=5", "experts=4"}},
        {"text, topp, silu experts",
         "text",
         "topp",
         {"batch=2", "context=5", "width=8", "heads=2", "expert-width=3", "experts=4",
          "expert=silu", "shared=1"}},
        {"orders, zero slots", "orders", "adamoe", {"batch=24", "aux=0.3"}},
        {"orders, zero slots, gates over the true picks",
         "orders",
         "adamoe",
         {"batch=24", "normalise=true", "k=5", "averaged=0"}},
        {"orders, copies, gates over all picks",
         "orders",
         "adamoe",
         {"batch=24", "normalise=all", "null_kind=copy", "layers=2"}},
        {"orders, identity slots and groups",
         "orders",
         "longcat",
         {"batch=24", "aux=0.01", "layers=2"}},
        {"orders, all three kinds of slots", "orders", "moepp", {"batch=24", "layers=3", "k=6"}},
        {"orders, all kinds, released gates, scaled input, shared expert",
         "orders",
         "moepp",
         {"batch=24", "layers=2", "k=6", "gates=released", "input_scale=1.7", "shared=1"}},
        {"orders, hidden router, standardised, z loss",
         "orders",
         "moepp",
         {"batch=12", "layers=3", "k=5", "router=mlp", "standardise=1", "z=0.01", "experts=4"}},
        {"orders, mixtral gates, detached",
         "orders",
         "moepp",
         {"batch=24", "k=6", "gates=mixtral", "detach=1", "constants=3"}},
        {"text, all three kinds of slots",
         "text",
         "moepp",
         {"batch=2", "context=6", "width=8", "heads=2", "expert-width=5", "experts=4", "k=5",
          "layers=3", "expert=relu"}},
        {"orders, remoe", "orders", "remoe", {"batch=24", "lambda=0.1"}},
        {"orders, blockffn", "orders", "blockffn", {"batch=24", "expert=silu"}},
        {"text, remoe, a price of its own",
         "text",
         "remoe",
         {"batch=2", "context=5", "width=8", "heads=2", "expert-width=3", "lambda0=0.2",
          "target=2.5"}},
        {"text, blockffn, neighbours and chunks",
         "text",
         "blockffn",
         {"batch=2", "context=7", "width=8", "heads=2", "expert-width=3", "locality=0.02",
          "chunk=0.9", "length=3"}},
},
  /* the same with vans off the road, whose every gradient is 0 */
    broken[] = {
        {"orders, topk, two broken", "orders", "topk", {"batch=24", "k=3", "aux=0.1"}},
        {"orders, topp, two broken", "orders", "topp", {"batch=24", "p=0.5", "renormalise=0"}},
        {"orders, slots, two broken", "orders", "moepp", {"batch=24", "k=6"}},
        {"orders, identity slots, two broken", "orders", "longcat", {"batch=24", "layers=2"}},
        {"orders, remoe, two broken", "orders", "remoe", {"batch=24", "lambda=0.1"}},
        {"orders, blockffn, two broken", "orders", "blockffn", {"batch=24"}},
        {"orders, unimoe, two broken", "orders", "unimoe", {"batch=24", "p=0.7"}},
};
enum { BROKEN = 0x24, BROKEN_CASES = sizeof broken / sizeof *broken };
enum { CASES = sizeof cases / sizeof *cases, ENTRIES = 6 };

/* The state that is a loss's coefficient; 1 where its knob is. */
static double state_of(const struct route *r, int loss)
{
    const struct router *router = r->router;
    double value = 1;
    int knob = router->losses[loss].knob ? router_knob(router, router->losses[loss].knob) : -1;
    for (int i = 0; router->losses[loss].state && i < ROUTER_ARRAYS && router->state[i].name; i++)
        if (strcmp(router->state[i].name, router->losses[loss].state) == 0)
            kn_read(r->be, &value, r->state[i], 1);
    return knob >= 0 && r->knob[knob] != 0 ? 1 : value;
}

/* Task loss plus the routers' losses by their coefficients, as the step minimises it. */
static double total_loss(struct model *m)
{
    double loss, value;
    model_forward(m, true);
    model_loss(m, false);
    kn_read(m->be, &loss, m->loss, 1);
    for (int l = 0; l < m->L; l++) {
        struct route *r = &m->layer[l].moe.route;
        route_losses(r);
        for (int i = 0; i < ROUTER_LOSSES && r->router->losses[i].pressure; i++) {
            kn_read(m->be, &value, r->loss[i], 1);
            if (!route_loss_known(r, i)) continue;
            loss += route_coefficient(r, i) * state_of(r, i) * value / m->L;
        }
    }
    return loss;
}

static void freeze(struct model *m)
{
    for (int l = 0; l < m->L; l++) {
        const struct route *r = &m->layer[l].moe.route;
        int32_t *mask = malloc((size_t)r->T * (size_t)r->N * sizeof *mask);
        kn_read_ints(m->be, mask, r->mask, (size_t)r->T * (size_t)r->N);
        moe_force(&m->layer[l].moe, mask, r->T);
        free(mask);
    }
}

/* The strategies' own arrays, which may start at 0, somewhere else. */
static void scatter(struct model *m)
{
    struct rng r = rng_at(6, RNG_SAMPLE, 0);
    for (int i = 0; i < m->params.count; i++) {
        const struct param *a = &m->params.list[i];
        for (size_t k = 0; strstr(a->name, ".router.") && k < a->size; k++) {
            double w = .3 * rng_normal(&r);
            kn_write(m->be, kn_part(m->be, m->params.w, a->first + k), &w, 1);
        }
    }
    model_repack(m);
}

static void nudge(struct model *m, size_t at, double by)
{
    double w;
    kn_read(m->be, &w, kn_part(m->be, m->params.w, at), 1);
    w += by;
    kn_write(m->be, kn_part(m->be, m->params.w, at), &w, 1);
    model_repack(m);
}

static void check_tensor(struct model *m, const struct param *a, const char *what, struct rng *r)
{
    const double eps = 1e-6;
    for (int k = 0; k < ENTRIES; k++) {
        size_t at = a->first + rng_below(r, (uint32_t)a->size);
        double got;
        kn_read(m->be, &got, kn_part(m->be, m->params.g, at), 1);
        nudge(m, at, eps);
        double up = total_loss(m);
        nudge(m, at, -2 * eps);
        double down = total_loss(m);
        nudge(m, at, eps);
        NEAR(got, (up - down) / (2 * eps), 1e-7, 1e-4, "%s, %s [%zu]", what, a->name,
             at - a->first);
    }
}

static void check_model(const struct config *c, const char *what)
{
    struct trainer *t = model_rig_open(c);
    struct model *m = t->model;
    rig_steps(t, 3); /* biases and moments away from 0 */
    scatter(m);
    t->batch.sequences = t->sequences, t->batch.context = t->context;
    t->batch.T = t->sequences * t->context;
    t->data->fill(t->data, 1, DATA_TRAIN, 77, &t->batch);
    model_input(m, &t->batch);
    model_forward(m, true);
    freeze(m);
    model_forward(m, true);
    model_loss(m, true);
    model_backward(m);
    struct rng r = rng_at(5, RNG_SAMPLE, 0);
    for (int i = 0; i < m->params.count; i++) check_tensor(m, &m->params.list[i], what, &r);
    ck_assert_int_ge(m->params.count, 10);
    ck_assert(kn_sync(m->be, NULL, NULL));
    trainer_close(t);
}

START_TEST(every_tensor_of_the_table_has_the_gradient_of_the_loss)
{
    const struct gradient_case *x = &cases[_i];
    struct config c =
        rig_config(x->data, x->strategy, "ref", x->words[0], x->words[1], x->words[2], x->words[3],
                   x->words[4], x->words[5], x->words[6], x->words[7], x->words[8], NULL);
    check_model(&c, x->what);
}
END_TEST

START_TEST(broken_experts_leave_the_gradient_of_the_loss)
{
    const struct gradient_case *x = &broken[_i];
    struct config c =
        rig_config(x->data, x->strategy, "ref", x->words[0], x->words[1], x->words[2], NULL);
    c.fleet.broken = BROKEN;
    check_model(&c, x->what);
}
END_TEST

/* ---- a strategy with slots of every kind, for these tests only ---- */
static int three_slots(const double *knob, int E, struct slot_run runs[4])
{
    (void)knob, (void)E;
    runs[0] = (struct slot_run){SLOT_CONSTANT, 1, "constant"};
    runs[1] = (struct slot_run){SLOT_COPY, 1, "copy"};
    runs[2] = (struct slot_run){SLOT_ZERO, 1, "zero"};
    return 3;
}

static void take_four(struct route *r)
{
    common_take_best(r, 4);
}

static void weigh(struct route *r)
{
    common_gate(r, false);
}

static void backward(struct route *r)
{
    common_gate_back(r, false);
}

static const struct router slots_router = {
    .name = "slots",
    .softmax = true,
    .knobs = {{.name = "aux", .max = 1, .start = .1}},
    .params = {{.name = "w", .shape = {DIM_N, DIM_D}, .start = START_NORMAL, .scale = .5},
               {.name = "v", .shape = {DIM_1, DIM_D}, .start = START_NORMAL, .scale = .5},
               {.name = "c", .shape = {DIM_S, DIM_D}, .start = START_NORMAL, .scale = .5}},
    .losses = {{"aux", .knob = "aux"}},
    .slots = three_slots,
    .select = take_four,
    .weigh = weigh,
    .backward = backward,
};

static struct config slots_config(const char *backend)
{
    struct config c = rig_config("orders", "topk", backend, "batch=16", "layers=2", NULL);
    c.router = &slots_router;
    memset(c.knob, 0, sizeof c.knob);
    c.knob[0] = .1;
    return c;
}

START_TEST(slots_of_every_kind_have_the_gradient_of_the_loss)
{
    struct config c = slots_config("ref");
    check_model(&c, "slots");
}
END_TEST

START_TEST(picks_of_slots_are_counted_apart_and_cost_what_they_are)
{
    static struct snapshot s;
    struct config c = slots_config("cpu");
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    trainer_measure(t, &s, true);
    NEAR(s.experts_per_token + s.zero_compute_per_token, 4, 1e-9, 0, "picks");
    ck_assert_double_gt(s.zero_compute_per_token, 0);
    ck_assert_int_eq(s.token[0].count[1] + s.token[0].zero[1], 4);
    double D = 64, fixed = 2 * 41 * D + 2 * D * 32 + 2 * 2 * D * 11, slots = 0;
    for (int l = 0; l < 2; l++)
        slots += (7 * t->tally.picks[l][8] + t->tally.picks[l][9]) * D / t->tally.tokens;
    NEAR(s.flops_per_token, fixed + s.experts_per_token * 2 * 1536 + slots, 1e-6, 0, "FLOPs");
    trainer_close(t);
}
END_TEST

static void read_tensor(struct trainer *t, const char *name, double *to, size_t *n)
{
    const struct params *p = &t->model->params;
    const struct param *a = params_find(p, name);
    ck_assert_msg(a != NULL, "%s", name);
    *n = a->size;
    kn_read(t->be, to, kn_part(t->be, p->w, a->first), a->size);
}

START_TEST(a_switch_that_adds_columns_keeps_the_rows_of_the_experts)
{
    static const char gate[] = "model.layers.1.block_sparse_moe.gate.weight",
                      expert[] = "model.layers.1.block_sparse_moe.experts.3.w2.weight";
    static double before[64 * 64], after[64 * 64];
    struct err e = {0};
    size_t n, m;
    struct config plain = rig_config("orders", "topk", "cpu", "batch=16", "layers=2", NULL);
    struct config slots = slots_config("cpu");
    struct trainer *t = model_rig_open(&plain);
    rig_steps(t, 5);
    read_tensor(t, gate, before, &n);
    ck_assert_msg(trainer_apply(t, &slots, &e), "%s", e.text);
    read_tensor(t, gate, after, &m);
    ck_assert_uint_eq(n, 8 * 64);
    ck_assert_uint_eq(m, 11 * 64);
    ck_assert_mem_eq(before, after, n * sizeof *before);
    for (int j = 0; j < 64; j++) { /* a slot's row starts near the mean of the experts' */
        double mean = 0;
        for (int i = 0; i < 8; i++) mean += before[i * 64 + j] / 8;
        for (int i = 8; i < 11; i++) NEAR(after[i * 64 + j], mean, 2.5, 0, "row %d", i);
        ck_assert_double_ne(after[8 * 64 + j], mean);
    }
    rig_steps(t, 5);
    read_tensor(t, expert, before, &n);
    read_tensor(t, gate, before + n, &m);
    ck_assert_msg(trainer_apply(t, &plain, &e), "%s", e.text);
    read_tensor(t, expert, after, &n);
    ck_assert_mem_eq(before, after, n * sizeof *before);
    read_tensor(t, gate, after, &m);
    ck_assert_uint_eq(m, 8 * 64);
    ck_assert_mem_eq(before + n, after, m * sizeof *before);
    rig_steps(t, 5);
    ck_assert_int_eq((int)t->skipped, 0);
    trainer_close(t);
}
END_TEST

/* ---- what-if, and rows that cannot be routed ---- */
START_TEST(forced_counts_are_taken_whatever_the_strategy_says)
{
    struct config c = rig_config("orders", _i ? "topp" : "topk", "cpu", "batch=9", NULL);
    struct trainer *t = model_rig_open(&c);
    struct model *m = t->model;
    int32_t want[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, mask[9 * 8];
    struct kn_ints counts = kn_alloc_ints(t->be, 9);
    rig_steps(t, 1);
    kn_write_ints(t->be, counts, want, 9);
    moe_force_counts(&m->layer[0].moe, counts);
    model_forward(m, false);
    kn_read_ints(t->be, mask, m->layer[0].moe.route.mask, 72);
    for (int i = 0; i < 9; i++) {
        int got = 0;
        for (int j = 0; j < 8; j++) got += mask[i * 8 + j];
        ck_assert_int_eq(got, want[i]);
    }
    moe_force_counts(&m->layer[0].moe, (struct kn_ints){0});
    rig_steps(t, 1);
    kn_free_ints(t->be, counts);
    trainer_close(t);
}
END_TEST

START_TEST(a_token_that_cannot_be_routed_gets_nothing_from_shared_experts_either)
{
    struct config c = rig_config("orders", "topk", "cpu", "batch=4", "shared=2", NULL);
    struct trainer *t = model_rig_open(&c);
    struct moe *e = &t->model->layer[0].moe;
    struct kn_buf x = t->model->du, y = t->model->y;
    double in[4 * 64], out[4 * 64];
    for (int i = 0; i < 4 * 64; i++) in[i] = sin(i);
    in[64 + 3] = NAN, in[3 * 64] = INFINITY;
    kn_write(t->be, x, in, 4 * 64);
    moe_forward(e, y, x, 4, true);
    kn_read(t->be, out, y, 4 * 64);
    for (int i = 0; i < 4 * 64; i++) {
        if (i / 64 % 2)
            ck_assert_msg(out[i] == 0, "token %d, number %d is %g", i / 64, i % 64, out[i]);
        else
            ck_assert_msg(isfinite(out[i]) && out[i] != 0, "token %d is %g", i / 64, out[i]);
    }
    trainer_close(t);
}
END_TEST

SUITE(model_gradients)
{
    TCase *t = tcase_create("gradients");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, every_tensor_of_the_table_has_the_gradient_of_the_loss, 0, CASES);
    tcase_add_loop_test(t, broken_experts_leave_the_gradient_of_the_loss, 0, BROKEN_CASES);
    tcase_add_test(t, slots_of_every_kind_have_the_gradient_of_the_loss);
    tcase_add_test(t, picks_of_slots_are_counted_apart_and_cost_what_they_are);
    tcase_add_test(t, a_switch_that_adds_columns_keeps_the_rows_of_the_experts);
    tcase_add_loop_test(t, forced_counts_are_taken_whatever_the_strategy_says, 0, 2);
    tcase_add_test(t, a_token_that_cannot_be_routed_gets_nothing_from_shared_experts_either);
    suite_add_tcase(suite, t);
}
