/* Worked examples and edge cases of each strategy, on every backend: which experts, with which
 * gates. */
#include "tests/core/router_rig.h"

static const struct example {
    const char *what, *strategy, *knobs;
    int E;
    double logits[8];
    const char *mask; /* a character a column */
    double gate[8];
} examples[] = {
    {"order A: softmax over the two best",
     "topk",
     "k=2",
     4,
     {1, 3, 2, 0},
     "0110",
     {0, .731059, .268941, 0}},
    {"order B: their share of the softmax over all",
     "topk",
     "k=2 renormalise=off",
     4,
     {1, 3, 2, 0},
     "0110",
     {0, .643914, .236883, 0}},
    {"a second token", "topk", "k=2", 4, {0, 0, 4, 1}, "0011", {0, 0, .952574, .047426}},
    {"one renormalised expert has gate 1", "topk", "k=1", 4, {1, 3, 2, 0}, "0100", {0, 1, 0, 0}},
    {"k = E is the dense mixture",
     "topk",
     "k=4",
     4,
     {1, 3, 2, 0},
     "1111",
     {.087144, .643914, .236883, .032059}},
    {"equal logits: lowest columns, equal gates",
     "topk",
     "k=3",
     6,
     {2, 2, 2, 2, 2, 2},
     "111000",
     {1 / 3., 1 / 3., 1 / 3., 0, 0, 0}},
    {"equal logits, order B: gates 1/E",
     "topk",
     "k=3 renormalise=off",
     6,
     {2, 2, 2, 2, 2, 2},
     "111000",
     {1 / 6., 1 / 6., 1 / 6., 0, 0, 0}},
    {"a tie for the last place goes to the lower column",
     "topk",
     "k=2",
     4,
     {0, 1, 3, 1},
     "0110",
     {0, .119203, .880797, 0}},
    {"logits of 1000 do not overflow",
     "topk",
     "k=2",
     4,
     {1000, 0, 500, 1001},
     "1001",
     {.268941, 0, 0, .731059}},
    {"probabilities that underflow still have an order",
     "topk",
     "k=3",
     4,
     {1000, 0, 500, 200},
     "1011",
     {1, 0, 0, 0}},
    {"p = .2", "topp", "p=.2", 8, {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3}, "10000000", {1}},
    {"p = .4",
     "topp",
     "p=.4",
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     "10100000",
     {.645656, 0, .354344}},
    {"p = .6",
     "topp",
     "p=.6",
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     "10100001",
     {.511409, 0, .280667, 0, 0, 0, 0, .207923}},
    {"p = .6 as the authors do: gates are probabilities",
     "topp",
     "p=.6 renormalise=off",
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     "10100001",
     {.382227, 0, .209771, 0, 0, 0, 0, .155402}},
    {"p = .8",
     "topp",
     "p=.8 renormalise=off",
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     "10101001",
     {.382227, 0, .209771, 0, .104169, 0, 0, .155402}},
    {"p = .95",
     "topp",
     "p=.95 renormalise=off",
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     "11101101",
     {.382227, .063182, .209771, 0, .104169, .046806, 0, .155402}},
    {"p = 0 is the best one",
     "topp",
     "p=0 renormalise=off",
     8,
     {0, 3, 0, 0, 0, 0, 0, 0},
     "01000000",
     {0, .741560}},
    {"p = .4 on a sure token", "topp", "p=.4", 8, {0, 3, 0, 0, 0, 0, 0, 0}, "01000000", {0, 1}},
    {"p = .75: one more, the lowest of equals",
     "topp",
     "p=.75 renormalise=off",
     8,
     {0, 3, 0, 0, 0, 0, 0, 0},
     "11000000",
     {.036920, .741560}},
    {"p = .8: two more",
     "topp",
     "p=.8 renormalise=off",
     8,
     {0, 3, 0, 0, 0, 0, 0, 0},
     "11100000",
     {.036920, .741560, .036920}},
    {"p = 1 is all", "topp", "p=1 renormalise=off", 4, {40, 0, 0, 0}, "1111", {1, 0, 0, 0}},
    {"p = .999 on a flat router is nearly all",
     "topp",
     "p=.999",
     4,
     {0, 0, 0, 0},
     "1111",
     {.25, .25, .25, .25}},
    {"equal logits, p = .4: floor(p E) + 1",
     "topp",
     "p=.4",
     8,
     {1, 1, 1, 1, 1, 1, 1, 1},
     "11110000",
     {.25, .25, .25, .25}},
    {"a sum that hits p exactly goes on: the comparison is strict",
     "topp",
     "p=.5",
     4,
     {0, 0, 0, 0},
     "1110",
     {1 / 3., 1 / 3., 1 / 3., 0}},
    {"p = .99 of the worst logits",
     "topp",
     "p=.99 renormalise=off",
     4,
     {1000, -1000, 999, 0},
     "1010",
     {.731059, 0, .268941, 0}},
    {"temperature 2 flattens: logits are halved",
     "topp",
     "p=.6 temperature=2 renormalise=off",
     4,
     {2, 6, 4, 0},
     "0100",
     {0, .643914, 0, 0}},
    {"temperature 2 counts in renormalised gates too",
     "topp",
     "p=.8 temperature=2",
     4,
     {2, 6, 4, 0},
     "0110",
     {0, .731059, .268941, 0}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(each_example_takes_its_experts_with_its_gates)
{
    const struct example *x = &examples[_i % EXAMPLES];
    const char *backend = rig_backends[_i / EXAMPLES];
    struct rig g;
    int32_t mask[8];
    rig_open(&g, backend, x->strategy, x->knobs, 1, 0, x->E);
    rig_write(&g, g.r.logits, x->logits, x->E);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, x->E);
    const double *gate = rig_read(&g, g.r.gate, x->E);
    for (int j = 0; j < x->E; j++) {
        ck_assert_msg(mask[j] == x->mask[j] - '0', "%s: %s: column %d", backend, x->what, j);
        NEAR(gate[j], x->gate[j], 1e-6, 0, "%s: %s: gate %d", backend, x->what, j);
    }
    rig_close(&g);
}
END_TEST

/* d gate[column] / d logits */
static const struct slope {
    const char *what, *strategy, *knobs;
    int E, column;
    double logits[8], want[8];
} slopes[] = {
    {"order A moves the chosen two, in opposite ways",
     "topk",
     "k=2",
     4,
     1,
     {1, 3, 2, 0},
     {0, .196612, -.196612, 0}},
    {"order B moves all",
     "topk",
     "k=2 renormalise=off",
     4,
     1,
     {1, 3, 2, 0},
     {-.056113, .229289, -.152532, -.020643}},
    {"topp as the authors do moves all",
     "topp",
     "p=.7 renormalise=off",
     4,
     1,
     {1, 3, 2, 0},
     {-.056113, .229289, -.152532, -.020643}},
    {"topp renormalised moves the chosen",
     "topp",
     "p=.7",
     4,
     1,
     {1, 3, 2, 0},
     {0, .196612, -.196612, 0}},
    {"a gradient on an expert not taken is no gradient", "topk", "k=2", 4, 3, {1, 3, 2, 0}, {0}},
    {"the same in order B", "topk", "k=2 renormalise=off", 4, 3, {1, 3, 2, 0}, {0}},
    {"temperature divides the gradient as well",
     "topp",
     "p=.7 renormalise=off temperature=2",
     4,
     1,
     {2, 6, 4, 0},
     {-.0280565, .1146445, -.076266, -.0103215}},
};
enum { SLOPES = sizeof slopes / sizeof *slopes };

START_TEST(each_gate_has_its_gradient)
{
    const struct slope *x = &slopes[_i % SLOPES];
    const char *backend = rig_backends[_i / SLOPES];
    struct rig g;
    double dgate[8] = {0};
    dgate[x->column] = 1;
    rig_open(&g, backend, x->strategy, x->knobs, 1, 0, x->E);
    rig_write(&g, g.r.logits, x->logits, x->E);
    rig_write(&g, g.r.dgate, dgate, x->E);
    route_forward(&g.r);
    route_backward(&g.r, 0, true);
    const double *dlogits = rig_read(&g, g.r.dlogits, x->E);
    for (int j = 0; j < x->E; j++)
        NEAR(dlogits[j], x->want[j], 1e-6, 0, "%s: %s: logit %d", backend, x->what, j);
    rig_close(&g);
}
END_TEST

START_TEST(one_renormalised_expert_teaches_the_router_exactly_nothing)
{
    struct rig g;
    struct rng rng = rng_at(1, RNG_ROUTE, 0);
    rig_open(&g, rig_backends[_i], "topk", "k=1", 100, 0, 8);
    rig_fill(&g, &rng);
    rig_random(&g, &rng, g.r.dgate, 800, 1);
    route_forward(&g.r);
    route_backward(&g.r, 0, true);
    const double *dlogits = rig_read(&g, g.r.dlogits, 800);
    for (int i = 0; i < 800; i++) ck_assert_double_eq(dlogits[i], 0);
    rig_close(&g);
}
END_TEST

START_TEST(forced_counts_are_taken_in_order_of_score)
{
    static const double logits[12] = {1, 3, 2, 0, 1, 3, 2, 0, 1, 3, 2, 0};
    static const int32_t counts[3] = {0, 3, 4}, want[12] = {0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1};
    const struct router *router = router_at(_i / RIG_BACKENDS);
    struct rig g;
    int32_t mask[12];
    if (!router->ordered) return;
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], router->name, "", 3, 0, 4);
    if (g.r.N == 4) {
        rig_write(&g, g.r.logits, logits, 12);
        rig_write_ints(&g, &g.r.counts, counts, 3);
        route_forward(&g.r);
        rig_read_ints(&g, mask, g.r.mask, 12);
        ck_assert_mem_eq(mask, want, sizeof want);
    }
    rig_close(&g);
}
END_TEST

