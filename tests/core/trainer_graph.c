/* A step on a GPU: one graph, made when it is first seen a second time, no wait, no memory taken; knobs
 * turn without another graph; and the host may go ahead of the device without a bit being
 * different. Needs the emulated module, which counts, so it runs with `make check-emu` only. */
#include "tests/core/model_rig.h"
#include "tests/emu/cuda_runtime.h"

#include "core/router/router.h"

#include <dlfcn.h>
#include <math.h>

static const struct emu_count *counts(void)
{
    void *module = dlopen(getenv("VANPOOL_CUDA"), RTLD_NOW | RTLD_NOLOAD);
    const struct emu_count *at = module ? dlsym(module, "emu_count") : NULL;
    ck_assert_msg(at, "the module does not count");
    return at;
}

static struct trainer *open_on(const char *data, const char *strategy)
{
    struct config c = rig_config(data, strategy, "cuda", "batch=4", NULL);
    if (strcmp(strategy, "adak") == 0) /* it learns in each second step: two shapes of step */
        c = rig_config(data, strategy, "cuda", "batch=4", "warm=none", "every=2", NULL);
    unsetenv("VANPOOL_EMU_FAIL");
    return model_rig_open(&c);
}

static int strategies(void)
{
    int n = 0;
    while (router_at(n)) n++;
    return n;
}

START_TEST(a_step_is_one_graph_that_waits_for_nothing_and_takes_no_memory)
{
    bool text = _i == strategies();
    const char *name = text ? "topk" : router_at(_i)->name;
    struct trainer *t = open_on(text ? "text" : "orders", name);
    rig_steps(t, 5);
    struct emu_count before = *counts();
    const int steps = 6;
    rig_steps(t, steps);
    struct emu_count now = *counts();
    ck_assert_msg(now.waits == before.waits, "%s waits %ld times in %d steps", name,
                  now.waits - before.waits, steps);
    ck_assert_int_eq(now.mallocs, before.mallocs);
    ck_assert_msg(now.graph_launches - before.graph_launches == steps,
                  "%s: %ld of %d steps are one", name, now.graph_launches - before.graph_launches,
                  steps);
    ck_assert_int_eq(now.captures, before.captures);
    ck_assert_msg(now.told - before.told <= 7 * steps, "%s: %ld nodes are told something", name,
                  (now.told - before.told) / steps);
    trainer_close(t);
}
END_TEST

/* A knob of every kind, turned between two steps. */
static const struct turn {
    const char *strategy, *knob, *value;
} turns[] = {
    {"topp", "p", "0.35"},    {"topk", "k", "3"},           {"dynmoe", "count_price", "0.3"},
    {"remoe", "target", "3"}, {"lossfree", "rate", "0.01"}, {"topp", "lr", "0.001"}};

START_TEST(a_knob_turns_without_another_graph_and_as_it_does_without_any)
{
    const struct turn *k = &turns[_i];
    struct err e = {0};
    struct trainer *t[2];
    for (int off = 0; off < 2; off++) {
        off ? setenv("VANPOOL_CUDA_GRAPH", "off", 1) : unsetenv("VANPOOL_CUDA_GRAPH");
        t[off] = open_on("orders", k->strategy);
        rig_steps(t[off], 5);
        struct emu_count before = *counts();
        bool knob = router_knob(t[off]->config.router, k->knob) >= 0;
        ck_assert_msg(knob ? trainer_set_knob(t[off], k->knob, k->value, &e)
                           : trainer_set(t[off], k->knob, k->value, &e),
                      "%s", e.text);
        rig_steps(t[off], 6);
        struct emu_count now = *counts();
        ck_assert_int_eq(now.captures, before.captures);
        ck_assert_int_eq(now.graph_launches - before.graph_launches, off ? 0 : 6);
    }
    rig_same_bits(t[0], t[1], k->knob);
    trainer_close(t[0]), trainer_close(t[1]);
}
END_TEST

START_TEST(another_strategy_is_another_graph_once)
{
    struct err e = {0};
    struct trainer *t = open_on("orders", "topk");
    rig_steps(t, 5);
    long before = counts()->captures;
    ck_assert_msg(trainer_set_router(t, "topp", &e), "%s", e.text);
    rig_steps(t, 8);
    ck_assert_int_eq(counts()->captures, before + 1);
    trainer_close(t);
}
END_TEST

