/* Known values of the loss and the optimiser. */
#include "tests/kernels/rig.h"

/* ---- cross-entropy */
START_TEST(cross_entropy_counts_only_labelled_rows)
{
    RIG(r);
    double l3 = 1.0986122886681098;
    struct kn_buf logits = BUF(&r, 0, l3, 5, 9, l3, 0), loss = rig_buf(&r, 1, NULL);
    struct kn_buf nll = BUF(&r, 8, 8, 8), d = BUF(&r, 8, 8, 8, 8, 8, 8);
    struct kn_ints hit = INTS(&r, 8, 8, 8), label = INTS(&r, 1, -1, 1);
    kn_cross_entropy(r.be, loss, nll, hit, d, logits, label, 3, 2);
    double a = log(4.0 / 3), b = log(4);
    GIVES(&r, nll, 1e-6, "nll", a, 0, b);
    GIVES(&r, loss, 1e-6, "mean", (a + b) / 2);
    GIVES_INTS(&r, hit, "hit", 1, 0, 0);
    GIVES(&r, d, 1e-6, "gradient", .125, -.125, 0, 0, .375, -.375);
    kn_cross_entropy(r.be, loss, nll, hit, logits, logits, label, 3, 2);
    GIVES(&r, logits, 1e-6, "gradient in place", .125, -.125, 0, 0, .375, -.375);
    rig_close(&r);
}
END_TEST

START_TEST(cross_entropy_of_no_label_is_0)
{
    RIG(r);
    struct kn_buf logits = BUF(&r, 1, 2, 3, 4), loss = BUF(&r, 8), nll = BUF(&r, 8, 8);
    struct kn_buf d = BUF(&r, 8, 8, 8, 8);
    struct kn_ints hit = INTS(&r, 8, 8);
    kn_cross_entropy(r.be, loss, nll, hit, d, logits, INTS(&r, -1, -1), 2, 2);
    GIVES(&r, loss, 0, "loss", 0);
    GIVES(&r, nll, 0, "nll", 0, 0);
    GIVES(&r, d, 0, "gradient", 0, 0, 0, 0);
    GIVES_INTS(&r, hit, "hit", 0, 0);
    kn_write(r.be, loss, (double[]){8}, 1);
    kn_cross_entropy(r.be, loss, nll, hit, d, logits, INTS(&r, -1), 0, 2);
    GIVES(&r, loss, 0, "loss of no row", 0);
    rig_close(&r);
}
END_TEST

START_TEST(cross_entropy_takes_large_logits_and_the_lowest_of_equal_ones)
{
    RIG(r);
    struct kn_buf logits = BUF(&r, 1000, -1000, 0, 7, 7, 7), loss = rig_buf(&r, 1, NULL);
    struct kn_buf nll = rig_buf(&r, 2, NULL);
    struct kn_ints hit = rig_ints(&r, 2, NULL);
    kn_cross_entropy(r.be, loss, nll, hit, (struct kn_buf){0}, logits, INTS(&r, 1, 0), 2, 3);
    GIVES(&r, nll, 1e-4, "nll", 2000, log(3));
    GIVES_INTS(&r, hit, "hit", 0, 1);
    kn_cross_entropy(r.be, loss, nll, hit, (struct kn_buf){0}, logits, INTS(&r, 0, 1), 2, 3);
    GIVES(&r, nll, 1e-5, "nll", 0, log(3));
    GIVES_INTS(&r, hit, "hit", 1, 0);
    rig_close(&r);
}
END_TEST

START_TEST(a_logit_that_is_not_a_number_is_not_hidden_in_the_loss)
{
    RIG(r);
    struct kn_buf logits = BUF(&r, 1, 2, 3, NAN), loss = rig_buf(&r, 1, NULL);
    kn_cross_entropy(r.be, loss, rig_buf(&r, 2, NULL), rig_ints(&r, 2, NULL), (struct kn_buf){0},
                     logits, INTS(&r, 0, 0), 2, 2);
    ck_assert(isnan(rig_get(&r, loss, 0)));
    rig_close(&r);
}
END_TEST

START_TEST(a_row_without_label_may_hold_anything)
{
    RIG(r);
    struct kn_buf logits = BUF(&r, 0, 0, NAN, INFINITY), loss = rig_buf(&r, 1, NULL);
    struct kn_buf nll = BUF(&r, 8, 8), d = BUF(&r, 8, 8, 8, 8);
    struct kn_ints hit = rig_ints(&r, 2, NULL);
    kn_cross_entropy(r.be, loss, nll, hit, d, logits, INTS(&r, 0, -1), 2, 2);
    GIVES(&r, loss, 1e-6, "loss", M_LN2);
    GIVES(&r, nll, 1e-6, "nll", M_LN2, 0);
    GIVES(&r, d, 1e-6, "gradient", -.5, .5, 0, 0);
    rig_close(&r);
}
END_TEST

