/* What-if questions: every loss beside the same choice forced by hand on the whole window, the
 * numbers behind a choice beside the arrays they come from, the oracle beside trying everything,
 * and a training that cannot tell whether it was asked. */
#include "core/train/probe.h"
#include "tests/core/model_rig.h"

enum { MOST_E = 8 };

static void answer(struct trainer *t)
{
    struct err e = {0};
    for (int i = 0; probe_busy(t); i++) {
        ck_assert_msg(probe_piece(t, &e), "%s", e.text);
        ck_assert_int_lt(i, 4000);
    }
}

static void ask(struct trainer *t, int token)
{
    struct err e = {0};
    ck_assert_msg(probe_token(t, token, &e), "%s", e.text);
    answer(t);
}

/* ---- by hand ---- */
static int32_t base[SNAP_LAYERS][SNAP_TOKENS * COLUMNS_MAX], forced[SNAP_TOKENS * COLUMNS_MAX];

static void route_by_rule(struct trainer *t)
{
    trainer_fill_window(t);
    model_forward(t->model, false);
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        kn_read_ints(t->be, base[l], r->mask, (size_t)r->T * (size_t)r->N);
    }
}

/* The token's loss where its row of `layer` is `row`, on the window as a whole. */
static double loss_with(struct trainer *t, int layer, int token, const int32_t *row)
{
    struct model *m = t->model;
    int N = m->layer[0].moe.route.N, items = m->data.items, asked = 0;
    bool all = t->config.router->needs & SEES_FUTURE;
    double sum = 0;
    trainer_fill_window(t);
    for (int l = 0; l < m->L; l++) {
        if (l != layer && !all) continue;
        memcpy(forced, base[l], sizeof forced);
        if (l == layer) memcpy(forced + token * N, row, (size_t)N * sizeof *row);
        moe_force(&m->layer[l].moe, forced, t->batch.T);
    }
    model_forward(m, false);
    model_loss(m, false);
    for (int l = 0; l < m->L; l++) moe_force(&m->layer[l].moe, NULL, 0);
    for (int i = token * items; i < (token + 1) * items; i++) {
        double nll;
        kn_read(t->be, &nll, kn_part(t->be, m->nll, (size_t)i), 1);
        if (t->batch.label[i] >= 0) asked++, sum += nll;
    }
    return sum / asked;
}

/* What the rule prefers: the score, or how far it is above a bar of the column's own. */
static double rank(const struct snap_probe *p, int e)
{
    if (!p->router->bars) return (double)p->score[e];
    return p->score[e] == 0 && p->bar[e] == 0 ? -1 : (double)p->score[e] - (double)p->bar[e];
}

static void check_token(struct trainer *t, int layer, int token, const char *what)
{
    ask(t, token);
    const struct snap_probe *p = &t->now.probe;
    int N = p->N;
    ck_assert_int_eq(p->token, token);
    ck_assert_int_eq(p->layer, layer);
    ck_assert_int_eq(p->step, t->step);
    route_by_rule(t);
    int32_t row[COLUMNS_MAX];
    const int32_t *rule = base[layer] + token * N;
    for (int j = 0; j < N; j++)
        ck_assert_msg((p->taken[j / 64] >> j % 64 & 1) == (uint64_t)rule[j], "%s: column %d", what,
                      j);
    NEAR((double)p->loss, loss_with(t, layer, token, rule), 1e-5, 1e-5, "%s: the rule", what);
    for (int e = 0; e < N; e++) {
        memcpy(row, rule, sizeof row);
        row[e] = !row[e];
        NEAR((double)p->other[e], loss_with(t, layer, token, row), 1e-5, 1e-5, "%s: column %d",
             what, e);
    }
    memcpy(row, rule, sizeof row);
    for (int e = 0; e < p->E; e++) row[e] = 0;
    for (int n = 0; n <= p->E; n++) {
        NEAR((double)p->with[n], loss_with(t, layer, token, row), 1e-5, 1e-5, "%s: %d experts",
             what, n);
        int best = -1;
        for (int e = 0; e < p->E; e++)
            if (!row[e] &&
                (best < 0 || rank(p, e) > rank(p, best) ||
                 (rank(p, e) == rank(p, best) && !p->router->bars && p->logit[e] > p->logit[best])))
                best = e;
        if (best >= 0) row[best] = 1;
    }
}

