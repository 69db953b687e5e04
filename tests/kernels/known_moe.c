/* Known values of dispatch, experts and slots, and the accounting of random routings. */
#include "tests/kernels/rig.h"

/* ---- plan */
START_TEST(a_plan_puts_the_picks_of_an_expert_together_with_tokens_in_order)
{
    RIG(r);
    struct kn_plan p;
    ck_assert(kn_plan_open(r.be, &p, 8, 3, 4));
    /* token 1 takes none, expert 1 has nobody, column 3 is a slot */
    kn_plan(r.be, &p, INTS(&r, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1), 4);
    GIVES_INTS(&r, p.offset, "offset", 0, 2, 2, 4);
    GIVES_INTS(&r, p.slot_token, "slot_token", 0, 3, 0, 2);
    GIVES_INTS(&r, p.slot_expert, "slot_expert", 0, 0, 2, 2);
    GIVES_INTS(&r, p.token_start, "token_start", 0, 2, 2, 3, 4);
    GIVES_INTS(&r, p.token_slot, "token_slot", 0, 2, 3, 1);
    GIVES_INTS(&r, p.count, "count", 2, 0, 2, 2);
    kn_plan(r.be, &p, rig_ints(&r, 16, NULL), 4);
    GIVES_INTS(&r, p.offset, "offset without picks", 0, 0, 0, 0);
    GIVES_INTS(&r, p.token_start, "token_start without picks", 0, 0, 0, 0, 0);
    GIVES_INTS(&r, p.count, "count without picks", 0, 0, 0, 0);
    kn_plan(r.be, &p, rig_ints(&r, 16, NULL), 0);
    GIVES_INTS(&r, p.offset, "offset without tokens", 0, 0, 0, 0);
    GIVES_INTS(&r, p.token_start, "token_start without tokens", 0);
    kn_plan_all(r.be, &p, 2);
    GIVES_INTS(&r, p.offset, "offset of all", 0, 2, 4, 6);
    GIVES_INTS(&r, p.slot_token, "slot_token of all", 0, 1, 0, 1, 0, 1);
    GIVES_INTS(&r, p.slot_expert, "slot_expert of all", 0, 0, 1, 1, 2, 2);
    GIVES_INTS(&r, p.token_start, "token_start of all", 0, 3, 6);
    GIVES_INTS(&r, p.token_slot, "token_slot of all", 0, 2, 4, 1, 3, 5);
    GIVES_INTS(&r, p.count, "count of all", 2, 2, 2, 0);
    kn_plan_close(r.be, &p);
    rig_close(&r);
}
END_TEST

enum { T_MOST = 24, N_MOST = 6 };

static void check_plan(struct rig *r, const struct kn_plan *p, const int32_t *mask, int T)
{
    int32_t offset[N_MOST + 1], token[T_MOST * N_MOST], expert[T_MOST * N_MOST], start[T_MOST + 1];
    int32_t slot[T_MOST * N_MOST], count[N_MOST];
    kn_read_ints(r->be, offset, p->offset, p->E + 1);
    kn_read_ints(r->be, start, p->token_start, T + 1);
    kn_read_ints(r->be, count, p->count, p->N);
    int rows = offset[p->E], picks = 0, counted = 0;
    kn_read_ints(r->be, token, p->slot_token, rows);
    kn_read_ints(r->be, expert, p->slot_expert, rows);
    kn_read_ints(r->be, slot, p->token_slot, rows);
    for (int i = 0; i < T * p->N; i++) picks += mask[i];
    for (int j = 0; j < p->N; j++) counted += count[j];
    HOLDS(counted == picks, "%d picks, %d counted", picks, counted);
    HOLDS(start[T] == rows, "tokens have %d rows, experts %d", start[T], rows);
    for (int e = 0; e < p->E; e++) {
        HOLDS(offset[e + 1] - offset[e] == count[e], "expert %d has %d picks, not its count", e,
              offset[e + 1] - offset[e]);
        for (int i = offset[e]; i < offset[e + 1]; i++) {
            HOLDS(expert[i] == e, "row %d is expert %d's, want %d", i, expert[i], e);
            HOLDS(mask[token[i] * p->N + e] == 1, "row %d: token %d never took expert %d", i,
                  token[i], e);
            HOLDS(i == offset[e] || token[i - 1] < token[i],
                  "the tokens of expert %d are not in order", e);
        }
    }
    for (int t = 0; t < T; t++) {
        for (int i = start[t]; i < start[t + 1]; i++) {
            HOLDS(token[slot[i]] == t, "row %d belongs to token %d, want %d", slot[i],
                  token[slot[i]], t);
            HOLDS(i == start[t] || expert[slot[i - 1]] < expert[slot[i]],
                  "the experts of token %d are not in order", t);
        }
    }
}

