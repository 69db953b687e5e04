/* The API of the GPU that is not there: device memory, a stream that is never behind, cuBLAS by
 * plain loops, and failures by plan. Device memory ends at a page that cannot be touched, is full of
 * NaN when fresh, and copies are checked against it. VANPOOL_EMU_FAIL=CALL:CODE, read when devices
 * are counted, lets call number CALL and those after it fail with CODE (a code over 1000: calls of
 * cuBLAS only, with status CODE - 1000; code 2 fails once). VANPOOL_EMU_MEMORY=BYTES is all the memory
 * that there is. VANPOOL_EMU_LAG=1: the stream is as far behind as it may be. */
#include "tests/emu/cublas_v2.h"
#include "tests/emu/nvtx3/nvToolsExt.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace
{
struct memory {
    size_t bytes, mapped;
    char *map;
};
std::map<char *, memory> device;
std::mutex lock;
const unsigned char AFTER = 0xa5;

/* ---- failures by plan */
long calls, fail_at;
int fail_code;
bool lags; /* the stream does what is asked as late as it may */
cudaError_t last;
size_t most, taken; /* bytes of device memory */
bool by_hand;       /* emu_fail was called: the plan of the environment is past */
bool launch_failed; /* one launch may fail: whoever starts another does not look at what they say */

void read_plan()
{
    const char *plan = getenv("VANPOOL_EMU_FAIL");
    const char *memory = getenv("VANPOOL_EMU_MEMORY");
    most = memory ? strtoull(memory, nullptr, 10) : (size_t)8 << 30;
    last = cudaSuccess;
    lags = getenv("VANPOOL_EMU_LAG");
    if (by_hand) return;
    calls = 0;
    fail_code = 0;
    launch_failed = false;
    if (plan && sscanf(plan, "%ld:%d", &fail_at, &fail_code) != 2) fail_code = 0;
}

cudaError_t counted(bool takes = false)
{
    if (by_hand && fail_code == cudaErrorMemoryAllocation && !takes) return cudaSuccess;
    bool due = fail_code > 0 && fail_code < 1000 && ++calls >= fail_at;
    if (!due) return cudaSuccess;
    cudaError_t code = (cudaError_t)fail_code;
    if (code == cudaErrorMemoryAllocation) fail_code = 0;
    return last = code;
}

cublasStatus_t counted_blas()
{
    bool due = fail_code > 1000 && ++calls >= fail_at;
    return due ? (cublasStatus_t)(fail_code - 1000) : CUBLAS_STATUS_SUCCESS;
}

/* ---- memory */
/* True where all of it is in one piece of device memory. */
bool on_device(const void *at, size_t bytes)
{
    auto *first = (char *)at;
    auto found = device.upper_bound(first);
    if (found == device.begin()) return false;
    --found;
    return first + bytes <= found->first + found->second.bytes;
}

size_t slack(const memory &m)
{
    return (64 - m.bytes % 64) % 64;
}
} // namespace

struct emu_count emu_count;

struct emu_node {
    const void *kernel;
    std::function<void(void **)> run;
    std::vector<std::vector<char>> argument;
};
struct emu_event {
    long behind; /* what was asked before it */
};
struct emu_graph {
    std::vector<emu_node *> node;
    int used = 1;
};

static void run_node(emu_node &n)
{
    void *with[16];
    for (size_t i = 0; i < n.argument.size(); i++) with[i] = n.argument[i].data();
    n.run(with);
}
static thread_local emu_graph *capturing;

/* With VANPOOL_EMU_LAG=1 the stream is as far behind as it may be: what is asked is done when somebody
 * waits for it, or for what stands behind it. */
static std::deque<std::function<void()>> behind;
static long asked, done; /* of what ever stood there */

static void defer(std::function<void()> what)
{
    if (lags)
        behind.push_back(std::move(what)), asked++;
    else
        what();
}