START_TEST(where_the_driver_makes_no_graphs_the_same_model_trains)
{
    struct trainer *t[2];
    for (int none = 0; none < 2; none++) {
        none ? setenv("VANPOOL_EMU_NO_GRAPH", "1", 1) : unsetenv("VANPOOL_EMU_NO_GRAPH");
        t[none] = open_on("orders", "topp");
        long before = counts()->graph_launches;
        rig_steps(t[none], 6);
        ck_assert_int_eq(counts()->graph_launches - before, none ? 0 : 5);
        ck_assert_str_eq(kn_name(t[none]->be), "cuda");
    }
    rig_same_bits(t[0], t[1], "with and without");
    trainer_close(t[0]), trainer_close(t[1]);
}
END_TEST

/* The device as late as it may be: the host writes the next batches while steps are still to be
 * done, and hears of them later. */
START_TEST(a_host_that_is_ahead_trains_the_same_model)
{
    struct trainer *t[2];
    const char *name = router_at(_i)->name;
    for (int late = 0; late < 2; late++) {
        late ? setenv("VANPOOL_EMU_LAG", "1", 1) : unsetenv("VANPOOL_EMU_LAG");
        t[late] = open_on("orders", name);
        unsigned most = 0;
        for (int i = 0; i < (_i ? 8 : 55); i++) { /* past the step that keeps the state */
            rig_steps(t[late], 1);
            if (t[late]->tried - t[late]->judged > most) most = t[late]->tried - t[late]->judged;
        }
        ck_assert_msg(late ? most == 2 : most == 0, "%u steps ahead", most);
        if (late) rig_same_bits(t[0], t[1], name);
        trainer_close(late ? t[0] : NULL);
    }
    unsetenv("VANPOOL_EMU_LAG");
    trainer_close(t[1]);
}
END_TEST

START_TEST(what_is_not_finite_is_found_late_and_costs_no_weight)
{
    static struct snapshot s;
    setenv("VANPOOL_EMU_LAG", "1", 1);
    struct trainer *t = open_on("orders", _i % 2 ? "lossfree" : "adak");
    rig_steps(t, 6);
    trainer_settle(t);
    enum trainer_poison what = _i / 2 ? POISON_LOGITS : POISON_GRADIENT;
    size_t n, m;
    double *before = model_rig_read(t, t->model->params.w, &n);
    trainer_inject(t, what);
    rig_steps(t, 1);
    double *after = model_rig_read(t, t->model->params.w, &m);
    ck_assert_msg(memcmp(before, after, n * sizeof *before) == 0, "a weight moved");
    free(before), free(after);
    rig_steps(t, 4);
    trainer_measure(t, &s, false);
    ck_assert_int_eq((int)t->skipped, 1);
    ck_assert_int_eq((int)t->optimizer.updates, 10);
    ck_assert_msg(strstr(s.notice, "step 6") && strstr(s.notice, "(injected)"), "'%s'", s.notice);
    ck_assert(isfinite(s.loss));
    unsetenv("VANPOOL_EMU_LAG");
    trainer_close(t);
}
END_TEST

START_TEST(a_weight_that_stays_bad_brings_the_good_state_back_though_it_is_found_late)
{
    static struct snapshot s;
    setenv("VANPOOL_EMU_LAG", "1", 1);
    struct trainer *t = open_on("orders", "topp");
    rig_steps(t, 6);
    trainer_inject(t, POISON_WEIGHT);
    rig_steps(t, 12);
    trainer_measure(t, &s, false);
    ck_assert_int_eq(t->returns, 1);
    ck_assert(isfinite(s.loss) && t->skipped >= 3);
    size_t n;
    double *w = model_rig_read(t, t->model->params.w, &n);
    for (size_t i = 0; i < n; i++) ck_assert_msg(isfinite(w[i]), "weight %zu", i);
    free(w);
    unsetenv("VANPOOL_EMU_LAG");
    trainer_close(t);
}
END_TEST

SUITE(trainer_graph)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("graph");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_step_is_one_graph_that_waits_for_nothing_and_takes_no_memory, 0,
                        strategies() + 1);
    tcase_add_loop_test(tc, a_knob_turns_without_another_graph_and_as_it_does_without_any, 0,
                        sizeof turns / sizeof *turns);
    tcase_add_test(tc, where_the_driver_makes_no_graphs_the_same_model_trains);
    tcase_add_test(tc, another_strategy_is_another_graph_once);
    tcase_add_loop_test(tc, a_host_that_is_ahead_trains_the_same_model, 0, strategies());
    tcase_add_loop_test(tc, what_is_not_finite_is_found_late_and_costs_no_weight, 0, 4);
    tcase_add_test(tc, a_weight_that_stays_bad_brings_the_good_state_back_though_it_is_found_late);
    suite_add_tcase(suite, tc);
}
