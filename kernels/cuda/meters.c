/* kernels/cuda/meters.c - What the driver's own library (NVML) says of the device: power, memory,
 * clock, temperature. It is opened when first asked, and declared here by hand: where it is missing,
 * refuses or says what cannot be, a meter is unknown and nothing else changes. */
#include "kernels/cuda/cuda.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

/* NVML's own names and numbers. A device is a pointer of its own; 0 means that all is well. */
typedef struct nvmlDevice_st *nvmlDevice_t;
struct nvmlMemory_t {
    unsigned long long total, free, used;
};
enum { NVML_TEMPERATURE_GPU = 0, NVML_CLOCK_SM = 1 };

struct cuda_meters {
    void *file;
    bool begun;
    nvmlDevice_t device;
    int (*shutdown)(void);
    /* Each NULL where this driver's library has none. */
    int (*power)(nvmlDevice_t, unsigned *milliwatts);
    int (*memory)(nvmlDevice_t, struct nvmlMemory_t *);
    int (*clock)(nvmlDevice_t, int kind, unsigned *megahertz);
    int (*temperature)(nvmlDevice_t, int sensor, unsigned *celsius);
};

/* A function of the library, as what it is: ISO C has no cast for that. */
#define TAKE(m, to, name) (*(void **)&(to) = dlsym((m)->file, name))

/* The device that is in use, by its place on the bus: NVML counts devices in another order. */
static bool begin(struct cuda_meters *m)
{
    int (*init)(void), (*find)(const char *, nvmlDevice_t *);
    const char *given = getenv("VANPOOL_NVML");
    char place[32];
    m->file = dlopen(given && *given ? given : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!m->file) return false;
    TAKE(m, init, "nvmlInit_v2");
    TAKE(m, find, "nvmlDeviceGetHandleByPciBusId_v2");
    TAKE(m, m->shutdown, "nvmlShutdown");
    TAKE(m, m->power, "nvmlDeviceGetPowerUsage");
    TAKE(m, m->memory, "nvmlDeviceGetMemoryInfo");
    TAKE(m, m->clock, "nvmlDeviceGetClockInfo");
    TAKE(m, m->temperature, "nvmlDeviceGetTemperature");
    if (!init || !find || init() != 0) return false;
    m->begun = true;
    if (cudaDeviceGetPCIBusId(place, sizeof place, 0) == cudaSuccess)
        return find(place, &m->device) == 0;
    cudaGetLastError(); /* or the next launch would be told of it */
    return false;
}

static void end(struct cuda_meters *m)
{
    if (m->begun && m->shutdown) m->shutdown();
    if (m->file) dlclose(m->file);
    free(m);
}

/* x where it can be so, else not known. */
static double within(double x, double least, double most)
{
    return x >= least && x <= most ? x : NAN;
}

static void read_all(struct cuda_meters *m, struct kn_meters *to)
{
    enum { MOST_WATTS = 10000, MOST_MHZ = 10000, MOST_CELSIUS = 150 };
    const double most_bytes = 1e15;
    unsigned milliwatts, megahertz, celsius;
    struct nvmlMemory_t memory;
    if (m->power && m->power(m->device, &milliwatts) == 0)
        to->watts = within(1e-3 * milliwatts, 1e-3, MOST_WATTS);
    if (m->clock && m->clock(m->device, NVML_CLOCK_SM, &megahertz) == 0)
        to->megahertz = within(megahertz, 1, MOST_MHZ);
    if (m->temperature && m->temperature(m->device, NVML_TEMPERATURE_GPU, &celsius) == 0)
        to->celsius = within(celsius, 1, MOST_CELSIUS);
    if (m->memory && m->memory(m->device, &memory) == 0) {
        to->total = within((double)memory.total, 1, most_bytes);
        to->used = within((double)memory.used, 0, to->total);
        if (isnan(to->used)) to->total = NAN; /* a part of the answer is no better than the other */
    }
}

bool cuda_meters(struct kn_backend *be, struct kn_meters *to)
{
    struct cuda *c = (struct cuda *)be;
    if (!c->asked_meters) {
        c->asked_meters = true;
        c->meters = calloc(1, sizeof *c->meters);
        if (c->meters && !begin(c->meters)) cuda_meters_close(c);
    }
    if (!c->meters) return false;
    read_all(c->meters, to);
    return true;
}

void cuda_meters_close(struct cuda *c)
{
    if (c->meters) end(c->meters);
    c->meters = NULL;
}
