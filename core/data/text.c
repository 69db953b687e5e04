/* core/data/text.c - Any file as bytes: read a byte, predict the next one (vocabulary 256).
 *
 * Split: the last tenth of each file is held out (at least HELD_OUT bytes, at most a quarter of the
 * file), the rest is trained on; the parts of several files are joined in the order given, and a
 * sequence may run over such a joint.
 * Training sequences start at random bytes of the training part. Validation walks the held-out part
 * once, in order: every byte but its first is predicted exactly once.
 * Files up to 64 MB are copied into memory and cannot change any more. Larger ones stay on disk and
 * are read piece by piece: what is gone because another program cut the file has no label (-1) and
 * teaches nothing. */
#include "core/base/io.h"
#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/data/sign.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 512, HELD_OUT = 257, FILES = 4096 };

struct part {
    struct io_map map;
    size_t from;  /* where the file starts in the corpus: all files, one behind the other */
    size_t train; /* its bytes that are trained on; the rest is held out */
};

struct corpus {
    struct dataset base;
    size_t size[2]; /* bytes of each split */
    int files;
    struct part file[];
};

/* Copies bytes of a split from byte `at` on, at most n and from one file; returns how many (0: the
 * end, or the file was cut). *id: corpus position of the first. */
static size_t read_some(const struct corpus *c, enum data_split split, size_t at, uint8_t *to,
                        size_t n, int64_t *id)
{
    for (int i = 0; i < c->files; i++) {
        const struct part *f = &c->file[i];
        size_t first = split == DATA_TRAIN ? 0 : f->train;
        size_t length = split == DATA_TRAIN ? f->train : f->map.size - f->train;
        if (at < length) {
            *id = (int64_t)(f->from + first + at);
            return io_map_read(&f->map, first + at, to, length - at < n ? length - at : n);
        }
        at -= length;
    }
    return 0;
}

/* n tokens from byte `at` of a split on, each with the byte behind it as its label; what is missing
 * has none. */
static void fill_sequence(const struct corpus *c, enum data_split split, size_t at, int32_t *ids,
                          int32_t *label, int64_t *id, int n)
{
    uint8_t bytes[1024];
    int64_t first = -1;
    memset(ids, 0, (size_t)n * sizeof *ids);
    memset(label, -1, (size_t)n * sizeof *label);
    memset(id, -1, (size_t)n * sizeof *id);
    for (int i = 0; i <= n;) {
        size_t want = (size_t)(n + 1 - i) < sizeof bytes ? (size_t)(n + 1 - i) : sizeof bytes;
        int got = (int)read_some(c, split, at + (size_t)i, bytes, want, &first);
        if (got == 0) break;
        for (int k = 0; k < got; k++, i++) {
            if (i < n) ids[i] = bytes[k], id[i] = first + k;
            if (i > 0) label[i - 1] = bytes[k];
        }
    }
}

static size_t random_below(struct rng *r, size_t n)
{
    uint64_t high = rng_u32(r), bits = high << 32 | rng_u32(r);
    return (size_t)(((unsigned __int128)bits * n) >> 64);
}

static void text_fill(const struct dataset *d, uint64_t seed, enum data_split split, int64_t index,
                      struct batch *b)
{
    const struct corpus *c = (const struct corpus *)d;
    size_t n = (size_t)b->context, size = c->size[split];
    for (int s = 0; s < b->sequences; s++) {
        uint64_t number = (uint64_t)index * (uint64_t)b->sequences + (uint64_t)s;
        struct rng r = rng_at(seed, RNG_TRAIN, (uint32_t)number);
        r.counter[2] = (uint32_t)(number >> 32);
        size_t at = split == DATA_VAL ? (number < size / n + 1 ? number * n : size)
                                      : random_below(&r, size > n ? size - n : 1);
        size_t row = (size_t)s * n;
        fill_sequence(c, split, at, b->ids + row, b->label + row, b->id + row, b->context);
    }
    memset(b->need, -1, (size_t)b->T * sizeof *b->need);
    memset(b->kind, -1, (size_t)b->T * sizeof *b->kind);
}

