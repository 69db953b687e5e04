/* core/base/json.c - JSON, piece by piece. */
#include "core/base/json.h"

#include <math.h>
#include <string.h>

static void quote(struct text *to, const char *value)
{
    text_add(to, "\"");
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            text_add(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            text_add(to, "\\u%04x", c);
        else
            text_put(to, value, 1);
    }
    text_add(to, "\"");
}

/* Whatever ends in no bracket, colon or line is a value. */
void json_put_key(struct text *to, const char *key)
{
    if (to->size > 0 && !strchr("{[:\n", to->at[to->size - 1])) text_put(to, ",", 1);
    if (!key) return;
    quote(to, key);
    text_put(to, ":", 1);
}

void json_put_open(struct text *to, const char *key, char bracket)
{
    json_put_key(to, key);
    text_put(to, &bracket, 1);
}

void json_put_close(struct text *to, char bracket)
{
    text_put(to, &bracket, 1);
}

void json_put_digits(struct text *to, const char *key, double value, int digits)
{
    json_put_key(to, key);
    if (isfinite(value))
        text_add(to, "%.*g", digits, value + 0.0); /* -0 becomes 0 */
    else
        text_add(to, "null");
}

void json_put_number(struct text *to, const char *key, double value)
{
    bool whole = isfinite(value) && value == floor(value) && fabs(value) < 1e15;
    json_put_digits(to, key, value, whole ? 15 : 7);
}

void json_put_string(struct text *to, const char *key, const char *value)
{
    json_put_key(to, key);
    if (value)
        quote(to, value);
    else
        text_add(to, "null");
}

void json_put_bool(struct text *to, const char *key, bool value)
{
    json_put_key(to, key);
    text_add(to, value ? "true" : "false");
}

void json_put_floats(struct text *to, const char *key, const float *value, int n, int stride)
{
    json_put_open(to, key, '[');
    for (int i = 0; i < n; i++)
        json_put_number(to, NULL, (double)value[(size_t)i * (size_t)stride]);
    json_put_close(to, ']');
}
