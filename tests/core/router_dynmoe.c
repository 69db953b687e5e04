/* dynmoe: the worked examples of its rule, the straight-through gradient against its own formula,
 * and who is fired and hired. */
#include "tests/core/router_rig.h"

enum { W, G, LOG_TAU };
enum { ACTIVE, USED, AGE, ORPHAN_SUM, ORPHANS, CLOCK, FIRED, HIRED };
enum { DIVERSITY, SIMPLICITY, BALANCE, EFFICIENCY, COUNT };

/* One token (3, 4); directions (1, 0), (0, 1), (-1, 0), (1.2, 1.6): cosines .6, .8, -.6, 1. */
static void open_example(struct rig *g, const char *backend, const char *knobs, const double *bars)
{
    static const double x[] = {3, 4}, w[] = {1, 0, 0, 1, -1, 0, 1.2, 1.6};
    rig_open(g, backend, "dynmoe", knobs, 1, 2, 4);
    rig_write(g, g->r.x, x, 2);
    rig_write(g, g->r.param[W], w, 8);
    rig_write(g, g->r.param[G], bars, 4);
    route_memory_repack(&g->r);
}

static const struct example {
    const char *what, *knobs;
    bool training;
    double bars[4], active[4];
    const char *mask;
    double gate[4], theta[4];
} examples[] = {
    {"one bar is cleared",
     "tau=1",
     true,
     {.7, .5, 0, 1.5},
     {1, 1, 1, 1},
     "0100",
     {0, 1, 0, 0},
     {.668188, .622459, .5, .817574}},
    {"bars at 0: half the circle",
     "tau=1",
     true,
     {0, 0, 0, 0},
     {1, 1, 1, 1},
     "1101",
     {1 / 3., 1 / 3., 0, 1 / 3.},
     {.5, .5, .5, .5}},
    {"no bar is cleared in training: no expert",
     "tau=1",
     true,
     {.9, .9, .9, 1.2},
     {1, 1, 1, 1},
     "0000",
     {0},
     {.710949, .710949, .710949, .768525}},
    {"else the best one, gate 1",
     "tau=1",
     false,
     {.9, .9, .9, 1.2},
     {1, 1, 1, 1},
     "0001",
     {0, 0, 0, 1},
     {.710949, .710949, .710949, .768525}},
    {"in training too where asked for",
     "tau=1 fallback=on",
     true,
     {.9, .9, .9, 1.2},
     {1, 1, 1, 1},
     "0001",
     {0, 0, 0, 1},
     {.710949, .710949, .710949, .768525}},
    {"the best one is the best that is active",
     "tau=1",
     false,
     {.9, .9, .9, 1.2},
     {1, 1, 1, 0},
     "0100",
     {0, 1},
     {.710949, .710949, .710949, .768525}},
    {"who is not active never fires",
     "tau=1",
     true,
     {0, 0, 0, 0},
     {1, 0, 1, 1},
     "1001",
     {.5, 0, 0, .5},
     {.5, .5, .5, .5}},
    {"very low bars: all, gates 1/E",
     "tau=1",
     true,
     {-2, -2, -2, -2},
     {1, 1, 1, 1},
     "1111",
     {.25, .25, .25, .25},
     {.119203, .119203, .119203, .119203}},
    {"the offset is added to every bar",
     "tau=1 offset=.5",
     true,
     {.2, 0, 0, .4},
     {1, 1, 1, 1},
     "0101",
     {0, .5, 0, .5},
     {.668188, .622459, .622459, .710949}},
    {"no steepness hides who is over",
     "tau=100",
     true,
     {.59, .79, .5, .999},
     {1, 1, 1, 1},
     "1101",
     {1 / 3., 1 / 3., 0, 1 / 3.},
     {1, 1, 1, 1}},
    {"only the first of the fleet is active at the start, whatever it scores",
     "tau=1 fleet=1",
     false,
     {.9, .9, .9, 1.2},
     {NAN},
     "1000",
     {1},
     {.710949, .710949, .710949, .768525}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

START_TEST(each_example_takes_its_experts_with_equal_shares)
{
    const struct example *x = &examples[_i % EXAMPLES];
    struct rig g;
    int32_t mask[4];
    double cos[4] = {.6, .8, -.6, 1}, to[4];
    double tau = x->theta[0] == 1 ? 100 : 1;
    open_example(&g, rig_backends[_i / EXAMPLES], x->knobs, x->bars);
    if (!isnan(x->active[0])) rig_write(&g, g.r.state[ACTIVE], x->active, 4);
    g.r.training = x->training;
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, 4);
    for (int e = 0; e < 4; e++) {
        ck_assert_msg(mask[e] == x->mask[e] - '0', "%s: expert %d", x->what, e);
        NEAR(rig_read(&g, g.r.gate, 4)[e], x->gate[e], 1e-6, 0, "%s: gate %d", x->what, e);
        NEAR(rig_read(&g, g.r.logits, 4)[e], cos[e], 1e-6, 0, "%s: cosine %d", x->what, e);
        double on = *rig_read(&g, kn_part(g.be, g.r.state[ACTIVE], (size_t)e), 1);
        NEAR(rig_read(&g, g.r.score, 4)[e], on / (1 + exp(-tau * cos[e])), 1e-6, 0, "%s: score %d",
             x->what, e);
    }
    struct route_host h = {.router = g.r.router, .knob = g.knob, .E = 4, .N = 4};
    g.r.router->look(&g.r, h.look);
    g.r.router->measure(&h, 0, to);
    for (int e = 0; e < 4; e++) NEAR(to[e], x->theta[e], 1e-6, 0, "%s: theta %d", x->what, e);
    rig_close(&g);
}
END_TEST

START_TEST(the_losses_of_the_example_are_the_worked_ones)
{
    static const double zero[4] = {0}, want[] = {2.172556, 1.25, 4, .75,
                                                 /* s - .5 of the three that fire */
                                                 .145656 + .189974 + .231059};
    struct rig g;
    open_example(&g, rig_backends[_i], "tau=1", zero);
    route_forward(&g.r);
    route_losses(&g.r);
    for (int i = 0; i < 5; i++)
        NEAR(*rig_read(&g, g.r.loss[i], 1), want[i], 2e-6, 0, "%s", g.r.router->losses[i].pressure);
    rig_close(&g);
}
END_TEST

START_TEST(the_slopes_of_the_example_are_the_worked_ones)
{
    static const double zero[4] = {0}, dgate[4] = {3, 3, 3, 3}, /* 3 K: 1 each */
        firing[4] = {.228784, .213910, 0, .196612}, open = .228784;
    struct rig g;
    bool all = _i / RIG_BACKENDS;
    open_example(
        &g, rig_backends[_i % RIG_BACKENDS],
        all ? "tau=1 straight_through=open" : "tau=1 straight_through=firing count_price=0", zero);
    rig_write(&g, g.r.dgate, dgate, 4);
    route_forward(&g.r);
    g.r.router->backward(&g.r);
    g.r.router->score_back(&g.r);
    for (int e = 0; e < 4; e++) {
        NEAR(rig_read(&g, g.r.dlogits, 4)[e], e == 2 && all ? open : firing[e], 1e-6, 0,
             "cosine %d", e);
        NEAR(rig_read(&g, g.r.dparam[G], 4)[e], e == 2 && !all ? 0 : -.25, 1e-6, 0, "G %d", e);
    }
    ck_assert_double_eq(*rig_read(&g, g.r.dparam[LOG_TAU], 1), 0); /* tau is not trained */
    rig_close(&g);
}
END_TEST

/* ---- the straight-through gradient ---- */
enum { CASES = 200, MOST = 8 };
struct surrogate {
    int T, D, E;
    double x[MOST * MOST], w[MOST * MOST], g[MOST], log_tau;
    double offset, on[MOST], u[MOST * MOST]; /* what passes to s - theta */
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double norm(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* sum u (s - theta): its derivative is the straight-through gradient. */
static double surrogate_value(const struct surrogate *s)
{
    double sum = 0, tau = fmin(exp(s->log_tau), 100);
    for (int t = 0; t < s->T; t++)
        for (int e = 0; e < s->E; e++) {
            const double *x = s->x + t * s->D, *w = s->w + e * s->D;
            double dot = 0;
            for (int j = 0; j < s->D; j++) dot += x[j] * w[j];
            double cos = dot / norm(x, s->D) / norm(w, s->D);
            sum += s->u[t * s->E + e] * (sigmoid(tau * cos) - sigmoid(tau * (s->g[e] + s->offset)));
        }
    return sum;
}

static void check_slopes(struct surrogate *s, double *at, int n, const double *got,
                         const char *what, int number)
{
    const double eps = 1e-6;
    for (int i = 0; i < n; i++) {
        double x = at[i];
        at[i] = x + eps;
        double up = surrogate_value(s);
        at[i] = x - eps;
        double down = surrogate_value(s);
        at[i] = x;
        NEAR(got[i], (up - down) / (2 * eps), 1e-5, 1e-3, "case %d: %s[%d]", number, what, i);
    }
}

/* What a 0 or 1 is told, by the formulas of gates and losses: in dgate, balance and efficiency. */
static void find_u(struct surrogate *s, const double *dgate, const int32_t *mask,
                   const double weight[ROUTER_LOSSES], const double *cos, bool open)
{
    int T = s->T, E = s->E, served = 0, K[MOST] = {0};
    double mean[MOST] = {0};
    for (int t = 0; t < T; t++) {
        for (int e = 0; e < E; e++) K[t] += mask[t * E + e];
        served += K[t] > 0;
    }
    for (int e = 0; e < E; e++)
        for (int t = 0; t < T; t++) mean[e] += served ? (double)mask[t * E + e] / served : 0;
    for (int t = 0; t < T; t++)
        for (int e = 0; e < E; e++) {
            double u = dgate[t * E + e] / (K[t] ? K[t] : 1) + weight[EFFICIENCY] / (T * E);
            for (int i = 0; K[t] && i < E; i++)
                u += weight[BALANCE] * E / served * mean[i] *
                     ((i == e) - (double)mask[t * E + i] / K[t]) / K[t];
            bool fires = s->on[e] != 0 && cos[t * E + e] > s->g[e] + s->offset;
            if (fires) u += weight[COUNT] / T;
            s->u[t * E + e] = s->on[e] != 0 && (open || fires) ? u : 0;
        }
}

START_TEST(the_straight_through_gradient_is_that_of_the_scores_less_the_bars)
{
    static struct rig g;
    struct rng rng = rng_at(21, RNG_ROUTE, (uint32_t)_i);
    for (int number = 0; number < CASES; number++) {
        struct surrogate s = {.T = 1 + (int)rng_below(&rng, 5),
                              .D = 2 + (int)rng_below(&rng, 4),
                              .E = 2 + (int)rng_below(&rng, 5)};
        int TE = s.T * s.E, TD = s.T * s.D, ED = s.E * s.D;
        double dgate[MOST * MOST], weight[ROUTER_LOSSES] = {0}, cos[MOST * MOST];
        int32_t mask[MOST * MOST];
        char knobs[96];
        s.offset = round(40 * rng_uniform(&rng) - 20) / 100;
        snprintf(knobs, sizeof knobs, "tau=4 tau_trained=on straight_through=%s offset=%g%s",
                 _i ? "open" : "firing", s.offset, rng_below(&rng, 2) ? " fallback=on" : "");
        rig_open(&g, "ref", "dynmoe", knobs, s.T, s.D, s.E);
        rig_fill(&g, &rng);
        for (int e = 0; e < s.E; e++) s.on[e] = e == 0 || rng_below(&rng, 4) > 0;
        rig_write(&g, g.r.state[ACTIVE], s.on, (size_t)s.E);
        rig_random(&g, &rng, g.r.param[G], (size_t)s.E, .3);
        memcpy(s.x, rig_read(&g, g.r.x, (size_t)TD), (size_t)TD * sizeof *s.x);
        memcpy(s.w, rig_read(&g, g.r.param[W], (size_t)ED), (size_t)ED * sizeof *s.w);
        memcpy(s.g, rig_read(&g, g.r.param[G], (size_t)s.E), (size_t)s.E * sizeof *s.g);
        s.log_tau = *rig_read(&g, g.r.param[LOG_TAU], 1);
        for (int i = 0; i < TE; i++) dgate[i] = rng_normal(&rng);
        weight[BALANCE] = rng_uniform(&rng), weight[EFFICIENCY] = rng_uniform(&rng),
        weight[COUNT] = rng_uniform(&rng);
        route_forward(&g.r);
        rig_read_ints(&g, mask, g.r.mask, (size_t)TE);
        memcpy(cos, rig_read(&g, g.r.logits, (size_t)TE), (size_t)TE * sizeof *cos);
        find_u(&s, dgate, mask, weight, cos, _i);
        rig_write(&g, g.r.dgate, dgate, (size_t)TE);
        route_backward_by(&g.r, weight, true);
        check_slopes(&s, s.x, TD, rig_read(&g, g.r.dx, (size_t)TD), "x", number);
        check_slopes(&s, s.w, ED, rig_read(&g, g.r.dparam[W], (size_t)ED), "w", number);
        check_slopes(&s, s.g, s.E, rig_read(&g, g.r.dparam[G], (size_t)s.E), "g", number);
        check_slopes(&s, &s.log_tau, 1, rig_read(&g, g.r.dparam[LOG_TAU], 1), "log_tau", number);
        rig_close(&g);
    }
}
END_TEST

START_TEST(no_token_served_divides_by_nothing)
{
    static const double bars[4] = {2, 2, 2, 2};
    struct rig g;
    open_example(&g, rig_backends[_i], "", bars);
    route_forward(&g.r);
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[BALANCE], 1), 0, 0, 0, "balance");
    NEAR(*rig_read(&g, g.r.loss[EFFICIENCY], 1), 0, 0, 0, "efficiency");
    route_backward(&g.r, 1, true);
    for (int i = 0; i < 8; i++) ck_assert(isfinite(rig_read(&g, g.r.dparam[W], 8)[i]));
    rig_close(&g);
}
END_TEST

START_TEST(rows_without_length_and_orthonormal_directions_have_finite_gradients)
{
    static const double x[] = {0, 0, 0, 1, 2, 2}, w[] = {1, 0, 0, 0, 1, 0, 0, 0, 0};
    struct rig g;
    rig_open(&g, rig_backends[_i], "dynmoe", "aux=.1", 2, 3, 3);
    rig_write(&g, g.r.x, x, 6);
    rig_write(&g, g.r.param[W], w, 9);
    route_memory_repack(&g.r);
    route_forward(&g.r);
    for (int e = 0; e < 3; e++)
        ck_assert_double_eq(rig_read(&g, g.r.logits, 6)[e], 0); /* and 0 > 0 does not fire */
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, 3), 0);
    route_backward(&g.r, 1, true);
    for (int i = 0; i < 9; i++) ck_assert(isfinite(rig_read(&g, g.r.dparam[W], 9)[i]));
    for (int i = 0; i < 6; i++) ck_assert(isfinite(rig_read(&g, g.r.dx, 6)[i]));
    rig_close(&g);
}
END_TEST

