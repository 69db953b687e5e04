/* The worked examples and edge cases of unimoe: nulls, shared experts' gates, band weights, the
 * GRIN estimator against its own formula. */
#include "core/router/route_json.h"
#include "tests/core/router_rig.h"

#include <stdio.h>

static const struct example {
    const char *what, *knobs;
    int E;
    double logits[6], side[2];
    const char *mask; /* a character a column */
    double gate[6], side_gate[2];
} examples[] = {
    {"one softmax over two picks and the shared expert",
     "p=.7 nulls=1 shared=1",
     3,
     {2, 1, 0, -1},
     {.5},
     "1100",
     {.628532, .231224},
     {.140244}},
    {"released: equal band weights share the dynamic mass",
     "p=.7 nulls=1 shared=1 gates=released",
     3,
     {2, 1, 0, -1},
     {.5},
     "1100",
     {.429878, .429878},
     {.140244}},
    {"only the null: the shared expert is all there is",
     "p=.7 nulls=1 shared=1",
     3,
     {.2, .1, 0, 3},
     {.5},
     "0001",
     {0, 0, 0, .924142},
     {.075858}},
    {"only the null and no shared expert: nothing",
     "p=.7 nulls=1 shared=0",
     3,
     {.2, .1, 0, 3},
     {0},
     "0001",
     {0, 0, 0, 1},
     {0}},
    {"equal logits: 1/k",
     "p=.7 nulls=1 shared=0",
     3,
     {0},
     {0},
     "1110",
     {1 / 3., 1 / 3., 1 / 3.},
     {0}},
    {"equal logits, released: later picks weigh more",
     "p=.7 nulls=1 shared=0 gates=released",
     3,
     {0},
     {0},
     "1110",
     {.230769, .307692, .461538},
     {0}},
    {"a sum that hits p exactly stops: the comparison is not strict",
     "p=.5 nulls=1 shared=0",
     3,
     {0},
     {0},
     "1100",
     {.5, .5},
     {0}},
    {"p = 1 takes all", "p=1 nulls=0 shared=0", 4, {40, 0, 0, 0}, {0}, "1111", {1}, {0}},
    {"p = 0 takes one", "p=0 nulls=0 shared=0", 4, {0, 0, 0, 0}, {0}, "1000", {1}, {0}},
    {"no null, none shared: Top-P with renormalised gates",
     "p=.6 nulls=0 shared=0",
     4,
     {1, 3, 2, 0},
     {0},
     "0100",
     {0, 1},
     {0}},
    {"two shared experts",
     "p=.5 nulls=0 shared=2",
     2,
     {2, 0},
     {2, 2},
     "10",
     {1 / 3.},
     {1 / 3., 1 / 3.}},
    {"a band of a tenth: scores within it share",
     "p=.9 nulls=0 shared=0 gates=released band=.1",
     3,
     {1, .95, -9},
     {0},
     "110",
     /* first: 1/(1+e^-.05) = .512497, second: alone */
     {.338842, .661158},
     {0}},
    {"logits of 1000", "p=.7 nulls=1 shared=1", 3, {1000, 0, 0, 999}, {-1000}, "1000", {1}, {0}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(each_example_takes_its_columns_with_its_gates)
{
    const struct example *x = &examples[_i % EXAMPLES];
    const char *backend = rig_backends[_i / EXAMPLES];
    struct rig g;
    int32_t mask[8];
    rig_open(&g, backend, "unimoe", x->knobs, 1, 0, x->E);
    rig_write(&g, g.r.logits, x->logits, g.r.N);
    if (g.r.M) rig_write(&g, g.r.side, x->side, g.r.M);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, g.r.N);
    for (int j = 0; j < g.r.N; j++) {
        ck_assert_msg(mask[j] == x->mask[j] - '0', "%s: %s: column %d", backend, x->what, j);
        NEAR(rig_read(&g, g.r.gate, g.r.N)[j], x->gate[j], 2e-6, 0, "%s: %s: gate %d", backend,
             x->what, j);
    }
    for (int j = 0; j < g.r.M; j++)
        NEAR(rig_read(&g, g.r.side_gate, g.r.M)[j], x->side_gate[j], 2e-6, 0,
             "%s: %s: shared gate %d", backend, x->what, j);
    rig_close(&g);
}
END_TEST

START_TEST(aux_is_the_mean_count_at_balance_and_the_page_says_4_for_its_token)
{
    static const double one[4] = {2, 1, 0, -1};
    /* two tokens, each pair of columns taken once: f = 1/2 each, P̄ = 1/4 each */
    static const double two[8] = {9, 9, 0, 0, 0, 0, 9, 9};
    struct rig g;
    rig_open(&g, rig_backends[_i], "unimoe", "p=.7 nulls=1 shared=0", 1, 0, 3);
    rig_write(&g, g.r.logits, one, 4);
    route_forward(&g.r);
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[0], 1), 4, 1e-6, 0, "one token");
    rig_close(&g);
    rig_open(&g, rig_backends[_i], "unimoe", "p=.7 nulls=1 shared=0", 2, 0, 3);
    rig_write(&g, g.r.logits, two, 8);
    route_forward(&g.r);
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[0], 1), 2, 1e-6, 0, "at balance: the mean count");
    rig_close(&g);
}
END_TEST

