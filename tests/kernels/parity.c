/* The fast backends against ref, at every SIMD level, and against themselves with more threads. */
#include "tests/kernels/trial.h"

/* Odd sizes, empty ones, and for each op one that is large enough to be shared out to threads. */
static const struct shape shapes[] = {
    {.T = 1, .D = 41, .E = 2, .H = 4, .V = 3, .B = 1, .C = 1, .heads = 1, .d = 2, .n = 1},
    {.T = 0, .D = 57, .E = 3, .S = 1, .H = 24, .V = 5, .B = 0, .C = 4, .heads = 2, .d = 8, .n = 0},
    {.T = 7,
     .D = 64,
     .E = 5,
     .S = 2,
     .H = 33,
     .V = 17,
     .B = 2,
     .C = 7,
     .heads = 3,
     .d = 10,
     .n = 7},
    {.T = 129,
     .D = 128,
     .E = 8,
     .H = 64,
     .V = 256,
     .B = 4,
     .C = 129,
     .heads = 4,
     .d = 32,
     .n = 4097},
    {.T = 129,
     .D = 57,
     .E = 16,
     .S = 3,
     .H = 24,
     .V = 65,
     .B = 3,
     .C = 33,
     .heads = 4,
     .d = 14,
     .n = 1000},
    {.T = 40, .D = 64, .E = 64, .H = 33, .V = 100, .B = 2, .C = 64, .heads = 1, .d = 64, .n = 65},
    {.T = 300,
     .D = 64,
     .E = 8,
     .S = 1,
     .H = 24,
     .V = 64,
     .B = 2,
     .C = 65,
     .heads = 3,
     .d = 18,
     .n = 100003},
    {.T = 65,
     .D = 41,
     .E = 7,
     .S = 1,
     .H = 256,
     .V = 9,
     .B = 1,
     .C = 17,
     .heads = 2,
     .d = 6,
     .n = 16385},
    {.T = 16, .D = 1, .E = 1, .S = 4, .H = 1, .V = 1, .B = 16, .C = 1, .heads = 1, .d = 4, .n = 64},
    {.T = 16000,
     .D = 24,
     .E = 8,
     .S = 2,
     .H = 2,
     .V = 8,
     .B = 1,
     .C = 2,
     .heads = 1,
     .d = 128,
     .n = 320001},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, ROUNDS = 2 * SHAPES, PARTS = 24 };

/* What a trial left behind, read back. */
struct result {
    int count;
    struct part {
        const char *name, *kind;
        bool exact;
        int n;
        double *v;
    } parts[PARTS];
};

static void keep(struct result *to, const char *name, const char *kind, int n, double *v)
{
    HOLDS(to->count < PARTS, "no room for %s", name);
    to->parts[to->count++] =
        (struct part){.name = name, .kind = kind, .exact = *kind == 'i', .n = n, .v = v};
}

static void keep_reals(struct result *to, struct trial *t, struct kn_buf b, const char *name,
                       const char *kind, int n)
{
    double *v = calloc((size_t)n + 1, sizeof *v);
    kn_read(t->be, v, b, n);
    keep(to, name, kind, n, v);
}

static struct result run_changed(const struct op_trial *op, struct kn_backend *be, struct shape s,
                                 uint64_t seed, void (*change)(struct trial *t))
{
    struct result to = {0};
    struct trial t = trial_open(op, be, s, seed);
    if (change) change(&t);
    op->forward(&t);
    if (op->back) op->back(&t);
    for (int i = 0; i < t.n_reals; i++) {
        struct real *r = &t.reals[i];
        if (r->role == OUTPUT || r->role == BESIDE)
            keep_reals(&to, &t, r->at, r->name, "value", r->n);
        if (r->role == INPUT) keep_reals(&to, &t, r->d, r->name, "gradient", r->n);
    }
    for (int i = 0; i < t.n_wholes; i++) {
        struct whole *w = &t.wholes[i];
        if (!w->compared) continue;
        int32_t *read = calloc((size_t)w->n + 1, sizeof *read);
        double *v = calloc((size_t)w->n + 1, sizeof *v);
        kn_read_ints(be, read, w->at, w->n);
        for (int k = 0; k < w->n; k++) v[k] = read[k];
        free(read);
        keep(&to, w->name, "integers", w->n, v);
    }
    trial_close(&t);
    const char *failed = NULL, *reason = NULL;
    HOLDS(kn_sync(be, &failed, &reason), "%s: %s failed: %s", op->name, failed, reason);
    return to;
}

static struct result run(const struct op_trial *op, struct kn_backend *be, struct shape s,
                         uint64_t seed)
{
    return run_changed(op, be, s, seed, NULL);
}

static void forget(struct result *r)
{
    for (int i = 0; i < r->count; i++) free(r->parts[i].v);
}

static double within = 1e-5;

