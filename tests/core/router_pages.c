/* Worked numbers and edge cases of the strategies' pages that stand in no test of their own. */
#include "core/router/route_json.h"
#include "tests/core/router_ask.h"
#include "tests/core/router_rig.h"

#define NULLS                                                                                      \
    "\"strategy\":\"adamoe\",\"logits\":[[2,1,0,-1,1.5,0.5]],\"knobs\":{\"k\":3,\"nulls\":2,"      \
    "\"normalise\":true"
#define ONLY_NULLS                                                                                 \
    "\"strategy\":\"adamoe\",\"knobs\":{\"k\":2,\"nulls\":2,\"normalise\":true},"                  \
    "\"logits\":[[0,0,9,8]],\"grad_gates\":[[1,2,3,4]]"
#define EQUAL4                                                                                     \
    "\"strategy\":\"unimoe\",\"knobs\":{\"p\":0.75,\"shared\":0,\"gates\":\"released\"},"          \
    "\"logits\":[[0,0,0,0,0]]"
#define NEIGHBOURS                                                                                 \
    "\"strategy\":\"blockffn\",\"logits\":[[0.8,-0.3,0.6,0],[0.3,-1,-1,0.4]],"                     \
    "\"grad_losses\":{\"locality\":1},\"knobs\":{\"sharpness\":5}"
#define ORTHONORMAL                                                                                \
    "\"strategy\":\"dynmoe\",\"x\":[[1,2]],\"params\":{\"w\":[[1,0],[0,1]]},"                      \
    "\"grad_losses\":{\"diversity\":1}"
#define NO_LENGTH                                                                                  \
    "\"strategy\":\"dynmoe\",\"training\":true,\"grad_gates\":[[1,1]],"                            \
    "\"grad_losses\":{\"diversity\":1,\"simplicity\":1}"
#define ORPHANS                                                                                    \
    "\"strategy\":\"dynmoe\",\"training\":true,\"knobs\":{\"period\":20},"                         \
    "\"x\":[[0,0]],\"params\":{\"w\":[[1,0],[0,1],[-1,0],[1.2,1.6]]},\"state\":{\"clock\":[19],"   \
    "\"active\":[1,0,1,1],\"used\":[1,0,1,1],\"orphan_sum\":[3,4],\"orphans\":[5]}"
#define PLAIN_L1                                                                                   \
    "\"strategy\":\"remoe\",\"knobs\":{\"target\":1},\"training\":true,\"state\":{\"lambda\":"
#define SURE_ZERO                                                                                  \
    "\"strategy\":\"moepp\",\"logits\":[[0,1,2,1000]],\"grad_gates\":[[1,2,3,4]],"                 \
    "\"knobs\":{\"k\":2,\"constants\":0,\"copies\":0,\"zeros\":1,\"gates\":\"released\"}"
#define FLAT                                                                                       \
    "\"strategy\":\"moepp\",\"logits\":[[1,1,1,1]],"                                               \
    "\"knobs\":{\"k\":2,\"constants\":0,\"copies\":1,\"zeros\":1,\"standardise\":1}"
#define NO_ZERO                                                                                    \
    "\"strategy\":\"moepp\",\"logits\":[[0,1,2,3]],"                                               \
    "\"knobs\":{\"k\":2,\"constants\":0,\"copies\":1,\"zeros\":0,\"gates\":\"released\"}"
#define IDENTITIES                                                                                 \
    "\"strategy\":\"longcat\",\"logits\":[[0,0,9,9]],\"grad_gates\":[[0,0,1,0]],"                  \
    "\"knobs\":{\"k\":2,\"copies\":2,\"gamma\":1,\"target\":1,\"groups\":1}"
#define THREE "\"strategy\":\"lossfree\",\"training\":true,\"logits\":[[1,2,3]]"
#define ONE_TOKEN "\"strategy\":\"expertchoice\",\"knobs\":{\"c\":1},\"logits\":[[0,0,0]]"
#define COUNTS                                                                                     \
    "\"strategy\":\"adak\",\"training\":true,\"logits\":[[1,2]],\"grad_losses\":{\"policy\":1},"   \
    "\"rewards\":{\"sampled\":[-2],\"baseline\":[-1]},"

