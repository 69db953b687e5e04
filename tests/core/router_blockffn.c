/* BlockFFN: worked examples, its losses on sequences, and what it does at the edges. */
#include "tests/core/router_rig.h"

static const double worked[8] = {.8, -.3, .6, 0, .3, -1, -1, .4};

static void open_worked(struct rig *g, const char *backend, const char *knobs)
{
    rig_open(g, backend, "blockffn", knobs, 2, 0, 4);
    rig_write(g, g->r.logits, worked, 8);
    route_forward(&g->r);
}

static const struct gates {
    const char *knobs;
    double want[8];
} gates[] = {
    {"norm=rms", {1.6, 0, 1.2, 0, 1.2, 0, 0, 1.6}}, /* smaller logits, same strength */
    {"norm=none", {.8, 0, .6, 0, .3, 0, 0, .4}},
    {"norm=sum", {.571429, 0, .428571, 0, .428571, 0, 0, .571429}},
};
enum { GATES = sizeof gates / sizeof *gates };

START_TEST(each_norm_has_its_gates)
{
    const struct gates *x = &gates[_i % GATES];
    static const int32_t want[8] = {1, 0, 1, 0, 1, 0, 0, 1};
    struct rig g;
    int32_t mask[8];
    open_worked(&g, rig_backends[_i / GATES], x->knobs);
    rig_read_ints(&g, mask, g.r.mask, 8);
    ck_assert_mem_eq(mask, want, sizeof want);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.gate, 8)[i], x->want[i], 2e-4, 0, "%s: gate %d", x->knobs, i);
    rig_close(&g);
}
END_TEST

START_TEST(the_norm_couples_the_gates_of_a_token_and_scale_learns)
{
    struct rig g;
    double dgate[8] = {1, 0, 0, 0, 0, 5, 0, 0}, scale[4] = {2, 1, 1, -1};
    static const double want[8] = {.72, 0, -.96, 0};
    open_worked(&g, rig_backends[_i], "norm=rms");
    rig_write(&g, g.r.dgate, dgate, 8);
    route_backward(&g.r, 0, true);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.dlogits, 8)[i], want[i], 3e-4, 0, "logit %d", i);
    NEAR(rig_read(&g, g.r.dparam[1], 4)[0], 1.6, 1e-3, 0, "scale of what is on");
    NEAR(rig_read(&g, g.r.dparam[1], 4)[1], 0, 0, 0, "scale of what is off");
    rig_write(&g, g.r.param[1], scale, 4);
    route_forward(&g.r);
    NEAR(rig_read(&g, g.r.gate, 8)[0], 3.2, 1e-3, 0, "a gate with its scale");
    NEAR(rig_read(&g, g.r.gate, 8)[7], -1.6, 1e-3, 0, "a negative gate is still taken");
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, 8), 4);
    rig_close(&g);
}
END_TEST

enum { LOCALITY, CHUNK, L1 };

static double loss(struct rig *g, int i)
{
    route_losses(&g->r);
    return *rig_read(g, g->r.loss[i], 1);
}

START_TEST(the_worked_losses_are_of_neighbours_and_chunks)
{
    struct rig g;
    static const int32_t two[2] = {0, 1};
    open_worked(&g, rig_backends[_i], "length=2 sharpness=5 target=1");
    NEAR(loss(&g, LOCALITY), 1.170240, 1e-6, 0, "locality");
    NEAR(loss(&g, CHUNK), .438759, 1e-6, 0, "chunk");
    NEAR(loss(&g, L1), 4 * (2 * .55 + 1 * .3 + 1 * .2) / 2, 1e-6, 0, "l1");
    g.knob[router_knob(g.r.router, "sharpness")] = 100;
    NEAR(loss(&g, LOCALITY), 15.173287, 3e-6, 0, "locality, sharp");
    rig_write_ints(&g, &g.r.document, two, 2);
    NEAR(loss(&g, LOCALITY), 0, 0, 0, "two documents: no neighbours");
    NEAR(loss(&g, CHUNK), (1 - 8e-5) / 4, 3e-6, 0, "two documents: two chunks");
    rig_close(&g);
}
END_TEST

START_TEST(the_locality_loss_wakes_an_expert_that_is_off)
{
    static const double logits[4] = {1, -.05, 1, .5};
    struct rig g;
    double one[ROUTER_LOSSES] = {1};
    rig_open(&g, rig_backends[_i], "blockffn", "", 2, 0, 2);
    rig_write(&g, g.r.logits, logits, 4);
    route_forward(&g.r);
    route_backward_by(&g.r, one, false);
    ck_assert_double_lt(rig_read(&g, g.r.dlogits, 4)[1], -1e-2); /* descent raises it */
    one[LOCALITY] = 0, one[CHUNK] = one[L1] = 1;
    route_backward_by(&g.r, one, false);
    NEAR(rig_read(&g, g.r.dlogits, 4)[1], 0, 0, 0, "chunk and l1 do not reach it");
    rig_close(&g);
}
END_TEST

