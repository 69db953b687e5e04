/* Asks the backend for its measures. */
#include "kernels/peak.h"

#include "kernels/table.h"

#include <math.h>

double kn_peak_gflops(struct kn_backend *be, int threads)
{
    return be->table->peak ? be->table->peak(be, threads) : NAN;
}

double kn_bandwidth_gbs(struct kn_backend *be, int threads)
{
    return be->table->bandwidth ? be->table->bandwidth(be, threads) : NAN;
}
