/* Training as a whole: the same bits whatever the threads, the same losses in float32 as in
 * float64, every pick accounted for, FLOPs by the formula, switches that keep the weights. */
#include "tests/core/model_rig.h"

static const char *const strategies[] = {"topk", "topp", "dynmoe", "lossfree", "expertchoice"},
                         *const datas[] = {"orders", "text"};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

/* ---- bits ---- */
START_TEST(threads_do_not_change_a_bit_in_20_steps)
{
    struct trainer *t[3];
    const char *data = datas[_i % 2], *strategy = strategies[_i / 2];
    for (int i = 0; i < 3; i++) {
        struct config c = rig_config(data, strategy, "cpu", "batch=8", NULL);
        c.threads = 1 << i;
        t[i] = model_rig_open(&c);
        ck_assert_int_eq(kn_threads(t[i]->be), 1 << i);
        rig_steps(t[i], 20);
    }
    rig_same_bits(t[0], t[1], "1 and 2 threads");
    rig_same_bits(t[0], t[2], "1 and 4 threads");
    for (int i = 0; i < 3; i++) trainer_close(t[i]);
}
END_TEST

START_TEST(float32_on_the_cpu_follows_the_reference_within_1e_4_over_10_steps)
{
    const char *data = datas[_i % 2], *strategy = strategies[_i / 2];
    struct config cpu = rig_config(data, strategy, "cpu", "batch=3", NULL),
                  ref = rig_config(data, strategy, "ref", "batch=3", NULL);
    struct trainer *a = model_rig_open(&cpu), *b = model_rig_open(&ref);
    for (int i = 0; i < 10; i++) {
        rig_steps(a, 1), rig_steps(b, 1);
        NEAR(a->loss, b->loss, 1e-4, 0, "%s %s, loss of step %d", data, strategy, i);
    }
    trainer_close(a), trainer_close(b);
}
END_TEST

START_TEST(another_seed_is_another_run_and_the_same_seed_the_same)
{
    struct config one = rig_config("orders", "topk", "cpu", NULL),
                  two = rig_config("orders", "topk", "cpu", "seed=2", NULL);
    struct trainer *a = model_rig_open(&one), *b = model_rig_open(&one), *c = model_rig_open(&two);
    rig_steps(a, 5), rig_steps(b, 5), rig_steps(c, 5);
    rig_same_bits(a, b, "seed 1 twice");
    ck_assert_double_ne(a->loss, c->loss);
    trainer_close(a), trainer_close(b), trainer_close(c);
}
END_TEST

START_TEST(orders_are_learnt_in_300_steps)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", "steps=300", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 300);
    ck_assert_msg(trainer_evaluate(t, 0, &s, &e), "%s", e.text);
    ck_assert_double_gt(s.val_accuracy, 0.55); /* a linear model delivers .17 */
    NEAR(s.val_experts_per_token, 2, 0, 0, "experts");
    trainer_close(t);
}
END_TEST

/* ---- measures ---- */
START_TEST(every_pick_is_an_expert_a_slot_or_dropped)
{
    static struct snapshot s;
    static const char *const more[] = {"aux=0", "capacity=0.5", "capacity=1", "p=1", "p=0"};
    const char *strategy = strategies[_i >= 3];
    struct config c = rig_config("orders", strategy, "cpu", "layers=2", more[_i], NULL);
    struct trainer *t = model_rig_open(&c);
    for (int step = 0; step < 5; step++) {
        rig_steps(t, 1);
        for (int l = 0; l < 2; l++) { /* the plan's counts are the mask's, layer by layer */
            struct moe *m = &t->model->layer[l].moe;
            int32_t mask[256 * 8], count[8], sum[8] = {0};
            kn_read_ints(t->be, mask, m->route.mask, 256 * 8);
            kn_read_ints(t->be, count, m->plan.count, 8);
            for (int i = 0; i < 256 * 8; i++) sum[i % 8] += mask[i];
            for (int j = 0; j < 8; j++) ck_assert_int_eq(sum[j], count[j]);
        }
        trainer_measure(t, &s, false);
        double picks = (s.experts_per_token * 256 * 2) + s.dropped_pairs;
        if (_i < 3) NEAR(picks, 2 * 256 * 2, 1e-9, 0, "picks of topk k=2, %s", more[_i]);
        if (_i == 1) ck_assert_double_gt(s.dropped_pairs, 0);
        if (_i == 3) NEAR(s.experts_per_token, 8, 0, 0, "p=1 takes all");
        if (_i == 4) NEAR(s.experts_per_token, 1, 0, 0, "p=0 takes one");
        ck_assert(isnan(s.zero_compute_per_token)); /* there are no slots to count */
    }
    trainer_close(t);
}
END_TEST