START_TEST(without_an_order_the_two_losses_are_unknown_and_do_nothing)
{
    struct rig g;
    double all[ROUTER_LOSSES] = {1, 1, 0}, target;
    open_worked(&g, rig_backends[_i], "");
    kn_free_ints(g.be, g.r.document);
    g.r.document.at = NULL;
    ck_assert(!route_loss_known(&g.r, LOCALITY) && !route_loss_known(&g.r, CHUNK));
    ck_assert(route_loss_known(&g.r, L1));
    route_losses(&g.r);
    route_backward_by(&g.r, all, false);
    for (int i = 0; i < 8; i++) ck_assert_double_eq(rig_read(&g, g.r.dlogits, 8)[i], 0);
    for (int i = 0; i < 600; i++) g.r.router->after_step(&g.r);
    target = *rig_read(&g, g.r.state[1], 1);
    NEAR(target, .05, 1e-8, 0, "the weight stays where it is");
    rig_close(&g);
}
END_TEST

START_TEST(target_0_is_no_l1_at_all)
{
    struct rig g;
    open_worked(&g, rig_backends[_i], "target=0 locality=0 chunk=0");
    double price = 3;
    rig_write(&g, g.r.state[0], &price, 1);
    g.r.router->after_step(&g.r);
    NEAR(*rig_read(&g, g.r.state[0], 1), 1e-8, 0, 1e-6, "the price is back at its start");
    rig_write(&g, g.r.state[0], &price, 1);
    route_backward(&g.r, 1, false);
    for (int i = 0; i < 8; i++) ck_assert_double_eq(rig_read(&g, g.r.dlogits, 8)[i], 0);
    g.knob[router_knob(g.r.router, "target")] = 1;
    route_backward(&g.r, 1, false);
    NEAR(rig_read(&g, g.r.dlogits, 8)[0], 3 * 4 * 2 / 4., 1e-6, 0, "with a target it counts");
    g.r.router->after_step(&g.r);
    NEAR(*rig_read(&g, g.r.state[0], 1), 3.6, 1e-6, 0, "two experts are over one");
    rig_close(&g);
}
END_TEST

START_TEST(the_weight_of_the_chunk_loss_rises_while_that_loss_rises)
{
    struct rig g;
    double same[8] = {1, -1, -1, -1, 1, -1, -1, -1}, apart[8] = {1, -1, -1, -1, -1, 1, -1, -1};
    rig_open(&g, rig_backends[_i], "blockffn", "length=2 adapt_every=10 chunk=.1", 2, 0, 4);
    for (int step = 1; step <= 130; step++) {
        rig_write(&g, g.r.logits, step <= 90 ? same : apart, 8);
        route_forward(&g.r);
        g.r.router->after_step(&g.r);
        double weight = *rig_read(&g, g.r.state[1], 1);
        /* the loss doubles at step 91; window 91..100 over 81..90 is 2, then 1 */
        if (step < 100) NEAR(weight, .1, 1e-6, 0, "step %d", step);
        if (step >= 100 && step < 110)
            NEAR(weight, .1 + .01 * (step - 99), 1e-5, 0, "step %d", step);
        if (step >= 110 && step < 120) NEAR(weight, .2, 1e-5, 0, "step %d", step);
    }
    double before = *rig_read(&g, g.r.state[1], 1), want[8];
    route_backward(&g.r, 1, false);
    memcpy(want, rig_read(&g, g.r.dlogits, 8), sizeof want);
    g.knob[router_knob(g.r.router, "adapt")] = 0;
    g.r.router->after_step(&g.r);
    NEAR(*rig_read(&g, g.r.state[1], 1), .1, 1e-7, 0, "not adapting: the knob");
    ck_assert_double_gt(before, .19);
    rig_close(&g);
}
END_TEST

START_TEST(the_weight_of_the_step_is_the_state)
{
    struct rig g;
    double weight[ROUTER_LOSSES] = {0, .3, 0}, want[8], state = .3;
    open_worked(&g, rig_backends[_i], "length=2 locality=0 target=0");
    route_backward_by(&g.r, weight, false);
    memcpy(want, rig_read(&g, g.r.dlogits, 8), sizeof want);
    rig_write(&g, g.r.state[1], &state, 1);
    route_backward(&g.r, 1, false);
    ck_assert_double_gt(fabs(want[0]), 1e-3);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.dlogits, 8)[i], want[i], 1e-7, 1e-5, "logit %d", i);
    rig_close(&g);
}
END_TEST