START_TEST(answers_weigh_more_in_aux)
{
    /* token 0 takes column 0 alone, token 1 column 1 alone; the first counts 10 times:
     * f = P̄ = 10/11 and 1/11, so aux = 2 (100 + 1) / 121 */
    static const double logits[4] = {9, 0, 0, 9};
    static const int32_t answers[2] = {1, 0};
    struct rig g;
    rig_open(&g, rig_backends[_i], "unimoe", "p=.7 nulls=0 shared=0 answer_weight=10", 2, 0, 2);
    rig_write(&g, g.r.logits, logits, 4);
    rig_write_ints(&g, &g.r.answers, answers, 2);
    route_forward(&g.r);
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[0], 1), 202 / 121., 1e-6, 0, "aux");
    rig_close(&g);
}
END_TEST

START_TEST(without_nulls_and_shared_experts_it_is_topp_with_renormalised_gates)
{
    static struct rig a, b;
    struct rng rng = rng_at(21, RNG_ROUTE, 0);
    int32_t left[RIG_CELLS], right[RIG_CELLS];
    enum { T = 200, E = 8 };
    rig_open(&a, rig_backends[_i], "unimoe", "p=.8 nulls=0 shared=0", T, 0, E);
    rig_open(&b, rig_backends[_i], "topp", "p=.8", T, 0, E);
    rig_random(&a, &rng, a.r.logits, T * E, 1.5);
    rig_write(&b, b.r.logits, rig_read(&a, a.r.logits, T * E), T * E);
    route_forward(&a.r);
    route_forward(&b.r);
    rig_read_ints(&a, left, a.r.mask, T * E);
    rig_read_ints(&b, right, b.r.mask, T * E);
    ck_assert_mem_eq(left, right, sizeof(int32_t) * T * E);
    const double *x = rig_read(&a, a.r.gate, T * E), *y = rig_read(&b, b.r.gate, T * E);
    for (int i = 0; i < T * E; i++) NEAR(x[i], y[i], 1e-6, 0, "gate %d", i);
    rig_close(&a);
    rig_close(&b);
}
END_TEST

/* ---- gradients ---- */
START_TEST(shared_gates_have_the_gradient_that_differences_show)
{
    static struct rig g;
    struct rng rng = rng_at(22, RNG_ROUTE, 0);
    for (int number = 0; number < 200; number++) {
        double dgate[16], dside_gate[4], want[16], dside[4];
        rig_open(&g, "ref", "unimoe",
                 number % 2 ? "p=.8 shared=2 gates=released band=.1" : "p=.8 shared=2", 1, 0, 4);
        int n = g.r.N;
        rig_fill(&g, &rng);
        for (int i = 0; i < n; i++) dgate[i] = rng_normal(&rng);
        for (int i = 0; i < 2; i++) dside_gate[i] = rng_normal(&rng);
        rig_write(&g, g.r.dgate, dgate, n);
        rig_write(&g, g.r.dside_gate, dside_gate, 2);
        route_forward(&g.r);
        int32_t mask[16];
        rig_read_ints(&g, mask, g.r.mask, n);
        rig_write_ints(&g, &g.r.forced, mask, n);
        route_backward(&g.r, 0, true);
        memcpy(want, rig_read(&g, g.r.dlogits, n), n * sizeof *want);
        memcpy(dside, rig_read(&g, g.r.dside, 2), 2 * sizeof *dside);
        for (int i = 0; i < n + 2; i++) {
            struct kn_buf cell =
                i < n ? kn_part(g.be, g.r.logits, i) : kn_part(g.be, g.r.side, i - n);
            double x = *rig_read(&g, cell, 1), out[2];
            for (int side = 0; side < 2; side++) {
                double moved = x + (side ? -1e-6 : 1e-6);
                rig_write(&g, cell, &moved, 1);
                route_forward(&g.r);
                out[side] = 0;
                for (int j = 0; j < n; j++) out[side] += dgate[j] * rig_read(&g, g.r.gate, n)[j];
                for (int j = 0; j < 2; j++)
                    out[side] += dside_gate[j] * rig_read(&g, g.r.side_gate, 2)[j];
            }
            rig_write(&g, cell, &x, 1);
            NEAR(i < n ? want[i] : dside[i - n], (out[0] - out[1]) / 2e-6, 1e-5, 1e-3,
                 "case %d, number %d", number, i);
        }
        rig_close(&g);
    }
}
END_TEST