START_TEST(tokens_times_picks_is_the_sum_of_counts_in_10000_random_routings)
{
    RIG(r);
    struct kn_ints mask = rig_ints(&r, T_MOST * N_MOST, NULL), dropped = INTS(&r, 0);
    struct kn_buf gate = rig_buf(&r, T_MOST * N_MOST, NULL);
    uint64_t random = 10;
    for (int round = 0; round < 100; round++) {
        int E = 1 + rig_below(&random, 4), N = E + rig_below(&random, N_MOST - E + 1);
        struct kn_plan p;
        HOLDS(kn_plan_open(r.be, &p, T_MOST, E, N), "no memory");
        for (int n = 0; n < 100; n++) {
            int T = rig_below(&random, T_MOST + 1), odds = rig_below(&random, 9);
            int32_t taken[T_MOST * N_MOST], before = 0, after = 0;
            double g[T_MOST * N_MOST];
            for (int i = 0; i < T * N; i++) {
                before += taken[i] = rig_below(&random, 8) < odds;
                g[i] = rig_below(&random, 4);
            }
            kn_write_ints(r.be, mask, taken, T * N);
            kn_write(r.be, gate, g, T * N);
            kn_plan(r.be, &p, mask, T);
            check_plan(&r, &p, taken, T);
            kn_capacity_drop(r.be, mask, gate, dropped, 1.25, n % 2, T, N, E);
            kn_plan(r.be, &p, mask, T);
            kn_read_ints(r.be, taken, mask, T * N);
            check_plan(&r, &p, taken, T);
            for (int i = 0; i < T * N; i++) after += taken[i];
            HOLDS(after + rig_int(&r, dropped, 0) == before, "%d picks left of %d, %d dropped",
                  after, before, rig_int(&r, dropped, 0));
        }
        kn_plan_close(r.be, &p);
    }
    rig_close(&r);
}
END_TEST

/* ---- capacity */
static const struct capacity_case {
    const char *what;
    double capacity;
    bool by_position;
    int32_t mask[12];
    double gate[12];
    int32_t want[12];
    int dropped;
} capacity_cases[] = {
    /* T = 4, E = 2, one slot */
    {"the lowest gate of the fullest goes",
     1,
     false,
     {1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1},
     {.4, .6, 0, .2, 0, .8, .3, 0, .7, .5, .5, .1},
     {1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1},
     1},
    {"the last token goes",
     1,
     true,
     {1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1},
     {.4, .6, 0, .2, 0, .8, .3, 0, .7, .5, .5, .1},
     {1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1},
     1},
    {"equal gates: the higher token goes",
     .5,
     false,
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0},
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0},
     {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
     3},
    {"a negative gate is lower than a small one",
     1,
     false,
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0},
     {-.5, 0, 0, .1, 0, 0, .2, 0, 0, 0, 0, 0},
     {0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0},
     1},
    {"room is rounded up",
     1,
     false,
     {1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0},
     {.1, 0, 0, .2, 0, 0, .3, .1, 0, 0, .1, 0},
     {1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0},
     0},
    {"slots have no limit",
     1,
     false,
     {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1},
     {0, 0, .1, 0, 0, .2, 0, 0, .3, 0, 0, .4},
     {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1},
     0},
    {"enough for all",
     4,
     false,
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0},
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0},
     {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0},
     0},
};

START_TEST(capacity_drop_gives)
{
    RIG(r);
    struct kn_ints mask = rig_ints(&r, 12, NULL), dropped = rig_ints(&r, 1, NULL);
    struct kn_buf gate = rig_buf(&r, 12, NULL);
    for (size_t i = 0; i < sizeof capacity_cases / sizeof *capacity_cases; i++) {
        const struct capacity_case *c = &capacity_cases[i];
        double want[12];
        for (int k = 0; k < 12; k++) want[k] = c->mask[k] == c->want[k] ? c->gate[k] : 0;
        kn_write_ints(r.be, mask, c->mask, 12);
        kn_write(r.be, gate, c->gate, 12);
        kn_capacity_drop(r.be, mask, gate, dropped, c->capacity, c->by_position, 4, 3, 2);
        rig_same(&r, mask, c->want, 12, c->what);
        rig_near(&r, gate, want, 12, 1e-7, c->what);
        rig_same(&r, dropped, (int32_t[]){c->dropped}, 1, c->what);
    }
    rig_close(&r);
}
END_TEST

