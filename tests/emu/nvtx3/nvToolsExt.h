#ifndef TESTS_EMU_NVTX3_NVTOOLSEXT_H
#define TESTS_EMU_NVTX3_NVTOOLSEXT_H
/* The part of NVTX that is in use. Ranges are written, a line each, to the file that
 * VANPOOL_EMU_NVTX names, as a profiler would see them: "+NAME" begins one, "-" ends the newest. */
#ifdef __cplusplus
extern "C" {
#endif
int nvtxRangePushA(const char *name);
int nvtxRangePop(void);
#ifdef __cplusplus
}
#endif
#endif