/* ---- the fleet ---- */
static void set(struct rig *g, struct kn_buf to, double value)
{
    rig_write(g, to, &value, 1);
}

START_TEST(orphans_hire_the_lowest_free_place_and_point_it_at_themselves)
{
    static const double bars[4] = {.7, .5, .3, 1.5}, active[4] = {1, 0, 1, 1},
                        used[4] = {5, 0, 9, 2}, sum[2] = {0, 0};
    struct rig g;
    open_example(&g, rig_backends[_i], "tau=1 period=20", bars);
    rig_write(&g, g.r.state[ACTIVE], active, 4);
    rig_write(&g, g.r.state[USED], used, 4);
    rig_write(&g, g.r.state[ORPHAN_SUM], sum, 2);
    set(&g, g.r.state[CLOCK], 19);
    route_forward(&g.r); /* expert 1 is off, so nobody fires: the token (3, 4) is an orphan */
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, 4), 0);
    g.r.router->after_step(&g.r);
    ck_assert_double_eq(rig_read(&g, g.r.state[ACTIVE], 4)[1], 1);
    NEAR(rig_read(&g, g.r.param[W], 8)[2], .6, 1e-6, 0, "w of the hired place");
    NEAR(rig_read(&g, g.r.param[W], 8)[3], .8, 1e-6, 0, "w of the hired place");
    ck_assert_double_eq(rig_read(&g, g.r.param[G], 4)[1], 0);
    ck_assert_double_eq(rig_read(&g, g.r.param[G], 4)[0], *rig_read(&g, g.r.param[G], 1));
    ck_assert_double_eq(*rig_read(&g, g.r.state[HIRED], 1), 1);
    ck_assert_double_eq(*rig_read(&g, g.r.state[FIRED], 1), 0);
    ck_assert_double_eq(*rig_read(&g, g.r.state[ORPHANS], 1), 0);
    ck_assert_double_eq(*rig_read(&g, g.r.state[CLOCK], 1), 0);
    for (int e = 0; e < 4; e++) ck_assert_double_eq(rig_read(&g, g.r.state[USED], 4)[e], 0);
    route_memory_repack(&g.r);
    route_forward(&g.r);
    NEAR(rig_read(&g, g.r.logits, 4)[1], 1, 1e-6, 0, "cosine of the hired place");
    ck_assert_int_eq(rig_count_ints(&g, kn_part_ints(g.r.mask, 1), 1), 1);
    rig_close(&g);
}
END_TEST

