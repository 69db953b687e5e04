/* Opening, memory, the first failure, times, and that ops take no memory. */
#include "kernels/peak.h"
#include "tests/kernels/trial.h"

START_TEST(auto_says_why_rather_than_come_to_the_reference)
{
    const struct kn_settings strange = {.simd = "avx9"};
    char why[200];
    struct kn_backend *be = kn_open("auto", &strange, why, sizeof why);
    if (be && strcmp(kn_name(be), "cuda") == 0) {
        kn_close(be);
        SKIP("what the CPU refuses, because the GPU is asked first");
    }
    ck_assert_msg(be == NULL, "%s", kn_name(be));
    ck_assert_msg(strstr(why, "avx9"), "%s", why);
}
END_TEST

START_TEST(auto_opens_the_first_backend_that_can)
{
    char why[200];
    struct kn_backend *be = kn_open("auto", NULL, why, sizeof why), *first = NULL;
    HOLDS(be != NULL, "%s", why);
    for (int i = 0; !first && kn_entry(i); i++)
        first = kn_open(kn_entry(i)->name, NULL, why, sizeof why);
    ck_assert_str_eq(kn_name(be), kn_name(first));
    kn_close(first);
    ck_assert_int_ge(kn_threads(be), 1);
    kn_close(be);
    kn_close(NULL);
}
END_TEST

START_TEST(an_unknown_backend_is_refused_with_the_names_there_are)
{
    char why[200] = "";
    ck_assert_ptr_null(kn_open("gpu", NULL, why, sizeof why));
    ck_assert_str_eq(why, "there is no backend 'gpu': try auto, cuda, cpu, ref");
}
END_TEST

START_TEST(a_short_buffer_for_the_reason_is_never_overrun)
{
    char why[12];
    memset(why, '#', sizeof why);
    ck_assert_ptr_null(kn_open("a name that is much too long", NULL, why, 8));
    ck_assert_uint_eq(strlen(why), 7);
    ck_assert_int_eq(why[8], '#');
}
END_TEST

START_TEST(an_unknown_simd_level_is_refused_with_a_sentence)
{
    char why[200] = "";
    ck_assert_ptr_null(kn_open("cpu", &(struct kn_settings){.simd = "mmx"}, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "mmx"));
}
END_TEST

START_TEST(the_table_ends_with_NULL)
{
    ck_assert_str_eq(kn_entry(0)->name, "cuda");
    ck_assert_str_eq(kn_entry(1)->name, "cpu");
    ck_assert_str_eq(kn_entry(2)->name, "ref");
    ck_assert_ptr_null(kn_entry(3));
    ck_assert_ptr_null(kn_entry(-1));
}
END_TEST

START_TEST(memory_is_zeroed_and_aligned)
{
    RIG(r);
    for (size_t n = 0; n < 70; n++) {
        struct kn_buf b = kn_alloc(r.be, n);
        struct kn_ints k = kn_alloc_ints(r.be, n);
        ck_assert(b.at && k.at);
        ck_assert_uint_eq((uintptr_t)b.at % 64, 0);
        ck_assert_uint_eq((uintptr_t)k.at % 64, 0);
        for (size_t i = 0; i < n; i++)
            HOLDS(rig_get(&r, b, i) == 0 && rig_int(&r, k, i) == 0, "not 0 at %zu", i);
        kn_free(r.be, b);
        kn_free_ints(r.be, k);
    }
    kn_free(r.be, (struct kn_buf){0});
    ck_assert_ptr_null(kn_alloc(r.be, SIZE_MAX / 2).at);
    rig_close(&r);
}
END_TEST

