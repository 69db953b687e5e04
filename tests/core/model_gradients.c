/* The whole model's gradient against central differences in float64, tensor by tensor of the
 * parameter table, with the selection held fast: it is what makes the loss discontinuous. */
#include "tests/core/model_rig.h"

static const struct gradient_case {
    const char *what, *data, *strategy, *words[8];
} cases[] = {
    {"orders, topk", "orders", "topk", {"batch=24", "aux=0.1"}},
    {"orders, topk as Switch, z loss", "orders", "topk", {"batch=24", "renormalise=0", "z=0.01"}},
    {"orders, topk k=1", "orders", "topk", {"batch=24", "k=1", "renormalise=0"}},
    {"orders, topp", "orders", "topp", {"batch=24", "p=0.5"}},
    {"orders, topp not renormalised, temperature",
     "orders",
     "topp",
     {"batch=24", "renormalise=0", "temperature=0.5", "p=0.6"}},
    {"orders, shared experts, three layers",
     "orders",
     "topk",
     {"batch=12", "shared=2", "layers=3"}},
    {"orders, unimoe", "orders", "unimoe", {"batch=24", "p=0.7"}},
    {"orders, unimoe, released gates, two shared experts, jitter",
     "orders",
     "unimoe",
     {"batch=12", "gates=released", "shared=2", "layers=2", "jitter=0.05", "shared_width=1"}},
    {"orders, adak", "orders", "adak", {"batch=24", "k=3", "layers=2"}},
    {"orders, relu experts", "orders", "topp", {"batch=24", "expert=relu"}},
    {"text, topk",
     "text",
     "topk",
     {"batch=2", "context=6", "width=8", "heads=2", "expert-width=5", "experts=4"}},
    {"text, topp, silu experts",
     "text",
     "topp",
     {"batch=2", "context=5", "width=8", "heads=2", "expert-width=3", "experts=4", "expert=silu",
      "shared=1"}},
};
enum { CASES = sizeof cases / sizeof *cases, ENTRIES = 6 };

/* Task loss plus the routers' losses by their coefficients, as the step minimises it. */
static double total_loss(struct model *m)
{
    double loss, value;
    model_forward(m, true);
    model_loss(m, false);
    kn_read(m->be, &loss, m->loss, 1);
    for (int l = 0; l < m->L; l++) {
        struct route *r = &m->layer[l].moe.route;
        route_losses(r);
        for (int i = 0; i < ROUTER_LOSSES && r->router->losses[i].pressure; i++) {
            kn_read(m->be, &value, r->loss[i], 1);
            loss += route_coefficient(r, i) * value / m->L;
        }
    }
    return loss;
}

static void freeze(struct model *m)
{
    for (int l = 0; l < m->L; l++) {
        const struct route *r = &m->layer[l].moe.route;
        int32_t *mask = malloc((size_t)r->T * (size_t)r->N * sizeof *mask);
        kn_read_ints(m->be, mask, r->mask, (size_t)r->T * (size_t)r->N);
        moe_force(&m->layer[l].moe, mask, r->T);
        free(mask);
    }
}

static void nudge(struct model *m, size_t at, double by)
{
    double w;
    kn_read(m->be, &w, kn_part(m->be, m->params.w, at), 1);
    w += by;
    kn_write(m->be, kn_part(m->be, m->params.w, at), &w, 1);
    model_repack(m);
}

static void check_tensor(struct model *m, const struct param *a, const char *what, struct rng *r)
{
    const double eps = 1e-6;
    for (int k = 0; k < ENTRIES; k++) {
        size_t at = a->first + rng_below(r, (uint32_t)a->size);
        double got;
        kn_read(m->be, &got, kn_part(m->be, m->params.g, at), 1);
        nudge(m, at, eps);
        double up = total_loss(m);
        nudge(m, at, -2 * eps);
        double down = total_loss(m);
        nudge(m, at, eps);
        NEAR(got, (up - down) / (2 * eps), 1e-7, 1e-4, "%s, %s [%zu]", what, a->name,
             at - a->first);
    }
}

START_TEST(every_tensor_of_the_table_has_the_gradient_of_the_loss)
{
    const struct gradient_case *x = &cases[_i];
    struct config c =
        rig_config(x->data, x->strategy, "ref", x->words[0], x->words[1], x->words[2], x->words[3],
                   x->words[4], x->words[5], x->words[6], x->words[7], NULL);
    struct trainer *t = model_rig_open(&c);
    struct model *m = t->model;
    rig_steps(t, 3); /* biases and moments away from 0 */
    t->batch.sequences = t->sequences, t->batch.context = t->context,
    t->batch.T = t->sequences * t->context;
    t->data->fill(t->data, 1, DATA_TRAIN, 77, &t->batch);
    model_input(m, &t->batch);
    model_forward(m, true);
    freeze(m);
    model_forward(m, true);
    model_loss(m, true);
    model_backward(m);
    struct rng r = rng_at(5, RNG_SAMPLE, 0);
    int tensors = 0;
    for (int i = 0; i < m->params.count; i++, tensors++)
        check_tensor(m, &m->params.list[i], x->what, &r);
    ck_assert_int_ge(tensors, 10);
    ck_assert(kn_sync(m->be, NULL, NULL));
    trainer_close(t);
}
END_TEST

SUITE(model_gradients)
{
    TCase *t = tcase_create("gradients");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, every_tensor_of_the_table_has_the_gradient_of_the_loss, 0, CASES);
    suite_add_tcase(suite, t);
}
