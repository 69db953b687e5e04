/* The worked examples and edge cases of adak: counts, labels, the policy's loss and gradient
 * against their own formulas, and what `route` takes for them. */
#include "core/balance/pressure.h"
#include "core/router/route_json.h"
#include "tests/core/router_rig.h"

#include <stdio.h>

enum { POLICY, COUNT, WARM };

static void log_of(const double *p, double *to, int n)
{
    for (int i = 0; i < n; i++) to[i] = log(p[i]);
}

static const double prob[4] = {.5, .1, .3, .1}, chance[4] = {.1, .6, .2, .1};

/* One token with these probabilities of experts and counts. */
static void open_token(struct rig *g, const char *backend, const char *knobs, const double *p,
                       const double *pi)
{
    double z[4];
    rig_open(g, backend, "adak", knobs, 1, 0, 4);
    log_of(p, z, 4);
    rig_write(g, g->r.logits, z, 4);
    log_of(pi, z, 4);
    rig_write(g, g->r.side, z, 4);
}

/* ---- counts ---- */
static const struct decode {
    const char *knobs, *mask;
    double gate[4];
} decodes[] = {
    {"k=2 decode=argmax", "1010", {.625, 0, .375, 0}},
    {"k=2 decode=mean", "1010", {.625, 0, .375, 0}}, /* 2.3 */
    {"k=2 decode=argmax max=1", "1000", {1, 0, 0, 0}},
};
enum { DECODES = sizeof decodes / sizeof *decodes };

START_TEST(in_use_the_count_is_the_likeliest_or_the_mean)
{
    const struct decode *x = &decodes[_i % DECODES];
    struct rig g;
    int32_t mask[4];
    open_token(&g, rig_backends[_i / DECODES], x->knobs, prob, chance);
    g.r.training = false;
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 4);
    for (int j = 0; j < 4; j++) {
        ck_assert_int_eq(mask[j], x->mask[j] - '0');
        NEAR(rig_read(&g, g.r.gate, 4)[j], x->gate[j], 1e-6, 0, "%s: gate %d", x->knobs, j);
    }
    rig_close(&g);
}
END_TEST

START_TEST(three_are_the_lowest_of_equals_and_the_expected_count_is_2_3)
{
    static const int32_t three[1] = {3};
    static const double want[4] = {.555556, .111111, .333333, 0};
    struct rig g;
    open_token(&g, rig_backends[_i], "k=2", prob, chance);
    rig_write_ints(&g, &g.r.counts, three, 1);
    route_forward(&g.r);
    route_losses(&g.r);
    for (int j = 0; j < 4; j++) NEAR(rig_read(&g, g.r.gate, 4)[j], want[j], 1e-6, 0, "gate %d", j);
    NEAR(*rig_read(&g, g.r.loss[COUNT], 1), 2.3, 1e-6, 0, "expected count");
    rig_close(&g);
}
END_TEST

START_TEST(equal_probabilities_of_counts_send_the_fewest_and_zero_is_never_drawn)
{
    enum { T = 300, E = 4 };
    static struct rig g;
    int32_t mask[T * E], seen[E + 1] = {0};
    rig_open(&g, rig_backends[_i], "adak", "", T, 0, E);
    g.r.training = false;
    route_forward(&g.r);
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, T * E), T); /* argmax of equals: one */
    g.r.training = true;
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, T * E);
    for (int t = 0; t < T; t++) {
        int n = 0;
        for (int j = 0; j < E; j++) n += mask[t * E + j];
        seen[n]++;
    }
    ck_assert_int_eq(seen[0], 0);
    for (int n = 1; n <= E; n++) ck_assert_int_ge(seen[n], T / E / 2);
    rig_close(&g);
}
END_TEST

/* ---- labels ---- */
START_TEST(labels_are_how_many_reach_p_star_or_k)
{
    static const struct {
        const char *knobs;
        double p;
        int label;
    } cases[] = {
        {"k=2", .49, 1},      {"k=2", .6, 2},      {"k=2", .85, 3},           {"k=2", 1, 4},
        {"k=2 warm=k", 1, 2}, {"k=2 max=3", 1, 3}, {"k=4 warm=k max=2", 0, 2}};
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        struct rig g;
        double pi = 1;
        open_token(&g, rig_backends[_i], cases[i].knobs, prob, chance);
        rig_write(&g, g.r.state[0], &cases[i].p, 1);
        route_forward(&g.r);
        route_losses(&g.r);
        for (int n = (int)g.knob[router_knob(g.r.router, "max")]; n < 4; n++) pi -= chance[n];
        NEAR(*rig_read(&g, g.r.loss[WARM], 1), -log(chance[cases[i].label - 1] / pi), 1e-5, 0,
             "%s, p* %g", cases[i].knobs, cases[i].p);
        rig_close(&g);
    }
}
END_TEST