START_TEST(numbers_come_back_as_written)
{
    RIG(r);
    double wide[] = {1.5, -0.25, 1e-3, NAN, INFINITY}, back[5];
    float narrow[] = {3.5f, 0.1f, -7}, narrow_back[3];
    int32_t whole[] = {1, -1, INT32_MAX}, whole_back[3];
    struct kn_buf b = rig_buf(&r, 8, NULL);
    struct kn_ints k = rig_ints(&r, 4, NULL);
    kn_write(r.be, b, wide, 5);
    kn_read(r.be, back, b, 5);
    ck_assert(back[0] == 1.5 && back[1] == -0.25 && isnan(back[3]) && isinf(back[4]));
    ck_assert(back[2] == (kn_exact(r.be) ? 1e-3 : (float)1e-3));
    kn_write_f32(r.be, kn_part(r.be, b, 5), narrow, 3);
    kn_read_f32(r.be, narrow_back, kn_part(r.be, b, 5), 3);
    ck_assert_mem_eq(narrow, narrow_back, sizeof narrow);
    ck_assert(rig_get(&r, b, 6) == 0.1f);
    kn_write_ints(r.be, kn_part_ints(k, 1), whole, 3);
    kn_read_ints(r.be, whole_back, kn_part_ints(k, 1), 3);
    ck_assert_mem_eq(whole, whole_back, sizeof whole);
    ck_assert_int_eq(rig_int(&r, k, 0), 0);
    rig_close(&r);
}
END_TEST

START_TEST(weights_and_plans_close_whether_they_were_opened_or_not)
{
    RIG(r);
    kn_weight_close(r.be, &(struct kn_weight){0});
    kn_plan_close(r.be, &(struct kn_plan){0});
    struct kn_plan p;
    ck_assert(kn_plan_open(r.be, &p, 0, 1, 1));
    kn_plan(r.be, &p, rig_ints(&r, 1, NULL), 0);
    GIVES_INTS(&r, p.offset, "offset without tokens", 0, 0);
    kn_plan_close(r.be, &p);
    kn_plan_close(r.be, &p);
    rig_close(&r);
}
END_TEST

/* ---- the first failure */
START_TEST(first_failure_is_kept)
{
    RIG(r);
    const char *op = "?", *reason = "?";
    ck_assert(kn_sync(r.be, &op, &reason));
    ck_assert(kn_sync(r.be, NULL, NULL));
    kn_fail(r.be, "moe_ffn", "the first reason");
    kn_fail(r.be, "adamw", "the second reason");
    ck_assert(!kn_sync(r.be, NULL, NULL));
    ck_assert(!kn_sync(r.be, &op, &reason));
    ck_assert_str_eq(op, "moe_ffn");
    ck_assert_str_eq(reason, "the first reason");
    kn_close(r.be);
}
END_TEST

static const struct shape small = {
    .T = 5, .D = 8, .E = 3, .S = 2, .H = 4, .V = 6, .B = 2, .C = 3, .heads = 2, .d = 4, .n = 50};

static void check_untouched(struct trial *t)
{
    for (int i = 0; i < t->n_reals; i++) {
        struct real *r = &t->reals[i];
        double v[r->n + 1], d[r->n + 1];
        kn_read(t->be, v, r->at, r->n);
        if (r->d.at) kn_read(t->be, d, r->d, r->n);
        for (int k = 0; k < r->n; k++)
            HOLDS(v[k] == (float)r->host[k] || (isnan(v[k]) && isnan(r->host[k])), "%s wrote %s",
                  t->op->name, r->name);
        for (int k = 0; r->d.at && k < r->n; k++)
            HOLDS(d[k] == (float)r->host_d[k], "%s wrote d%s", t->op->name, r->name);
    }
    for (int i = 0; i < t->n_wholes; i++) {
        struct whole *w = &t->wholes[i];
        int32_t v[w->n + 1];
        kn_read_ints(t->be, v, w->at, w->n);
        for (int k = 0; k < w->n; k++)
            HOLDS(v[k] == (w->host ? w->host[k] : 0), "%s wrote %s", t->op->name, w->name);
    }
}

START_TEST(ops_after_a_failure_do_nothing)
{
    RIG(r);
    kn_timing(r.be, true);
    kn_fail(r.be, "test", "planted");
    for (int i = 0; trial_op(i); i++) {
        struct trial t = trial_open(trial_op(i), r.be, small, 5);
        t.op->forward(&t);
        if (t.op->back) t.op->back(&t);
        check_untouched(&t);
        trial_close(&t);
    }
    struct kn_time times[KN_OP_COUNT];
    kn_times(r.be, times, KN_OP_COUNT);
    for (int i = 0; i < KN_OP_COUNT; i++) ck_assert_int_eq(times[i].calls, 0);
    kn_close(r.be);
}
END_TEST

