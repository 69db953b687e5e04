/* ReMoE: worked examples, its controller, and what it does at the edges. */
#include "tests/core/router_rig.h"

static const double worked[8] = {.8, -.3, 0, 1.2, .5, .4, -1, -2};

static double state(struct rig *g, int array, int i)
{
    return rig_read(g, g->r.state[array], (size_t)i + 1)[i];
}

START_TEST(the_worked_example_has_its_gates_price_and_gradient)
{
    struct rig g;
    static const int32_t want[8] = {1, 0, 0, 1, 1, 1, 0, 0};
    static const double price[8] = {2, 0, 0, 1, 2, 1, 0, 0};
    double one[ROUTER_LOSSES] = {1}, dgate[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int32_t mask[8];
    rig_open(&g, rig_backends[_i], "remoe", "target=1", 2, 0, 4);
    rig_write(&g, g.r.logits, worked, 8);
    rig_write(&g, g.r.dgate, dgate, 8);
    route_forward(&g.r);
    route_losses(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 8);
    ck_assert_mem_eq(mask, want, sizeof want); /* 0 is off */
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.gate, 8)[i], fmax(worked[i], 0), 1e-7, 0, "gate %d", i);
    NEAR(*rig_read(&g, g.r.loss[0], 1), 4.2, 1e-6, 0, "balanced");
    route_backward_by(&g.r, one, false);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.dlogits, 8)[i], price[i], 1e-6, 0, "gradient of l1 into logit %d", i);
    route_backward_by(&g.r, NULL, true);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.dlogits, 8)[i], want[i] * dgate[i], 1e-6, 0, "of gates, %d", i);
    g.knob[router_knob(g.r.router, "balanced")] = 0;
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[0], 1), 1.45, 1e-6, 0, "plain");
    g.r.router->after_step(&g.r);
    NEAR(state(&g, 0, 0), 1.2e-8, 0, 1e-6, "sparsity .5 is under .75: the price goes up");
    rig_close(&g);
}
END_TEST

/* `on` of the 8 experts of each of 5 tokens together. */
static void active(struct rig *g, int on)
{
    double logits[40];
    for (int i = 0; i < 40; i++) logits[i] = i < on ? .5 : -.5;
    rig_write(g, g->r.logits, logits, 40);
    route_forward(&g->r);
}

START_TEST(the_price_goes_up_under_the_target_sparsity_and_down_at_and_over_it)
{
    static const int on[4] = {16, 8, 5, 4}; /* sparsity .6 .8 .875 .9 */
    static const double want[4] = {1.2e-8, 1.44e-8, 1.2e-8, 1e-8};
    struct rig g;
    rig_open(&g, rig_backends[_i], "remoe", "target=1", 5, 0, 8);
    NEAR(state(&g, 0, 0), 1e-8, 0, 1e-6, "lambda0");
    for (int i = 0; i < 4; i++) {
        active(&g, on[i]);
        g.r.router->after_step(&g.r);
        NEAR(state(&g, 0, 0), want[i], 0, 1e-6, "after step %d", i + 1);
    }
    g.r.T = 0; /* an empty batch */
    route_forward(&g.r);
    g.r.router->after_step(&g.r);
    NEAR(state(&g, 0, 0), 1e-8, 0, 1e-6, "no token moves nothing");
    g.r.T = 5;
    double broken = NAN;
    active(&g, 40);
    for (int t = 0; t < 5; t++) rig_write(&g, kn_part(g.be, g.r.logits, (size_t)t * 8), &broken, 1);
    route_forward(&g.r);
    g.r.router->after_step(&g.r);
    NEAR(state(&g, 0, 0), 1e-8, 0, 1e-6, "broken rows move nothing");
    rig_close(&g);
}
END_TEST

START_TEST(all_layers_have_the_price_of_their_mean)
{
    struct rig a, b;
    rig_open(&a, rig_backends[_i], "remoe", "target=2", 5, 0, 8);
    rig_open(&b, rig_backends[_i], "remoe", "target=2", 5, 0, 8);
    route_memory_close(&b.r); /* a second layer on the first one's backend */
    kn_close(b.be);
    rig_open_with(&b, a.be, a.r.router, a.knob, 5, 0, 8);
    a.r.layers = b.r.layers = 2, b.r.layer = 1, b.r.before = &a.r;
    active(&a, 18), active(&b, 4); /* 3.6 and .8: a mean of 2.2 */
    a.r.router->after_step(&a.r);
    NEAR(state(&a, 0, 0), 1e-8, 0, 1e-6, "moves when all layers are done");
    b.r.router->after_step(&b.r);
    NEAR(state(&a, 0, 0), 1.2e-8, 0, 1e-6, "first layer");
    NEAR(state(&b, 0, 0), 1.2e-8, 0, 1e-6, "last layer");
    NEAR(state(&a, 1, 3), 2.2, 1e-6, 0, "mean, told to all");
    active(&a, 12); /* 2.4 and .8 */
    a.r.router->after_step(&a.r), b.r.router->after_step(&b.r);
    NEAR(state(&a, 0, 0), 1e-8, 0, 1e-6, "down again");
    route_memory_close(&b.r);
    rig_close(&a);
}
END_TEST

