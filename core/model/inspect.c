/* core/model/inspect.c - What is in a checkpoint, without a model. */
#include "core/model/checkpoint.h"

#include <jansson.h>

static void tell_text(const struct checkpoint *c, struct text *out)
{
    const char *key, *value;
    char shown[32];
    double numbers = 0;
    for (int i = 0; (key = checkpoint_meta_at(c, i, &value)); i++)
        text_add(out, "%-28s %s\n", key, value);
    for (int i = 0; i < c->count; i++) {
        const struct checkpoint_tensor *t = &c->tensor[i];
        text_add(out, "%-62s %-5s [", t->name, t->dtype);
        for (int k = 0; k < t->dims; k++)
            text_add(out, "%s%lld", k ? ", " : "", (long long)t->shape[k]);
        text_add(out, "]\n");
        numbers += (double)t->numbers;
    }
    text_add(out, "%d tensors, %s numbers, %s bytes\n", c->count, text_count(shown, numbers),
             text_count((char[32]){0}, (double)c->map.size));
}

static void put(struct text *out, json_t *line)
{
    char *made = json_dumps(line, JSON_COMPACT);
    text_add(out, "%s\n", made ? made : "{}");
    free(made);
    json_decref(line);
}

static void tell_json(const struct checkpoint *c, struct text *out)
{
    const char *key, *value;
    json_t *meta = json_object();
    for (int i = 0; (key = checkpoint_meta_at(c, i, &value)); i++)
        json_object_set_new(meta, key, json_string(value));
    put(out, json_pack("{s:s, s:s, s:I, s:i, s:o}", "type", "checkpoint", "file", c->path, "bytes",
                       (json_int_t)c->map.size, "tensors", c->count, "metadata", meta));
    for (int i = 0; i < c->count; i++) {
        const struct checkpoint_tensor *t = &c->tensor[i];
        json_t *shape = json_array();
        for (int k = 0; k < t->dims; k++) json_array_append_new(shape, json_integer(t->shape[k]));
        put(out, json_pack("{s:s, s:s, s:s, s:o}", "type", "tensor", "name", t->name, "dtype",
                           t->dtype, "shape", shape));
    }
}

bool checkpoint_inspect(const char *path, bool json, struct text *out, struct err *e)
{
    struct checkpoint c;
    if (!checkpoint_open(&c, path, e)) return false;
    if (json)
        tell_json(&c, out);
    else
        tell_text(&c, out);
    checkpoint_close(&c);
    return !out->failed || err_set(e, ERR_MEMORY, "not enough memory to list %s", io_tail(path));
}