START_TEST(forced_experts_are_taken_on_valid_tokens_only)
{
    static const double logits[8] = {1, 3, 2, 0, 1, 3, 2, 0};
    static const int32_t forced[8] = {1, 0, 0, 1, 1, 1, 1, 1}, padding[2] = {1, 0},
                         want[8] = {1, 0, 0, 1, 0, 0, 0, 0};
    const double z = 1 / (1 + exp(-1));
    struct rig g;
    int32_t mask[8];
    rig_open(&g, rig_backends[_i], "topk", "k=1", 2, 0, 4);
    rig_write(&g, g.r.logits, logits, 8);
    rig_write_ints(&g, &g.r.forced, forced, 8);
    rig_write_ints(&g, &g.r.padding, padding, 2);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 8);
    ck_assert_mem_eq(mask, want, sizeof want);
    const double *gate = rig_read(&g, g.r.gate, 8);
    NEAR(gate[0], z, 1e-6, 0, "gate of the first forced expert");
    NEAR(gate[3], 1 - z, 1e-6, 0, "gate of the second");
    for (int j = 4; j < 8; j++) ck_assert_double_eq(gate[j], 0);
    rig_close(&g);
}
END_TEST

START_TEST(over_capacity_the_lowest_gates_or_the_last_tokens_go_and_the_rest_keep_theirs)
{
    /* all three want expert 0; room is ceil(.5 * 6 / 4) = 1 a expert */
    static const double logits[12] = {2, 1, 0, 0, 5, 0, 1, 0, 4, 0, 0, 1};
    static const int32_t by_gate[12] = {0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1},
                         by_place[12] = {1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    bool place = _i / RIG_BACKENDS;
    struct rig g;
    int32_t mask[12];
    rig_open(&g, rig_backends[_i % RIG_BACKENDS], "topk",
             place ? "k=2 capacity=.5 drop=position" : "k=2 capacity=.5 drop=gates", 3, 0, 4);
    rig_write(&g, g.r.logits, logits, 12);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 12);
    ck_assert_mem_eq(mask, place ? by_place : by_gate, sizeof mask);
    ck_assert_int_eq(rig_count_ints(&g, g.r.dropped, 1), 2);
    NEAR(rig_read(&g, g.r.gate, 12)[1], .268941, 1e-6, 0, "a gate beside a dropped one");
    NEAR(rig_read(&g, g.r.load, 4)[0], 4 * .5, 1e-6, 0, "the load is counted before dropping");
    route_backward(&g.r, 1, true); /* leaves the picks as they were */
    rig_read_ints(&g, mask, g.r.mask, 12);
    ck_assert_mem_eq(mask, place ? by_place : by_gate, sizeof mask);
    for (int i = 0; i < 12; i++) ck_assert((rig_read(&g, g.r.gate, 12)[i] > 0) == mask[i]);

    g.r.training = false;
    rig_write(&g, g.r.logits, logits, 12);
    route_forward(&g.r);
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, 12), 6);
    ck_assert_int_eq(rig_count_ints(&g, g.r.dropped, 1), 0);
    rig_close(&g);
}
END_TEST

SUITE(router_examples)
{
    TCase *t = tcase_create("examples");
    tcase_add_loop_test(t, each_example_takes_its_experts_with_its_gates, 0,
                        EXAMPLES * RIG_BACKENDS);
    tcase_add_loop_test(t, each_gate_has_its_gradient, 0, SLOPES * RIG_BACKENDS);
    tcase_add_loop_test(t, one_renormalised_expert_teaches_the_router_exactly_nothing, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, forced_counts_are_taken_in_order_of_score, 0,
                        router_count() * RIG_BACKENDS);
    tcase_add_loop_test(t, forced_experts_are_taken_on_valid_tokens_only, 0, RIG_BACKENDS);
    tcase_add_loop_test(
        t, over_capacity_the_lowest_gates_or_the_last_tokens_go_and_the_rest_keep_theirs, 0,
        2 * RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
