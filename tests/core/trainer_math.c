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

/* Measured: 1.3e-4 in TF32 and 1.4e-3 in bf16 at most. */
static const double near[] = {1e-5, 5e-4, 1e-2};

START_TEST(losses_with_fewer_bits_stay_near_those_of_the_cpu)
{
    struct err e = {0};
    int way = 1 + _i % 2;
    const struct router *router = router_at(_i / 2);
    bool text = !router; /* past the table: a text, with attention */
    const char *name = text ? "topp" : router->name;
    struct config c = rig_config(text ? "text" : "orders", name, "cuda",
                                 text ? "batch=2" : "batch=16", NULL),
                  d = c;
    strcpy(d.backend, "cpu");
    struct trainer *gpu = open_with(maths[way], c), *cpu = trainer_open(&d, &e);
    bool apart = false;
    ck_assert_msg(cpu, "%s", e.text);
    for (int i = 0; i < 4; i++) {
        rig_steps(gpu, 1), rig_steps(cpu, 1);
        NEAR(gpu->loss, cpu->loss, near[way], 0, "%s, %s: loss of step %d", name, maths[way], i);
        apart = apart || fabs(gpu->loss - cpu->loss) > 1e-6;
    }
    ck_assert_msg(apart, "%s: nothing was multiplied in %s", name, maths[way]);
    trainer_close(gpu), trainer_close(cpu);
}
END_TEST

SUITE(trainer_math)
{
    if (!getenv("VANPOOL_CUDA")) return;
    TCase *tc = tcase_create("math");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_router_multiplies_in_float32_whatever_the_others_do, 0, 3);
    int strategies = 0;
    while (router_at(strategies)) strategies++;
    tcase_add_loop_test(tc, losses_with_fewer_bits_stay_near_those_of_the_cpu, 0,
                        2 * (strategies + 1));
    suite_add_tcase(suite, tc);
}
