#ifndef TESTS_EMU_CUDA_RUNTIME_H
#define TESTS_EMU_CUDA_RUNTIME_H
/* A GPU that is not there: what kernels/cuda uses of CUDA's header of this name, run on the CPU by
 * emu.cpp. With -Itests/emu the .cu files compile with g++ and every kernel can be tested on any
 * machine. It is stricter than a GPU: a shared cell read before it was written, or by two threads
 * with no barrier between, a barrier or a shuffle that some threads miss, an index past the end and
 * host code that copies past the end of device memory end the program and say where. It is not a
 * model of speed, and not of the memory order between blocks. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* ---- the part of the API that is in use; numbers as in CUDA */
typedef enum {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorECCUncorrectable = 214,
    cudaErrorIllegalAddress = 700,
    cudaErrorLaunchFailure = 719,
} cudaError_t;
typedef struct emu_stream *cudaStream_t;
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};
struct cudaDeviceProp {
    char name[256];
    int major, minor, multiProcessorCount;
    size_t totalGlobalMem;
};
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaDriverGetVersion(int *to);
cudaError_t cudaRuntimeGetVersion(int *to);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *to, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetPCIBusId(char *to, int size, int device);
cudaError_t cudaMalloc(void **at, size_t bytes);
cudaError_t cudaFree(void *at);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t *to);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaGetLastError(void);
/* ---- host memory that the device reads, events: all is done when it is asked */
enum { cudaHostAllocMapped = 2, cudaEventDisableTiming = 2 };
typedef struct emu_event *cudaEvent_t;
cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *at);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *to, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
/* ---- graphs: the calls of one stream, kept with copies of their arguments */
#define CUDART_VERSION 13000
typedef struct emu_graph *cudaGraph_t, *cudaGraphExec_t;
typedef struct emu_node *cudaGraphNode_t;
typedef struct cudaGraphEdgeData cudaGraphEdgeData;
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive };
struct cudaKernelNodeParams;
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *to);
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus *status,
                                     unsigned long long *id, cudaGraph_t *graph,
                                     const cudaGraphNode_t **last, const cudaGraphEdgeData **edges,
                                     size_t *n);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *to, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t graph, cudaGraphNode_t node,
                                             const struct cudaKernelNodeParams *params);
/* What was asked of the emulated device so far. */
struct emu_count {
    long launches, waits, mallocs, graph_launches, captures, told; /* told: nodes of a graph */
};
extern struct emu_count emu_count;
const char *cudaGetErrorString(cudaError_t code);
#ifdef __cplusplus
}

/* ---- the language of kernels */
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>
#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
using std::isfinite;

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z)
    {
    }
};

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline float2 make_float2(float x, float y)
{
    return {x, y};
}
#else
struct dim3 {
    unsigned x, y, z;
};
#endif
struct cudaKernelNodeParams {
    void *func;
    struct dim3 gridDim, blockDim;
    unsigned sharedMemBytes;
    void **kernelParams, **extra;
};
#ifdef __cplusplus

inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}

struct emu_thread {
    dim3 index;
    int lane, warp, number;
    unsigned block_syncs, warp_syncs; /* barriers passed so far */
};
extern struct emu_thread *emu_now;
extern dim3 emu_grid, emu_block, emu_at;
extern unsigned emu_block_serial; /* never 0, another for each block that is run */
#define threadIdx (emu_now->index)
#define blockIdx emu_at
#define blockDim emu_block
#define gridDim emu_grid

/* Runs one kernel; `body(job)` is one thread of it. */
void emu_launch(dim3 grid, dim3 block, void (*body)(void *job), void *job);
/* False: the launch fails, and cudaGetLastError says so. */
bool emu_may_run(dim3 grid, dim3 block);
/* While a graph is made, what is asked is kept with copies of its arguments. kernel NULL: of
 * cuBLAS. */
bool emu_keeps();
void emu_keep(const void *kernel, std::function<void(void **with)> run, size_t n, void **with,
              const size_t *size);
[[noreturn]] __attribute__((format(printf, 1, 2))) void emu_wrong(const char *format, ...);

inline void __threadfence_system()
{
}
void __syncthreads();
void __syncwarp(unsigned mask = ~0u);
enum emu_exchange { EMU_SYNC, EMU_INDEX, EMU_XOR, EMU_DOWN, EMU_UP, EMU_BALLOT };
/* What the lane named by `from` brought, when all lanes of the mask have come. */
uint64_t emu_shuffle(emu_exchange kind, unsigned mask, uint64_t mine, int from);