START_TEST(a_token_with_nothing_on_is_zero_and_finite)
{
    static const char *const knobs[] = {"norm=rms", "norm=none", "norm=sum"};
    const double off[12] = {-1, -2, -3, 0, 1e-12, -1, -1, -1, -1, -1, -1, -1};
    struct rig g;
    double dgate[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], "blockffn", knobs[_i / RIG_BACKENDS], 3, 0, 4);
    rig_write(&g, g.r.logits, off, 12);
    rig_write(&g, g.r.dgate, dgate, 12);
    route_forward(&g.r);
    route_losses(&g.r);
    route_backward(&g.r, 1, true);
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, 12), 1);
    for (int i = 0; i < 12; i++) {
        ck_assert(isfinite(rig_read(&g, g.r.dlogits, 12)[i]));
        if (i != 4) ck_assert_double_eq(rig_read(&g, g.r.gate, 12)[i], 0);
    }
    for (int i = 0; i < 3; i++) ck_assert(isfinite(*rig_read(&g, g.r.loss[i], 1)));
    rig_close(&g);
}
END_TEST

enum { TLS, CLS, CLS_LENGTH, REUSE, UNION, GATE_STRENGTH };

START_TEST(metrics_count_windows_of_one_document)
{
    enum { T = 19, E = 4 };
    struct rig g;
    static int32_t mask[T * E], valid[T], document[T];
    static float gate[T * E];
    double value[E];
    rig_open(&g, "ref", "blockffn", "length=2", T, 0, E);
    /* 9 tokens take 0, the last of them 1 too; then 10 of another document take 2 */
    for (int t = 0; t < T; t++) {
        valid[t] = 1, document[t] = t >= 9;
        mask[t * E + (t < 9 ? 0 : 2)] = 1, gate[t * E + (t < 9 ? 0 : 2)] = 2;
    }
    mask[8 * E + 1] = 1, gate[8 * E + 1] = 6;
    struct route_host h = {.router = g.r.router,
                           .knob = g.knob,
                           .T = T,
                           .E = E,
                           .N = E,
                           .gate = gate,
                           .mask = mask,
                           .valid = valid,
                           .document = document};
    const struct {
        int metric;
        double want;
    } wants[] = {{TLS, 1 - 20. / (T * E)},
                 {CLS, .75},        /* tokens 0..7 and 9..16 */
                 {CLS_LENGTH, .75}, /* token 8 is left over */
                 {REUSE, 1},
                 {GATE_STRENGTH, (19 * 2 + 6) / 20.}};
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        g.r.router->measure(&h, wants[i].metric, value);
        NEAR(*value, wants[i].want, 1e-9, 0, "%s", g.r.router->metrics[wants[i].metric].name);
    }
    g.r.router->measure(&h, UNION, value);
    NEAR(value[0], 4 / 9., 1e-9, 0, "4 of the 9 chunks need expert 0");
    NEAR(value[1], 0, 0, 0, "the token that is left over");
    NEAR(value[2], 5 / 9., 1e-9, 0, "5 need expert 2");
    mask[1 * E] = 0, mask[1 * E + 3] = 1; /* 0 -> 3 -> 0 */
    g.r.router->measure(&h, REUSE, value);
    NEAR(*value, 15 / 17., 1e-9, 0, "two of 17 neighbours share nothing");
    mask[4 * E] = 0; /* an empty token is skipped, the one before it shares nothing */
    g.r.router->measure(&h, REUSE, value);
    NEAR(*value, 13 / 16., 1e-9, 0, "an empty set is skipped");
    valid[16] = 0;
    g.r.router->measure(&h, CLS, value);
    NEAR(*value, .5, 1e-9, 0, "a window with padding does not count");
    h.document = NULL;
    static const int unknown[] = {CLS, CLS_LENGTH, REUSE, UNION};
    for (int i = 0; i < 4; i++) {
        g.r.router->measure(&h, unknown[i], value);
        ck_assert(isnan(*value));
    }
    rig_close(&g);
}
END_TEST

SUITE(router_blockffn)
{
    TCase *t = tcase_create("blockffn");
    tcase_add_loop_test(t, each_norm_has_its_gates, 0, GATES * RIG_BACKENDS);
    tcase_add_loop_test(t, the_norm_couples_the_gates_of_a_token_and_scale_learns, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_worked_losses_are_of_neighbours_and_chunks, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_locality_loss_wakes_an_expert_that_is_off, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, without_an_order_the_two_losses_are_unknown_and_do_nothing, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, target_0_is_no_l1_at_all, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_weight_of_the_chunk_loss_rises_while_that_loss_rises, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, the_weight_of_the_step_is_the_state, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, a_token_with_nothing_on_is_zero_and_finite, 0, 3 * RIG_BACKENDS);
    tcase_add_test(t, metrics_count_windows_of_one_document);
    suite_add_tcase(suite, t);
}
