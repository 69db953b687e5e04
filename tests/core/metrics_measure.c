/* Tallies against what they should say: rank correlation against the sorting definition, loads,
 * shares, fields. */
#include "core/metrics/report.h"
#include "tests/core/model_rig.h"

#include <jansson.h>

/* ---- rho ---- */
/* Average rank of x[i] among n, by counting. */
static double rank_of(const int *x, int n, int i)
{
    double below = 0, same = 0;
    for (int k = 0; k < n; k++) below += x[k] < x[i], same += x[k] == x[i];
    return below + (same + 1) / 2;
}

static double slow_rho(const int *a, const int *b, int n)
{
    double mean = (n + 1) / 2.0, ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        double x = rank_of(a, n, i) - mean, y = rank_of(b, n, i) - mean;
        ab += x * y, aa += x * x, bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

static struct tally tally;

START_TEST(rho_is_spearmans_with_average_ranks)
{
    enum { N = 60 };
    int need[N], count[N];
    struct rng r = rng_at((uint64_t)_i, RNG_SAMPLE, 0);
    memset(&tally, 0, sizeof tally);
    for (int i = 0; i < N; i++) {
        need[i] = 1 + (int)rng_below(&r, 4), count[i] = (int)rng_below(&r, 3) + (_i % 3) * need[i];
        tally.joint[need[i]][count[i]]++;
    }
    NEAR(measure_rho(&tally, true), slow_rho(need, count, N), 1e-12, 0, "rho of draw %d", _i);
}
END_TEST

START_TEST(rho_of_a_constant_count_is_0_and_of_unknown_need_unknown)
{
    memset(&tally, 0, sizeof tally);
    ck_assert(isnan(measure_rho(&tally, true)));
    tally.joint[1][2] = 5, tally.joint[3][2] = 4;
    NEAR(measure_rho(&tally, true), 0, 0, 0, "constant count");
    tally.joint[4][6] = 1;
    ck_assert_double_gt(measure_rho(&tally, true), 0);
    ck_assert(isnan(measure_rho(&tally, false)));
}
END_TEST

/* ---- a step ---- */
/* Two tokens need 1 and get 1 and 3 experts, one needs 2 and gets 1; 1 of 3 orders is right; expert
 * 0 has 3 of 5 picks. */
START_TEST(a_tally_says_what_was_added)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topk", "ref", "experts=4", "batch=4", NULL);
    struct trainer *t = model_rig_open(&c);
    memset(&tally, 0, sizeof tally);
    snapshot_clear(&s);
    tally.tokens = 3, tally.nll = 4, tally.predictions = 4, tally.hits = 3, tally.judged = 3,
    tally.right = 1;
    tally.joint[1][1] = tally.joint[1][3] = tally.joint[2][1] = 1, tally.right_by_need[1] = 1;
    tally.picks[0][0] = 3, tally.picks[0][1] = tally.picks[0][2] = 1;
    tally.share[0][1] = 2, tally.share[0][3] = 1, tally.squares[0] = 1 + 9 + 1;
    measure_step(&tally, t->model, &s);
    NEAR(s.loss, 1, 1e-12, 0, "loss");
    NEAR(s.accuracy, 1 / 3.0, 1e-12, 0, "accuracy");
    NEAR(s.item_accuracy, .75, 1e-12, 0, "item accuracy");
    NEAR(s.experts_per_token, 5 / 3.0, 1e-12, 0, "experts");
    NEAR(s.experts_spread, sqrt(8) / 3, 1e-12, 0, "spread"); /* of 1, 3 and 1 */
    NEAR(s.load_max_over_mean, 3 / 1.25, 1e-12, 0, "load");
    NEAR(s.load_cv, sqrt((1.75 * 1.75 + 2 * .25 * .25 + 1.25 * 1.25) / 4) / 1.25, 1e-12, 0, "cv");
    NEAR(s.dead_experts, 1, 0, 0, "dead");
    NEAR(s.exact, 1 / 3.0, 1e-12, 0, "exact");
    NEAR(s.wasted, 1 / 3.0, 1e-12, 0, "wasted");
    NEAR(s.shorted, 1 / 3.0, 1e-12, 0, "shorted");
    NEAR(s.need_share[1], 2 / 3.0, 1e-6, 0, "need 1");
    NEAR(s.experts_by_need[1], 2, 1e-6, 0, "experts of need 1");
    NEAR(s.right_by_need[1], .5, 1e-6, 0, "right of need 1");
    ck_assert(isnan(s.experts_by_need[3]) && isnan(s.zero_compute_per_token) &&
              isnan(s.bits_per_char));
    NEAR(s.count_share[0][1], 2 / 3.0, 1e-6, 0, "share of tokens with one");
    trainer_close(t);
}
END_TEST

