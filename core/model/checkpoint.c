/* core/model/checkpoint.c - safetensors, read with suspicion. Rules: header of at most 1 MiB, 4096
 * tensors, 8 dimensions, names of 256 bytes; no duplicate, overlap, hole or trailing byte; every
 * size is the product of its shape. */
#include "core/model/checkpoint.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct dtype {
    const char *name;
    size_t size;
} dtypes[] = {
    {"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2},    {"I64", 8},
    {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},      {"BOOL", 1},
    {"U16", 2}, {"U32", 4}, {"U64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
};

#define REFUSE(c, ...) return refuse(c, e, __VA_ARGS__)
static bool refuse(const struct checkpoint *c, struct err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(const struct checkpoint *c, struct err *e, const char *format, ...)
{
    char why[180];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return err_set(e, ERR_INPUT, "%s is not a whole safetensors file: %s", c->path, why);
}

/* A name for a sentence: at most 40 bytes of it. */
static const char *brief(const char *name, char *to)
{
    size_t n = strlen(name);
    snprintf(to, 48, "%.*s%s", n > 40 ? 40 : (int)n, name, n > 40 ? "..." : "");
    return to;
}

/* ---- the header ---- */
static bool read_shape(const struct checkpoint *c, struct checkpoint_tensor *t, const json_t *shape,
                       struct err *e)
{
    char at[48];
    if (!json_is_array(shape)) REFUSE(c, "tensor '%s' has no list \"shape\"", brief(t->name, at));
    if (json_array_size(shape) > CHECKPOINT_DIMS)
        REFUSE(c, "tensor '%s' has %zu dimensions; %d is the most", brief(t->name, at),
               json_array_size(shape), CHECKPOINT_DIMS);
    t->dims = (int)json_array_size(shape);
    t->numbers = 1;
    for (int i = 0; i < t->dims; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            REFUSE(c, "dimension %d of tensor '%s' is not a whole number from 0", i + 1,
                   brief(t->name, at));
        t->shape[i] = json_integer_value(size);
        if (__builtin_mul_overflow(t->numbers, t->shape[i], &t->numbers) || t->numbers > (int64_t)1
                                                                                             << 56)
            REFUSE(c, "the shape of tensor '%s' multiplies to more than any file can hold",
                   brief(t->name, at));
    }
    return true;
}

static bool read_offsets(const struct checkpoint *c, struct checkpoint_tensor *t,
                         const json_t *offsets, size_t each, size_t start, struct err *e)
{
    char at[48];
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !json_is_integer(from) ||
        !json_is_integer(to))
        REFUSE(c, "tensor '%s' has no \"data_offsets\" of two whole numbers", brief(t->name, at));
    json_int_t first = json_integer_value(from), end = json_integer_value(to);
    size_t room = c->map.size - start;
    if (first < 0 || end < first)
        REFUSE(c, "the offsets of tensor '%s' run backwards", brief(t->name, at));
    if ((uint64_t)end > room)
        REFUSE(c, "tensor '%s' ends %llu bytes behind the end of the file: it was cut short",
               brief(t->name, at), (unsigned long long)((uint64_t)end - room));
    if ((uint64_t)(end - first) != (uint64_t)t->numbers * each)
        REFUSE(c, "tensor '%s' takes %lld bytes, and its shape %llu", brief(t->name, at),
               (long long)(end - first), (unsigned long long)t->numbers * each);
    t->first = start + (size_t)first, t->size = (size_t)(end - first);
    return true;
}

static bool read_tensor(struct checkpoint *c, const char *name, const json_t *value, size_t start,
                        struct err *e)
{
    struct checkpoint_tensor *t = &c->tensor[c->count];
    char at[48];
    t->name = name;
    size_t length = strlen(name), each = 0;
    if (length == 0 || length > CHECKPOINT_NAME)
        REFUSE(c, "a tensor's name has %zu bytes; 1 to %d are possible", length, CHECKPOINT_NAME);
    for (const char *b = name; *b; b++)
        if ((unsigned char)*b < 0x20 || *b == 0x7f)
            REFUSE(c, "a tensor's name holds a control character");
    if (!json_is_object(value))
        REFUSE(c, "tensor '%s' is not described by an object", brief(name, at));
    if (json_object_size(value) != 3)
        REFUSE(c, "tensor '%s' has %zu entries; dtype, shape and data_offsets are all",
               brief(name, at), json_object_size(value));
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    for (size_t i = 0; dtype && i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, dtype) == 0) t->dtype = dtypes[i].name, each = dtypes[i].size;
    if (!each)
        REFUSE(c, "tensor '%s' is of the unknown type '%.12s'", brief(name, at),
               dtype ? dtype : "(none)");
    if (!read_shape(c, t, json_object_get(value, "shape"), e)) return false;
    if (!read_offsets(c, t, json_object_get(value, "data_offsets"), each, start, e)) return false;
    c->count++;
    return true;
}

static bool read_meta(const struct checkpoint *c, json_t *meta, struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(meta)) REFUSE(c, "its __metadata__ is not an object");
    json_object_foreach(meta, key, value) if (!json_is_string(value))
        REFUSE(c, "__metadata__ entry '%.40s' is not a string", key);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct checkpoint_tensor *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size); /* empty ones first */
}