/* ---- experts: D = 1, H = 1, so that every number can be checked by hand */
static double silu(double x)
{
    return x / (1 + exp(-x));
}

static const struct ffn_case {
    const char *what;
    enum kn_act act;
    double up[4]; /* of expert 0, then of expert 1 */
} ffn_cases[] = {
    {"relu", KN_RELU, {2, -2}},
    {"silu", KN_SILU, {2, -2}},
    {"swiglu", KN_SWIGLU, {2, 5, -2, .5}},
};

static double hidden(const struct ffn_case *c, int e, double x)
{
    if (c->act == KN_RELU) return fmax(c->up[e] * x, 0);
    if (c->act == KN_SILU) return silu(c->up[e] * x);
    return silu(c->up[2 * e] * x) * c->up[2 * e + 1] * x;
}

START_TEST(experts_give_and_a_token_without_expert_gets_0)
{
    RIG(r);
    for (int k = 0; k < 3; k++) {
        const struct ffn_case *c = &ffn_cases[k];
        int rows = c->act == KN_SWIGLU ? 2 : 1;
        struct kn_buf x = BUF(&r, 1, -3, .5), gate = BUF(&r, .5, 0, 0, 0, 2, -1);
        struct kn_ints mask = INTS(&r, 1, 0, 0, 0, 1, 1);
        struct kn_buf up = rig_buf(&r, 2 * rows, c->up), down = BUF(&r, 3, 7);
        struct kn_buf out = rig_buf(&r, 6, NULL), pre = rig_buf(&r, 12, NULL);
        struct kn_buf y = BUF(&r, 9, 9, 9), dgate = BUF(&r, 4, 4, 4, 4, 4, 4), none = {0};
        struct kn_weight w1, w2;
        struct kn_plan p;
        ck_assert(kn_plan_open(r.be, &p, 3, 2, 2));
        ck_assert(kn_weight_open(r.be, &w1, up, KN_UP, 2, rows, 1, rows == 2));
        ck_assert(kn_weight_open(r.be, &w2, down, KN_DOWN, 2, 1, 1, false));
        kn_repack(r.be, (struct kn_weight *[]){&w1, &w2}, 2);
        kn_plan(r.be, &p, mask, 3);
        kn_moe_ffn(r.be, out, pre, &p, x, &w1, &w2, c->act, 3);
        kn_combine(r.be, y, &p, out, gate, 3, 1, false);
        double first = 3 * hidden(c, 0, 1), third[2] = {3 * hidden(c, 0, .5), 7 * hidden(c, 1, .5)};
        double want[] = {.5 * first, 0, 2 * third[0] - third[1]};
        rig_near(&r, y, want, 3, 1e-5, c->what);
        kn_combine(r.be, y, &p, out, gate, 3, 1, true);
        for (int t = 0; t < 3; t++) want[t] *= 2;
        rig_near(&r, y, want, 3, 1e-5, "added");
        kn_moe_ffn_back(r.be, none, dgate, none, none, &p, BUF(&r, 1, 1, 10), gate, x, pre, &w1,
                        &w2, c->act, 3, false);
        rig_near(&r, dgate, (double[]){first, 0, 0, 0, 10 * third[0], 10 * third[1]}, 6, 1e-4,
                 "gradient of the gates alone");
        kn_weight_close(r.be, &w1);
        kn_weight_close(r.be, &w2);
        kn_plan_close(r.be, &p);
    }
    rig_close(&r);
}
END_TEST

/* An expert with no token must not leave old numbers in its gradient, nor read any. */
START_TEST(nobody_routed_leaves_parameters_alone_and_clears_the_rest)
{
    RIG(r);
    struct kn_buf x = BUF(&r, 1, 2), gate = BUF(&r, 0, 0), up = BUF(&r, 1, 1), down = BUF(&r, 1);
    struct kn_buf out = rig_buf(&r, 2, NULL), pre = rig_buf(&r, 4, NULL), y = BUF(&r, 5, 5);
    struct kn_buf dx = BUF(&r, 5, 5), dgate = BUF(&r, 5, 5), dup = BUF(&r, 5, 6),
                  ddown = BUF(&r, 7);
    struct kn_weight w1, w2;
    struct kn_plan p;
    ck_assert(kn_plan_open(r.be, &p, 2, 1, 1));
    ck_assert(kn_weight_open(r.be, &w1, up, KN_UP, 1, 2, 1, true));
    ck_assert(kn_weight_open(r.be, &w2, down, KN_DOWN, 1, 1, 1, false));
    kn_repack(r.be, (struct kn_weight *[]){&w1, &w2}, 2);
    kn_plan(r.be, &p, rig_ints(&r, 2, NULL), 2);
    kn_moe_ffn(r.be, out, pre, &p, x, &w1, &w2, KN_SWIGLU, 2);
    kn_combine(r.be, y, &p, out, gate, 2, 1, false);
    kn_moe_ffn_back(r.be, dx, dgate, dup, ddown, &p, y, gate, x, pre, &w1, &w2, KN_SWIGLU, 2,
                    false);
    GIVES(&r, y, 0, "output", 0, 0);
    GIVES(&r, dx, 0, "dx", 0, 0);
    GIVES(&r, dgate, 0, "dgate", 0, 0);
    GIVES(&r, dup, 0, "dup", 5, 6);
    GIVES(&r, ddown, 0, "ddown", 7);
    kn_weight_close(r.be, &w1);
    kn_weight_close(r.be, &w2);
    kn_plan_close(r.be, &p);
    rig_close(&r);
}
END_TEST