/* ---- times */
START_TEST(calls_are_timed_only_where_that_was_asked_for)
{
    RIG(r);
    struct kn_time times[KN_OP_COUNT];
    struct kn_buf y = rig_buf(&r, 1000, NULL);
    kn_zero(r.be, y, 1000);
    kn_timing(r.be, true);
    kn_zero(r.be, y, 1000);
    kn_zero(r.be, y, 1000);
    kn_sum_squares(r.be, y, kn_part(r.be, y, 1), 999);
    ck_assert_int_eq(kn_times(r.be, times, 1), 1);
    ck_assert_int_eq(kn_times(r.be, times, 1000), KN_OP_COUNT);
    ck_assert_str_eq(times[KN_OP_zero].op, "zero");
    ck_assert_int_eq(times[KN_OP_zero].calls, 2);
    ck_assert_str_eq(times[KN_OP_sum_squares].op, "sum_squares");
    ck_assert_int_eq(times[KN_OP_sum_squares].calls, 1);
    ck_assert_int_eq(times[KN_OP_adamw].calls, 0);
    ck_assert(times[KN_OP_zero].seconds > 0 && times[KN_OP_zero].seconds < 1);
    kn_times_reset(r.be);
    kn_timing(r.be, false);
    kn_zero(r.be, y, 1000);
    kn_times(r.be, times, KN_OP_COUNT);
    for (int i = 0; i < KN_OP_COUNT; i++) ck_assert(times[i].calls == 0 && times[i].seconds == 0);
    rig_close(&r);
}
END_TEST

START_TEST(parts_are_told_apart_and_no_thread_is_idle_for_longer_than_the_op)
{
    RIG(r);
    struct kn_time one[KN_OP_COUNT], other[KN_OP_COUNT], all[KN_OP_COUNT];
    struct kn_buf y = rig_buf(&r, 1000, NULL);
    kn_timing(r.be, true);
    kn_zero(r.be, y, 1000);
    kn_times_part(r.be, KN_PARTS - 1);
    for (int i = 0; i < 3; i++) kn_zero(r.be, y, 1000);
    for (int i = 0; trial_op(i); i++) {
        struct trial t = trial_open(trial_op(i), r.be, small, 5);
        t.op->forward(&t);
        if (t.op->back) t.op->back(&t);
        trial_close(&t);
    }
    ck_assert_int_eq(kn_times_of(r.be, 0, one, KN_OP_COUNT), KN_OP_COUNT);
    kn_times_of(r.be, KN_PARTS - 1, other, KN_OP_COUNT);
    kn_times(r.be, all, KN_OP_COUNT);
    ck_assert_int_eq(one[KN_OP_zero].calls, 1);
    for (int i = 0; i < KN_OP_COUNT; i++) {
        const struct kn_time *t = &all[i];
        double threads = t->seconds * kn_threads(r.be);
        ck_assert_int_eq(one[i].calls + other[i].calls, t->calls);
        HOLDS(t->idle >= -1e-9 && t->idle <= threads + 1e-9, "%s: %g s idle of %g", t->op, t->idle,
              threads);
        HOLDS(t->moved >= 0 && t->moved <= threads + 1e-6, "%s: %g s moving rows of %g", t->op,
              t->moved, threads);
    }
    HOLDS(strcmp(kn_name(r.be), "cpu") != 0 || all[KN_OP_moe_ffn].moved > 0, "no rows were moved");
    rig_close(&r);
}
END_TEST

START_TEST(what_the_machine_gives_is_measured)
{
    RIG(r);
    double peak = kn_peak_gflops(r.be, 1), bandwidth = kn_bandwidth_gbs(r.be, 1);
    if (kn_exact(r.be)) /* the oracle is for no race */
        ck_assert(isnan(peak) && isnan(bandwidth));
    else
        HOLDS(peak > 0 && bandwidth > 0, "%g GFLOP/s, %g GB/s", peak, bandwidth);
    rig_close(&r);
}
END_TEST

