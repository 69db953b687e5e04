/* Every op forwards and backwards on a few small shapes, in each way that a GPU multiplies: quick
 * enough to be watched by compute-sanitizer, which slows a kernel a hundred times. What they give is
 * compared in parity.c; here nothing may fail. */
#ifdef RIG_CUDA
#include "tests/kernels/trial.h"

static const char *const maths[] = {"fp32", "tf32", "bf16"};
enum { MATHS = sizeof maths / sizeof *maths };

/* Odd sizes; then sides that tensor cores and wide loads like, and more than one tile of them. */
static const struct shape shapes[] = {
    {.T = 7,
     .D = 41,
     .E = 5,
     .S = 2,
     .H = 33,
     .V = 17,
     .B = 2,
     .C = 7,
     .heads = 3,
     .d = 10,
     .n = 7},
    {.T = 70,
     .D = 64,
     .E = 4,
     .S = 1,
     .H = 32,
     .V = 20,
     .B = 2,
     .C = 70,
     .heads = 2,
     .d = 32,
     .n = 300,
     .aligned = true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

START_TEST(no_op_fails_on_small_shapes)
{
    const struct op_trial *op = trial_op(_i / MATHS);
    const char *failed, *reason;
    setenv("VANPOOL_CUDA_MATH", maths[_i % MATHS], 1);
    struct rig r = rig_open(&variants[1], 1);
    unsetenv("VANPOOL_CUDA_MATH"); /* without forks the other tests come after this one */
    for (int n = 0; n < SHAPES; n++) {
        struct trial t = trial_open(op, r.be, shapes[n], 5 + n);
        op->forward(&t);
        if (op->back) op->back(&t);
        HOLDS(kn_sync(r.be, &failed, &reason), "%s in %s, shape %d: %s failed: %s", op->name,
              maths[_i % MATHS], n, failed, reason);
        trial_close(&t);
    }
    rig_close(&r);
}
END_TEST

SUITE(small)
{
    TCase *tc = tcase_create("small");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, no_op_fails_on_small_shapes, 0, trial_count() * MATHS);
    suite_add_tcase(suite, tc);
}
#endif
