/* The controller of longcat: what it adds to a bias, what the bias does, and that it holds a
 * budget. */
#include "tests/core/router_rig.h"

/* Masks of ten tokens that take experts 0..3 8, 4, 2 and 0 times. */
static void take(struct rig *g)
{
    static const int count[] = {8, 4, 2, 0};
    int32_t mask[60] = {0}, valid[10];
    for (int t = 0; t < 10; t++) {
        valid[t] = 1;
        for (int e = 0; e < 4; e++) mask[t * 6 + e] = t < count[e];
    }
    rig_write_ints(g, &g->r.mask, mask, 60);
    rig_write_ints(g, &g->r.valid, valid, 10);
}

static const struct step {
    const char *knobs;
    double want[6];
} steps[] = {
    {"mu=.05", {-.005, .0016667, .005, .0083333}},
    {"mu=.05 rule=sign", {-.05, .05, .05, .05}},
    {"mu=.05 freeze=on", {0}},
};

START_TEST(one_step_moves_the_bias_of_experts_by_how_far_their_load_is_off)
{
    const struct step *x = &steps[_i / RIG_BACKENDS];
    static struct rig g;
    char knobs[64];
    snprintf(knobs, sizeof knobs, "k=3 copies=2 target=2 %s", x->knobs);
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], "longcat", knobs, 10, 0, 4);
    take(&g);
    g.r.router->after_step(&g.r);
    for (int j = 0; j < 6; j++)
        NEAR(rig_read(&g, g.r.state[0], 6)[j], x->want[j], 1e-6, 1e-4, "%s: bias %d", x->knobs, j);
    rig_close(&g);
}
END_TEST

START_TEST(a_bias_is_held_within_1_and_stays_where_no_token_was_valid)
{
    static const int32_t none[10] = {0};
    static struct rig g;
    rig_open(&g, rig_backends[_i], "longcat", "k=3 copies=2 target=2 mu=1 rule=sign", 10, 0, 4);
    take(&g);
    for (int i = 0; i < 5; i++) g.r.router->after_step(&g.r);
    const double *bias = rig_read(&g, g.r.state[0], 6);
    ck_assert(bias[0] == -1 && bias[1] == 1 && bias[3] == 1 && bias[4] == 0 && bias[5] == 0);
    rig_write_ints(&g, &g.r.valid, none, 10);
    rig_fill(&g, &(struct rng){0});
    double half[6] = {.5, .5, .5, .5, 0, 0};
    rig_write(&g, g.r.state[0], half, 6);
    g.r.router->after_step(&g.r);
    ck_assert_mem_eq(rig_read(&g, g.r.state[0], 6), half, sizeof half);
    rig_close(&g);
}
END_TEST

START_TEST(a_bias_moves_the_selection_and_no_gate)
{
    static const double logits[] = {1, .5, 0, -.5, .8, .2}, bias[] = {0, 0, .2, 0, 0, 0};
    static const int32_t want[] = {1, 0, 1, 0, 1, 0};
    static struct rig g;
    int32_t mask[6];
    rig_open(&g, rig_backends[_i], "longcat", "k=3 copies=2 gamma=1", 1, 0, 4);
    rig_write(&g, g.r.logits, logits, 6);
    rig_write(&g, g.r.state[0], bias, 6);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 6);
    ck_assert_mem_eq(mask, want, sizeof want);
    NEAR(rig_read(&g, g.r.gate, 6)[2], .106152, 1e-6, 0, "gate of expert 2");
    NEAR(rig_read(&g, g.r.score, 6)[2], .306152, 1e-6, 0, "what selection looked at");
    rig_close(&g);
}
END_TEST

START_TEST(fixed_logits_that_favour_slots_are_brought_to_the_target)
{
    enum { T = 64, N = 12 };
    static struct rig g;
    struct rng rng = rng_at(33, RNG_ROUTE, 0);
    static double logits[T * N];
    double mean[2];
    rig_open(&g, rig_backends[_i], "longcat", "k=3 copies=4 target=2 mu=.05", T, 0, 8);
    for (int i = 0; i < T * N; i++) logits[i] = rng_normal(&rng) + (i % N >= 8);
    rig_write(&g, g.r.logits, logits, T * N);
    for (int step = 0; step <= 400; step++) {
        int32_t mask[T * N];
        route_forward(&g.r);
        rig_read_ints(&g, mask, g.r.mask, T * N);
        double sum = 0;
        for (int i = 0; i < T * N; i++) sum += i % N < 8 ? mask[i] : 0;
        mean[step > 0] = sum / T;
        g.r.router->after_step(&g.r);
    }
    ck_assert_double_lt(mean[0], 1.6);
    NEAR(mean[1], 2, .05, 0, "experts per token after 400 steps");
    rig_close(&g);
}
END_TEST

/* Groups of two experts, the slots in a third; tokens that pick both of a group count once. */
START_TEST(aux_counts_picks_or_tokens_by_group)
{
    static const double logits[] = {1, .5, 0, -.5, .8, .2};
    static struct rig g;
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], "longcat",
             _i / RIG_BACKENDS ? "k=3 copies=2 groups=2 group_count=tokens"
                               : "k=3 copies=2 groups=2",
             1, 0, 4);
    rig_write(&g, g.r.logits, logits, 6);
    route_forward(&g.r);
    const double *f = rig_read(&g, g.r.load, 6);
    double both = _i / RIG_BACKENDS ? 1 : 2;
    for (int j = 0; j < 6; j++)
        NEAR(f[j], j < 2 ? both : j < 4 ? 0 : 1, 1e-6, 0, "f of column %d", j);
    rig_close(&g);
}
END_TEST

SUITE(router_longcat)
{
    TCase *t = tcase_create("longcat");
    int steps_count = sizeof steps / sizeof *steps;
    tcase_add_loop_test(t, one_step_moves_the_bias_of_experts_by_how_far_their_load_is_off, 0,
                        steps_count * RIG_BACKENDS);
    tcase_add_loop_test(t, a_bias_is_held_within_1_and_stays_where_no_token_was_valid, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, a_bias_moves_the_selection_and_no_gate, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, fixed_logits_that_favour_slots_are_brought_to_the_target, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, aux_counts_picks_or_tokens_by_group, 0, 2 * RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
