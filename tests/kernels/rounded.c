/* Both gradients of a product in bfloat16 may use one rounded copy of dy: but not where dy, or what holds
 * the copy, was changed between them. */
#include "tests/kernels/rig.h"

#ifdef RIG_CUDA
enum { T = 9, M = 16, K = 8 };
enum between { NOTHING, AN_OP, A_WRITE, ANOTHER_PRODUCT, OTHER_ROWS, WAYS };

/* dx and dw, one after the other; what happens to dy in between is the test's. */
static void gradients(const struct variant *v, enum between way, bool x_first, double *to)
{
    struct rig r = rig_open(v, 1);
    uint64_t seed = 3;
    double numbers[T * M];
    for (int i = 0; i < T * M; i++) numbers[i] = rig_normal(&seed);
    struct kn_buf w = rig_buf(&r, M * K, numbers), x = rig_buf(&r, T * K, numbers),
                  dy = rig_buf(&r, T * M, numbers), y = rig_buf(&r, T * M, NULL),
                  dw = rig_buf(&r, M * K, NULL), dx = rig_buf(&r, T * K, NULL);
    struct kn_weight weight = {0}, *all[] = {&weight};
    ck_assert(kn_weight_open(r.be, &weight, w, KN_DENSE, 1, M, K, false));
    kn_repack(r.be, all, 1);
    for (int i = 0; i < 2; i++) {
        int rows = i == 1 && way == OTHER_ROWS ? T - 1 : T;
        if (x_first == (i == 0))
            kn_linear_back_x(r.be, dx, dy, &weight, rows, false);
        else
            kn_linear_back_w(r.be, dw, dy, x, &weight, rows);
        if (way == AN_OP) kn_scale(r.be, dy, 3, dy, T * M);
        for (int k = 0; k < T * M; k++) numbers[k] = k % 5;
        if (way == A_WRITE) kn_write(r.be, dy, numbers, T * M);
        if (way == ANOTHER_PRODUCT) kn_linear(r.be, y, x, &weight, T);
    }
    kn_read(r.be, to, dx, T * K);
    kn_read(r.be, to + T * K, dw, M * K);
    kn_weight_close(r.be, &weight);
    rig_close(&r);
}

START_TEST(gradients_of_a_product_see_dy_as_it_is)
{
    double got[T * K + M * K], want[T * K + M * K];
    setenv("VANPOOL_CUDA_MATH", "bf16", 1);
    gradients(&variants[1], (enum between)(_i / 2), _i % 2, got);
    unsetenv("VANPOOL_CUDA_MATH"); /* without forks the other tests come after this one */
    gradients(&variants[0], (enum between)(_i / 2), _i % 2, want);
    for (int k = 0; k < T * K + M * K; k++)
        NEAR(got[k], want[k], .15, .02, "way %d, number %d", _i, k);
}
END_TEST

SUITE(rounded)
{
    TCase *tc = tcase_create("dy");
    tcase_add_loop_test(tc, gradients_of_a_product_see_dy_as_it_is, 0, 2 * WAYS);
    suite_add_tcase(suite, tc);
}
#endif
