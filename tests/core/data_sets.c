/* tests/core/data_sets.c - The table of data sets, batches, starts and learning rates. */
#include "core/data/dataset.h"
#include "tests/check.h"

static const struct dataset_type *named(const char *name)
{
    int i = 0;
    while (dataset_type(i) && strcmp(dataset_type(i)->name, name) != 0) i++;
    ck_assert_ptr_nonnull(dataset_type(i));
    return dataset_type(i);
}

START_TEST(the_table_names_every_data_set_once)
{
    int n = 0;
    for (; dataset_type(n); n++) {
        const struct dataset_type *t = dataset_type(n);
        ck_assert(t->name && t->title && t->help && t->open);
        ck_assert_int_gt(t->steps, 0);
        ck_assert(t->lr_default > 0);
        for (int i = 0; i < n; i++) ck_assert_str_ne(t->name, dataset_type(i)->name);
    }
    ck_assert_int_ge(n, 2);
    ck_assert_ptr_null(dataset_type(-1));
    ck_assert_str_eq(dataset_type(0)->name, "orders");
}
END_TEST

START_TEST(unknown_names_get_the_nearest_or_the_list)
{
    static const struct {
        const char *what, *want;
    } cases[] = {
        {"oders", "unknown data set 'oders': did you mean orders?"},
        {"txt:a", "unknown data set 'txt': did you mean text?"},
        {"zebra", "unknown data set 'zebra'; 'list datasets' names them, and text:FILE is any file "
                  "of yours"},
        {"", "unknown data set ''; 'list datasets' names them, and text:FILE is any file of yours"},
        {"text", "text needs a file: text:FILE"},
        {"text:", "text needs a file: text:FILE"},
        {"text:\n\n", "text needs a file: text:FILE"},
        {"/dev/null", "a file is trained on as text:FILE: did you mean text:/dev/null?"},
        {"orders:a.txt",
         "orders are made on the spot and take no file; for a file say text:a.txt"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        ck_assert_ptr_null(dataset_open(cases[i].what, 1, &e));
        ck_assert_str_eq(e.text, cases[i].want);
        ck_assert_int_eq(e.code, ERR_USAGE);
    }
    dataset_close(NULL);
}
END_TEST

START_TEST(a_strategy_has_its_own_learning_rate_or_the_common_one)
{
    const struct dataset_type *orders = dataset_type(0);
    static const struct {
        const char *strategy;
        double lr;
    } want[] = {{"topk", 1e-2},     {"remoe", 1e-2},       {"blockffn", 1e-2}, {"topp", 6e-3},
                {"adamoe", 6e-3},   {"moepp", 6e-3},       {"longcat", 6e-3},  {"dynmoe", 4e-3},
                {"lossfree", 1e-2}, {"expertchoice", 1e-2}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        NEAR(dataset_lr(orders, want[i].strategy), want[i].lr, 0, 0, "%s", want[i].strategy);
    NEAR(dataset_lr(orders, "unheard of"), orders->lr_default, 0, 0, "default");
    NEAR(dataset_lr(orders, NULL), orders->lr_default, 0, 0, "default");
    NEAR(dataset_lr(named("text"), "topk"), 3e-3, 0, 0, "text");
}
END_TEST

START_TEST(a_data_set_may_start_a_knob_elsewhere)
{
    static const struct option entropy = {.name = "entropy", .max = 1, .start = .1, .paper = 1e-4};
    static const struct option price = {
        .name = "count_price", .max = 1, .start = .05, .paper = OPTION_NO_PAPER};
    const struct dataset_type *orders = named("orders"), *text = named("text"),
                              *ledger = named("ledger");
    NEAR(dataset_start(orders, "topp", &entropy, 8, false), .1, 0, 0, "the option's");
    NEAR(dataset_start(text, "topp", &entropy, 8, false), .01, 0, 0, "the data set's");
    NEAR(dataset_start(ledger, "topp", &entropy, 8, false), .01, 0, 0, "of any text");
    NEAR(dataset_start(text, "topp", &entropy, 8, true), 1e-4, 0, 0, "the paper's");
    NEAR(dataset_start(text, "topk", &entropy, 8, false), .1, 0, 0, "another strategy");
    NEAR(dataset_start(text, "dynmoe", &price, 8, true), .003, 0, 0,
         "not published: the data set's");
}
END_TEST

START_TEST(a_batch_opens_cleared_and_refuses_impossible_sizes)
{
    static const struct data_shape text = {.text = true, .input = 256, .items = 1, .classes = 256};
    static const int bad[][2] = {{0, 1}, {1, 0}, {-1, 5}, {1 << 20, 1 << 20}, {1 << 30, 1}};
    struct batch b;
    struct err e;
    ck_assert(batch_open(&b, &text, 3, 5, &e));
    ck_assert_int_eq(b.T, 15);
    ck_assert(b.ids && !b.x);
    for (int t = 0; t < 15; t++)
        ck_assert(b.ids[t] == 0 && b.label[t] == -1 && b.need[t] == -1 && b.kind[t] == -1 &&
                  b.id[t] == -1);
    batch_close(&b);
    batch_close(&b);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!batch_open(&b, &text, bad[i][0], bad[i][1], &e));
        ck_assert_int_eq(e.code, ERR_USAGE);
        batch_close(&b);
    }
}
END_TEST

SUITE(data_sets)
{
    TCase *c = tcase_create("data sets");
    tcase_add_test(c, the_table_names_every_data_set_once);
    tcase_add_test(c, unknown_names_get_the_nearest_or_the_list);
    tcase_add_test(c, a_strategy_has_its_own_learning_rate_or_the_common_one);
    tcase_add_test(c, a_data_set_may_start_a_knob_elsewhere);
    tcase_add_test(c, a_batch_opens_cleared_and_refuses_impossible_sizes);
    suite_add_tcase(suite, c);
}
