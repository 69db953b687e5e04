/* core/model/diff.c - Two checkpoints side by side: settings, and how far apart the numbers are. */
#include "core/model/checkpoint.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { PIECE = 4096 };

struct apart {
    double most, rms, scale; /* largest, root mean square of the difference; the same of a's own */
    bool same;               /* bit by bit */
};

static bool measure(const struct checkpoint *a, const struct checkpoint_tensor *x,
                    const struct checkpoint *b, const struct checkpoint_tensor *y, struct apart *to,
                    struct err *e)
{
    double p[PIECE], q[PIECE], squares = 0, own = 0;
    *to = (struct apart){.same = true};
    for (int64_t at = 0; at < x->numbers; at += PIECE) {
        size_t n = (size_t)(x->numbers - at < PIECE ? x->numbers - at : PIECE);
        if (!checkpoint_read(a, x, (size_t)at, p, n, e) ||
            !checkpoint_read(b, y, (size_t)at, q, n, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            double gap = fabs(p[i] - q[i]);
            to->most = fmax(to->most, gap);
            squares += gap * gap, own += p[i] * p[i];
            to->same = to->same && gap == 0;
        }
    }
    if (x->numbers > 0)
        to->rms = sqrt(squares / (double)x->numbers), to->scale = sqrt(own / (double)x->numbers);
    return true;
}

static bool alike(const struct checkpoint_tensor *x, const struct checkpoint_tensor *y)
{
    bool same = x->dims == y->dims;
    for (int i = 0; same && i < x->dims; i++) same = x->shape[i] == y->shape[i];
    return same;
}

static void put(struct text *out, json_t *line)
{
    char *made = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    text_add(out, "%s\n", made ? made : "{}");
    free(made);
    json_decref(line);
}

static void tell_setting(const char *key, const char *a, const char *b, bool json, struct text *out)
{
    if (json)
        put(out,
            json_pack("{s:s, s:s, s:s?, s:s?}", "type", "setting", "name", key, "a", a, "b", b));
    else
        text_add(out, "%-28s %s | %s\n", key, a ? a : "–", b ? b : "–");
}

static void diff_settings(const struct checkpoint *a, const struct checkpoint *b, bool json,
                          struct text *out)
{
    const char *key, *value;
    for (int i = 0; (key = checkpoint_meta_at(a, i, &value)); i++) {
        const char *other = checkpoint_meta(b, key);
        if (strcmp(key, "wall_s") == 0) continue; /* no two runs take the same time */
        if (!other || strcmp(value, other) != 0) tell_setting(key, value, other, json, out);
    }
    for (int i = 0; (key = checkpoint_meta_at(b, i, &value)); i++)
        if (!checkpoint_meta(a, key)) tell_setting(key, NULL, value, json, out);
}

static void tell_alone(const char *name, const char *why, bool json, struct text *out)
{
    if (json)
        put(out, json_pack("{s:s, s:s, s:s}", "type", "tensor", "name", name, "only", why));
    else
        text_add(out, "%-62s %s\n", name, why);
}

static void tell_apart(const char *name, const struct apart *x, bool json, struct text *out)
{
    double share = x->scale > 0 ? x->rms / x->scale : NAN;
    if (json)
        put(out, json_pack("{s:s, s:s, s:f, s:f, s:o}", "type", "tensor", "name", name,
                           "largest_difference", x->most, "rms_difference", x->rms, "rms_relative",
                           isnan(share) ? json_null() : json_real(share)));
    else if (isnan(share))
        text_add(out, "%-62s at most %.3g apart; a's numbers are all 0\n", name, x->most);
    else
        text_add(out, "%-62s at most %.3g apart, %.3g %% of a's size\n", name, x->most,
                 100 * share);
}

/* What both have, in a's order, then what is b's alone. */
static bool diff_tensors(const struct checkpoint *a, const struct checkpoint *b, bool json,
                         struct text *out, struct err *e)
{
    int differ = 0, same = 0, alone = 0;
    struct apart apart;
    for (int i = 0; i < a->count; i++) {
        const struct checkpoint_tensor *x = &a->tensor[i], *y = checkpoint_find(b, x->name);
        if (!y || !alike(x, y)) {
            tell_alone(x->name, y ? "another shape" : "only in a", json, out);
            alone++;
            continue;
        }
        if (!measure(a, x, b, y, &apart, e)) return false;
        if (apart.same) {
            same++;
            continue;
        }
        differ++;
        tell_apart(x->name, &apart, json, out);
    }
    for (int i = 0; i < b->count; i++)
        if (!checkpoint_find(a, b->tensor[i].name))
            tell_alone(b->tensor[i].name, "only in b", json, out), alone++;
    if (json)
        put(out, json_pack("{s:s, s:s, s:i, s:i, s:i, s:b}", "type", "diff", "what", "checkpoint",
                           "same", same, "differ", differ, "not_comparable", alone, "equal",
                           !differ && !alone));
    else
        text_add(out, "%d tensors are equal bit by bit, %d differ, %d cannot be compared\n", same,
                 differ, alone);
    return true;
}

bool checkpoint_diff(const char *a, const char *b, bool json, struct text *out, struct err *e)
{
    struct checkpoint x = {0}, y = {0};
    bool ok = checkpoint_open(&x, a, e) && checkpoint_open(&y, b, e);
    if (ok) diff_settings(&x, &y, json, out);
    ok = ok && diff_tensors(&x, &y, json, out, e);
    checkpoint_close(&x), checkpoint_close(&y);
    if (ok && out->failed) ok = err_set(e, ERR_MEMORY, "not enough memory to compare %s", a);
    return ok;
}
