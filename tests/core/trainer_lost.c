/* A GPU that is lost while something else than a step goes on: measuring, an evaluation, a question, a
 * change, a save, a race, a lesson. Nothing but the steps since the newest good state may be lost,
 * and nothing that was read from a dead device may be believed. Like trainer_rescue it needs the
 * emulated module that $VANPOOL_CUDA names. */
#include "core/console/console.h"
#include "core/train/own.h"
#include "core/train/past.h"
#include "core/train/probe.h"
#include "core/train/race.h"
#include "tests/core/model_rig.h"

#include <dlfcn.h>
#include <unistd.h>

/* The call after `more` others fails, and all behind it. */
static void lose_after(long more, int code)
{
    void *module = dlopen(getenv("VANPOOL_CUDA"), RTLD_NOW | RTLD_NOLOAD);
    void (*plan)(long, int) = module ? (void (*)(long, int))dlsym(module, "emu_fail") : NULL;
    ck_assert_msg(plan, "the module is not the emulated one");
    plan(more, code);
    dlclose(module);
}

static void heal(void)
{
    lose_after(1L << 40, 700);
}

static struct trainer *open_on(const char *data, const char *backend)
{
    struct err e = {0};
    unsetenv("VANPOOL_EMU_FAIL");
    struct config c = rig_config(data, "topk", backend, "batch=4", NULL);
    struct trainer *t = trainer_open(&c, &e);
    ck_assert_msg(t, "%s", e.text);
    rig_steps(t, 3);
    trainer_keep(t);
    rig_steps(t, 1);
    return t;
}

/* ---- what may be under way */
static struct snapshot seen;

static bool measures(struct trainer *t, struct err *e)
{
    (void)e;
    trainer_measure(t, &seen, true);
    return true;
}

static bool evaluates(struct trainer *t, struct err *e)
{
    bool ok = trainer_evaluate(t, 64, &seen, e);
    ck_assert(!ok || isfinite(seen.val_loss));
    return ok;
}

static bool turns_a_knob(struct trainer *t, struct err *e)
{
    return trainer_set_knob(t, "k", "1", e);
}

static bool changes_the_rule(struct trainer *t, struct err *e)
{
    bool ok = trainer_set_router(t, "topp", e);
    ck_assert(!ok || strcmp(trainer_config(t)->router->name, "topp") == 0);
    return ok;
}

static bool changes_the_columns(struct trainer *t, struct err *e)
{
    bool ok = trainer_set_router(t, "adamoe", e);
    ck_assert(!ok || strcmp(trainer_config(t)->router->name, "adamoe") == 0);
    return ok;
}

static bool makes_another_model(struct trainer *t, struct err *e)
{
    struct config c = t->config;
    strcpy(c.backend, "auto");
    c.value[CONFIG_EXPERT_WIDTH] *= 2;
    return rig_renew(t, &c, e);
}

static bool breaks_and_mends(struct trainer *t, struct err *e)
{
    return trainer_fleet(t, FLEET_BREAK, 1, e) && trainer_fleet(t, FLEET_MEND, 1, e);
}

static bool hires(struct trainer *t, struct err *e)
{
    return trainer_fleet(t, FLEET_RETIRE, 1, e) && trainer_fleet(t, FLEET_HIRE, 1, e) &&
           trainer_clone(t, 0, 2, e);
}

static bool asks_of_a_token(struct trainer *t, struct err *e)
{
    if (!probe_token(t, 3, e)) return false;
    while (probe_busy(t))
        if (!probe_piece(t, e)) return false;
    trainer_measure(t, &seen, false);
    ck_assert(isfinite(seen.probe.loss));
    return true;
}

static bool asks_for_regret(struct trainer *t, struct err *e)
{
    if (!probe_regret(t, e)) return false;
    while (probe_busy(t))
        if (!probe_piece(t, e)) return false;
    trainer_measure(t, &seen, false);
    ck_assert(isfinite(seen.regret.rule));
    return true;
}

static bool goes_back(struct trainer *t, struct err *e)
{
    past_open(t);
    rig_steps(t, 12);
    past_note(t);
    return past_oldest(t) < 0 || past_rewind(t, past_oldest(t), e) ||
           e->code == ERR_USAGE; /* what was kept on the device is gone with it */
}

static bool writes_on(struct trainer *t, struct err *e)
{
    if (!own_write(t, 6, 1, e)) return false;
    while (own_busy(t))
        if (!own_piece(t, e)) return false;
    int bytes;
    own_text(t, &bytes);
    ck_assert_int_ge(bytes, 6);
    return true;
}

static bool emit(void *to, unsigned char byte, double experts)
{
    (void)byte;
    ck_assert(experts == 2); /* of top-2 */
    ++*(int *)to;
    return true;
}

