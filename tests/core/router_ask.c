/* One object through `route`. */
#include "tests/core/router_ask.h"
#include "core/router/route_json.h"
#include "tests/core/router_rig.h"

json_t *ask(const char *backend, const char *in, struct err *e)
{
    struct kn_backend *be = rig_backend(backend);
    struct text out = {0};
    json_t *answer = NULL;
    if (route_json(in, strlen(in), be, &out, NULL, e)) {
        json_error_t why;
        answer = json_loadb(out.at, out.size, JSON_REJECT_DUPLICATES, &why);
        ck_assert_msg(answer != NULL, "%s in %s", why.text, out.at);
        ck_assert_ptr_null(strchr(out.at, '\n'));
    } else {
        ck_assert_uint_eq(out.size, 0);
    }
    text_free(&out);
    kn_close(be);
    return answer;
}

json_t *ask_well(const char *backend, const char *in)
{
    struct err e = {0};
    json_t *answer = ask(backend, in, &e);
    if (!answer) ck_abort_msg("%s: %s", in, e.text);
    return answer;
}

const json_t *answer_at(const json_t *from, const char *path)
{
    char words[96], *save = NULL;
    snprintf(words, sizeof words, "%s", path);
    for (char *w = strtok_r(words, ".", &save); w; w = strtok_r(NULL, ".", &save))
        from = json_is_array(from) ? json_array_get(from, strtoul(w, NULL, 10))
                                   : json_object_get(from, w);
    return from;
}
