/* Known values of what works on rows and vectors: softmax, norm, attention, dense products. */
#include "tests/kernels/rig.h"

static const struct softmax_case {
    const char *what;
    int T, N;
    double c, x[8], want[8];
} softmax_cases[] = {
    {"equal logits share evenly", 1, 4, 1, {1, 1, 1, 1}, {.25, .25, .25, .25}},
    {"large logits do not overflow", 1, 2, 1, {1000, 1000}, {.5, .5}},
    {"very negative logits do not underflow together", 1, 2, 1, {-1000, -1000}, {.5, .5}},
    {"a far smaller logit gets 0", 1, 2, 1, {0, -200}, {1, 0}},
    {"one column takes all", 2, 1, 1, {-3, 7}, {1, 1}},
    {"each row alone", 2, 2, 1, {0, 1.0986122886681098, 0, 0}, {.25, .75, .5, .5}},
    {"c multiplies the logits", 1, 2, .5, {0, 2.1972245773362196}, {.25, .75}},
    {"c = 0 makes all equal", 1, 2, 0, {5, -5}, {.5, .5}},
    {"four logits", 1, 4, 1, {1, 3, 2, 0}, {0.087144319, 0.643914260, 0.236882818, 0.032058603}},
};

START_TEST(softmax_rows_gives)
{
    RIG(r);
    for (size_t i = 0; i < sizeof softmax_cases / sizeof *softmax_cases; i++) {
        const struct softmax_case *k = &softmax_cases[i];
        int n = k->T * k->N;
        struct kn_buf x = rig_buf(&r, n, k->x), y = rig_buf(&r, n, NULL);
        kn_softmax_rows(r.be, y, x, k->c, k->T, k->N);
        rig_near(&r, y, k->want, n, 1e-6, k->what);
        kn_softmax_rows(r.be, x, x, k->c, k->T, k->N);
        rig_near(&r, x, k->want, n, 1e-6, k->what);
    }
    rig_close(&r);
}
END_TEST

START_TEST(softmax_gradient_gives)
{
    RIG(r);
    struct kn_buf y = BUF(&r, .25, .75), dy = BUF(&r, 1, 0), dx = BUF(&r, 10, 20);
    kn_softmax_rows_back(r.be, dx, dy, y, 2, 1, 2, true);
    GIVES(&r, dx, 1e-5, "added to what is there", 10.375, 19.625);
    kn_softmax_rows_back(r.be, dx, dy, y, 2, 1, 2, false);
    GIVES(&r, dx, 1e-6, "overwritten", .375, -.375);
    rig_close(&r);
}
END_TEST

START_TEST(rmsnorm_gives)
{
    RIG(r);
    struct kn_buf x = BUF(&r, 3, 4, 0, 0, 300, -400), gain = BUF(&r, 1, 2);
    struct kn_buf y = rig_buf(&r, 6, NULL), inv = rig_buf(&r, 3, NULL);
    kn_rmsnorm(r.be, y, inv, x, gain, 3, 2);
    GIVES(&r, y, 1e-6, "normed", 0.848527798, 2.262740796, 0, 0, 0.848528137, -2.262741700);
    NEAR(rig_get(&r, inv, 0), 0.282842599, 1e-6, 0, "1/rms");
    NEAR(rig_get(&r, inv, 1), 316.227766, 0, 1e-5, "1/rms of zeros");
    rig_close(&r);
}
END_TEST

START_TEST(vectors_give)
{
    RIG(r);
    struct kn_buf a = BUF(&r, 1, 2, 3), b = BUF(&r, 10, 20, 30), y = BUF(&r, 7, 7, 7, 7);
    kn_add(r.be, y, a, b, 3);
    GIVES(&r, y, 1e-6, "sum, and the number behind it left alone", 11, 22, 33, 7);
    kn_accumulate(r.be, y, -2, a, 3);
    GIVES(&r, y, 1e-6, "accumulated", 9, 18, 27, 7);
    kn_scale(r.be, y, .5, y, 2);
    GIVES(&r, y, 1e-6, "scaled in place", 4.5, 9, 27, 7);
    kn_copy(r.be, y, b, 1);
    kn_zero(r.be, kn_part(r.be, y, 1), 2);
    GIVES(&r, y, 1e-6, "copied and zeroed", 10, 0, 0, 7);
    kn_zero(r.be, y, 0);
    GIVES(&r, y, 1e-6, "no numbers, no change", 10, 0, 0, 7);
    rig_close(&r);
}
END_TEST

