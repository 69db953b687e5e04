/* Every backward against central differences on ref: L = sum of output * its gradient. */
#include "tests/kernels/trial.h"

enum { CASES = 200, PROBES = 6 };
static const double step = 1e-6;

static double loss(struct trial *t)
{
    double sum = 0;
    t->op->forward(t);
    for (int i = 0; i < t->n_reals; i++) {
        struct real *r = &t->reals[i];
        for (int k = 0; r->role == OUTPUT && k < r->n; k++) {
            double y;
            kn_read(t->be, &y, kn_part(t->be, r->at, k), 1);
            sum += y * r->host_d[k];
        }
    }
    return sum;
}

static double loss_with(struct trial *t, struct real *r, int i, double value)
{
    trial_reset(t);
    kn_write(t->be, kn_part(t->be, r->at, i), &value, 1);
    return loss(t);
}

static void check_input(struct trial *t, struct real *r, int case_no)
{
    double got[r->n + 1];
    trial_reset(t);
    t->op->forward(t);
    t->op->back(t);
    kn_read(t->be, got, r->d, r->n);
    for (int probe = 0; probe < PROBES && r->n > 0; probe++) {
        int i = rig_below(&t->random, r->n), column = i % r->width;
        bool overwritten = r->from <= column && column < r->to;
        double up = loss_with(t, r, i, r->host[i] + step);
        double down = loss_with(t, r, i, r->host[i] - step);
        NEAR(got[i], (overwritten ? 0 : r->host_d[i]) + (up - down) / (2 * step), 1e-5, 1e-3,
             "%s case %d: gradient of %s[%d]", t->op->name, case_no, r->name, i);
    }
}

START_TEST(every_gradient_matches_finite_differences)
{
    const struct op_trial *op = trial_op(_i);
    struct rig r = rig_open(&variants[0], 1);
    uint64_t random = 1000 + _i;
    for (int n = 0; n < CASES; n++) {
        struct shape s = {.T = 1 + rig_below(&random, 5),
                          .D = 1 + rig_below(&random, 6),
                          .E = 1 + rig_below(&random, 4),
                          .S = rig_below(&random, 4),
                          .H = 1 + rig_below(&random, 5),
                          .V = 2 + rig_below(&random, 5),
                          .B = 1 + rig_below(&random, 2),
                          .C = 1 + rig_below(&random, 4),
                          .heads = 1 + rig_below(&random, 2),
                          .d = 2 + 2 * rig_below(&random, 2),
                          .n = 1 + rig_below(&random, 9)};
        struct trial t = trial_open(op, r.be, s, rig_random(&random));
        for (int i = 0; i < t.n_reals; i++)
            if (t.reals[i].role == INPUT) check_input(&t, &t.reals[i], n);
        trial_close(&t);
    }
    rig_close(&r);
}
END_TEST

SUITE(gradients)
{
    TCase *tc = tcase_create("gradients");
    tcase_set_timeout(tc, 60);
    for (int i = 0; trial_op(i); i++)
        if (trial_op(i)->back)
            tcase_add_loop_test(tc, every_gradient_matches_finite_differences, i, i + 1);
    suite_add_tcase(suite, tc);
}
