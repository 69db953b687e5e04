/* lossfree: choice by score plus bias, gates without it, and how biases move. */
#include "tests/core/router_rig.h"

enum { BIAS, LOAD };

static const struct example {
    const char *what, *knobs;
    double logits[4], bias[4];
    const char *mask;
    double gate[4];
} examples[] = {
    {"without bias: the two best sigmoids",
     "",
     {1, .5, -.5, 0},
     {0},
     "1100",
     {.540117, .459883, 0, 0}},
    {"biases choose, and are not in the gates",
     "",
     {1, .5, -.5, 0},
     {-.3, 0, .4, 0},
     "0110",
     {0, .622459, .377541, 0}},
    {"the scale multiplies", "scale=2.5", {1, .5, -.5, 0}, {0}, "1100", {1.350294, 1.149706, 0, 0}},
    {"not renormalised: the sigmoids",
     "renormalise=off",
     {1, .5, -.5, 0},
     {0},
     "1100",
     {.731059, .622459, 0, 0}},
    {"softmax, renormalised", "score=softmax", {1, 3, 2, 0}, {0}, "0110", {0, .731059, .268941, 0}},
    {"softmax values, scaled",
     "score=softmax renormalise=off scale=2",
     {1, 3, 2, 0},
     {0},
     "0110",
     {0, 1.287828, .473766, 0}},
    {"softmax, bias on its scale",
     "score=softmax renormalise=off",
     {1, 3, 2, 0},
     {0, -.5, 0, .3},
     "0011",
     {0, 0, .236883, .032059}},
    {"equal scores: lowest columns", "k=2", {0, 0, 0, 0}, {0}, "1100", {.5, .5, 0, 0}},
    {"sigmoids that underflow keep their shares",
     "k=2",
     {-1000, -1001, -2000, -3000},
     {0, 0, -1, -1},
     "1100",
     {.731059, .268941, 0, 0}},
    {"k = E", "k=4", {0, 0, 0, 0}, {9, 0, 0, -9}, "1111", {.25, .25, .25, .25}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(each_example_takes_its_experts_with_its_gates)
{
    const struct example *x = &examples[_i % EXAMPLES];
    struct rig g;
    int32_t mask[4];
    rig_open(&g, rig_backends[_i / EXAMPLES], "lossfree", x->knobs, 1, 0, 4);
    rig_write(&g, g.r.logits, x->logits, 4);
    rig_write(&g, g.r.state[BIAS], x->bias, 4);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 4);
    for (int j = 0; j < 4; j++) {
        ck_assert_msg(mask[j] == x->mask[j] - '0', "%s: column %d", x->what, j);
        NEAR(rig_read(&g, g.r.gate, 4)[j], x->gate[j], 1e-6, 0, "%s: gate %d", x->what, j);
    }
    rig_close(&g);
}
END_TEST

/* Counts 10, 2, 4, 0 of k = 1: the mean is 4. */
static void open_counts(struct rig *g, const char *backend, const char *knobs)
{
    double logits[64] = {0};
    for (int t = 0; t < 16; t++) logits[t * 4 + (t < 10 ? 0 : t < 12 ? 1 : 2)] = 1;
    rig_open(g, backend, "lossfree", knobs, 16, 0, 4);
    rig_write(g, g->r.logits, logits, 64);
    route_forward(&g->r);
}

static const struct move {
    const char *knobs;
    double want[4];
} moves[] = {
    {"k=1 rate=.001", {-.001, .001, 0, .001}},
    {"k=1 rate=.01 rule=proportional", {-.015, .005, 0, .01}},
    {"k=1 rate=.001 zero_mean=on", {-.00125, .00075, -.00025, .00075}},
    {"k=1 rate=.01 rule=proportional smooth=.9",
     {-.015, .005, 0, .01}}, /* the first load there is */
    {"k=1 rate=.01 freeze=on", {0}},
    {"k=1 rate=0", {0}},
    {"k=4 rate=.01", {0}},             /* all are alike */
    {"k=4 rate=.01 capacity=.5", {0}}, /* counted before dropping */
};
enum { MOVES = sizeof moves / sizeof *moves };

START_TEST(biases_move_against_the_load)
{
    const struct move *x = &moves[_i % MOVES];
    struct rig g;
    open_counts(&g, rig_backends[_i / MOVES], x->knobs);
    g.r.router->after_step(&g.r);
    for (int e = 0; e < 4; e++)
        NEAR(rig_read(&g, g.r.state[BIAS], 4)[e], x->want[e], 1e-8, 1e-5, "%s: bias %d", x->knobs,
             e);
    rig_close(&g);
}
END_TEST

START_TEST(a_smoothed_load_remembers)
{
    static const double load[4] = {1, 1, 1, 1}, want[4] = {1.75, .75, 1, .5};
    struct rig g;
    open_counts(&g, rig_backends[_i], "k=1 smooth=.5");
    rig_write(&g, g.r.state[LOAD], load, 4);
    g.r.router->after_step(&g.r);
    for (int e = 0; e < 4; e++)
        NEAR(rig_read(&g, g.r.state[LOAD], 4)[e], want[e], 1e-6, 0, "load %d", e);
    rig_close(&g);
}
END_TEST

START_TEST(no_tokens_move_no_bias)
{
    struct rig g;
    rig_open(&g, rig_backends[_i], "lossfree", "", 0, 0, 4);
    route_forward(&g.r);
    g.r.router->after_step(&g.r);
    for (int e = 0; e < 4; e++) ck_assert_double_eq(rig_read(&g, g.r.state[BIAS], 4)[e], 0);
    rig_close(&g);
}
END_TEST

START_TEST(the_worst_load_is_told_over_the_mean)
{
    struct rig g;
    int32_t mask[64], valid[16];
    const double bias[4] = {.1, -.2, 0, .3};
    double to[4];
    open_counts(&g, rig_backends[_i], "k=1");
    rig_read_ints(&g, mask, g.r.mask, 64);
    rig_read_ints(&g, valid, g.r.valid, 16);
    const struct route_host h = {.router = g.r.router,
                                 .knob = g.knob,
                                 .T = 16,
                                 .E = 4,
                                 .N = 4,
                                 .mask = mask,
                                 .valid = valid,
                                 .state = {bias}};
    g.r.router->measure(&h, 1, to);
    NEAR(*to, 1.5, 1e-12, 0, "maxvio");
    g.r.router->measure(&h, 0, to);
    for (int e = 0; e < 4; e++) ck_assert_double_eq(to[e], bias[e]);
    rig_close(&g);
}
END_TEST

START_TEST(one_renormalised_expert_teaches_nothing_whatever_the_score)
{
    struct rig g;
    struct rng rng = rng_at(31, RNG_ROUTE, 0);
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], "lossfree",
             _i / RIG_BACKENDS ? "k=1 score=softmax scale=2" : "k=1 scale=2", 20, 0, 8);
    rig_fill(&g, &rng);
    rig_random(&g, &rng, g.r.dgate, 160, 1);
    route_forward(&g.r);
    route_backward(&g.r, 0, true);
    for (int i = 0; i < 160; i++)
        NEAR(rig_read(&g, g.r.dlogits, 160)[i], 0, 1e-6, 0, "logit %d", i);
    rig_close(&g);
}
END_TEST

SUITE(router_lossfree)
{
    TCase *t = tcase_create("lossfree");
    tcase_add_loop_test(t, each_example_takes_its_experts_with_its_gates, 0,
                        EXAMPLES * RIG_BACKENDS);
    tcase_add_loop_test(t, biases_move_against_the_load, 0, MOVES * RIG_BACKENDS);
    tcase_add_loop_test(t, a_smoothed_load_remembers, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, no_tokens_move_no_bias, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_worst_load_is_told_over_the_mean, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, one_renormalised_expert_teaches_nothing_whatever_the_score, 0,
                        2 * RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
