/* A GPU that is missing, too old, too small or lost while it trains: training starts or goes on on the
 * CPU, from a state that was good, and says so. Needs a cuda backend that fails by plan, so it runs
 * with `make check-emu` only: $VANPOOL_CUDA names the emulated module. */
#include "tests/core/model_rig.h"

static struct trainer *open_failing(const char *backend, const char *plan, struct err *e)
{
    struct config c = rig_config("orders", "topk", backend, "batch=8", NULL);
    if (plan)
        setenv("VANPOOL_EMU_FAIL", plan, 1);
    else
        unsetenv("VANPOOL_EMU_FAIL");
    return trainer_open(&c, e);
}

static const struct start {
    const char *plan, *says;
} starts[] = {
    {"1:35", "no NVIDIA driver, or one too old"},
    {"1:100", "no GPU"},
    {"2:214", "uncorrectable ECC"},
    {"5:2", "memory"},
    {"7:2", "memory"},
    {"1:1001", "CUBLAS_STATUS_NOT_INITIALIZED"},
    {"9:2", "memory"}, /* of the model, not of the backend */
    {"40:719", "launch failure"},
};

START_TEST(a_gpu_that_cannot_be_used_at_start_means_the_cpu_and_one_notice)
{
    static struct snapshot s;
    const struct start *k = &starts[_i];
    struct err e = {0};
    struct trainer *t = open_failing("auto", k->plan, &e);
    ck_assert_msg(t, "%s: %s", k->plan, e.text);
    ck_assert_str_eq(e.text, "");
    ck_assert_str_eq(kn_name(t->be), "cpu");
    rig_steps(t, 3);
    trainer_measure(t, &s, false);
    ck_assert(isfinite(s.loss));
    ck_assert_str_eq(s.backend, "cpu");
    ck_assert_msg(strstr(s.notice, k->says), "%s: the notice is '%s'", k->plan, s.notice);
    trainer_close(t);
}
END_TEST

START_TEST(a_gpu_asked_for_by_name_is_not_replaced_at_start)
{
    const struct start *k = &starts[_i];
    struct err e = {0};
    ck_assert_ptr_null(open_failing("cuda", k->plan, &e));
    ck_assert_msg(strstr(e.text, k->says), "%s: '%s'", k->plan, e.text);
}
END_TEST

START_TEST(a_gpu_of_capability_6_is_passed_over)
{
    struct err e = {0};
    setenv("VANPOOL_EMU_CAPABILITY", "6.1", 1);
    ck_assert_ptr_null(open_failing("cuda", NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "6.1"));
    struct trainer *t = open_failing("auto", NULL, &e);
    ck_assert_str_eq(kn_name(t->be), "cpu");
    trainer_close(t);
}
END_TEST

/* Calls of a few steps; the first are those of the start. */
static const char *const losses[] = {"1750:214", "1801:700", "1802:719", "1803:719",
                                     "1790:700", "8:1013",   "12:1013"};

START_TEST(a_gpu_that_is_lost_costs_only_the_steps_since_the_newest_good_state)
{
    static struct snapshot s;
    struct err e = {0};
    struct trainer *t = open_failing("cuda", losses[_i], &e), *same = NULL;
    ck_assert_msg(t, "%s", e.text);
    int steps = 0;
    while (strcmp(kn_name(t->be), "cuda") == 0 && steps++ < 48)
        ck_assert_msg(trainer_step(t, &e), "%s", e.text);
    ck_assert_msg(strcmp(kn_name(t->be), "cpu") == 0, "%s never failed", losses[_i]);
    ck_assert_str_eq(e.text, "");
    ck_assert_int_eq(t->optimizer.updates, 1); /* the start came back, and the step was made anew */
    same = open_failing("cpu", NULL, &e);
    same->step = trainer_now(t) - 1;
    rig_steps(same, 1);
    rig_same_bits(t, same, "the step after the return");
    trainer_measure(t, &s, false);
    ck_assert_msg(strstr(s.notice, "now on the CPU"), "the notice is '%s'", s.notice);
    ck_assert_msg(strstr(s.notice, " says: "), "the notice is '%s'", s.notice);
    rig_steps(t, 5);
    trainer_measure(t, &s, false);
    ck_assert(isfinite(s.loss));
    trainer_close(same);
    trainer_close(t);
}
END_TEST

START_TEST(the_state_that_comes_back_is_the_newest_that_was_kept)
{
    struct err e = {0};
    size_t n, m;
    struct trainer *t = open_failing("cuda", "2400:700", &e);
    ck_assert_msg(t, "%s", e.text);
    rig_steps(t, 2);
    trainer_keep(t);
    double *kept = model_rig_read(t, t->model->params.w, &n);
    ck_assert_str_eq(kn_name(t->be), "cuda");
    for (int i = 0; i < 40 && strcmp(kn_name(t->be), "cuda") == 0; i++) rig_steps(t, 1);
    ck_assert_str_eq(kn_name(t->be), "cpu");
    ck_assert_int_eq(t->good.updates, 2);
    ck_assert_int_eq(t->optimizer.updates, 3);
    double *back = model_rig_read(t, t->good.w, &m);
    ck_assert(n == m && memcmp(kept, back, n * sizeof *kept) == 0);
    free(kept), free(back);
    trainer_close(t);
}
END_TEST