/* ---- norm and clipping */
START_TEST(sum_of_squares_shows_every_number_that_is_not_finite)
{
    RIG(r);
    enum { n = 5000 };
    static double x[n];
    struct kn_buf b = rig_buf(&r, n, NULL), s = BUF(&r, 8);
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    kn_sum_squares(r.be, s, b, 0);
    GIVES(&r, s, 0, "nothing", 0);
    for (int i = 0; i < n; i++) x[i] = i % 2 ? 3 : -1;
    kn_write(r.be, b, x, n);
    kn_sum_squares(r.be, s, b, n);
    GIVES(&r, s, 1e-2, "sum", 25000);
    kn_sum_squares(r.be, s, kn_part(r.be, b, 1), 3);
    GIVES(&r, s, 1e-5, "sum of a part", 19);
    for (int i = 0; i < n; i += 613) {
        double keep = x[i];
        for (int k = 0; k < 3; k++) {
            kn_write(r.be, kn_part(r.be, b, i), &wrong[k], 1);
            kn_sum_squares(r.be, s, b, n);
            HOLDS(!isfinite(rig_get(&r, s, 0)), "%g at %d is hidden", wrong[k], i);
        }
        kn_write(r.be, kn_part(r.be, b, i), &keep, 1);
    }
    rig_close(&r);
}
END_TEST

static const struct clip_case {
    const char *what;
    double squares, guard, clip, want; /* want NaN: the step is skipped */
} clip_cases[] = {
    {"a norm over clip is brought down to it", 25, 1, 1, .2},
    {"a norm under clip is left", .25, 1, 1, 1},
    {"a norm equal to clip is left", 4, 1, 2, 1},
    {"no gradient at all", 0, 1, 1, 1},
    {"clip = 0 clips nothing", 1e6, 1, 0, 1},
    {"a norm that is no number", NAN, 1, 1, NAN},
    {"an infinite norm", INFINITY, 1, 1, NAN},
    {"an infinite norm without clipping", INFINITY, 1, 0, NAN},
    {"a guard that is no number", 25, NAN, 1, NAN},
    {"an infinite guard", 25, -INFINITY, 1, NAN},
};

START_TEST(clip_factor_gives)
{
    RIG(r);
    struct kn_buf f = rig_buf(&r, 1, NULL), s = rig_buf(&r, 1, NULL), guard = rig_buf(&r, 1, NULL);
    for (size_t i = 0; i < sizeof clip_cases / sizeof *clip_cases; i++) {
        const struct clip_case *c = &clip_cases[i];
        kn_write(r.be, s, &c->squares, 1);
        kn_write(r.be, guard, &c->guard, 1);
        kn_clip_factor(r.be, f, s, guard, c->clip);
        if (isnan(c->want))
            HOLDS(isnan(rig_get(&r, f, 0)), "%s", c->what);
        else
            rig_near(&r, f, &c->want, 1, 1e-6, c->what);
        kn_clip_factor(r.be, f, s, (struct kn_buf){0}, c->clip);
        HOLDS(isnan(rig_get(&r, f, 0)) == !isfinite(c->squares), "%s, no guard", c->what);
    }
    rig_close(&r);
}
END_TEST

static const struct watch_case {
    const char *what;
    double x[3];
    int32_t bad[40];
    bool whole, fine;
} watch_cases[] = {
    {"nothing wrong", {1, -2, 0}, {0}, true, true},
    {"the last number is none", {1, 2, NAN}, {0}, true, false},
    {"the first is infinite", {-INFINITY, 2, 3}, {0}, true, false},
    {"the first count", {1, 2, 3}, {7}, false, false},
    {"the last count, past a warp", {1, 2, 3}, {[39] = 1}, false, false},
    {"both", {NAN, 2, 3}, {[1] = 1}, false, false},
};

START_TEST(watch_says_what_is_whole_and_what_is_fine)
{
    RIG(r);
    struct kn_buf ok = rig_buf(&r, 2, NULL), x = rig_buf(&r, 3, NULL);
    struct kn_ints bad = kn_alloc_ints(r.be, 40);
    for (size_t i = 0; i < sizeof watch_cases / sizeof *watch_cases; i++) {
        const struct watch_case *c = &watch_cases[i];
        kn_write(r.be, x, c->x, 3);
        kn_write_ints(r.be, bad, c->bad, 40);
        kn_watch(r.be, ok, x, 3, bad, 40);
        HOLDS(isnan(rig_get(&r, ok, 0)) == !c->whole, "%s: whole", c->what);
        HOLDS(isnan(rig_get(&r, ok, 1)) == !c->fine, "%s: fine", c->what);
    }
    kn_watch(r.be, ok, x, 0, bad, 0);
    HOLDS(rig_get(&r, ok, 0) == 0 && rig_get(&r, ok, 1) == 0, "nothing to watch");
    kn_free_ints(r.be, bad);
    rig_close(&r);
}
END_TEST

