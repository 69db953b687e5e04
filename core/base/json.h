#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H
/* JSON written into a text, piece by piece. Commas come by themselves: a piece looks at what stands
 * before it. key NULL: an element of a list, or a line of its own. */
#include "core/base/text.h"

void json_put_key(struct text *to, const char *key);
void json_put_open(struct text *to, const char *key, char bracket); /* '{' or '[' */
void json_put_close(struct text *to, char bracket);                 /* '}' or ']' */
/* A number, 7 digits where it is not whole; `digits`: at most so many. null where not finite. */
void json_put_number(struct text *to, const char *key, double value);
void json_put_digits(struct text *to, const char *key, double value, int digits);
void json_put_string(struct text *to, const char *key, const char *value); /* NULL: null */
void json_put_bool(struct text *to, const char *key, bool value);
/* A list of n numbers, `stride` apart. */
void json_put_floats(struct text *to, const char *key, const float *value, int n, int stride);
#endif
