/* The ref backend itself: host memory, one thread, no shadows and no scratch. */
#include "kernels/ref/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ref_close(struct kn_backend *be)
{
    free(be);
}

static void *ref_alloc(struct kn_backend *be, size_t bytes)
{
    size_t whole = (bytes + 64) / 64 * 64;
    void *at = aligned_alloc(64, whole);
    return at ? memset(at, 0, whole) : NULL;
}

static void ref_free(struct kn_backend *be, void *at)
{
    free(at);
}

static void ref_sync(struct kn_backend *be)
{
}

static bool ref_weight_open(struct kn_backend *be, struct kn_weight *w)
{
    w->shadow = NULL;
    return true;
}

static void ref_weight_close(struct kn_backend *be, struct kn_weight *w)
{
}

static bool ref_plan_open(struct kn_backend *be, struct kn_plan *p)
{
    p->own = NULL;
    return true;
}

static void ref_plan_close(struct kn_backend *be, struct kn_plan *p)
{
}

static const struct kn_table ref_table = {.name = "ref",
                                          .close = ref_close,
                                          .alloc = ref_alloc,
                                          .free = ref_free,
                                          .sync = ref_sync,
                                          .weight_open = ref_weight_open,
                                          .weight_close = ref_weight_close,
                                          .plan_open = ref_plan_open,
                                          .plan_close = ref_plan_close,
                                          .real = sizeof(double),
#define X(name) .name = ref_##name,
                                          KN_OPS(X)
#undef X
};

struct kn_backend *ref_open(const struct kn_settings *s, char *why, size_t size)
{
    struct kn_backend *be = calloc(1, sizeof *be);
    if (!be) {
        snprintf(why, size, "backend ref: out of memory");
        return NULL;
    }
    be->table = &ref_table;
    be->simd = "none";
    be->threads = 1;
    return be;
}
