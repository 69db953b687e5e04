#ifndef CORE_ROUTER_ROUTE_PLACE_H
#define CORE_ROUTER_ROUTE_PLACE_H
/* Where a refused object is wrong, for "line 3: logits[1] should hold 2 numbers". */
#include <stddef.h>

/* The byte of `json` at which the value begins that the sentence names first; 0 where it names none
 * that is there. */
size_t route_place(const char *json, size_t size, const char *sentence);
#endif
