/* Races in turn: the same numbers as races in a row, and a model beside them that nobody touched. */
#include "core/train/race_live.h"
#include "core/console/verbs.h"
#include "tests/core/model_rig.h"

static struct race lanes(const char *data)
{
    static const char *const names[] = {"topk", "remoe", "adak", "dynmoe"};
    struct race r = {.lanes = 4, .seed = {3, 5}, .seeds = 2, .kind = RACE_STEPS, .budget = 60};
    for (int i = 0; i < 4; i++) r.lane[i] = rig_config(data, names[i], "cpu", "batch=32", NULL);
    return r;
}

static void same(const struct race_range *a, const struct race_range *b, const char *what)
{
    ck_assert_msg(memcmp(a, b, sizeof *a) == 0, "%s: %.17g in turn, %.17g in a row", what, a->mean,
                  b->mean);
}

/* The looks on the way and the turns of others change no bit. */
START_TEST(a_race_in_turn_gives_what_a_race_in_a_row_gives)
{
    static struct race_result row[4];
    static struct snap_race seen;
    static struct race r;
    struct err e = {0};
    struct text turns = {0}, rows = {0};
    r = lanes(_i ? "text" : "orders");
    if (_i) r.seeds = 1, r.budget = 8;
    ck_assert_msg(race_run(&r, row, &e), "%s", e.text);
    struct race_live *l = race_live_open(&r, &e);
    ck_assert_msg(l != NULL, "%s", e.text);
    int turn = 0;
    for (; race_live_on(l); turn++) {
        ck_assert_msg(race_live_turn(l, 5e-4, &e), "%s", e.text);
        race_live_show(l, &seen);
        ck_assert(seen.done >= 0 && seen.done <= 1 + 1e-9);
    }
    ck_assert_int_gt(turn, 30);
    ck_assert_double_eq(seen.done, 1);
    for (int i = 0; i < 4; i++) {
        const struct snap_lane *a = &seen.lane[i];
        struct race_range accuracy = {a->accuracy, a->least, a->most};
        ck_assert_int_gt(a->trail, 5);
        ck_assert_str_eq(a->label, row[i].lane);
        ck_assert_int_eq((int)a->steps, (int)row[i].steps.mean);
        if (r.seeds > 1) same(&accuracy, &row[i].accuracy, "accuracy");
        NEAR(a->accuracy, row[i].accuracy.mean, 0, 0, "accuracy");
        NEAR(a->val_loss, row[i].loss.mean, 0, 0, "loss");
        NEAR(a->experts, row[i].experts.mean, 0, 0, "experts");
        NEAR(a->flops, row[i].flops.mean, 0, 0, "flops");
        ck_assert_int_eq(a->front, seen.lane[i].front);
        row[i].speed = (struct race_range){0};
    }
    race_live_table(l, &turns);
    ck_assert_ptr_nonnull(strstr(text_str(&turns), "remoe"));
    race_mark(row, 4);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(seen.lane[i].front, row[i].front);
    text_free(&turns), text_free(&rows);
    race_live_close(l);
}
END_TEST

/* Every lane is at about the same share of its budget at any time. */
START_TEST(turns_keep_all_lanes_together)
{
    static struct snap_race seen;
    static struct race r;
    struct err e = {0};
    r = lanes("orders");
    r.seeds = 1, r.budget = 200;
    struct race_live *l = race_live_open(&r, &e);
    double apart = 0;
    while (race_live_on(l)) {
        double least = 1, most = 0;
        ck_assert_msg(race_live_turn(l, 1e-9, &e), "%s", e.text); /* a step at a time */
        race_live_show(l, &seen);
        for (int i = 0; i < 4; i++)
            least = fmin(least, seen.lane[i].done), most = fmax(most, seen.lane[i].done);
        apart = fmax(apart, most - least);
    }
    ck_assert_msg(apart <= 1.5 / 200, "lanes were %g of the budget apart", apart);
    race_live_close(l);
}
END_TEST

static void must(struct console *c, const char *line)
{
    struct text out = {0};
    struct err e = {0};
    ck_assert_msg(console_do(c, line, &out, &e), "%s: %s", line, e.text);
    text_free(&out);
}

static const struct snapshot *run(struct console *c)
{
    struct err e = {0};
    while (console_busy(c)) ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
    return console_snapshot(c);
}

