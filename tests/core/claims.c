/* The table of claims and the verdicts: planted results both ways, what is not here, and every
 * experiment run for two steps, so that no lane or field of the table is a word that nothing
 * knows. */
#include "core/claims/claims.h"
#include "core/metrics/report.h"
#include "tests/check.h"

#include <jansson.h>

/* ---- planted results ---- */
static const struct claim planted = {
    .strategy = "topp",
    .says = "better with fewer",
    .data = "orders",
    .lane = {"topp", "topk"},
    .asks = {"a.val_accuracy > b.val_accuracy + 0.02",
             "a.val_experts_per_token < 0.9 * b.val_experts_per_token"},
};

static struct claim_result result_of(const struct claim *c, const double at[][3], int values)
{
    static const char *const names[] = {"a.val_accuracy", "b.val_accuracy",
                                        "a.val_experts_per_token", "b.val_experts_per_token"};
    struct claim_result r = {.claim = c, .seed = {1, 2, 3}, .seeds = 3, .steps = 10};
    for (int i = 0; i < values; i++) {
        snprintf(r.value[i].name, sizeof r.value[i].name, "%s", names[i]);
        memcpy(r.value[i].at, at[i], sizeof at[i]);
    }
    r.values = values;
    claim_judge(&r);
    return r;
}

static const struct {
    const char *what, *why;
    double at[4][3];
    int held[2];
    enum claim_verdict verdict;
} cases[] = {
    {"all holds",
     "every seed",
     {{.9, .9, .9}, {.8, .8, .8}, {1, 1, 1}, {2, 2, 2}},
     {3, 3},
     CLAIM_SHOWS},
    {"one seed is worse",
     "val_accuracy",
     {{.9, .7, .9}, {.8, .8, .8}, {1, 1, 1}, {2, 2, 2}},
     {2, 3},
     CLAIM_DOES_NOT},
    {"better, but not by enough",
     "val_accuracy",
     {{.81, .81, .81}, {.8, .8, .8}, {1, 1, 1}, {2, 2, 2}},
     {0, 3},
     CLAIM_DOES_NOT},
    {"better by more experts",
     "val_experts_per_token",
     {{.9, .9, .9}, {.8, .8, .8}, {2, 1.85, 1.7}, {2, 2, 2}},
     {3, 1},
     CLAIM_DOES_NOT},
    {"nothing holds, and the worst is told",
     "val_experts_per_token",
     {{.9, .7, .7}, {.8, .8, .8}, {2, 2, 2}, {2, 2, 2}},
     {1, 0},
     CLAIM_DOES_NOT},
    {"one number is unknown",
     "a.val_accuracy was not measured",
     {{.9, NAN, .9}, {.8, .8, .8}, {1, 1, 1}, {2, 2, 2}},
     {1, 0},
     CLAIM_CANNOT},
};

START_TEST(a_verdict_follows_from_the_numbers)
{
    struct claim_result r = result_of(&planted, cases[_i].at, 4);
    ck_assert_msg(r.verdict == cases[_i].verdict, "%s: '%s' because %s", cases[_i].what,
                  claim_verdict_name(r.verdict), r.why);
    ck_assert_msg(strstr(r.why, cases[_i].why) != NULL, "%s: why is '%s'", cases[_i].what, r.why);
    for (int i = 0; i < 2; i++) ck_assert_int_eq(r.held[i], cases[_i].held[i]);
}
END_TEST

START_TEST(a_number_that_nobody_gave_is_unknown)
{
    struct claim_result r = result_of(&planted, cases[0].at, 3);
    ck_assert_int_eq(r.verdict, CLAIM_CANNOT);
    ck_assert_ptr_nonnull(strstr(r.why, "b.val_experts_per_token"));
}
END_TEST

START_TEST(what_is_not_here_cannot_be_shown_whatever_the_numbers_are)
{
    struct claim c = planted;
    c.data = "omni";
    struct claim_result r = result_of(&c, cases[0].at, 4);
    ck_assert_int_eq(r.verdict, CLAIM_CANNOT);
    ck_assert_ptr_nonnull(strstr(r.why, "omni"));
    c = planted, c.asks[1] = "a.seconds_on_a_phone < b.seconds_on_a_phone";
    r = result_of(&c, cases[0].at, 4);
    ck_assert_int_eq(r.verdict, CLAIM_CANNOT);
    ck_assert_ptr_nonnull(strstr(r.why, "seconds_on_a_phone"));
    c = planted, c.asks[1] = "a.lambda > 1"; /* of remoe, and a is topp */
    r = result_of(&c, cases[0].at, 4);
    ck_assert_int_eq(r.verdict, CLAIM_CANNOT);
}
END_TEST

