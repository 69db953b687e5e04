/* Worked examples of the strategies with slots that compute nothing: adamoe, longcat, moepp. */
#include "tests/core/router_rig.h"

enum { MOST = 12 };
#define A "normalise=true k=3 nulls=2"
#define L "k=3 copies=2 gamma=1 groups=2"
#define M "k=2 constants=2 copies=1 zeros=1"
static const double adamoe_a[] = {2, 1, 0, -1, 1.5, .5}, adamoe_b[] = {0, 0, 0, 0, 3, 2},
                    longcat_a[] = {1, .5, 0, -.5, .8, .2},
                    moepp_a[] = {1, 0, -1, .5, .2, 0, .8, 1.2},
                    moepp_b[] = {0, 2, 0, 0, 0, 0, 1, 0}, sure[] = {0, 0, 0, 0, 0, 0, 0, 300};

static const struct example {
    const char *what, *strategy, *knobs;
    int E;
    const double *logits;
    const char *mask;
    double gate[MOST];
    double dlogits[MOST]; /* of the gate of column 0, or of the first taken */
    double aux;
    double blind;
} examples[] = {
    {"gates over the true picks; the null picked has none",
     "adamoe",
     A,
     4,
     adamoe_a,
     "110010",
     {.731059, .268941},
     {.196612, -.196612},
     4.489204,
     0},
    {"each null by its own load",
     "adamoe",
     A " averaged=0",
     4,
     adamoe_a,
     "110010",
     {.731059, .268941},
     {.196612, -.196612},
     4.971942,
     0},
    {"gates over all picks",
     "adamoe",
     "normalise=all k=3 nulls=2",
     4,
     adamoe_a,
     "110010",
     {.506480, .186324, 0, 0, .307196},
     {.249958, -.094369, 0, 0, -.155589},
     4.489204,
     0},
    {"gates as they are: every logit moves",
     "adamoe",
     "normalise=none k=3 nulls=2",
     4,
     adamoe_a,
     "110010",
     {.419699, .154398, 0, 0, .254560},
     {.243552, -.064801, -.023839, -.008770, -.106838, -.039304},
     4.489204,
     0},
    {"both picks are nulls: nothing",
     "adamoe",
     "normalise=true k=2 nulls=2",
     4,
     adamoe_b,
     "000011",
     {0},
     {0},
     5.237480,
     1},
    {"an expert wins a tie against the next; one true pick teaches nothing",
     "adamoe",
     A,
     4,
     adamoe_b,
     "100011",
     {1},
     {0},
     5.428110,
     1},
    {"identity slots keep their share; a gate is not renormalised",
     "longcat",
     L,
     4,
     longcat_a,
     "110010",
     {.288550, .175015, 0, 0, .236245},
     {.205289, -.050501, -.030630, -.018578, -.068169, -.037412},
     1.293029,
     0},
    {"gamma multiplies all gates",
     "longcat",
     "k=3 copies=2 gamma=6 groups=4",
     4,
     longcat_a,
     "110010",
     {1.731302, 1.050088, 0, 0, 1.417470},
     {1.231734, -.303003, -.183781, -.111469, -.409011, -.224470},
     1.293029,
     0},
    {"paper: the zero slot has its share",
     "moepp",
     M,
     4,
     moepp_a,
     "10000001",
     {.201325, 0, 0, 0, 0, 0, 0, .245899},
     {.160793, -.014911, -.005485, -.024584, -.018212, -.014911, -.033185, -.049506},
     .385750,
     0},
    {"released: zero has none, and the other one is sure",
     "moepp",
     M " gates=released",
     4,
     moepp_a,
     "10000001",
     {1},
     {0},
     .385750,
     1},
    {"mixtral: zero keeps its part of the two",
     "moepp",
     M " gates=mixtral",
     4,
     moepp_a,
     "10000001",
     {.450166, 0, 0, 0, 0, 0, 0, .549834},
     {.247517, 0, 0, 0, 0, 0, 0, -.247517},
     .385750,
     0},
    {"an expert and a copy",
     "moepp",
     M " gates=released",
     4,
     moepp_b,
     "01000010",
     {0, .731059, 0, 0, 0, 0, .268941},
     {0, .196612, 0, 0, 0, 0, -.196612},
     .585309,
     0},
    {"an expert and a copy, paper",
     "moepp",
     M,
     4,
     moepp_b,
     "01000010",
     {0, .458739, 0, 0, 0, 0, .168760},
     {-.028480, .248297, -.028480, -.028480, -.028480, -.028480, -.077417, -.028480},
     .585309,
     0},
    {"sure of zero: the runner-up underflows and still is sure of itself",
     "moepp",
     M " gates=released",
     4,
     sure,
     "10000001",
     {1},
     {0},
     .75,
     1},
    {"only a zero slot",
     "moepp",
     "k=1 constants=2 copies=1 zeros=1",
     4,
     moepp_a,
     "00000001",
     {0, 0, 0, 0, 0, 0, 0, .245899},
     {0},
     .75 * .245899,
     1},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static void open_example(struct rig *g, const char *backend, const struct example *x)
{
    rig_open(g, backend, x->strategy, x->knobs, 1, 0, x->E);
    ck_assert_int_eq(g->r.N, (int)strlen(x->mask));
    rig_write(g, g->r.logits, x->logits, g->r.N);
    route_forward(&g->r);
}

START_TEST(each_example_has_its_picks_gates_loss_and_gradient)
{
    const struct example *x = &examples[_i % EXAMPLES];
    const char *backend = rig_backends[_i / EXAMPLES];
    static struct rig g;
    int32_t mask[MOST];
    double dgate[MOST] = {0};
    open_example(&g, backend, x);
    int N = g.r.N, first = x->mask[0] == '1' ? 0 : (int)(strchr(x->mask, '1') - x->mask);
    rig_read_ints(&g, mask, g.r.mask, N);
    const double *gate = rig_read(&g, g.r.gate, N);
    for (int j = 0; j < N; j++) {
        ck_assert_msg(mask[j] == x->mask[j] - '0', "%s: %s: column %d", backend, x->what, j);
        NEAR(gate[j], x->gate[j], 1e-6, 1e-6, "%s: %s: gate %d", backend, x->what, j);
    }
    route_losses(&g.r);
    NEAR(*rig_read(&g, g.r.loss[0], 1), x->aux, 2e-6, 1e-5, "%s: %s: aux", backend, x->what);
    if (first < x->E) dgate[first] = 1; /* a zero slot's gate never gets one */
    rig_write(&g, g.r.dgate, dgate, N);
    route_backward(&g.r, 0, true);
    const double *dlogits = rig_read(&g, g.r.dlogits, N);
    for (int j = 0; j < N; j++)
        NEAR(dlogits[j], x->dlogits[j], 2e-6, 2e-4, "%s: %s: gradient of logit %d", backend,
             x->what, j);
    rig_close(&g);
}
END_TEST

/* The arrays of a route on the host. */
static struct route_host host_of(struct rig *g, float *gate, int32_t *mask, int32_t *valid,
                                 float *logits)
{
    size_t n = (size_t)g->r.T * g->r.N;
    kn_read_f32(g->be, gate, g->r.gate, n);
    kn_read_f32(g->be, logits, g->r.logits, n);
    rig_read_ints(g, mask, g->r.mask, n);
    rig_read_ints(g, valid, g->r.valid, g->r.T);
    return (struct route_host){.router = g->r.router,
                               .knob = g->r.knob,
                               .T = g->r.T,
                               .E = g->r.E,
                               .N = g->r.N,
                               .logits = logits,
                               .gate = gate,
                               .mask = mask,
                               .valid = valid};
}

START_TEST(tokens_whose_gradient_is_0_by_construction_are_counted_as_blind)
{
    const struct example *x = &examples[_i];
    static struct rig g;
    float gate[MOST], logits[MOST];
    int32_t mask[MOST], valid[1];
    open_example(&g, "ref", x);
    struct route_host h = host_of(&g, gate, mask, valid, logits);
    NEAR(host_blind_share(&h), x->blind, 0, 0, "%s", x->what);
    rig_close(&g);
}
END_TEST

/* 300 tokens with every gradient that can reach a gate: zero slots have none. */
START_TEST(blind_is_what_has_no_gradient_and_nothing_else)
{
    static const struct {
        const char *strategy, *knobs;
    } cases[] = {{"adamoe", "normalise=true"},
                 {"adamoe", "normalise=all k=2 nulls=8"},
                 {"adamoe", "normalise=all k=1"},
                 {"adamoe", "k=2 nulls=8"},
                 {"adamoe", "normalise=all k=2 nulls=8 null_kind=copy"},
                 {"longcat", "k=2 target=1"},
                 {"longcat", "k=2 target=1 copy_kind=zero"},
                 {"moepp", "k=2 zeros=4"},
                 {"moepp", "k=2 zeros=4 gates=released"},
                 {"moepp", "k=2 zeros=4 gates=mixtral"}};
    enum { T = 200, E = 8, CELLS = T * 20 };
    static struct rig g;
    static float gate[CELLS], logits[CELLS];
    static int32_t mask[CELLS], valid[T];
    static double dgate[CELLS];
    struct slot_run runs[4];
    int seen[2] = {0};
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        struct rng rng = rng_at(31, RNG_ROUTE, i);
        rig_open(&g, "ref", cases[i].strategy, cases[i].knobs, T, 0, E);
        rig_fill(&g, &rng);
        route_forward(&g.r);
        struct route_host h = host_of(&g, gate, mask, valid, logits);
        int count, at = E, N = g.r.N;
        router_slots(g.r.router, g.r.knob, E, runs, &count);
        for (int k = 0; k < T * N; k++) dgate[k] = rng_normal(&rng);
        for (int k = 0; k < count; at += runs[k++].count)
            for (int j = at; runs[k].kind == SLOT_ZERO && j < at + runs[k].count; j++)
                for (int t = 0; t < T; t++) dgate[t * N + j] = 0;
        rig_write(&g, g.r.dgate, dgate, T * N);
        route_backward(&g.r, 0, true);
        const double *d = rig_read(&g, g.r.dlogits, T * N);
        for (int t = 0; t < T; t++) {
            double most = 0;
            for (int j = 0; j < N; j++) most = fmax(most, fabs(d[t * N + j]));
            bool blind = g.r.router->blind(&h, t);
            ck_assert_msg(blind == (most == 0), "%s %s: token %d, gradient %g", cases[i].strategy,
                          cases[i].knobs, t, most);
            seen[blind]++;
        }
        rig_close(&g);
    }
    ck_assert(seen[0] > 0 && seen[1] > 0);
}
END_TEST

