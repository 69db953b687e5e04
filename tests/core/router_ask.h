#ifndef TESTS_CORE_ROUTER_ASK_H
#define TESTS_CORE_ROUTER_ASK_H
/* One object through `route`, and what stands where in the answer. */
#include "core/base/err.h"
#include <jansson.h>

/* The answer, one line of valid JSON; NULL: refused, and e says why. */
json_t *ask(const char *backend, const char *in, struct err *e);
json_t *ask_well(const char *backend, const char *in); /* it must not be refused */
/* What stands at a path such as "grad.w.0.1". */
const json_t *answer_at(const json_t *from, const char *path);
#endif
