/* Known values of what ReLU routers are made of; worked by hand from the formulas in ops.h. */
#include "tests/kernels/rig.h"

START_TEST(zero_is_off_and_a_mean_over_nothing_is_unknown)
{
    RIG(r);
    struct kn_buf x = BUF(&r, .8, -.3, 0, 1.2, .5, .4, -1, -2), m = BUF(&r, 9);
    struct kn_ints mask = rig_ints(&r, 8, NULL), all = INTS(&r, 1, 1), none = INTS(&r, 0, 0),
                   first = INTS(&r, 1, 0);
    kn_positive_mask(r.be, mask, x, first, 2, 4);
    GIVES_INTS(&r, mask, "on", 1, 0, 0, 1, 0, 0, 0, 0);
    kn_positive_mean(r.be, m, x, all, 2, 4);
    GIVES(&r, m, 0, "mean", 2);
    kn_positive_mean(r.be, m, x, none, 2, 4);
    ck_assert(isnan(rig_get(&r, m, 0)));
    kn_positive_mean(r.be, m, x, all, 0, 4);
    ck_assert(isnan(rig_get(&r, m, 0)));
    kn_relu(r.be, x, x, 8);
    GIVES(&r, x, 1e-7, "relu in place", .8, 0, 0, 1.2, .5, .4, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(l1_is_dearer_where_many_rows_are_on)
{
    RIG(r);
    struct kn_buf a = BUF(&r, .8, 0, 0, 1.2, .5, .4, 0, 0), loss = BUF(&r, 9),
                  dx = rig_buf(&r, 8, NULL), weight = BUF(&r, .5);
    struct kn_ints valid = INTS(&r, 1, 1), none = INTS(&r, 0, 0);
    kn_l1_loss(r.be, loss, a, 4, valid, 2, 4);
    GIVES(&r, loss, 1e-6, "balanced", 4.2);
    kn_l1_loss(r.be, loss, a, 0, valid, 2, 4);
    GIVES(&r, loss, 1e-6, "plain", 1.45);
    kn_l1_loss_back(r.be, dx, 1, (struct kn_buf){0}, a, 4, valid, 2, 4);
    GIVES(&r, dx, 1e-6, "gradient, off pairs none", 2, 0, 0, 1, 2, 1, 0, 0);
    kn_l1_loss_back(r.be, dx, 2, weight, a, 0, valid, 2, 4);
    GIVES(&r, dx, 1e-6, "added, times the weight", 2.5, 0, 0, 1.5, 2.5, 1.5, 0, 0);
    kn_l1_loss(r.be, loss, a, 4, none, 2, 4);
    kn_l1_loss_back(r.be, dx, 1, weight, a, 4, none, 2, 4);
    GIVES(&r, loss, 0, "no row", 0);
    GIVES(&r, dx, 1e-6, "no row, no gradient", 2.5, 0, 0, 1.5, 2.5, 1.5, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(locality_is_of_neighbours_in_one_document)
{
    RIG(r);
    struct kn_buf x = BUF(&r, .8, -.3, .6, 0, .3, -1, -1, .4), loss = BUF(&r, 9),
                  dx = rig_buf(&r, 8, NULL);
    struct kn_ints one = INTS(&r, 3, 3), two = INTS(&r, 3, 4), all = INTS(&r, 1, 1),
                   first = INTS(&r, 1, 0);
    kn_locality_loss(r.be, loss, x, 5, one, all, 2, 4);
    GIVES(&r, loss, 1e-6, "sharpness 5", 1.170240);
    kn_locality_loss(r.be, loss, x, 100, one, all, 2, 4);
    GIVES(&r, loss, 2e-6, "sharpness 100", 15.173287);
    kn_locality_loss(r.be, loss, x, 5, two, all, 2, 4);
    GIVES(&r, loss, 0, "a border", 0);
    kn_locality_loss(r.be, loss, x, 5, one, first, 2, 4);
    GIVES(&r, loss, 0, "one is padding", 0);
    kn_locality_loss(r.be, loss, x, 5, one, all, 1, 4);
    GIVES(&r, loss, 0, "one token has no neighbour", 0);
    kn_locality_loss_back(r.be, dx, 1, (struct kn_buf){0}, x, 5, two, all, 2, 4);
    GIVES(&r, dx, 0, "no pair, no gradient", 0, 0, 0, 0, 0, 0, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(chunks_are_cut_at_documents_and_filled_up)
{
    RIG(r);
    double e = 1e-5;
    struct kn_buf a = BUF(&r, .8, 0, .6, 0, .3, 0, 0, .4), loss = BUF(&r, 9),
                  dx = rig_buf(&r, 8, NULL), zero = rig_buf(&r, 8, NULL);
    struct kn_ints one = INTS(&r, 0, 0), two = INTS(&r, 0, 1), all = INTS(&r, 1, 1),
                   first = INTS(&r, 1, 0), none = INTS(&r, 0, 0);
    kn_chunk_loss(r.be, loss, a, true, 2, one, all, 2, 4);
    GIVES(&r, loss, 1e-6, "both tokens in one chunk", 0.438759);
    /* each token a chunk of its own, filled up: 1 - (1 - p + e) (1 + e), summed over columns: 1 - 8
     * e */
    kn_chunk_loss(r.be, loss, a, true, 2, two, all, 2, 4);
    GIVES(&r, loss, 2e-6, "two documents, two chunks", (1 - 8 * e) / 4);
    kn_chunk_loss(r.be, loss, a, true, 2, one, first, 2, 4);
    GIVES(&r, loss, 2e-6, "the second is padding", (1 - 8 * e) / 4);
    kn_chunk_loss(r.be, loss, a, true, 64, one, none, 2, 4);
    GIVES(&r, loss, 0, "no token", 0);
    kn_chunk_loss(r.be, loss, zero, true, 64, one, all, 2, 4);
    GIVES(&r, loss, 2e-6, "all off: a little under 0", 1 - pow(1 + e, 64));
    kn_chunk_loss_back(r.be, dx, 1, (struct kn_buf){0}, zero, true, 64, one, all, 2, 4);
    GIVES(&r, dx, 0, "all off: no gradient", 0, 0, 0, 0, 0, 0, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(toggle_goes_up_over_its_level_and_down_at_it)
{
    RIG(r);
    static const double active[] = {3.2, 1.6, 1, .8}, want[] = {1.2e-8, 1.44e-8, 1.2e-8, 1e-8};
    struct kn_buf y = BUF(&r, 1e-8), x = BUF(&r, 0);
    for (int i = 0; i < 4; i++) {
        kn_write(r.be, x, &active[i], 1);
        kn_toggle(r.be, y, x, 1, 1.2, 1e-12, 1e2);
        NEAR(rig_get(&r, y, 0), want[i], 0, 1e-6, "step %d", i);
    }
    for (int i = 0; i < 400; i++) kn_toggle(r.be, y, x, 1, 1.2, 1e-12, 1e2);
    NEAR(rig_get(&r, y, 0), 1e-12, 0, 1e-6, "floor");
    for (int i = 0; i < 400; i++) kn_toggle(r.be, y, x, .5, 1.2, 1e-12, 1e2);
    NEAR(rig_get(&r, y, 0), 1e2, 0, 1e-6, "ceiling");
    double unknown = NAN;
    kn_write(r.be, x, &unknown, 1);
    kn_toggle(r.be, y, x, 1e9, 1.2, 1e-12, 1e2);
    NEAR(rig_get(&r, y, 0), 1e2, 0, 1e-6, "unknown moves nothing");
    kn_toggle(r.be, y, x, 1, 1.2, 7, 7);
    NEAR(rig_get(&r, y, 0), 7, 0, 0, "held");
    rig_close(&r);
}
END_TEST

START_TEST(stages_follow_the_way_to_the_goal_and_never_go_back)
{
    RIG(r);
    struct kn_buf y = rig_buf(&r, 4, NULL), x = BUF(&r, 0);
    /* ten of mean 4; the goal is 2, so that stage 2 begins at 3.9 */
    static const double seen[] = {2, 6, 4, 4, 4, 4, 4, 4, 4, 4, 4.5, 3.95, 3.89, 3, 1.7, 2.1, 5};
    static const double stage[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3};
    for (int i = 0; i < 17; i++) {
        kn_write(r.be, x, &seen[i], 1);
        kn_stage(r.be, y, x, 2, .16);
        NEAR(rig_get(&r, y, 2), stage[i], 0, 0, "stage at %d", i);
        NEAR(rig_get(&r, y, 0), i + 1, 0, 0, "calls");
        NEAR(rig_get(&r, y, 3), seen[i], 0, 1e-6, "newest");
    }
    NEAR(rig_get(&r, y, 1), 4, 1e-6, 0, "start");
    double unknown = NAN;
    kn_write(r.be, x, &unknown, 1);
    kn_stage(r.be, y, x, 2, .16);
    NEAR(rig_get(&r, y, 0), 17, 0, 0, "unknown is no call");
    rig_close(&r);
}
END_TEST

START_TEST(the_ramp_follows_the_ratio_of_two_windows)
{
    RIG(r);
    const struct kn_ramp o = {.start = .1, .least = 1.025, .most = .4, .every = 2, .first = 4};
    struct kn_buf y = BUF(&r, .1), state = rig_buf(&r, 4, NULL), x = BUF(&r, 0);
    /* means 2, 3: ratio 1.5, y in two steps to .15; 3, 3.003: 1.001 is over
     * 1, so 1.025: .15375; 3.003, 1.5015: half: .076875; then 1.5015, 30: 20 x, capped at .4 */
    static const double seen[] = {1, 3, 2, 4, 3.003, 3.003, 1.5015, 1.5015, 30, 30, 30, 30};
    static const double want[] = {.1,     .1,       .1,      .125,     .15, .151875,
                                  .15375, .1153125, .076875, .2384375, .4,  .4};
    for (int i = 0; i < 12; i++) {
        kn_write(r.be, x, &seen[i], 1);
        kn_ratio_ramp(r.be, y, state, x, &o);
        NEAR(rig_get(&r, y, 0), want[i], 1e-6, 0, "after step %d", i + 1);
    }
    const struct kn_ramp lower = {
        .start = .02, .least = 1.025, .most = .08, .every = 2, .first = 4};
    double unknown = NAN;
    kn_write(r.be, x, &unknown, 1);
    kn_ratio_ramp(r.be, y, state, x, &lower);
    NEAR(rig_get(&r, y, 0), .08, 1e-6, 0, "held at most, also where x is unknown");
    NEAR(rig_get(&r, state, 0), 12, 0, 0, "unknown is no call");
    const struct kn_ramp off = {.every = 2, .first = 4}, on = lower;
    kn_write(r.be, x, &seen[0], 1);
    kn_ratio_ramp(r.be, y, state, x, &off);
    NEAR(rig_get(&r, y, 0), 0, 0, 0, "turned off");
    kn_ratio_ramp(r.be, y, state, x, &on);
    ck_assert_double_gt(rig_get(&r, y, 0), 0); /* and on again */
    rig_close(&r);
}
END_TEST

SUITE(known_relu)
{
    TCase *t = tcase_create("known");
    tcase_add_loop_test(t, zero_is_off_and_a_mean_over_nothing_is_unknown, 0, VARIANTS);
    tcase_add_loop_test(t, l1_is_dearer_where_many_rows_are_on, 0, VARIANTS);
    tcase_add_loop_test(t, locality_is_of_neighbours_in_one_document, 0, VARIANTS);
    tcase_add_loop_test(t, chunks_are_cut_at_documents_and_filled_up, 0, VARIANTS);
    tcase_add_loop_test(t, toggle_goes_up_over_its_level_and_down_at_it, 0, VARIANTS);
    tcase_add_loop_test(t, stages_follow_the_way_to_the_goal_and_never_go_back, 0, VARIANTS);
    tcase_add_loop_test(t, the_ramp_follows_the_ratio_of_two_windows, 0, VARIANTS);
    suite_add_tcase(suite, t);
}
