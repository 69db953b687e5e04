/* What holds for every strategy in the table, whatever it is: gradients, accounting, broken rows,
 * parity of backends. A new strategy is tested here by being in the table. */
#include "core/balance/pressure.h"
#include "tests/core/router_rig.h"

/* ---- gradients ---- */
enum { CASES = 200, OUTPUTS = 1 + ROUTER_LOSSES };

static int loss_count(const struct router *r)
{
    int n = 0;
    while (n < ROUTER_LOSSES && r->losses[n].pressure) n++;
    return n;
}

static int param_size(const struct route *r, int i)
{
    return route_param_size(r, i);
}

/* out[0] = sum(gate * dgate), out[1 + i] = loss i, with the experts frozen. */
static void values(struct rig *g, const double *dgate, double out[OUTPUTS])
{
    struct route *r = &g->r;
    size_t n = (size_t)r->T * r->N;
    route_memory_repack(r);
    route_forward(r);
    route_losses(r);
    const double *gate = rig_read(g, r->gate, n);
    out[0] = 0;
    for (size_t i = 0; i < n; i++) out[0] += gate[i] * dgate[i];
    for (int i = 0; i < loss_count(r->router); i++) out[1 + i] = *rig_read(g, r->loss[i], 1);
}

/* Gradient of output `o` into dx, dparam (and dlogits). */
static void backward(struct rig *g, const double *dgate, int o)
{
    struct route *r = &g->r;
    double weight[ROUTER_LOSSES] = {0};
    if (o > 0) weight[o - 1] = 1;
    if (r->dx.at) kn_zero(g->be, r->dx, (size_t)r->T * r->D);
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        if (r->dparam[i].at) kn_zero(g->be, r->dparam[i], param_size(r, i));
    rig_write(g, r->dgate, dgate, (size_t)r->T * r->N);
    route_backward_by(r, weight, o == 0);
}

/* Gradients that no difference shows: their formulas are tested beside their strategy. */
static bool estimated(const struct route *r, int o)
{
    const struct router *router = r->router;
    return o ? pressure_of(router, o - 1)->estimated
             : router->estimated && router->estimated(r->knob);
}

/* Every number of `at` by central differences against the analytic gradients want[o]. */
static void compare(struct rig *g, struct kn_buf at, int n, const double *dgate,
                    double want[OUTPUTS][RIG_CELLS], const char *what, int number)
{
    const double eps = 1e-6;
    int outputs = 1 + loss_count(g->r.router);
    for (int i = 0; i < n; i++) {
        struct kn_buf cell = kn_part(g->be, at, i);
        double x = *rig_read(g, cell, 1), up[OUTPUTS], down[OUTPUTS], moved = x + eps;
        rig_write(g, cell, &moved, 1);
        values(g, dgate, up);
        moved = x - eps;
        rig_write(g, cell, &moved, 1);
        values(g, dgate, down);
        rig_write(g, cell, &x, 1);
        for (int o = 0; o < outputs; o++) {
            bool detached = o > 0 && g->r.router->side_detached && at.at == g->r.x.at &&
                            pressure_of(g->r.router, o - 1)->side;
            if (detached) continue; /* it teaches the side's own weights, never x */
            if (estimated(&g->r, o) || isnan(up[o])) continue; /* NaN: of weights, not there */
            NEAR(want[o][i], (up[o] - down[o]) / (2 * eps), 1e-5, 1e-3,
                 "%s, case %d: gradient of %s into %s[%d]", g->r.router->name, number,
                 o ? g->r.router->losses[o - 1].pressure : "the gates", what, i);
        }
    }
}

/* Takes a forward pass's experts as given for the passes to come. Capacity still drops some of
 * them. */
static void freeze_experts(struct rig *g)
{
    struct route *r = &g->r;
    size_t n = (size_t)r->T * r->N;
    int32_t mask[512];
    bool training = r->training;
    r->training = false;
    route_forward(r);
    r->training = training;
    rig_read_ints(g, mask, r->mask, n);
    rig_write_ints(g, &r->forced, mask, n);
}