/* The estimator: w r forward, r = b c; backward w's softmax and b's, without c. One pick from a
 * band of all columns makes the formula short. */
START_TEST(grin_draws_in_the_band_and_learns_without_the_third)
{
    enum { T = 400, E = 3 };
    static struct rig g;
    int32_t mask[T * E];
    double gate[T * E], whole = 0, third = 0, best = 0;
    const double z[E] = {1, .98, .96}, dgate = .7;
    double b[E], sum = 0, logits[T * E], d[T * E];
    for (int j = 0; j < E; j++) sum += b[j] = exp(z[j]);
    for (int j = 0; j < E; j++) b[j] /= sum;
    rig_open(&g, rig_backends[_i], "unimoe", "p=0 nulls=0 shared=0 estimator=grin band=.1", T, 0,
             E);
    for (int i = 0; i < T * E; i++) logits[i] = z[i % E], d[i] = dgate;
    rig_write(&g, g.r.logits, logits, T * E);
    rig_write(&g, g.r.dgate, d, T * E);
    g.r.seed = 3;
    route_forward(&g.r);
    route_backward(&g.r, 0, true);
    rig_read_ints(&g, mask, g.r.mask, T * E);
    memcpy(gate, rig_read(&g, g.r.gate, T * E), sizeof gate);
    const double *dlogits = rig_read(&g, g.r.dlogits, T * E);
    for (int t = 0; t < T; t++) {
        int pick = 0, picks = 0;
        for (int j = 0; j < E; j++)
            if (mask[t * E + j]) pick = j, picks++;
        ck_assert_int_eq(picks, 1);
        double r = gate[t * E + pick] / b[pick];
        bool full = fabs(r - 1) < 1e-5;
        ck_assert_msg(full || (pick > 0 && fabs(r - 1 / 3.) < 1e-5), "factor %g of pick %d", r,
                      pick);
        best += pick == 0, whole += full && pick > 0, third += !full;
        for (int j = 0; j < E; j++)
            NEAR(dlogits[t * E + j], dgate * b[pick] * ((j == pick) - b[j]), 1e-6, 0,
                 "token %d, logit %d", t, j);
    }
    NEAR(best / T, b[0], .08, 0, "share of the best");
    NEAR(whole / (whole + third), .25, .08, 0, "share of the others at full weight");
    g.r.training = false;
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, T * E);
    for (int t = 0; t < T; t++) ck_assert_int_eq(mask[t * E], 1); /* no drawing in use */
    rig_close(&g);
}
END_TEST

START_TEST(what_is_drawn_depends_on_seed_and_step_and_nothing_else)
{
    enum { T = 60, E = 8 };
    static struct rig g;
    struct rng rng = rng_at(23, RNG_ROUTE, 0);
    int32_t first[T * E], again[T * E];
    rig_open(&g, rig_backends[_i], "unimoe", "p=.3 nulls=0 estimator=grin band=.1", T, 0, E);
    rig_fill(&g, &rng);
    for (int i = 0; i < T * E; i++) g.read[i] = 5 + .05 * rng_normal(&rng);
    rig_write(&g, g.r.logits, g.read, T * E);
    g.r.seed = 1, g.r.draw = 7;
    route_forward(&g.r);
    rig_read_ints(&g, first, g.r.mask, T * E);
    route_forward(&g.r);
    rig_read_ints(&g, again, g.r.mask, T * E);
    ck_assert_mem_eq(first, again, sizeof first);
    g.r.draw = 8;
    route_forward(&g.r);
    rig_read_ints(&g, again, g.r.mask, T * E);
    ck_assert_mem_ne(first, again, sizeof first);
    rig_close(&g);
}
END_TEST

/* ---- rows ---- */
START_TEST(a_row_whose_shared_logit_is_broken_gets_nothing_not_even_a_shared_gate)
{
    static const double logits[8] = {2, 1, 0, -1, 2, 1, 0, -1};
    static const double side[2] = {NAN, .5};
    struct rig g;
    rig_open(&g, rig_backends[_i], "unimoe", "p=.7", 2, 0, 3);
    rig_write(&g, g.r.logits, logits, 8);
    rig_write(&g, g.r.side, side, 2);
    route_forward(&g.r);
    ck_assert_int_eq(rig_count_ints(&g, g.r.valid, 2), 1);
    ck_assert_int_eq(rig_count_ints(&g, g.r.side_bad, 1), 1);
    for (int j = 0; j < 4; j++) ck_assert_double_eq(rig_read(&g, g.r.gate, 8)[j], 0);
    ck_assert_double_eq(rig_read(&g, g.r.side_gate, 2)[0], 0);
    NEAR(rig_read(&g, g.r.side_gate, 2)[1], .140244, 2e-6, 0, "the other row");
    rig_close(&g);
}
END_TEST

