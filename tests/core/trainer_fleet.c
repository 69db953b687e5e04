/* dynmoe inside a model: experts that are run for their gates' gradients alone change nothing, and
 * a hired expert is what was ordered. */
#include "tests/core/model_rig.h"

enum { ACTIVE, USED, AGE, ORPHAN_SUM, ORPHANS, CLOCK, FIRED, HIRED };
enum { E = 8, UP = 2 * 4 * 64, DOWN = 64 * 4 }; /* of orders: H 4, D 64 */

static double *numbers(struct trainer *t, struct kn_buf from, size_t n)
{
    double *to = malloc(n * sizeof *to);
    ck_assert_ptr_nonnull(to);
    kn_read(t->be, to, from, n);
    return to;
}

static double one(struct trainer *t, struct kn_buf from)
{
    double value;
    kn_read(t->be, &value, from, 1);
    return value;
}

START_TEST(experts_run_for_their_gates_alone_change_neither_output_nor_their_weights)
{
    struct config firing = rig_config("orders", "dynmoe", "ref", "batch=32", "count_price=0",
                                      "aux=0", "straight_through=firing", NULL),
                  open = rig_config("orders", "dynmoe", "ref", "batch=32", "count_price=0", "aux=0",
                                    NULL);
    struct trainer *t[2] = {model_rig_open(&firing), model_rig_open(&open)};
    size_t n = E * (UP + DOWN);
    double *grad[2], gate[2][32 * E];
    for (int i = 0; i < 2; i++) {
        struct model *m = t[i]->model;
        t[i]->batch.T = t[i]->batch.sequences = 32, t[i]->batch.context = 1;
        t[i]->data->fill(t[i]->data, 1, DATA_TRAIN, 3, &t[i]->batch);
        model_input(m, &t[i]->batch);
        model_forward(m, true);
        model_loss(m, true);
        model_backward(m);
        grad[i] = numbers(t[i], m->layer[0].moe.dup, n);
        kn_read(t[i]->be, gate[i], m->layer[0].moe.route.dgate, 32 * E);
    }
    ck_assert_double_eq_tol(one(t[0], t[0]->model->loss), one(t[1], t[1]->model->loss), 1e-12);
    for (size_t i = 0; i < n; i++) NEAR(grad[0][i], grad[1][i], 1e-12, 0, "expert weight %zu", i);
    int32_t mask[32 * E];
    int more = 0;
    kn_read_ints(t[0]->be, mask, t[0]->model->layer[0].moe.route.mask, 32 * E);
    for (int i = 0; i < 32 * E; i++) {
        if (mask[i])
            NEAR(gate[0][i], gate[1][i], 1e-12, 0, "gate of pair %d", i);
        else
            ck_assert_double_eq(gate[0][i], 0);
        more += !mask[i] && gate[1][i] != 0;
    }
    ck_assert_int_gt(more, 32);
    for (int i = 0; i < 2; i++) free(grad[i]), trainer_close(t[i]);
}
END_TEST

START_TEST(training_flops_count_the_experts_that_are_run_for_gradients)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "dynmoe", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    trainer_measure(t, &s, false);
    double rest = s.flops_per_token - s.expert_flops_per_token;
    NEAR(s.train_flops_per_token, 3 * (rest + 8 * 1536), 1e-6, 0, "open");
    ck_assert_double_lt(s.expert_flops_per_token, 8 * 1536);
    struct err e = {0};
    ck_assert(trainer_set_knob(t, "count_price", "0", &e) &&
              trainer_set_knob(t, "straight_through", "firing", &e));
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    NEAR(s.train_flops_per_token, 3 * s.flops_per_token, 1e-6, 0, "firing");
    trainer_close(t);
}
END_TEST

