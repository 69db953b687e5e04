/* `route`: what comes out for what goes in, and a sentence for everything that may not go in. */
#include "core/router/route_json.h"
#include "tests/core/router_ask.h"
#include "tests/core/router_rig.h"

#define ROW1 "[1,3,2,0]"
#define ROW2 "[0,0,4,1]"
#define ROW8 "[2.2,0.4,1.6,-0.5,0.9,0.1,-1.2,1.3]"
#define REMOE                                                                                      \
    "{\"strategy\":\"remoe\",\"base\":\"paper\",\"logits\":[[0.8,-0.3,0,1.2],[0.5,0.4,-1,-2]]"
#define BLOCKFFN                                                                                   \
    "{\"strategy\":\"blockffn\",\"knobs\":{\"length\":2,\"sharpness\":5},\"logits\":[[0.8,-0.3,0." \
    "6,"                                                                                           \
    "0],[0.3,-1,-1,0.4]]"
#define X "\"x\":[[1,2],[0,1]],\"params\":{\"w\":[[1,0],[0,1],[0.5,0.5]]}"

#define NEXT                                                                                       \
    "\"strategy\":\"moepp\",\"knobs\":{\"k\":2,\"constants\":0,\"copies\":1,\"zeros\":1},"         \
    "\"x\":[[1,2]],\"prev_logits\":[[1,0,-1]],\"grad_gates\":[[1,1,1]],\"params\":{"               \
    "\"w\":[[1,0],[0,1],[0.5,0.5]],\"w_prev\":[[1,0,0],[0,0,2],[0,0,0]]}"
#define NULLS                                                                                      \
    "\"strategy\":\"adamoe\",\"logits\":[[2,1,0,-1,1.5,0.5]],\"knobs\":{\"k\":3,\"nulls\":2"
#define BIASED                                                                                     \
    "\"strategy\":\"longcat\",\"logits\":[[1,0.5,0,-0.5,0.8,0.2]],\"knobs\":{\"k\":3,\"copies\":"  \
    "2,"                                                                                           \
    "\"gamma\":1,\"mu\":0.3},\"state\":{\"bias\":[0,0,0.2,0,0,0]}"