/* What a race turns for a given number of experts is a knob of the strategy, and a number. */
START_TEST(knobs_to_steer_by_exist)
{
    const struct router *r = router_at(_i);
    for (int i = 0; i < 2 && r->steer[i].knob; i++) {
        int at = router_knob(r, r->steer[i].knob);
        ck_assert_msg(at >= 0, "%s has no knob '%s'", r->name, r->steer[i].knob);
        ck_assert(r->knobs[at].kind == OPTION_REAL || r->knobs[at].kind == OPTION_INT);
    }
    ck_assert_msg(r->steer[0].knob != NULL, "nothing steers %s", r->name);
}
END_TEST

START_TEST(gates_and_losses_have_the_gradients_that_differences_show)
{
    static struct rig g;
    static double want[2 + ROUTER_ARRAYS][OUTPUTS][RIG_CELLS];
    const struct router *router = router_at(_i);
    struct rng rng = rng_at(11, RNG_ROUTE, _i);
    if (!router->backward) return;
    for (int number = 0; number < CASES; number++) {
        int E = 2 + rng_below(&rng, 6), T = 1 + rng_below(&rng, 3), D = 1 + rng_below(&rng, 3);
        double knob[ROUTER_KNOBS], dgate[512], out[OUTPUTS];
        rig_random_knobs(router, &rng, E, knob);
        rig_open_with(&g, rig_backend("ref"), router, knob, T, D, E);
        rig_fill(&g, &rng);
        for (int i = 0; i < T * g.r.N; i++) dgate[i] = rng_normal(&rng);
        freeze_experts(&g);
        values(&g, dgate, out);
        for (int o = 0; o <= loss_count(router); o++) {
            backward(&g, dgate, o);
            memcpy(want[0][o], rig_read(&g, g.r.dx, T * D), T * D * sizeof(double));
            for (int p = 0; p < ROUTER_ARRAYS && g.r.router->params[p].name; p++) {
                int n = param_size(&g.r, p);
                memcpy(want[1 + p][o], rig_read(&g, g.r.dparam[p], n), n * sizeof(double));
            }
        }
        compare(&g, g.r.x, T * D, dgate, want[0], "x", number);
        for (int p = 0; p < ROUTER_ARRAYS && g.r.router->params[p].name; p++)
            compare(&g, g.r.param[p], param_size(&g.r, p), dgate, want[1 + p],
                    router->params[p].name, number);
        rig_close(&g);
    }
}
END_TEST

START_TEST(given_logits_have_their_gradient_too)
{
    static struct rig g;
    static double want[OUTPUTS][RIG_CELLS];
    const struct router *router = router_at(_i);
    struct rng rng = rng_at(12, RNG_ROUTE, _i);
    if (!router->backward) return;
    for (int number = 0; number < CASES; number++) {
        int E = 2 + rng_below(&rng, 6), T = 1 + rng_below(&rng, 4);
        double knob[ROUTER_KNOBS], dgate[512], out[OUTPUTS];
        rig_random_knobs(router, &rng, E, knob);
        rig_open_with(&g, rig_backend("ref"), router, knob, T, 0, E);
        int n = T * g.r.N;
        rig_fill(&g, &rng);
        for (int i = 0; i < n; i++) dgate[i] = rng_normal(&rng);
        freeze_experts(&g);
        values(&g, dgate, out);
        for (int o = 0; o <= loss_count(router); o++) {
            backward(&g, dgate, o);
            memcpy(want[o], rig_read(&g, g.r.dlogits, n), n * sizeof(double));
        }
        compare(&g, g.r.logits, n, dgate, want, "logits", number);
        rig_close(&g);
    }
}
END_TEST

START_TEST(gradients_of_parameters_and_x_add_to_what_is_there)
{
    static struct rig g;
    struct rng rng = rng_at(13, RNG_ROUTE, _i);
    double knob[ROUTER_KNOBS] = {0}, once[64], dx[64];
    const struct router *router = router_at(_i);
    if (!router->backward) return;
    router_starts(router, 6, false, knob);
    rig_open_with(&g, rig_backend("ref"), router, knob, 4, 3, 6);
    int n = param_size(&g.r, 0);
    rig_fill(&g, &rng);
    rig_random(&g, &rng, g.r.dgate, (size_t)4 * g.r.N, 1);
    route_forward(&g.r);
    route_backward(&g.r, .5, true);
    memcpy(once, rig_read(&g, g.r.dparam[0], n), n * sizeof *once);
    memcpy(dx, rig_read(&g, g.r.dx, 12), sizeof *dx * 12);
    route_backward(&g.r, .5, true);
    for (int i = 0; i < n; i++)
        NEAR(rig_read(&g, g.r.dparam[0], n)[i], 2 * once[i], 1e-12, 0, "%s: dw[%d]", router->name,
             i);
    for (int i = 0; i < 12; i++)
        NEAR(rig_read(&g, g.r.dx, 12)[i], 2 * dx[i], 1e-12, 0, "%s: dx[%d]", router->name, i);
    rig_close(&g);
}
END_TEST

