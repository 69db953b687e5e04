#ifndef CORE_ROUTER_ROUTE_INPUT_IN_H
#define CORE_ROUTER_ROUTE_INPUT_IN_H
/* For route_input.c and route_arrays.c only. */
#include "core/router/route_input.h"

enum { ROUTE_MOST = 65536 }; /* tokens, and width of x */

#define bad(e, ...) err_set(e, ERR_INPUT, __VA_ARGS__)
/* "what 'word'", with the nearest of `count` names. */
#define unknown(e, what, word, names, count)                                                       \
    bad(e, "%s '%.40s'%s", what, word, ERR_MEANT(word, names, count, ""))

/* The object at `key`; NULL where it is missing. */
bool route_read_object(const json_t *root, const char *key, json_t **to, struct err *e);
#endif