/* Integers alike; numbers by the ratio of norms, as rounding grows with the length of a sum. */
static void compare(const struct result *got, const struct result *want, const char *where)
{
    HOLDS(got->count == want->count, "%s: other fields", where);
    for (int i = 0; i < want->count; i++) {
        const struct part *a = &got->parts[i], *b = &want->parts[i];
        double apart = 0, size = 0;
        HOLDS(a->n == b->n, "%s: %s has %d, want %d", where, b->name, a->n, b->n);
        for (int k = 0; k < b->n; k++) {
            HOLDS(!b->exact || a->v[k] == b->v[k], "%s: %s[%d] is %g, want %g", where, b->name, k,
                  a->v[k], b->v[k]);
            apart += (a->v[k] - b->v[k]) * (a->v[k] - b->v[k]);
            size += b->v[k] * b->v[k];
        }
        HOLDS(sqrt(apart) <= within * sqrt(size) + 1e-6,
              "%s: %s of %s is off by %.3g of a norm of %.3g", where, b->kind, b->name, sqrt(apart),
              sqrt(size));
    }
}

static void same_bits(const struct result *got, const struct result *want, const char *where)
{
    for (int i = 0; i < want->count; i++)
        for (int k = 0; k < want->parts[i].n; k++)
            HOLDS(memcmp(&got->parts[i].v[k], &want->parts[i].v[k], sizeof(double)) == 0,
                  "%s: %s of %s[%d] is %.17g, with 1 thread %.17g", where, want->parts[i].kind,
                  want->parts[i].name, k, got->parts[i].v[k], want->parts[i].v[k]);
}

static void check_level(const struct op_trial *op, const struct variant *v,
                        const struct result *want)
{
#ifdef RIG_CUDA
    static const int threads[] = {1, 1}; /* twice: blocks and threads come in another order */
#else
    static const int threads[] = {1, 2, 4};
#endif
    struct result one[ROUNDS];
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
        struct rig cpu = rig_open(v, threads[k]);
        for (int n = 0; n < ROUNDS; n++) {
            char where[120];
            snprintf(where, sizeof where, "%s, %s, %d threads, shape %d", op->name,
                     v->simd ? v->simd : v->name, threads[k], n / 2);
            struct result got = run(op, cpu.be, shapes[n / 2], 77 + n);
            compare(&got, &want[n], where);
            if (k == 0)
                one[n] = got;
            else
                same_bits(&got, &one[n], where);
            if (k > 0) forget(&got);
        }
        rig_close(&cpu);
    }
    for (int n = 0; n < ROUNDS; n++) forget(&one[n]);
}

START_TEST(cpu_is_near_ref_and_has_the_same_bits_with_any_number_of_threads)
{
    const struct op_trial *op = trial_op(_i);
    struct rig ref = rig_open(&variants[0], 1);
    struct result want[ROUNDS];
    for (int n = 0; n < ROUNDS; n++) want[n] = run(op, ref.be, shapes[n / 2], 77 + n);
    const char *missing = NULL;
    for (int i = 1; i < VARIANTS; i++) {
        if (rig_can(variants[i].simd))
            check_level(op, &variants[i], want);
        else
            missing = variants[i].simd;
    }
    for (int n = 0; n < ROUNDS; n++) forget(&want[n]);
    rig_close(&ref);
    if (missing) SKIP("%s: this CPU has no %s", op->name, missing);
}
END_TEST

#ifdef RIG_CUDA
/* Products with fewer bits in each factor: 10 in TF32, 8 in bfloat16. Under ReLU a unit whose sum is
 * near 0 may then be on here and off there. A router's products keep all bits. Of the shapes not
 * those of single numbers or tokens, where one rounding is all; nor, for experts, the long ones. */
static const struct math {
    const char *name, *ops;
    double within;
} maths[] = {
    {"tf32", "linear", 1e-3},       {"tf32", "moe_ffn swiglu", 2e-3},
    {"tf32", "moe_ffn silu", 2e-3}, {"tf32", "moe_ffn relu", 5e-2},
    {"tf32", "cosine", 1e-5},       {"bf16", "linear", 1e-2},
    {"bf16", "cosine", 1e-5},       {"bf16", "moe_ffn swiglu", 1e-2},
    {"bf16", "moe_ffn silu", 1e-2}, {"bf16", "moe_ffn relu", 1e-1},
};
enum { MATHS = sizeof maths / sizeof *maths };

static const struct op_trial *named(const char *name)
{
    for (int i = 0; trial_op(i); i++)
        if (strcmp(trial_op(i)->name, name) == 0) return trial_op(i);
    ck_abort_msg("there is no trial '%s'", name);
    return NULL;
}

static bool alike(const struct result *a, const struct result *b)
{
    for (int i = 0; i < a->count; i++)
        if (memcmp(a->parts[i].v, b->parts[i].v, (size_t)a->parts[i].n * sizeof(double)) != 0)
            return false;
    return true;
}