static bool samples(struct trainer *t, struct err *e)
{
    int written = 0;
    bool ok = trainer_sample(t, "the ", 6, 1, 1, emit, &written, e);
    ck_assert(!ok || written == 6);
    return ok;
}

static char saved[300];
static bool saves(struct trainer *t, struct err *e)
{
    snprintf(saved, sizeof saved, "%s/lost.safetensors", rig_folder());
    return trainer_save(t, saved, e);
}

static bool hashes(struct trainer *t, struct err *e)
{
    size_t n;
    (void)e;
    uint64_t hash = trainer_hash(t);
    double *w = model_rig_read(t, t->model->params.w, &n);
    ck_assert(isfinite(w[0]) && hash == trainer_hash(t));
    free(w);
    return true;
}

static const struct act {
    const char *name, *data;
    bool (*run)(struct trainer *t, struct err *e);
} acts[] = {
    {"a window is measured", "orders", measures},
    {"an evaluation", "orders", evaluates},
    {"a knob is turned", "orders", turns_a_knob},
    {"another rule", "orders", changes_the_rule},
    {"another rule with other columns", "orders", changes_the_columns},
    {"another model", "orders", makes_another_model},
    {"a van breaks and is mended", "orders", breaks_and_mends},
    {"vans come and go", "orders", hires},
    {"a question about a token", "orders", asks_of_a_token},
    {"a question for regret", "orders", asks_for_regret},
    {"a way back", "orders", goes_back},
    {"the model writes on", "text", writes_on},
    {"a sample", "text", samples},
    {"a save", "orders", saves},
    {"a fingerprint", "orders", hashes},
};
enum { ACTS = sizeof acts / sizeof *acts };

/* All weights and moments are numbers. */
static void whole(struct trainer *t, const char *what, long more)
{
    const struct params *p = &t->model->params;
    const struct kn_buf block[] = {p->w, p->m, p->v};
    for (int i = 0; i < 3; i++) {
        size_t n;
        double *v = model_rig_read(t, block[i], &n);
        for (size_t k = 0; k < n; k++)
            ck_assert_msg(isfinite(v[k]), "%s, after %ld calls: number %zu", what, more, k);
        free(v);
    }
}

static void lose_in(const struct act *a, long more, int code)
{
    struct err e = {0};
    struct trainer *t = open_on(a->data, "cuda");
    lose_after(more, code);
    ck_assert_msg(a->run(t, &e), "%s, after %ld calls: %s", a->name, more, e.text);
    for (int i = 0; i < 20 && strcmp(kn_name(t->be), "cuda") == 0; i++) rig_steps(t, 1);
    rig_steps(t, 1);
    trainer_measure(t, &seen, true);
    ck_assert_msg(isfinite(seen.loss), "%s, after %ld calls", a->name, more);
    ck_assert_str_eq(seen.backend, "cpu");
    ck_assert_msg(!t->gone || strstr(seen.notice, "on the CPU"), "%s, after %ld calls: '%s'",
                  a->name, more, seen.notice);
    whole(t, a->name, more);
    trainer_close(t);
}

START_TEST(a_gpu_lost_while_something_is_done_costs_neither_the_act_nor_the_run)
{
    static const long after[] = {0, 1, 5, 34, 233, 600};
    const struct act *a = &acts[_i];
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        lose_in(a, after[i], 700);
        heal();
    }
}
END_TEST

/* The file of before, or one that is whole: never numbers that a dead device did not give. */
START_TEST(what_is_saved_while_a_gpu_is_lost_can_be_gone_on_from)
{
    for (long more = 0; more < 60; more += 15) {
        struct err e = {0};
        struct trainer *t = open_on("orders", "cuda");
        lose_after(more, 719);
        ck_assert_msg(saves(t, &e), "after %ld calls: %s", more, e.text);
        struct trainer *back = trainer_resume(saved, NULL, &e);
        ck_assert_msg(back, "after %ld calls: %s", more, e.text);
        whole(back, "what was saved", more);
        trainer_close(back);
        trainer_close(t);
        heal();
    }
}
END_TEST

/* ---- one device under several trainings; and a device that comes back */
START_TEST(a_sticky_error_ends_every_training_on_the_gpu_and_costs_each_as_little)
{
    struct err e = {0};
    struct trainer *a = open_on("orders", "cuda"), *b = open_on("orders", "cuda");
    lose_after(5, 700);
    rig_steps(a, 3);
    lose_after(0, 700); /* the second finds the same device, dead before it asks */
    rig_steps(b, 3);
    ck_assert_str_eq(kn_name(a->be), "cpu");
    ck_assert_str_eq(kn_name(b->be), "cpu");
    whole(a, "the first", 5), whole(b, "the second", 0);
    struct config c = a->config;
    strcpy(c.backend, "auto");
    heal(); /* the driver has the device again */
    ck_assert_msg(rig_renew(a, &c, &e), "%s", e.text);
    ck_assert_str_eq(kn_name(a->be), "cuda");
    rig_steps(a, 2);
    lose_after(3, 719); /* and loses it again */
    rig_steps(a, 2);
    ck_assert_str_eq(kn_name(a->be), "cpu");
    whole(a, "the third", 3);
    trainer_close(a), trainer_close(b);
}
END_TEST