/* ---- a new model in the place of the one there is */
static void all_memory(size_t bytes)
{
    char word[32];
    snprintf(word, sizeof word, "%zu", bytes);
    setenv("VANPOOL_EMU_MEMORY", word, 1);
}

/* Memory in which a model for c has room beside those that are open, and not much more. */
static size_t room_for(const struct config *c)
{
    const size_t little = (size_t)4 << 20;
    for (size_t bytes = 16 * little; bytes < 1024 * little; bytes += little) {
        struct err e = {0};
        all_memory(bytes);
        struct trainer *t = trainer_open(c, &e);
        trainer_close(t);
        if (t) return bytes;
    }
    ck_abort_msg("there is never room");
    return 0;
}

START_TEST(a_new_model_without_room_has_half_the_batch_or_the_cpu_and_says_so)
{
    static struct snapshot s;
    static const char *const backends[] = {"cuda", "auto"};
    struct err e = {0};
    struct trainer *t = open_failing(backends[_i], NULL, &e);
    ck_assert_msg(t, "%s", e.text);
    struct config half = t->config, whole = t->config;
    half.value[CONFIG_BATCH] = 4096, whole.value[CONFIG_BATCH] = 8192;
    strcpy(half.backend, "cuda");
    all_memory(room_for(&half));
    ck_assert_msg(rig_renew(t, &whole, &e), "%s", e.text);
    ck_assert_str_eq(kn_name(t->be), "cuda");
    ck_assert_int_eq(config_int(&t->config, CONFIG_BATCH), 4096);
    ck_assert_str_eq(t->config.backend, backends[_i]);
    trainer_measure(t, &s, false);
    ck_assert_msg(strstr(s.notice, "batch=4096") && strstr(s.notice, "memory"),
                  "the notice is '%s'", s.notice);
    all_memory(1);
    ck_assert_msg(rig_renew(t, &whole, &e), "%s", e.text);
    ck_assert_str_eq(kn_name(t->be), "cpu");
    ck_assert_int_eq(config_int(&t->config, CONFIG_BATCH), 8192);
    trainer_measure(t, &s, false);
    ck_assert_msg(strstr(s.notice, "on the CPU") && strstr(s.notice, "memory"),
                  "the notice is '%s'", s.notice);
    rig_steps(t, 1);
    ck_assert(isfinite(t->loss));
    trainer_close(t);
}
END_TEST

START_TEST(what_is_wrong_with_a_new_model_itself_is_said_and_the_old_one_stays)
{
    struct err e = {0};
    struct trainer *t = open_failing("cuda", NULL, &e);
    struct config c = t->config;
    strcpy(c.data, "/nowhere/to/be/found.txt");
    ck_assert(!rig_renew(t, &c, &e));
    ck_assert_msg(strstr(e.text, "found.txt"), "%s", e.text);
    ck_assert_str_eq(kn_name(t->be), "cuda");
    rig_steps(t, 1);
    trainer_close(t);
}
END_TEST

/* ---- strategies: the same training as on the CPU */
START_TEST(training_on_the_gpus_kernels_is_training_on_the_cpu)
{
    struct err e = {0};
    bool text = !router_at(_i); /* past the table: a text, with attention */
    const char *name = text ? "topp" : router_at(_i)->name;
    struct config c = rig_config(text ? "text" : "orders", name, "cuda",
                                 text ? "batch=2" : "batch=16", NULL),
                  d = c;
    unsetenv("VANPOOL_EMU_FAIL");
    strcpy(d.backend, "cpu");
    struct trainer *gpu = trainer_open(&c, &e), *cpu = trainer_open(&d, &e);
    ck_assert_msg(gpu && cpu, "%s", e.text);
    for (int i = 0; i < 4; i++) {
        rig_steps(gpu, 1), rig_steps(cpu, 1);
        NEAR(gpu->loss, cpu->loss, 1e-5, 1e-5, "%s: loss of step %d", name, i);
        NEAR(gpu->grad_norm, cpu->grad_norm, 1e-5, 1e-3, "%s: gradient of step %d", name, i);
    }
    ck_assert_str_eq(kn_name(gpu->be), "cuda");
    trainer_close(gpu), trainer_close(cpu);
}
END_TEST

SUITE(trainer_rescue)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("rescue");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_gpu_that_cannot_be_used_at_start_means_the_cpu_and_one_notice, 0,
                        sizeof starts / sizeof *starts);
    tcase_add_loop_test(tc, a_gpu_asked_for_by_name_is_not_replaced_at_start, 0,
                        sizeof starts / sizeof *starts);
    tcase_add_test(tc, a_gpu_of_capability_6_is_passed_over);
    tcase_add_loop_test(tc, a_gpu_that_is_lost_costs_only_the_steps_since_the_newest_good_state, 0,
                        sizeof losses / sizeof *losses);
    tcase_add_test(tc, the_state_that_comes_back_is_the_newest_that_was_kept);
    tcase_add_loop_test(tc, a_new_model_without_room_has_half_the_batch_or_the_cpu_and_says_so, 0,
                        2);
    tcase_add_test(tc, what_is_wrong_with_a_new_model_itself_is_said_and_the_old_one_stays);
    int strategies = 0;
    while (router_at(strategies)) strategies++;
    tcase_add_loop_test(tc, training_on_the_gpus_kernels_is_training_on_the_cpu, 0, strategies + 1);
    suite_add_tcase(suite, tc);
}
