#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H
/* What the machine can give at the level that a backend works at, measured now: the yardstick
 * beside which throughput is shown. */
#include "kernels/backend.h"

/* GFLOP/s of fused multiply-adds in registers on `threads` threads (0, or more than the backend
 * has: all of them), best of about 50 ms. NaN where the backend has no such measure (`ref`). */
double kn_peak_gflops(struct kn_backend *be, int threads);
/* GB/s of reading 128 MiB from memory, best of six; threads and NaN as above. */
double kn_bandwidth_gbs(struct kn_backend *be, int threads);
#endif