static void catch_up(long until)
{
    while (done < until) {
        auto next = std::move(behind.front());
        behind.pop_front();
        done++;
        next();
    }
}

bool emu_keeps()
{
    return capturing || lags;
}

void emu_keep(const void *kernel, std::function<void(void **with)> run, size_t n, void **with,
              const size_t *size)
{
    auto *one = new emu_node{kernel, std::move(run), {}};
    for (size_t i = 0; i < n; i++) {
        auto *bytes = static_cast<char *>(with[i]);
        one->argument.emplace_back(bytes, bytes + size[i]);
    }
    if (capturing)
        capturing->node.push_back(one);
    else
        defer([one] {
            run_node(*one);
            delete one;
        });
}

bool emu_may_run(dim3 grid, dim3 block)
{
    emu_count.launches++;
    size_t threads = (size_t)block.x * block.y * block.z;
    if (counted() != cudaSuccess) {
        if (launch_failed) emu_wrong("a launch after a launch that failed");
        launch_failed = true;
        return false;
    }
    if (threads > 0 && threads <= 1024 && grid.x > 0 && grid.x <= INT32_MAX && grid.y > 0 &&
        grid.y <= 65535 && grid.z > 0 && grid.z <= 65535)
        return true;
    last = cudaErrorInvalidConfiguration;
    return false;
}