/* Classes and pairs, counted a second time from the masks, labels and hits of the same batch. */
START_TEST(classes_and_pairs_are_those_of_the_masks)
{
    enum { T = 256, E = 8 };
    static struct snapshot s;
    static int32_t mask[2][T * E], hit[T];
    static float nll[T];
    struct config c = rig_config(_i ? "ledger" : "orders", "topp", "cpu", "layers=2",
                                 _i ? "batch=4" : "batch=256", "expert-width=4", NULL);
    struct trainer *t = model_rig_open(&c);
    int items = t->model->data.items;
    trainer_focus(t, 1);
    rig_steps(t, 3);
    trainer_measure(t, &s, false);
    ck_assert_int_eq(t->batch.T, T);
    ck_assert_int_eq(s.picks.layer, 1);
    for (int l = 0; l < 2; l++)
        kn_read_ints(t->be, mask[l], t->model->layer[l].moe.route.mask, T * E);
    double kinds = 0;
    for (int k = 0; k < SNAP_KINDS; k++) {
        double n = 0, experts[2] = {0}, column[E] = {0};
        for (int i = 0; i < T; i++) {
            if (t->batch.kind[i] != k) continue;
            n++;
            for (int j = 0; j < E; j++)
                column[j] += mask[1][i * E + j], experts[0] += mask[0][i * E + j],
                    experts[1] += mask[1][i * E + j];
        }
        kinds += n > 0;
        ck_assert_int_eq(isnan(s.picks.share[k]), n == 0);
        if (n == 0) continue;
        NEAR((double)s.picks.share[k], n / T, 1e-6, 0, "share of class %d", k);
        for (int l = 0; l < 2; l++)
            NEAR((double)s.picks.experts[l][k], experts[l] / n, 1e-5, 0, "experts, layer %d", l);
        for (int j = 0; j < E; j++)
            NEAR((double)s.picks.column[k][j], column[j] / n, 1e-6, 0, "class %d, expert %d", k, j);
    }
    ck_assert_double_ge(kinds, 4);
    for (int a = 0; a < E; a++)
        for (int b = 0; b < E; b++) {
            double both = 0;
            for (int i = 0; i < T; i++) both += mask[1][i * E + a] && mask[1][i * E + b];
            NEAR((double)s.picks.together[a][b], both / T, 1e-6, 0, "experts %d and %d", a, b);
        }
    ck_assert(isnan(s.picks.together[E][0]) && isnan(s.picks.column[1][E]));
    if (items == 1) {
        double n = 0, right = 0, loss = 0;
        kn_read_ints(t->be, hit, t->model->hit, T);
        kn_read_f32(t->be, nll, t->model->nll, T);
        for (int i = 0; i < T; i++)
            if (t->batch.kind[i] == 5) n++, right += hit[i], loss += nll[i];
        NEAR((double)s.picks.right[5], right / n, 1e-6, 0, "right of the free bytes");
        NEAR((double)s.picks.loss[5], loss / n, 1e-5, 0, "loss of the free bytes");
        char name[16];
        ck_assert_str_eq(snapshot_kind(&s, 5, name), "free");
        ck_assert_str_eq(snapshot_kind(&s, 8, name), "8");
    }
    trainer_close(t);
}
END_TEST

START_TEST(before_the_first_step_all_is_unknown_and_after_it_known)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topp", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    trainer_measure(t, &s, false);
    ck_assert(isnan(s.loss) && isnan(s.accuracy) && isnan(s.experts_per_token) &&
              isnan(s.step_ms) && isnan(s.val_loss));
    rig_steps(t, 1);
    trainer_measure(t, &s, true);
    for (int i = 0; i < snapshot_field_count; i++) {
        const char *name = snapshot_fields[i].name;
        bool unknown = snapshot_fields[i].val || strcmp(name, "bits_per_char") == 0 ||
                       strcmp(name, "zero_compute_per_token") == 0;
        ck_assert_msg(isnan(field_get(&snapshot_fields[i], &s)) == unknown, "%s is %g", name,
                      field_get(&snapshot_fields[i], &s));
    }
    NEAR(s.router_entropy, log(8), 0.05, 0, "a fresh router is undecided");
    NEAR(s.gate_sum, 1, 1e-5, 0, "renormalised gates");
    NEAR(s.losses[0], 1, 0.1, 0, "a fresh router is balanced");
    NEAR(s.rule[1], s.router_entropy, 1e-5, 0, "topp's own entropy");
    ck_assert_int_eq(s.detail, 64);
    trainer_close(t);
}
END_TEST