/* ---- accounting ---- */
enum { SHAPES = 50, ROUNDS = 200 };

/* Picks of a route by column as the dispatcher counts them: experts into [0], slots into [1]. */
static void dispatched(struct rig *g, struct kn_plan *plan, int sum[2])
{
    int32_t count[COLUMNS_MAX];
    sum[0] = sum[1] = 0;
    kn_plan(g->be, plan, g->r.mask, g->r.T);
    rig_read_ints(g, count, plan->count, g->r.N);
    for (int j = 0; j < g->r.N; j++) sum[j >= g->r.E] += count[j];
}

START_TEST(picks_are_expert_counts_and_slot_picks_and_dropped_pairs)
{
    static struct rig g;
    const struct router *router = router_at(_i / RIG_BACKENDS);
    const char *backend = rig_backends[_i % RIG_BACKENDS];
    struct rng rng = rng_at(14, RNG_ROUTE, _i / RIG_BACKENDS);
    long dropped = 0;
    for (int shape = 0; shape < SHAPES; shape++) {
        int E = 1 + rng_below(&rng, 12), T = 1 + rng_below(&rng, 8), sum[2];
        double knob[ROUTER_KNOBS];
        struct kn_plan plan;
        rig_random_knobs(router, &rng, E, knob);
        int limit = router_knob(router, "capacity"), decode = router_knob(router, "decode");
        if (decode >= 0) knob[decode] = 1; /* in use, counts are drawn as in training */
        if (limit >= 0 && shape % 2) knob[limit] = .5 + rng_uniform(&rng);
        rig_open_with(&g, rig_backend(backend), router, knob, T, 0, E);
        size_t n = (size_t)T * g.r.N;
        ck_assert(kn_plan_open(g.be, &plan, T, E, g.r.N));
        for (int round = 0; round < ROUNDS; round++) {
            rig_random(&g, &rng, g.r.logits, n, 2);
            double room = limit >= 0 ? g.knob[limit] : 0;
            if (limit >= 0) g.knob[limit] = 0;
            route_forward(&g.r);
            int picks = rig_count_ints(&g, g.r.mask, n);
            ck_assert_int_eq(rig_count_ints(&g, g.r.dropped, 1), 0);
            if (limit >= 0) g.knob[limit] = room;
            route_forward(&g.r);
            int gone = rig_count_ints(&g, g.r.dropped, 1);
            dispatched(&g, &plan, sum);
            ck_assert_msg(picks == sum[0] + sum[1] + gone,
                          "%s on %s: %d picks, but %d + %d dispatched and %d dropped", router->name,
                          backend, picks, sum[0], sum[1], gone);
            dropped += gone;
        }
        kn_plan_close(g.be, &plan);
        rig_close(&g);
    }
    ck_assert(router_knob(router, "capacity") < 0 || dropped > 0);
}
END_TEST

START_TEST(what_is_not_taken_has_no_gate_and_gates_are_finite)
{
    static struct rig g;
    const struct router *router = router_at(_i / RIG_BACKENDS);
    struct rng rng = rng_at(15, RNG_ROUTE, _i / RIG_BACKENDS);
    for (int round = 0; round < 200; round++) {
        int E = 1 + rng_below(&rng, 10);
        double knob[ROUTER_KNOBS];
        int32_t mask[512];
        rig_random_knobs(router, &rng, E, knob);
        rig_open_with(&g, rig_backend(rig_backends[_i % RIG_BACKENDS]), router, knob, 6, 0, E);
        int n = 6 * g.r.N;
        rig_random(&g, &rng, g.r.logits, n, pow(10, 3 * rng_uniform(&rng)));
        route_forward(&g.r);
        rig_read_ints(&g, mask, g.r.mask, n);
        const double *gate = rig_read(&g, g.r.gate, n);
        for (int i = 0; i < n; i++) {
            ck_assert(isfinite(gate[i]));
            ck_assert(mask[i] == 0 || mask[i] == 1);
            ck_assert(mask[i] || gate[i] == 0);
        }
        rig_close(&g);
    }
}
END_TEST