START_TEST(p_star_is_where_the_mean_count_is_nearest_to_k)
{
    /* sure and unsure by halves: at .5 one and two experts, at .6 one and three */
    static const double two[8] = {9, 0, 0, 0, 1, 1, 1, 1};
    struct rig g;
    double p = 0;
    rig_open(&g, rig_backends[_i], "adak", "k=2", 2, 0, 4);
    rig_write(&g, g.r.logits, two, 8);
    route_forward(&g.r);
    kn_mass_match(g.be, g.r.state[0], g.r.prob, 2, g.r.valid, 2, 4);
    p = *rig_read(&g, g.r.state[0], 1);
    ck_assert_msg(p > .505 && p <= .75, "p* is %g", p);
    rig_close(&g);
}
END_TEST

/* ---- the policy's loss and gradient ---- */
static const struct worth {
    const char *what;
    double advantage, loss, gradient[4], clipped;
} worths[] = {
    {"better, and moved too far: held", .3, -.36, {0}, 1},
    {"worse: not held", -.3, .375, {-.0375, -.20625, .28125, -.0375}, 0},
};
enum { WORTHS = sizeof worths / sizeof *worths };

START_TEST(each_worth_has_its_loss_and_gradient)
{
    static const double now[4] = {.1, .55, .25, .1}, cost[4] = {-.135, -.1925, .1625, .165};
    static const int32_t three[1] = {3};
    const struct worth *x = &worths[_i % WORTHS];
    double weight[ROUTER_LOSSES] = {[POLICY] = 1}, old = log(.2), reward = -1.5 + x->advantage,
           baseline = -1.5;
    struct rig g;
    open_token(&g, rig_backends[_i / WORTHS], "k=2", prob, now);
    rig_write_ints(&g, &g.r.counts, three, 1);
    rig_write(&g, g.r.learning.old, &old, 1);
    rig_write(&g, g.r.learning.reward, &reward, 1);
    rig_write(&g, g.r.learning.baseline, &baseline, 1);
    g.r.learning.remembered = true;
    route_forward(&g.r);
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[POLICY], 1), x->loss, 1e-6, 0, "%s: loss", x->what);
    NEAR(*rig_read(&g, g.r.loss[COUNT], 1), 2.35, 1e-6, 0, "expected count");
    NEAR(rig_read(&g, g.r.learning.told, 4)[3], x->clipped, 0, 0, "%s: clipped", x->what);
    NEAR(rig_read(&g, g.r.learning.told, 4)[0], x->advantage, 1e-6, 0, "advantage");
    route_backward_by(&g.r, weight, false);
    for (int n = 0; n < 4; n++)
        NEAR(rig_read(&g, g.r.dside, 4)[n], x->gradient[n], 1e-6, 0, "%s: logit %d", x->what, n);
    weight[POLICY] = 0, weight[COUNT] = 1;
    route_backward_by(&g.r, weight, false);
    for (int n = 0; n < 4; n++)
        NEAR(rig_read(&g, g.r.dside, 4)[n], cost[n], 1e-6, 0, "cost: logit %d", n);
    rig_close(&g);
}
END_TEST

START_TEST(layers_further_down_have_less_of_the_advantage)
{
    static const int32_t three[1] = {3};
    double reward = .3;
    struct rig g;
    open_token(&g, rig_backends[_i], "k=2 gamma=.9", prob, chance);
    rig_write_ints(&g, &g.r.counts, three, 1);
    rig_write(&g, g.r.learning.reward, &reward, 1);
    g.r.layers = 2;
    route_forward(&g.r);
    for (int layer = 0; layer < 2; layer++) {
        g.r.layer = layer;
        route_losses(&g.r);
        NEAR(rig_read(&g, g.r.learning.told, 1)[0], layer ? .3 : .27, 1e-6, 0, "layer %d", layer);
    }
    rig_close(&g);
}
END_TEST

/* 200 random batches: policy, count and warm into the allocator's logits and weights, by
 * differences, with the choices, what they were worth and how likely they were given. */
