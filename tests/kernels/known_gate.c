/* Known values of masks, gates and the losses on columns; the worked numbers are computed by hand
 * from the formulas in ops.h. */
#include "tests/kernels/rig.h"

static const double nothing = NAN;

/* ---- masks */
START_TEST(rows_that_are_padding_or_not_finite_are_cleaned_and_only_real_ones_counted)
{
    RIG(r);
    double inf = INFINITY;
    struct kn_buf x = BUF(&r, 1, 2, nothing, 0, inf, 1, 3, 4, nothing, nothing, 0, -inf);
    struct kn_ints padding = INTS(&r, 1, 1, 1, 0, 0, 1), valid = rig_ints(&r, 6, NULL);
    struct kn_ints bad = INTS(&r, 9);
    struct kn_buf y = BUF(&r, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9);
    kn_clean_rows(r.be, y, valid, bad, x, padding, 6, 2);
    GIVES(&r, y, 0, "cleaned", 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    GIVES_INTS(&r, valid, "valid with padding", 1, 0, 0, 0, 0, 0);
    GIVES_INTS(&r, bad, "bad with padding", 3);
    kn_clean_rows(r.be, x, valid, bad, x, (struct kn_ints){0}, 6, 2);
    GIVES(&r, x, 0, "cleaned in place", 1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0);
    GIVES_INTS(&r, valid, "valid without padding", 1, 0, 0, 1, 0, 0);
    GIVES_INTS(&r, bad, "bad without padding", 4);
    kn_clean_rows(r.be, x, valid, bad, x, (struct kn_ints){0}, 0, 2);
    GIVES_INTS(&r, bad, "bad without tokens", 0);
    rig_close(&r);
}
END_TEST

static const struct topk_case {
    const char *what;
    int N, k, count; /* count < 0: none forced */
    bool valid;
    double score[9];
    int32_t want[9];
} topk_cases[] = {
    {"the two largest", 4, 2, -1, true, {1, 3, 2, 0}, {0, 1, 1, 0}},
    {"the second worked token", 4, 2, -1, true, {0, 0, 4, 1}, {0, 0, 1, 1}},
    {"equal scores: lowest columns", 4, 2, -1, true, {5, 5, 5, 5}, {1, 1, 0, 0}},
    {"a tie at the cut: lower column", 5, 2, -1, true, {1, 2, 3, 2, 2}, {0, 1, 1, 0, 0}},
    {"minus zero equals zero", 3, 1, -1, true, {-0., 0., -1}, {1, 0, 0}},
    {"k = N takes all", 3, 3, -1, true, {-1, -2, -3}, {1, 1, 1}},
    {"k = 1", 9, 1, -1, true, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"a row that is not valid takes none", 3, 2, -1, false, {1, 2, 3}, {0, 0, 0}},
    {"a count instead of k", 4, 2, 3, true, {1, 3, 2, 0}, {1, 1, 1, 0}},
    {"count 0 takes none", 4, 2, 0, true, {1, 3, 2, 0}, {0, 0, 0, 0}},
    {"count N takes all", 4, 2, 4, true, {1, 3, 2, 0}, {1, 1, 1, 1}},
    {"a count of a row that is not valid", 4, 2, 4, false, {1, 3, 2, 0}, {0, 0, 0, 0}},
    {"huge and tiny", 3, 1, -1, true, {-1e30, 1e-30, -1e-30}, {0, 1, 0}},
};

START_TEST(topk_mask_gives)
{
    RIG(r);
    struct kn_ints mask = rig_ints(&r, 9, NULL), counts = rig_ints(&r, 1, NULL);
    struct kn_ints valid = rig_ints(&r, 1, NULL);
    struct kn_buf score = rig_buf(&r, 9, NULL);
    for (size_t i = 0; i < sizeof topk_cases / sizeof *topk_cases; i++) {
        const struct topk_case *c = &topk_cases[i];
        kn_write(r.be, score, c->score, c->N);
        kn_write_ints(r.be, counts, (int32_t[]){c->count}, 1);
        kn_write_ints(r.be, valid, (int32_t[]){c->valid}, 1);
        kn_write_ints(r.be, mask, (int32_t[]){7, 7, 7, 7, 7, 7, 7, 7, 7}, 9);
        kn_topk_mask(r.be, mask, score, c->k, c->count < 0 ? (struct kn_ints){0} : counts, valid, 1,
                     c->N);
        rig_same(&r, mask, c->want, c->N, c->what);
    }
    rig_close(&r);
}
END_TEST

#define P8                                                                                         \
    {                                                                                              \
        0.382227, 0.063182, 0.209771, 0.025688, 0.104169, 0.046806, 0.012756, 0.155402             \
    }
static const struct cumulative_case {
    const char *what;
    int N;
    double p;
    bool or_equal, valid;
    double prob[8];
    int32_t want[8];
} cumulative_cases[] = {
    {"p = .2", 8, .2, false, true, P8, {1, 0, 0, 0, 0, 0, 0, 0}},
    {"p = .4", 8, .4, false, true, P8, {1, 0, 1, 0, 0, 0, 0, 0}},
    {"p = .6", 8, .6, false, true, P8, {1, 0, 1, 0, 0, 0, 0, 1}},
    {"p = .8", 8, .8, false, true, P8, {1, 0, 1, 0, 1, 0, 0, 1}},
    {"p = .95", 8, .95, false, true, P8, {1, 1, 1, 0, 1, 1, 0, 1}},
    {"p = 0: the largest alone", 8, 0, false, true, P8, {1, 0, 0, 0, 0, 0, 0, 0}},
    {"p = 1: all", 8, 1, false, true, P8, {1, 1, 1, 1, 1, 1, 1, 1}},
    {"p = 1 takes all though the first is 1", 3, 1, false, true, {1, 0, 0}, {1, 1, 1}},
    {"p = 1, or equal, takes all too", 3, 1, true, true, {1, 0, 0}, {1, 1, 1}},
    {"p over 1: all", 3, 1.5, false, true, {.9, .05, .05}, {1, 1, 1}},
    {"a sum that never passes p: all", 3, .999, false, true, {.5, .25, .125}, {1, 1, 1}},
    {"a sum hits p: one more", 4, .5, false, true, {.25, .25, .25, .25}, {1, 1, 1, 0}},
    {"a sum hits p, or equal: stop", 4, .5, true, true, {.25, .25, .25, .25}, {1, 1, 0, 0}},
    {"the first hits p", 2, .5, false, true, {.5, .5}, {1, 1}},
    {"the first hits p, or equal", 2, .5, true, true, {.5, .5}, {1, 0}},
    {"ties: lower column first", 4, .4, false, true, {.1, .3, .3, .3}, {0, 1, 1, 0}},
    {"eight equal, p = .4",
     8,
     .4,
     false,
     true,
     {.125, .125, .125, .125, .125, .125, .125, .125},
     {1, 1, 1, 1, 0, 0, 0, 0}},
    {"one peak, p = .4", 4, .4, false, true, {.1, .7, .1, .1}, {0, 1, 0, 0}},
    {"one peak, p = .75", 4, .75, false, true, {.1, .7, .1, .1}, {1, 1, 0, 0}},
    {"a row that is not valid", 4, .5, false, false, {.25, .25, .25, .25}, {0, 0, 0, 0}},
    {"p = 1 and not valid", 4, 1, false, false, {.25, .25, .25, .25}, {0, 0, 0, 0}},
};

START_TEST(cumulative_mask_gives)
{
    RIG(r);
    struct kn_ints mask = rig_ints(&r, 8, NULL), valid = rig_ints(&r, 1, NULL);
    struct kn_buf prob = rig_buf(&r, 8, NULL);
    for (size_t i = 0; i < sizeof cumulative_cases / sizeof *cumulative_cases; i++) {
        const struct cumulative_case *c = &cumulative_cases[i];
        kn_write(r.be, prob, c->prob, c->N);
        kn_write_ints(r.be, valid, (int32_t[]){c->valid}, 1);
        kn_write_ints(r.be, mask, (int32_t[]){7, 7, 7, 7, 7, 7, 7, 7}, 8);
        kn_cumulative_mask(r.be, mask, prob, c->p, c->or_equal, valid, 1, c->N);
        rig_same(&r, mask, c->want, c->N, c->what);
    }
    rig_close(&r);
}
END_TEST

/* ---- gates */
/* Logits (1, 3, 2, 0), experts 1 and 2 taken; and a row with none taken. */
START_TEST(gates_are_normalised_over_the_taken_columns)
{
    RIG(r);
    struct kn_buf z = BUF(&r, 1, 3, 2, 0, 1, 3, 2, 0), gate = BUF(&r, 9, 9, 9, 9, 9, 9, 9, 9);
    struct kn_ints mask = INTS(&r, 0, 1, 1, 0, 0, 0, 0, 0);
    kn_normalised_gate(r.be, gate, z, 1, mask, 2, 4);
    GIVES(&r, gate, 1e-6, "gates", 0, 0.731058579, 0.268941421, 0, 0, 0, 0, 0);
    struct kn_buf dz = BUF(&r, 1, 1, 1, 1, 1, 1, 1, 1), dgate = BUF(&r, 5, 1, 0, 5, 5, 5, 5, 5);
    kn_normalised_gate_back(r.be, dz, dgate, gate, 1, mask, 2, 4, false);
    GIVES(&r, dz, 1e-6, "gradient", 0, 0.196611933, -0.196611933, 0, 0, 0, 0, 0);
    kn_normalised_gate_back(r.be, dz, dgate, gate, 1, mask, 2, 4, true);
    GIVES(&r, dz, 1e-6, "gradient added", 0, 0.393223866, -0.393223866, 0, 0, 0, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(normalised_gates_take_large_logits_one_pick_and_a_factor)
{
    RIG(r);
    struct kn_buf z = BUF(&r, 1000, 0, 1000, 1000, -1000, 7, 0, 2.1972245773362196, 0);
    struct kn_ints mask = INTS(&r, 1, 0, 1, 0, 1, 0, 1, 1, 0);
    struct kn_buf gate = rig_buf(&r, 9, NULL);
    kn_normalised_gate(r.be, gate, z, .5, mask, 3, 3);
    GIVES(&r, gate, 1e-6, "gates", .5, 0, .5, 0, 1, 0, .25, .75, 0);
    rig_close(&r);
}
END_TEST

/* Eight logits, p = .6 takes columns 0, 2 and 7. */
START_TEST(gates_of_the_top_p_example)
{
    RIG(r);
    struct kn_buf z = BUF(&r, 2.2, 0.4, 1.6, -0.5, 0.9, 0.1, -1.2, 1.3),
                  prob = rig_buf(&r, 8, NULL);
    struct kn_buf gate = rig_buf(&r, 8, NULL), loss = rig_buf(&r, 1, NULL);
    struct kn_ints valid = INTS(&r, 1), mask = rig_ints(&r, 8, NULL);
    kn_softmax_rows(r.be, prob, z, 1, 1, 8);
    GIVES(&r, prob, 2e-6, "probabilities", 0.382227, 0.063182, 0.209771, 0.025688, 0.104169,
          0.046806, 0.012756, 0.155402);
    kn_cumulative_mask(r.be, mask, prob, .6, false, valid, 1, 8);
    GIVES_INTS(&r, mask, "taken", 1, 0, 1, 0, 0, 0, 0, 1);
    kn_masked_gate(r.be, gate, prob, mask, 1, 8);
    GIVES(&r, gate, 2e-6, "gates as published", 0.382227, 0, 0.209771, 0, 0, 0, 0, 0.155402);
    kn_normalised_gate(r.be, gate, z, 1, mask, 1, 8);
    GIVES(&r, gate, 2e-6, "gates that sum to 1", 0.511409, 0, 0.280667, 0, 0, 0, 0, 0.207923);
    kn_entropy_loss(r.be, loss, prob, valid, 1, 8, 8);
    NEAR(rig_get(&r, loss, 0), 1.687632, 2e-6, 0, "entropy");
    rig_close(&r);
}
END_TEST

/* The gate of column 1 of logits (1, 3, 2, 0) as a softmax value: every logit gets gradient. */
START_TEST(masked_gates_pass_gradient_to_all_logits_through_the_softmax)
{
    RIG(r);
    struct kn_buf z = BUF(&r, 1, 3, 2, 0), prob = rig_buf(&r, 4, NULL), gate = rig_buf(&r, 4, NULL);
    struct kn_buf dprob = BUF(&r, 9, 9, 9, 9), dz = rig_buf(&r, 4, NULL),
                  dgate = BUF(&r, 8, 1, 0, 8);
    struct kn_ints mask = INTS(&r, 0, 1, 1, 0);
    kn_softmax_rows(r.be, prob, z, 1, 1, 4);
    kn_masked_gate(r.be, gate, prob, mask, 1, 4);
    GIVES(&r, gate, 1e-6, "gates", 0, 0.643914260, 0.236882818, 0);
    kn_masked_gate_back(r.be, dprob, dgate, mask, 1, 4, false);
    GIVES(&r, dprob, 1e-6, "gradient of the probabilities", 0, 1, 0, 0);
    kn_softmax_rows_back(r.be, dz, dprob, prob, 1, 1, 4, false);
    GIVES(&r, dz, 1e-6, "gradient of the logits", -0.056113, 0.229289, -0.152532, -0.020643);
    kn_masked_gate_back(r.be, dprob, dgate, mask, 1, 4, true);
    GIVES(&r, dprob, 1e-6, "added", 0, 2, 0, 0);
    rig_close(&r);
}
END_TEST

/* ---- losses */
/* Tokens (1, 3, 2, 0) and (0, 0, 4, 1), two experts each. */
START_TEST(losses_of_the_two_token_example)
{
    RIG(r);
    struct kn_buf z = BUF(&r, 1, 3, 2, 0, 0, 0, 4, 1), prob = rig_buf(&r, 8, NULL);
    struct kn_buf f = rig_buf(&r, 4, NULL), loss = rig_buf(&r, 1, NULL);
    struct kn_ints mask = INTS(&r, 0, 1, 1, 0, 0, 0, 1, 1), valid = INTS(&r, 1, 1);
    kn_softmax_rows(r.be, prob, z, 1, 2, 4);
    kn_column_load(r.be, f, mask, 2, 4, 4);
    GIVES(&r, f, 1e-6, "load", 0, 1, 2, 1);
    kn_column_loss(r.be, loss, prob, f, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 1.526668, 2e-6, 0, "balance loss");
    kn_z_loss(r.be, loss, z, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 14.252434, 2e-6, 1e-6, "z-loss");
    kn_column_load(r.be, f, INTS(&r, 0, 1, 0, 0, 0, 0, 1, 0), 2, 4, 4);
    kn_column_loss(r.be, loss, prob, f, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 1.818112, 2e-6, 0, "balance loss, one pick each");
    rig_close(&r);
}
END_TEST

START_TEST(rows_that_are_not_valid_are_in_no_mean)
{
    RIG(r);
    struct kn_ints valid = INTS(&r, 1, 0), none = INTS(&r, 0, 0);
    struct kn_buf z = BUF(&r, 1, 3, 2, 0, 50, 50, 50, 50),
                  prob = BUF(&r, .5, .25, .25, 0, 1, 0, 0, 0);
    struct kn_buf f = BUF(&r, 1, 2, 3, 4), loss = rig_buf(&r, 1, NULL), d = rig_buf(&r, 8, NULL);
    kn_column_loss(r.be, loss, prob, f, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 1.75, 1e-6, 0, "column loss");
    kn_column_loss_back(r.be, d, 2, f, valid, 2, 4);
    GIVES(&r, d, 1e-6, "column gradient", 2, 4, 6, 8, 0, 0, 0, 0);
    kn_z_loss(r.be, loss, z, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 11.834907, 1e-5, 0, "z-loss");
    kn_entropy_loss(r.be, loss, prob, valid, 2, 4, 4);
    NEAR(rig_get(&r, loss, 0), 1.5 * M_LN2, 1e-6, 0, "entropy, 0 ln 0 = 0");
    kn_zero(r.be, d, 8);
    kn_z_loss_back(r.be, d, 1, z, none, 2, 4);
    kn_column_loss_back(r.be, d, 1, f, none, 2, 4);
    kn_entropy_loss_back(r.be, d, 1, prob, none, 2, 4, 4);
    GIVES(&r, d, 0, "no valid row, no gradient", 0, 0, 0, 0, 0, 0, 0, 0);
    kn_column_loss(r.be, loss, prob, f, none, 2, 4);
    NEAR(rig_get(&r, loss, 0), 0, 0, 0, "column loss of no row");
    kn_z_loss(r.be, loss, z, none, 2, 4);
    NEAR(rig_get(&r, loss, 0), 0, 0, 0, "z-loss of no row");
    kn_entropy_loss(r.be, loss, prob, none, 2, 4, 4);
    NEAR(rig_get(&r, loss, 0), 0, 0, 0, "entropy of no row");
    rig_close(&r);
}
END_TEST

START_TEST(slots_are_one_outcome_of_the_entropy_and_have_no_load)
{
    RIG(r);
    /* E = 2, S = 2: outcomes .5, .25 and .25 */
    struct kn_buf prob = BUF(&r, .5, .25, .125, .125), loss = rig_buf(&r, 1, NULL);
    struct kn_buf d = rig_buf(&r, 4, NULL), f = BUF(&r, 9, 9, 9, 9);
    struct kn_ints valid = INTS(&r, 1);
    kn_entropy_loss(r.be, loss, prob, valid, 1, 4, 2);
    NEAR(rig_get(&r, loss, 0), 1.5 * M_LN2, 1e-6, 0, "entropy");
    kn_entropy_loss_back(r.be, d, 2, prob, valid, 1, 4, 2);
    double quarter = 2 * (2 * M_LN2 - 1);
    GIVES(&r, d, 1e-6, "gradient", 2 * (M_LN2 - 1), quarter, quarter, quarter);
    kn_column_load(r.be, f, INTS(&r, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1), 3, 4, 2);
    GIVES(&r, f, 1e-6, "load of the experts", 1.5, .5, 0, 0);
    kn_column_load(r.be, f, INTS(&r, 0, 0, 1, 1), 1, 4, 2);
    GIVES(&r, f, 0, "slots only", 0, 0, 0, 0);
    rig_close(&r);
}
END_TEST

START_TEST(a_probability_of_0_has_a_finite_entropy_gradient)
{
    RIG(r);
    struct kn_buf d = rig_buf(&r, 2, NULL);
    kn_entropy_loss_back(r.be, d, 1, BUF(&r, 1, 0), INTS(&r, 1), 1, 2, 2);
    GIVES(&r, d, 1e-4, "gradient", -1, 86.336544);
    rig_close(&r);
}
END_TEST

/* What is not a number stays out of everything as long as its row is not valid or takes nothing. */
START_TEST(numbers_of_rows_that_take_no_part_are_never_read)
{
    RIG(r);
    struct kn_buf x = BUF(&r, 1, 3, 2, 0, nothing, INFINITY, 1, nothing),
                  loss = rig_buf(&r, 1, NULL);
    struct kn_buf prob = BUF(&r, .5, .25, .25, 0, nothing, nothing, 0, 1), f = BUF(&r, 1, 2, 3, 4);
    struct kn_buf gate = BUF(&r, 9, 9, 9, 9, 9, 9, 9, 9), d = rig_buf(&r, 8, NULL);
    struct kn_ints valid = INTS(&r, 1, 0), mask = INTS(&r, 0, 1, 1, 0, 0, 0, 0, 0);
    kn_normalised_gate(r.be, gate, x, 1, mask, 2, 4);
    GIVES(&r, gate, 1e-6, "normalised", 0, 0.731058579, 0.268941421, 0, 0, 0, 0, 0);
    kn_masked_gate(r.be, gate, prob, mask, 2, 4);
    GIVES(&r, gate, 1e-6, "masked", 0, .25, .25, 0, 0, 0, 0, 0);
    kn_normalised_gate_back(r.be, d, prob, gate, 1, mask, 2, 4, false);
    GIVES(&r, d, 1e-6, "gradient of normalised", 0, .03125, .03125, 0, 0, 0, 0, 0);
    kn_masked_gate_back(r.be, d, prob, mask, 2, 4, false);
    GIVES(&r, d, 1e-6, "gradient of masked", 0, .25, .25, 0, 0, 0, 0, 0);
    kn_column_loss(r.be, loss, prob, f, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 1.75, 1e-6, 0, "column loss");
    kn_z_loss(r.be, loss, x, valid, 2, 4);
    NEAR(rig_get(&r, loss, 0), 11.834907, 1e-5, 0, "z-loss");
    kn_entropy_loss(r.be, loss, prob, valid, 2, 4, 4);
    NEAR(rig_get(&r, loss, 0), 1.5 * M_LN2, 1e-6, 0, "entropy");
    kn_zero(r.be, d, 8);
    kn_z_loss_back(r.be, d, 1, x, valid, 2, 4);
    kn_entropy_loss_back(r.be, d, 1, prob, valid, 2, 4, 4);
    for (int i = 0; i < 8; i++)
        HOLDS(i < 4 ? isfinite(rig_get(&r, d, i)) : rig_get(&r, d, i) == 0, "gradient [%d]", i);
    rig_close(&r);
}
END_TEST

SUITE(known_gate)
{
    TCase *tc = tcase_create("known values of gates");
    tcase_add_loop_test(tc,
                        rows_that_are_padding_or_not_finite_are_cleaned_and_only_real_ones_counted,
                        0, VARIANTS);
    tcase_add_loop_test(tc, topk_mask_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, cumulative_mask_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, gates_are_normalised_over_the_taken_columns, 0, VARIANTS);
    tcase_add_loop_test(tc, normalised_gates_take_large_logits_one_pick_and_a_factor, 0, VARIANTS);
    tcase_add_loop_test(tc, gates_of_the_top_p_example, 0, VARIANTS);
    tcase_add_loop_test(tc, masked_gates_pass_gradient_to_all_logits_through_the_softmax, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, losses_of_the_two_token_example, 0, VARIANTS);
    tcase_add_loop_test(tc, rows_that_are_not_valid_are_in_no_mean, 0, VARIANTS);
    tcase_add_loop_test(tc, slots_are_one_outcome_of_the_entropy_and_have_no_load, 0, VARIANTS);
    tcase_add_loop_test(tc, a_probability_of_0_has_a_finite_entropy_gradient, 0, VARIANTS);
    tcase_add_loop_test(tc, numbers_of_rows_that_take_no_part_are_never_read, 0, VARIANTS);
    suite_add_tcase(suite, tc);
}
