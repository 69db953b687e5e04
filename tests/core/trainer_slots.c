/* Training with slots: what a live switch keeps and what it makes anew, and the state that lives
 * outside the gradient. */
#include "tests/core/model_rig.h"

enum { D = 64, E = 8, ROWS = 32 };

/* Rows of a layer's gate in a block (weights or a moment). */
static void gate_rows(struct trainer *t, struct kn_buf block, int layer, int rows, double *to)
{
    char name[PARAM_NAME];
    snprintf(name, sizeof name, "model.layers.%d.block_sparse_moe.gate.weight", layer);
    const struct param *a = params_find(&t->model->params, name);
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->shape[0], rows);
    kn_read(t->be, to, kn_part(t->be, block, a->first), a->size);
}

static void go(struct trainer *t, const char *router)
{
    struct err e = {0};
    ck_assert_msg(trainer_set_router(t, router, &e), "%s", e.text);
}

static void turn(struct trainer *t, const char *knob, const char *value)
{
    struct err e = {0};
    ck_assert_msg(trainer_set_knob(t, knob, value, &e), "%s", e.text);
}

/* Weights and both moments of the experts' rows before a change, and that they stayed. */
struct rows {
    double at[3][ROWS * D];
};
static void keep(struct trainer *t, int layer, int rows, struct rows *r)
{
    const struct params *p = &t->model->params;
    const struct kn_buf block[] = {p->w, p->m, p->v};
    for (int k = 0; k < 3; k++) gate_rows(t, block[k], layer, rows, r->at[k]);
}

static void same_rows(const struct rows *a, const struct rows *b, const char *what)
{
    for (int k = 0; k < 3; k++)
        ck_assert_msg(memcmp(a->at[k], b->at[k], E * D * sizeof(double)) == 0, "%s: block %d", what,
                      k);
}

/* Slot rows: moments 0; weights within a few deviations of the mean of the experts' rows. */
static void fresh_slots(const struct rows *r, int rows, bool copies, const char *what)
{
    double off = 0;
    for (int i = E * D; i < rows * D; i++)
        ck_assert_msg(r->at[1][i] == 0 && r->at[2][i] == 0, "%s: moment %d", what, i);
    for (int i = E; i < rows; i++)
        for (int d = 0; d < D; d++) {
            double mean = 0, w = r->at[0][i * D + d];
            for (int e = 0; e < E; e++) mean += r->at[0][e * D + d] / E;
            off += fabs(w - mean);
            if (copies) ck_assert_msg(w == r->at[0][(i - E) % E * D + d], "%s: row %d", what, i);
        }
    off /= (rows - E) * D;
    if (!copies) ck_assert_msg(off > .01 && off < .025, "%s: off by %g", what, off);
}

START_TEST(switching_keeps_the_experts_rows_and_starts_the_slots_anew)
{
    static const struct {
        const char *router, *knob, *value;
        int rows;
        bool copies;
    } way[] = {{"adamoe", "nulls", "20", 28, true},
               {"longcat", "copies", "4", 12, false},
               {"moepp", "zeros", "3", 14, false},
               {"adamoe", "nulls", "0", 8, true},
               {"moepp", "constants", "0", 10, false}};
    static struct rows before, after;
    static struct snapshot s;
    const char *data = _i ? "text" : "orders";
    struct config c = rig_config(data, "topk", "cpu", _i ? "batch=4" : "batch=32", NULL);
    struct trainer *t = model_rig_open(&c);
    int layer = _i;
    rig_steps(t, 20);
    for (int i = 0; i < (int)(sizeof way / sizeof *way); i++) {
        keep(t, layer, t->model->layer[layer].moe.route.N, &before);
        go(t, way[i].router);
        turn(t, way[i].knob, way[i].value);
        keep(t, layer, way[i].rows, &after);
        same_rows(&before, &after, way[i].router);
        if (way[i].rows > E) fresh_slots(&after, way[i].rows, way[i].copies, way[i].router);
        rig_steps(t, 5);
        trainer_measure(t, &s, true);
        ck_assert(isfinite(s.loss) && s.skipped_steps == 0);
    }
    keep(t, layer, 10, &before);
    go(t, "topk");
    keep(t, layer, 8, &after);
    same_rows(&before, &after, "back to topk");
    rig_steps(t, 5);
    trainer_close(t);
}
END_TEST