START_TEST(jitter_moves_what_training_sees_and_no_more)
{
    static struct rig g;
    struct rng rng = rng_at(24, RNG_ROUTE, 0);
    double calm[36], moved[36];
    rig_open(&g, rig_backends[_i], "unimoe", "jitter=.05 nulls=1 shared=1", 4, 5, 8);
    rig_fill(&g, &rng);
    g.r.training = false;
    route_forward(&g.r);
    memcpy(calm, rig_read(&g, g.r.logits, 36), sizeof calm);
    g.r.training = true;
    route_forward(&g.r);
    memcpy(moved, rig_read(&g, g.r.logits, 36), sizeof moved);
    ck_assert_mem_ne(calm, moved, sizeof calm);
    for (int i = 0; i < 36; i++) NEAR(moved[i], calm[i], .7, 0, "logit %d", i);
    rig_close(&g);
}
END_TEST

/* ---- route ---- */
static void check_json(const char *in, const char *want)
{
    struct kn_backend *be = rig_backend("ref");
    struct text out = {0};
    struct err e = {0};
    bool ok = route_json(in, strlen(in), be, &out, NULL, &e);
    const char *said = ok ? text_str(&out) : e.text;
    ck_assert_msg(strstr(said, want), "%s gave %s, want %s", in, said, want);
    text_free(&out);
    kn_close(be);
}

START_TEST(route_takes_shared_logits_and_answers_and_gives_shared_gates_and_gradients)
{
    static const char token[] = "{\"strategy\":\"unimoe\",\"knobs\":{\"p\":0.7},"
                                "\"logits\":[[2,1,0,-1]]%s}";
    static const char *const cases[][2] = {
        {",\"shared_logits\":[[0.5]]", "\"shared_gates\":[[0.14024"},
        {",\"shared_logits\":[[0.5]]", "\"lost_to_null\":0,"},
        {",\"shared_logits\":[[0.5]],\"grad_gates\":[[1,0,0,0]]", "\"shared_logits\":[[-0.0881"},
        {",\"shared_logits\":[[0.5]],\"training\":true", "\"aux\":4"},
        {"", "shared_logits is missing"},
        {",\"shared_logits\":[[0.5,1]]", "shared_logits[0] should hold 1 numbers"},
        {",\"shared_logits\":[[0.5]],\"answers\":[2]", "answers[0]"},
        {",\"shared_logits\":[[0.5]],\"params\":{\"w_shared\":[[1]]}", "no use beside logits"},
    };
    char line[400];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(line, sizeof line, token, cases[i][0]);
        check_json(line, cases[i][1]);
    }
    check_json("{\"strategy\":\"unimoe\",\"knobs\":{\"nulls\":0},\"x\":[[1,2]],"
               "\"params\":{\"w\":[[1,0],[0,1]],\"w_shared\":[[1,1]]},\"grad_gates\":[[1,0]]}",
               "\"w_shared\":[[");
    check_json("{\"strategy\":\"topk\",\"logits\":[[2,1]],\"shared_logits\":[[0.5]]}",
               "no use to this strategy");
    check_json("{\"strategy\":\"topk\",\"logits\":[[2,1]],\"answers\":[1]}",
               "no use to this strategy");
}
END_TEST

SUITE(router_unimoe)
{
    TCase *t = tcase_create("unimoe");
    int n = RIG_BACKENDS;
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, each_example_takes_its_columns_with_its_gates, 0, EXAMPLES * n);
    tcase_add_loop_test(t, aux_is_the_mean_count_at_balance_and_the_page_says_4_for_its_token, 0,
                        n);
    tcase_add_loop_test(t, answers_weigh_more_in_aux, 0, n);
    tcase_add_loop_test(t, without_nulls_and_shared_experts_it_is_topp_with_renormalised_gates, 0,
                        n);
    tcase_add_test(t, shared_gates_have_the_gradient_that_differences_show);
    tcase_add_loop_test(t, grin_draws_in_the_band_and_learns_without_the_third, 0, n);
    tcase_add_loop_test(t, what_is_drawn_depends_on_seed_and_step_and_nothing_else, 0, n);
    tcase_add_loop_test(t, a_row_whose_shared_logit_is_broken_gets_nothing_not_even_a_shared_gate,
                        0, n);
    tcase_add_loop_test(t, jitter_moves_what_training_sees_and_no_more, 0, n);
    tcase_add_test(t, route_takes_shared_logits_and_answers_and_gives_shared_gates_and_gradients);
    suite_add_tcase(suite, t);
}
