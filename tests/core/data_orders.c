/* tests/core/data_orders.c - Orders: the exact numbers, the shares, the label rule found again from
 * x. */
#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "tests/check.h"

enum { INPUT = 41, TESTS = 8192 };

static struct dataset *d;
static struct batch b;

static void set_up(void)
{
    struct err e = {0};
    d = dataset_open("orders", 8, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    ck_assert(batch_open(&b, &d->shape, 256, 1, &e));
}

static void tear_down(void)
{
    batch_close(&b);
    dataset_close(d);
}

/* The rotation of a type, from the definition: each finished row is taken off all later ones. */
static void turn_of(uint64_t seed, int type, double q[4][4])
{
    struct rng r = rng_at(seed, RNG_TASK, (uint32_t)type);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) q[i][j] = rng_normal(&r);
    for (int i = 0; i < 4; i++) {
        double length = 0;
        for (int j = 0; j < 4; j++) length += q[i][j] * q[i][j];
        for (int j = 0; j < 4; j++) q[i][j] /= sqrt(length);
        for (int k = i + 1; k < 4; k++) {
            double along = 0;
            for (int j = 0; j < 4; j++) along += q[i][j] * q[k][j];
            for (int j = 0; j < 4; j++) q[k][j] -= along * q[i][j];
        }
    }
}

START_TEST(the_shape_is_that_of_the_task)
{
    ck_assert(!d->shape.text);
    ck_assert_int_eq(d->shape.input, INPUT);
    ck_assert_int_eq(d->shape.items, 8);
    ck_assert_int_eq(d->shape.classes, 4);
    ck_assert_str_eq(d->label, "orders");
    NEAR(d->val_tokens, TESTS, 0, 0, "test orders");
    ck_assert_int_eq(d->type->steps, 1500);
    ck_assert_int_eq(b.T, 256);
    ck_assert_int_eq(b.context, 1);
}
END_TEST

/* Made by a second program (Python, from the definition alone). sum: of x, and of x weighted by 1,
 * 2, 3 .. */
START_TEST(single_orders_are_those_of_an_independent_program)
{
    static const struct {
        enum data_split split;
        int64_t id;
        int s;
        int label[8];
        double sum[2];
    } known[] = {
        {DATA_VAL, 0, 1, {-1, -1, 3, -1, -1, -1, -1, -1}, {1.450684, 42.31678}},
        {DATA_VAL, 1, 2, {-1, -1, -1, -1, -1, 3, 2, -1}, {2.318794, 58.253676}},
        {DATA_VAL, 8191, 3, {-1, 2, -1, -1, -1, 2, 1, -1}, {6.865854, 143.536818}},
        {DATA_TRAIN, 0, 2, {-1, 1, -1, -1, -1, -1, 2, -1}, {2.374819, 65.75172}},
        {DATA_TRAIN, 4294967301, 2, {-1, -1, -1, -1, -1, -1, 3, 3}, {3.389359, 115.293969}}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int t = (int)(known[i].id % b.T);
        double sum[2] = {0};
        d->fill(d, 1, known[i].split, known[i].id / b.T, &b);
        ck_assert_int_eq(b.id[t], known[i].id);
        ck_assert_int_eq(b.need[t], known[i].s);
        for (int k = 0; k < 8; k++) ck_assert_int_eq(b.label[8 * t + k], known[i].label[k]);
        for (int k = 0; k < INPUT; k++) {
            sum[0] += (double)b.x[t * INPUT + k];
            sum[1] += (k + 1) * (double)b.x[t * INPUT + k];
        }
        NEAR(sum[0], known[i].sum[0], 3e-6, 0, "sum of x");
        NEAR(sum[1], known[i].sum[1], 1e-4, 0, "weighted sum of x");
    }
}
END_TEST

START_TEST(labels_follow_from_x_with_its_rotation_undone)
{
    double q[8][4][4];
    for (int t = 0; t < 8; t++) turn_of(8, t, q[t]);
    for (int split = 0; split < 2; split++)
        for (int index = 0; index < 8; index++) {
            d->fill(d, 3, split, index, &b);
            for (int t = 0; t < b.T; t++) {
                const float *x = b.x + t * INPUT;
                int items = 0;
                NEAR(x[40], 1, 0, 0, "the constant");
                for (int type = 0; type < 8; type++) {
                    const float *item = x + 5 * type;
                    int want = -1;
                    double z[4] = {0};
                    for (int i = 0; i < 4; i++)
                        for (int j = 0; j < 4; j++) z[i] += (double)item[1 + j] * q[type][i][j];
                    if (item[0] == 1) {
                        items++;
                        for (int i = 0; i < 4; i++)
                            ck_assert(fabs(z[i]) > .4999 && fabs(z[i]) < 1.5001);
                        want = (z[0] > 0) == (z[1] > 0) ? 1 : 0;
                        want += (z[2] > 0) == (z[3] > 0) ? 2 : 0;
                    } else {
                        for (int j = 0; j < 5; j++) NEAR(item[j], 0, 0, 0, "absent item");
                    }
                    ck_assert_int_eq(b.label[8 * t + type], want);
                }
                ck_assert_int_eq(b.need[t], items);
                ck_assert_int_eq(b.kind[t], items);
            }
        }
}
END_TEST

