/* The pressures' values, by hand. Their gradients are in router_table.c. */
#include "core/balance/pressure.h"
#include "tests/core/router_rig.h"

static const struct value {
    const char *what, *strategy, *knobs, *loss;
    int T, E;
    double logits[16], want;
} values[] = {
    {"two tokens, f over all assignments",
     "topk",
     "k=2",
     "aux",
     2,
     4,
     {1, 3, 2, 0, 0, 0, 4, 1},
     1.526668},
    {"top-1 as in Switch", "topk", "k=1", "aux", 2, 4, {1, 3, 2, 0, 0, 0, 4, 1}, 1.818112},
    {"k = E is even", "topk", "k=4", "aux", 2, 4, {1, 3, 2, 0, 0, 0, 4, 1}, 1},
    {"collapse on one of four costs four",
     "topk",
     "k=1",
     "aux",
     2,
     4,
     {90, 0, 0, 0, 90, 0, 0, 0},
     4},
    {"mean squared log-sum-exp", "topk", "k=2", "z", 2, 4, {1, 3, 2, 0, 0, 0, 4, 1}, 14.252434},
    {"logits of 1000: huge, but finite", "topk", "k=2", "z", 1, 2, {1000, 1000}, 1001386.775},
    {"entropy of a row",
     "topp",
     "p=.6",
     "entropy",
     1,
     8,
     {2.2, .4, 1.6, -.5, .9, .1, -1.2, 1.3},
     1.687632},
    {"equal logits: ln 8", "topp", "p=.6", "entropy", 1, 8, {0}, 2.079442},
    {"0 ln 0 is 0", "topp", "p=.6", "entropy", 1, 2, {2000, 0}, 0},
    {"temperature flattens before entropy",
     "topp",
     "p=.6 temperature=2",
     "entropy",
     1,
     8,
     {4.4, .8, 3.2, -1, 1.8, .2, -2.4, 2.6},
     1.687632},
    {"topp: f = (0, 1/3, 2/3, 0) of three picks",
     "topp",
     "p=.7",
     "aux",
     2,
     4,
     {1, 3, 2, 0, 0, 0, 4, 1},
     4 * (.330386 + 2 * .578669) / 3},
};
enum { VALUES = sizeof values / sizeof *values };

static int loss_index(const struct router *r, const char *name)
{
    for (int i = 0; i < ROUTER_LOSSES && r->losses[i].pressure; i++)
        if (strcmp(r->losses[i].pressure, name) == 0) return i;
    ck_abort_msg("%s has no loss %s", r->name, name);
    return -1;
}

START_TEST(each_loss_has_its_value)
{
    const struct value *x = &values[_i % VALUES];
    const char *backend = rig_backends[_i / VALUES];
    struct rig g;
    rig_open(&g, backend, x->strategy, x->knobs, x->T, 0, x->E);
    rig_write(&g, g.r.logits, x->logits, (size_t)x->T * x->E);
    route_forward(&g.r);
    route_losses(&g.r);
    double got = *rig_read(&g, g.r.loss[loss_index(g.r.router, x->loss)], 1);
    NEAR(got, x->want, 1e-6, 1e-6, "%s: %s of %s", backend, x->loss, x->what);
    rig_close(&g);
}
END_TEST

START_TEST(a_balanced_batch_has_no_gradient_where_every_expert_is_taken)
{
    struct rig g;
    struct rng rng = rng_at(2, RNG_ROUTE, 0);
    double weight[ROUTER_LOSSES] = {0};
    rig_open(&g, rig_backends[_i], "topk", "k=4", 8, 0, 4);
    rig_fill(&g, &rng);
    weight[loss_index(g.r.router, "aux")] = 1;
    route_forward(&g.r);
    route_backward_by(&g.r, weight, false);
    for (int i = 0; i < 32; i++) NEAR(rig_read(&g, g.r.dlogits, 32)[i], 0, 1e-7, 0, "logit %d", i);
    rig_close(&g);
}
END_TEST

START_TEST(coefficients_are_knobs_times_the_share_and_count_in_training_only)
{
    struct rig g;
    struct rng rng = rng_at(3, RNG_ROUTE, 0);
    double weight[ROUTER_LOSSES] = {0}, want[32];
    rig_open(&g, rig_backends[_i], "topp", "aux=.3 entropy=.2 z=.01", 4, 0, 8);
    rig_fill(&g, &rng);
    route_forward(&g.r);
    weight[0] = .15, weight[1] = .1, weight[2] = .005;
    route_backward_by(&g.r, weight, false);
    memcpy(want, rig_read(&g, g.r.dlogits, 32), sizeof want);
    route_backward(&g.r, .5, false);
    bool any = false;
    for (int i = 0; i < 32; i++) {
        NEAR(rig_read(&g, g.r.dlogits, 32)[i], want[i], 1e-7, 0, "logit %d", i);
        any |= fabs(want[i]) > 1e-3;
    }
    ck_assert(any);
    g.r.training = false;
    route_backward(&g.r, .5, false);
    for (int i = 0; i < 32; i++) ck_assert_double_eq(rig_read(&g, g.r.dlogits, 32)[i], 0);
    rig_close(&g);
}
END_TEST

START_TEST(every_pressure_is_found_by_its_name_and_explains_itself)
{
    int i = 0;
    for (const struct pressure *p; (p = pressure_at(i)); i++) {
        ck_assert_ptr_eq(pressure_find(p->name), p);
        ck_assert(p->title && p->paper && p->formula && p->loss && p->back);
    }
    ck_assert_int_ge(i, 3);
    ck_assert_ptr_null(pressure_find("nothing"));
    ck_assert_ptr_null(pressure_at(-1));
}
END_TEST

SUITE(balance_losses)
{
    TCase *t = tcase_create("losses");
    tcase_add_loop_test(t, each_loss_has_its_value, 0, VALUES * RIG_BACKENDS);
    tcase_add_loop_test(t, a_balanced_batch_has_no_gradient_where_every_expert_is_taken, 0,
                        RIG_BACKENDS);
    tcase_add_loop_test(t, coefficients_are_knobs_times_the_share_and_count_in_training_only, 0,
                        RIG_BACKENDS);
    tcase_add_test(t, every_pressure_is_found_by_its_name_and_explains_itself);
    suite_add_tcase(suite, t);
}