START_TEST(adamoe_without_nulls_is_topk_bit_by_bit)
{
    static struct rig a, b;
    const char *backend = rig_backends[_i / 2];
    bool renormalised = _i % 2;
    struct rng x = rng_at(32, RNG_ROUTE, 0), y = x;
    rig_open(&a, backend, "adamoe", renormalised ? "k=3 nulls=0 normalise=true" : "k=3 nulls=0", 64,
             5, 8);
    rig_open(&b, backend, "topk", renormalised ? "k=3" : "k=3 renormalise=off", 64, 5, 8);
    rig_fill(&a, &x), rig_fill(&b, &y);
    rig_random(&a, &x, a.r.dgate, 512, 1), rig_random(&b, &y, b.r.dgate, 512, 1);
    route_forward(&a.r), route_forward(&b.r);
    route_backward(&a.r, 0, true), route_backward(&b.r, 0, true);
    const struct kn_buf left[] = {a.r.gate, a.r.dlogits, a.r.dparam[0], a.r.dx},
                        right[] = {b.r.gate, b.r.dlogits, b.r.dparam[0], b.r.dx};
    static const int size[] = {512, 512, 40, 320};
    for (int i = 0; i < 4; i++)
        ck_assert_mem_eq(rig_read(&a, left[i], size[i]), rig_read(&b, right[i], size[i]),
                         size[i] * sizeof(double));
    rig_close(&a), rig_close(&b);
}
END_TEST