static const struct flops_case {
    const char *data, *strategy, *word;
    double want, experts;
} flops_cases[] = {
    {"orders", "topk", "k=2", 1536 * 2 + 2 * 41 * 64 + 2 * 64 * 8 + 2 * 64 * 32, 1536 * 2},
    {"orders", "topk", "k=5", 1536 * 5 + 2 * 41 * 64 + 2 * 64 * 8 + 2 * 64 * 32, 1536 * 5},
    {"orders", "topk", "shared=1", 1536 * 3 + 2 * 41 * 64 + 2 * 64 * 8 + 2 * 64 * 32, 1536 * 3},
    {"orders", "topp", "p=1", 1536 * 8 + 2 * 41 * 64 + 2 * 64 * 8 + 2 * 64 * 32, 1536 * 8},
    {"orders", "topk", "expert=silu", 1024 * 2 + 2 * 41 * 64 + 2 * 64 * 8 + 2 * 64 * 32, 1024 * 2},
    /* two layers: attention 8 D^2 and the causal half of the scores 2 D C, router 2 D E, experts 6
       D H; head 2 D V */
    {"text", "topk", "k=2",
     2 * (8 * 64 * 64 + 2 * 64 * 64 + 2 * 64 * 8 + 2 * 6 * 64 * 64) + 2 * 64 * 256,
     2 * 2 * 6 * 64 * 64},
    /* all 16 columns: eight copies are one multiplication of the row */
    {"orders", "longcat", "k=16", 1536 * 8 + 64 + 2 * 41 * 64 + 2 * 64 * 16 + 2 * 64 * 32,
     1536 * 8},
    {"orders", "adamoe", "k=12", 1536 * 8 + 2 * 41 * 64 + 2 * 64 * 12 + 2 * 64 * 32, 1536 * 8},
    /* all 12 columns: two constants of 7 D and a copy */
    {"orders", "moepp", "k=12", 1536 * 8 + 15 * 64 + 2 * 41 * 64 + 2 * 64 * 12 + 2 * 64 * 32,
     1536 * 8},
    /* two layers, the second adds w_prev [12,12] */
    {"text", "moepp", "k=12",
     2 * (8 * 64 * 64 + 2 * 64 * 64 + 2 * 64 * 12 + 8 * 6 * 64 * 64 + 15 * 64) + 2 * 12 * 12 +
         2 * 64 * 256,
     2 * 8 * 6 * 64 * 64},
};

START_TEST(flops_are_counted_from_the_picks_that_were_made)
{
    static struct snapshot s;
    const struct flops_case *x = &flops_cases[_i];
    struct config c = rig_config(x->data, x->strategy, "cpu", "batch=4", x->word, NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    NEAR(s.flops_per_token, x->want, 1e-6, 0, "%s %s: FLOPs a token", x->data, x->word);
    NEAR(s.expert_flops_per_token, x->experts, 1e-6, 0, "%s %s: of experts", x->data, x->word);
    trainer_close(t);
}
END_TEST

START_TEST(the_window_shows_the_same_tokens_while_the_weights_change)
{
    static struct snapshot a, b;
    struct config c = rig_config(datas[_i], "topp", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    trainer_measure(t, &a, true);
    rig_steps(t, 30);
    trainer_measure(t, &b, true);
    ck_assert_int_eq(a.tokens, _i ? 256 : 64);
    ck_assert_int_eq(b.tokens, a.tokens);
    ck_assert_int_eq((int)b.window_step, 32);
    int changed = 0;
    for (int i = 0; i < a.tokens; i++) {
        ck_assert_str_eq(a.token[i].text, b.token[i].text);
        ck_assert_int_eq((int)a.token[i].id, (int)b.token[i].id);
        ck_assert_int_ge(b.token[i].count[0], 1);
        ck_assert_int_eq(__builtin_popcountll(b.token[i].taken[0][0]), b.token[i].count[0]);
        changed += a.token[i].loss != b.token[i].loss;
    }
    ck_assert_int_gt(changed, a.tokens / 2);
    trainer_close(t);
}
END_TEST

START_TEST(looking_at_a_run_does_not_change_it)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c = rig_config(datas[_i], "topp", "cpu", "batch=8", NULL);
    struct trainer *a = model_rig_open(&c), *b = model_rig_open(&c);
    for (int i = 0; i < 6; i++) {
        rig_steps(a, 1), rig_steps(b, 1);
        trainer_measure(a, &s, true);
        ck_assert_msg(trainer_evaluate(a, 64, &s, &e), "%s", e.text);
        trainer_measure(a, &s, i % 2);
        ck_assert_double_eq_tol(s.loss, a->loss, 1e-5);
    }
    rig_same_bits(a, b, "looked at and not");
    trainer_close(a), trainer_close(b);
}
END_TEST

/* Steps of 1500 with 100 of warm-up: where the rate stands, as a share of its height. */
static const struct rate_case {
    long step;
    double done, want;
} rates[] = {
    {0, -1, .01 * 1}, {49, -1, .5 * .99763}, {100, -1, .99015}, {750, -1, .55},
    {1500, -1, .1},   {9999, -1, .1},        {5000, 0, 1},      {5000, .5, .55},
    {5000, 1, .1},    {5000, 7, .1},         {9, 0, .1},
};

START_TEST(the_learning_rate_rises_then_anneals_to_a_tenth)
{
    const struct rate_case *x = &rates[_i];
    struct config c = rig_config("orders", "topk", "cpu", "lr=0.01", NULL);
    NEAR(optimizer_rate(&c, x->step, x->done) / .01, x->want, 2e-4, 0, "step %ld, %g done", x->step,
         x->done);
}
END_TEST

/* ---- live changes ---- */
START_TEST(a_switch_keeps_weights_and_moments_and_training_goes_on)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c = rig_config(datas[_i], "topk", "cpu", "batch=8", NULL);
    struct trainer *t = model_rig_open(&c), *same = model_rig_open(&c);
    rig_steps(t, 10), rig_steps(same, 10);
    for (int i = 0; i < 2 * STRATEGIES; i++) { /* once round, then back and forth in threes */
        const char *next = strategies[(i < STRATEGIES ? i + 1 : 3 * i) % STRATEGIES];
        ck_assert_msg(trainer_set_router(t, next, &e), "%s", e.text);
        if (i == 0) rig_same_bits(t, same, "before and after the switch");
        rig_steps(t, 5);
        trainer_measure(t, &s, false);
        ck_assert(isfinite(s.loss) && (isfinite(s.losses[0]) || !s.router->losses[0].pressure));
        ck_assert_str_eq(s.router->name, next);
    }
    ck_assert_int_eq(s.marks, 2 * STRATEGIES);
    ck_assert_str_eq(s.mark[0].text, "router topp");
    ck_assert_int_eq((int)s.mark[1].step, 15);
    NEAR(s.skipped_steps, 0, 0, 0, "skipped");
    trainer_close(t), trainer_close(same);
}
END_TEST

