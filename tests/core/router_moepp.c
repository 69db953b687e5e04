/* What moepp has beside picks and gates: logits of the layer before, a hidden router, room by kind
 * of column, slots that speak. */
#include "tests/core/router_rig.h"

enum { T = 3, D = 2, E = 3, W_PREV = 1 };

/* A layer that is not the first, with random logits before it. */
static void open_later(struct rig *g, const char *knobs, uint64_t index)
{
    struct rng rng = rng_at(41, RNG_ROUTE, index);
    struct rig first;
    rig_open(&first, "ref", "moepp", knobs, T, D, E);
    memset(g, 0, sizeof *g);
    g->be = first.be;
    memcpy(g->knob, first.knob, sizeof g->knob);
    g->r = (struct route){.be = g->be,
                          .router = first.r.router,
                          .knob = g->knob,
                          .T = T,
                          .D = D,
                          .E = E,
                          .S = first.r.S,
                          .N = first.r.N,
                          .layer = 1,
                          .layers = 2,
                          .training = true};
    struct kn_backend *be = first.be;
    route_memory_close(&first.r);
    g->be = g->r.be = be;
    ck_assert(route_memory_open(&g->r));
    size_t n = (size_t)T * g->r.N;
    g->r.prev = kn_alloc(be, n), g->r.dprev = kn_alloc(be, n);
    rig_fill(g, &rng);
    rig_random(g, &rng, g->r.prev, n, 1);
    rig_random(g, &rng, g->r.dgate, n, 1);
}

static double value(struct rig *g)
{
    size_t n = (size_t)T * g->r.N;
    double dgate[64], sum = 0;
    memcpy(dgate, rig_read(g, g->r.dgate, n), n * sizeof *dgate);
    route_memory_repack(&g->r);
    route_forward(&g->r);
    const double *gate = rig_read(g, g->r.gate, n);
    for (size_t i = 0; i < n; i++) sum += gate[i] * dgate[i];
    return sum;
}

static void compare(struct rig *g, struct kn_buf at, const double *want, int n, const char *what)
{
    const double eps = 1e-6;
    for (int i = 0; i < n; i++) {
        struct kn_buf cell = kn_part(g->be, at, i);
        double x = *rig_read(g, cell, 1), moved = x + eps;
        rig_write(g, cell, &moved, 1);
        double up = value(g);
        moved = x - eps;
        rig_write(g, cell, &moved, 1);
        double down = value(g);
        rig_write(g, cell, &x, 1);
        NEAR(want[i], (up - down) / (2 * eps), 1e-7, 1e-4, "gradient of %s[%d]", what, i);
    }
}

static const char *const variants[] = {"k=3", "k=3 gates=released zeros=2", "k=3 gates=mixtral",
                                       "k=3 router=mlp", "k=3 standardise=on constants=0"};

START_TEST(logits_of_the_layer_before_and_their_matrix_have_their_gradient)
{
    static struct rig g;
    for (int number = 0; number < 40; number++) {
        static double prev[64], w[256];
        int32_t mask[64];
        open_later(&g, variants[_i], 100 * _i + number);
        int N = g.r.N;
        value(&g);
        rig_read_ints(&g, mask, g.r.mask, T * N);
        rig_write_ints(&g, &g.r.forced, mask, T * N);
        route_backward_by(&g.r, NULL, true);
        memcpy(prev, rig_read(&g, g.r.dprev, T * N), T * N * sizeof *prev);
        memcpy(w, rig_read(&g, g.r.dparam[W_PREV], N * N), N * N * sizeof *w);
        compare(&g, g.r.prev, prev, T * N, "prev_logits");
        compare(&g, g.r.param[W_PREV], w, N * N, "w_prev");
        rig_close(&g);
    }
}
END_TEST