/* Any of dx, dup and ddown may be left out; the others are what they are with all three. */
START_TEST(gradients_that_are_not_wanted_may_be_left_out)
{
    RIG(r);
    enum { T = 40, D = 9, H = 5, E = 3, UP = E * 2 * H * D, DOWN = E * D * H };
    static const int size[] = {T * D, UP, DOWN};
    uint64_t random = 3;
    double numbers[UP + DOWN + T * D + T * E];
    int32_t taken[T * E];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) numbers[i] = rig_normal(&random);
    for (int i = 0; i < T * E; i++) taken[i] = rig_below(&random, 2);
    struct kn_buf up = rig_buf(&r, UP, numbers), down = rig_buf(&r, DOWN, numbers + UP);
    struct kn_buf x = rig_buf(&r, T * D, numbers + UP + DOWN);
    struct kn_buf gate = rig_buf(&r, T * E, numbers + UP + DOWN + T * D);
    struct kn_buf out = rig_buf(&r, T * E * D, NULL), pre = rig_buf(&r, T * E * 2 * H, NULL);
    struct kn_buf full[3], part[3], dgate[2] = {rig_buf(&r, T * E, NULL), rig_buf(&r, T * E, NULL)};
    struct kn_weight w1, w2;
    struct kn_plan p;
    ck_assert(kn_plan_open(r.be, &p, T, E, E));
    ck_assert(kn_weight_open(r.be, &w1, up, KN_UP, E, 2 * H, D, true));
    ck_assert(kn_weight_open(r.be, &w2, down, KN_DOWN, E, D, H, false));
    kn_repack(r.be, (struct kn_weight *[]){&w1, &w2}, 2);
    kn_plan(r.be, &p, rig_ints(&r, T * E, taken), T);
    kn_moe_ffn(r.be, out, pre, &p, x, &w1, &w2, KN_SWIGLU, T);
    for (int k = 0; k < 3; k++) full[k] = rig_buf(&r, size[k], NULL);
    kn_moe_ffn_back(r.be, full[0], dgate[0], full[1], full[2], &p, x, gate, x, pre, &w1, &w2,
                    KN_SWIGLU, T, false);
    for (int wanted = 0; wanted < 8; wanted++) {
        for (int k = 0; k < 3; k++)
            part[k] = wanted & 1 << k ? rig_buf(&r, size[k], NULL) : (struct kn_buf){0};
        kn_moe_ffn_back(r.be, part[0], dgate[1], part[1], part[2], &p, x, gate, x, pre, &w1, &w2,
                        KN_SWIGLU, T, false);
        for (int k = 0; k < 3; k++)
            for (int i = 0; part[k].at && i < size[k]; i++)
                NEAR(rig_get(&r, part[k], i), rig_get(&r, full[k], i), 1e-6, 1e-6,
                     "gradient %d [%d] of wanted %d", k, i, wanted);
        for (int i = 0; i < T * E; i++)
            NEAR(rig_get(&r, dgate[1], i), rig_get(&r, dgate[0], i), 1e-6, 1e-6, "dgate [%d]", i);
    }
    kn_weight_close(r.be, &w1);
    kn_weight_close(r.be, &w2);
    kn_plan_close(r.be, &p);
    rig_close(&r);
}
END_TEST

