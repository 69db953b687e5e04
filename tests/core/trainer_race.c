/* Races: the same start for all, the budget kept, the front marked. */
#include "core/train/race.h"
#include "tests/core/model_rig.h"

#include <jansson.h>

struct seen {
    int first, last, steps;
    double first_loss[4];
    int stop_after;
};

static bool tell(void *to, const char *lane, const struct snapshot *s, bool first, bool last)
{
    struct seen *seen = to;
    ck_assert_uint_gt(strlen(lane), 3);
    if (!first && !last && s->step == 1 && seen->first <= 4)
        seen->first_loss[seen->first - 1] = s->loss;
    seen->first += first, seen->last += last, seen->steps += !first && !last;
    return seen->stop_after == 0 || seen->steps < seen->stop_after;
}

static struct race two_lanes(struct seen *seen)
{
    struct race r = {.lanes = 2,
                     .seed = {1, 2},
                     .seeds = 2,
                     .kind = RACE_STEPS,
                     .budget = 12,
                     .every = 1,
                     .tell = tell,
                     .to = seen};
    r.lane[0] = rig_config("orders", "topk", "cpu", "k=8", NULL);
    r.lane[1] = rig_config("orders", "topp", "cpu", "p=1", NULL);
    return r;
}

START_TEST(lanes_of_one_seed_start_from_the_same_weights_and_batches)
{
    struct err e = {0};
    struct seen seen = {0};
    struct race r = two_lanes(&seen);
    struct race_result result[2];
    ck_assert_msg(race_run(&r, result, &e), "%s", e.text);
    ck_assert_int_eq(seen.first, 4);
    ck_assert_int_eq(seen.last, 4);
    ck_assert_int_eq(seen.steps, 48);
    NEAR(seen.first_loss[0], seen.first_loss[2], 1e-6, 0,
         "k=8 and p=1 are one rule: loss of the first step, seed 1");
    NEAR(seen.first_loss[1], seen.first_loss[3], 1e-6, 0, "the same, seed 2");
    ck_assert_double_ne(seen.first_loss[0], seen.first_loss[1]);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq((int)result[i].steps.mean, 12);
        ck_assert(result[i].accuracy.min <= result[i].accuracy.mean &&
                  result[i].accuracy.mean <= result[i].accuracy.max);
        NEAR(result[i].experts.mean, 8, 0, 0, "experts");
    }
    ck_assert_str_eq(result[0].lane, "topk k=8");
}
END_TEST

START_TEST(a_budget_of_flops_gives_cheap_lanes_more_steps)
{
    struct err e = {0};
    struct seen seen = {0};
    struct race r = two_lanes(&seen);
    struct race_result result[2];
    r.kind = RACE_FLOPS, r.budget = 3 * 256 * 22656.0 * 10, r.seeds = 1; /* ten steps of k=8 */
    r.lane[1] = rig_config("orders", "topk", "cpu", "k=2", NULL);
    ck_assert_msg(race_run(&r, result, &e), "%s", e.text);
    ck_assert_int_eq((int)result[0].steps.mean, 10);
    ck_assert_int_eq((int)result[1].steps.mean, 17); /* 22656 / 13440 x 10, rounded up */
}
END_TEST

