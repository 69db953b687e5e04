/* tests/core/data_control.c - Forced counts: true ones, the same shuffled, honoured by training,
 * evaluation and window, refused where they make no sense. */
#include "core/data/control.h"
#include "core/base/rng.h"
#include "tests/core/model_rig.h"

static struct batch b;
static struct dataset *d;

static void open_batch(int size)
{
    struct err e = {0};
    d = dataset_open("orders", 8, &e);
    ck_assert(d && batch_open(&b, &d->shape, size, 1, &e));
}

static void close_batch(void)
{
    batch_close(&b);
    dataset_close(d);
}

START_TEST(true_counts_are_the_needs_and_shuffled_ones_the_same_numbers_elsewhere)
{
    int32_t first[256];
    open_batch(256);
    d->fill(d, 1, DATA_TRAIN, 3, &b);
    control_counts(&b, CONTROL_TRUE, 8, 1, DATA_TRAIN, 3);
    ck_assert_mem_eq(b.count, b.need, sizeof first);
    control_counts(&b, CONTROL_TRUE, 2, 1, DATA_TRAIN, 3);
    for (int t = 0; t < 256; t++) ck_assert_int_eq(b.count[t], b.need[t] < 2 ? b.need[t] : 2);
    control_counts(&b, CONTROL_SHUFFLED, 8, 1, DATA_TRAIN, 3);
    int have[5] = {0}, moved = 0;
    for (int t = 0; t < 256; t++)
        have[b.count[t]]++, have[b.need[t]]--, moved += b.count[t] != b.need[t];
    for (int s = 0; s < 5; s++) ck_assert_int_eq(have[s], 0);
    ck_assert_int_gt(moved, 100); /* 165 expected at shares .50 .15 .20 .15 */
    memcpy(first, b.count, sizeof first);
    control_counts(&b, CONTROL_SHUFFLED, 8, 1, DATA_TRAIN, 3);
    ck_assert_mem_eq(first, b.count, sizeof first);
    control_counts(&b, CONTROL_SHUFFLED, 8, 1, DATA_VAL, 3);
    ck_assert_mem_ne(first, b.count, sizeof first);
    control_counts(&b, CONTROL_SHUFFLED, 8, 2, DATA_TRAIN, 3);
    ck_assert_mem_ne(first, b.count, sizeof first);
    close_batch();
}
END_TEST

/* The shuffle by its definition: position i takes one of those from i on, by stream 5. */
START_TEST(the_shuffle_is_that_of_its_stream)
{
    int order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    open_batch(8);
    d->fill(d, 1, DATA_TRAIN, 11, &b);
    control_counts(&b, CONTROL_SHUFFLED, 8, 77, DATA_TRAIN, 11);
    struct rng r = rng_at(77, RNG_SHUFFLE, 11);
    for (int i = 0; i < 8; i++) {
        int j = i + (int)((uint64_t)rng_u32(&r) * (uint32_t)(8 - i) >> 32), keep = order[i];
        order[i] = order[j], order[j] = keep;
    }
    for (int t = 0; t < 8; t++) ck_assert_int_eq(b.count[t], b.need[order[t]]);
    close_batch();
}
END_TEST

START_TEST(padding_gets_nothing_and_gives_nothing)
{
    int have[5] = {0};
    open_batch(100);
    d->fill(d, 1, DATA_VAL, 81, &b); /* 92 orders, then none */
    control_counts(&b, CONTROL_SHUFFLED, 8, 1, DATA_VAL, 81);
    for (int t = 0; t < 92; t++) have[b.count[t]]++, have[b.need[t]]--;
    for (int t = 92; t < 100; t++) ck_assert_int_eq(b.count[t], 0);
    for (int s = 0; s < 5; s++) ck_assert_int_eq(have[s], 0);
    close_batch();
}
END_TEST

/* Of token t, in the columns first..last-1. */
static int taken(const struct route *r, const int32_t *mask, int t, int first, int last)
{
    int n = 0;
    for (int j = first; j < last; j++) n += mask[t * r->N + j];
    return n;
}