/* ---- memory */
START_TEST(a_rule_for_which_there_is_no_memory_is_refused_and_the_run_goes_on)
{
    for (long more = 0; more < 12; more++) {
        struct err e = {0};
        struct trainer *t = open_on("orders", "cuda");
        lose_after(more, 2); /* one allocation fails */
        bool ok = trainer_set_router(t, "adamoe", &e);
        ck_assert_msg(ok || e.code == ERR_MEMORY, "after %ld calls: %s", more, e.text);
        ck_assert_str_eq(trainer_config(t)->router->name, ok ? "adamoe" : "topk");
        ck_assert_str_eq(kn_name(t->be), "cuda");
        heal();
        rig_steps(t, 1);
        whole(t, "memory", more);
        trainer_close(t);
    }
}
END_TEST

/* ---- races, lessons, a pause */
static long race_steps;
static bool lose_in_lane(void *to, const char *lane, const struct snapshot *s, bool first,
                         bool last)
{
    (void)lane, (void)s, (void)first;
    if (!last && ++race_steps == *(int *)to) lose_after(20, 700);
    return true;
}

START_TEST(a_race_outlives_the_gpu)
{
    struct err e = {0};
    int when = 3;
    struct race r = {.lanes = 2,
                     .seed = {1},
                     .seeds = 1,
                     .kind = RACE_STEPS,
                     .budget = 6,
                     .every = 1,
                     .tell = lose_in_lane,
                     .to = &when};
    struct race_result result[2];
    const char *backend = _i ? "cuda" : "auto";
    r.lane[0] = rig_config("orders", "topk", backend, "batch=4", NULL);
    r.lane[1] = rig_config("orders", "topp", backend, "batch=4", NULL);
    unsetenv("VANPOOL_EMU_FAIL");
    race_steps = 0;
    bool ok = race_run(&r, result, &e);
    if (_i) { /* asked for by name: the lane goes on, the next one cannot begin */
        ck_assert(!ok);
        ck_assert_msg(e.code == ERR_BACKEND && strstr(e.text, "cuda"), "%s", e.text);
        return;
    }
    ck_assert_msg(ok, "%s", e.text);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq((int)result[i].steps.mean, 6);
        ck_assert(isfinite(result[i].loss.mean));
    }
}
END_TEST

static struct console *open_console(void)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "auto", "batch=4", NULL);
    struct console *k = console_open(&c, &e);
    ck_assert_msg(k, "%s", e.text);
    ck_assert_str_eq(console_snapshot(k)->backend, "cuda");
    return k;
}

static void say(struct console *k, const char *line)
{
    struct err e = {0};
    struct text out = {0};
    ck_assert_msg(console_do(k, line, &out, &e), "%s: %s", line, e.text);
    while (console_busy(k)) ck_assert_msg(console_step(k, true, true, &e), "%s: %s", line, e.text);
    text_free(&out);
}

START_TEST(a_console_that_rests_or_works_outlives_the_gpu)
{
    static const char *const lines[] = {"why 3",   "regret",   "step",        "train 5",
                                        "state",   "knob k 1", "router topp", "reset experts=4",
                                        "break 1", "show loss"};
    struct console *k = open_console();
    say(k, "train 3");
    lose_after(0, 700);
    say(k, lines[_i]);
    say(k, "train 2");
    ck_assert_str_eq(console_snapshot(k)->backend, "cpu");
    ck_assert(isfinite(console_snapshot(k)->loss));
    console_close(k);
}
END_TEST

SUITE(trainer_lost)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("lost");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_gpu_lost_while_something_is_done_costs_neither_the_act_nor_the_run, 0,
                        ACTS);
    tcase_add_test(tc, what_is_saved_while_a_gpu_is_lost_can_be_gone_on_from);
    tcase_add_test(tc, a_sticky_error_ends_every_training_on_the_gpu_and_costs_each_as_little);
    tcase_add_test(tc, a_rule_for_which_there_is_no_memory_is_refused_and_the_run_goes_on);
    tcase_add_loop_test(tc, a_race_outlives_the_gpu, 0, 2);
    tcase_add_loop_test(tc, a_console_that_rests_or_works_outlives_the_gpu, 0, 10);
    suite_add_tcase(suite, tc);
}
