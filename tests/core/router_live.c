/* What holds for every strategy of the table in a run: saved and taken up again bit by bit, state
 * included; switched to and away from with what is kept kept; state that moves in training only. */
#include "tests/core/model_rig.h"

#include <unistd.h>

static const char *const datas[] = {"orders", "text"};
enum { DATAS = 2 };

static struct trainer *open_run(const char *data, const char *strategy)
{
    struct config c = rig_config(data, strategy, "cpu", "batch=8", NULL);
    if (strcmp(data, "text") == 0) c.value[CONFIG_BATCH] = 2;
    return model_rig_open(&c);
}

/* All state of all layers, in order; returns how many numbers. */
static int states(struct trainer *t, double *to, int room)
{
    int n = 0;
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
            int size = router_array_size(&r->router->state[i], r->E, r->S, r->D);
            ck_assert_int_le(n + size, room);
            kn_read(t->be, to + n, r->state[i], (size_t)size);
            n += size;
        }
    }
    return n;
}

static void same_states(struct trainer *a, struct trainer *b, const char *what)
{
    double left[2048], right[2048];
    int n = states(a, left, 2048), m = states(b, right, 2048);
    ck_assert_int_eq(n, m);
    for (int i = 0; i < n; i++)
        ck_assert_msg(memcmp(&left[i], &right[i], sizeof *left) == 0,
                      "%s, %s: state %d is %.17g and %.17g", what, a->config.router->name, i,
                      left[i], right[i]);
}

START_TEST(state_is_saved_and_resumed_bit_by_bit)
{
    const struct router *router = router_at(_i / DATAS);
    const char *data = datas[_i % DATAS];
    char path[160];
    struct err e = {0};
    struct trainer *whole = open_run(data, router->name), *first = open_run(data, router->name);
    snprintf(path, sizeof path, "%s/%s-%s.safetensors", rig_folder(), router->name, data);
    rig_steps(whole, 16), rig_steps(first, 9);
    ck_assert_msg(trainer_save(first, path, &e), "%s", e.text);
    struct config here = first->config;
    here.named = here.knob_named = 0;
    struct trainer *second = trainer_resume(path, &here, &e);
    ck_assert_msg(second != NULL, "%s", e.text);
    same_states(first, second, "resumed");
    rig_steps(second, 7);
    rig_same_bits(whole, second, router->name);
    same_states(whole, second, "7 steps later");
    trainer_close(whole), trainer_close(first), trainer_close(second);
}
END_TEST

START_TEST(only_training_moves_state)
{
    static struct snapshot s;
    const struct router *router = router_at(_i / DATAS);
    struct err e = {0};
    struct trainer *a = open_run(datas[_i % DATAS], router->name),
                   *b = open_run(datas[_i % DATAS], router->name);
    for (int i = 0; i < 4; i++) {
        rig_steps(a, 1), rig_steps(b, 1);
        trainer_measure(a, &s, true);
        ck_assert_msg(trainer_evaluate(a, 64, &s, &e), "%s", e.text);
    }
    same_states(a, b, "looked at and not");
    rig_same_bits(a, b, router->name);
    trainer_close(a), trainer_close(b);
}
END_TEST

/* The first E rows of layer l's gate, its moments, and an expert's first matrix. */
static void kept(struct trainer *t, int l, double *to, size_t rows)
{
    const struct params *p = &t->model->params;
    const struct moe *m = &t->model->layer[l].moe;
    size_t n = rows * (size_t)t->model->D;
    kn_read(t->be, to, params_at(p, p->w, m->extra[0]), n);
    kn_read(t->be, to + n, params_at(p, p->m, m->extra[0]), n);
    kn_read(t->be, to + 2 * n, params_at(p, p->v, m->extra[0]), n);
    kn_read(t->be, to + 3 * n, params_at(p, p->w, m->first_up), n);
}

START_TEST(a_switch_keeps_the_rows_of_w_and_starts_the_rest_anew)
{
    static double before[4 * 64 * 64], after[4 * 64 * 64], state[2048], start[2048];
    static struct snapshot s;
    const struct router *router = router_at(_i / DATAS);
    const char *data = datas[_i % DATAS];
    struct err e = {0};
    struct trainer *t = open_run(data, "topp"), *fresh = open_run(data, router->name);
    size_t E = (size_t)t->model->layer[0].moe.route.E, n = 4 * E * (size_t)t->model->D;
    ck_assert_uint_le(n, 4 * 64 * 64);
    rig_steps(t, 8);
    for (int turn = 0; turn < 2; turn++) {
        const char *to = turn ? "topk" : router->name;
        kept(t, t->model->L - 1, before, E);
        ck_assert_msg(trainer_set_router(t, to, &e), "%s", e.text);
        kept(t, t->model->L - 1, after, E);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(memcmp(&before[i], &after[i], sizeof *before) == 0, "%s: number %zu", to,
                          i);
        if (turn == 0) {
            int count = states(t, state, 2048);
            ck_assert_int_eq(states(fresh, start, 2048), count);
            for (int i = 0; i < count; i++) ck_assert_double_eq(state[i], start[i]);
        }
        rig_steps(t, 6);
        trainer_measure(t, &s, true);
        ck_assert(isfinite(s.loss) && s.skipped_steps == 0);
        ck_assert_str_eq(s.router->name, to);
    }
    trainer_close(t), trainer_close(fresh);
}
END_TEST

