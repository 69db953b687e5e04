/* What a step's time goes into: the groups make up the step, nothing is timed unasked, and a
 * comparison leaves no trace. */
#include "core/base/clock.h"
#include "core/metrics/engine.h"
#include "core/train/engine.h"
#include "tests/core/model_rig.h"

static struct snapshot now;

static const struct snap_engine *measure(struct trainer *t)
{
    trainer_measure(t, &now, false);
    return &now.engine;
}

/* Steps until a window is full; *ms: what all of them took by another clock. */
static const struct snap_engine *timed(struct trainer *t, double *ms)
{
    double start = clock_now();
    trainer_engine(t, true);
    while (measure(t)->steps == 0) rig_steps(t, 1);
    *ms = 1e3 * (clock_now() - start);
    return &now.engine;
}

START_TEST(the_groups_make_up_the_step)
{
    double ms;
    struct config c = rig_config(_i ? "text" : "orders", "topp", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    const struct snap_engine *g = timed(t, &ms);
    double all = 0, idle = 0;
    for (int i = 0; i < ENGINE_GROUPS; i++) {
        const struct snap_spent *s = &g->spent;
        ck_assert_msg(s->forward[i] >= 0 && s->backward[i] >= 0, "%s", engine_names[i].name);
        ck_assert_msg(s->idle[i] >= 0 && s->idle[i] <= engine_group_ms(s, i) * (1 + 1e-9),
                      "%s: %g ms idle of %g", engine_names[i].name, s->idle[i],
                      engine_group_ms(s, i));
        all += engine_group_ms(s, i), idle += s->idle[i];
    }
    NEAR(all, g->step_ms, 0, 1e-6, "all groups together against the step");
    double steps = (double)g->steps, ops = all - engine_group_ms(&g->spent, ENGINE_REST);
    ck_assert_msg(g->step_ms * steps <= ms, "%g steps of %g ms in %g ms", steps, g->step_ms, ms);
    /* The rest is what no op took: a group that is not counted would hide there. */
    ck_assert_msg(ops > 0.5 * all, "ops take only %g ms of a step's %g", ops, all);
    const int must[] = {ENGINE_ROUTER,  ENGINE_GATE,  ENGINE_PLAN, ENGINE_MOVE,     ENGINE_EXPERTS,
                        ENGINE_COMBINE, ENGINE_DENSE, ENGINE_LOSS, ENGINE_OPTIMISER};
    for (size_t i = 0; i < sizeof must / sizeof *must; i++)
        ck_assert_msg(engine_group_ms(&g->spent, must[i]) > 0, "%s took nothing",
                      engine_names[must[i]].name);
    ck_assert((engine_group_ms(&g->spent, ENGINE_ATTENTION) > 0) == (_i == 1));
    ck_assert(g->flops > g->expert_flops && g->dense > g->flops);
    trainer_close(t);
}
END_TEST

START_TEST(nothing_is_timed_unasked)
{
    double ms;
    struct config c = rig_config("orders", "topk", "cpu", "batch=16", NULL);
    struct trainer *t = model_rig_open(&c);
    struct kn_time times[500];
    rig_steps(t, 3);
    int n = kn_times(t->be, times, 500);
    for (int i = 0; i < n; i++) ck_assert_msg(times[i].calls == 0, "%s", times[i].op);
    ck_assert_int_eq((int)measure(t)->steps, 0);
    timed(t, &ms);
    trainer_engine(t, false);
    ck_assert(!measure(t)->on);
    rig_steps(t, 3);
    n = kn_times(t->be, times, 500);
    for (int i = 0; i < n; i++) ck_assert_msg(times[i].calls == 0, "%s", times[i].op);
    trainer_close(t);
}
END_TEST

static void compare(struct trainer *t)
{
    struct err e = {0};
    ck_assert_msg(trainer_compare(t, &e), "%s", e.text);
    while (trainer_comparing(t)) ck_assert_msg(trainer_compare_turn(t, &e), "%s", e.text);
}

START_TEST(a_comparison_leaves_no_trace)
{
    const char *name = router_at(_i)->name;
    struct config c = rig_config("orders", name, "cpu", "batch=32", NULL);
    struct trainer *with = model_rig_open(&c), *without = model_rig_open(&c);
    rig_steps(with, 5), rig_steps(without, 10);
    compare(with);
    rig_steps(with, 5);
    rig_same_bits(with, without, name);
    trainer_close(with), trainer_close(without);
}
END_TEST

START_TEST(a_comparison_runs_what_it_says)
{
    struct config c = rig_config(_i ? "text" : "orders", "topk", "cpu", "k=3", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    compare(t);
    const struct snap_engine *g = measure(t);
    ck_assert(g->compared && g->compared_at == 2);
    ck_assert_str_eq(g->compared_as, "topk k=3");
    NEAR(g->pass[ENGINE_AS_IS].experts, 3, 1e-9, 0, "as is");
    NEAR(g->pass[ENGINE_TWO].experts, 2, 1e-9, 0, "two");
    NEAR(g->pass[ENGINE_ALL].experts, 8, 1e-9, 0, "all");
    NEAR(g->pass[ENGINE_AS_IS].flops, now.train_flops_per_token * now.tokens_per_step, 0, 1e-9,
         "FLOPs of the step");
    for (int i = 0; i < ENGINE_PASSES; i++) {
        ck_assert(g->pass[i].ms > 0);
        NEAR(engine_all_ms(&g->pass[i].spent), g->pass[i].ms, 0, 1e-6, "groups of a pass");
    }
    ck_assert(g->peak > 1);
    trainer_close(t);
}
END_TEST

SUITE(trainer_engine)
{
    TCase *t = tcase_create("engine");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_groups_make_up_the_step, 0, 2);
    tcase_add_test(t, nothing_is_timed_unasked);
    tcase_add_loop_test(t, a_comparison_leaves_no_trace, 0, router_count());
    tcase_add_loop_test(t, a_comparison_runs_what_it_says, 0, 2);
    suite_add_tcase(suite, t);
}
