/* tests/core/data_districts.c - Address books: single orders, books that every answer follows, the
 * shares. */
#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "tests/check.h"

enum { INPUT = 57 };

static struct dataset *d;
static struct batch b;

static void set_up(void)
{
    struct err e = {0};
    d = dataset_open("districts", 8, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    ck_assert(batch_open(&b, &d->shape, 256, 1, &e));
}

static void tear_down(void)
{
    batch_close(&b);
    dataset_close(d);
}

START_TEST(the_shape_is_that_of_the_task)
{
    ck_assert(!d->shape.text && !d->type->text);
    ck_assert_int_eq(d->shape.input, INPUT);
    ck_assert_int_eq(d->shape.items, 8);
    ck_assert_int_eq(d->shape.classes, 4);
    ck_assert_int_eq(d->shape.active, 7);
    ck_assert_int_eq(d->type->sizes.experts, 8);
    ck_assert_int_eq(d->type->sizes.width, 64);
    ck_assert_int_eq(d->type->sizes.expert_width, 24);
    ck_assert_str_eq(d->label, "districts");
    ck_assert_str_eq(d->type->need_unit, "experts");
    NEAR(dataset_lr(d->type, "moepp"), .01, 0, 0, "moepp");
    NEAR(dataset_lr(d->type, "topp"), .006, 0, 0, "topp");
    NEAR(dataset_lr(d->type, "dynmoe"), .004, 0, 0, "dynmoe");
}
END_TEST

/* Made by a second program (Python, from the definition alone). sum: of x weighted by 1, 2, 3 .. */
START_TEST(single_orders_are_those_of_an_independent_program)
{
    static const struct {
        enum data_split split;
        int64_t id;
        int s, label[8];
        double sum;
    } known[] = {{DATA_VAL, 0, 1, {-1, -1, 0, -1, -1, -1, -1, -1}, 63},
                 {DATA_VAL, 1, 1, {-1, -1, -1, -1, -1, -1, 0, -1}, 191},
                 {DATA_VAL, 8191, 3, {-1, 2, -1, -1, -1, 2, 1, -1}, 91},
                 {DATA_TRAIN, 0, 2, {-1, 3, -1, -1, -1, -1, 3, -1}, 138},
                 {DATA_TRAIN, 4294967301, 1, {-1, -1, -1, -1, -1, -1, -1, 3}, 214}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int t = (int)(known[i].id % b.T);
        double sum = 0;
        d->fill(d, 1, known[i].split, known[i].id / b.T, &b);
        ck_assert_int_eq(b.id[t], known[i].id);
        ck_assert_int_eq(b.need[t], known[i].s);
        for (int k = 0; k < 8; k++) ck_assert_int_eq(b.label[8 * t + k], known[i].label[k]);
        for (int k = 0; k < INPUT; k++) sum += (k + 1) * (double)b.x[t * INPUT + k];
        NEAR(sum, known[i].sum, 0, 0, "weighted sum of x");
    }
}
END_TEST

/* The books are found from the answers: a house has one answer, wherever it is asked for, and each
 * answer stands in a book sixteen times. */
START_TEST(answers_stand_in_books_of_sixteen_houses_a_class)
{
    static int book[8][64];
    memset(book, -1, sizeof book);
    for (int index = 0; index < 64; index++) {
        d->fill(d, 3 + index % 3, index % 2, index, &b);
        for (int t = 0; t < b.T && b.need[t] >= 0; t++) {
            const float *x = b.x + t * INPUT;
            int items = 0;
            NEAR(x[56], 1, 0, 0, "the constant");
            for (int type = 0; type < 8; type++) {
                const float *item = x + 7 * type;
                int label = b.label[8 * t + type], code = 0;
                for (int k = 0; k < 6; k++) {
                    NEAR(fabsf(item[1 + k]), item[0], 0, 0,
                         "bits are +-1, or absent with the item");
                    code |= (item[1 + k] > 0) << k;
                }
                ck_assert_int_eq(label >= 0, item[0] == 1);
                if (label < 0) continue;
                items++;
                if (book[type][code] < 0) book[type][code] = label;
                ck_assert_int_eq(book[type][code], label);
            }
            ck_assert_int_eq(items, b.need[t]);
            ck_assert_int_eq(b.kind[t], b.need[t]);
        }
    }
    int alike = 0;
    for (int type = 0; type < 8; type++) {
        int count[4] = {0};
        for (int c = 0; c < 64; c++) {
            ck_assert_int_ge(book[type][c], 0);
            count[book[type][c]]++;
            alike += type > 0 && book[type][c] == book[0][c];
        }
        for (int k = 0; k < 4; k++) ck_assert_int_eq(count[k], 16);
    }
    ck_assert_int_lt(alike, 7 * 64 / 2); /* no book is another's copy: a quarter agrees by chance */
}
END_TEST

/* Four standard errors at 50,000 orders. */
START_TEST(shares_are_those_of_the_task)
{
    enum { BATCHES = 196 };
    static const double share[5] = {0, .60, .15, .15, .10};
    double need[5] = {0}, type[8] = {0}, house[64] = {0}, mean = 0, items = 0;
    for (int index = 0; index < BATCHES; index++) {
        d->fill(d, 5, DATA_TRAIN, index, &b);
        for (int t = 0; t < b.T; t++) {
            need[b.need[t]]++, mean += b.need[t];
            for (int k = 0; k < 8; k++) {
                const float *item = b.x + t * INPUT + 7 * k;
                int code = 0;
                if (b.label[8 * t + k] < 0) continue;
                for (int i = 0; i < 6; i++) code |= (item[1 + i] > 0) << i;
                items++, type[k]++, house[code]++;
            }
        }
    }
    double orders = BATCHES * (double)b.T;
    for (int s = 1; s <= 4; s++) NEAR(need[s] / orders, share[s], .009, 0, "need %d", s);
    NEAR(mean / orders, 1.75, .019, 0, "mean need");
    for (int k = 0; k < 8; k++) NEAR(type[k] / items, 1 / 8.0, .005, 0, "type %d", k);
    for (int c = 0; c < 64; c++) NEAR(house[c] / items, 1 / 64.0, .0017, 0, "house %d", c);
}
END_TEST

START_TEST(task_seeds_write_other_books_and_a_file_is_refused)
{
    struct err e = {0};
    struct dataset *other = dataset_open("districts", 9, &e);
    struct batch again;
    ck_assert(batch_open(&again, &d->shape, 256, 1, &e));
    d->fill(d, 1, DATA_TRAIN, 3, &b), other->fill(other, 1, DATA_TRAIN, 3, &again);
    ck_assert_mem_eq(b.x, again.x, (size_t)b.T * INPUT * sizeof *b.x); /* the same houses, */
    ck_assert_mem_ne(b.label, again.label, (size_t)b.T * 8 * sizeof *b.label); /* other answers */
    ck_assert_uint_ne(other->fingerprint, d->fingerprint);
    dataset_close(other), batch_close(&again);
    ck_assert_ptr_null(dataset_open("districts:a.txt", 8, &e));
    ck_assert_str_eq(e.text,
                     "districts are made on the spot and take no file; for a file say text:a.txt");
}
END_TEST

SUITE(data_districts)
{
    TCase *c = tcase_create("districts");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, the_shape_is_that_of_the_task);
    tcase_add_test(c, single_orders_are_those_of_an_independent_program);
    tcase_add_test(c, answers_stand_in_books_of_sixteen_houses_a_class);
    tcase_add_test(c, shares_are_those_of_the_task);
    tcase_add_test(c, task_seeds_write_other_books_and_a_file_is_refused);
    suite_add_tcase(suite, c);
}