/* ---- adamw */
/* lr .1, b1 .9, b2 .99, decay .01, factor .5, gradients 2 and then -4, so g' = 1 and -2:
 * step 1: m = .1, v = .01; m^ = 1, v^ = 1; w = 1 - .1 (1 + .01) = .899.
 * step 2: m = .09 - .2 = -.11, v = .0099 + .04 = .0499; m^ = -.11/.19, v^ = .0499/.0199;
 *         w = .899 - .1 (-.5789473684 / 1.5835317471 + .00899) = .934661508. */
START_TEST(adamw_follows_two_steps_of_hand_arithmetic)
{
    RIG(r);
    struct kn_buf w = BUF(&r, 1), m = BUF(&r, 0), v = BUF(&r, 0), g = BUF(&r, 2), f = BUF(&r, .5);
    struct kn_adamw o = {.lr = .1, .b1 = .9, .b2 = .99, .eps = 0, .decay = .01, .step = 1};
    kn_adamw(r.be, w, m, v, g, f, &o, 1);
    GIVES(&r, w, 1e-6, "w after one step", .899);
    GIVES(&r, m, 1e-7, "m after one step", .1);
    GIVES(&r, v, 1e-7, "v after one step", .01);
    GIVES(&r, g, 0, "the gradient is used up", 0);
    kn_write(r.be, g, (double[]){-4}, 1);
    o.step = 2;
    kn_adamw(r.be, w, m, v, g, f, &o, 1);
    GIVES(&r, w, 1e-6, "w after two steps", .934661508);
    GIVES(&r, m, 1e-7, "m after two steps", -.11);
    GIVES(&r, v, 1e-7, "v after two steps", .0499);
    rig_close(&r);
}
END_TEST

START_TEST(adamw_eps_stands_beside_the_root)
{
    RIG(r);
    struct kn_buf w = BUF(&r, 0, 5), m = BUF(&r, 0, 0), v = BUF(&r, 0, 0), g = BUF(&r, 1, 0);
    struct kn_adamw o = {.lr = .1, .b1 = .9, .b2 = .99, .eps = 1, .decay = 0, .step = 1};
    kn_adamw(r.be, w, m, v, g, BUF(&r, 1), &o, 2);
    GIVES(&r, w, 1e-6, "1 / (1 + eps), and no gradient no move", -.05, 5);
    rig_close(&r);
}
END_TEST

START_TEST(adamw_with_a_factor_that_is_not_finite_only_clears_the_gradient)
{
    RIG(r);
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    struct kn_adamw o = {.lr = .1, .b1 = .9, .b2 = .99, .eps = 1e-8, .decay = .1, .step = 3};
    for (int k = 0; k < 3; k++) {
        double x[37], big[37];
        for (int i = 0; i < 37; i++) x[i] = 1 + i, big[i] = i % 3 == 0 ? NAN : 7;
        struct kn_buf w = rig_buf(&r, 37, x), m = rig_buf(&r, 37, x), v = rig_buf(&r, 37, x);
        struct kn_buf g = rig_buf(&r, 37, big);
        kn_adamw(r.be, w, m, v, g, rig_buf(&r, 1, &wrong[k]), &o, 37);
        rig_near(&r, w, x, 37, 0, "w");
        rig_near(&r, m, x, 37, 0, "m");
        rig_near(&r, v, x, 37, 0, "v");
        memset(big, 0, sizeof big);
        rig_near(&r, g, big, 37, 0, "g");
    }
    rig_close(&r);
}
END_TEST

SUITE(known_optim)
{
    TCase *tc = tcase_create("known values of loss and optimiser");
    tcase_add_loop_test(tc, cross_entropy_counts_only_labelled_rows, 0, VARIANTS);
    tcase_add_loop_test(tc, cross_entropy_of_no_label_is_0, 0, VARIANTS);
    tcase_add_loop_test(tc, cross_entropy_takes_large_logits_and_the_lowest_of_equal_ones, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, a_logit_that_is_not_a_number_is_not_hidden_in_the_loss, 0, VARIANTS);
    tcase_add_loop_test(tc, a_row_without_label_may_hold_anything, 0, VARIANTS);
    tcase_add_loop_test(tc, sum_of_squares_shows_every_number_that_is_not_finite, 0, VARIANTS);
    tcase_add_loop_test(tc, clip_factor_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, watch_says_what_is_whole_and_what_is_fine, 0, VARIANTS);
    tcase_add_loop_test(tc, adamw_follows_two_steps_of_hand_arithmetic, 0, VARIANTS);
    tcase_add_loop_test(tc, adamw_eps_stands_beside_the_root, 0, VARIANTS);
    tcase_add_loop_test(tc, adamw_with_a_factor_that_is_not_finite_only_clears_the_gradient, 0,
                        VARIANTS);
    suite_add_tcase(suite, tc);
}