START_TEST(products_with_fewer_bits_are_near_ref_and_alike_twice)
{
    const struct math *m = &maths[_i];
    const struct op_trial *op = named(m->ops);
    struct rig ref = rig_open(&variants[0], 1), strict = rig_open(&variants[1], 1);
    bool same = true, full = m->within < 1e-4;
    setenv("VANPOOL_CUDA_MATH", m->name, 1);
    struct rig fast = rig_open(&variants[1], 1);
    unsetenv("VANPOOL_CUDA_MATH"); /* without forks the other tests come after this one */
    within = m->within;
    for (int n = 0; n < ROUNDS; n++) {
        char where[120];
        bool slow = shapes[n / 2].T > 1000 && strstr(op->name, "moe_ffn");
        if (slow || shapes[n / 2].T == 1 || shapes[n / 2].D == 1) continue;
        snprintf(where, sizeof where, "%s in %s, shape %d", op->name, m->name, n / 2);
        struct result want = run(op, ref.be, shapes[n / 2], 77 + n),
                      plain = run(op, strict.be, shapes[n / 2], 77 + n),
                      got = run(op, fast.be, shapes[n / 2], 77 + n),
                      again = run(op, fast.be, shapes[n / 2], 77 + n);
        compare(&got, &want, where);
        HOLDS(alike(&got, &again), "%s: other bits the second time", where);
        same = same && alike(&got, &plain);
        forget(&want), forget(&plain), forget(&got), forget(&again);
    }
    within = 1e-5;
    bool can = strcmp(kn_simd(fast.be), m->name) == 0;
    rig_close(&ref), rig_close(&strict), rig_close(&fast);
    if (!can) SKIP("%s: this GPU has no %s", op->name, m->name);
    HOLDS(same == full, "%s in %s: %s those of float32", op->name, m->name,
          same ? "the bits are" : "the bits are not");
}
END_TEST

/* ---- rows of an expert, on both sides of where tiles end */
enum { COUNTS_MOST = 130, COUNTS_E = 8 };
static int counts[COUNTS_E];

static void take_counts(struct trial *t)
{
    int32_t *mask = whole(t, "mask")->host;
    for (int i = 0; i < t->s.T; i++)
        for (int e = 0; e < COUNTS_E; e++) mask[i * t->N + e] = i < counts[e];
    trial_reset(t);
}

START_TEST(experts_may_have_any_count_of_rows)
{
    static const struct shape shape = {.T = COUNTS_MOST, .D = 24, .E = COUNTS_E, .H = 12};
    static const char *const ways[] = {"fp32", "tf32", "bf16"};
    static const double near[] = {1e-5, 2e-3, 1e-2};
    const struct op_trial *op = named("moe_ffn swiglu");
    struct rig ref = rig_open(&variants[0], 1);
    setenv("VANPOOL_CUDA_MATH", ways[_i], 1);
    struct rig fast = rig_open(&variants[1], 1);
    unsetenv("VANPOOL_CUDA_MATH");
    within = near[_i];
    for (int n = -3; n <= COUNTS_MOST; n += n < 0 ? 1 : COUNTS_E) {
        char where[120];
        for (int e = 0; e < COUNTS_E; e++) {
            int next = n + e < COUNTS_MOST ? n + e : COUNTS_MOST;
            int full = n == -1 || (n == -2 && e == 5) ? COUNTS_MOST : 0; /* all, one, none */
            counts[e] = n < 0 ? full : next;
        }
        snprintf(where, sizeof where, "%s, %d rows and more", ways[_i], counts[0]);
        struct result want = run_changed(op, ref.be, shape, 5, take_counts),
                      got = run_changed(op, fast.be, shape, 5, take_counts);
        compare(&got, &want, where);
        forget(&want), forget(&got);
    }
    within = 1e-5;
    rig_close(&ref), rig_close(&fast);
}
END_TEST

START_TEST(a_way_to_multiply_that_is_not_there_is_refused_with_those_that_are)
{
    char why[200] = "";
    setenv("VANPOOL_CUDA_MATH", "half", 1);
    ck_assert_ptr_null(kn_open("cuda", NULL, why, sizeof why));
    unsetenv("VANPOOL_CUDA_MATH");
    HOLDS(strstr(why, "'half'") && strstr(why, "fp32, tf32 or bf16"), "%s", why);
}
END_TEST
#endif

SUITE(parity)
{
    TCase *tc = tcase_create("parity");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, cpu_is_near_ref_and_has_the_same_bits_with_any_number_of_threads, 0,
                        trial_count());
    suite_add_tcase(suite, tc);
#ifdef RIG_CUDA
    tc = tcase_create("math");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, products_with_fewer_bits_are_near_ref_and_alike_twice, 0, MATHS);
    tcase_add_loop_test(tc, experts_may_have_any_count_of_rows, 0, 3);
    tcase_add_test(tc, a_way_to_multiply_that_is_not_there_is_refused_with_those_that_are);
    suite_add_tcase(suite, tc);
#endif
}