START_TEST(a_knob_turned_live_is_heard_in_the_next_step)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    ck_assert_msg(trainer_set_knob(t, "k", "5", &e), "%s", e.text);
    rig_steps(t, 1);
    trainer_measure(t, &s, true);
    NEAR(s.experts_per_token, 5, 0, 0, "experts after k=5");
    ck_assert_int_eq(s.token[0].count[0], 5);
    ck_assert(!trainer_set_knob(t, "k", "9", &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    ck_assert(!trainer_set(t, "width", "32", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "reset"));
    ck_assert_msg(trainer_set(t, "lr", "0.001", &e), "%s", e.text);
    rig_steps(t, 1);
    NEAR(t->lr, 0.001 * 4 / 100, 0, 0.01, "learning rate in the warm-up");
    NEAR(t->config.knob[0], 5, 0, 0, "the refused k left the old one");
    trainer_close(t);
}
END_TEST

START_TEST(a_reset_is_a_fresh_start_and_a_refused_one_changes_nothing)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", NULL), bad = c,
                  other = rig_config("orders", "topk", "cpu", "experts=4", NULL);
    struct trainer *t = model_rig_open(&c), *fresh = model_rig_open(&c);
    rig_steps(t, 5);
    bad.value[CONFIG_EXPERTS] = 2, bad.knob[0] = 3;
    ck_assert(!rig_renew(t, &bad, &e));
    ck_assert_int_eq((int)trainer_now(t), 5);
    rig_steps(t, 1);
    ck_assert_msg(rig_renew(t, &c, &e), "%s", e.text);
    ck_assert_int_eq((int)trainer_now(t), 0);
    rig_same_bits(t, fresh, "reset and fresh");
    ck_assert_msg(rig_renew(t, &other, &e), "%s", e.text);
    rig_steps(t, 1);
    ck_assert_int_eq(t->model->layer[0].moe.route.E, 4);
    trainer_close(t), trainer_close(fresh);
}
END_TEST

SUITE(trainer_steps)
{
    TCase *t = tcase_create("steps");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, threads_do_not_change_a_bit_in_20_steps, 0, 2 * STRATEGIES);
    tcase_add_loop_test(t, float32_on_the_cpu_follows_the_reference_within_1e_4_over_10_steps, 0,
                        2 * STRATEGIES);
    tcase_add_test(t, another_seed_is_another_run_and_the_same_seed_the_same);
    tcase_add_test(t, orders_are_learnt_in_300_steps);
    tcase_add_loop_test(t, every_pick_is_an_expert_a_slot_or_dropped, 0, 5);
    tcase_add_loop_test(t, flops_are_counted_from_the_picks_that_were_made, 0,
                        sizeof flops_cases / sizeof *flops_cases);
    tcase_add_loop_test(t, the_window_shows_the_same_tokens_while_the_weights_change, 0, 2);
    tcase_add_loop_test(t, looking_at_a_run_does_not_change_it, 0, 2);
    tcase_add_loop_test(t, the_learning_rate_rises_then_anneals_to_a_tenth, 0,
                        sizeof rates / sizeof *rates);
    tcase_add_loop_test(t, a_switch_keeps_weights_and_moments_and_training_goes_on, 0, 2);
    tcase_add_test(t, a_knob_turned_live_is_heard_in_the_next_step);
    tcase_add_test(t, a_reset_is_a_fresh_start_and_a_refused_one_changes_nothing);
    suite_add_tcase(suite, t);
}