/* One active expert of eight, a bar that most tokens miss, 20 steps: a hire. */
START_TEST(a_hired_expert_is_a_copy_of_the_busiest_or_what_its_place_held)
{
    bool keep = _i % 2;
    struct config c =
        rig_config("orders", "dynmoe", _i / 2 ? "cpu" : "ref", "batch=32", "fleet=1", "period=20",
                   "offset=0.2", keep ? "new_expert=keep" : "new_expert=clone", NULL);
    struct trainer *t = model_rig_open(&c);
    struct moe *m = &t->model->layer[0].moe;
    const struct kn_buf state = m->route.state[HIRED];
    rig_steps(t, 19);
    ck_assert_double_eq(one(t, state), 0);
    double *old = numbers(t, m->route.expert[0].w, E * UP);
    ck_assert_double_gt(one(t, m->route.state[ORPHANS]), 0);
    rig_steps(t, 1);
    ck_assert_double_eq(one(t, state), 1);
    ck_assert_double_eq(one(t, kn_part(t->be, m->route.state[ACTIVE], 1)), 1);
    double *now = numbers(t, m->route.expert[0].w, E * UP),
           *moment = numbers(t, m->route.expert[0].v, E * UP),
           *turn[2] = {numbers(t, m->route.m[0], E * 64), numbers(t, m->route.v[0], E * 64)};
    for (int i = 0; i < UP; i++) {
        ck_assert_double_eq(moment[UP + i], 0); /* the place was never trained, or forgot */
        if (keep)
            ck_assert_double_ne(now[UP + i], now[i]);
        else
            NEAR(now[UP + i], now[i], 0, .0101, "weight %d of the hired expert", i);
    }
    for (int i = 0; i < 2;
         i++) { /* its length was priced, so its direction has moments to forget */
        ck_assert_msg(keep == (turn[i][64] != 0), "moment %d of the hired direction", i);
        ck_assert_double_ne(turn[i][0], 0);
        free(turn[i]);
    }
    double *w = numbers(t, m->route.param[0], E * 64), length = 0;
    for (int j = 0; j < 64; j++) length += w[64 + j] * w[64 + j];
    NEAR(length, 1, 1e-5, 0, "length of its direction");
    rig_steps(t, 20); /* the shadows are those of the new weights: losses stay finite and fall */
    ck_assert(isfinite(t->loss) && t->loss < 2);
    free(old), free(now), free(moment), free(w);
    trainer_close(t);
}
END_TEST

START_TEST(a_switch_to_dynmoe_keeps_directions_and_starts_with_the_whole_fleet)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", "batch=32", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 10);
    double *w = numbers(t, t->model->layer[0].moe.route.param[0], E * 64), on[E], log_tau;
    ck_assert_msg(trainer_set_router(t, "dynmoe", &e), "%s", e.text);
    struct route *r = &t->model->layer[0].moe.route;
    double *kept = numbers(t, r->param[0], E * 64);
    ck_assert_mem_eq(w, kept, E * 64 * sizeof *w);
    kn_read(t->be, on, r->state[ACTIVE], E);
    for (int i = 0; i < E; i++) ck_assert_double_eq(on[i], 1);
    log_tau = one(t, r->param[2]);
    NEAR(log_tau, log(4), 1e-6, 0, "ln tau");
    rig_steps(t, 5);
    ck_assert(isfinite(t->loss));
    ck_assert_msg(trainer_set_router(t, "topk", &e), "%s", e.text);
    rig_steps(t, 2);
    free(w), free(kept);
    trainer_close(t);
}
END_TEST

START_TEST(a_trained_tau_moves_from_the_knob_on_and_another_stays)
{
    for (int trained = 0; trained < 2; trained++) {
        struct config c = rig_config("orders", "dynmoe", "cpu", "tau=10", NULL);
        struct err e = {0};
        struct trainer *t = model_rig_open(&c);
        if (trained) ck_assert(trainer_set_knob(t, "tau_trained", "on", &e));
        rig_steps(t, 5);
        double log_tau = one(t, t->model->layer[0].moe.route.param[2]);
        ck_assert(trained ? log_tau != (float)log(10) && fabs(log_tau - log(10)) < .1
                          : log_tau == (float)log(10));
        trainer_close(t);
    }
}
END_TEST

SUITE(trainer_fleet)
{
    TCase *t = tcase_create("fleet");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, experts_run_for_their_gates_alone_change_neither_output_nor_their_weights);
    tcase_add_test(t, training_flops_count_the_experts_that_are_run_for_gradients);
    tcase_add_loop_test(t, a_hired_expert_is_a_copy_of_the_busiest_or_what_its_place_held, 0, 4);
    tcase_add_test(t, a_switch_to_dynmoe_keeps_directions_and_starts_with_the_whole_fleet);
    tcase_add_test(t, a_trained_tau_moves_from_the_knob_on_and_another_stays);
    suite_add_tcase(suite, t);
}