/* Every byte behind the header belongs to exactly one tensor. */
static bool check_cover(const struct checkpoint *c, size_t start, struct err *e)
{
    char at[48];
    size_t next = start;
    for (int i = 0; i < c->count; next = c->tensor[i].first + c->tensor[i].size, i++) {
        if (c->tensor[i].first < next)
            REFUSE(c, "tensor '%s' overlaps the one before it", brief(c->tensor[i].name, at));
        if (c->tensor[i].first > next)
            REFUSE(c, "%zu bytes before tensor '%s' belong to no tensor", c->tensor[i].first - next,
                   brief(c->tensor[i].name, at));
    }
    if (next < c->map.size)
        REFUSE(c, "%zu bytes at its end belong to no tensor", c->map.size - next);
    return true;
}

static bool read_header(struct checkpoint *c, struct err *e)
{
    unsigned char word[8];
    uint64_t length = 0;
    if (io_map_read(&c->map, 0, word, 8) != 8)
        REFUSE(c, "it has %zu bytes, less than the length of a header", c->map.size);
    for (int i = 7; i >= 0; i--) length = length << 8 | word[i];
    if (length > CHECKPOINT_HEADER)
        REFUSE(c, "its header claims %llu bytes; 1 MiB is the most", (unsigned long long)length);
    if (length > c->map.size - 8)
        REFUSE(c, "its header claims %llu bytes, and the file ends before: it was cut short",
               (unsigned long long)length);
    char *bytes = malloc(length + 1);
    if (!bytes)
        return err_set(e, ERR_MEMORY, "not enough memory to read the header of %s", c->path);
    json_error_t why = {.text = "the file changed while it was read"};
    size_t got = io_map_read(&c->map, 8, bytes, length);
    if (got == length && bytes[0] == '{')
        c->header = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
    else if (got == length)
        snprintf(why.text, sizeof why.text, "it does not start with '{'");
    free(bytes);
    if (!c->header) REFUSE(c, "header, byte %d: %.100s", why.position, why.text);
    if (json_object_size(c->header) > CHECKPOINT_TENSORS + 1)
        REFUSE(c, "it holds %zu tensors; %d are the most", json_object_size(c->header),
               CHECKPOINT_TENSORS);
    c->tensor = calloc(json_object_size(c->header) + 1, sizeof *c->tensor);
    if (!c->tensor) return err_set(e, ERR_MEMORY, "not enough memory to read %s", c->path);
    const char *name;
    json_t *value;
    json_object_foreach(c->header, name, value)
    {
        bool ok = strcmp(name, "__metadata__") == 0 ? read_meta(c, value, e)
                                                    : read_tensor(c, name, value, 8 + length, e);
        if (!ok) return false;
    }
    if (c->count > CHECKPOINT_TENSORS)
        REFUSE(c, "it holds %d tensors; %d are the most", c->count, CHECKPOINT_TENSORS);
    qsort(c->tensor, (size_t)c->count, sizeof *c->tensor, by_place);
    return check_cover(c, 8 + length, e);
}

bool checkpoint_open(struct checkpoint *c, const char *path, struct err *e)
{
    *c = (struct checkpoint){0};
    snprintf(c->path, sizeof c->path, "%s", io_tail(path));
    if (io_map_open(&c->map, path, e) && read_header(c, e)) return true;
    checkpoint_close(c);
    return false;
}

void checkpoint_close(struct checkpoint *c)
{
    json_decref(c->header);
    free(c->tensor);
    if (c->path[0]) io_map_close(&c->map);
    *c = (struct checkpoint){0};
}

const char *checkpoint_meta(const struct checkpoint *c, const char *key)
{
    return json_string_value(json_object_get(json_object_get(c->header, "__metadata__"), key));
}

const char *checkpoint_meta_at(const struct checkpoint *c, int i, const char **value)
{
    json_t *meta = json_object_get(c->header, "__metadata__");
    void *at = json_object_iter(meta);
    while (at && i-- > 0) at = json_object_iter_next(meta, at);
    if (!at) return NULL;
    *value = json_string_value(json_object_iter_value(at));
    return json_object_iter_key(at);
}

const struct checkpoint_tensor *checkpoint_find(const struct checkpoint *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->tensor[i].name, name) == 0) return &c->tensor[i];
    return NULL;
}

/* ---- numbers ---- */
static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                  : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                 : ldexp(fraction, -24);
    return bits >> 15 ? -size : size;
}

