/* Ops that work on rows in fours, on memory that begins where it was taken: near ref at every number of
 * fours around what a warp has at once, and with the same bits twice. (Other trials have memory that
 * begins anywhere, and so mostly see the ways that go number by number.) */
#include "tests/kernels/trial.h"

static const char *const ops[] = {"vectors", "embed", "rope", "rmsnorm", "adamw", "moe_ffn swiglu"};
enum { OPS = sizeof ops / sizeof *ops };

#define SHAPE(t, width, v, c, size)                                                                \
    {                                                                                              \
        .T = t, .D = width, .E = 3, .H = 8, .V = v, .B = 2, .C = c, .heads = 2, .d = size,         \
        .n = t + width, .aligned = true                                                            \
    }
static const struct shape shapes[] = {
    SHAPE(1, 4, 1, 1, 8),     SHAPE(33, 124, 3, 5, 16),   SHAPE(70, 128, 300, 7, 24),
    SHAPE(9, 132, 2, 3, 8),   SHAPE(65, 256, 5, 2, 8),    SHAPE(17, 260, 300, 2, 64),
    SHAPE(20, 512, 9, 3, 8),  SHAPE(66, 516, 2, 2, 40),   SHAPE(8, 1024, 1, 1, 8),
    SHAPE(3, 1028, 4, 1, 12), SHAPE(1100, 12, 600, 3, 8), SHAPE(4200, 8, 5, 1, 8),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const struct op_trial *named(const char *name)
{
    for (int i = 0; trial_op(i); i++)
        if (strcmp(trial_op(i)->name, name) == 0) return trial_op(i);
    ck_abort_msg("there is no trial %s", name);
    return NULL;
}

/* All numbers that a trial leaves, one after the other. */
static double *left_by(const struct op_trial *op, const struct variant *v, struct shape s, int *n)
{
    struct rig r = rig_open(v, 1);
    struct trial t = trial_open(op, r.be, s, 5);
    op->forward(&t);
    if (op->back) op->back(&t);
    double *all = NULL;
    *n = 0;
    for (int i = 0; i < t.n_reals; i++) {
        struct real *x = &t.reals[i];
        if (x->role == GIVEN) continue;
        all = realloc(all, (size_t)(*n + x->n + 1) * sizeof *all);
        kn_read(r.be, all + *n, x->role == INPUT ? x->d : x->at, x->n);
        *n += x->n;
    }
    trial_close(&t);
    rig_close(&r);
    return all;
}

START_TEST(rows_in_fours_are_near_ref_and_alike_twice)
{
    const struct op_trial *op = named(ops[_i / SHAPES]);
    const struct shape *s = &shapes[_i % SHAPES];
    int n;
    double *want = left_by(op, &variants[0], *s, &n);
    for (int i = 1; i < VARIANTS; i++) {
        if (!rig_can(variants[i].simd)) continue;
        double *got = left_by(op, &variants[i], *s, &n), *again = left_by(op, &variants[i], *s, &n);
        for (int k = 0; k < n; k++)
            NEAR(got[k], want[k], 2e-4, 2e-4, "%s, %s, T %d, D %d, number %d of %d", op->name,
                 variants[i].name, s->T, s->D, k, n);
        HOLDS(memcmp(got, again, sizeof *got * n) == 0, "%s: other bits the second time", op->name);
        free(got), free(again);
    }
    free(want);
}
END_TEST

SUITE(wide_rows)
{
    TCase *tc = tcase_create("fours");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, rows_in_fours_are_near_ref_and_alike_twice, 0, OPS * SHAPES);
    suite_add_tcase(suite, tc);
}