/* No expert left behind is better than one that was taken. */
static bool best_first(const struct route *r, const int32_t *mask, const double *order, int t)
{
    double worst = INFINITY, left = -INFINITY;
    for (int j = 0; j < r->E; j++) {
        double x = order[t * r->N + j];
        if (mask[t * r->N + j])
            worst = fmin(worst, x);
        else
            left = fmax(left, x);
    }
    return left <= worst;
}

/* Real experts, as many as the control says and the best ones; no slots beside them. */
static void same_counts(struct trainer *t)
{
    static int32_t mask[256 * COLUMNS_MAX];
    static double order[256 * COLUMNS_MAX];
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        size_t cells = (size_t)t->batch.T * (size_t)r->N;
        kn_read_ints(t->be, mask, r->mask, cells);
        kn_read(t->be, order, route_order(r), cells);
        for (int i = 0; i < t->batch.T; i++) {
            ck_assert_int_eq(taken(r, mask, i, 0, r->E), t->batch.count[i]);
            ck_assert_int_eq(taken(r, mask, i, r->E, r->N), 0);
            ck_assert(best_first(r, mask, order, i));
        }
    }
}

/* What one strategy does in the layers of a training step, an evaluation and a window. */
START_TEST(forced_counts_hold_in_training_evaluation_and_window)
{
    static struct snapshot s;
    struct err e = {0};
    const struct router *router = router_at(_i / 2);
    if (!router->ordered) return;
    struct config c = rig_config("orders", router->name, "cpu", "layers=2", "batch=64", "steps=20",
                                 _i % 2 ? "counts=shuffled" : "counts=true", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 5);
    same_counts(t);
    trainer_measure(t, &s, false);
    if (_i % 2)
        ck_assert_double_lt(fabs(s.count_need_rho), .6);
    else
        NEAR(s.count_need_rho, 1, 1e-9, 0, "%s: rho of true counts", router->name);
    ck_assert(trainer_evaluate(t, 640, &s, &e));
    same_counts(t);
    trainer_measure(t, &s, true);
    for (int i = 0; i < s.tokens; i++) ck_assert_int_eq(s.token[i].count[1], t->batch.count[i]);
    ck_assert_ptr_nonnull(strstr(s.run_label, "(control)"));
    ck_assert(trainer_set(t, "counts", "none", &e));
    rig_steps(t, 1), trainer_measure(t, &s, false);
    if (!router->learn) ck_assert_ptr_null(t->model->layer[0].moe.route.counts.at);
    ck_assert_ptr_null(strstr(s.run_label, "control"));
    trainer_close(t);
}
END_TEST

START_TEST(what_cannot_be_controlled_is_refused_in_one_sentence)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", "counts=true", NULL);
    char label[96];
    config_label(&c, label, sizeof label);
    ck_assert_str_eq(label, "topk counts=true (control)");
    ck_assert(config_check(&c, &e));
    struct config text = rig_config("text", "topk", "cpu", "counts=shuffled", NULL);
    ck_assert(!config_check(&text, &e));
    ck_assert_str_eq(e.text, "counts=shuffled needs a data set whose need is known, as orders; of "
                             "text nobody knows it: set counts none");
    struct router free_one = *c.router; /* a strategy whose columns have no order */
    free_one.ordered = false;
    c.router = &free_one;
    ck_assert(!config_check(&c, &e));
    ck_assert_str_eq(e.text, "counts=true takes a token's best experts in order, and topk has no "
                             "such order: set counts none, or take topk");
    ck_assert(!config_set(&c, "counts", "banana", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "shuffled"));
}
END_TEST

SUITE(data_control)
{
    TCase *t = tcase_create("control");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, true_counts_are_the_needs_and_shuffled_ones_the_same_numbers_elsewhere);
    tcase_add_test(t, the_shuffle_is_that_of_its_stream);
    tcase_add_test(t, padding_gets_nothing_and_gives_nothing);
    tcase_add_loop_test(t, forced_counts_hold_in_training_evaluation_and_window, 0,
                        2 * router_count());
    tcase_add_test(t, what_cannot_be_controlled_is_refused_in_one_sentence);
    suite_add_tcase(suite, t);
}