/* ---- rows that are not finite, and padding ---- */
START_TEST(a_broken_row_gets_nothing_and_disturbs_no_other)
{
    static struct rig g, clean;
    static const double poison[] = {NAN, INFINITY, -INFINITY};
    const struct router *router = router_at(_i / RIG_BACKENDS);
    struct kn_backend *be = rig_backend(rig_backends[_i % RIG_BACKENDS]);
    struct rng rng = rng_at(16, RNG_ROUTE, _i / RIG_BACKENDS);
    double knob[ROUTER_KNOBS] = {0};
    int32_t padding[5] = {1, 1, 1, 0, 1}, mask[5 * COLUMNS_MAX];
    router_starts(router, 8, false, knob);
    rig_open_with(&g, be, router, knob, 5, 0, 8);
    rig_open_with(&clean, be, router, knob, 3, 0, 8);
    int N = g.r.N;
    rig_random(&g, &rng, g.r.logits, 5 * N, 1);
    kn_copy(be, clean.r.logits, g.r.logits, 2 * N);
    kn_copy(be, kn_part(be, clean.r.logits, 2 * N), kn_part(be, g.r.logits, 4 * N), N);
    for (int i = 0; i < 3; i++)
        rig_write(&g, kn_part(be, g.r.logits, 2 * N + 2 * i), &poison[i], 1);
    rig_write(&g, kn_part(be, g.r.logits, 3 * N), &poison[0], 1);
    rig_write_ints(&g, &g.r.padding, padding, 5);
    for (int t = 0; router->learn && t < 5; t++) mask[t] = 3; /* draws go by a token's place */
    if (router->learn) rig_write_ints(&g, &g.r.counts, mask, 5);
    if (router->learn) rig_write_ints(&clean, &clean.r.counts, mask, 3);
    rig_random(&g, &rng, g.r.dgate, 5 * N, 1);

    route_forward(&g.r);
    route_losses(&g.r);
    route_backward(&g.r, 1, true);
    route_forward(&clean.r);
    route_losses(&clean.r);
    ck_assert_int_eq(rig_count_ints(&g, g.r.bad, 1), 1); /* padding is not counted */
    ck_assert_int_eq(rig_count_ints(&g, g.r.valid, 5), 3);
    rig_read_ints(&g, mask, g.r.mask, 5 * N);
    const double *gate = rig_read(&g, g.r.gate, 5 * N);
    for (int i = 2 * N; i < 4 * N; i++) ck_assert(mask[i] == 0 && gate[i] == 0);
    const double *dlogits = rig_read(&g, g.r.dlogits, 5 * N);
    for (int i = 0; i < 5 * N; i++) ck_assert(isfinite(dlogits[i]));
    for (int i = 2 * N; i < 4 * N; i++) ck_assert(dlogits[i] == 0);
    gate = rig_read(&clean, clean.r.gate, 3 * N);
    for (int i = 0; i < 2 * N; i++) ck_assert_double_eq(gate[i], rig_read(&g, g.r.gate, 5 * N)[i]);
    for (int i = 0; i < loss_count(router); i++) {
        double want = *rig_read(&clean, clean.r.loss[i], 1);
        if (isnan(want)) continue; /* of weights: there are none */
        if (pressure_of(router, i)->needs & NEEDS_SEQUENCES)
            continue; /* without the row, others are neighbours */
        NEAR(*rig_read(&g, g.r.loss[i], 1), want, 1e-6, 1e-6, "%s: loss %s", router->name,
             router->losses[i].pressure);
    }
    route_memory_close(&clean.r);
    rig_close(&g);
}
END_TEST