START_TEST(residual_off_forgets_the_layer_before_and_detach_only_its_gradient)
{
    static struct rig with, without, detached;
    open_later(&with, "k=3", 7), open_later(&without, "k=3 residual=off", 7),
        open_later(&detached, "k=3 detach=on", 7);
    int n = T * with.r.N, w = with.r.N * with.r.N, different = 0;
    value(&with), value(&without), value(&detached);
    double logits[64], dw[256];
    memcpy(logits, rig_read(&with, with.r.logits, n), n * sizeof *logits);
    ck_assert_mem_eq(logits, rig_read(&detached, detached.r.logits, n), n * sizeof *logits);
    for (int i = 0; i < n; i++)
        different += logits[i] != rig_read(&without, without.r.logits, n)[i];
    ck_assert_int_eq(different, n);
    route_backward_by(&with.r, NULL, true), route_backward_by(&without.r, NULL, true),
        route_backward_by(&detached.r, NULL, true);
    memcpy(dw, rig_read(&with, with.r.dparam[W_PREV], w), w * sizeof *dw);
    ck_assert_mem_eq(dw, rig_read(&detached, detached.r.dparam[W_PREV], w), w * sizeof *dw);
    for (int i = 0; i < n; i++) {
        ck_assert_double_eq(rig_read(&detached, detached.r.dprev, n)[i], 0);
        ck_assert_double_eq(rig_read(&without, without.r.dprev, n)[i], 0);
    }
    rig_close(&with), rig_close(&without), rig_close(&detached);
}
END_TEST

/* 8 + 4 columns, tau .75, capacity 1.1, 100 assignments: an expert has room for ceil(8.25), a slot
 * for 11 (jin eq 8). */
START_TEST(room_is_by_kind_of_column_and_counts_assignments)
{
    enum { TOKENS = 50, N = 12 };
    static struct rig g;
    static double logits[TOKENS * N];
    int32_t mask[TOKENS * N], per[N] = {0};
    rig_open(&g, rig_backends[_i], "moepp", "k=2 capacity=1.1 tau=.75", TOKENS, 0, 8);
    for (int t = 0; t < TOKENS; t++)
        logits[t * N + 0] = 5 + t * .01, logits[t * N + 11] = 4; /* all want 0 and zero */
    rig_write(&g, g.r.logits, logits, TOKENS * N);
    route_forward(&g.r);
    rig_read_ints(&g, mask, g.r.mask, TOKENS * N);
    for (int i = 0; i < TOKENS * N; i++) per[i % N] += mask[i];
    ck_assert_int_eq(per[0], 9);
    ck_assert_int_eq(per[11], 11);
    for (int t = 41; t < TOKENS; t++) ck_assert(mask[t * N]); /* the surest stay */
    ck_assert_int_eq(rig_count_ints(&g, g.r.dropped, 1), 80);
    NEAR(rig_read(&g, g.r.load, N)[0], 1, 1e-6, 0, "f counts before dropping");
    g.r.training = false;
    route_forward(&g.r);
    ck_assert_int_eq(rig_count_ints(&g, g.r.mask, TOKENS * N), 100);
    rig_close(&g);
}
END_TEST

/* G = W tanh(W1 x), by hand: one token, x = 1, one hidden row above 0 at a time. */
START_TEST(a_hidden_router_is_two_matrices_with_tanh_between)
{
    static struct rig g;
    rig_open(&g, rig_backends[_i], "moepp", "k=1 router=mlp constants=1 copies=0 zeros=0", 1, 1, 1);
    ck_assert_int_eq(route_param_size(&g.r, 0), 2 * 16);
    ck_assert_int_eq(route_param_size(&g.r, 4), 16);
    double w[32] = {[3] = 2, [16 + 5] = -1}, w1[16] = {[3] = .5, [5] = 4}, x = 1;
    rig_write(&g, g.r.param[0], w, 32), rig_write(&g, g.r.param[4], w1, 16);
    rig_write(&g, g.r.x, &x, 1);
    route_memory_repack(&g.r);
    route_forward(&g.r);
    NEAR(rig_read(&g, g.r.logits, 2)[0], 2 * tanh(.5), 1e-6, 0, "logit 0");
    NEAR(rig_read(&g, g.r.logits, 2)[1], -tanh(4), 1e-6, 0, "logit 1");
    rig_close(&g);
}
END_TEST

