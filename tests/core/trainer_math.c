/* Mixed precision: what multiplies with fewer bits on a GPU, and what does not. Runs with
 * `make check-emu` only: $VANPOOL_CUDA names the emulated module. */
#include "tests/core/model_rig.h"

static const char *const maths[] = {"fp32", "tf32", "bf16"};

static struct trainer *open_with(const char *math, struct config c)
{
    struct err e = {0};
    setenv("VANPOOL_CUDA_MATH", math, 1);
    struct trainer *t = trainer_open(&c, &e);
    unsetenv("VANPOOL_CUDA_MATH");
    ck_assert_msg(t, "%s", e.text);
    ck_assert_str_eq(kn_simd(t->be), math);
    return t;
}

static double *numbers(struct trainer *t, struct kn_buf from, size_t n)
{
    double *to = calloc(n, sizeof *to);
    kn_read(t->be, to, from, n);
    return to;
}

START_TEST(a_router_multiplies_in_float32_whatever_the_others_do)
{
    struct trainer *t = open_with(maths[_i], rig_config("orders", "topk", "cuda", "batch=8", NULL));
    struct model *m = t->model;
    struct route *r = &m->layer[0].moe.route;
    size_t N = (size_t)r->N, D = (size_t)r->D;
    double *w = numbers(t, r->w.w, N * D); /* the step ends with others */
    rig_steps(t, 1);
    size_t T = (size_t)r->T;
    double *x = numbers(t, r->x, T * D), *logits = numbers(t, r->logits, T * N), size = 0;
    ck_assert_uint_gt(T, 0);
    for (size_t i = 0; i < T * N; i++) {
        double sum = 0;
        for (size_t k = 0; k < D; k++) sum += x[i / N * D + k] * w[i % N * D + k];
        NEAR(logits[i], sum, 1e-5, 1e-5, "%s: logit %zu", maths[_i], i);
        size += fabs(sum);
    }
    ck_assert_double_gt(size, 1e-2 * (double)(T * N));
    free(w), free(x), free(logits);
    trainer_close(t);
}
END_TEST

SUITE(trainer_math)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("math");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_router_multiplies_in_float32_whatever_the_others_do, 0, 3);
    suite_add_tcase(suite, tc);
}
