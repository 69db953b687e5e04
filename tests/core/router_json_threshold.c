/* `route` of dynmoe, lossfree and expertchoice: inputs, outputs, state in and out. */
#include "core/router/route_json.h"
#include "tests/core/router_ask.h"
#include "tests/core/router_rig.h"

#define COSINES "\"strategy\":\"dynmoe\",\"logits\":[[0.6,0.8,-0.6,1]]"
#define X "\"strategy\":\"dynmoe\",\"x\":[[3,4]],\"params\":{\"w\":[[1,0],[0,1],[-1,0],[1.2,1.6]]"
#define ROW4 "\"strategy\":\"lossfree\",\"logits\":[[1,0.5,-0.5,0]]"
#define CHOICE                                                                                     \
    "\"strategy\":\"expertchoice\",\"knobs\":{\"c\":1},\"logits\":[[2,0],[1,0],[0,0],[0,1]]"

static const struct answer {
    const char *in, *path;
    double want;
} answers[] = {
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"params\":{\"g\":[0.7,0.5,0,1.5]}}", "experts.0", 1},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"params\":{\"g\":[0.7,0.5,0,1.5]}}", "chosen.0.0", 1},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"params\":{\"g\":[0.7,0.5,0,1.5]}}", "metrics.theta.3",
     .817574},
    {"{" COSINES ",\"knobs\":{\"tau\":1}}", "scores.0.1", .689974},
    {"{" COSINES ",\"knobs\":{\"tau\":1}}", "gates.0.3", 1 / 3.},
    {"{" COSINES ",\"training\":true,\"params\":{\"g\":[0.9,0.9,0.9,1.2]}}", "experts.0", 0},
    {"{" COSINES ",\"params\":{\"g\":[0.9,0.9,0.9,1.2]}}", "experts.0", 1},
    {"{" COSINES ",\"params\":{\"g\":[0.9,0.9,0.9,1.2]}}", "chosen.0.0", 3},
    {"{" COSINES ",\"state\":{\"active\":[1,1,1,0]},\"params\":{\"g\":[0.9,0.9,0.9,1.2]}}",
     "chosen.0.0", 1},
    {"{" COSINES ",\"knobs\":{\"fleet\":2}}", "metrics.active.2", 0},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"grad_gates\":[[3,0,0,0]]}", "grad.logits.0.0", .228784},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"grad_gates\":[[3,0,0,0]]}", "grad.g.0", -.25},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"grad_gates\":[[0,0,3,0]]}", "grad.logits.0.2", .228784},
    {"{" COSINES
     ",\"knobs\":{\"tau\":1,\"straight_through\":\"firing\"},\"grad_gates\":[[0,0,3,0]]}",
     "grad.logits.0.2", 0},
    {"{" COSINES ",\"knobs\":{\"tau\":1},\"grad_losses\":{\"efficiency\":4}}",
     "loss_grad.logits.0.0", .228784},
    {"{" X "},\"knobs\":{\"tau\":1}}", "losses.diversity", 2.172556},
    {"{" X "},\"knobs\":{\"tau\":1}}", "losses.simplicity", 1.25},
    {"{" X "},\"knobs\":{\"tau\":1}}", "losses.balance", 4},
    {"{" X "},\"knobs\":{\"tau\":1}}", "losses.efficiency", .75},
    {"{" X "},\"knobs\":{\"tau\":1}}", "losses.count", .566689},
    {"{" X ",\"log_tau\":[0.7]},\"knobs\":{\"tau_trained\":true}}", "metrics.tau", 2.013753},
    {"{" X ",\"log_tau\":[0.7]},\"knobs\":{\"tau\":3}}", "metrics.tau", 3},
    {"{" X "},\"grad_losses\":{\"simplicity\":4}}", "loss_grad.w.3.0", .6},
    /* d cos / dx = (w - cos x/5) / 5 of expert 0, times .228784 */
    {"{" X "},\"knobs\":{\"tau\":1},\"grad_gates\":[[3,0,0,0]]}", "grad.x.0.0", .0292844},
    {"{" X "},\"knobs\":{\"tau\":1},\"grad_gates\":[[3,0,0,0]]}", "grad.w.0.1", .183027},
    {"{" X "},\"training\":true,\"state\":{\"clock\":[599],\"used\":[0,1,0,0]}}", "state.active.2",
     0},
    {"{" X "},\"training\":true,\"state\":{\"clock\":[599],\"used\":[0,1,0,0]}}", "state.fired.0",
     1},
    {"{" X "},\"training\":true,\"state\":{\"clock\":[300]}}", "state.used.1", 1},
    {"{" X "},\"training\":true,\"state\":{\"clock\":[200]}}", "state.used.1", 0},
    {"{" X "},\"state\":{\"clock\":[300]}}", "state.clock.0", 300},
    {"{" X ",\"g\":[2,2,2,2]},\"training\":true,\"state\":{\"clock\":[400]}}", "state.orphan_sum.1",
     4},
    {"{" X ",\"g\":[2,2,2,2]},\"training\":true,\"state\":{\"clock\":[400]}}", "state.orphans.0",
     1},
    {"{" ROW4 "}", "gates.0.0", .540117},
    {"{" ROW4 ",\"state\":{\"bias\":[-0.3,0,0.4,0]}}", "chosen.0.0", 2},
    {"{" ROW4 ",\"state\":{\"bias\":[-0.3,0,0.4,0]}}", "gates.0.2", .377541},
    {"{" ROW4 ",\"state\":{\"bias\":[-0.3,0,0.4,0]}}", "scores.0.2", .777541},
    {"{" ROW4 ",\"training\":true,\"knobs\":{\"rate\":0.001}}", "state.bias.0", -.001},
    {"{" ROW4 ",\"training\":true,\"knobs\":{\"rate\":0.001}}", "state.bias.2", .001},
    {"{" ROW4 ",\"knobs\":{\"rate\":0.001}}", "state.bias.0", 0},
    {"{" ROW4 "}", "metrics.maxvio", 1},
    {"{" ROW4 ",\"counts\":[3]}", "experts.0", 3},
    {"{" ROW4 ",\"base\":\"paper\"}", "metrics.gate_sum", 2.5},
    {"{" CHOICE "}", "gates.0.0", .880797},
    {"{" CHOICE "}", "gates.2.1", .5},
    {"{" CHOICE "}", "mask.2.0", 0},
    {"{" CHOICE "}", "metrics.tokens_unchosen", 0},
    {"{\"strategy\":\"expertchoice\",\"knobs\":{\"c\":1},\"logits\":[[0,0],[0,0],[0,0],[0,0]]}",
     "metrics.tokens_unchosen", .5},
};
enum { ANSWERS = sizeof answers / sizeof *answers };