START_TEST(no_tokens_are_routed_without_complaint)
{
    static struct rig g;
    const struct router *router = router_at(_i / RIG_BACKENDS);
    double knob[ROUTER_KNOBS] = {0};
    router_starts(router, 8, false, knob);
    rig_open_with(&g, rig_backend(rig_backends[_i % RIG_BACKENDS]), router, knob, 0, 0, 8);
    route_forward(&g.r);
    route_losses(&g.r);
    route_backward(&g.r, 1, true);
    for (int i = 0; i < loss_count(router); i++) {
        double value = *rig_read(&g, g.r.loss[i], 1);
        ck_assert_msg(value == 0 || isnan(value), "loss %d of no tokens is %g", i, value);
    }
    rig_close(&g);
}
END_TEST

/* ---- float32 against float64 ---- */
START_TEST(cpu_takes_the_same_experts_as_ref_and_gates_agree)
{
    enum { T = 120, E = 8 };
    static struct rig g[RIG_BACKENDS];
    static int32_t mask[RIG_BACKENDS][RIG_CELLS];
    const struct router *router = router_at(_i);
    double knob[ROUTER_KNOBS] = {0};
    router_starts(router, E, false, knob);
    for (int b = 0; b < RIG_BACKENDS; b++) {
        struct rng rng = rng_at(17, RNG_ROUTE, _i);
        rig_open_with(&g[b], rig_backend(rig_backends[b]), router, knob, T, 0, E);
        rig_fill(&g[b], &rng);
        route_forward(&g[b].r);
        rig_read_ints(&g[b], mask[b], g[b].r.mask, (size_t)g[b].r.T * g[b].r.N);
    }
    int N = g[0].r.N, other = 0;
    const double *want = rig_read(&g[0], g[0].r.gate, (size_t)g[0].r.T * N),
                 *got = rig_read(&g[1], g[1].r.gate, (size_t)g[0].r.T * N);
    for (int t = 0; t < g[0].r.T; t++) {
        if (memcmp(mask[0] + t * N, mask[1] + t * N, N * sizeof **mask) != 0) {
            other++; /* the margin was below float32 */
            continue;
        }
        for (int i = t * N; i < (t + 1) * N; i++)
            NEAR(got[i], want[i], 1e-6, 1e-5, "%s: gate %d of token %d", router->name, i - t * N,
                 t);
    }
    ck_assert_int_le(other, 1);
    for (int b = 0; b < RIG_BACKENDS; b++) rig_close(&g[b]);
}
END_TEST

/* ---- the table ---- */
START_TEST(every_strategy_is_whole_and_its_start_and_paper_knobs_are_in_range)
{
    const struct router *r = router_at(_i);
    struct err e = {0};
    double knob[ROUTER_KNOBS] = {0};
    ck_assert_ptr_eq(router_find(r->name, &e), r);
    ck_assert(r->title && r->paper && r->rule && r->formula && r->select && r->weigh &&
              r->backward);
    ck_assert(r->softmax || r->score);
    ck_assert_str_eq(r->params[0].name, "w");
    for (int E = 2; E <= EXPERTS_MAX; E *= 2)
        for (int paper = 0; paper < 2; paper++) {
            router_starts(r, E, paper, knob);
            ck_assert_msg(router_check(r, knob, E, &e), "%s", e.text);
        }
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++) {
        ck_assert_ptr_nonnull(r->knobs[i].help);
        ck_assert_int_eq(router_knob(r, r->knobs[i].name), i);
    }
    for (int i = 0; i < loss_count(r); i++) {
        ck_assert_ptr_nonnull(pressure_of(r, i));
        ck_assert(!r->losses[i].knob || router_knob(r, r->losses[i].knob) >= 0);
    }
    for (int i = 0; i < ROUTER_LOSSES; i++) {
        bool found = !r->losses[i].state;
        for (int k = 0; !found && k < ROUTER_ARRAYS && r->state[k].name; k++)
            found =
                strcmp(r->losses[i].state, r->state[k].name) == 0 && r->state[k].shape[0] == DIM_1;
        ck_assert_msg(found, "%s has no state %s", r->name, r->losses[i].state);
    }
    for (int i = 0; i < ROUTER_METRICS && r->metrics[i].name; i++)
        ck_assert(r->metrics[i].help && r->measure);
}
END_TEST