template <class T> T emu_exchanged(emu_exchange kind, unsigned mask, T mine, int from)
{
    uint64_t bits = 0;
    static_assert(sizeof(T) <= sizeof bits);
    memcpy(&bits, &mine, sizeof mine);
    bits = emu_shuffle(kind, mask, bits, from);
    memcpy(&mine, &bits, sizeof mine);
    return mine;
}
template <class T> T __shfl_sync(unsigned mask, T mine, int lane)
{
    return emu_exchanged(EMU_INDEX, mask, mine, lane);
}
template <class T> T __shfl_xor_sync(unsigned mask, T mine, int lane)
{
    return emu_exchanged(EMU_XOR, mask, mine, lane);
}
template <class T> T __shfl_down_sync(unsigned mask, T mine, unsigned by)
{
    return emu_exchanged(EMU_DOWN, mask, mine, (int)by);
}
template <class T> T __shfl_up_sync(unsigned mask, T mine, unsigned by)
{
    return emu_exchanged(EMU_UP, mask, mine, (int)by);
}
/* What a tensor core does with the operands of a warp, see multiply_tiles and multiply_bf16 in kernels/cuda. */
float emu_tf32(float x);
void emu_multiply_tiles(float c[4], const float a[4], const float b[2]);
void emu_multiply_bf16(float c[4], const uint32_t a[4], const uint32_t b[2]);
inline unsigned __ballot_sync(unsigned mask, int yes)
{
    return (unsigned)emu_shuffle(EMU_BALLOT, mask, yes != 0, 0);
}
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __clz(int x)
{
    return x == 0 ? 32 : __builtin_clz((unsigned)x);
}
/* Blocks come one after the other here, so what they write is there. */
inline void __threadfence()
{
}
inline unsigned atomicInc(unsigned *at, unsigned most)
{
    unsigned was = *at;
    *at = was >= most ? 0 : was + 1;
    return was;
}
template <class T> T __ldcg(const T *from)
{
    return *from;
}
inline float rsqrtf(float x)
{
    return 1 / sqrtf(x);
}
inline float __uint_as_float(unsigned bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
inline unsigned __float_as_uint(float x)
{
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* ---- shared memory: every cell knows who wrote and who read it last, and when */
struct emu_visit {
    unsigned block, block_syncs, warp_syncs;
    short thread, warp; /* thread -1: more than one */
};
inline bool emu_apart(const emu_visit &v) /* a visit of this block that no barrier is behind */
{
    if (v.block != emu_block_serial || v.block_syncs != emu_now->block_syncs) return false;
    if (v.thread == emu_now->number) return false;
    return v.warp != emu_now->warp || v.warp_syncs == emu_now->warp_syncs;
}
inline emu_visit emu_visit_now()
{
    return {emu_block_serial, emu_now->block_syncs, emu_now->warp_syncs, (short)emu_now->number,
            (short)emu_now->warp};
}

template <class T> struct emu_cell {
    T value;
    emu_visit written, read;
};
template <class T, size_t N> struct emu_shared {
    struct reference {
        emu_cell<T> &cell;
        const char *name;
        size_t i;
        operator T() const
        {
            if (cell.written.block != emu_block_serial)
                emu_wrong("%s[%zu] is read before it was written", name, i);
            if (emu_apart(cell.written))
                emu_wrong("%s[%zu] is read with no barrier after thread %d wrote it", name, i,
                          cell.written.thread);
            emu_visit now = emu_visit_now();
            if (emu_apart(cell.read)) { /* remember a reader of another warp rather than of this */
                if (cell.read.warp != now.warp) now.warp = -1;
                now.thread = -1;
            }
            cell.read = now;
            return cell.value;
        }
        reference &operator=(T value)
        {
            if (emu_apart(cell.written))
                emu_wrong("%s[%zu] is written by two threads, no barrier between", name, i);
            if (emu_apart(cell.read))
                emu_wrong("%s[%zu] is written with no barrier after another thread read it", name,
                          i);
            cell.written = emu_visit_now();
            cell.value = value;
            return *this;
        }
        reference &operator=(const reference &from)
        {
            return *this = (T)from;
        }
        reference &operator+=(T value)
        {
            return *this = (T) * this + value;
        }
    };
    emu_cell<T> cell[N];
    const char *name;
    reference operator[](size_t i)
    {
        if (i >= N) emu_wrong("%s[%zu] is past its end, %zu", name, i, N);
        return {cell[i], name, i};
    }
};
#define SHARED(type, id, n)                                                                        \
    static emu_shared<type, (n)> id;                                                               \
    id.name = #id

template <class... P> void emu_start(dim3 grid, dim3 block, void (*kernel)(P...), P... p)
{
    auto run = [=](void **with) {
        auto all = [&] {
            [&]<size_t... I>(std::index_sequence<I...>)
            {
                kernel(*(P *)with[I]...);
            }
            (std::index_sequence_for<P...>());
        };
        emu_launch(
            grid, block, [](void *job) { (*static_cast<decltype(all) *>(job))(); }, &all);
    };
    void *with[] = {&p...};
    const size_t size[] = {sizeof(P)...};
    if (emu_keeps())
        emu_keep((const void *)kernel, run, sizeof...(P), with, size);
    else
        run(with);
}
#endif
#endif
