/* tests/core/fleet.c - Vans off the road, at rest, copied, gone and hired, under every strategy. */
#include "tests/core/model_rig.h"

enum { OFF = 2, STRATEGIES = 16 };

static struct config small(const char *strategy)
{
    struct config c = rig_config("orders", strategy, "cpu", "batch=64", "layers=2", NULL);
    c.threads = 1;
    return c;
}

static void act(struct trainer *t, enum fleet_act what, int expert)
{
    struct err e = {0};
    ck_assert_msg(trainer_fleet(t, what, expert, &e), "%s", e.text);
}

/* Picks of one column in the newest forward, all layers. */
static int picks(struct trainer *t, int column)
{
    int sum = 0;
    for (int l = 0; l < t->model->L; l++) {
        const struct route *r = &t->model->layer[l].moe.route;
        int32_t *mask = malloc((size_t)r->T * (size_t)r->N * sizeof *mask);
        kn_read_ints(t->be, mask, r->mask, (size_t)r->T * (size_t)r->N);
        for (int i = 0; i < r->T; i++) sum += mask[i * r->N + column];
        free(mask);
    }
    return sum;
}

/* All numbers of an expert in layer 1: weights and moments; with `row`, its row of the router. */
static size_t expert_numbers(struct trainer *t, int expert, bool row, double *to)
{
    const struct moe *y = &t->model->layer[1].moe;
    const struct params *p = &t->model->params;
    const struct kn_buf block[] = {p->w, p->m, p->v};
    size_t n = 0;
    for (int b = 0; b < 3; b++) {
        const int first[] = {y->first_up, y->first_down};
        for (int i = 0; i < 2 && !row; i++) {
            size_t size = y->route.expert[i].size;
            kn_read(t->be, to + n,
                    kn_part(t->be, block[b], p->list[first[i]].first + expert * size), size);
            n += size;
        }
        size_t wide = (size_t)p->list[y->extra[0]].shape[1];
        if (row)
            kn_read(t->be, to + n,
                    kn_part(t->be, block[b], p->list[y->extra[0]].first + expert * wide), wide);
        n += row ? wide : 0;
    }
    return n;
}

static double before[1 << 16], after[1 << 16];

START_TEST(a_broken_van_gets_no_order_and_stays_as_it_is)
{
    if (!router_at(_i)) return;
    static struct snapshot s;
    struct config c = small(router_at(_i)->name);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 10);
    act(t, FLEET_BREAK, OFF);
    for (int row = 0; row < 2; row++) {
        size_t n = expert_numbers(t, OFF, row, before);
        for (int i = 0; i < 15; i++) {
            rig_steps(t, 1);
            ck_assert_msg(picks(t, OFF) == 0, "%s took it in step %d", c.router->name, i);
        }
        ck_assert_uint_eq(n, expert_numbers(t, OFF, row, after));
        ck_assert_msg(memcmp(before, after, n * sizeof *before) == 0, "%s moved %s", c.router->name,
                      row ? "its row of the router" : "its weights");
    }
    trainer_measure(t, &s, true);
    ck_assert_msg(picks(t, OFF) == 0, "%s took it in the window", c.router->name);
    ck_assert_msg(s.experts_per_token > .2 && s.experts_per_token <= 7, "%s: %g experts",
                  c.router->name, s.experts_per_token);
    ck_assert(s.load[0][OFF] == 0 && s.load[1][OFF] == 0);
    ck_assert_uint_eq(s.fleet.broken, 1 << OFF);
    ck_assert(s.nonfinite_tokens == 0 && s.skipped_steps == 0);
    act(t, FLEET_MEND, OFF);
    size_t n = expert_numbers(t, OFF, true, before);
    rig_steps(t, 30);
    expert_numbers(t, OFF, true, after);
    ck_assert_msg(memcmp(before, after, n * sizeof *before) != 0, "%s: it never learns again",
                  c.router->name);
    trainer_close(t);
}
END_TEST

START_TEST(with_all_vans_broken_tokens_get_none_and_training_lives)
{
    if (!router_at(_i)) return;
    static struct snapshot s;
    struct config c = small(router_at(_i)->name);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    for (int i = 0; i < 8; i++) act(t, FLEET_BREAK, i);
    rig_steps(t, 10);
    trainer_measure(t, &s, true);
    ck_assert_msg(s.experts_per_token == 0, "%s: %g experts", c.router->name, s.experts_per_token);
    ck_assert_msg(isfinite(s.loss) && s.skipped_steps == 0, "%s: loss %g, %g skipped",
                  c.router->name, s.loss, s.skipped_steps);
    for (int i = 0; i < 8; i++) act(t, FLEET_MEND, i);
    rig_steps(t, 10);
    trainer_measure(t, &s, true);
    ck_assert_msg(s.experts_per_token > 0, "%s: none came back", c.router->name);
    trainer_close(t);
}
END_TEST

START_TEST(a_frozen_van_works_and_its_weights_rest)
{
    if (!router_at(_i)) return;
    struct config c = small(router_at(_i)->name);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 10);
    act(t, FLEET_FREEZE, OFF);
    size_t n = expert_numbers(t, OFF, false, before);
    int taken = 0;
    for (int i = 0; i < 15; i++) rig_steps(t, 1), taken += picks(t, OFF);
    expert_numbers(t, OFF, false, after);
    ck_assert_msg(taken > 0, "%s: nobody took it", c.router->name);
    ck_assert_msg(memcmp(before, after, n * sizeof *before) == 0, "%s moved it", c.router->name);
    act(t, FLEET_THAW, OFF);
    rig_steps(t, 5);
    expert_numbers(t, OFF, false, after);
    ck_assert_msg(memcmp(before, after, n * sizeof *before) != 0, "%s: it stays", c.router->name);
    trainer_close(t);
}
END_TEST