START_TEST(every_op_has_a_trial)
{
    struct rig r = rig_open(&variants[0], 1);
    struct kn_time times[KN_OP_COUNT];
    kn_timing(r.be, true);
    for (int i = 0; trial_op(i); i++) {
        struct trial t = trial_open(trial_op(i), r.be, small, 5);
        t.op->forward(&t);
        if (t.op->back) t.op->back(&t);
        trial_close(&t);
    }
    kn_times(r.be, times, KN_OP_COUNT);
    for (int i = 0; i < KN_OP_COUNT; i++)
        HOLDS(times[i].calls > 0, "no trial calls %s", times[i].op);
    rig_close(&r);
}
END_TEST

/* ---- memory in a step */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC
/* Every allocation of the program passes here; glibc's own functions do the work. */
static long allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t each);
void *__libc_realloc(void *at, size_t n);
void *__libc_memalign(size_t align, size_t n);

static long count_now(void)
{
    return __atomic_load_n(&allocations, __ATOMIC_RELAXED);
}

static void count_one(void)
{
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t n)
{
    count_one();
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t each)
{
    count_one();
    return __libc_calloc(n, each);
}

void *realloc(void *at, size_t n)
{
    count_one();
    return __libc_realloc(at, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    count_one();
    return __libc_memalign(align, n);
}

int posix_memalign(void **at, size_t align, size_t n)
{
    count_one();
    *at = __libc_memalign(align, n);
    return *at ? 0 : 12;
}
#endif

START_TEST(ops_take_no_memory)
{
#if !OWN_MALLOC
    SKIP("a sanitizer owns malloc here");
#else
    RIG(r);
    if (strcmp(kn_name(r.be), "cuda") == 0 && strncmp(kn_device(r.be), "emulated", 8) != 0)
        SKIP("the driver's own memory is not ours to count");
    struct shape large = {.T = 1000,
                          .D = 64,
                          .E = 8,
                          .S = 2,
                          .H = 16,
                          .V = 64,
                          .B = 8,
                          .C = 64,
                          .heads = 2,
                          .d = 32,
                          .n = 320001}; /* work for more than one thread */
    for (int i = 0; trial_op(i); i++) {
        struct trial t = trial_open(trial_op(i), r.be, large, 5);
        long before = 0;
        for (int pass = 0; pass < 3; pass++) { /* the first starts the threads */
            if (pass == 1) before = count_now();
            t.op->forward(&t);
            if (t.op->back) t.op->back(&t);
        }
        HOLDS(count_now() == before, "%s took memory %ld times", t.op->name, count_now() - before);
        trial_close(&t);
    }
    long before = count_now();
    void *volatile one = malloc(1);
    free(one);
    HOLDS(count_now() == before + 1, "the counter does not count");
    rig_close(&r);
#endif
}
END_TEST

SUITE(backend)
{
    TCase *tc = tcase_create("backend");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, auto_says_why_rather_than_come_to_the_reference);
    tcase_add_test(tc, auto_opens_the_first_backend_that_can);
    tcase_add_test(tc, an_unknown_backend_is_refused_with_the_names_there_are);
    tcase_add_test(tc, a_short_buffer_for_the_reason_is_never_overrun);
    tcase_add_test(tc, an_unknown_simd_level_is_refused_with_a_sentence);
    tcase_add_test(tc, the_table_ends_with_NULL);
    tcase_add_loop_test(tc, memory_is_zeroed_and_aligned, 0, VARIANTS);
    tcase_add_loop_test(tc, numbers_come_back_as_written, 0, VARIANTS);
    tcase_add_loop_test(tc, weights_and_plans_close_whether_they_were_opened_or_not, 0, VARIANTS);
    tcase_add_loop_test(tc, first_failure_is_kept, 0, VARIANTS);
    tcase_add_loop_test(tc, ops_after_a_failure_do_nothing, 0, VARIANTS);
    tcase_add_loop_test(tc, calls_are_timed_only_where_that_was_asked_for, 0, VARIANTS);
    tcase_add_loop_test(tc, parts_are_told_apart_and_no_thread_is_idle_for_longer_than_the_op, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, what_the_machine_gives_is_measured, 0, VARIANTS);
    tcase_add_test(tc, every_op_has_a_trial);
    tcase_add_loop_test(tc, ops_take_no_memory, 0, VARIANTS);
    suite_add_tcase(suite, tc);
}
