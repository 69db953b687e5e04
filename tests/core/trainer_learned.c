/* Bolt-on training, and switching live to strategies that bring experts or networks of their own,
 * and away again. */
#include "tests/core/model_rig.h"

static double *tensor(struct trainer *t, const char *name, size_t *n)
{
    const struct param *a = params_find(&t->model->params, name);
    ck_assert_msg(a != NULL, "no tensor %s", name);
    double *to = malloc(a->size * sizeof *to);
    ck_assert_ptr_nonnull(to);
    kn_read(t->be, to, kn_part(t->be, t->model->params.w, a->first), a->size);
    *n = a->size;
    return to;
}

static const char gate[] = "model.layers.0.block_sparse_moe.gate.weight";
static const char shared[] = "model.layers.0.block_sparse_moe.router.shared_experts.0.w1.weight";

static void switch_to(struct trainer *t, const char *name)
{
    struct err e = {0};
    ck_assert_msg(trainer_set_router(t, name, &e), "%s", e.text);
}

static void turn(struct trainer *t, const char *knob, const char *value)
{
    struct err e = {0};
    ck_assert_msg(trainer_set_knob(t, knob, value, &e), "%s", e.text);
}

START_TEST(unimoe_keeps_the_rows_of_the_gate_and_brings_and_takes_its_shared_experts)
{
    struct config c = rig_config("orders", "topk", "cpu", "batch=8", "shared=1", NULL);
    struct trainer *t = model_rig_open(&c);
    size_t n, m;
    rig_steps(t, 5);
    double numbers = (double)t->model->params.count_of_numbers;
    double *before = tensor(t, gate, &n);
    switch_to(t, "unimoe");
    double *after = tensor(t, gate, &m);
    ck_assert_uint_eq(m, n + 64);
    for (size_t i = 0; i < n; i++) ck_assert_double_eq(before[i], after[i]);
    ck_assert_double_gt((double)t->model->params.count_of_numbers, numbers);
    rig_steps(t, 5);
    double *mine = tensor(t, shared, &n);
    turn(t, "nulls", "3");
    double *kept = tensor(t, shared, &m);
    ck_assert_uint_eq(n, m);
    for (size_t i = 0; i < n; i++) ck_assert_double_eq(mine[i], kept[i]);
    ck_assert_int_eq(t->model->layer[0].moe.route.N, 11);
    turn(t, "shared", "2");
    rig_steps(t, 2);
    turn(t, "shared", "0");
    rig_steps(t, 2);
    switch_to(t, "topk");
    ck_assert_ptr_null(params_find(&t->model->params, shared));
    NEAR((double)t->model->params.count_of_numbers, numbers, 0, 0, "numbers");
    rig_steps(t, 2);
    free(before), free(after), free(mine), free(kept);
    trainer_close(t);
}
END_TEST

/* ---- adak ---- */
static const char allocator[] = "model.layers.0.block_sparse_moe.router.w_alloc";

START_TEST(adak_comes_as_plain_topk_with_its_k_and_then_draws)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topk", "cpu", "batch=32", "k=3", NULL);
    struct trainer *t = model_rig_open(&c);
    size_t n;
    rig_steps(t, 20);
    switch_to(t, "adak");
    turn(t, "warm_steps", "10");
    for (int i = 0; i < 10; i++) {
        rig_steps(t, 1);
        trainer_measure(t, &s, false);
        NEAR(s.experts_per_token, 3, 0, 0, "experts while it imitates");
    }
    double *warm = tensor(t, allocator, &n), moved = 0;
    for (size_t i = 0; i < n; i++) moved += fabs(warm[i]);
    ck_assert_double_gt(moved, .1);
    NEAR((double)t->learning.updates, 10, 0, 0, "an update a step");
    rig_steps(t, 1); /* the first baseline pass */
    trainer_measure(t, &s, false);
    ck_assert_double_ne(s.experts_per_token, 3);
    ck_assert(s.rule[2] != 0 && isfinite(s.rule[2])); /* advantage */
    NEAR((double)t->learning.updates, 12, 0, 0, "two epochs");
    double *learnt = tensor(t, allocator, &n);
    ck_assert_mem_ne(warm, learnt, n * sizeof *warm);
    rig_steps(t, 3); /* none: the model's optimiser leaves the allocator alone */
    double *rested = tensor(t, allocator, &n);
    ck_assert_mem_eq(rested, learnt, n * sizeof *warm);
    NEAR((double)t->learning.updates, 12, 0, 0, "every fourth step");
    switch_to(t, "topk");
    NEAR(t->config.knob[0], 3, 0, 0, "k goes back with it");
    rig_steps(t, 2);
    trainer_measure(t, &s, true);
    NEAR(s.experts_per_token, 3, 0, 0, "experts");
    free(warm), free(learnt), free(rested);
    trainer_close(t);
}
END_TEST