extern "C" {
/* From now on: the call after `more` others fails with `code`, as by a plan, also where devices are
 * counted anew; of code 2 calls that take memory alone are meant. A test finds this in the module by its name. */
void emu_fail(long more, int code)
{
    fail_at = calls + more + 1;
    fail_code = code;
    by_hand = true;
    launch_failed = false;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    read_plan();
    if (cudaError_t code = counted()) return code;
    *count = 1;
    return cudaSuccess;
}

/* Not counted: asked where all else has failed. VANPOOL_EMU_DRIVER, such as 11040: an old one. */
cudaError_t cudaDriverGetVersion(int *to)
{
    const char *old = getenv("VANPOOL_EMU_DRIVER");
    *to = old ? atoi(old) : 0;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *to)
{
    *to = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *to, int)
{
    *to = {"emulated GPU (no GPU: the same kernels on the CPU)", 8, 0, 4, (size_t)8 << 30};
    const char *old = getenv("VANPOOL_EMU_CAPABILITY"); /* such as 6.1: a GPU that is too old */
    if (old && sscanf(old, "%d.%d", &to->major, &to->minor) != 2) return cudaErrorInvalidValue;
    return counted();
}

cudaError_t cudaSetDevice(int)
{
    return counted();
}

/* Not counted: it is asked beside training, and its failure loses nothing. */
cudaError_t cudaDeviceGetPCIBusId(char *to, int size, int)
{
    snprintf(to, size, "0000:41:00.0");
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **at, size_t bytes)
{
    std::lock_guard<std::mutex> held(lock);
    emu_count.mallocs++;
    if (cudaError_t code = counted(true)) return code;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes > most || taken > most - bytes) return last = cudaErrorMemoryAllocation;
    memory m = {bytes, (bytes + 64 + page - 1) / page * page + page, nullptr};
    void *map = mmap(nullptr, m.mapped, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return last = cudaErrorMemoryAllocation;
    m.map = (char *)map;
    char *end = m.map + m.mapped - page, *first = end - slack(m) - bytes;
    mprotect(end, page, PROT_NONE);
    if (bytes <= (size_t)16 << 20)
        memset(first, 0xff, bytes); /* more: only room, touched in part */
    memset(first + bytes, AFTER, slack(m));
    device[first] = m;
    taken += bytes;
    *at = first;
    return cudaSuccess;
}

cudaError_t cudaFree(void *at)
{
    catch_up(asked);
    std::lock_guard<std::mutex> held(lock);
    if (!at) return cudaSuccess;
    auto found = device.find((char *)at);
    if (found == device.end()) emu_wrong("cudaFree of what is no device memory");
    const memory &m = found->second;
    for (size_t i = 0; i < slack(m); i++)
        if ((unsigned char)found->first[m.bytes + i] != AFTER)
            emu_wrong("a kernel wrote past the end of %zu bytes", m.bytes);
    munmap(m.map, m.mapped);
    taken -= m.bytes;
    device.erase(found);
    return counted();
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t)
{
    catch_up(asked);
    std::lock_guard<std::mutex> held(lock);
    if (cudaError_t code = counted()) return code;
    bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
    if (on_device(to, bytes) != to_device || on_device(from, bytes) != from_device)
        return last = cudaErrorInvalidValue;
    memmove(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t)
{
    catch_up(asked);
    std::lock_guard<std::mutex> held(lock);
    if (cudaError_t code = counted()) return code;
    if (!on_device(at, bytes)) return last = cudaErrorInvalidValue;
    memset(at, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *to)
{
    *to = nullptr;
    return counted();
}

cudaError_t cudaStreamDestroy(cudaStream_t)
{
    catch_up(asked);
    return counted();
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    emu_count.waits++;
    if (capturing) emu_wrong("a wait while a graph is made");
    catch_up(asked);
    return last != cudaSuccess ? last : counted();
}

/* ---- host memory, events */
cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned)
{
    if (cudaError_t code = counted()) return code;
    *at = calloc(1, bytes);
    return *at ? cudaSuccess : last = cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *at)
{
    free(at);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *to, unsigned)
{
    *to = nullptr;
    if (cudaError_t code = counted()) return code;
    *to = new emu_event{};
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
    event->behind = asked;
    return counted();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    catch_up(event->behind);
    return last != cudaSuccess ? last : counted();
}

/* ---- graphs */
cudaError_t cudaStreamBeginCapture(cudaStream_t, enum cudaStreamCaptureMode)
{
    if (getenv("VANPOOL_EMU_NO_GRAPH")) return cudaErrorInvalidValue; /* a driver that cannot */
    if (cudaError_t code = counted()) return code;
    capturing = new emu_graph;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *to)
{
    *to = capturing;
    capturing = nullptr;
    emu_count.captures++;
    return counted();
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t, enum cudaStreamCaptureStatus *status,
                                     unsigned long long *, cudaGraph_t *,
                                     const cudaGraphNode_t **newest, const cudaGraphEdgeData **,
                                     size_t *n)
{
    static cudaGraphNode_t node;
    *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    *n = capturing && !capturing->node.empty();
    if (*n) node = capturing->node.back(), *newest = &node;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *to, cudaGraph_t graph, unsigned long long)
{
    if (cudaError_t code = counted()) return code;
    graph->used++;
    *to = graph;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    if (--graph->used > 0) return cudaSuccess;
    for (emu_node *n : graph->node) delete n;
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    return cudaGraphDestroy(graph);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t)
{
    emu_count.graph_launches++;
    if (cudaError_t code = counted()) return code;
    for (emu_node *n : graph->node) { /* as its nodes are now, whatever they are told later */
        defer([now = *n]() mutable { run_node(now); });
        if (last != cudaSuccess) return last;
    }
    return cudaSuccess;
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t, cudaGraphNode_t node,
                                             const struct cudaKernelNodeParams *p)
{
    if (p->func != node->kernel) emu_wrong("a node of a graph was told of another kernel");
    emu_count.told++;
    for (size_t i = 0; i < node->argument.size(); i++)
        memcpy(node->argument[i].data(), p->kernelParams[i], node->argument[i].size());
    return counted();
}

cudaError_t cudaGetLastError()
{
    cudaError_t code = last;
    last = cudaSuccess;
    return code;
}

const char *cudaGetErrorString(cudaError_t code)
{
    switch (code) {
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInvalidConfiguration:
        return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorECCUncorrectable:
        return "uncorrectable ECC error encountered";
    case cudaErrorIllegalAddress:
        return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    default:
        return "invalid argument";
    }
}

/* ---- NVTX */
static void note(const char *sign, const char *name)
{
    const char *path = getenv("VANPOOL_EMU_NVTX");
    FILE *to = path ? fopen(path, "a") : nullptr;
    if (!to) return;
    fprintf(to, "%s%s\n", sign, name);
    fclose(to);
}

int nvtxRangePushA(const char *name)
{
    note("+", name);
    return 0;
}

int nvtxRangePop()
{
    note("-", "");
    return 0;
}

/* ---- cuBLAS */
cublasStatus_t cublasCreate(cublasHandle_t *to)
{
    *to = nullptr;
    return counted_blas();
}

cublasStatus_t cublasDestroy(cublasHandle_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t)
{
    return counted_blas();
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *at, size_t bytes)
{
    if (!on_device(at, bytes)) emu_wrong("the workspace of cuBLAS is no device memory");
    return counted_blas();
}

/* c[m,n] = alpha op(a) op(b) + beta c, all by columns; c is not read where beta is 0. Factors are
 * copied as the product sees them, [k, rows]. */
static void factors(std::vector<float> &to, const void *from, cudaDataType_t type, bool tf32,
                    bool turned, int rows, int k, int ld)
{
    to.resize((size_t)rows * k);
    for (int l = 0; l < k; l++)
        for (int i = 0; i < rows; i++) {
            size_t at = turned ? (size_t)i * ld + l : (size_t)l * ld + i;
            float x = type == CUDA_R_32F
                          ? ((const float *)from)[at]
                          : __uint_as_float((unsigned)((const uint16_t *)from)[at] << 16);
            to[(size_t)l * rows + i] = tf32 ? emu_tf32(x) : x;
        }
}

cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t on_a, cublasOperation_t on_b, int m,
                            int n, int k, const void *alpha, const void *a, cudaDataType_t a_type,
                            int lda, const void *b, cudaDataType_t b_type, int ldb,
                            const void *beta, void *c, cudaDataType_t c_type, int ldc,
                            cublasComputeType_t by, cublasGemmAlgo_t)
{
    if (cublasStatus_t status = counted_blas()) return status;
    int a_rows = on_a == CUBLAS_OP_N ? m : k, b_rows = on_b == CUBLAS_OP_N ? k : n;
    bool half = a_type == CUDA_R_16BF, tf32 = by == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (m < 0 || n < 0 || k < 0 || lda < (a_rows > 1 ? a_rows : 1) ||
        ldb < (b_rows > 1 ? b_rows : 1) || ldc < (m > 1 ? m : 1))
        return (cublasStatus_t)7;
    if (a_type != b_type || c_type != CUDA_R_32F || (half && tf32)) return (cublasStatus_t)15;
    float one = *(const float *)alpha, keep = *(const float *)beta;
    auto multiply = [=](void **) {
        static thread_local std::vector<float> left, right; /* grows in the first step only */
        factors(left, a, a_type, tf32, on_a == CUBLAS_OP_T, m, k, lda);
        factors(right, b, b_type, tf32, on_b == CUBLAS_OP_N, n, k, ldb);
        for (int j = 0; j < n; j++) {
            float *to = (float *)c + (size_t)j * ldc;
            for (int i = 0; i < m; i++) to[i] = keep == 0 ? 0 : keep * to[i];
            for (int l = 0; l < k; l++) {
                float each = one * right[(size_t)l * n + j];
                for (int i = 0; i < m; i++) to[i] += each * left[(size_t)l * m + i];
            }
        }
    };
    if (emu_keeps())
        emu_keep(nullptr, multiply, 0, nullptr, nullptr);
    else
        multiply(nullptr);
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    default:
        return "CUBLAS_STATUS_INVALID_VALUE";
    }
}
}
