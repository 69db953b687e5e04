/* core/console/listing.c - A table of list.c or of a face: found by its name, written as columns or as
 * JSON. */
#include "core/console/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct listing *listing_find(const char *name, const struct listing *tables,
                                   const struct listing *more, struct err *e)
{
    const struct listing *both[2] = {tables, more};
    const char *names[32];
    struct text all = {0};
    int n = 0;
    for (int b = 0; b < 2; b++)
        for (const struct listing *l = both[b]; l && l->name && n < 32; l++) {
            if (strcmp(l->name, name) == 0) return text_free(&all), l;
            text_add(&all, "%s%s", n ? ", " : ": there are ", l->name);
            names[n++] = l->name;
        }
    err_set(e, ERR_USAGE, "unknown table '%.40s'%s", name,
            ERR_MEANT(name, names, n, text_str(&all)));
    text_free(&all);
    return NULL;
}

static void cell(const json_t *value, char *to, int size)
{
    if (json_is_string(value))
        snprintf(to, (size_t)size, "%s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(to, (size_t)size, "%g", json_number_value(value));
    else
        snprintf(to, (size_t)size, "–");
}

/* Letters, not bytes. */
static int width(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void write_columns(const struct listing *l, struct text *out)
{
    char text[512];
    int widest[5] = {0}, columns = 0;
    json_t *row;
    while (columns < 5 && l->column[columns]) columns++;
    for (int i = 0; (row = l->row(i)); i++, json_decref(row))
        for (int c = 0; c < columns; c++) {
            cell(json_object_get(row, l->column[c]), text, sizeof text);
            widest[c] = width(text) > widest[c] ? width(text) : widest[c];
        }
    for (int i = 0; (row = l->row(i)); i++, json_decref(row)) {
        for (int c = 0; c < columns; c++) {
            cell(json_object_get(row, l->column[c]), text, sizeof text);
            text_add(out, "%s", text);
            if (c + 1 < columns) text_add(out, "%*s", widest[c] - width(text) + 2, "");
        }
        text_add(out, "\n");
    }
}

void listing_write(const struct listing *l, bool json, struct text *out)
{
    json_t *row;
    if (!json) return write_columns(l, out);
    for (int i = 0; (row = l->row(i)); i++) {
        char *line = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(9));
        if (line)
            text_add(out, "%s\n", line);
        else
            out->failed = true;
        free(line);
        json_decref(row);
    }
}
