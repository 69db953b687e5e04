#ifndef CORE_METRICS_SNAP_GPU_H
#define CORE_METRICS_SNAP_GPU_H
/* What a GPU says of itself while somebody looks: of the whole device, whoever else uses it. NaN:
 * not known. */
#include <math.h>

struct snap_gpu {
    double watts, celsius, megahertz; /* now; the clock of its multiprocessors */
    double used, total;               /* bytes of its memory */
    double joules; /* of a trained token: power over the time in steps, which are timed op by op */
};
#define SNAP_GPU_UNKNOWN ((struct snap_gpu){NAN, NAN, NAN, NAN, NAN, NAN})
#endif