START_TEST(the_price_in_a_step_is_the_state_or_the_value_it_is_held_at)
{
    struct rig g;
    double price = .25, want[8];
    rig_open(&g, rig_backends[_i], "remoe", "target=1", 2, 0, 4);
    rig_write(&g, g.r.logits, worked, 8);
    rig_write(&g, g.r.state[0], &price, 1);
    route_forward(&g.r);
    route_backward(&g.r, .5, false); /* .5: one of two layers */
    memcpy(want, rig_read(&g, g.r.dlogits, 8), sizeof want);
    NEAR(want[0], .5 * .25 * 2, 1e-6, 0, "state");
    NEAR(want[3], .5 * .25 * 1, 1e-6, 0, "state, a less busy expert");
    g.knob[router_knob(g.r.router, "lambda")] = .8;
    route_backward(&g.r, .5, false);
    NEAR(rig_read(&g, g.r.dlogits, 8)[0], .5 * .8 * 2, 1e-6, 0, "held");
    g.r.router->after_step(&g.r);
    NEAR(state(&g, 0, 0), .8, 1e-6, 0, "the state is held too");
    g.knob[router_knob(g.r.router, "lambda")] = 0;
    g.r.router->after_step(&g.r);
    NEAR(state(&g, 0, 0), .96, 1e-6, 0, "and goes on from there");
    g.r.training = false;
    route_backward(&g.r, .5, false);
    ck_assert_double_eq(rig_read(&g, g.r.dlogits, 8)[0], 0);
    rig_close(&g);
}
END_TEST

static const struct edge {
    const char *what, *knobs;
    int E;
    double logits[8];
    const char *mask;
} edges[] = {
    {"no expert at all", "", 4, {-1, -2, 0, -1e-30}, "0000"},
    {"all equal and positive: all on", "", 4, {.7, .7, .7, .7}, "1111"},
    {"all equal to 0: none", "", 4, {0, 0, 0, -0.0}, "0000"},
    {"the smallest positive is on", "", 4, {1e-30, 0, -1, 2}, "1001"},
    {"logits of 1000", "", 4, {1000, -1000, 999, 0}, "1010"},
    {"the target bounds no single token", "target=.25", 4, {1, 1, 1, 1}, "1111"},
    {"target = E", "target=4", 4, {1, -1, 1, -1}, "1010"},
};
enum { EDGES = sizeof edges / sizeof *edges };

START_TEST(each_edge_has_its_experts)
{
    const struct edge *x = &edges[_i % EDGES];
    struct rig g;
    int32_t mask[8];
    rig_open(&g, rig_backends[_i / EDGES], "remoe", x->knobs, 1, 0, x->E);
    rig_write(&g, g.r.logits, x->logits, x->E);
    route_forward(&g.r);
    route_losses(&g.r);
    route_backward(&g.r, 1, true);
    rig_read_ints(&g, mask, g.r.mask, x->E);
    double sum = 0;
    for (int j = 0; j < x->E; j++) {
        bool on = x->mask[j] == '1';
        ck_assert_msg(mask[j] == on, "%s: column %d", x->what, j);
        NEAR(rig_read(&g, g.r.gate, x->E)[j], on ? x->logits[j] : 0, 1e-7, 1e-6, "%s: gate %d",
             x->what, j);
        sum += on ? x->logits[j] : 0;
    }
    double target = g.knob[0], loss = *rig_read(&g, g.r.loss[0], 1);
    NEAR(loss, sum * x->E / target, 1e-6, 1e-6, "%s: l1", x->what); /* all f are E / target */
    g.r.router->after_step(&g.r);
    bool up = strcmp(x->mask, "0000") != 0 && target < x->E &&
              (target < 1 || strcmp(x->mask, "1111") == 0);
    NEAR(state(&g, 0, 0), up ? 1.2e-8 : 1e-8 / 1.2, 0, 1e-6, "%s: the price", x->what);
    rig_close(&g);
}
END_TEST

START_TEST(metrics_say_price_sparsity_target_and_stage)
{
    struct rig g;
    double value, course[4] = {30, 4, 2, 3}, price = .125;
    float gate[16] = {0};
    int32_t mask[16] = {1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, valid[2] = {1, 1};
    rig_open(&g, "ref", "remoe", "target=1.5", 2, 0, 8);
    struct route_host h = {.router = g.r.router,
                           .knob = g.knob,
                           .T = 2,
                           .E = 8,
                           .N = 8,
                           .gate = gate,
                           .mask = mask,
                           .valid = valid,
                           .state = {&price, course}};
    static const double want[4] = {.125, 1 - 3 / 16., 1 - 1.5 / 8, 2};
    for (int i = 0; i < 4; i++) {
        g.r.router->measure(&h, i, &value);
        NEAR(value, want[i], 1e-9, 0, "%s", g.r.router->metrics[i].name);
    }
    valid[1] = 0, course[0] = 0;
    g.r.router->measure(&h, 1, &value);
    NEAR(value, 1 - 2 / 8., 1e-9, 0, "sparsity of valid tokens");
    g.r.router->measure(&h, 3, &value);
    ck_assert(isnan(value)); /* no step yet */
    rig_close(&g);
}
END_TEST

SUITE(router_remoe)
{
    TCase *t = tcase_create("remoe");
    tcase_add_loop_test(t, the_worked_example_has_its_gates_price_and_gradient, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_price_goes_up_under_the_target_sparsity_and_down_at_and_over_it, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, all_layers_have_the_price_of_their_mean, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_price_in_a_step_is_the_state_or_the_value_it_is_held_at, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, each_edge_has_its_experts, 0, EDGES * RIG_BACKENDS);
    tcase_add_test(t, metrics_say_price_sparsity_target_and_stage);
    suite_add_tcase(suite, t);
}