START_TEST(every_answer_is_that_of_the_same_choice_forced_by_hand)
{
    const struct router *r = router_at(_i / 2);
    bool text = _i % 2;
    struct config c =
        text ? rig_config("text", r->name, "ref", "batch=2", "context=24", "width=8",
                          "expert-width=4", "experts=5", NULL)
             : rig_config("orders", r->name, "ref", "batch=16", "layers=2", "width=16", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 4);
    for (int layer = 0; layer < 2; layer++) {
        trainer_focus(t, layer);
        check_token(t, layer, layer ? 37 : 0, r->name);
    }
    trainer_close(t);
}
END_TEST

/* ---- the numbers behind a choice ---- */
START_TEST(dot_products_are_the_logits_and_what_was_said_adds_up)
{
    struct config c = rig_config("orders", _i ? "remoe" : "topk", "ref", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 20);
    ask(t, 3);
    const struct snap_probe *p = &t->now.probe;
    struct model *m = t->model;
    ck_assert_int_eq(p->columns, 8);
    for (int k = 0; k < p->columns; k++) {
        const struct snap_column *s = &p->column[k];
        NEAR((double)s->dot, (double)p->logit[s->column], 1e-5, 1e-5, "column %d", s->column);
        if (k) ck_assert_double_le(rank(p, s->column), rank(p, p->column[k - 1].column));
        for (int i = 1; i < PROBE_TERMS; i++)
            ck_assert_double_le(fabs((double)s->x[i] * s->w[i]),
                                fabs((double)s->x[i - 1] * s->w[i - 1]) + 1e-9);
    }
    trainer_fill_window(t);
    model_forward(m, false);
    double in[64], out[64], sum = 0;
    kn_read(t->be, in, kn_part(t->be, m->layer[0].mid, 3 * 64), 64);
    kn_read(t->be, out, kn_part(t->be, m->out, 3 * 64), 64);
    for (int d = 0; d < 64; d++) sum += (out[d] - in[d]) * (out[d] - in[d]);
    NEAR((double)p->sum, sqrt(sum), 1e-5, 1e-5, "what the experts add to the stream");
    trainer_close(t);
}
END_TEST

START_TEST(a_bar_parts_those_that_were_taken_from_the_rest)
{
    struct config c = rig_config("orders", "dynmoe", "ref", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 20);
    ask(t, 3);
    const struct snap_probe *p = &t->now.probe;
    int over = 0;
    for (int e = 0; e < p->E; e++) over += p->score[e] > p->bar[e];
    for (int e = 0; e < p->E && over; e++)
        ck_assert_int_eq(p->taken[0] >> e & 1, p->score[e] > p->bar[e]);
    trainer_close(t);
}
END_TEST

/* ---- the oracle ---- */
/* Least sum over all ways to spend at most `budget`. */
static double by_trying(const double *loss, int tokens, int E, int budget)
{
    if (tokens == 0) return 0;
    double least = INFINITY;
    for (int n = 0; n <= E && n <= budget; n++)
        least = fmin(least, loss[n] + by_trying(loss + E + 1, tokens - 1, E, budget - n));
    return least;
}

START_TEST(the_best_spread_is_the_best_of_all_spreads)
{
    unsigned r = (unsigned)_i * 2654435761u + 1;
    double loss[5 * 5];
    int count[5], tokens = 1 + _i % 5, E = 4, budget = _i % 13, spent = 0;
    for (int i = 0; i < 25; i++) r = r * 1664525u + 1013904223u, loss[i] = (r >> 8) / 16777216.0;
    double best = probe_spread(loss, tokens, E, budget, count), sum = 0;
    NEAR(best, by_trying(loss, tokens, E, budget), 1e-12, 0, "case %d", _i);
    for (int i = 0; i < tokens; i++) spent += count[i], sum += loss[i * (E + 1) + count[i]];
    ck_assert_int_le(spent, budget);
    NEAR(sum, best, 1e-12, 0, "the counts of case %d", _i);
}
END_TEST

START_TEST(regret_is_the_rules_loss_above_the_best_spread_of_its_budget)
{
    struct err e = {0};
    struct config c = rig_config(_i ? "text" : "orders", "topp", "ref", "batch=4", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 30);
    ck_assert_msg(probe_regret(t, &e), "%s", e.text);
    answer(t);
    const struct snap_regret *r = &t->now.regret;
    static struct snapshot s;
    trainer_measure(t, &s, true);
    double sum = 0, experts = 0;
    int asked = 0;
    for (int i = 0; i < PROBE_BATCH; i++) { /* as many as the window has, or every fourth */
        const struct snap_token *k = &s.token[i * s.tokens / PROBE_BATCH];
        if (isnan(k->loss)) continue;
        int predictions = _i ? 1 : k->need;
        sum += (double)k->loss * predictions, asked += predictions, experts += k->count[0];
    }
    NEAR(r->rule, sum / asked, 1e-5, 1e-5, "the rule's loss");
    NEAR(r->experts, experts / r->tokens, 1e-6, 0, "budget");
    ck_assert_double_le(r->best, r->rule + 1e-9); /* topp takes the best by score */
    ck_assert_double_le(r->best, r->even + 1e-9);
    NEAR(r->regret, r->rule - r->best, 1e-12, 0, "regret");
    ck_assert_int_ge(r->tokens, 60);
    trainer_close(t);
}
END_TEST