/* Up to 4 bytes from a token on: from the file where it is known, else from the rest of its row. */
static int look_ahead(const struct corpus *c, const struct batch *b, int token, uint8_t bytes[4])
{
    int64_t id = b->id[token];
    int n = 0, end = token - token % b->context + b->context;
    for (int i = c->files - 1; i >= 0 && id >= 0; i--) {
        if ((size_t)id < c->file[i].from) continue;
        return (int)io_map_read(&c->file[i].map, (size_t)id - c->file[i].from, bytes, 4);
    }
    for (; n < 4 && token + n < end; n++) bytes[n] = (uint8_t)b->ids[token + n];
    return n;
}

static void text_show(const struct dataset *d, const struct batch *b, int token, char *to, int size)
{
    uint8_t bytes[4], here = (uint8_t)b->ids[token];
    int n = look_ahead((const struct corpus *)d, b, token, bytes);
    if (n == 0 || bytes[0] != here) bytes[0] = here, n = 1; /* the file has changed */
    sign_show(bytes, n, to, size);
}

/* FNV-1a, 64 bits, over each file's size and all of it up to 1 MB, else 64 pieces of 16 KB spread
 * evenly. */
static uint64_t fingerprint(const struct corpus *c)
{
    enum { PIECES = 64, PIECE = 16 << 10 };
    static const uint64_t prime = 0x100000001b3;
    uint64_t hash = 0xcbf29ce484222325;
    uint8_t bytes[PIECE];
    for (int i = 0; i < c->files; i++) {
        size_t size = c->file[i].map.size;
        bool all = size <= (size_t)PIECES * PIECE;
        for (int k = 0; k < 8; k++) hash = (hash ^ (size >> (8 * k) & 0xff)) * prime;
        for (size_t p = 0; p < PIECES; p++) {
            size_t n = io_map_read(
                &c->file[i].map, all ? p * PIECE : (size - PIECE) * p / (PIECES - 1), bytes, PIECE);
            for (size_t k = 0; k < n; k++) hash = (hash ^ bytes[k]) * prime;
        }
    }
    return hash;
}

/* "text: bible.txt" or "text: bible.txt +2", without control characters, cut between characters. */
static void name_corpus(char label[64], const char *path, int files)
{
    const char *slash = strrchr(path, '/');
    char more[16] = "";
    if (files > 1) snprintf(more, sizeof more, " +%d", files - 1);
    int n = snprintf(label, 64 - strlen(more), "text: %s", slash ? slash + 1 : path);
    if (n > 63 - (int)strlen(more)) {
        n = 63 - (int)strlen(more);
        const char *name = slash ? slash + 1 : path;
        while (n > 6 && (name[n - 6] & 0xc0) == 0x80) n--;
    }
    for (int i = 0; i < n; i++)
        if ((unsigned char)label[i] < 32 || label[i] == 127) label[i] = '?';
    strcpy(label + n, more);
}

static void text_close(struct dataset *d)
{
    struct corpus *c = (struct corpus *)d;
    for (int i = 0; i < c->files; i++) io_map_close(&c->file[i].map);
    free(c);
}

/* Maps one more file and splits it. */
static bool add_file(struct corpus *c, const char *path, struct err *e)
{
    struct part *f = &c->file[c->files];
    if (!io_map_open(&f->map, path, e)) return false;
    c->files++;
    size_t size = f->map.size, floor = size / 4 < HELD_OUT ? size / 4 : HELD_OUT;
    if (size == 0)
        return err_set(e, ERR_INPUT, "%s is empty; give a file with some text in it",
                       io_tail(path));
    f->from = c->size[0] + c->size[1];
    f->train = size - (size / 10 > floor ? size / 10 : floor);
    c->size[DATA_TRAIN] += f->train;
    c->size[DATA_VAL] += size - f->train;
    return true;
}