/* The target is met by the knob of the lane's own strategy, and the value found is said. */
START_TEST(lanes_are_steered_to_the_number_of_experts_wanted)
{
    static const struct {
        const char *strategy, *knob;
        double target, low, high;
    } cases[] = {
        {"topp", "p", 2.5, 2.25, 2.75},
        {"topp", "p", 1, 1, 1.05},
        {"topk", "k", 3, 3, 3},
        {"topk", "k", 3.4, 3, 3}, /* the nearest whole number */
    };
    struct err e = {0};
    struct race r = {.lanes = 1,
                     .seed = {1},
                     .seeds = 1,
                     .kind = RACE_STEPS,
                     .budget = 200,
                     .target = cases[_i].target};
    struct race_result result;
    struct text line = {0};
    r.lane[0] = rig_config("orders", cases[_i].strategy, "cpu", "batch=64", NULL);
    ck_assert_msg(race_run(&r, &result, &e), "%s", e.text);
    ck_assert_msg(result.experts.mean >= cases[_i].low && result.experts.mean <= cases[_i].high,
                  "%s at %g: got %g with %s", cases[_i].strategy, cases[_i].target,
                  result.experts.mean, result.steered);
    ck_assert_msg(strncmp(result.steered, cases[_i].knob, strlen(cases[_i].knob)) == 0 &&
                      (strstr(result.lane, result.steered) || strstr(result.steered, "k=2")),
                  "'%s' in '%s'", result.steered, result.lane);
    ck_assert_int_ge(result.pilots, 1);
    ck_assert_int_ge(result.trials, 1);
    NEAR(r.done, 1, 1e-9, 0, "done");
    race_json(&line, &result, 1, r.target, false);
    json_t *all = json_loads(text_str(&line), JSON_REJECT_DUPLICATES, NULL);
    NEAR(json_number_value(json_object_get(all, "target_experts")), r.target, 0, 0, "target");
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(all, "lanes"), 0), "steered")),
                     result.steered);
    json_decref(all), text_clear(&line);
    race_table(&line, &result, 1, r.target);
    ck_assert_ptr_nonnull(strstr(text_str(&line), "wanted"));
    text_free(&line);
}
END_TEST

START_TEST(a_target_beyond_the_experts_is_refused_and_forced_counts_are_not_steered)
{
    struct err e = {0};
    struct race r = {.lanes = 1, .seed = {1}, .seeds = 1, .budget = 3, .target = 9};
    struct race_result result;
    r.lane[0] = rig_config("orders", "topk", "cpu", "counts=true", "batch=64", NULL);
    ck_assert(!race_run(&r, &result, &e));
    ck_assert_str_eq(e.text, "a target of 9 experts is more than the 8 there are");
    r.target = 4;
    ck_assert_msg(race_run(&r, &result, &e), "%s", e.text);
    ck_assert_str_eq(result.steered, "");
    ck_assert_int_eq(result.pilots + result.trials, 0);
    ck_assert_str_eq(result.excluded, "control");
    ck_assert(!result.front);
}
END_TEST

START_TEST(whoever_sees_the_future_or_the_need_is_compared_with_nobody)
{
    struct race_result r[3] = {{.lane = "a", .accuracy = {.mean = .9}, .flops = {.mean = 10}},
                               {.lane = "b", .accuracy = {.mean = .99}, .flops = {.mean = 5}},
                               {.lane = "c", .accuracy = {.mean = .8}, .flops = {.mean = 9}}};
    struct text line = {0};
    r[1].excluded = "sees the future";
    race_mark(r, 3);
    ck_assert(r[0].front && !r[1].front && r[2].front);
    race_table(&line, r, 3, 0);
    ck_assert_ptr_nonnull(strstr(text_str(&line), "- not compared: b (sees the future)"));
    text_free(&line);
    struct err e = {0};
    struct router ahead = *router_at(0);
    ahead.needs |= SEES_FUTURE;
    struct race one = {.lanes = 1, .seed = {1}, .seeds = 1, .budget = 2};
    one.lane[0] = rig_config("orders", ahead.name, "cpu", "batch=64", NULL);
    one.lane[0].router = &ahead;
    ck_assert_msg(race_run(&one, r, &e), "%s", e.text);
    ck_assert_str_eq(r[0].excluded, "sees the future");
}
END_TEST

START_TEST(whoever_watches_can_stop_the_race)
{
    struct err e = {0};
    struct seen seen = {.stop_after = 3};
    struct race r = two_lanes(&seen);
    struct race_result result[2];
    ck_assert(!race_run(&r, result, &e));
    ck_assert_int_eq(e.code, ERR_INTERRUPTED);
    ck_assert_int_eq(seen.steps, 3);
}
END_TEST

