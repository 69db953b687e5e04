/* expertchoice: columns that choose rows, ties by token, scopes, padding; and that nobody mistakes
 * it for a rule that could write. */
#include "tests/core/router_rig.h"

static const struct example {
    const char *what, *knobs;
    int T, E, context;
    double logits[16];
    int32_t valid[8];
    const char *mask;
} examples[] = {
    {"each takes its two best",
     "c=1",
     4,
     2,
     0,
     {2, 0, 1, 0, 0, 0, 0, 1},
     {1, 1, 1, 1},
     "10 10 01 01"},
    {"equal scores: both take the first tokens", "c=1", 4, 2, 0, {0}, {1, 1, 1, 1}, "11 11 00 00"},
    {"c = E is dense", "c=2", 3, 2, 0, {2, 0, 1, 0, 0, 5}, {1, 1, 1}, "11 11 11"},
    {"c above: never more than there are", "c=2", 1, 2, 0, {2, 0}, {1}, "11"},
    {"one token is taken by all", "c=.5", 1, 2, 0, {2, 0}, {1}, "11"},
    {"half an expert a token, rounded up",
     "c=.5",
     4,
     2,
     0,
     {2, 0, 3, 0, 0, 0, 0, 1},
     {1, 1, 1, 1},
     "00 10 00 01"},
    {"padding is not taken, even by experts that have room",
     "c=2",
     4,
     2,
     0,
     {2, 0, 1, 0, 0, 0, 0, 1},
     {0, 1, 0, 1},
     "00 11 00 11"},
    {"padding does not count as tokens",
     "c=1",
     4,
     2,
     0,
     {9, 0, 1, 0, 0, 0, 0, 1},
     {0, 1, 0, 1},
     "00 10 00 01"},
    {"by position: two sequences of two, one of each position for each expert",
     "c=1 scope=position",
     4,
     2,
     2,
     {2, 0, 1, 0, 3, 0, 0, 1},
     {1, 1, 1, 1},
     "01 10 10 01"},
    {"without sequences a position is the batch",
     "c=1 scope=position",
     4,
     2,
     0,
     {2, 0, 1, 0, 0, 0, 0, 1},
     {1, 1, 1, 1},
     "10 10 01 01"},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(each_expert_takes_its_tokens)
{
    const struct example *x = &examples[_i % EXAMPLES];
    struct rig g;
    int32_t mask[16];
    double prob[16];
    rig_open(&g, rig_backends[_i / EXAMPLES], "expertchoice", x->knobs, x->T, 0, x->E);
    size_t n = (size_t)x->T * (size_t)x->E;
    g.r.context = x->context;
    rig_write(&g, g.r.logits, x->logits, n);
    rig_write_ints(&g, &g.r.padding, x->valid, (size_t)x->T);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, n);
    memcpy(prob, rig_read(&g, g.r.prob, n), n * sizeof *prob);
    for (int t = 0; t < x->T; t++)
        for (int e = 0; e < x->E; e++) {
            int i = t * x->E + e, want = x->mask[t * (x->E + 1) + e] - '0';
            ck_assert_msg(mask[i] == want, "%s: token %d, expert %d", x->what, t, e);
            NEAR(rig_read(&g, g.r.gate, n)[i], want * prob[i], 1e-7, 0, "%s: gate", x->what);
        }
    rig_close(&g);
}
END_TEST

START_TEST(loads_are_even_and_tokens_are_not)
{
    struct rig g;
    struct rng rng = rng_at(41, RNG_ROUTE, 0);
    int32_t mask[800], valid[100];
    int none = 0;
    double to;
    rig_open(&g, rig_backends[_i], "expertchoice", "c=.5", 100, 0, 8);
    rig_fill(&g, &rng);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 800);
    rig_read_ints(&g, valid, g.r.valid, 100);
    for (int e = 0; e < 8; e++) {
        int count = 0;
        for (int t = 0; t < 100; t++) count += mask[t * 8 + e];
        ck_assert_int_eq(count, 7); /* .5 * 100 / 8, rounded up */
    }
    for (int t = 0; t < 100; t++) {
        int count = 0;
        for (int e = 0; e < 8; e++) count += mask[t * 8 + e];
        none += count == 0;
    }
    ck_assert_int_gt(none, 0);
    const struct route_host h = {.router = g.r.router,
                                 .knob = g.knob,
                                 .T = 100,
                                 .E = 8,
                                 .N = 8,
                                 .mask = mask,
                                 .valid = valid};
    g.r.router->measure(&h, 0, &to);
    NEAR(to, none / 100., 1e-12, 0, "tokens_unchosen");
    g.r.router->measure(&h, 1, &to);
    ck_assert_msg(isnan(to), "a leak from one routing");
    rig_close(&g);
}
END_TEST

/* The whole softmax on chosen entries. */
START_TEST(gates_move_all_logits_of_their_token)
{
    static const double logits[8] = {2, 0, 1, 0, 0, 0, 0, 1}, dgate[8] = {1, 9, 0, 9, 9, 2, 9, 0};
    const double p0 = 1 / (1 + exp(-2)), want[8] = {p0 * (1 - p0), -p0 * (1 - p0), 0, 0, -.5, .5};
    struct rig g;
    rig_open(&g, rig_backends[_i], "expertchoice", "c=1", 4, 0, 2);
    rig_write(&g, g.r.logits, logits, 8);
    rig_write(&g, g.r.dgate, dgate, 8);
    route_forward(&g.r);
    route_backward(&g.r, 1, true);
    for (int i = 0; i < 8; i++)
        NEAR(rig_read(&g, g.r.dlogits, 8)[i], want[i], 1e-6, 0, "logit %d", i);
    rig_close(&g);
}
END_TEST

SUITE(router_expertchoice)
{
    TCase *t = tcase_create("expertchoice");
    tcase_add_loop_test(t, each_expert_takes_its_tokens, 0, EXAMPLES * RIG_BACKENDS);
    tcase_add_loop_test(t, loads_are_even_and_tokens_are_not, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, gates_move_all_logits_of_their_token, 0, RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