static const struct answer {
    const char *in, *path;
    double want;
} answers[] = {
    {"{" NULLS ",\"normalise\":true}}", "gates.0.0", .731059},
    {"{" NULLS ",\"normalise\":\"all\"}}", "gates.0.4", .307196},
    {"{" NULLS "}}", "losses.aux", 4.489204},
    {"{" NULLS "}}", "zero_compute.0", 1},
    {"{" NULLS "}}", "experts.0", 2},
    {"{" NULLS "}}", "metrics.null_share", 1 / 3.},
    {"{" NULLS "}}", "metrics.null_target", 1 / 3.},
    {"{" NULLS ",\"normalise\":true}}", "metrics.router_blind_tokens", 0},
    {"{" NULLS "},\"counts\":[3]}", "mask.0.5", 0},
    {"{" NULLS "},\"counts\":[4]}", "mask.0.5", 1},
    {"{" NULLS "},\"grad_losses\":{\"aux\":1},\"base\":\"paper\"}", "loss_grad.logits.0.3",
     -.093804},
    {"{" BIASED "}", "mask.0.2", 1},
    {"{" BIASED "}", "gates.0.2", .106152},
    {"{" BIASED "}", "scores.0.2", .306152},
    {"{" BIASED "}", "state.bias.2", .2},
    {"{" BIASED ",\"training\":true}", "state.bias.2", .2 + .1 * (.5 - 1)},
    {"{" BIASED ",\"training\":true}", "state.bias.1", .05},
    {"{" BIASED ",\"training\":true}", "state.bias.4", 0},
    {"{" BIASED "}", "metrics.reach_least", 1},
    {"{" BIASED "}", "metrics.copy_share", 1 / 3.},
    {"{" NEXT "}", "scores.0.0", .574097},
    {"{" NEXT "}", "grad.w_prev.0.0", .044605},
    {"{" NEXT "}", "grad.prev_logits.0.2", -.143318},
    {"{" NEXT "}", "metrics.max_logit", 2},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2},\"logits\":[" ROW1 "," ROW2 "]}", "losses.aux",
     1.526668},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2},\"training\":true,\"logits\":[" ROW1 "," ROW2 "]}",
     "losses.z", 14.252434},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":1},\"logits\":[" ROW1 "," ROW2 "]}", "losses.aux",
     1.818112},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2},\"logits\":[" ROW1 "," ROW2 "]}", "gates.1.2",
     .952574},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2},\"logits\":[" ROW1 "," ROW2 "]}", "mask.1.3", 1},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "]}", "scores.0.1", .643914},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "]}", "chosen.0.0", 1},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "]}", "chosen.0.1", 2},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "],\"grad_gates\":[[0,1,0,0]]}", "grad.logits.0.1",
     .196612},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1
     "],\"grad_gates\":[[0,1,0,0]],\"knobs\":{\"renormalise\":false}}",
     "grad.logits.0.2", -.152532},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "],\"knobs\":{\"k\":1}}",
     "metrics.router_blind_tokens", 1},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "],\"knobs\":{\"k\":1,\"renormalise\":0}}",
     "metrics.router_blind_tokens", 0},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "],\"counts\":[0]}", "metrics.router_blind_tokens",
     1},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "],\"knobs\":{\"renormalise\":\"off\"}}",
     "metrics.gate_sum", .880797},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "," ROW2 "," ROW1 "],\"valid\":[1,0,1]}",
     "losses.z", 11.834905},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "," ROW2 "],\"valid\":[true,false]}", "experts.1",
     0},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "," ROW2 "],\"counts\":[3,1],\"seed\":7}",
     "experts.0", 3},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "," ROW1
     "],\"training\":true,\"knobs\":{\"capacity\":0.5}}",
     "metrics.dropped_pairs", 2},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "," ROW1
     "],\"knobs\":{\"capacity\":0.5,\"drop\":\"position\"}}",
     "metrics.dropped_pairs", 0},
    {"{\"strategy\":\"topk\",\"logits\":[" ROW1 "]}", "metrics.nonfinite_tokens", 0},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}", "losses.entropy",
     1.687632},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}", "metrics.entropy.0",
     1.687632},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}", "metrics.p_mass.0",
     .747399},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}",
     "metrics.cumulative.0.4", .914750},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}",
     "metrics.cumulative.0.7", 1},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}", "gates.0.7", .207923},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6},\"logits\":[" ROW8 "]}", "zero_compute.0", 0},
    {"{\"strategy\":\"topp\",\"logits\":[" ROW8 "]}", "experts.0", 5},
    {"{\"strategy\":\"topp\",\"base\":\"paper\",\"logits\":[" ROW8 "]}", "experts.0", 2},
    {"{\"strategy\":\"topp\",\"base\":\"paper\",\"logits\":[" ROW8 "]}", "gates.0.0", .382227},
    {"{\"strategy\":\"topp\",\"base\":\"start\",\"logits\":[" ROW8 "],\"counts\":[8]}", "experts.0",
     8},
    /* rows 1 and 2 of x give (1, 2, 1.5) and (0, 1, .5); softmax .186324 .506480 .307196; d entropy
     * / d z_1 = -P_1 (ln P_1 + H) / T */
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6}," X ",\"grad_losses\":{\"entropy\":1}}",
     "loss_grad.w.1.0", -.086082},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6}," X ",\"grad_losses\":{\"entropy\":2}}",
     "loss_grad.w.1.0", -.172164},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6}," X ",\"grad_gates\":[[1,0,0],[0,1,0]]}",
     "grad.x.1.0", -.117502},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6}," X ",\"grad_gates\":[[1,0,0],[0,1,0]]}",
     "grad.w.2.1", -.235004},
    {"{\"strategy\":\"topk\",\"logits\":[[0,2,0,2]],\"counts\":[4]}", "chosen.0.0", 1},
    {"{\"strategy\":\"topk\",\"logits\":[[0,2,0,2]],\"counts\":[4]}", "chosen.0.3", 2},
    {"{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6}," X ",\"grad_losses\":{\"entropy\":1},"
     "\"grad_gates\":[[1,0,0],[0,1,0]]}",
     "loss_grad.w.1.1", -.258245},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2}," X "}", "gates.0.2", .377541},
    {REMOE "}", "losses.l1", 4.2},
    {REMOE ",\"training\":true}", "losses.l1", 4.2},
    {REMOE "}", "state.lambda.0", 1e-8},
    {REMOE ",\"training\":true}", "state.lambda.0", 1.2e-8},
    {REMOE ",\"training\":true,\"state\":{\"lambda\":[0.5]}}", "state.lambda.0", .6},
    {REMOE ",\"state\":{\"lambda\":[0.5]}}", "metrics.lambda", .5},
    {REMOE ",\"training\":true}", "state.course.2", 1},
    {REMOE "}", "metrics.sparsity", .5},
    {REMOE "}", "metrics.sparsity_target", .75},
    {REMOE "}", "experts.1", 2},
    {REMOE "}", "chosen.0.0", 3},
    {REMOE "}", "scores.0.1", 0},
    {REMOE ",\"grad_losses\":{\"l1\":1}}", "loss_grad.logits.1.1", 1},
    {REMOE ",\"grad_gates\":[[1,2,3,4],[1,2,3,4]]}", "grad.logits.0.3", 4},
    {REMOE ",\"grad_gates\":[[1,2,3,4],[1,2,3,4]]}", "grad.logits.0.1", 0},
    {"{\"strategy\":\"remoe\"," X ",\"grad_gates\":[[1,0,0],[0,1,0]]}", "grad.w.1.1", 1},
    {BLOCKFFN "}", "losses.locality", 1.170240},
    {BLOCKFFN "}", "losses.chunk", .438759},
    {BLOCKFFN ",\"documents\":[3,3]}", "losses.locality", 1.170240},
    {BLOCKFFN ",\"documents\":[3,4]}", "losses.locality", 0},
    {BLOCKFFN "}", "metrics.tls", .5},
    {BLOCKFFN "}", "metrics.cls_length", .25},
    {BLOCKFFN "}", "metrics.reuse", .5},
    {BLOCKFFN "}", "metrics.union.1", 0},
    {BLOCKFFN "}", "metrics.union.3", 1},
    {BLOCKFFN "}", "metrics.chunk_weight", .05},
    {BLOCKFFN ",\"params\":{\"scale\":[0,1,1,1]}}", "gates.0.0", 0},
    {BLOCKFFN ",\"training\":true}", "state.window.0", 1},
    {BLOCKFFN ",\"training\":true}", "state.chunk_weight.0", .05},
    {BLOCKFFN ",\"grad_gates\":[[1,0,0,0],[0,0,0,0]]}", "grad.scale.0", 1.599968},
    {BLOCKFFN ",\"valid\":[1,0]}", "losses.locality", 0},
};
enum { ANSWERS = sizeof answers / sizeof *answers };

