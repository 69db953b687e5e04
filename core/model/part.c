/* core/model/part.c - What the parts of a step are called where a profiler shows them. */
#include "core/model/part.h"

#include <stddef.h>

const char *const part_names[PART_COUNT] = {
    [PART_REST] = NULL,
    [PART_DENSE] = "dense",
    [PART_ATTENTION] = "attention",
    [PART_ROUTER] = "router",
    [PART_EXPERTS] = "experts",
    [PART_LOSS] = "loss",
    [PART_OPTIMISER] = "optimiser",
};