/* ---- slots */
START_TEST(copy_slots_add_their_share_of_x)
{
    RIG(r);
    /* N = 3: column 0 an expert, columns 1 and 2 copies; a gate that is not taken does not count */
    struct kn_buf y = BUF(&r, 1, 1, 1, 1), x = BUF(&r, 1, 2, 3, 4),
                  gate = BUF(&r, 9, .5, .25, 9, 9, 2);
    struct kn_buf dx = BUF(&r, 1, 1, 1, 1), dgate = BUF(&r, 7, 7, 7, 7, 7, 7),
                  dy = BUF(&r, 1, 0, 0, 2);
    struct kn_ints mask = INTS(&r, 1, 1, 1, 1, 0, 1);
    kn_copy_slots(r.be, y, x, gate, mask, 1, 2, 2, 3, 2);
    GIVES(&r, y, 1e-6, "y", 1.75, 2.5, 7, 9);
    kn_copy_slots_back(r.be, dx, dgate, dy, x, gate, mask, 1, 2, 2, 3, 2);
    GIVES(&r, dx, 1e-6, "dx", 1.75, 1, 1, 5);
    GIVES(&r, dgate, 1e-6, "dgate", 7, 1, 1, 7, 0, 8);
    rig_close(&r);
}
END_TEST

START_TEST(constant_slots_mix_x_and_their_vector)
{
    RIG(r);
    /* c x = (0, 0) for token 0: half and half; (ln 3, 0) for token 1: three quarters of x */
    struct kn_buf y = BUF(&r, 1, 1, 1, 1), x = BUF(&r, 0, 4, 1.0986122886681098, 0);
    struct kn_buf v = BUF(&r, 2, 2), c = BUF(&r, 1, 0, 0, 0), gate = BUF(&r, .5, 2);
    kn_constant_slots(r.be, y, x, gate, INTS(&r, 1, 1), v, c, 0, 1, 2, 1, 2);
    GIVES(&r, y, 1e-6, "y", 1.5, 2.5, 2 + 1.5 * 1.0986122886681098, 2);
    kn_constant_slots(r.be, y, x, gate, INTS(&r, 0, 0), v, c, 0, 1, 2, 1, 2);
    GIVES(&r, y, 1e-6, "not taken", 1.5, 2.5, 2 + 1.5 * 1.0986122886681098, 2);
    rig_close(&r);
}
END_TEST

START_TEST(slots_do_not_read_a_token_that_does_not_take_them)
{
    RIG(r);
    struct kn_buf y = BUF(&r, 1, 1), x = BUF(&r, NAN, INFINITY), gate = BUF(&r, NAN);
    struct kn_buf v = BUF(&r, 2, 2), c = BUF(&r, 1, 1, 1, 1), dx = BUF(&r, 1, 1),
                  dgate = BUF(&r, 9);
    struct kn_buf dv = BUF(&r, 1, 1), dc = BUF(&r, 1, 1, 1, 1);
    struct kn_ints mask = INTS(&r, 0);
    kn_copy_slots(r.be, y, x, gate, mask, 0, 1, 1, 1, 2);
    kn_constant_slots(r.be, y, x, gate, mask, v, c, 0, 1, 1, 1, 2);
    kn_copy_slots_back(r.be, dx, dgate, x, x, gate, mask, 0, 1, 1, 1, 2);
    GIVES(&r, dgate, 0, "dgate of a copy", 0);
    kn_constant_slots_back(r.be, dx, dgate, dv, dc, x, x, gate, mask, v, c, 0, 1, 1, 1, 2);
    GIVES(&r, y, 0, "y", 1, 1);
    GIVES(&r, dx, 0, "dx", 1, 1);
    GIVES(&r, dgate, 0, "dgate", 0);
    GIVES(&r, dv, 0, "dv", 1, 1);
    GIVES(&r, dc, 0, "dc", 1, 1, 1, 1);
    rig_close(&r);
}
END_TEST

SUITE(known_moe)
{
    TCase *tc = tcase_create("known values of dispatch and experts");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_plan_puts_the_picks_of_an_expert_together_with_tokens_in_order, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, tokens_times_picks_is_the_sum_of_counts_in_10000_random_routings, 0,
                        VARIANTS);
    tcase_add_loop_test(tc, capacity_drop_gives, 0, VARIANTS);
    tcase_add_loop_test(tc, experts_give_and_a_token_without_expert_gets_0, 0, VARIANTS);
    tcase_add_loop_test(tc, nobody_routed_leaves_parameters_alone_and_clears_the_rest, 0, VARIANTS);
    tcase_add_loop_test(tc, copy_slots_add_their_share_of_x, 0, VARIANTS);
    tcase_add_loop_test(tc, constant_slots_mix_x_and_their_vector, 0, VARIANTS);
    tcase_add_loop_test(tc, gradients_that_are_not_wanted_may_be_left_out, 0, VARIANTS);
    tcase_add_loop_test(tc, slots_do_not_read_a_token_that_does_not_take_them, 0, VARIANTS);
    suite_add_tcase(suite, tc);
}