START_TEST(each_question_has_its_answer)
{
    const struct answer *x = &answers[_i % ANSWERS];
    const char *backend = rig_backends[_i / ANSWERS];
    json_t *answer = ask_well(backend, x->in);
    const json_t *value = answer_at(answer, x->path);
    ck_assert_msg(json_is_number(value), "no number at %s for %s", x->path, x->in);
    NEAR(json_number_value(value), x->want, 1e-6, 1e-6, "%s of %s on %s", x->path, x->in, backend);
    json_decref(answer);
}
END_TEST

START_TEST(what_was_not_asked_or_is_not_known_is_absent_or_null)
{
    json_t *a =
        ask_well("ref", "{\"strategy\":\"topp\",\"logits\":[" ROW1 "," ROW2 "],\"valid\":[0,1]}");
    ck_assert_ptr_null(answer_at(a, "grad"));
    ck_assert_ptr_null(answer_at(a, "loss_grad"));
    ck_assert_ptr_null(answer_at(a, "warning"));
    ck_assert(json_is_null(answer_at(a, "metrics.p_mass.0")) &&
              json_is_null(answer_at(a, "metrics.cumulative.0.3")));
    ck_assert(json_is_number(answer_at(a, "metrics.p_mass.1")));
    ck_assert_uint_eq(json_object_size(answer_at(a, "state")), 0);
    ck_assert_uint_eq(json_array_size(answer_at(a, "chosen.0")), 0);
    json_decref(a);
    a = ask_well("ref", "{\"strategy\":\"topp\",\"logits\":[" ROW1 "],\"valid\":[0]}");
    ck_assert(json_is_null(answer_at(a, "metrics.gate_sum")));
    json_decref(a);
    a = ask_well("ref", "{\"strategy\":\"topk\",\"knobs\":{\"k\":1},\"logits\":[" ROW1 "]}");
    ck_assert_ptr_nonnull(strstr(json_string_value(answer_at(a, "warning")), "aux alone"));
    json_decref(a);
}
END_TEST