static double decode(const char *dtype, const unsigned char *at)
{
    uint16_t two;
    float four;
    double eight;
    if (strcmp(dtype, "F64") == 0) return memcpy(&eight, at, 8), eight;
    if (strcmp(dtype, "F32") == 0) return memcpy(&four, at, 4), four;
    memcpy(&two, at, 2);
    if (strcmp(dtype, "F16") == 0) return half(two);
    uint32_t bits = (uint32_t)two << 16;
    return memcpy(&four, &bits, 4), four;
}

bool checkpoint_read(const struct checkpoint *c, const struct checkpoint_tensor *t, size_t first,
                     double *to, size_t n, struct err *e)
{
    enum { CHUNK = 4096 };
    unsigned char bytes[CHUNK * 8];
    char at[48];
    size_t each = t->dtype[0] == 'B' && t->dtype[1] == 'F' ? 2
                  : strcmp(t->dtype, "F64") == 0           ? 8
                  : strcmp(t->dtype, "F32") == 0           ? 4
                                                           : 2;
    if (strcmp(t->dtype, "F64") && strcmp(t->dtype, "F32") && strcmp(t->dtype, "F16") &&
        strcmp(t->dtype, "BF16"))
        return err_set(e, ERR_INPUT, "%s: tensor '%s' holds %s, not floating-point numbers",
                       c->path, brief(t->name, at), t->dtype);
    if (first > (size_t)t->numbers || n > (size_t)t->numbers - first)
        return err_set(e, ERR_INPUT,
                       "%s: tensor '%s' holds %lld numbers, fewer than the model wants", c->path,
                       brief(t->name, at), (long long)t->numbers);
    for (size_t done = 0; done < n;) {
        size_t now = n - done < CHUNK ? n - done : CHUNK;
        if (io_map_read(&c->map, t->first + (first + done) * each, bytes, now * each) != now * each)
            return err_set(e, ERR_FILE, "%s changed while it was read; try again", c->path);
        for (size_t i = 0; i < now; i++, done++) {
            to[done] = decode(t->dtype, bytes + i * each);
            if (!isfinite(to[done]))
                return err_set(e, ERR_INPUT, "%s: number %zu of tensor '%s' is not finite", c->path,
                               first + done, brief(t->name, at));
        }
    }
    return true;
}

/* ---- writing ---- */
static json_t *describe(const struct checkpoint_out *t, const char *dtype, size_t first,
                        size_t size)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->dims; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype, "shape", shape, "data_offsets",
                     (json_int_t)first, (json_int_t)(first + size));
}

static char *make_header(const struct checkpoint_out *tensor, int count,
                         const struct checkpoint_pair *meta, int metas, bool exact)
{
    json_t *all = json_object(), *pairs = json_object();
    size_t each = exact ? 8 : 4, first = 0;
    for (int i = 0; i < metas; i++) { /* a file name may be no UTF-8, which JSON cannot hold */
        json_t *value = json_string(meta[i].value);
        json_object_set_new(pairs, meta[i].key, value ? value : json_string("text:?"));
    }
    json_object_set_new(all, "__metadata__", pairs);
    for (int i = 0; i < count; first += tensor[i++].numbers * each)
        json_object_set_new(
            all, tensor[i].name,
            describe(&tensor[i], exact ? "F64" : "F32", first, tensor[i].numbers * each));
    bool whole = (int)json_object_size(all) == count + 1 && (int)json_object_size(pairs) == metas;
    char *made = whole ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return made;
}

bool checkpoint_save(const char *path, const struct checkpoint_out *tensor, int count,
                     const struct checkpoint_pair *meta, int metas, bool exact, struct err *e)
{
    static const char blanks[8] = "        ";
    bool ok = false;
    size_t numbers = 0, each = exact ? 8 : 4, done = 0;
    for (int i = 0; i < count; i++) numbers += tensor[i].numbers;
    char *header = make_header(tensor, count, meta, metas, exact);
    unsigned char *data = malloc(numbers * each + 1), word[8];
    if (!header || !data) {
        err_set(e, ERR_MEMORY, "not enough memory to save %s", io_tail(path));
        goto done;
    }
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; k < tensor[i].numbers; k++, done += each) {
            float narrow = (float)tensor[i].at[k];
            if (exact)
                memcpy(data + done, &tensor[i].at[k], 8);
            else
                memcpy(data + done, &narrow, 4);
        }
    }
    size_t length = strlen(header),
           fill = (8 - length % 8) % 8; /* numbers start at a multiple of 8 */
    for (int i = 0; i < 8; i++) word[i] = (unsigned char)((uint64_t)(length + fill) >> 8 * i);
    const struct io_piece pieces[] = {
        {word, 8}, {header, length}, {blanks, fill}, {data, numbers * each}};
    ok = io_save(path, pieces, 4, e);
done:
    free(header);
    free(data);
    return ok;
}
