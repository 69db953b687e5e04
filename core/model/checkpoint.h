#ifndef CORE_MODEL_CHECKPOINT_H
#define CORE_MODEL_CHECKPOINT_H
/* Named tensors in a file and back: the safetensors format (8 bytes little-endian: length of the
 * header; the header, a JSON object; the numbers). Reading trusts nothing: every length, offset and
 * name is checked before it is used, and a file is taken whole or refused with one sentence
 * (ERR_INPUT). */
#include "core/base/io.h"
#include "core/base/text.h"
#include <stdint.h>

enum {
    CHECKPOINT_HEADER = 1 << 20,
    CHECKPOINT_TENSORS = 4096,
    CHECKPOINT_DIMS = 8,
    CHECKPOINT_NAME = 256
};

struct checkpoint_tensor {
    const char *name;
    const char *dtype; /* "F32", ... */
    int dims;
    int64_t shape[CHECKPOINT_DIMS];
    int64_t numbers;    /* product of the shape; 1 for a scalar */
    size_t first, size; /* its bytes, counted from the start of the file */
};

struct checkpoint {
    struct io_map map;
    char path[128]; /* for sentences */
    int count;
    struct checkpoint_tensor *tensor; /* in the order of their bytes */
    void *header;                     /* the JSON, for checkpoint_meta */
};

/* Opens and checks everything but the numbers. */
bool checkpoint_open(struct checkpoint *c, const char *path, struct err *e);
void checkpoint_close(struct checkpoint *c); /* accepts a zeroed one */
/* of __metadata__; NULL: not there */
const char *checkpoint_meta(const struct checkpoint *c, const char *key);
/* The i-th key and value of __metadata__; NULL past the end. */
const char *checkpoint_meta_at(const struct checkpoint *c, int i, const char **value);
/* NULL: not there */
const struct checkpoint_tensor *checkpoint_find(const struct checkpoint *c, const char *name);
/* Numbers first..first+n-1 of a tensor as doubles (F64, F32, F16, BF16). Refused where one is not
 * finite. */
bool checkpoint_read(const struct checkpoint *c, const struct checkpoint_tensor *t, size_t first,
                     double *to, size_t n, struct err *e);
/* What is in the file, for people or as one JSON object a line. */
bool checkpoint_inspect(const char *path, bool json, struct text *out, struct err *e);

/* Where the settings of two files differ, and how far apart each tensor's numbers are. */
bool checkpoint_diff(const char *a, const char *b, bool json, struct text *out, struct err *e);

/* ---- writing ---- */
/* One tensor to be written: numbers are doubles at `at`, written as F64 where `exact`, else as F32.
 */
struct checkpoint_out {
    const char *name;
    int dims;
    int shape[4];
    const double *at;
    size_t numbers;
};
struct checkpoint_pair {
    const char *key;
    char value[1100];
};
bool checkpoint_save(const char *path, const struct checkpoint_out *tensor, int count,
                     const struct checkpoint_pair *meta, int metas, bool exact, struct err *e);
#endif
