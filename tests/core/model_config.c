/* Where a run's values come from, and which are refused. */
#include "tests/core/model_rig.h"

START_TEST(data_and_strategy_give_what_nobody_named)
{
    struct err e = {0};
    struct config c;
    ck_assert_msg(config_start(&c, "orders", "topp", &e), "%s", e.text);
    NEAR(c.value[CONFIG_LR], 6e-3, 0, 0, "lr of topp");
    NEAR(c.value[CONFIG_STEPS], 1500, 0, 0, "steps");
    NEAR(c.value[CONFIG_EXPERT_WIDTH], 4, 0, 0, "expert width");
    NEAR(c.value[CONFIG_BATCH], 256, 0, 0, "batch");
    ck_assert(config_set_router(&c, "topk", &e));
    NEAR(c.value[CONFIG_LR], 1e-2, 0, 0, "lr of topk");
    NEAR(c.knob[0], 2, 0, 0, "k");
    ck_assert(config_set(&c, "lr", "0.5", &e) && config_set_router(&c, "topp", &e));
    NEAR(c.value[CONFIG_LR], .5, 0, 0, "a named lr stays");
    ck_assert(config_start(&c, "text:x", NULL, &e));
    NEAR(c.value[CONFIG_LAYERS], 2, 0, 0, "layers of tiny");
    ck_assert(config_set(&c, "experts", "4", &e) && config_preset(&c, "base", &e));
    NEAR(c.value[CONFIG_WIDTH], 128, 0, 0, "width of base");
    NEAR(c.value[CONFIG_EXPERTS], 4, 0, 0, "named experts stay");
    ck_assert(config_set(&c, "expert_width", "7", &e));
    NEAR(c.value[CONFIG_EXPERT_WIDTH], 7, 0, 0, "an underscore is a hyphen");
}
END_TEST

START_TEST(knobs_start_anew_with_another_strategy_and_stay_with_the_same)
{
    struct err e = {0};
    char label[96];
    struct config c = rig_config("orders", "topk", "cpu", "k=3", "aux=0.5", NULL);
    config_label(&c, label, sizeof label);
    ck_assert_str_eq(label, "topk k=3 aux=0.50");
    ck_assert(config_set_router(&c, "topk", &e));
    NEAR(c.knob[0], 3, 0, 0, "k");
    ck_assert(config_set_router(&c, "topp", &e));
    NEAR(c.knob[router_knob(c.router, "aux")], .2, 1e-9, 0, "aux of topp");
    config_label(&c, label, sizeof label);
    ck_assert_str_eq(label, "topp");
}
END_TEST

/* Wrong words: a piece of the sentence that must come. */
static const struct refused {
    const char *what, *name, *value, *want;
} refused[] = {
    {"setting", "layerz", "2", "layers"}, {"setting", "layers", "13", "12"},
    {"setting", "experts", "1", "2"},     {"setting", "experts", "65", "64"},
    {"setting", "lr", "fast", "number"},  {"setting", "heads", "2.5", "whole"},
    {"knob", "kk", "2", "no knob"},       {"knob", "k", "9", "8"},
    {"knob", "auxx", "1", "aux"},         {"router", "tokp", "", "topk"},
    {"preset", "bsae", "", "base"},       {"start", "order", "", "orders"},
    {"start", "zzz", "", "text:FILE"},
};

START_TEST(a_wrong_word_is_refused_with_the_nearest_right_one)
{
    const struct refused *x = &refused[_i];
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", NULL), before = c;
    bool ok = strcmp(x->what, "setting") == 0  ? config_set(&c, x->name, x->value, &e)
              : strcmp(x->what, "knob") == 0   ? config_set_knob(&c, x->name, x->value, &e)
              : strcmp(x->what, "router") == 0 ? config_set_router(&c, x->name, &e)
              : strcmp(x->what, "preset") == 0 ? config_preset(&c, x->name, &e)
                                               : config_start(&c, x->name, "topk", &e);
    ck_assert_msg(!ok, "%s %s=%s was taken", x->what, x->name, x->value);
    ck_assert_int_eq(e.code, ERR_USAGE);
    ck_assert_msg(strstr(e.text, x->want) != NULL, "'%s' does not say '%s'", e.text, x->want);
    ck_assert_mem_eq(c.value, before.value, sizeof c.value);
    ck_assert_mem_eq(c.knob, before.knob, sizeof c.knob);
}
END_TEST

START_TEST(heads_must_divide_the_width_evenly)
{
    struct err e = {0};
    struct config c = rig_config("text", "topk", "cpu", "width=30", "heads=4", NULL);
    ck_assert(!config_check(&c, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "32"));
    c.value[CONFIG_WIDTH] = 12; /* 3 numbers a head */
    ck_assert(!config_check(&c, &e));
    c.value[CONFIG_WIDTH] = 16;
    ck_assert_msg(config_check(&c, &e), "%s", e.text);
    struct config o = rig_config("orders", "topk", "cpu", "width=30", NULL);
    ck_assert_msg(config_check(&o, &e), "orders have no heads: %s", e.text);
}
END_TEST

/* The corners of what may be asked for: each makes two finite steps. */
static const struct corner {
    const char *data, *words[6];
} corners[] = {
    {"orders", {"experts=2", "k=2"}},
    {"orders", {"experts=64", "k=64"}},
    {"orders", {"layers=12"}},
    {"orders", {"batch=1"}},
    {"orders", {"expert-width=1", "width=2"}},
    {"orders", {"shared=4", "experts=3"}},
    {"text", {"context=1", "batch=3"}},
    {"text", {"layers=12", "width=8", "heads=1", "context=7", "batch=2"}},
    {"text", {"experts=64", "expert-width=3", "width=24", "heads=12", "batch=1"}},
    {"text", {"context=300", "batch=1", "width=16", "heads=2"}},
};

START_TEST(corners_of_the_table_train)
{
    static struct snapshot s;
    struct err e = {0};
    const struct corner *x = &corners[_i];
    struct config c = rig_config(x->data, "topk", "cpu", x->words[0], x->words[1], x->words[2],
                                 x->words[3], x->words[4], x->words[5], NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    trainer_measure(t, &s, true);
    ck_assert(isfinite(s.loss));
    NEAR(s.skipped_steps, 0, 0, 0, "skipped");
    ck_assert_int_gt(s.tokens, 0);
    ck_assert_msg(trainer_evaluate(t, 100, &s, &e), "%s", e.text);
    ck_assert(isfinite(s.val_loss));
    trainer_close(t);
}
END_TEST

SUITE(model_config)
{
    TCase *t = tcase_create("config");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, data_and_strategy_give_what_nobody_named);
    tcase_add_test(t, knobs_start_anew_with_another_strategy_and_stay_with_the_same);
    tcase_add_loop_test(t, a_wrong_word_is_refused_with_the_nearest_right_one, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(t, heads_must_divide_the_width_evenly);
    tcase_add_loop_test(t, corners_of_the_table_train, 0, sizeof corners / sizeof *corners);
    suite_add_tcase(suite, t);
}