static const struct refusal {
    const char *in, *say;
} refusals[] = {
    {"", "broken JSON: "},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]", "in logits"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,NaN]]}", "in logits: invalid token near 'NaN'"},
    {"{\"strategy\":\"topk\",\"x\":[[1,-Infinity]]}", "in x"},
    {"{\"strategy\":\"topk\",\"knobs\":{\"x\":NaN}}", "in knobs"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,1e999]]}", "in logits: real number overflow"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]]} x", "broken JSON"},
    {"{\"strategy\":\"topk\",\"strategy\":\"topp\",\"logits\":[[1,2]]}", "duplicate"},
    {"[1,2]", "not a JSON object"},
    {"{}", "strategy is missing"},
    {"{\"strategy\":3,\"logits\":[[1,2]]}", "strategy is missing"},
    {"{\"strategy\":\"topq\",\"logits\":[[1,2]]}", "did you mean topk?"},
    {"{\"strategy\":\"topk\"}", "either logits, or x and params"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]]," X "}", "either logits, or x and params"},
    {"{\"strategy\":\"topk\",\"logits\":[]}", "logits has no row"},
    {"{\"strategy\":\"topk\",\"logits\":[[]]}", "logits[0] is empty"},
    {"{\"strategy\":\"topk\",\"logits\":7}", "logits is not a list of rows"},
    {"{\"strategy\":\"topk\",\"logits\":[7]}", "logits[0] is not a list"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2],[1]]}", "logits[1] should hold 2 numbers, not 1"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2],[1,2,3]]}",
     "logits[1] should hold 2 numbers, not 3"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2],[1,null]]}", "logits[1][1] is not a number"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2],[1,\"2\"]]}", "logits[1][1] is not a number"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2],7]}", "logits[1] is not a list"},
    {"{\"strategy\":\"topk\",\"logit\":[[1,2]]}", "did you mean logits?"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"prev_logits\":[[1,2]]}",
     "prev_logits is of no use"},
    {"{\"strategy\":\"topk\",\"x\":[[1,2]]}", "x needs params"},
    {"{\"strategy\":\"topk\",\"x\":[[1,2]],\"params\":[]}", "params is not an object"},
    {"{\"strategy\":\"topk\",\"x\":[[1,2]],\"params\":{\"w\":[[1,2,3],[1,2,3]]}}",
     "w[0] should hold 2"},
    {"{\"strategy\":\"topk\",\"x\":[[1,2]],\"params\":{\"w\":[[1,2],[1,2]],\"v\":[1]}}",
     "params: topk has no 'v'"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"params\":{\"w\":[[1]]}}",
     "w is of no use beside logits"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"state\":{\"bias\":[1,2]}}",
     "state: topk has no 'bias'"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":{\"k\":3}}",
     "k is a whole number from 1 to 2"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":{\"k\":[]}}",
     "k is neither a number nor a word"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":{\"renormalize\":1}}",
     "did you mean renormalise?"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":{\"drop\":\"gate\"}}", "gates"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":{\"capacity\":0.1}}", "capacity"},
    {"{\"strategy\":\"topp\",\"logits\":[[1,2]],\"knobs\":{\"p\":1.5}}",
     "p is a number from 0 to 1"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"knobs\":3}", "knobs is not an object"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"base\":\"papier\"}", "base is"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"training\":1}", "training is true or false"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"seed\":-1}", "seed"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"counts\":[1,1]}",
     "counts should hold 1 numbers, not 2"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"counts\":[3]}",
     "counts[0] is 3, which is not from 0 to 2"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"counts\":[-1]}", "counts[0] is -1"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"counts\":[1.5]}",
     "counts[0] is not a whole number"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"counts\":[9223372036854775807]}", "counts[0] is"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"valid\":[2]}", "valid[0] is 2"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"valid\":\"all\"}", "valid is not a list"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"grad_gates\":[[1]]}",
     "grad_gates[0] should hold 2"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"grad_gates\":[]}",
     "grad_gates should hold 1 rows, not 0"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"grad_losses\":{\"auxx\":1}}",
     "did you mean aux?"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"grad_losses\":{\"aux\":\"a\"}}",
     "aux is not a number"},
    {"{\"strategy\":\"topk\",\"logits\":[[1,2]],\"grad_losses\":[1]}",
     "grad_losses is not an object"},
    {"{\"strategy\":\"remoe\",\"logits\":[[1,2]],\"documents\":[1]}", "documents is of no use"},
    {"{\"strategy\":\"remoe\",\"logits\":[[1,2]],\"counts\":[1]}", "remoe has no order"},
    {"{\"strategy\":\"remoe\",\"logits\":[[1,2]],\"knobs\":{\"target\":3}}",
     "target is a number from 0.25 to 2"},
    {"{\"strategy\":\"remoe\",\"logits\":[[1,2]],\"state\":{\"lamda\":[1]}}",
     "did you mean lambda?"},
    {"{\"strategy\":\"blockffn\",\"logits\":[[1,2]],\"documents\":[1,2]}",
     "documents should hold 1 numbers, not 2"},
    {"{\"strategy\":\"blockffn\",\"logits\":[[1,2]],\"documents\":[-1]}", "documents[0] is -1"},
    {"{\"strategy\":\"blockffn\",\"logits\":[[1,2]],\"params\":{\"scale\":[1]}}",
     "scale should hold 2 numbers, not 1"},
    {"{\"strategy\":\"blockffn\",\"logits\":[[1,2]],\"knobs\":{\"norm\":\"rmsnorm\"}}",
     "rms, none, sum"},
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(each_bad_input_is_refused_with_the_key_and_what_to_try)
{
    struct err e = {0};
    json_t *answer = ask("ref", refusals[_i].in, &e);
    ck_assert_msg(!answer, "%s was taken", refusals[_i].in);
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_msg(strstr(e.text, refusals[_i].say), "%s: %s", refusals[_i].in, e.text);
}
END_TEST