START_TEST(each_question_has_its_answer)
{
    const struct answer *x = &answers[_i % ANSWERS];
    const char *backend = rig_backends[_i / ANSWERS];
    struct err e = {0};
    json_t *answer = ask(backend, x->in, &e);
    if (!answer) ck_abort_msg("%s: %s", x->in, e.text);
    const json_t *value = answer_at(answer, x->path);
    ck_assert_msg(json_is_number(value), "no number at %s for %s", x->path, x->in);
    NEAR(json_number_value(value), x->want, 1e-6, 1e-6, "%s of %s on %s", x->path, x->in, backend);
    json_decref(answer);
}
END_TEST

START_TEST(what_cannot_be_known_is_null)
{
    static const char *const unknown[][2] = {{"{" COSINES "}", "losses.diversity"},
                                             {"{" COSINES "}", "losses.simplicity"},
                                             {"{" CHOICE "}", "metrics.leak"}};
    for (int i = 0; i < 3; i++) {
        json_t *answer = ask("ref", unknown[i][0], NULL);
        ck_assert_ptr_nonnull(answer);
        ck_assert_msg(json_is_null(answer_at(answer, unknown[i][1])), "%s", unknown[i][1]);
        json_decref(answer);
    }
}
END_TEST

static const char *const refusals[][2] = {
    {"{" COSINES ",\"counts\":[2]}", "dynmoe has no order"},
    {"{" CHOICE ",\"counts\":[2,2,2,2]}", "expertchoice has no order"},
    {"{" COSINES ",\"state\":{\"aktive\":[1,1,1,1]}}", "did you mean active?"},
    {"{" COSINES ",\"params\":{\"g\":[1]}}", "g should hold 4 numbers"},
    {"{" COSINES ",\"params\":{\"w\":[[1]]}}", "w is of no use beside logits"},
    {"{" COSINES ",\"knobs\":{\"fleet\":5}}", "fleet is a whole number from 1 to 4"},
    {"{" COSINES ",\"knobs\":{\"straight_through\":\"opne\"}}", "did you mean open?"},
    {"{" ROW4 ",\"state\":{\"bias\":[1,2]}}", "bias should hold 4 numbers"},
    {"{" ROW4 ",\"knobs\":{\"k\":5}}", "k is a whole number from 1 to 4"},
    {"{\"strategy\":\"expertchoice\",\"knobs\":{\"c\":3},\"logits\":[[2,0]]}",
     "c is a number from 0.5 to 2"},
};

START_TEST(each_bad_input_is_refused_with_what_to_try)
{
    struct err e = {0};
    ck_assert_msg(!ask("ref", refusals[_i][0], &e), "%s was taken", refusals[_i][0]);
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_msg(strstr(e.text, refusals[_i][1]), "%s: %s", refusals[_i][0], e.text);
}
END_TEST

SUITE(router_json_threshold)
{
    TCase *t = tcase_create("json");
    tcase_add_loop_test(t, each_question_has_its_answer, 0, ANSWERS * RIG_BACKENDS);
    tcase_add_test(t, what_cannot_be_known_is_null);
    tcase_add_loop_test(t, each_bad_input_is_refused_with_what_to_try, 0,
                        sizeof refusals / sizeof *refusals);
    suite_add_tcase(suite, t);
}