START_TEST(bolted_on_the_model_trains_as_topk_then_rests_while_the_allocator_learns)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "adak", "cpu", "batch=32", "warm_steps=5", "k=2", NULL);
    struct trainer *t = model_rig_open(&c);
    size_t n, m;
    trainer_stage(t, STAGE_BASE);
    rig_steps(t, 10);
    trainer_measure(t, &s, true);
    NEAR(s.experts_per_token, 2, 0, 0, "experts of the base");
    ck_assert_int_eq(s.token[0].count[0], 2);
    NEAR(s.train_flops_per_token, 3 * s.flops_per_token, 1e-6, 0, "FLOPs of the base");
    double *zero = tensor(t, allocator, &n);
    for (size_t i = 0; i < n; i++) ck_assert_double_eq(zero[i], 0);
    trainer_stage(t, STAGE_ALONE);
    double *before = model_rig_read(t, t->model->params.w, &m);
    rig_steps(t, 5);
    trainer_measure(t, &s, false);
    NEAR(s.experts_per_token, 2, 0, 0, "experts while it imitates");
    rig_steps(t, 5);
    trainer_measure(t, &s, false);
    /* drawn and plain forward, and for two epochs two gradients and the logits once more */
    double plain = model_fixed_flops(t->model, 1) + 2 * moe_expert_flops(&t->model->layer[0].moe);
    NEAR(s.train_flops_per_token, s.flops_per_token + plain + 3 * 2. * 8 * 64, 1e-6, 0,
         "FLOPs alone");
    double *after = model_rig_read(t, t->model->params.w, &m);
    ck_assert_mem_eq(before, after, t->model->params.trained * sizeof *before);
    double *learnt = tensor(t, allocator, &n);
    ck_assert_mem_ne(zero, learnt, n * sizeof *zero);
    free(zero), free(before), free(after), free(learnt);
    trainer_close(t);
}
END_TEST

START_TEST(without_a_warm_up_the_first_step_draws)
{
    static struct snapshot s;
    struct config c = rig_config("text", "adak", "cpu", "batch=2", "warm=none", "layers=2", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    ck_assert_msg(s.experts_per_token > 3.5 && s.experts_per_token < 5.5, "%g experts",
                  s.experts_per_token); /* (E + 1) / 2 of an even draw */
    rig_steps(t, 8);
    trainer_measure(t, &s, true);
    NEAR(s.skipped_steps, 0, 0, 0, "skipped");
    trainer_close(t);
}
END_TEST

SUITE(trainer_learned)
{
    TCase *t = tcase_create("learned");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, unimoe_keeps_the_rows_of_the_gate_and_brings_and_takes_its_shared_experts);
    tcase_add_test(t, adak_comes_as_plain_topk_with_its_k_and_then_draws);
    tcase_add_test(t, bolted_on_the_model_trains_as_topk_then_rests_while_the_allocator_learns);
    tcase_add_test(t, without_a_warm_up_the_first_step_draws);
    suite_add_tcase(suite, t);
}