START_TEST(a_switch_to_relu_routing_tells_what_to_expect)
{
    static struct snapshot s;
    struct err e = {0};
    struct trainer *t = open_run("orders", "topk");
    rig_steps(t, 2);
    ck_assert_msg(trainer_set_router(t, "remoe", &e), "%s", e.text);
    trainer_measure(t, &s, false);
    ck_assert_msg(strstr(s.notice, "half of the experts"), "%s", s.notice);
    ck_assert_msg(trainer_set_router(t, "topk", &e), "%s", e.text);
    trainer_measure(t, &s, false);
    ck_assert_str_eq(s.notice, "");
    trainer_close(t);
}
END_TEST

START_TEST(an_order_of_tokens_is_known_of_text_only)
{
    static struct snapshot s;
    struct err e = {0};
    struct trainer *t = open_run(datas[_i], "blockffn");
    int C = t->context;
    rig_steps(t, 2);
    ck_assert_msg(trainer_evaluate(t, 64, &s, &e), "%s", e.text);
    trainer_measure(t, &s, true); /* of the window, whose context may be another */
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    const struct route *r = &t->model->layer[t->model->L - 1].moe.route;
    bool text = t->data->shape.text;
    ck_assert(!r->document.at == !text);
    for (int i = 0; i < 2; i++) ck_assert(isfinite(s.losses[i]) == text); /* locality, chunk */
    ck_assert(isfinite(s.losses[2]));
    for (int i = 1; i <= 3; i++) ck_assert(isfinite(s.rule[i]) == text);   /* cls twice, reuse */
    for (int l = 0; l < s.L; l++) ck_assert(isfinite(s.rule_layer[5][l])); /* gate_strength */
    ck_assert(r->before == (s.L > 1 ? &t->model->layer[s.L - 2].moe.route : NULL));
    for (int i = 0; text && i < r->T; i++) {
        int32_t document;
        kn_read_ints(t->be, &document, kn_part_ints(r->document, (size_t)i), 1);
        ck_assert_int_eq(document, i / C);
    }
    trainer_close(t);
}
END_TEST

START_TEST(a_price_starts_at_its_knob_in_every_layer)
{
    static const char *const run[][2] = {{"remoe", "lambda0=0.25"}, {"blockffn", "chunk=0.25"}};
    struct config c = rig_config("text", run[_i][0], "cpu", "batch=2", run[_i][1], NULL);
    struct trainer *t = model_rig_open(&c);
    for (int l = 0; l < t->model->L; l++) {
        double value;
        kn_read(t->be, &value, t->model->layer[l].moe.route.state[_i], 1);
        NEAR(value, .25, 1e-7, 0, "%s, layer %d", run[_i][1], l);
    }
    trainer_close(t);
}
END_TEST

START_TEST(the_target_is_held)
{
    static const char *const strategies[] = {"remoe", "blockffn"};
    static struct snapshot s;
    struct config c = rig_config("orders", strategies[_i], "cpu", "batch=64", NULL);
    struct trainer *t = model_rig_open(&c);
    double sum = 0;
    rig_steps(t, 400);
    for (int i = 0; i < 500; i++) { /* several swings of the price */
        rig_steps(t, 1);
        trainer_measure(t, &s, false);
        sum += s.experts_per_token;
    }
    NEAR(sum / 500, 2, .25, 0, "experts per token of %s", strategies[_i]);
    if (_i == 0) NEAR(s.rule[3], 3, 0, 0, "stage");
    trainer_close(t);
}
END_TEST

SUITE(router_live)
{
    TCase *t = tcase_create("live");
    int all = router_count() * DATAS;
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, state_is_saved_and_resumed_bit_by_bit, 0, all);
    tcase_add_loop_test(t, only_training_moves_state, 0, all);
    tcase_add_loop_test(t, a_switch_keeps_the_rows_of_w_and_starts_the_rest_anew, 0, all);
    tcase_add_test(t, a_switch_to_relu_routing_tells_what_to_expect);
    tcase_add_loop_test(t, an_order_of_tokens_is_known_of_text_only, 0, DATAS);
    tcase_add_loop_test(t, a_price_starts_at_its_knob_in_every_layer, 0, 2);
    tcase_add_loop_test(t, the_target_is_held, 0, 2);
    suite_add_tcase(suite, t);
}