static const struct page {
    const char *in, *path;
    double want;
} pages[] = {
    /* topk: k = E: aux is its constant; a z of 1000 is huge and finite */
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":4},\"logits\":[[1,3,2,0],[0,1,2,3]]}", "losses.aux",
     1},
    {"{\"strategy\":\"topk\",\"knobs\":{\"k\":2},\"logits\":[[1000,0,0]]}", "losses.z", 1e6},
    /* topp: the largest entropy there is */
    {"{\"strategy\":\"topp\",\"logits\":[[1,1,1,1,1,1,1,1]]}", "losses.entropy", 2.079442},
    /* dynmoe: orthonormal rows; vectors without length; nobody fires; whom orphans hire */
    {"{" ORTHONORMAL "}", "losses.diversity", 0},
    {"{" ORTHONORMAL "}", "loss_grad.w.0.1", 0},
    {"{" NO_LENGTH ",\"x\":[[0,0]],\"params\":{\"w\":[[1,0],[0,1]]}}", "scores.0.0", .5},
    {"{" NO_LENGTH ",\"x\":[[0,0]],\"params\":{\"w\":[[1,0],[0,1]]}}", "experts.0", 0},
    {"{" NO_LENGTH ",\"x\":[[0,0]],\"params\":{\"w\":[[1,0],[0,1]]}}", "grad.x.0.1", 0},
    {"{" NO_LENGTH ",\"x\":[[1,2]],\"params\":{\"w\":[[0,0],[0,1]]}}", "mask.0.0", 0},
    {"{" NO_LENGTH ",\"x\":[[1,2]],\"params\":{\"w\":[[0,0],[0,1]]}}", "loss_grad.w.0.0", 0},
    {"{\"strategy\":\"dynmoe\",\"logits\":[[0.1,0.2,0.3,0.4]],\"params\":{\"g\":[-2,-2,-2,-2]}}",
     "gates.0.3", .25},
    {"{\"strategy\":\"dynmoe\",\"training\":true,\"logits\":[[0.1,0.2]],\"params\":{\"g\":[2,2]}}",
     "losses.balance", 0},
    {"{" ORPHANS "}", "state.active.1", 1},
    {"{" ORPHANS "}", "state.hired.0", 1},
    {"{" ORPHANS "}", "state.orphan_sum.0", 0},
    /* remoe: the plain form; lambda at its ends, and at exactly the target */
    {"{\"strategy\":\"remoe\",\"knobs\":{\"target\":1,\"balanced\":0},"
     "\"logits\":[[0.8,-0.3,0,1.2],[0.5,0.4,-1,-2]]}",
     "losses.l1", 1.45},
    {"{" PLAIN_L1 "[1e-8]},\"logits\":[[1,-1,-1,-1,-1,-1,-1,-1]]}", "state.lambda.0", 1e-8 / 1.2},
    {"{" PLAIN_L1 "[1.1e-12]},\"logits\":[[-1,-1,-1,-1]]}", "state.lambda.0", 1e-12},
    {"{" PLAIN_L1 "[90]},\"logits\":[[1,1,1,1]]}", "state.lambda.0", 100},
    {"{\"strategy\":\"remoe\",\"logits\":[[-1,-2],[0,-3]]}", "losses.l1", 0},
    /* blockffn: both neighbours are moved; one token has none; chunks that nobody needs, and one
     * expert alone */
    {"{" NEIGHBOURS "}", "loss_grad.logits.0.2", 1.182352},
    {"{" NEIGHBOURS "}", "loss_grad.logits.1.0", -.745732},
    {"{\"strategy\":\"blockffn\",\"logits\":[[3,-2]]}", "losses.locality", 0},
    {"{\"strategy\":\"blockffn\",\"knobs\":{\"length\":2},\"logits\":[[-1,-2],[0,-3]]}",
     "losses.chunk", -2.00001e-5},
    {"{\"strategy\":\"blockffn\",\"knobs\":{\"length\":2},\"logits\":[[-1,-2],[0,-3]]}",
     "gates.0.0", 0},
    {"{\"strategy\":\"blockffn\",\"knobs\":{\"length\":2},\"logits\":[[3,-2],[5,-3]]}", "gates.1.0",
     1.414213},
    /* adamoe: nulls balanced each for itself; nothing but nulls */
    {"{" NULLS ",\"averaged\":0}}", "losses.aux", 4.971942},
    {"{" ONLY_NULLS "}", "experts.0", 0},
    {"{" ONLY_NULLS "}", "gates.0.2", 0},
    {"{" ONLY_NULLS "}", "grad.logits.0.3", 0},
    {"{" ONLY_NULLS "}", "metrics.router_blind_tokens", 1},
    /* moepp: sure of zero; no spread to standardise by; the last column is no zero */
    {"{" SURE_ZERO "}", "gates.0.2", 1},
    {"{" SURE_ZERO "}", "gates.0.3", 0},
    {"{" SURE_ZERO "}", "grad.logits.0.2", 0},
    {"{" FLAT "}", "gates.0.1", .25},
    {"{" NO_ZERO "}", "gates.0.3", .731059},
    /* longcat: identities alone still teach the router */
    {"{" IDENTITIES "}", "experts.0", 0},
    {"{" IDENTITIES "}", "gates.0.3", .499938},
    {"{" IDENTITIES "}", "grad.logits.0.3", -.249938},
    /* unimoe: equal picks of the shipped code; p at its ends */
    {"{" EQUAL4 "}", "gates.0.0", .155844},
    {"{" EQUAL4 "}", "gates.0.1", .194805},
    {"{" EQUAL4 "}", "gates.0.3", .389610},
    /* lossfree: k = E has no error; one renormalised pick teaches nothing */
    {"{" THREE ",\"knobs\":{\"k\":3}}", "state.bias.2", 0},
    {"{" THREE ",\"knobs\":{\"k\":1},\"grad_gates\":[[1,2,3]]}", "grad.logits.0.2", 0},
    {"{" THREE ",\"knobs\":{\"k\":1,\"smooth\":0.9,\"rule\":\"proportional\"}}", "state.bias.2",
     -.02},
    /* expertchoice: one token is taken by all; room for more than there are */
    {"{" ONE_TOKEN "}", "experts.0", 3},
    {"{\"strategy\":\"expertchoice\",\"knobs\":{\"c\":2},\"logits\":[[1,2],[3,2]]}", "experts.1",
     2},
    {"{\"strategy\":\"expertchoice\",\"knobs\":{\"c\":2},\"logits\":[[1,2],[3,2],[0,0],[0,0]],"
     "\"valid\":[1,0,1,0]}",
     "experts.1", 0},
    /* adak: probabilities of old that are gone, and new ones that are */
    {"{" COUNTS "\"allocator_logits\":[[0,3000]],\"counts\":[1],\"old_log_prob\":[-3000]}",
     "losses.policy", .8},
    {"{" COUNTS "\"allocator_logits\":[[0,0]],\"counts\":[2],\"old_log_prob\":[-700]}",
     "losses.policy", 485165195.40979},
    {"{\"strategy\":\"adak\",\"logits\":[[1]],\"allocator_logits\":[[3]]}", "experts.0", 1},
};
enum { PAGES = sizeof pages / sizeof *pages };

START_TEST(a_page_says_what_comes_out)
{
    const struct page *x = &pages[_i % PAGES];
    const char *backend = rig_backends[_i / PAGES];
    json_t *answer = ask_well(backend, x->in);
    const json_t *value = answer_at(answer, x->path);
    ck_assert_msg(json_is_number(value), "no number at %s for %s", x->path, x->in);
    NEAR(json_number_value(value), x->want, 1e-6, 2e-6, "%s of %s on %s", x->path, x->in, backend);
    json_decref(answer);
}
END_TEST

SUITE(router_pages)
{
    TCase *t = tcase_create("pages");
    tcase_add_loop_test(t, a_page_says_what_comes_out, 0, PAGES * RIG_BACKENDS);
    suite_add_tcase(suite, t);
}