START_TEST(starts_fit_any_number_of_experts_and_wrong_values_are_refused_with_the_range)
{
    static const struct {
        const char *strategy, *knob;
        double value;
        const char *say;
    } bad[] = {{"adamoe", "k", 13, "from 1 to 12"},    {"adamoe", "nulls", 33, "from 0 to 32"},
               {"adamoe", "normalise", 3, "none"},     {"adamoe", "anneal", 0, "from 0.001"},
               {"longcat", "target", 3.9, "k - 0.25"}, {"longcat", "groups", 3, "divides"},
               {"longcat", "copies", 17, "to 16"},     {"longcat", "mu", 0, "from 0.0001"},
               {"moepp", "tau", 0, "from 0.01"},       {"moepp", "k", 13, "from 1 to 12"},
               {"moepp", "gates", 3, "mixtral"},       {"moepp", "input_scale", 3, "from 1 to 2"}};
    struct err e = {0};
    double knob[ROUTER_KNOBS];
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        const struct router *r = router_find(bad[i].strategy, &e);
        router_starts(r, 8, false, knob);
        knob[router_knob(r, bad[i].knob)] = bad[i].value;
        ck_assert_msg(!router_check(r, knob, 8, &e), "%s=%g", bad[i].knob, bad[i].value);
        ck_assert_msg(strstr(e.text, bad[i].say) && strstr(e.text, bad[i].knob), "%s", e.text);
    }
    for (int i = 0; i < router_count(); i++)
        for (int E = 2; E <= EXPERTS_MAX; E++)
            for (int paper = 0; paper < 2; paper++) {
                router_starts(router_at(i), E, paper, knob);
                bool room =
                    E + router_slots(router_at(i), knob, E, (struct slot_run[4]){0}, NULL) <=
                    COLUMNS_MAX;
                ck_assert_msg(!room || router_check(router_at(i), knob, E, &e), "E=%d: %s", E,
                              e.text);
            }
}
END_TEST