START_TEST(who_was_never_used_is_fired_and_the_last_one_stays)
{
    static const double bars[4] = {0, 0, 0, 0}, never[4] = {2, 2, 2, 2}, ages[4] = {7, 3, 3, 9};
    struct rig g;
    open_example(&g, rig_backends[_i], "tau=1 period=20", bars);
    set(&g, g.r.state[CLOCK], 19);
    route_forward(&g.r); /* 0, 1 and 3 fire */
    g.r.router->after_step(&g.r);
    const double *on = rig_read(&g, g.r.state[ACTIVE], 4);
    ck_assert(on[0] == 1 && on[1] == 1 && on[2] == 0 && on[3] == 1);
    ck_assert_double_eq(*rig_read(&g, g.r.state[FIRED], 1), 1);

    rig_write(&g, g.r.param[G], never, 4);
    rig_write(&g, g.r.state[AGE], ages, 4);
    set(&g, g.r.state[CLOCK], 19);
    static const int32_t lost = 0;
    rig_write_ints(&g, &g.r.valid, &lost, 1); /* nobody fires, and there are no orphans either */
    route_forward(&g.r);
    rig_write_ints(&g, &g.r.valid, &lost, 1);
    g.r.router->after_step(&g.r);
    on = rig_read(&g, g.r.state[ACTIVE], 4);
    ck_assert_msg(on[0] == 0 && on[1] == 1 && on[2] == 0 && on[3] == 0, "the last used stays");
    ck_assert_double_eq(*rig_read(&g, g.r.state[FIRED], 1), 3);
    rig_close(&g);
}
END_TEST