START_TEST(the_front_is_what_nobody_beats_in_both)
{
    static const struct {
        double accuracy, flops;
        bool front, future;
    } want[] = {
        {.9, 10, true, false}, {.9, 12, false, false}, {.95, 12, true, false},
        {.5, 9, true, false},  {.4, 11, false, false}, {NAN, 1, false, false},
        {.99, 5, false, true}, /* beats all, but saw them all */
    };
    enum { N = sizeof want / sizeof *want };
    struct race_result r[N] = {0};
    struct text line = {0};
    for (int i = 0; i < N; i++)
        r[i] = (struct race_result){.lane = "x",
                                    .seeds = 1,
                                    .accuracy = {.mean = want[i].accuracy},
                                    .flops = {.mean = want[i].flops},
                                    .excluded = want[i].future ? "sees the future" : NULL};
    race_mark(r, N);
    for (int i = 0; i < N; i++) ck_assert_msg(r[i].front == want[i].front, "lane %d", i);
    race_json(&line, r, N, 0, false);
    json_t *all = json_loads(text_str(&line), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(all);
    ck_assert_uint_eq(json_array_size(json_object_get(all, "lanes")), N);
    ck_assert(json_is_true(
        json_object_get(json_array_get(json_object_get(all, "lanes"), 2), "on_pareto_front")));
    json_decref(all);
    text_clear(&line);
    race_table(&line, r, N, 0);
    ck_assert_ptr_nonnull(strstr(text_str(&line), "* x"));
    text_free(&line);
}
END_TEST

START_TEST(a_rule_that_sees_the_future_has_no_loss_to_compare_and_says_so)
{
    static struct race_result result[2];
    static struct race race;
    struct text table = {0};
    struct err e = {0};
    race = (struct race){.lanes = 2,
                         .lane = {rig_config("text", "topk", "cpu", "batch=4", NULL),
                                  rig_config("text", "expertchoice", "cpu", "batch=4", NULL)},
                         .seed = {1},
                         .seeds = 1,
                         .kind = RACE_STEPS,
                         .budget = 3};
    ck_assert_msg(race_run(&race, result, &e), "%s", e.text);
    ck_assert(isfinite(result[0].loss.mean) && isnan(result[1].loss.mean));
    ck_assert(result[0].front && !result[1].front && isfinite(result[1].accuracy.mean));
    race_table(&table, result, 2, 0);
    ck_assert_ptr_nonnull(
        strstr(text_str(&table), "- not compared: expertchoice (sees the future)\n"));
    text_free(&table);
}
END_TEST

static bool refuse(void *to, unsigned char byte, double experts)
{
    (void)to, (void)byte, (void)experts;
    return false;
}

START_TEST(it_writes_no_text_and_its_leak_is_measured)
{
    static struct snapshot s;
    struct err e = {0};
    struct config c = rig_config("text", "expertchoice", "cpu", "batch=8", NULL),
                  other = rig_config("text", "topk", "cpu", "batch=8", NULL);
    struct trainer *t = model_rig_open(&c), *k = model_rig_open(&other);
    rig_steps(t, 40), rig_steps(k, 2);
    ck_assert(!trainer_sample(t, "a", 4, 0, 1, refuse, NULL, &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "cannot write"));
    ck_assert_msg(trainer_evaluate(t, 256, &s, &e), "%s", e.text);
    ck_assert_msg(isfinite(s.val_leak) && s.val_leak != 0, "leak %g", s.val_leak);
    double leak = s.val_leak;
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    ck_assert_double_eq(s.rule[1], leak);
    ck_assert_msg(trainer_evaluate(k, 256, &s, &e), "%s", e.text);
    ck_assert(isnan(s.val_leak));
    trainer_close(t), trainer_close(k);
}
END_TEST

SUITE(trainer_race)
{
    TCase *t = tcase_create("race");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, lanes_of_one_seed_start_from_the_same_weights_and_batches);
    tcase_add_test(t, a_budget_of_flops_gives_cheap_lanes_more_steps);
    tcase_add_loop_test(t, lanes_are_steered_to_the_number_of_experts_wanted, 0, 4);
    tcase_add_test(t, a_target_beyond_the_experts_is_refused_and_forced_counts_are_not_steered);
    tcase_add_test(t, whoever_sees_the_future_or_the_need_is_compared_with_nobody);
    tcase_add_test(t, whoever_watches_can_stop_the_race);
    tcase_add_test(t, a_rule_that_sees_the_future_has_no_loss_to_compare_and_says_so);
    tcase_add_test(t, it_writes_no_text_and_its_leak_is_measured);
    tcase_add_test(t, the_front_is_what_nobody_beats_in_both);
    suite_add_tcase(suite, t);
}