START_TEST(combinations_that_do_nothing_are_warned_of)
{
    struct err e = {0};
    double knob[ROUTER_KNOBS];
    const struct router *adamoe = router_find("adamoe", &e), *longcat = router_find("longcat", &e);
    router_starts(adamoe, 8, false, knob);
    ck_assert(router_check(adamoe, knob, 8, &e));
    ck_assert_str_eq(e.text, "");
    knob[router_knob(adamoe, "null_kind")] = 1, knob[router_knob(adamoe, "normalise")] = 0;
    ck_assert(router_check(adamoe, knob, 8, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "adds nothing"));
    router_starts(longcat, 8, false, knob);
    ck_assert(router_check(longcat, knob, 8, &e));
    ck_assert_str_eq(e.text, "");
    knob[router_knob(longcat, "copies")] = 1;
    ck_assert(router_check(longcat, knob, 8, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "3 to 4"));
}
END_TEST

START_TEST(aux_is_annealed_in_the_second_half_and_only_there)
{
    static struct rig g;
    rig_open(&g, "ref", "adamoe", "aux=.5 anneal=.1", 2, 0, 4);
    NEAR(route_coefficient(&g.r, 0), .5, 1e-12, 0, "first half");
    g.r.late = true;
    NEAR(route_coefficient(&g.r, 0), .05, 1e-12, 0, "second half");
    NEAR(route_coefficient(&g.r, 2), .1, 1e-12, 0, "entropy has no such knob");
    rig_close(&g);
}
END_TEST

SUITE(router_slots)
{
    TCase *t = tcase_create("slots");
    tcase_add_loop_test(t, each_example_has_its_picks_gates_loss_and_gradient, 0,
                        EXAMPLES * RIG_BACKENDS);
    tcase_add_loop_test(t, tokens_whose_gradient_is_0_by_construction_are_counted_as_blind, 0,
                        EXAMPLES);
    tcase_add_test(t, blind_is_what_has_no_gradient_and_nothing_else);
    tcase_add_loop_test(t, adamoe_without_nulls_is_topk_bit_by_bit, 0, 2 * RIG_BACKENDS);
    tcase_add_test(t, starts_fit_any_number_of_experts_and_wrong_values_are_refused_with_the_range);
    tcase_add_test(t, combinations_that_do_nothing_are_warned_of);
    tcase_add_test(t, aux_is_annealed_in_the_second_half_and_only_there);
    suite_add_tcase(suite, t);
}