START_TEST(passes_beside_the_step_are_told_by_the_token_and_end_with_it)
{
    static struct snapshot s;
    struct config c = rig_config("orders", "topk", "cpu", "batch=64", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 1);
    t->extra_flops = 64 * 1000.0;
    trainer_measure(t, &s, false);
    NEAR(s.train_flops_per_token, 3 * s.flops_per_token + 1000, 1e-9, 0, "of a token");
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    NEAR(s.train_flops_per_token, 3 * s.flops_per_token, 0, 0, "the next step made none");
    trainer_close(t);
}
END_TEST

START_TEST(a_field_that_does_not_exist_gets_the_nearest_named)
{
    struct err e = {0};
    ck_assert_ptr_null(field_find("acuracy", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "accuracy"));
    for (int i = 0; i < snapshot_field_count; i++)
        ck_assert_ptr_eq(field_find(snapshot_fields[i].name, &e), &snapshot_fields[i]);
}
END_TEST

/* ---- lines ---- */
START_TEST(every_report_is_one_line_of_json_and_unknown_is_null)
{
    static struct snapshot s;
    struct err e = {0};
    struct text line = {0};
    struct config c = rig_config("orders", "topp", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 1);
    trainer_measure(t, &s, false);
    if (_i == 2) ck_assert(trainer_evaluate(t, 512, &s, &e));
    (_i == 0 ? report_start : _i == 1 ? report_step : report_end)(&line, &s, "lane \"1\"\n");
    const char *end = strchr(text_str(&line), '\n');
    ck_assert(end && end[1] == 0);
    json_error_t why;
    json_t *all = json_loads(text_str(&line), JSON_REJECT_DUPLICATES, &why);
    ck_assert_msg(all != NULL, "%s: %s", why.text, text_str(&line));
    static const char *const types[] = {"start", "step", "end"};
    ck_assert_str_eq(json_string_value(json_object_get(all, "type")), types[_i]);
    ck_assert_str_eq(json_string_value(json_object_get(all, "lane")), "lane \"1\"\n");
    if (_i == 0) {
        ck_assert_str_eq(json_string_value(json_object_get(all, "schema")), "vanpool/1");
        NEAR(json_number_value(json_object_get(json_object_get(all, "knobs"), "p")), .9, 1e-9, 0,
             "p");
        ck_assert_int_eq((int)json_integer_value(json_object_get(all, "params")), 11488);
    }
    if (_i == 1) {
        ck_assert(json_is_null(json_object_get(all, "zero_compute_per_token")));
        ck_assert(json_is_integer(json_object_get(all, "dropped_pairs")));
        NEAR(json_number_value(json_object_get(all, "experts_per_token")), s.experts_per_token,
             1e-6, 0, "experts");
        ck_assert(json_is_number(json_object_get(json_object_get(all, "losses"), "aux")));
        ck_assert(json_is_number(json_object_get(json_object_get(all, "router"), "p_mass")));
    }
    if (_i == 2) {
        json_t *classes = json_object_get(all, "classes"),
               *pairs = json_object_get(all, "together");
        ck_assert_uint_eq(json_array_size(classes), 4); /* orders of 1, 2, 3, 4 items */
        ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(classes, 0), "taken")), 8);
        ck_assert_uint_eq(json_array_size(json_array_get(pairs, 7)), 8);
        NEAR(json_number_value(json_array_get(json_array_get(pairs, 2), 5)),
             (double)s.val_picks.together[2][5], 1e-6, 0, "experts 3 and 6");
        NEAR(json_number_value(json_object_get(all, "val_accuracy")), s.val_accuracy, 1e-6, 0,
             "val_accuracy");
        ck_assert(json_is_null(json_object_get(all, "val_bits_per_char")));
    }
    json_decref(all);
    text_free(&line);
    trainer_close(t);
}
END_TEST

SUITE(metrics_measure)
{
    TCase *t = tcase_create("measure");
    tcase_add_loop_test(t, rho_is_spearmans_with_average_ranks, 0, 12);
    tcase_add_test(t, rho_of_a_constant_count_is_0_and_of_unknown_need_unknown);
    tcase_add_test(t, a_tally_says_what_was_added);
    tcase_add_loop_test(t, classes_and_pairs_are_those_of_the_masks, 0, 2);
    tcase_add_test(t, before_the_first_step_all_is_unknown_and_after_it_known);
    tcase_add_test(t, passes_beside_the_step_are_told_by_the_token_and_end_with_it);
    tcase_add_test(t, a_field_that_does_not_exist_gets_the_nearest_named);
    tcase_add_loop_test(t, every_report_is_one_line_of_json_and_unknown_is_null, 0, 3);
    suite_add_tcase(suite, t);
}
