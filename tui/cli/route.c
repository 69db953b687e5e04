/* tui/cli/route.c - `route`: one JSON object, or one a line, from a file or stdin through the
 * strategies' own code. */
#include "core/router/route_json.h"
#include "kernels/backend.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <jansson.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MOST = 256 << 20 };

static bool read_all(const char *path, struct text *to, struct err *e)
{
    bool named = path && strcmp(path, "-") != 0, ok = true;
    FILE *f = named ? fopen(path, "rb") : stdin;
    char block[65536];
    size_t n;
    if (!f) return err_set(e, ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    while (ok && (n = fread(block, 1, sizeof block, f)) > 0) {
        text_put(to, block, n);
        if (to->failed)
            ok = err_set(e, ERR_MEMORY, "out of memory for the input");
        else if (to->size > INPUT_MOST)
            ok = err_set(e, ERR_INPUT, "the input is larger than 256 MiB");
    }
    if (ok && ferror(f))
        ok = err_set(e, ERR_FILE, "cannot read %s: %s", named ? path : "stdin", strerror(errno));
    if (named) fclose(f);
    return ok;
}

/* The line that byte `at` of `text` is in, from 1. */
static int line_of(const char *text, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    return line;
}

/* Objects follow each other, on one line each or on many: where one ends is found by its braces,
 * strings apart. What has no end runs to the end of the input, and the parser says why. */
static size_t object_size(const char *text, size_t size)
{
    int depth = 0;
    bool string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"' || c == '\n')
                string = false;
        } else if (c == '"') {
            string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth <= 0) {
            return i + 1;
        } else if (depth == 0 && c == '\n') {
            return i + 1;
        }
    }
    return size;
}

static bool route_all(const struct text *in, struct kn_backend *be, struct err *e)
{
    struct text out = {0};
    const char *text = text_str(in);
    bool ok = true;
    int objects = 0;
    for (size_t at = 0; ok;) {
        while (at < in->size && strchr(" \t\r\n", text[at]) && text[at]) at++;
        if (at >= in->size) break;
        size_t n = object_size(text + at, in->size - at);
        struct err why = {0};
        ok = route_json(text + at, n, be, &out, &why);
        if (!ok) err_set(e, why.code, "line %d: %s", line_of(text, at), why.text);
        text_add(&out, "%s", ok ? "\n" : "");
        ok = ok && out_put(&out, e);
        at += n;
        objects++;
    }
    text_free(&out);
    if (ok && objects == 0)
        ok = err_set(e, ERR_INPUT,
                     "the input is empty: route takes a JSON object, as in "
                     "{\"strategy\":\"topk\",\"logits\":[[1,2,3]]}");
    return ok;
}

bool cli_route(const struct flags *f, struct err *e)
{
    struct kn_settings settings = {.threads = f->threads > 0 ? (int)f->threads : 0,
                                   .simd = f->simd};
    char why[200];
    struct kn_backend *be = kn_open(f->backend ? f->backend : "ref", &settings, why, sizeof why);
    if (!be) return err_set(e, ERR_BACKEND, "%s", why);
    struct text in = {0};
    bool ok =
        read_all(f->operands.count ? f->operands.at[0] : NULL, &in, e) && route_all(&in, be, e);
    text_free(&in);
    kn_close(be);
    return ok;
}
