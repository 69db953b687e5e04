/* The edges that every page of a strategy names, for the whole table and thousands of rows: ties,
 * tokens that only slots want, p at 0 and 1, tau at its ends, and what a step that is not finite
 * leaves alone. */
#include "tests/core/model_rig.h"
#include "tests/core/router_rig.h"

enum { T = 100, E = 8, ROUNDS = 100 }; /* 10,000 rows */

static void open_start(struct rig *g, const struct router *router, int backend)
{
    double knob[ROUTER_KNOBS] = {0};
    router_starts(router, E, false, knob);
    rig_open_with(g, rig_backend(rig_backends[backend]), router, knob, T, 0, E);
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* ---- ties ---- */
/* Logits of -1, 0 and 1: equals everywhere. What is equal is taken from the lower column on, where
 * thresholds decide and not an order, all of it or nothing; experts that choose take the lower
 * token. */
START_TEST(of_equal_scores_the_lower_column_is_taken_first)
{
    static struct rig g;
    static double order[T * COLUMNS_MAX];
    static int32_t mask[T * COLUMNS_MAX];
    const struct router *router = router_at(_i / RIG_BACKENDS);
    struct rng rng = rng_at(31, RNG_ROUTE, (uint32_t)_i);
    bool columns = !(router->needs & SEES_FUTURE);
    int ties = 0;
    open_start(&g, router, _i % RIG_BACKENDS);
    int N = g.r.N;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < T * N; i++) order[i] = (int)rng_below(&rng, 3) - 1;
        rig_write(&g, g.r.logits, order, (size_t)T * N);
        route_forward(&g.r);
        kn_read(g.be, order, columns ? route_order(&g.r) : g.r.score, (size_t)T * N);
        rig_read_ints(&g, mask, g.r.mask, (size_t)T * N);
        int lines = columns ? T : N, cells = columns ? N : T;
        for (int l = 0; l < lines; l++)
            for (int b = 1; b < cells; b++)
                for (int a = 0; a < b; a++) {
                    int at = columns ? l * N + b : b * N + l, low = columns ? l * N + a : a * N + l;
                    if (order[at] != order[low]) continue;
                    ck_assert_msg(mask[low] >= mask[at], "%s on %s: %d is taken, its equal %d not",
                                  router->name, rig_backends[_i % RIG_BACKENDS], at, low);
                    if (!router->ordered && columns) ck_assert_int_eq(mask[low], mask[at]);
                    ties += mask[low] != mask[at];
                }
    }
    if (router->ordered && !router->learn) ck_assert_int_gt(ties, 0);
    rig_close(&g);
}
END_TEST

/* ---- slots alone ---- */
/* Slots far ahead of all experts, and as many of them as a token takes: no expert, and everything
 * stays finite on the way there and back. */
START_TEST(tokens_that_only_slots_want_have_no_expert_and_finite_gradients)
{
    static struct rig g;
    const struct router *router = router_at(_i / RIG_BACKENDS);
    struct rng rng = rng_at(32, RNG_ROUTE, (uint32_t)_i);
    if (!router->slots) return;
    open_start(&g, router, _i % RIG_BACKENDS);
    int N = g.r.N, k = router_knob(router, "k");
    ck_assert(k < 0 || g.knob[k] <= g.r.S);
    size_t cells = (size_t)T * N;
    static double logits[T * COLUMNS_MAX];
    static int32_t mask[T * COLUMNS_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < cells; i++)
            logits[i] = rng_normal(&rng) + ((int)(i % N) >= E ? 300 : 0);
        rig_write(&g, g.r.logits, logits, cells);
        rig_random(&g, &rng, g.r.dgate, cells, 1);
        route_forward(&g.r);
        route_losses(&g.r);
        route_backward(&g.r, 1, true);
        rig_read_ints(&g, mask, g.r.mask, cells);
        for (int t = 0; t < T; t++) {
            int experts = 0, slots = 0;
            for (int j = 0; j < N; j++) *(j < E ? &experts : &slots) += mask[t * N + j];
            ck_assert_msg(experts == 0 && slots > 0, "%s: token %d has %d experts and %d slots",
                          router->name, t, experts, slots);
        }
        ck_assert(all_finite(rig_read(&g, g.r.gate, cells), cells));
        ck_assert(all_finite(rig_read(&g, g.r.dlogits, cells), cells));
        for (int i = 0; i < ROUTER_LOSSES && router->losses[i].pressure; i++)
            ck_assert(isfinite(*rig_read(&g, g.r.loss[i], 1)));
    }
    rig_close(&g);
}
END_TEST