START_TEST(a_range_is_of_the_seeds)
{
    struct claim_result r = result_of(&planted, cases[3].at, 4);
    struct race_range range = claim_range(&r, 2);
    NEAR(range.mean, 1.85, 1e-12, 0, "mean");
    NEAR(range.min, 1.7, 0, 0, "least");
    NEAR(range.max, 2, 0, 0, "most");
    r = result_of(&planted, cases[5].at, 4);
    ck_assert(isnan(claim_range(&r, 0).mean));
}
END_TEST

/* ---- the table ---- */
START_TEST(every_strategy_with_a_paper_has_a_claim_with_a_figure_and_a_source)
{
    for (int s = 0; router_at(s); s++) {
        int rows = 0;
        if (!strstr(router_at(s)->paper, "arXiv")) continue;
        for (int i = 0; claim_at(i); i++)
            rows += strcmp(claim_at(i)->strategy, router_at(s)->name) == 0;
        ck_assert_msg(rows > 0, "%s has no claim", router_at(s)->name);
    }
    for (int i = 0; claim_at(i); i++) {
        const struct claim *c = claim_at(i);
        ck_assert_msg(router_find(c->strategy, NULL) != NULL, "no strategy '%s'", c->strategy);
        ck_assert_msg(c->figure && c->setting && strstr(c->source, "arXiv"), "%s: %s", c->strategy,
                      c->says);
        ck_assert(c->asks[0] && c->lane[0]);
        ck_assert_msg(strncmp(c->lane[0], c->strategy, strlen(c->strategy)) == 0,
                      "lane a of '%s' is not %s", c->says, c->strategy);
    }
}
END_TEST

static int told, sees;
static bool hear(void *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct text text = {0}, json = {0};
    (void)to;
    told++;
    ck_assert_msg((r->verdict == CLAIM_CANNOT) == (c->missing != NULL), "%s, '%s': %s", c->strategy,
                  c->says, r->why);
    for (int i = 0; i < r->values; i++) {
        bool future = r->value[i].name[0] == 'a' && strcmp(c->strategy, "expertchoice") == 0 &&
                      strstr(r->value[i].name, "val_loss");
        sees += future;
        ck_assert_msg(isnan(r->value[i].at[0]) == future, "%s, '%s': %s is %g", c->strategy,
                      c->says, r->value[i].name, r->value[i].at[0]);
    }
    claim_text(&text, r);
    claim_json(&json, r);
    ck_assert_ptr_nonnull(strstr(text_str(&text), claim_verdict_name(r->verdict)));
    json_t *o = json_loads(text_str(&json), 0, NULL);
    ck_assert_msg(o != NULL, "no JSON: %s", text_str(&json));
    ck_assert_int_eq((int)json_object_size(json_object_get(o, "result")), r->values);
    json_decref(o);
    text_free(&text), text_free(&json);
    return true;
}

/* Two steps a lane: that the lanes can be read and run and all that is asked is measured. */
START_TEST(every_experiment_can_be_run)
{
    struct claims c = {.seed = {1}, .seeds = 1, .steps = 2, .tell = hear};
    struct err e;
    for (int i = 0; claim_at(i); i++) c.claim[c.count++] = claim_at(i);
    ck_assert_msg(claims_run(&c, &e), "%s", e.text);
    ck_assert_int_eq(told, c.count);
    ck_assert_int_gt(sees, 0);
    NEAR(c.done, 1, 1e-6, 0, "how much is done at the end");
}
END_TEST

static bool stop(void *to, const char *lane, const struct snapshot *s)
{
    (void)lane, (void)s;
    return ++*(int *)to < 2;
}

START_TEST(whoever_watches_can_stop_them)
{
    int calls = 0;
    struct claims c = {.claim = {claim_at(0)},
                       .count = 1,
                       .seed = {1, 2},
                       .seeds = 2,
                       .steps = 2,
                       .tell = hear,
                       .progress = stop,
                       .to = &calls};
    struct err e;
    ck_assert(!claims_run(&c, &e));
    ck_assert_int_eq(e.code, ERR_INTERRUPTED);
    ck_assert_int_eq(calls, 2);
}
END_TEST

SUITE(claims)
{
    TCase *t = tcase_create("claims");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_verdict_follows_from_the_numbers, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, a_number_that_nobody_gave_is_unknown);
    tcase_add_test(t, what_is_not_here_cannot_be_shown_whatever_the_numbers_are);
    tcase_add_test(t, a_range_is_of_the_seeds);
    tcase_add_test(t, every_strategy_with_a_paper_has_a_claim_with_a_figure_and_a_source);
    tcase_add_test(t, every_experiment_can_be_run);
    tcase_add_test(t, whoever_watches_can_stop_them);
    suite_add_tcase(suite, t);
}
