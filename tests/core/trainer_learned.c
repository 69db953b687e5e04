/* Switching live to strategies that bring experts or networks of their own, and away again. */
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

SUITE(trainer_learned)
{
    TCase *t = tcase_create("learned");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, unimoe_keeps_the_rows_of_the_gate_and_brings_and_takes_its_shared_experts);
    suite_add_tcase(suite, t);
}
