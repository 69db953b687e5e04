/* kernels/cuda/ranges.c - Names the parts of a step for a profiler, as NVTX ranges on its time line.
 * NVTX is a header of the CUDA toolkit: it looks for a profiler once, and where there is none a range
 * is the look at a pointer. Without the header there are no ranges; nor in a step that is written down to
 * be done later, which VANPOOL_CUDA_GRAPH=off forbids. */
#include "kernels/cuda/cuda.h"

#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>

void cuda_mark(struct kn_backend *be, const char *name)
{
    struct cuda *c = (struct cuda *)be;
    if (c->writing || c->range == name) return;
    if (c->range) nvtxRangePop();
    if (name) nvtxRangePushA(name);
    c->range = name;
}
#else
void cuda_mark(struct kn_backend *be, const char *name)
{
    (void)be, (void)name;
}
#endif