START_TEST(numbers_that_float32_cannot_hold_are_refused_there_and_taken_by_ref)
{
    const char *in = "{\"strategy\":\"topk\",\"knobs\":{\"k\":1},\"logits\":[[1,1e60]]}";
    struct err e = {0};
    ck_assert_ptr_null(ask("cpu", in, &e));
    ck_assert_msg(strstr(e.text, "logits[0][1] is 1e+60"), "%s", e.text);
    json_decref(ask_well("ref", in));
}
END_TEST

START_TEST(too_many_columns_are_refused)
{
    struct text in = {0};
    struct err e = {0};
    text_add(&in, "{\"strategy\":\"topk\",\"logits\":[[0");
    for (int i = 1; i < 65; i++) text_add(&in, ",%d", i);
    text_add(&in, "]]}");
    ck_assert_ptr_null(ask("ref", text_str(&in), &e));
    ck_assert_msg(strstr(e.text, "at most 64"), "%s", e.text);
    text_clear(&in);
    text_add(&in, "{\"strategy\":\"topk\",\"logits\":[[0");
    for (int i = 1; i < 200; i++) text_add(&in, ",%d", i);
    text_add(&in, "]]}");
    ck_assert_ptr_null(ask("ref", text_str(&in), &e));
    ck_assert_msg(strstr(e.text, "200 columns"), "%s", e.text);
    text_free(&in);
}
END_TEST

