/* Numbers that are not finite, planted one at a time in a training run of the release build: each
 * must be found in the step it acts in, cost no weight, and end either in recovery or in advice. */
#include "tests/core/model_rig.h"

static const double poisons[] = {NAN, INFINITY, -INFINITY};
static const char *const blocks[] = {"weight", "gradient", "first moment", "second moment"};

static struct kn_buf block(struct trainer *t, int which)
{
    struct params *p = &t->model->params;
    return which == 0 ? p->w : which == 1 ? p->g : which == 2 ? p->m : p->v;
}

static void plant(struct trainer *t, int which, size_t at, double value)
{
    kn_write(t->be, kn_part(t->be, block(t, which), at), &value, 1);
    model_repack(t->model);
}

static void all_finite(struct trainer *t, const char *what)
{
    for (int k = 0; k < 4; k++) {
        size_t n;
        double *x = model_rig_read(t, block(t, k), &n);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(isfinite(x[i]), "%s: %s %zu is %g", what, blocks[k], i, x[i]);
        free(x);
    }
}

/* 108 plants: every tensor of the table is hit, in turn in each block. */
START_TEST(one_bad_number_anywhere_is_found_in_its_step_and_nothing_else_moves)
{
    struct config c = rig_config("orders", _i % 2 ? "topp" : "topk", "cpu", "batch=32", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    struct rng r = rng_at(9, RNG_SAMPLE, (uint32_t)_i);
    const struct params *p = &t->model->params;
    for (int k = 0; k < 54; k++) {
        const struct param *a = &p->list[k % p->count];
        int which = (k + _i) % 4;
        size_t n, at = a->first + rng_below(&r, (uint32_t)a->size);
        double old;
        kn_read(t->be, &old, kn_part(t->be, block(t, which), at), 1);
        double *before = model_rig_read(t, p->w, &n);
        plant(t, which, at, poisons[k % 3]);
        rig_steps(t, 1);
        ck_assert_msg(t->skipped == k + 1, "%g as a %s of %s passed unseen", poisons[k % 3],
                      blocks[which], a->name);
        if (which != 1) plant(t, which, at, old);
        double *after = model_rig_read(t, p->w, &n);
        ck_assert_msg(memcmp(before, after, n * sizeof *before) == 0,
                      "a weight moved in the step that was skipped");
        free(before), free(after);
        t->bad_row = 0;
    }
    rig_steps(t, 3);
    all_finite(t, "after all plants");
    ck_assert_int_eq((int)t->skipped, 54);
    trainer_close(t);
}
END_TEST

START_TEST(three_bad_steps_in_a_row_bring_the_last_good_state_back_at_half_the_rate)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topk", "cpu", "warmup=0", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 60); /* kept at 0 and 50 */
    plant(t, 0, 5, NAN);
    rig_steps(t, 2);
    ck_assert_int_eq(t->returns, 0);
    rig_steps(t, 1);
    ck_assert_int_eq(t->returns, 1);
    ck_assert_int_eq((int)t->optimizer.updates, 50);
    all_finite(t, "after the return");
    trainer_measure(t, &s, false);
    ck_assert_ptr_nonnull(strstr(s.notice, "back to"));
    rig_steps(t, 20);
    ck_assert_int_eq((int)t->skipped, 3);
    ck_assert_int_eq((int)trainer_now(t), 83);
    trainer_measure(t, &s, false);
    ck_assert(isfinite(s.loss));
    NEAR(s.lr, 0.5 * optimizer_rate(&c, 82, -1), 1e-12, 0, "learning rate");
    trainer_close(t);
}
END_TEST

START_TEST(what_three_returns_cannot_cure_ends_with_advice)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    double bad = NAN;
    kn_write(t->be, kn_part(t->be, t->good.w, 5), &bad,
             1); /* the state to go back to is no better */
    plant(t, 0, 5, NAN);
    int steps = 0;
    while (trainer_step(t, &e)) ck_assert_int_lt(++steps, 100);
    ck_assert_int_eq(steps, 11); /* three rows that end in a return, and a fourth */
    ck_assert_int_eq(e.code, ERR_DIVERGED);
    ck_assert_ptr_nonnull(strstr(e.text, "lr"));
    trainer_close(t);
}
END_TEST

START_TEST(a_learning_rate_that_is_far_too_high_ends_or_recovers_but_never_lies)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c =
        rig_config("orders", _i ? "topp" : "topk", "cpu", "lr=1", "warmup=0", "clip=0", NULL);
    struct trainer *t = model_rig_open(&c);
    for (int i = 0; i < 150; i++) {
        if (!trainer_step(t, &e)) {
            ck_assert_int_eq(e.code, ERR_DIVERGED);
            break;
        }
    }
    trainer_measure(t, &s, false);
    all_finite(t, "at the end");
    trainer_close(t);
}
END_TEST

SUITE(trainer_diverged)
{
    TCase *t = tcase_create("diverged");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, one_bad_number_anywhere_is_found_in_its_step_and_nothing_else_moves, 0,
                        2);
    tcase_add_test(t, three_bad_steps_in_a_row_bring_the_last_good_state_back_at_half_the_rate);
    tcase_add_test(t, what_three_returns_cannot_cure_ends_with_advice);
    tcase_add_loop_test(t, a_learning_rate_that_is_far_too_high_ends_or_recovers_but_never_lies, 0,
                        2);
    suite_add_tcase(suite, t);
}