/* Four standard errors at 50,000 orders. */
START_TEST(shares_of_needs_types_classes_and_signs_are_those_of_the_task)
{
    enum { BATCHES = 196 };
    static const double share[5] = {0, .50, .15, .20, .15};
    double need[5] = {0}, type[8] = {0}, class[4] = {0}, mean = 0, items = 0;
    for (int index = 0; index < BATCHES; index++) {
        d->fill(d, 5, DATA_TRAIN, index, &b);
        for (int t = 0; t < b.T; t++) {
            need[b.need[t]]++;
            mean += b.need[t];
            for (int k = 0; k < 8; k++)
                if (b.label[8 * t + k] >= 0) items++, type[k]++, class[b.label[8 * t + k]]++;
        }
    }
    double orders = BATCHES * (double)b.T;
    for (int s = 1; s <= 4; s++) NEAR(need[s] / orders, share[s], .009, 0, "need %d", s);
    NEAR(mean / orders, 2.00, .021, 0, "mean need");
    for (int k = 0; k < 8; k++) NEAR(type[k] / items, 1 / 8.0, .005, 0, "type %d", k);
    for (int k = 0; k < 4; k++) NEAR(class[k] / items, 1 / 4.0, .006, 0, "class %d", k);
}
END_TEST

START_TEST(any_batch_can_be_made_again_and_seeds_and_splits_differ)
{
    struct batch again, half;
    struct err e;
    ck_assert(batch_open(&again, &d->shape, 256, 1, &e));
    ck_assert(batch_open(&half, &d->shape, 128, 1, &e));
    size_t bytes = (size_t)b.T * INPUT * sizeof *b.x;
    d->fill(d, 1, DATA_TRAIN, 7, &b);
    d->fill(d, 1, DATA_TRAIN, 3, &again);
    d->fill(d, 1, DATA_TRAIN, 7, &again);
    ck_assert_mem_eq(b.x, again.x, bytes);
    ck_assert_mem_eq(b.label, again.label, (size_t)b.T * 8 * sizeof *b.label);
    d->fill(d, 1, DATA_TRAIN, 15, &half); /* the same orders in other batches */
    ck_assert_mem_eq(b.x + 128 * INPUT, half.x, bytes / 2);
    d->fill(d, 2, DATA_TRAIN, 7, &again);
    ck_assert_mem_ne(b.x, again.x, bytes);
    d->fill(d, 1, DATA_TRAIN, 8, &again);
    ck_assert_mem_ne(b.x, again.x, bytes);
    d->fill(d, 1, DATA_VAL, 7, &again);
    ck_assert_mem_ne(b.x, again.x, bytes);
    d->fill(d, 2, DATA_VAL, 7, &b); /* the test set is fixed */
    ck_assert_mem_eq(b.x, again.x, bytes);
    struct dataset *other = dataset_open("orders", 9, &e);
    other->fill(other, 2, DATA_VAL, 7, &b);
    ck_assert_mem_ne(b.x, again.x, bytes);
    ck_assert_uint_ne(other->fingerprint, d->fingerprint);
    dataset_close(other);
    batch_close(&again), batch_close(&half);
}
END_TEST

START_TEST(past_the_last_test_order_there_is_nothing_to_predict)
{
    struct batch odd;
    struct err e;
    int real = 0, batches = 0;
    ck_assert(batch_open(&odd, &d->shape, 100, 1, &e));
    for (; batches < 83; batches++) {
        d->fill(d, 1, DATA_VAL, batches, &odd);
        for (int t = 0; t < odd.T; t++) {
            bool there = batches * 100 + t < TESTS;
            real += odd.need[t] > 0;
            ck_assert_int_eq(odd.need[t] > 0, there);
            ck_assert_int_eq(odd.id[t], there ? batches * 100 + t : -1);
            for (int k = 0; k < 8 && !there; k++) ck_assert_int_eq(odd.label[8 * t + k], -1);
        }
    }
    ck_assert_int_eq(real, TESTS);
    batch_close(&odd);
}
END_TEST

START_TEST(an_order_is_shown_by_its_number)
{
    char to[16];
    d->fill(d, 1, DATA_VAL, 1, &b);
    d->show(d, &b, 5, to, sizeof to);
    ck_assert_str_eq(to, "#261");
    d->fill(d, 1, DATA_VAL, 32, &b);
    d->show(d, &b, 5, to, sizeof to);
    ck_assert_str_eq(to, "");
}
END_TEST

SUITE(data_orders)
{
    TCase *c = tcase_create("orders");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, the_shape_is_that_of_the_task);
    tcase_add_test(c, single_orders_are_those_of_an_independent_program);
    tcase_add_test(c, labels_follow_from_x_with_its_rotation_undone);
    tcase_add_test(c, shares_of_needs_types_classes_and_signs_are_those_of_the_task);
    tcase_add_test(c, any_batch_can_be_made_again_and_seeds_and_splits_differ);
    tcase_add_test(c, past_the_last_test_order_there_is_nothing_to_predict);
    tcase_add_test(c, an_order_is_shown_by_its_number);
    suite_add_tcase(suite, c);
}