/* Gradients asked for through the JSON itself, by differences: enough digits must come out. */
START_TEST(differences_of_answers_show_the_gradient)
{
    const char *form = "{\"strategy\":\"topp\",\"knobs\":{\"p\":0.7,\"renormalise\":%d},\"logits\":"
                       "[[1,%.9f,2,0.3]],"
                       "\"grad_gates\":[[0.5,-1,2,1]],\"grad_losses\":{\"z\":1}}";
    const double weight[4] = {.5, -1, 2, 1}, eps = 1e-6;
    for (int renormalise = 0; renormalise < 2; renormalise++) {
        double sum[2] = {0}, z[2];
        char in[256];
        for (int side = 0; side < 2; side++) {
            snprintf(in, sizeof in, form, renormalise, 1.7 + (side ? eps : -eps));
            json_t *a = ask_well("ref", in);
            for (int j = 0; j < 4; j++)
                sum[side] +=
                    weight[j] * json_number_value(json_array_get(answer_at(a, "gates.0"), j));
            z[side] = json_number_value(answer_at(a, "losses.z"));
            json_decref(a);
        }
        snprintf(in, sizeof in, form, renormalise, 1.7);
        json_t *a = ask_well("ref", in);
        NEAR(json_number_value(answer_at(a, "grad.logits.0.1")), (sum[1] - sum[0]) / (2 * eps),
             1e-6, 0, "gates");
        NEAR(json_number_value(answer_at(a, "loss_grad.logits.0.1")), (z[1] - z[0]) / (2 * eps),
             1e-6, 0, "z");
        json_decref(a);
    }
}
END_TEST

START_TEST(a_torn_or_spoilt_line_never_crashes)
{
    const char *whole =
        "{\"strategy\":\"topp\",\"knobs\":{\"p\":0.6,\"drop\":\"gates\"},\"training\":true,"
        "\"base\":\"paper\"," X
        ",\"counts\":[1,2],\"valid\":[1,1],\"seed\":7,\"grad_gates\":[[1,0,0],[0,1,0]],"
        "\"grad_losses\":{\"aux\":0.5},\"state\":{}}";
    static const char spoil[] = "\"\\[]{},:0e-.\x80\x01";
    struct kn_backend *be = rig_backend("ref");
    struct text out = {0};
    struct err e = {0};
    size_t n = strlen(whole);
    if (!route_json(whole, n, be, &out, NULL, &e)) ck_abort_msg("%s", e.text);
    for (size_t i = 0; i < n; i++) {
        char *copy = malloc(i + 1); /* its own size, for the sanitizers */
        memcpy(copy, whole, i);
        ck_assert(!route_json(copy, i, be, &out, NULL, &e));
        ck_assert_int_eq(e.code, ERR_INPUT);
        free(copy);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s + 1 < sizeof spoil; s++) {
            char *copy = malloc(n);
            memcpy(copy, whole, n);
            copy[i] = spoil[s];
            text_clear(&out);
            bool ok = route_json(copy, n, be, &out, NULL, &e);
            ck_assert(ok ? out.size > 0 : out.size == 0 && e.code == ERR_INPUT);
            free(copy);
        }
    }
    text_free(&out);
    kn_close(be);
}
END_TEST

SUITE(router_json)
{
    TCase *t = tcase_create("json");
    tcase_add_loop_test(t, each_question_has_its_answer, 0, ANSWERS * RIG_BACKENDS);
    tcase_add_test(t, what_was_not_asked_or_is_not_known_is_absent_or_null);
    tcase_add_loop_test(t, each_bad_input_is_refused_with_the_key_and_what_to_try, 0, REFUSALS);
    tcase_add_test(t, numbers_that_float32_cannot_hold_are_refused_there_and_taken_by_ref);
    tcase_add_test(t, too_many_columns_are_refused);
    tcase_add_test(t, differences_of_answers_show_the_gradient);
    tcase_add_test(t, a_torn_or_spoilt_line_never_crashes);
    suite_add_tcase(suite, t);
}