/* Adds the files of a list, one a line; `list` is cut up. */
static bool add_files(struct corpus *c, char *list, struct err *e)
{
    char *rest = list, *path;
    const char *first = NULL;
    while ((path = strsep(&rest, "\n"))) {
        if (!*path) continue;
        if (!first) first = path;
        if (!add_file(c, path, e)) return false;
    }
    if (!first) return err_set(e, ERR_USAGE, "text needs a file: text:FILE");
    name_corpus(c->base.label, first, c->files);
    size_t all = c->size[0] + c->size[1];
    if (all < LEAST)
        return err_set(e, ERR_INPUT,
                       "%s has only %zu bytes%s; training needs at least %d, better 100,000",
                       io_tail(first), all, c->files > 1 ? " with the others" : "", LEAST);
    if (c->size[DATA_VAL] < 2)
        return err_set(
            e, ERR_INPUT,
            "%s and the others are too small to hold a part of each out; join them in one file",
            io_tail(first));
    return true;
}

static struct dataset *text_open(const struct dataset_type *type, const char *argument,
                                 uint64_t seed, struct err *e)
{
    (void)seed; /* nothing is drawn at open */
    int lines = 1;
    for (const char *at = argument; at && *at; at++) lines += *at == '\n';
    if (lines > FILES) {
        err_set(e, ERR_USAGE, "%d files are too many for one text; %d are possible: join some",
                lines, FILES);
        return NULL;
    }
    char *list = strdup(argument ? argument : "");
    struct corpus *c = calloc(1, sizeof *c + (size_t)lines * sizeof c->file[0]);
    bool ok = list && c ? add_files(c, list, e)
                        : err_set(e, ERR_MEMORY, "not enough memory to list the text files");
    free(list);
    if (!ok) {
        if (c) text_close(&c->base);
        return NULL;
    }
    struct dataset *d = &c->base;
    d->type = type;
    d->shape = (struct data_shape){.text = true, .input = 256, .items = 1, .classes = 256};
    d->shape.positions = c->size[DATA_TRAIN] < INT_MAX ? (int)c->size[DATA_TRAIN] : INT_MAX;
    d->fingerprint = fingerprint(c);
    d->val_tokens = (double)c->size[DATA_VAL] - 1;
    d->close = text_close, d->fill = text_fill, d->show = text_show;
    return d;
}

const struct dataset_type dataset_type_text = {
    .name = "text",
    .title = "Text",
    .help = "text:FILE, any file as bytes: read a byte, predict the next; how many experts a byte "
            "needs is not known",
    .steps = 2000,
    .lr_default = 3e-3,
    .starts = {{"topp", "entropy", .01},
               {"topp", "aux", .1},
               {"dynmoe", "count_price", .003},
               {"adak", "entropy_price", .01},
               {"adak", "lambda", .03},
               {"adamoe", "entropy_price", .01},
               {"moepp", "entropy_price", .01},
               {"unimoe", "entropy_price", .01}},
    .open = text_open,
};

static void blank_fill(const struct dataset *d, uint64_t seed, enum data_split split, int64_t index,
                       struct batch *b)
{
    size_t T = (size_t)b->T;
    (void)d, (void)seed, (void)split, (void)index;
    memset(b->ids, 0, T * sizeof *b->ids);
    memset(b->label, -1, T * sizeof *b->label);
    memset(b->need, -1, T * sizeof *b->need);
    memset(b->kind, -1, T * sizeof *b->kind);
    memset(b->id, -1, T * sizeof *b->id);
}

struct dataset *dataset_blank_text(struct err *e)
{
    struct corpus *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(e, ERR_MEMORY, "not enough memory for an empty text");
        return NULL;
    }
    c->base = (struct dataset){.type = &dataset_type_text,
                               .label = "text",
                               .shape = {.text = true, .input = 256, .items = 1, .classes = 256},
                               .close = text_close,
                               .fill = blank_fill,
                               .show = text_show};
    return &c->base;
}
