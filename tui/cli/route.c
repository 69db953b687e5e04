/* tui/cli/route.c - `route`: one JSON object, or one a line, from a file or stdin through the
 * strategies' own code. */
#include "core/router/route_json.h"
#include "kernels/backend.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECT_MOST = 256 << 20, BLOCK = 65536 };

/* Objects follow each other, on one line each or on many, and each is answered when it is there:
 * whoever writes one may wait for its answer before the next. */
struct input {
    int fd;
    const char *name;
    struct text waiting; /* what is not answered yet */
    size_t seen;         /* of it, how far the object at its front was looked through */
    int depth;           /* of brackets there */
    bool string;         /* there, too: in one */
    bool ended;
    long line, byte; /* where the front is: from 1, and from 0 */
};

static bool read_more(struct input *in, struct err *e)
{
    char block[BLOCK];
    ssize_t n = read(in->fd, block, sizeof block);
    if (n < 0 && errno == EINTR) return true;
    if (n < 0) return err_set(e, ERR_FILE, "cannot read %s: %s", in->name, strerror(errno));
    in->ended = n == 0;
    text_put(&in->waiting, block, (size_t)n);
    if (in->waiting.failed) return err_set(e, ERR_MEMORY, "out of memory for the input");
    if (in->waiting.size > OBJECT_MOST + (size_t)BLOCK)
        return err_set(e, ERR_INPUT, "line %ld: an object is larger than 256 MiB", in->line);
    return true;
}

/* The line and the byte in it of byte `at` from the front. */
static void place(const struct input *in, size_t at, long *line, long *byte)
{
    *line = in->line, *byte = in->byte;
    for (size_t i = 0; i < at; i++)
        if (in->waiting.at[i] == '\n')
            ++*line, *byte = 0;
        else
            ++*byte;
}

static void drop(struct input *in, size_t n)
{
    if (n == 0) return;
    place(in, n, &in->line, &in->byte);
    memmove(in->waiting.at, in->waiting.at + n, in->waiting.size - n);
    in->waiting.size -= n;
    in->seen = 0, in->depth = 0, in->string = false;
}

static void drop_blanks(struct input *in)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that some editors put before UTF-8 */
    bool first = in->line == 1 && in->byte == 0;
    if (in->seen > 0) return;
    size_t n = first && in->waiting.size >= 3 && !memcmp(in->waiting.at, mark, 3) ? 3 : 0;
    while (n < in->waiting.size && strchr(" \t\r\n", in->waiting.at[n]) && in->waiting.at[n]) n++;
    drop(in, n);
}

/* Where the object at the front ends is found by its braces, strings apart; 0: not yet. What has no
 * end runs to the end of the input, and the parser says why. */
static size_t object_size(struct input *in)
{
    for (; in->seen < in->waiting.size; in->seen++) {
        char c = in->waiting.at[in->seen];
        if (in->string) {
            if (c == '\\')
                in->seen++;
            else if (c == '"' || c == '\n')
                in->string = false;
        } else if (c == '"') {
            in->string = true;
        } else if (c == '{' || c == '[') {
            in->depth++;
        } else if ((c == '}' || c == ']') && --in->depth <= 0) {
            return in->seen + 1;
        } else if (in->depth == 0 && c == '\n') {
            return in->seen + 1;
        }
    }
    return in->ended ? in->waiting.size : 0;
}

static bool answer(struct input *in, size_t n, struct kn_backend *be, struct text *out,
                   struct err *e)
{
    struct err why = {0};
    size_t where;
    long line, byte;
    if (route_json(in->waiting.at, n, be, out, &where, &why)) {
        text_add(out, "\n");
        return out_put(out, e);
    }
    place(in, where < n ? where : n, &line, &byte);
    if (strncmp(why.text, "broken JSON", 11) == 0)
        return err_set(e, why.code, "line %ld, byte %ld: %s", line, byte, why.text);
    return err_set(e, why.code, "line %ld: %s", line, why.text);
}

static bool route_all(struct input *in, struct kn_backend *be, struct err *e)
{
    struct text out = {0};
    bool ok = true;
    long objects = 0;
    while (ok) {
        drop_blanks(in);
        if (in->ended && in->waiting.size == 0) break;
        size_t n = object_size(in);
        if (n == 0) {
            ok = read_more(in, e);
            continue;
        }
        ok = answer(in, n, be, &out, e);
        if (ok) drop(in, n);
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
    const char *path = f->operands.count ? f->operands.at[0] : "-";
    struct input in = {.fd = STDIN_FILENO, .name = "stdin", .line = 1};
    if (strcmp(path, "-") != 0) in.name = path, in.fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = in.fd >= 0 ||
              err_set(e, ERR_FILE, "cannot open %s: %s; is the path right?", path, strerror(errno));
    ok = ok && route_all(&in, be, e);
    if (in.fd > STDIN_FILENO) close(in.fd);
    text_free(&in.waiting);
    kn_close(be);
    return ok;
}