/* ---- p ---- */
START_TEST(p_1_takes_every_column_and_p_0_the_best_one)
{
    static const char *const names[] = {"topp", "unimoe"};
    static struct rig g;
    static int32_t mask[T * COLUMNS_MAX];
    int backend = _i % RIG_BACKENDS;
    bool all = _i / RIG_BACKENDS % 2;
    const char *name = names[_i / RIG_BACKENDS / 2];
    struct rng rng = rng_at(33, RNG_ROUTE, (uint32_t)_i);
    rig_open(&g, rig_backends[backend], name, all ? "p=1" : "p=0", T, 0, E);
    int N = g.r.N;
    for (int round = 0; round < ROUNDS; round++) {
        rig_random(&g, &rng, g.r.logits, (size_t)T * N, pow(10, 3 * rng_uniform(&rng) - 1));
        route_forward(&g.r);
        rig_read_ints(&g, mask, g.r.mask, (size_t)T * N);
        const double *logits = rig_read(&g, g.r.logits, (size_t)T * N);
        for (int t = 0; t < T; t++) {
            int picks = 0, best = 0;
            for (int j = 0; j < N; j++) {
                picks += mask[t * N + j];
                if (logits[t * N + j] > logits[t * N + best]) best = j;
            }
            ck_assert_msg(picks == (all ? N : 1), "%s, p=%d: %d picks", name, all, picks);
            ck_assert(mask[t * N + best]);
        }
    }
    rig_close(&g);
}
END_TEST

/* ---- tau ---- */
/* What a slot's load weighs, from next to nothing to double: aux is the page's sum at each. */
START_TEST(moepp_weighs_its_slots_by_tau_at_both_ends)
{
    static const char *const knobs[] = {"tau=.01 entropy_price=0", "tau=.75", "tau=2"};
    static const double tau[] = {.01, .75, 2};
    static struct rig g;
    static int32_t mask[T * COLUMNS_MAX];
    struct rng rng = rng_at(34, RNG_ROUTE, (uint32_t)_i);
    rig_open(&g, "ref", "moepp", knobs[_i], T, 0, E);
    int N = g.r.N, aux = 0;
    while (strcmp(g.r.router->losses[aux].pressure, "aux") != 0) aux++;
    for (int round = 0; round < ROUNDS; round++) {
        double want = 0;
        rig_random(&g, &rng, g.r.logits, (size_t)T * N, 2);
        rig_random(&g, &rng, g.r.dgate, (size_t)T * N, 1);
        route_forward(&g.r);
        route_losses(&g.r);
        route_backward(&g.r, 1, true);
        rig_read_ints(&g, mask, g.r.mask, (size_t)T * N);
        const double *prob = rig_read(&g, g.r.prob, (size_t)T * N);
        for (int j = 0; j < N; j++) {
            double f = 0, p = 0;
            for (int t = 0; t < T; t++) f += mask[t * N + j], p += prob[t * N + j];
            want += (j < E ? 1 : tau[_i]) * f / T * p / T;
        }
        NEAR(*rig_read(&g, g.r.loss[aux], 1), want, 1e-12, 1e-12, "aux at tau %g", tau[_i]);
        ck_assert(all_finite(rig_read(&g, g.r.dlogits, (size_t)T * N), (size_t)T * N));
    }
    rig_close(&g);
}
END_TEST

