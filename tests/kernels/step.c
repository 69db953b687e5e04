/* Work that is handed over whole gives what the same ops give one by one, to the last bit, whatever
 * changes from one step to the next; what it tells is heard in order; and what is only to happen
 * where a number is finite does not where it is not. */
#include "tests/kernels/rig.h"

#include <math.h>
#include <string.h>

enum { T = 33, D = 20, M = 12 };

/* A little of everything a step has: numbers from the host, a product of cuBLAS, sums, scalars. */
struct work {
    struct kn_backend *be;
    struct kn_weight w;
    struct kn_buf x, y, p, sum;
    struct kn_ints ids;
};

static struct work open_work(struct rig *r)
{
    uint64_t random = 7;
    double numbers[T * D];
    struct work k = {.be = r->be};
    for (int i = 0; i < T * D; i++) numbers[i] = rig_normal(&random);
    k.x = rig_buf(r, T * D, numbers);
    k.y = rig_buf(r, T * M, NULL), k.p = rig_buf(r, T * M, NULL), k.sum = rig_buf(r, 2, NULL);
    k.ids = rig_ints(r, T, NULL);
    struct kn_weight *w = &k.w;
    HOLDS(kn_weight_open(r->be, w, rig_buf(r, M * D, numbers), KN_DENSE, 1, M, D, false), "weight");
    kn_repack(r->be, &w, 1);
    return k;
}

/* `other` asks for one op more. */
static void do_work(struct work *k, int step, bool other)
{
    int32_t id[T];
    double from[5];
    for (int i = 0; i < T; i++) id[i] = (i * 7 + step) % M;
    for (int i = 0; i < 5; i++) from[i] = step + .25 * i;
    kn_write_ints(k->be, k->ids, id, T);
    kn_write(k->be, k->x, from, 5);
    kn_linear(k->be, k->y, k->x, &k->w, T);
    if (other) kn_scale(k->be, k->y, .5, k->y, T * M);
    kn_softmax_rows(k->be, k->p, k->y, 1 + step % 3, T, M);
    kn_embed(k->be, k->y, k->ids, k->p, T, M, M);
    kn_accumulate(k->be, k->x, 1e-3 * step, k->y, T * M);
    kn_sum_squares(k->be, k->sum, k->x, T * D);
    kn_sum_squares(k->be, kn_part(k->be, k->sum, 1), k->y, T * M);
    kn_tell(k->be, k->sum, 2);
}

START_TEST(a_step_gives_what_its_ops_give_one_by_one)
{
    RIG(r);
    struct rig other = rig_open(&variants[_i], 1);
    struct work whole = open_work(&r), each = open_work(&other);
    for (int step = 0; step < 12; step++) {
        double told[2], want[2], x[T * D], y[T * D];
        bool more = step == 6 || step == 7; /* another shape of step, and back */
        kn_step_begin(r.be);
        do_work(&whole, step, more);
        kn_step_end(r.be);
        do_work(&each, step, more);
        HOLDS(kn_hear(r.be, told, 2, true) && kn_hear(other.be, want, 2, true), "told nothing");
        HOLDS(told[0] == want[0] && told[1] == want[1], "step %d told %g %g, not %g %g", step,
              told[0], told[1], want[0], want[1]);
        HOLDS(!kn_hear(r.be, told, 2, true), "told twice");
        kn_read(r.be, x, whole.x, T * D), kn_read(other.be, y, each.x, T * D);
        HOLDS(memcmp(x, y, sizeof x) == 0, "other numbers in step %d", step);
    }
    kn_weight_close(r.be, &whole.w), kn_weight_close(other.be, &each.w);
    rig_close(&other), rig_close(&r);
}
END_TEST

START_TEST(a_look_inside_a_step_sees_what_is_there_and_the_step_goes_on)
{
    RIG(r);
    struct kn_buf a = BUF(&r, 1, 2, 3), b = BUF(&r, 0, 0, 0);
    for (int step = 0; step < 4; step++) {
        kn_step_begin(r.be);
        kn_scale(r.be, a, 2, a, 3);
        HOLDS(rig_get(&r, a, 2) == 3 * ldexp(1, step + 1), "seen in step %d: %g", step,
              rig_get(&r, a, 2));
        kn_add(r.be, b, b, a, 3);
        kn_step_end(r.be);
    }
    GIVES(&r, b, 0, "the sum of what it was", 30, 60, 90);
    rig_close(&r);
}
END_TEST

START_TEST(what_is_told_is_heard_in_order)
{
    RIG(r);
    double got[1];
    struct kn_buf a = BUF(&r, 1);
    HOLDS(!kn_hear(r.be, got, 1, false), "heard before anything was told");
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 2; i++) {
            kn_step_begin(r.be);
            kn_scale(r.be, a, 2, a, 1);
            kn_tell(r.be, a, 1);
            kn_step_end(r.be);
        }
        for (int i = 0; i < 2; i++) {
            HOLDS(kn_hear(r.be, got, 1, true), "round %d: nothing", round);
            HOLDS(got[0] == ldexp(1, 2 * round + i + 1), "round %d: %g", round, got[0]);
        }
    }
    HOLDS(!kn_hear(r.be, got, 1, true), "there is no more");
    rig_close(&r);
}
END_TEST

static const double factors[] = {1, .5, NAN, INFINITY, -INFINITY};

START_TEST(what_lasts_changes_only_where_the_number_is_finite)
{
    RIG(r);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        bool fine = isfinite(factors[i]);
        struct kn_buf f = BUF(&r, factors[i]), one = BUF(&r, 1), w = BUF(&r, 1, 2),
                      m = BUF(&r, 0, 0), v = BUF(&r, 0, 0), g = BUF(&r, 1, 1), y = BUF(&r, 5, 5);
        struct kn_buf load = BUF(&r, 3, 1), bias = BUF(&r, 0, 0);
        const struct kn_adamw o = {.lr = .1, .b1 = .9, .b2 = .99, .eps = 1e-8, .step = 1};
        const struct kn_bias_rule rule = {.rate = .25, .sign = true};
        kn_step_begin(r.be);
        kn_only(r.be, f);
        kn_adamw(r.be, w, m, v, g, one, &o, 2);
        kn_bias_step(r.be, bias, (struct kn_buf){0}, load, &rule, 2, 2);
        kn_only(r.be, (struct kn_buf){0});
        kn_fill(r.be, y, 7, 2);
        kn_step_end(r.be);
        rig_near(&r, w, fine ? (double[]){.9, 1.9} : (double[]){1, 2}, 2, 1e-6, "weights");
        rig_near(&r, m, fine ? (double[]){.1, .1} : (double[]){0, 0}, 2, 1e-6, "moments");
        rig_near(&r, bias, fine ? (double[]){-.25, .25} : (double[]){0, 0}, 2, 1e-6, "a bias");
        GIVES(&r, y, 0, "what is asked behind it", 7, 7);
    }
    rig_close(&r);
}
END_TEST

SUITE(step)
{
    TCase *tc = tcase_create("step");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, a_step_gives_what_its_ops_give_one_by_one, 0, VARIANTS);
    tcase_add_loop_test(tc, a_look_inside_a_step_sees_what_is_there_and_the_step_goes_on, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, what_is_told_is_heard_in_order, 0, VARIANTS);
    tcase_add_loop_test(tc, what_lasts_changes_only_where_the_number_is_finite, 0, VARIANTS);
    suite_add_tcase(suite, tc);
}