START_TEST(the_model_rests_and_comes_back_untouched)
{
    struct err e = {0};
    struct config config = rig_config("orders", "remoe", "cpu", "batch=32", NULL);
    struct console *with = console_open(&config, &e), *without = console_open(&config, &e);
    must(with, "train 20"), must(without, "train 40");
    run(with), run(without);
    must(with, "race topk topp p=0.6 steps=30");
    const struct snapshot *s = run(with);
    ck_assert_int_eq(s->race.lanes, 2);
    ck_assert_str_eq(s->race.lane[1].label, "topp p=0.60");
    ck_assert_int_eq((int)s->race.lane[1].steps, 30);
    ck_assert(!s->race.on && s->race.lane[0].finished && s->paused);
    ck_assert_int_eq((int)s->step, 20);
    must(with, "train 20");
    run(with);
    rig_same_bits(console_trainer(with), console_trainer(without), "with a race between");
    console_close(with), console_close(without);
}
END_TEST

START_TEST(a_paused_model_is_paused_again_after_the_race)
{
    struct err e = {0};
    struct config config = rig_config("orders", "topk", "cpu", "batch=32", NULL);
    struct console *c = console_open(&config, &e);
    must(c, "go"), must(c, "pause");
    must(c, "race topk topp steps=10");
    ck_assert(console_busy(c));
    const struct snapshot *s = run(c); /* ends, though the model has no goal */
    ck_assert(s->paused && !s->race.on && s->race.lane[1].finished);
    must(c, "race again"), must(c, "race again"), must(c, "race stop");
    ck_assert(!console_busy(c));
    must(c, "go");
    ck_assert(console_busy(c));
    ck_assert_int_eq((int)trainer_now(console_trainer(c)), 0);
    console_close(c);
}
END_TEST

/* A count is set, a price or a threshold is turned on the way; what came of it stands in the label. */
START_TEST(with_an_aim_every_lane_takes_as_many_experts)
{
    struct config config = rig_config("orders", "topk", "cpu", "batch=64", NULL);
    struct err e = {0};
    struct console *c = console_open(&config, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    must(c, "race topk topp adak steps=800 aim=1.5");
    const struct snap_race *r = &run(c)->race;
    NEAR(r->target, 1.5, 0, 0, "what is shown");
    NEAR(r->lane[0].experts, 2, 0, 0, "k is a whole number");
    NEAR(r->lane[1].experts, 1.5, 0, 0.2, "topp");
    NEAR(r->lane[2].experts, 1.5, 0, 0.35, "adak, which has half of the steps");
    ck_assert_msg(strstr(r->lane[1].label, "topp p="), "%s", r->lane[1].label);
    must(c, "race topp steps=20");
    ck_assert_str_eq(run(c)->race.lane[0].label, "topp");
    NEAR(console_snapshot(c)->race.target, 0, 0, 0, "no aim is left over");
    console_close(c);
}
END_TEST

START_TEST(what_is_no_race_is_refused_and_says_why)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"race tokp", "topk"},
        {"race p=0.5", "behind the strategy"},
        {"race topp p=7", "p"},
        {"race topk steps=0", "whole number"},
        {"race topk seconds=-1", "above 0"},
        {"race topk seeds=1,,2", "commas"},
        {"race stop", "no race"},
        {"race again", "no race"},
        {"race show", "no race"},
        {"race topk topk topk topk topk topk topk topk topk topk topk topk topk", "at most"},
        {"race topk k=9", "k"},
        {"race topp aim=0", "above 0"},
        {"race topp aim=9", "more than the 8"},
    };
    struct err e = {0};
    struct text out = {0};
    struct config config = rig_config("orders", "topk", "cpu", "batch=32", NULL);
    struct console *c = console_open(&config, &e);
    ck_assert(!console_do(c, cases[_i].line, &out, &e));
    ck_assert_msg(strstr(e.text, cases[_i].says) != NULL, "%s: '%s' does not say '%s'",
                  cases[_i].line, e.text, cases[_i].says);
    ck_assert(!console_busy(c));
    must(c, "race topk k=1 \"topp p=0.7\" seconds=0.02 seeds=4,9");
    ck_assert_int_eq(console_snapshot(c)->race.seeds, 2);
    must(c, "race stop");
    ck_assert(!console_busy(c));
    must(c, "race again");
    ck_assert(console_busy(c));
    ck_assert_str_eq(run(c)->race.lane[0].label, "topk k=1");
    text_free(&out);
    console_close(c);
}
END_TEST

SUITE(trainer_race_live)
{
    TCase *t = tcase_create("live");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_race_in_turn_gives_what_a_race_in_a_row_gives, 0, 2);
    tcase_add_test(t, turns_keep_all_lanes_together);
    tcase_add_test(t, the_model_rests_and_comes_back_untouched);
    tcase_add_test(t, with_an_aim_every_lane_takes_as_many_experts);
    tcase_add_test(t, a_paused_model_is_paused_again_after_the_race);
    tcase_add_loop_test(t, what_is_no_race_is_refused_and_says_why, 0, 13);
    suite_add_tcase(suite, t);
}