START_TEST(linear_gives)
{
    RIG(r);
    struct kn_buf x = BUF(&r, 1, 2, 3, 0, -1, 1), master = BUF(&r, 1, 0, 0, 1, 1, 1);
    struct kn_buf y = rig_buf(&r, 4, NULL), dx = BUF(&r, 1, 1, 1, 1, 1, 1),
                  dw = BUF(&r, 0, 0, 0, 0, 0, 5);
    struct kn_buf dy = BUF(&r, 1, 2, 0, 1);
    struct kn_weight w;
    ck_assert(kn_weight_open(r.be, &w, master, KN_DENSE, 1, 2, 3, false));
    kn_repack(r.be, (struct kn_weight *[]){&w}, 1);
    kn_linear(r.be, y, x, &w, 2);
    GIVES(&r, y, 1e-6, "x wᵀ", 1, 6, 0, 0);
    kn_linear_back_x(r.be, dx, dy, &w, 2, true);
    GIVES(&r, dx, 1e-6, "dx added", 4, 3, 3, 2, 2, 2);
    kn_linear_back_w(r.be, dw, dy, x, &w, 2);
    GIVES(&r, dw, 1e-6, "dw added", 1, 2, 3, 2, 3, 12);
    kn_write(r.be, master, (double[]){2, 0, 0, 1, 1, 1}, 6);
    kn_repack(r.be, (struct kn_weight *[]){&w}, 1);
    kn_linear(r.be, y, x, &w, 2);
    GIVES(&r, y, 1e-6, "after the weights changed", 2, 6, 0, 0);
    kn_weight_close(r.be, &w);
    rig_close(&r);
}
END_TEST

START_TEST(embedding_adds_the_gradients_of_a_repeated_token)
{
    RIG(r);
    struct kn_buf table = BUF(&r, 1, 2, 3, 4, 5, 6), y = rig_buf(&r, 6, NULL);
    struct kn_ints ids = INTS(&r, 2, 0, 2);
    kn_embed(r.be, y, ids, table, 3, 3, 2);
    GIVES(&r, y, 1e-6, "rows of the table", 5, 6, 1, 2, 5, 6);
    kn_embed_back(r.be, table, BUF(&r, 1, 1, 2, 2, 3, 3), ids, 3, 3, 2);
    GIVES(&r, table, 1e-6, "gradient added", 3, 4, 3, 4, 9, 10);
    rig_close(&r);
}
END_TEST

/* ---- attention */
START_TEST(rope_turns_q_and_k_by_position_within_each_sequence)
{
    RIG(r);
    /* B = 2, C = 2, one head of 2: all of q, k and v are (1, 0) */
    double ones[24];
    for (int i = 0; i < 24; i++) ones[i] = i % 2 == 0;
    struct kn_buf x = rig_buf(&r, 24, ones);
    kn_rope(r.be, x, 2, 2, 1, 2, 10000);
    double c = cos(1), s = sin(1);
    GIVES(&r, x, 1e-6, "turned", 1, 0, 1, 0, 1, 0, c, s, c, s, 1, 0, 1, 0, 1, 0, 1, 0, c, s, c, s,
          1, 0);
    kn_rope_back(r.be, x, 2, 2, 1, 2, 10000);
    rig_near(&r, x, ones, 24, 1e-6, "turned back");
    rig_close(&r);
}
END_TEST

START_TEST(rope_pairs_i_with_i_plus_half_and_slows_by_theta)
{
    RIG(r);
    /* position 1 of one head of 4: pairs (0,2) at angle 1 and (1,3) at angle 100^(-1/2) */
    double x[24] = {0};
    x[12] = 1, x[13] = 2;
    struct kn_buf b = rig_buf(&r, 24, x);
    kn_rope(r.be, b, 1, 2, 1, 4, 100);
    GIVES(&r, kn_part(r.be, b, 12), 1e-6, "q of position 1", cos(1), 2 * cos(.1), sin(1),
          2 * sin(.1));
    rig_close(&r);
}
END_TEST