/* Steepness moves gradients and not the choice; at its limit they are finite. */
START_TEST(dynmoe_fires_alike_at_every_tau)
{
    static struct rig soft, steep;
    static int32_t mask[2][T * E];
    struct rng rng = rng_at(35, RNG_ROUTE, 0);
    rig_open(&soft, "ref", "dynmoe", "tau=.5", T, 0, E);
    rig_open(&steep, "ref", "dynmoe", "tau=100", T, 0, E);
    for (int round = 0; round < ROUNDS; round++) {
        struct rig *both[] = {&soft, &steep};
        double cosine[T * E];
        for (int i = 0; i < T * E; i++) cosine[i] = 2 * rng_uniform(&rng) - 1;
        for (int k = 0; k < 2; k++) {
            struct rig *g = both[k];
            rig_write(g, g->r.logits, cosine, T * E);
            rig_random(g, &rng, g->r.dgate, T * E, 1);
            route_forward(&g->r);
            route_losses(&g->r);
            route_backward(&g->r, 1, true);
            rig_read_ints(g, mask[k], g->r.mask, T * E);
            ck_assert(all_finite(rig_read(g, g->r.dlogits, T * E), T * E));
        }
        ck_assert_int_eq(memcmp(mask[0], mask[1], sizeof mask[0]), 0);
        for (int i = 0; i < T * E; i++) ck_assert_int_eq(mask[0][i], cosine[i] > 0);
    }
    rig_close(&soft), rig_close(&steep);
}
END_TEST

/* ---- a step that is not finite ---- */
static double *states(struct trainer *t, size_t *n)
{
    static double all[4096];
    *n = 0;
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
            int size = router_array_size(&r->router->state[i], r->E, r->S, r->D);
            ck_assert_uint_le(*n + (size_t)size, 4096);
            kn_read(t->be, all + *n, r->state[i], (size_t)size);
            *n += (size_t)size;
        }
    }
    return all;
}

/* One bad number in the router: its tokens get no expert, are counted, and neither weights nor the
 * strategy's state move; without it the run goes on. */
START_TEST(a_step_that_is_not_finite_moves_no_state)
{
    static struct snapshot s;
    static double before[4096];
    const struct router *router = router_at(_i);
    struct config c = rig_config("orders", router->name, "cpu", "layers=2", "batch=32", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    struct kn_buf w = t->model->layer[1].moe.route.param[0];
    double good, bad = NAN;
    size_t n, weights;
    kn_read(t->be, &good, w, 1);
    memcpy(before, states(t, &n), sizeof before);
    double *old = model_rig_read(t, t->model->params.w, &weights);
    kn_write(t->be, w, &bad, 1);
    model_repack(t->model);
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    ck_assert_int_eq((int)t->skipped, 1);
    ck_assert_msg(s.nonfinite_tokens == 32, "%s: %g tokens", router->name, s.nonfinite_tokens);
    ck_assert_msg(memcmp(before, states(t, &n), n * sizeof *before) == 0, "%s: its state moved",
                  router->name);
    kn_write(t->be, w, &good, 1);
    model_repack(t->model);
    double *now = model_rig_read(t, t->model->params.w, &weights);
    ck_assert(memcmp(old, now, weights * sizeof *old) == 0);
    free(old), free(now);
    rig_steps(t, 3);
    trainer_measure(t, &s, false);
    ck_assert(isfinite(s.loss));
    ck_assert_int_eq((int)t->skipped, 1);
    trainer_close(t);
}
END_TEST

SUITE(router_edges)
{
    TCase *t = tcase_create("edges");
    int n = router_count();
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, of_equal_scores_the_lower_column_is_taken_first, 0, n * RIG_BACKENDS);
    tcase_add_loop_test(t, tokens_that_only_slots_want_have_no_expert_and_finite_gradients, 0,
                        n * RIG_BACKENDS);
    tcase_add_loop_test(t, p_1_takes_every_column_and_p_0_the_best_one, 0, 4 * RIG_BACKENDS);
    tcase_add_loop_test(t, moepp_weighs_its_slots_by_tau_at_both_ends, 0, 3);
    tcase_add_test(t, dynmoe_fires_alike_at_every_tau);
    tcase_add_loop_test(t, a_step_that_is_not_finite_moves_no_state, 0, n);
    suite_add_tcase(suite, t);
}
