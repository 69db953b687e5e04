/* tests/core/data_day.c - What a data set is like from now on: sizes, seasons, another district. */
#include "core/data/dataset.h"
#include "tests/core/model_rig.h"

static struct batch made(const char *name, struct data_day day, enum data_split split)
{
    struct err e = {0};
    struct batch b;
    struct dataset *d = dataset_open(name, 8, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    ck_assert(batch_open(&b, &d->shape, d->shape.text ? 8 : 400, 64, &e));
    b.day = day;
    d->fill(d, 1, split, 3, &b);
    dataset_close(d);
    return b;
}

START_TEST(a_mix_decides_the_sizes_of_orders)
{
    static const struct {
        enum data_mix mix;
        double low[4], high[4]; /* share of orders of 1 to 4 items */
    } cases[] = {{MIX_USUAL, {.4, .08, .12, .08}, {.6, .25, .3, .25}},
                 {MIX_SMALL, {1, 0, 0, 0}, {1, 0, 0, 0}},
                 {MIX_LARGE, {0, 0, 0, 1}, {0, 0, 0, 1}},
                 {MIX_EVEN, {.17, .17, .17, .17}, {.33, .33, .33, .33}}};
    for (int split = 0; split < 2; split++) {
        struct batch b = made("orders", (struct data_day){.mix = cases[_i].mix}, split);
        double share[4] = {0};
        for (int t = 0; t < b.T; t++) share[b.need[t] - 1] += 1.0 / b.T;
        for (int s = 0; s < 4; s++)
            ck_assert_msg(
                share[s] >= cases[_i].low[s] - 1e-9 && share[s] <= cases[_i].high[s] + 1e-9,
                "mix %d: %.2f of the orders have %d items", cases[_i].mix, share[s], s + 1);
        batch_close(&b);
    }
}
END_TEST

START_TEST(a_season_sells_its_half_of_the_types)
{
    for (int season = SEASON_SUMMER; season <= SEASON_WINTER; season++) {
        struct batch b =
            made("districts", (struct data_day){.season = season, .mix = MIX_EVEN}, DATA_TRAIN);
        int seen = 0;
        for (int t = 0; t < b.T; t++)
            for (int i = 0; i < DATA_ITEMS; i++) {
                bool there = b.label[t * DATA_ITEMS + i] >= 0;
                ck_assert(!there || i / 4 == (season == SEASON_WINTER));
                seen |= there << i;
            }
        ck_assert_int_eq(seen, season == SEASON_SUMMER ? 0x0f : 0xf0);
        batch_close(&b);
    }
}
END_TEST

/* The same orders, answered by other tables; a ledger's line has other words. */
START_TEST(a_new_district_is_another_task_of_the_same_kind)
{
    static const char *const sets[] = {"orders", "districts", "ledger"};
    struct batch home = made(sets[_i], (struct data_day){0}, DATA_TRAIN),
                 new = made(sets[_i], (struct data_day){.district = 1}, DATA_TRAIN),
                 again = made(sets[_i], (struct data_day){.district = 1}, DATA_TRAIN);
    size_t labels = (size_t)home.T * (_i == 2 ? 1 : DATA_ITEMS) * sizeof *home.label;
    ck_assert_mem_eq(new.label, again.label, labels);
    if (_i < 2) ck_assert_mem_eq(home.need, new.need, (size_t)home.T * sizeof *home.need);
    bool other = _i == 0 ? memcmp(home.x, new.x, (size_t)home.T * sizeof *home.x * 8) != 0
                         : memcmp(home.label, new.label, labels) != 0;
    ck_assert(other);
    batch_close(&home), batch_close(&new), batch_close(&again);
}
END_TEST

START_TEST(a_day_is_saved_and_goes_on_bit_by_bit)
{
    struct err e = {0};
    char path[300];
    struct config c = rig_config("orders", "topk", "cpu", "batch=32", NULL), none = c;
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    ck_assert(trainer_set(t, "mix", "large", &e) && trainer_set(t, "season", "winter", &e) &&
              trainer_set(t, "district", "new", &e));
    rig_steps(t, 3);
    snprintf(path, sizeof path, "%s/day.safetensors", rig_folder());
    ck_assert_msg(trainer_save(t, path, &e), "%s", e.text);
    none.named = none.knob_named = 0;
    struct trainer *u = trainer_resume(path, &none, &e);
    ck_assert_msg(u != NULL, "%s", e.text);
    rig_steps(t, 5), rig_steps(u, 5);
    rig_same_bits(t, u, "a day that was saved");
    trainer_close(t), trainer_close(u);
}
END_TEST

START_TEST(data_that_has_no_such_days_refuses_them)
{
    struct err e = {0};
    struct config c;
    ck_assert(config_start(&c, "ledger", "topk", &e) && config_set(&c, "mix", "small", &e));
    ck_assert(!config_check(&c, &e));
    ck_assert_msg(strstr(e.text, "mix=small is not for ledger"), "%s", e.text);
    ck_assert(config_set(&c, "mix", "usual", &e) && config_set(&c, "district", "new", &e));
    ck_assert_msg(config_check(&c, &e), "%s", e.text);
}
END_TEST

SUITE(data_day)
{
    TCase *t = tcase_create("day");
    tcase_add_loop_test(t, a_mix_decides_the_sizes_of_orders, 0, 4);
    tcase_add_test(t, a_season_sells_its_half_of_the_types);
    tcase_add_loop_test(t, a_new_district_is_another_task_of_the_same_kind, 0, 3);
    tcase_add_test(t, a_day_is_saved_and_goes_on_bit_by_bit);
    tcase_add_test(t, data_that_has_no_such_days_refuses_them);
    suite_add_tcase(suite, t);
}
