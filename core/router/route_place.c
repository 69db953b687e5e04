/* core/router/route_place.c - Finds in the text of an object what a sentence of route_input is
 * about: `logits[1][2] is not a number`, `knobs: p is ...`, `there is no key 'x'`. JSON's parser
 * keeps no places. */
#include "core/router/route_place.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct at {
    const char *json;
    size_t i, size;
};

/* Over the string that begins at i. */
static void skip_string(struct at *a)
{
    for (a->i++; a->i < a->size && a->json[a->i] != '"'; a->i++) a->i += a->json[a->i] == '\\';
    a->i++;
}

static void skip_blanks(struct at *a)
{
    while (a->i < a->size && isspace((unsigned char)a->json[a->i])) a->i++;
}

/* From a.i on to the value of the first key of this name, at any depth; false: there is none. */
static bool to_key(struct at *a, const char *name, size_t n)
{
    struct at look = *a;
    while (look.i < look.size) {
        if (look.json[look.i] != '"') {
            look.i++;
            continue;
        }
        size_t first = look.i + 1;
        skip_string(&look);
        bool same = look.i < look.size && look.i == first + n + 1 &&
                    memcmp(look.json + first, name, n) == 0;
        skip_blanks(&look);
        if (!same || look.i >= look.size || look.json[look.i] != ':') continue;
        look.i++;
        skip_blanks(&look);
        return *a = look, true;
    }
    return false;
}

/* From a list to its entry of this number; stays where there is none. */
static void to_entry(struct at *a, long entry)
{
    struct at look = *a;
    if (look.i >= look.size || look.json[look.i] != '[') return;
    int depth = 0;
    for (look.i++; look.i < look.size && depth >= 0; look.i++) {
        skip_blanks(&look);
        if (depth == 0 && entry == 0) {
            *a = look;
            return;
        }
        if (look.i >= look.size) return;
        char c = look.json[look.i];
        if (c == '"') skip_string(&look), look.i--;
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        entry -= c == ',' && depth == 0;
    }
}

static size_t name_length(const char *words)
{
    size_t n = 0;
    while (islower((unsigned char)words[n]) || isdigit((unsigned char)words[n]) || words[n] == '_')
        n++;
    return n;
}

size_t route_place(const char *json, size_t size, const char *sentence)
{
    struct at a = {json, 0, size};
    const char *quoted = strchr(sentence, '\'');
    size_t n = name_length(sentence);
    if (!to_key(&a, sentence, n)) {
        if (quoted) to_key(&a, quoted + 1, strcspn(quoted + 1, "'"));
        return a.i;
    }
    const char *rest = sentence + n;
    while (*rest == '[') {
        char *end;
        to_entry(&a, strtol(rest + 1, &end, 10));
        rest = *end ? end + 1 : end;
    }
    if (strncmp(rest, ": ", 2) != 0) return a.i;
    n = name_length(rest + 2);
    if (quoted && to_key(&a, quoted + 1, strcspn(quoted + 1, "'"))) return a.i;
    to_key(&a, rest + 2, n);
    return a.i;
}