/* x = [1,0], v = [0,2], C x = [0, ln 3]: shares 1/4 and 3/4, so [.25, 1.5]. */
START_TEST(a_constant_slot_mixes_the_token_with_its_vector)
{
    struct kn_backend *be = rig_backend(rig_backends[_i]);
    const double x[] = {1, 0}, v[] = {0, 2}, c[] = {0, 0, log(3), 0}, gate = 1;
    const int32_t taken = 1;
    double y[2], mix;
    struct kn_buf at = kn_alloc(be, 16);
    struct kn_ints mask = kn_alloc_ints(be, 1);
    kn_write(be, at, x, 2), kn_write(be, kn_part(be, at, 2), v, 2);
    kn_write(be, kn_part(be, at, 4), c, 4), kn_write(be, kn_part(be, at, 8), &gate, 1);
    kn_write_ints(be, mask, &taken, 1);
    kn_constant_slots(be, kn_part(be, at, 9), at, kn_part(be, at, 8), mask, kn_part(be, at, 2),
                      kn_part(be, at, 4), 0, 1, 1, 1, 2);
    kn_constant_mix(be, kn_part(be, at, 11), at, 1, mask, kn_part(be, at, 4), 0, 1, 1, 1, 2);
    kn_read(be, y, kn_part(be, at, 9), 2), kn_read(be, &mix, kn_part(be, at, 11), 1);
    NEAR(y[0], .25, 1e-6, 0, "y[0]");
    NEAR(y[1], 1.5, 1e-6, 0, "y[1]");
    NEAR(mix, .25, 1e-6, 0, "share of x");
    kn_write_ints(be, mask, (int32_t[]){0}, 1);
    kn_constant_mix(be, kn_part(be, at, 11), at, 1, mask, kn_part(be, at, 4), 0, 1, 1, 1, 2);
    kn_read(be, &mix, kn_part(be, at, 11), 1);
    ck_assert(isnan(mix)); /* nobody took it */
    kn_free(be, at), kn_free_ints(be, mask), kn_close(be);
}
END_TEST

START_TEST(standardised_logits_decide_the_gates_and_equal_ones_do_not_blow_up)
{
    static const double logits[] = {1, 3, 2, 0, 5, 1, /* deviation sqrt(3.2) */ 7, 7, 7, 7, 7, 7};
    static struct rig g;
    rig_open(&g, rig_backends[_i], "moepp", "k=2 standardise=on constants=1", 2, 0, 3);
    rig_write(&g, g.r.logits, logits, 12);
    route_forward(&g.r);
    double sum = 0, s = sqrt(3.2);
    for (int j = 0; j < 6; j++) sum += exp(logits[j] / s);
    NEAR(rig_read(&g, g.r.gate, 12)[4], exp(5 / s) / sum, 1e-6, 0, "gate of the surest");
    NEAR(rig_read(&g, g.r.gate, 12)[6], 1 / 6., 1e-6, 0, "gate where all are equal");
    NEAR(rig_read(&g, g.r.logits, 12)[0], 1, 0, 0, "what travels is not standardised");
    rig_close(&g);
}
END_TEST

SUITE(router_moepp)
{
    TCase *t = tcase_create("moepp");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, logits_of_the_layer_before_and_their_matrix_have_their_gradient, 0,
                        sizeof variants / sizeof *variants);
    tcase_add_test(t, residual_off_forgets_the_layer_before_and_detach_only_its_gradient);
    tcase_add_loop_test(t, room_is_by_kind_of_column_and_counts_assignments, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, a_hidden_router_is_two_matrices_with_tanh_between, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, a_constant_slot_mixes_the_token_with_its_vector, 0, RIG_BACKENDS);
    tcase_add_loop_test(t, standardised_logits_decide_the_gates_and_equal_ones_do_not_blow_up, 0,
                        RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