START_TEST(the_allocator_has_the_gradients_that_differences_show)
{
    enum { E = 5, D = 3 };
    static struct rig g;
    struct rng rng = rng_at(31, RNG_ROUTE, 0);
    for (int number = 0; number < 200; number++) {
        int T = 1 + rng_below(&rng, 4);
        int32_t counts[4];
        double want[3][E * D], old[4];
        rig_open(&g, "ref", "adak", number % 2 ? "k=2 max=4" : "k=2 warm=k", T, D, E);
        rig_fill(&g, &rng);
        for (int t = 0; t < T; t++) {
            counts[t] = 1 + rng_below(&rng, 4);
            old[t] = -.3 - 2 * rng_uniform(&rng);
        }
        rig_write_ints(&g, &g.r.counts, counts, T);
        rig_write(&g, g.r.learning.old, old, T);
        rig_random(&g, &rng, g.r.learning.reward, T, 1);
        rig_random(&g, &rng, g.r.learning.baseline, T, 1);
        g.r.learning.remembered = true;
        double p = .3 + .6 * rng_uniform(&rng);
        rig_write(&g, g.r.state[0], &p, 1);
        route_forward(&g.r);
        for (int o = 0; o < 3; o++) {
            double weight[ROUTER_LOSSES] = {0};
            weight[o] = 1;
            kn_zero(g.be, g.r.dparam[1], E * D);
            kn_zero(g.be, g.r.dx, T * D);
            route_backward_by(&g.r, weight, false);
            memcpy(want[o], rig_read(&g, g.r.dparam[1], E * D), sizeof want[o]);
            for (int i = 0; i < T * D; i++) /* x learns nothing from the allocator */
                ck_assert_double_eq(rig_read(&g, g.r.dx, T * D)[i], 0);
        }
        for (int i = 0; i < E * D; i++) {
            struct kn_buf cell = kn_part(g.be, g.r.param[1], i);
            double x = *rig_read(&g, cell, 1), out[3][2];
            for (int side = 0; side < 2; side++) {
                double moved = x + (side ? -1e-6 : 1e-6);
                rig_write(&g, cell, &moved, 1);
                route_memory_repack(&g.r);
                route_forward(&g.r);
                route_losses(&g.r);
                for (int o = 0; o < 3; o++) out[o][side] = *rig_read(&g, g.r.loss[o], 1);
            }
            rig_write(&g, cell, &x, 1);
            for (int o = 0; o < 3; o++)
                NEAR(want[o][i], (out[o][0] - out[o][1]) / 2e-6, 1e-5, 1e-3,
                     "case %d, loss %d, w_alloc[%d]", number, o, i);
        }
        rig_close(&g);
    }
}
END_TEST

START_TEST(learning_moves_the_allocator_towards_what_paid_and_nothing_else)
{
    enum { T = 64, E = 4, D = 3 };
    static struct rig g;
    struct rng rng = rng_at(32, RNG_ROUTE, 0);
    double w[E * D], reward[T];
    struct kn_buf moments[2];
    rig_open(&g, rig_backends[_i], "adak", "k=2 lambda=1e-4 epochs=4", T, D, E);
    rig_fill(&g, &rng);
    kn_zero(g.be, g.r.param[1], E * D);
    route_memory_repack(&g.r);
    for (int i = 0; i < 2; i++) moments[i] = kn_alloc(g.be, E * D);
    g.r.m[1] = moments[0], g.r.v[1] = moments[1];
    memcpy(w, rig_read(&g, g.r.param[0], E * D), sizeof w);
    double first = 0, last = 0;
    for (int step = 0; step < 40; step++) {
        int32_t choice[T];
        g.r.draw = (uint32_t)step;
        route_forward(&g.r);
        rig_read_ints(&g, choice, g.r.learning.choice, T);
        double mean = 0;
        for (int t = 0; t < T; t++) { /* three experts pay for every token */
            reward[t] = choice[t] == 3 ? 1 : -1;
            mean += choice[t] == 3;
        }
        *(step ? &last : &first) = mean / T;
        rig_write(&g, g.r.learning.reward, reward, T);
        ck_assert_int_eq(g.r.router->learn(&g.r, PHASE_BASELINE | PHASE_LEARN), 4);
    }
    ck_assert_msg(first < .5 && last > first + .2, "from %g to %g", first, last);
    ck_assert_mem_eq(w, rig_read(&g, g.r.param[0], E * D), sizeof w);
    for (int i = 0; i < 2; i++) kn_free(g.be, moments[i]);
    g.r.m[1] = g.r.v[1] = (struct kn_buf){0};
    rig_close(&g);
}
END_TEST