START_TEST(attention_sees_only_the_past_of_its_own_sequence)
{
    RIG(r);
    /* B = 2, C = 2, one head of 2, q = 0: every visible token weighs the same */
    struct kn_buf qkv =
        BUF(&r, 0, 0, 5, 5, 1, 2, /**/ 0, 0, 6, 6, 3, 4, /**/ 0, 0, 7, 7, 10, 20, /**/
            0, 0, 8, 8, 30, 40);
    struct kn_buf y = rig_buf(&r, 8, NULL), lse = rig_buf(&r, 4, NULL);
    kn_attention(r.be, y, lse, qkv, 2, 2, 1, 2);
    GIVES(&r, y, 1e-5, "means of v", 1, 2, 2, 3, 10, 20, 20, 30);
    GIVES(&r, lse, 1e-6, "log of how many are seen", 0, M_LN2, 0, M_LN2);
    rig_close(&r);
}
END_TEST

START_TEST(attention_scales_scores_by_the_root_of_the_head_width)
{
    RIG(r);
    /* one head of 4; scores of token 1: <q,k> / 2 = 0 and ln 3; large scores do not overflow */
    struct kn_buf qkv = BUF(&r, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, /**/
                            1, 0, 0, 0, 2.1972245773362196, 0, 0, 0, 0, 0, 0, 8);
    struct kn_buf y = rig_buf(&r, 8, NULL), lse = rig_buf(&r, 2, NULL);
    kn_attention(r.be, y, lse, qkv, 1, 2, 1, 4);
    GIVES(&r, y, 1e-5, "a quarter and three quarters", 4, 0, 0, 0, 1, 0, 0, 6);
    kn_write(r.be, kn_part(r.be, qkv, 12), (double[]){1000, 0, 0, 0, 1000}, 5);
    kn_attention(r.be, y, lse, qkv, 1, 2, 1, 4);
    GIVES(&r, kn_part(r.be, y, 4), 1e-5, "a huge score takes all", 0, 0, 0, 8);
    rig_close(&r);
}
END_TEST

START_TEST(attention_adds_up_the_scores_of_each_head_apart)
{
    RIG(r);
    /* two heads of 2: head 1 alone has a score, so head 0 averages */
    struct kn_buf qkv = BUF(&r, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, /**/
                            0, 0, 100, 0, 0, 0, 100, 0, 4, 0, 4, 0);
    struct kn_buf y = rig_buf(&r, 8, NULL), lse = rig_buf(&r, 4, NULL);
    kn_attention(r.be, y, lse, qkv, 1, 2, 2, 2);
    GIVES(&r, kn_part(r.be, y, 4), 1e-5, "token 1", 3, 0, 4, 0);
    GIVES(&r, lse, 1e-2, "head by head, position by position", 0, M_LN2, 0, 7071.07);
    rig_close(&r);
}
END_TEST

SUITE(known_rows)
{
    TCase *tc = tcase_create("known values of rows");
    tcase_add_loop_test(tc, softmax_rows_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, softmax_gradient_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, rmsnorm_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, vectors_give, 0, VARIANTS);
    tcase_add_loop_test(tc, linear_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, embedding_adds_the_gradients_of_a_repeated_token, 0, VARIANTS);
    tcase_add_loop_test(tc, rope_turns_q_and_k_by_position_within_each_sequence, 0, VARIANTS);
    tcase_add_loop_test(tc, rope_pairs_i_with_i_plus_half_and_slows_by_theta, 0, VARIANTS);
    tcase_add_loop_test(tc, attention_sees_only_the_past_of_its_own_sequence, 0, VARIANTS);
    tcase_add_loop_test(tc, attention_scales_scores_by_the_root_of_the_head_width, 0, VARIANTS);
    tcase_add_loop_test(tc, attention_adds_up_the_scores_of_each_head_apart, 0, VARIANTS);
    suite_add_tcase(suite, tc);
}
