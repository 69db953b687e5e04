/* tests/core/train_past.c - Back in time bit by bit, under every strategy; the guard against what is
 * not finite. */
#include "core/train/past.h"
#include "tests/core/model_rig.h"

enum { STRATEGIES = 16 };

static void steps(struct trainer *t, int n)
{
    struct err e = {0};
    for (int i = 0; i < n; i++) {
        ck_assert_msg(trainer_step(t, &e), "%s", e.text);
        past_note(t);
    }
}

static struct trainer *open_kept(const char *data, const char *strategy, const char *word)
{
    struct config c = rig_config(data, strategy, "cpu", "batch=16", word, NULL);
    struct trainer *t = model_rig_open(&c);
    past_open(t);
    return t;
}

START_TEST(rewound_and_made_again_it_is_the_same_bit_by_bit)
{
    struct err e = {0};
    if (!router_at(_i)) return;
    struct trainer *t = open_kept("orders", router_at(_i)->name, NULL),
                   *u = open_kept("orders", router_at(_i)->name, NULL);
    steps(t, 100), steps(u, 100);
    ck_assert_msg(past_rewind(t, 50, &e), "%s", e.text);
    ck_assert_int_eq(trainer_now(t), 50);
    steps(t, 50);
    rig_same_bits(t, u, router_at(_i)->name);
    ck_assert_msg(past_rewind(t, 43, &e), "%s", e.text);
    steps(t, 57);
    rig_same_bits(t, u, router_at(_i)->name);
    trainer_close(t), trainer_close(u);
}
END_TEST

START_TEST(a_rewind_goes_through_changes_as_they_were_made)
{
    struct err e = {0};
    struct trainer *t[2];
    for (int k = 0; k < 2; k++) {
        t[k] = open_kept("text", "topk", NULL);
        steps(t[k], 13);
        ck_assert(trainer_set_knob(t[k], "k", "3", &e)), past_note(t[k]);
        steps(t[k], 4);
        ck_assert(trainer_clone(t[k], 0, 3, &e)), past_note(t[k]);
        steps(t[k], 5);
        ck_assert_msg(trainer_set_router(t[k], "dynmoe", &e), "%s", e.text), past_note(t[k]);
        steps(t[k], 6);
        ck_assert(trainer_fleet(t[k], FLEET_BREAK, 1, &e)), past_note(t[k]);
        steps(t[k], 12);
        if (k) break;
        ck_assert_msg(past_rewind(t[0], 15, &e), "%s", e.text);
        ck_assert_str_eq(trainer_config(t[0])->router->name, "topk");
        ck_assert_uint_eq(trainer_config(t[0])->fleet.broken, 0);
        steps(t[0], 2);
        ck_assert(trainer_clone(t[0], 0, 3, &e)), past_note(t[0]);
        steps(t[0], 5);
        ck_assert(trainer_set_router(t[0], "dynmoe", &e)), past_note(t[0]);
        steps(t[0], 10);
        ck_assert_msg(past_rewind(t[0], 28, &e), "%s", e.text);
        ck_assert(trainer_fleet(t[0], FLEET_BREAK, 1, &e)), past_note(t[0]);
        steps(t[0], 12);
    }
    rig_same_bits(t[0], t[1], "with changes on the way");
    trainer_close(t[0]), trainer_close(t[1]);
}
END_TEST

START_TEST(long_ago_is_kept_thinly_and_memory_is_bounded)
{
    struct err e = {0};
    struct trainer *t = open_kept("orders", "topk", "expert-width=1"), *u;
    steps(t, 3000);
    ck_assert_int_eq(past_oldest(t), 0);
    ck_assert_int_le(past_count(t), 64);
    u = open_kept("orders", "topk", "expert-width=1");
    steps(u, 777);
    ck_assert_msg(past_rewind(t, 777, &e), "%s", e.text);
    rig_same_bits(t, u, "far back");
    for (int i = 0; i < 200; i++) { /* a slider that is dragged */
        char value[16];
        snprintf(value, sizeof value, "%.4f", .01 + i * 1e-4);
        ck_assert(trainer_set_knob(t, "aux", value, &e)), past_note(t);
        steps(t, 1);
    }
    ck_assert_int_le(past_count(t), 64);
    ck_assert(past_oldest(t) > 777);
    ck_assert(!past_rewind(t, 10, &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    trainer_close(t), trainer_close(u);
}
END_TEST

static const struct poison_case {
    enum trainer_poison what;
    const char *found;
} poisons[] = {{POISON_GRADIENT, "the gradient"},
               {POISON_WEIGHT, "a weight"},
               {POISON_LOSS, "the loss"},
               {POISON_LOGITS, "a router's logit"}};

START_TEST(an_injected_nan_is_found_named_and_survived)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topk", "cpu", "batch=16", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 60);
    trainer_inject(t, poisons[_i].what);
    rig_steps(t, 1);
    trainer_measure(t, &s, true);
    ck_assert_msg(strstr(s.notice, poisons[_i].found) && strstr(s.notice, "injected"), "%s",
                  s.notice);
    ck_assert(s.skipped_steps == 1);
    rig_steps(t, 9);
    trainer_measure(t, &s, true);
    bool stays = poisons[_i].what == POISON_WEIGHT; /* until the good state is taken back */
    ck_assert_msg(s.skipped_steps == (stays ? 3 : 1), "%g", s.skipped_steps);
    ck_assert(t->lr_scale == (stays ? .5 : 1));
    ck_assert(isfinite(s.loss) && isfinite(s.grad_norm));
    trainer_close(t);
}
END_TEST

SUITE(train_past)
{
    TCase *t = tcase_create("past");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, rewound_and_made_again_it_is_the_same_bit_by_bit, 0, STRATEGIES);
    tcase_add_test(t, a_rewind_goes_through_changes_as_they_were_made);
    tcase_add_test(t, long_ago_is_kept_thinly_and_memory_is_bounded);
    tcase_add_loop_test(t, an_injected_nan_is_found_named_and_survived, 0,
                        sizeof poisons / sizeof *poisons);
    suite_add_tcase(suite, t);
}