START_TEST(knobs_out_of_range_and_unknown_names_are_refused_with_advice)
{
    static const struct {
        const char *strategy, *knob;
        double value;
        const char *say;
    } cases[] = {
        {"topk", "k", 9, "from 1 to 8"},
        {"topk", "k", 0, "from 1 to 8"},
        {"topk", "k", 1.5, "whole"},
        {"topk", "k", NAN, "k is"},
        {"topk", "capacity", .2, "from 0.5"},
        {"topk", "aux", -1, "from 0 to 1"},
        {"topk", "drop", 2, "gates, position"},
        {"topp", "p", 1.01, "from 0 to 1"},
        {"topp", "p", -.01, "from 0 to 1"},
        {"topp", "temperature", 0, "from 0.25 to 4"},
        {"topp", "renormalise", .5, "on or off"},
    };
    struct err e = {0};
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        double knob[ROUTER_KNOBS] = {0};
        const struct router *r = router_find(cases[i].strategy, &e);
        router_starts(r, 8, false, knob);
        knob[router_knob(r, cases[i].knob)] = cases[i].value;
        ck_assert_msg(!router_check(r, knob, 8, &e), "%s=%g", cases[i].knob, cases[i].value);
        ck_assert_msg(strstr(e.text, cases[i].say) && strstr(e.text, cases[i].knob), "%s", e.text);
        ck_assert_int_eq(e.code, ERR_USAGE);
    }
    ck_assert_ptr_null(router_find("topkk", &e));
    ck_assert_msg(strstr(e.text, "did you mean topk?"), "%s", e.text);
    ck_assert_ptr_null(router_find("elephant", &e));
    ck_assert_msg(strstr(e.text, "topk, topp"), "%s", e.text);
    ck_assert_ptr_null(router_at(router_count()));
    ck_assert_ptr_null(router_at(-1));
    ck_assert_int_eq(router_knob(router_at(0), "nothing"), -1);
}
END_TEST

START_TEST(a_router_that_cannot_learn_from_its_task_is_allowed_and_warned_of)
{
    const struct router *r = router_find("topk", NULL);
    struct err e = {0};
    double knob[ROUTER_KNOBS] = {0};
    router_starts(r, 8, false, knob);
    ck_assert(router_check(r, knob, 8, &e));
    ck_assert_str_eq(e.text, "");
    knob[router_knob(r, "k")] = 1;
    ck_assert(router_check(r, knob, 8, &e));
    ck_assert_int_eq(e.code, ERR_NONE);
    ck_assert_ptr_nonnull(strstr(e.text, "aux alone"));
    knob[router_knob(r, "renormalise")] = 0;
    ck_assert(router_check(r, knob, 8, &e));
    ck_assert_str_eq(e.text, "");
}
END_TEST

SUITE(router_table)
{
    TCase *t = tcase_create("table");
    int n = router_count(), all = n * RIG_BACKENDS;
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, knobs_to_steer_by_exist, 0, router_count());
    tcase_add_loop_test(t, gates_and_losses_have_the_gradients_that_differences_show, 0, n);
    tcase_add_loop_test(t, given_logits_have_their_gradient_too, 0, n);
    tcase_add_loop_test(t, gradients_of_parameters_and_x_add_to_what_is_there, 0, n);
    tcase_add_loop_test(t, picks_are_expert_counts_and_slot_picks_and_dropped_pairs, 0, all);
    tcase_add_loop_test(t, what_is_not_taken_has_no_gate_and_gates_are_finite, 0, all);
    tcase_add_loop_test(t, a_broken_row_gets_nothing_and_disturbs_no_other, 0, all);
    tcase_add_loop_test(t, no_tokens_are_routed_without_complaint, 0, all);
    tcase_add_loop_test(t, cpu_takes_the_same_experts_as_ref_and_gates_agree, 0, n);
    tcase_add_loop_test(t, every_strategy_is_whole_and_its_start_and_paper_knobs_are_in_range, 0,
                        n);
    tcase_add_test(t, knobs_out_of_range_and_unknown_names_are_refused_with_advice);
    tcase_add_test(t, a_router_that_cannot_learn_from_its_task_is_allowed_and_warned_of);
    suite_add_tcase(suite, t);
}
