/* Where in its text a refused object is wrong. */
#include "core/router/route_place.h"
#include "tests/check.h"

#include <string.h>

static const struct place {
    const char *json, *sentence, *there; /* the text from the place on begins so */
} places[] = {
    {"{\"a\":1,\"logits\":[[1,2],[3]]}", "logits has no row", "[[1,2],[3]]"},
    {"{\"logits\":[[1,2],[3]]}", "logits[1] should hold 2 numbers, not 1", "[3]]"},
    {"{\"logits\":[[1,2],[3,\"x,]\"]]}", "logits[1][1] is not a number", "\"x,]\""},
    {"{\"logits\":[\"a\\\"],[\",[3,4]]}", "logits[1][1] is not a number", "4]]"},
    {"{\"logits\":[{\"a\":[1,2]},[3,4]]}", "logits[1][0] is not a number", "3,4"},
    {"{\"logits\":[[1]]}", "logits[7] is not a number", "[[1]]"},
    {"{\"knobs\":{\"temperature\":1, \"p\" : 7}}", "knobs: p is a number from 0 to 1; 7 is not",
     "7}}"},
    {"{\"knobs\":{\"q\":7}}", "knobs: there is no knob 'q': did you mean p?", "7}}"},
    {"{\"strategy\":\"tokp\"}", "strategy: there is no strategy 'tokp'", "\"tokp\"}"},
    {"{\"params\":{\"w\":[[1,2],[3]]}}", "w[1] should hold 2 numbers, not 1", "[3]]}}"},
    {"{\"x\":1,\"florble\":7}", "there is no key 'florble'", "7}"},
    {"{\"strategies\":\"strategy\"}", "strategy is missing", "{"},
    {"{\"p\":1", "broken JSON: ", "{"},
    {"{\"base", "base is \"start\" or \"paper\"", "{"},
    {"{\"base\"", "base is \"start\" or \"paper\"", "{"},
    {"", "base is", ""},
};

START_TEST(a_sentence_leads_to_the_value_that_it_names)
{
    const struct place *p = &places[_i];
    size_t n = strlen(p->json), at = route_place(p->json, n, p->sentence);
    ck_assert_msg(at <= n && strncmp(p->json + at, p->there, strlen(p->there)) == 0,
                  "'%s' in %s: got byte %zu", p->sentence, p->json, at);
}
END_TEST

START_TEST(a_text_cut_anywhere_is_never_read_behind_its_end)
{
    static const char whole[] = "{\"knobs\":{\"p\\\"\":1},\"logits\":[[1,\"],\"],[3,[4]]]} ";
    static const char *const sentences[] = {"logits[1][1] is", "knobs: p is", "knobs: no 'p'", "",
                                            "[["};
    for (size_t n = 0; n < sizeof whole; n++) {
        char *copy = malloc(n + !n); /* its own size, for the sanitizers */
        memcpy(copy, whole, n);
        for (int s = 0; s < 5; s++) ck_assert_uint_le(route_place(copy, n, sentences[s]), n);
        free(copy);
    }
}
END_TEST

SUITE(router_place)
{
    TCase *t = tcase_create("place");
    tcase_add_loop_test(t, a_sentence_leads_to_the_value_that_it_names, 0,
                        sizeof places / sizeof *places);
    tcase_add_test(t, a_text_cut_anywhere_is_never_read_behind_its_end);
    suite_add_tcase(suite, t);
}