START_TEST(a_clone_is_near_and_has_no_moments)
{
    struct err e = {0};
    struct config c = small("topk");
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 20);
    ck_assert_msg(trainer_clone(t, 1, 5, &e), "%s", e.text);
    for (int row = 0; row < 2; row++) {
        size_t n = expert_numbers(t, 1, row, before), third = n / 3, differ = 0;
        expert_numbers(t, 5, row, after);
        for (size_t i = 0; i < third; i++) {
            NEAR(after[i], before[i], 0, .0101, "number %zu", i);
            differ += after[i] != before[i];
        }
        ck_assert_uint_gt(differ, third / 2);
        for (size_t i = third; i < n; i++) ck_assert(after[i] == 0);
    }
    ck_assert(!trainer_clone(t, 1, 1, &e) && !trainer_clone(t, 1, 8, &e));
    trainer_close(t);
}
END_TEST

START_TEST(a_retired_van_is_forgotten_and_comes_back_fresh)
{
    if (!router_at(_i)) return;
    struct err e = {0};
    struct config c = small(router_at(_i)->name);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 20);
    ck_assert_msg(!trainer_fleet(t, FLEET_HIRE, OFF, &e), "one that works was hired");
    act(t, FLEET_FREEZE, OFF);
    act(t, FLEET_RETIRE, OFF);
    ck_assert_uint_eq(t->config.fleet.frozen, 0);
    rig_steps(t, 5);
    ck_assert_int_eq(picks(t, OFF), 0);
    size_t n = expert_numbers(t, OFF, false, before);
    act(t, FLEET_HIRE, OFF);
    expert_numbers(t, OFF, false, after);
    for (size_t i = 0; i < n / 3; i++) ck_assert(before[i] != after[i]);
    for (size_t i = n / 3; i < n; i++) ck_assert(after[i] == 0);
    rig_steps(t, 5);
    ck_assert_uint_eq(t->config.fleet.retired, 0);
    trainer_close(t);
}
END_TEST

/* dynmoe fires who is idle and hires into free places: one that is off is neither. */
START_TEST(dynmoe_neither_fires_nor_hires_a_place_that_is_off)
{
    double active, hired;
    struct config c = rig_config("orders", "dynmoe", "cpu", "batch=64", "period=20", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 2);
    act(t, FLEET_BREAK, OFF);
    act(t, FLEET_RETIRE, 5);
    rig_steps(t, 100);
    const struct route *r = &t->model->layer[0].moe.route;
    ck_assert_str_eq(r->router->state[0].name, "active");
    kn_read(t->be, &active, kn_part(t->be, r->state[0], OFF), 1);
    ck_assert(active == 1);
    kn_read(t->be, &hired, kn_part(t->be, r->state[0], 5), 1);
    ck_assert(hired == 1);
    act(t, FLEET_MEND, OFF);
    active = 0;
    kn_write(t->be, kn_part(t->be, r->state[0], 7), &active, 1); /* as if fired */
    act(t, FLEET_HIRE, 7);
    kn_read(t->be, &active, kn_part(t->be, r->state[0], 7), 1);
    ck_assert(active == 1);
    trainer_close(t);
}
END_TEST

START_TEST(a_fleet_is_saved_and_goes_on_bit_by_bit)
{
    struct err e = {0};
    char path[300];
    struct config c = small("topk");
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 5);
    act(t, FLEET_BREAK, 0), act(t, FLEET_FREEZE, 1), act(t, FLEET_RETIRE, 7);
    rig_steps(t, 5);
    snprintf(path, sizeof path, "%s/fleet.safetensors", rig_folder());
    ck_assert_msg(trainer_save(t, path, &e), "%s", e.text);
    struct config none = c;
    none.named = none.knob_named = 0;
    struct trainer *u = trainer_resume(path, &none, &e);
    ck_assert_msg(u != NULL, "%s", e.text);
    ck_assert_mem_eq(&t->config.fleet, &u->config.fleet, sizeof t->config.fleet);
    rig_steps(t, 10), rig_steps(u, 10);
    rig_same_bits(t, u, "a fleet that was saved");
    trainer_close(t), trainer_close(u);
}
END_TEST

SUITE(fleet)
{
    TCase *t = tcase_create("fleet");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_broken_van_gets_no_order_and_stays_as_it_is, 0, STRATEGIES);
    tcase_add_loop_test(t, with_all_vans_broken_tokens_get_none_and_training_lives, 0, STRATEGIES);
    tcase_add_loop_test(t, a_frozen_van_works_and_its_weights_rest, 0, STRATEGIES);
    tcase_add_loop_test(t, a_retired_van_is_forgotten_and_comes_back_fresh, 0, STRATEGIES);
    tcase_add_test(t, a_clone_is_near_and_has_no_moments);
    tcase_add_test(t, dynmoe_neither_fires_nor_hires_a_place_that_is_off);
    tcase_add_test(t, a_fleet_is_saved_and_goes_on_bit_by_bit);
    suite_add_tcase(suite, t);
}