/* ---- rows ---- */
START_TEST(a_row_whose_allocator_is_broken_gets_no_expert_and_no_part_in_the_means)
{
    static const double logits[8] = {2, 1, 0, -1, 2, 1, 0, -1};
    static const double side[8] = {0, INFINITY, 0, 0, 0, 3, 0, 0};
    struct rig g;
    int32_t mask[8];
    rig_open(&g, rig_backends[_i], "adak", "k=2", 2, 0, 4);
    rig_write(&g, g.r.logits, logits, 8);
    rig_write(&g, g.r.side, side, 8);
    route_forward(&g.r);
    route_losses(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 8);
    for (int j = 0; j < 4; j++) ck_assert_int_eq(mask[j], 0);
    ck_assert_int_eq(rig_count_ints(&g, g.r.side_bad, 1), 1);
    double e3 = exp(3);
    NEAR(*rig_read(&g, g.r.loss[COUNT], 1), (1 + 2 * e3 + 3 + 4) / (3 + e3), 1e-5, 0, "mean count");
    rig_close(&g);
}
END_TEST

/* ---- route ---- */
START_TEST(route_takes_allocator_logits_rewards_and_gives_the_allocators_gradient_for_losses_only)
{
    static const char token[] =
        "{\"strategy\":\"adak\",\"knobs\":{\"k\":2%s},\"training\":true,"
        "\"logits\":[[-0.693147,-2.302585,-1.203973,-2.302585]],"
        "\"allocator_logits\":[[-2.302585,-0.597837,-1.386294,-2.302585]],\"counts\":[3]%s}";
    static const char *const cases[][3] = {
        {"", ",\"old_log_prob\":[-1.609438],\"rewards\":{\"sampled\":[-1.2],\"baseline\":[-1.5]}",
         "\"losses\":{\"policy\":-0.36"},
        {"", ",\"old_log_prob\":[-1.609438],\"rewards\":{\"sampled\":[-1.8],\"baseline\":[-1.5]}",
         "\"losses\":{\"policy\":0.37"},
        {"", ",\"rewards\":{\"sampled\":[-1.2],\"baseline\":[-1.5]},\"grad_losses\":{\"policy\":1}",
         "\"allocator_logits\":[[0.0"},
        {"", ",\"grad_gates\":[[1,0,0,0]]", "\"grad\":{\"logits\":[[0.24"},
        {",\"gamma\":0.9", ",\"layers_above\":1,\"rewards\":{\"sampled\":[0.3]}",
         "\"advantage\":0.27"},
        {"", "", "\"count\":2.35"},
        {"", ",\"rewards\":{\"sample\":[0.3]}", "did you mean sampled?"},
        {"", ",\"rewards\":{\"sampled\":[0.3,1]}", "sampled should hold 1 numbers"},
        {"", ",\"layers_above\":-1", "layers_above"},
        {"", ",\"shared_logits\":[[1]]", "no use to this strategy"},
    };
    struct kn_backend *be = rig_backend("ref");
    char line[700];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text out = {0};
        struct err e = {0};
        snprintf(line, sizeof line, token, cases[i][0], cases[i][1]);
        bool ok = route_json(line, strlen(line), be, &out, NULL, &e);
        const char *said = ok ? text_str(&out) : e.text;
        ck_assert_msg(strstr(said, cases[i][2]), "%s gave %s, want %s", line, said, cases[i][2]);
        bool asked = strstr(cases[i][1], "grad_losses");
        ck_assert_msg(asked || !ok || !strstr(said, "\"allocator_logits\""), "%s", said);
        text_free(&out);
    }
    kn_close(be);
}
END_TEST

SUITE(router_adak)
{
    TCase *t = tcase_create("adak");
    int n = RIG_BACKENDS;
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, in_use_the_count_is_the_likeliest_or_the_mean, 0, DECODES * n);
    tcase_add_loop_test(t, three_are_the_lowest_of_equals_and_the_expected_count_is_2_3, 0, n);
    tcase_add_loop_test(t, equal_probabilities_of_counts_send_the_fewest_and_zero_is_never_drawn, 0,
                        n);
    tcase_add_loop_test(t, labels_are_how_many_reach_p_star_or_k, 0, n);
    tcase_add_loop_test(t, p_star_is_where_the_mean_count_is_nearest_to_k, 0, n);
    tcase_add_loop_test(t, each_worth_has_its_loss_and_gradient, 0, WORTHS * n);
    tcase_add_loop_test(t, layers_further_down_have_less_of_the_advantage, 0, n);
    tcase_add_test(t, the_allocator_has_the_gradients_that_differences_show);
    tcase_add_loop_test(t, learning_moves_the_allocator_towards_what_paid_and_nothing_else, 0, n);
    tcase_add_loop_test(t, a_row_whose_allocator_is_broken_gets_no_expert_and_no_part_in_the_means,
                        0, n);
    tcase_add_test(
        t, route_takes_allocator_logits_rewards_and_gives_the_allocators_gradient_for_losses_only);
    suite_add_tcase(suite, t);
}