START_TEST(the_kind_of_a_slot_changes_live_and_nothing_else_with_it)
{
    static const struct {
        const char *router, *knob, *value;
    } cases[] = {{"adamoe", "null_kind", "copy"}, {"longcat", "copy_kind", "zero"}};
    struct config c = rig_config("orders", cases[_i].router, "cpu", "batch=32", NULL);
    struct trainer *a = model_rig_open(&c), *b = model_rig_open(&c);
    rig_steps(a, 10), rig_steps(b, 10);
    struct model *m = a->model;
    turn(a, cases[_i].knob, cases[_i].value);
    ck_assert_ptr_eq(a->model, m);
    rig_same_bits(a, b, "before the next step");
    ck_assert(moe_copies(&a->model->layer[0].moe, E) != moe_copies(&b->model->layer[0].moe, E));
    rig_steps(a, 1), rig_steps(b, 1);
    ck_assert(a->loss != b->loss);
    trainer_close(a), trainer_close(b);
}
END_TEST

static void bias_of(struct trainer *t, double *to)
{
    kn_read(t->be, to, t->model->layer[0].moe.route.state[0], 16);
}

START_TEST(a_bias_moves_in_training_steps_and_in_nothing_else)
{
    static struct snapshot s;
    struct err e = {0};
    double before[16], after[16];
    struct config c = rig_config("orders", "longcat", "cpu", "batch=32", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    bias_of(t, before);
    trainer_measure(t, &s, true);
    ck_assert_msg(trainer_evaluate(t, 500, &s, &e), "%s", e.text);
    bias_of(t, after);
    ck_assert_mem_eq(before, after, sizeof before);
    rig_steps(t, 1);
    bias_of(t, after);
    ck_assert(memcmp(before, after, 8 * sizeof *before) != 0);
    for (int j = 8; j < 16; j++) ck_assert_double_eq(after[j], 0);
    memcpy(before, after, sizeof before);
    double poison = NAN;
    kn_write(t->be, kn_part(t->be, t->model->params.w, t->model->params.list[0].first), &poison, 1);
    model_repack(t->model);
    rig_steps(t, 1); /* not finite: left out */
    bias_of(t, after);
    ck_assert_mem_eq(before, after, sizeof before);
    trainer_close(t);
}
END_TEST

START_TEST(longcat_holds_its_budget)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "longcat", "cpu", "target=1.5", "mu=0.05", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 400);
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        rig_steps(t, 1);
        trainer_measure(t, &s, false);
        sum += s.experts_per_token / 10;
    }
    NEAR(sum, 1.5, .1, 0, "experts per token");
    NEAR(s.experts_per_token + s.zero_compute_per_token, 4, 1e-6, 0, "picks");
    trainer_close(t);
}
END_TEST

START_TEST(logits_travel_from_layer_to_layer_and_the_first_steps_are_those_of_a_plain_router)
{
    struct config c = rig_config("text", "moepp", "cpu", "batch=4", "layers=3", NULL), plain = c;
    struct err e = {0};
    ck_assert(config_set_knob(&plain, "residual", "off", &e));
    struct trainer *a = model_rig_open(&c), *b = model_rig_open(&plain);
    rig_steps(a, 1), rig_steps(b, 1);
    ck_assert_double_eq(a->loss, b->loss); /* w_prev is 0 */
    rig_steps(a, 5), rig_steps(b, 5);
    ck_assert(a->loss != b->loss);
    const struct params *p = &a->model->params;
    ck_assert_ptr_null(params_find(p, "model.layers.0.block_sparse_moe.router.w_prev"));
    ck_assert_ptr_nonnull(params_find(p, "model.layers.1.block_sparse_moe.router.w_prev"));
    ck_assert_ptr_nonnull(params_find(p, "model.layers.2.block_sparse_moe.router.c"));
    ck_assert_ptr_null(params_find(p, "model.layers.2.block_sparse_moe.router.w1"));
    trainer_close(a), trainer_close(b);
}
END_TEST

SUITE(trainer_slots)
{
    TCase *t = tcase_create("slots");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, switching_keeps_the_experts_rows_and_starts_the_slots_anew, 0, 2);
    tcase_add_loop_test(t, the_kind_of_a_slot_changes_live_and_nothing_else_with_it, 0, 2);
    tcase_add_test(t, a_bias_moves_in_training_steps_and_in_nothing_else);
    tcase_add_test(t, longcat_holds_its_budget);
    tcase_add_test(
        t, logits_travel_from_layer_to_layer_and_the_first_steps_are_those_of_a_plain_router);
    suite_add_tcase(suite, t);
}