START_TEST(the_first_half_of_a_period_is_idle_and_a_frozen_fleet_stands_still)
{
    static const double bars[4] = {.9, .9, .9, 1.2};
    struct rig g;
    open_example(&g, rig_backends[_i], "tau=1 period=20", bars);
    for (int step = 1; step <= 19; step++) {
        route_forward(&g.r);
        g.r.router->after_step(&g.r);
        ck_assert_double_eq(*rig_read(&g, g.r.state[ORPHANS], 1), step > 10 ? step - 10 : 0);
        ck_assert_double_eq(*rig_read(&g, g.r.state[CLOCK], 1), step);
    }
    NEAR(rig_read(&g, g.r.state[ORPHAN_SUM], 2)[1], 9 * 4, 1e-4, 0, "sum of orphans");
    g.knob[router_knob(g.r.router, "freeze_fleet")] = 1;
    for (int step = 0; step < 3; step++) g.r.router->after_step(&g.r);
    ck_assert_double_eq(*rig_read(&g, g.r.state[CLOCK], 1), 19);
    g.knob[router_knob(g.r.router, "freeze_fleet")] = 0;
    g.r.router->after_step(&g.r); /* all are fired but one, and the lowest free place is hired */
    const double *on = rig_read(&g, g.r.state[ACTIVE], 4);
    ck_assert(on[0] + on[1] + on[2] + on[3] == 2);
    rig_close(&g);
}
END_TEST

