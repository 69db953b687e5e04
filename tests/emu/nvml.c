/* The driver's library of meters that is not there. VANPOOL_EMU_NVML says how it is today: "refuses"
 * to start, "denies" each question, "garbage" for answers; else it answers, and never twice alike in
 * power: 100 W, 200 W, 300 W and again. NVML_SHORT builds one that has no power and no clock. */
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 999, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

static int is(const char *word)
{
    const char *now = getenv("VANPOOL_EMU_NVML");
    return now && strcmp(now, word) == 0;
}

int nvmlInit_v2(void)
{
    return is("refuses") ? REFUSED : 0;
}

int nvmlShutdown(void)
{
    return 0;
}

/* Only the device at the place that the emulated GPU names. */
int nvmlDeviceGetHandleByPciBusId_v2(const char *place, void **to)
{
    static int device;
    *to = &device;
    return strcmp(place, "0000:41:00.0") == 0 ? 0 : NOT_FOUND;
}

static int answer(unsigned *to, unsigned value)
{
    if (is("denies")) return NOT_SUPPORTED; /* and nothing is written */
    *to = is("garbage") ? 0xdeadbeefu : value;
    return 0;
}

#ifndef NVML_SHORT
int nvmlDeviceGetPowerUsage(void *device, unsigned *to)
{
    static unsigned asked;
    (void)device;
    return answer(to, 100000 * (1 + asked++ % 3));
}

int nvmlDeviceGetClockInfo(void *device, int kind, unsigned *to)
{
    (void)device;
    return answer(to, kind == 1 ? 1980 : 0);
}
#endif

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *to)
{
    (void)device;
    return answer(to, sensor == 0 ? 61 : 0);
}

int nvmlDeviceGetMemoryInfo(void *device, unsigned long long to[3])
{
    (void)device;
    if (is("denies")) return NOT_SUPPORTED;
    to[0] = 80000000000, to[1] = 75000000000, to[2] = is("garbage") ? 90000000000 : 5000000000;
    return 0;
}