/* ---- no trace ---- */
START_TEST(a_training_that_is_asked_has_the_bits_of_one_that_is_not)
{
    const struct router *r = router_at(_i / 2);
    bool text = _i % 2;
    struct err e = {0};
    struct config c = text ? rig_config("text", r->name, "cpu", "batch=2", "context=24", "width=16",
                                        "expert-width=8", "experts=4", NULL)
                           : rig_config("orders", r->name, "cpu", "batch=32", NULL);
    struct trainer *a = model_rig_open(&c), *b = model_rig_open(&c);
    static struct snapshot s, q;
    for (int step = 0; step < 7; step++) {
        rig_steps(a, 1), rig_steps(b, 1);
        if (step % 3) continue;
        ck_assert(probe_token(b, step, &e) && probe_regret(b, &e));
        answer(b);
    }
    rig_same_bits(a, b, r->name);
    ck_assert_double_eq(a->loss, b->loss);
    rig_steps(a, 1), rig_steps(b, 1); /* and measures the same */
    ask(b, 1);
    trainer_measure(a, &s, true), trainer_measure(b, &q, true);
    ck_assert_double_eq(s.experts_per_token, q.experts_per_token);
    ck_assert_int_eq(memcmp(s.gate, q.gate, sizeof s.gate), 0);
    trainer_close(a), trainer_close(b);
}
END_TEST

START_TEST(a_change_in_the_middle_of_a_question_starts_it_over)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topp", "ref", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 5);
    ck_assert(probe_token(t, 2, &e) && probe_piece(t, &e) && probe_busy(t));
    rig_steps(t, 1);
    answer(t);
    ck_assert_int_eq(t->now.probe.step, 6);
    ck_assert(probe_token(t, 2, &e) && probe_piece(t, &e));
    ck_assert(trainer_set_router(t, "adamoe", &e)); /* other columns */
    answer(t);
    ck_assert_str_eq(t->now.probe.router->name, "adamoe");
    ck_assert_int_gt(t->now.probe.N, t->now.probe.E);
    ck_assert(!probe_token(t, 64, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "0 to 63"));
    ck_assert(trainer_set_router(t, "topk", &e));
    ck_assert_int_eq(t->now.probe.step, -1); /* of a rule that left */
    trainer_close(t);
}
END_TEST

START_TEST(an_answer_from_before_a_change_says_so)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topp", "ref", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    ask(t, 2);
    float before = t->now.probe.loss;
    ck_assert(!t->now.probe.stale);
    ck_assert_msg(trainer_set_knob(t, "p", "0.1", &e), "%s", e.text);
    ck_assert(t->now.probe.stale);
    ck_assert_int_eq(t->now.probe.step, t->step); /* by its step alone nobody could tell */
    ask(t, 2);
    ck_assert(!t->now.probe.stale);
    ck_assert_float_ne(t->now.probe.loss, before);
    trainer_close(t);
}
END_TEST

SUITE(train_probe)
{
    TCase *tc = tcase_create("answers");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_answer_is_that_of_the_same_choice_forced_by_hand, 0,
                        2 * router_count());
    tcase_add_loop_test(tc, dot_products_are_the_logits_and_what_was_said_adds_up, 0, 2);
    tcase_add_test(tc, a_bar_parts_those_that_were_taken_from_the_rest);
    tcase_add_loop_test(tc, the_best_spread_is_the_best_of_all_spreads, 0, 40);
    tcase_add_loop_test(tc, regret_is_the_rules_loss_above_the_best_spread_of_its_budget, 0, 2);
    tcase_add_loop_test(tc, a_training_that_is_asked_has_the_bits_of_one_that_is_not, 0,
                        2 * router_count());
    tcase_add_test(tc, a_change_in_the_middle_of_a_question_starts_it_over);
    tcase_add_test(tc, an_answer_from_before_a_change_says_so);
    suite_add_tcase(suite, tc);
}