START_TEST(a_full_pool_hires_nobody)
{
    static const double bars[4] = {.9, .9, .9, 1.2}, used[4] = {1, 1, 1, 1};
    struct rig g;
    open_example(&g, rig_backends[_i], "tau=1 period=20", bars);
    rig_write(&g, g.r.state[USED], used, 4);
    set(&g, g.r.state[CLOCK], 19);
    route_forward(&g.r);
    g.r.router->after_step(&g.r);
    ck_assert_double_eq(*rig_read(&g, g.r.state[HIRED], 1), 0);
    ck_assert_double_eq(rig_read(&g, g.r.param[W], 8)[0], 1);
    rig_close(&g);
}
END_TEST

START_TEST(tokens_without_expert_learn_through_open_gates_and_are_blind_without)
{
    static const int32_t mask[4] = {0}, valid = 1;
    static const float gate[4] = {0};
    double knob[ROUTER_KNOBS] = {0};
    const struct router *r = router_find("dynmoe", NULL);
    struct route_host h = {.router = r,
                           .knob = knob,
                           .T = 1,
                           .E = 4,
                           .N = 4,
                           .mask = mask,
                           .valid = &valid,
                           .gate = gate};
    router_starts(r, 4, false, knob);
    ck_assert_double_eq(host_blind_share(&h), 0);
    knob[router_knob(r, "straight_through")] = 0;
    ck_assert_double_eq(host_blind_share(&h), 1);
}
END_TEST

SUITE(router_dynmoe)
{
    TCase *t = tcase_create("dynmoe");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_example_takes_its_experts_with_equal_shares, 0,
                        EXAMPLES * RIG_BACKENDS);
    tcase_add_loop_test(t, the_losses_of_the_example_are_the_worked_ones, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_slopes_of_the_example_are_the_worked_ones, 0, 2 * RIG_BACKENDS);
    tcase_add_loop_test(t, the_straight_through_gradient_is_that_of_the_scores_less_the_bars, 0, 2);
    tcase_add_loop_test(t, no_token_served_divides_by_nothing, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, rows_without_length_and_orthonormal_directions_have_finite_gradients, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, orphans_hire_the_lowest_free_place_and_point_it_at_themselves, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, who_was_never_used_is_fired_and_the_last_one_stays, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, the_first_half_of_a_period_is_idle_and_a_frozen_fleet_stands_still, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, a_full_pool_hires_nobody, 0, RIG_BACKENDS);
    tcase_add_test(t, tokens_without_expert_learn_through_open_gates_and_are_blind_without);
    suite_add_tcase(suite, t);
}
