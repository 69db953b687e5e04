/* The cuda backend: finds a GPU that can, owns its memory, stream and cuBLAS handle, and turns codes
 * into sentences. This file is all that a program sees of the module. */
#include "kernels/cuda/cuda.h"
#include "kernels/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of an op, of that of its function here. */
static const char *bare(const char *op)
{
    return strncmp(op, "cuda_", 5) == 0 ? op + 5 : op;
}

bool cuda_failed(struct kn_backend *be, const char *op, cudaError_t code)
{
    if (code == cudaSuccess) return false;
    if (be->failed_op) return true;
    be->failed_op = bare(op);
    snprintf(be->reason, sizeof be->reason, "the GPU says: %s (%d)", cudaGetErrorString(code),
             (int)code);
    return true;
}

void cuda_too_many(struct kn_backend *be, const char *op)
{
    if (be->failed_op) return;
    be->failed_op = bare(op);
    snprintf(be->reason, sizeof be->reason,
             "too many tokens in one step for this backend: make the batch smaller");
}

void cuda_too_wide(struct kn_backend *be, const char *op)
{
    if (be->failed_op) return;
    be->failed_op = bare(op);
    snprintf(be->reason, sizeof be->reason,
             "this backend's attention heads have at most 128 numbers: take more heads");
}

bool cuda_blas_failed(struct kn_backend *be, const char *op, cublasStatus_t status)
{
    if (status == CUBLAS_STATUS_SUCCESS) return false;
    if (be->failed_op) return true;
    be->failed_op = bare(op);
    snprintf(be->reason, sizeof be->reason, "cuBLAS says: %s (%d)", cublasGetStatusString(status),
             (int)status);
    return true;
}

/* ---- memory */
static void cuda_sync(struct kn_backend *be)
{
    struct cuda *c = (struct cuda *)be;
    cuda_flush(c);
    if (!be->failed_op) cuda_failed(be, "sync", cudaStreamSynchronize(c->stream));
}

/* Memory that is not to be had is no failure of the backend: the caller may ask for less. */
static void *take(struct cuda *c, size_t bytes, bool zeroed)
{
    void *at = NULL;
    cuda_flush(c);
    cudaError_t code = cudaMalloc(&at, bytes > 0 ? bytes : 1);
    if (code == cudaSuccess && zeroed)
        code = cudaMemsetAsync(at, 0, bytes > 0 ? bytes : 1, c->stream);
    if (code == cudaSuccess) return at;
    cudaGetLastError(); /* or the next launch would be told of it */
    if (code != cudaErrorMemoryAllocation) cuda_failed(&c->head, "alloc", code);
    cudaFree(at);
    return NULL;
}

static void *cuda_alloc(struct kn_backend *be, size_t bytes)
{
    return take((struct cuda *)be, bytes, true);
}

static void cuda_free(struct kn_backend *be, void *at)
{
    cuda_sync(be);
    cudaFree(at);
}

/* Both are tried after a failure too: that may have been another's, with the memory still there. */
static void cuda_get(struct kn_backend *be, void *to, const void *from, size_t bytes)
{
    cudaStream_t stream = ((struct cuda *)be)->stream;
    cuda_flush((struct cuda *)be);
    cudaError_t code = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream);
    if (code == cudaSuccess) code = cudaStreamSynchronize(stream);
    if (cuda_failed(be, "read", code)) memset(to, 0xff, bytes); /* NaN and -1: nothing is known */
}

/* Within a step the numbers are set aside, and a kernel fetches them in its turn. */
static void cuda_put(struct kn_backend *be, void *to, const void *from, size_t bytes)
{
    cudaStream_t stream = ((struct cuda *)be)->stream;
    void *staged = cuda_staging((struct cuda *)be, bytes);
    if (staged) {
        cuda_fetch(be, to, memcpy(staged, from, bytes), bytes);
        return;
    }
    cuda_flush((struct cuda *)be);
    cudaError_t code = cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream);
    cuda_failed(be, "write", code == cudaSuccess ? cudaStreamSynchronize(stream) : code);
}

/* ---- weights and plans */
enum { HALF_TOKENS = 256 }; /* that have room in c->half without a plan: more go in parts */

static size_t up8(size_t n)
{
    return (n + 7) / 8 * 8;
}

static void at_least(size_t *most, size_t n)
{
    if (*most < n) *most = n;
}

/* False: no memory, and what there was stays. */
static bool grow(struct cuda *c, void **room, size_t *has, size_t want, size_t each)
{
    if (want <= *has) return true;
    void *grown = take(c, want * each, false);
    if (!grown) return false;
    cuda_free(&c->head, *room);
    *room = grown;
    *has = want;
    return true;
}

/* Room for any of these plans through any of these weights. */
static bool find_room(struct cuda *c)
{
    size_t tokens = c->tokens > HALF_TOKENS ? c->tokens : HALF_TOKENS;
    return grow(c, (void **)&c->experts, &c->experts_room, c->rows * c->row_room, sizeof(float)) &&
           grow(c, (void **)&c->half, &c->half_room, tokens * c->half_row, sizeof(uint16_t));
}

/* In float32 and TF32 the kernels read the masters as they are, and a router's always. */
static bool cuda_weight_open(struct kn_backend *be, struct kn_weight *w)
{
    struct cuda *c = (struct cuda *)be;
    size_t turns = w->gated ? 2 : 1, units = w->rows / turns, rows = up8(units) * turns,
           cols = up8(w->cols);
    w->shadow = NULL;
    if (w->kind == KN_UP) /* experts.cu: dpre, dh, dx; experts_bf16.cu: h and dpre, dot, dx */
        at_least(&c->row_room, c->bf16 ? (up8(units) + rows) / 2 + up8(units) / 64 + 1 + w->cols
                                       : w->rows + units + w->cols);
    if (c->bf16 && w->kind != KN_ROUTER) {
        at_least(&c->half_row, w->kind == KN_DENSE ? rows + cols : 2 * cols);
        w->shadow = take(c, w->blocks * rows * cols * sizeof(uint16_t), true);
        if (!w->shadow) return false;
    }
    return find_room(c);
}

static void cuda_weight_close(struct kn_backend *be, struct kn_weight *w)
{
    cuda_free(be, w->shadow);
    w->shadow = NULL;
}

/* In bfloat16 two numbers fit into the place of one. */
static size_t cuda_pre_room(const struct kn_backend *be, size_t rows, int H, bool gated)
{
    size_t M = (gated ? 2 : 1) * (size_t)H, wide = (gated ? 2 : 1) * up8(H);
    return rows * (((const struct cuda *)be)->bf16 ? wide / 2 : M);
}

static void cuda_plan_close(struct kn_backend *be, struct kn_plan *p)
{
    struct cuda_plan *own = p->own;
    if (!own) return;
    cuda_free(be, own->chunk);
    cuda_free(be, own->tile);
    free(own);
    p->own = NULL;
}

static bool cuda_plan_open(struct kn_backend *be, struct kn_plan *p)
{
    struct cuda *c = (struct cuda *)be;
    size_t chunks = ((size_t)p->T_room + 31) / 32 + 1, rows = (size_t)p->T_room * p->E;
    struct cuda_plan *own = calloc(1, sizeof *own);
    if (!own) return false;
    p->own = own;
    own->chunk = take(c, chunks * (p->N + 1) * sizeof *own->chunk, true);
    own->tile = take(c, ((size_t)p->E + 1) * sizeof *own->tile, true);
    at_least(&c->rows, rows), at_least(&c->tokens, p->T_room);
    if (own->chunk && own->tile && find_room(c)) return true;
    cuda_plan_close(be, p);
    return false;
}

/* ---- open, close */
static void cuda_close(struct kn_backend *be)
{
    struct cuda *c = (struct cuda *)be;
    cuda_meters_close(c);
    cuda_graph_close(c);
    cudaFree(c->turn);
    cudaFree(c->experts);
    cudaFree(c->half);
    cudaFree(c->ticket);
    cudaFree(c->scratch);
    cudaFree(c->workspace);
    if (c->blas_open) cublasDestroy(c->blas);
    if (c->stream) cudaStreamDestroy(c->stream);
    free(c);
}

static const struct kn_table table = {.name = "cuda",
                                      .close = cuda_close,
                                      .alloc = cuda_alloc,
                                      .free = cuda_free,
                                      .sync = cuda_sync,
                                      .get = cuda_get,
                                      .put = cuda_put,
                                      .weight_open = cuda_weight_open,
                                      .weight_close = cuda_weight_close,
                                      .pre_room = cuda_pre_room,
                                      .plan_open = cuda_plan_open,
                                      .plan_close = cuda_plan_close,
                                      .peak = cuda_peak,
                                      .bandwidth = cuda_bandwidth,
                                      .step_begin = cuda_step_begin,
                                      .step_end = cuda_step_end,
                                      .tell = cuda_tell,
                                      .hear = cuda_hear,
                                      .meters = cuda_meters,
                                      .mark = cuda_mark,
                                      .real = sizeof(float),
#define X(name) .name = cuda_##name,
                                      KN_OPS(X)
#undef X
};

/* By VANPOOL_CUDA_MATH; where it is not set, and below compute capability 8.0, fp32. */
static bool find_math(struct cuda *c, int major, char *why, size_t size)
{
    static const char *const names[] = {"fp32", "tf32", "bf16"};
    const char *math = getenv("VANPOOL_CUDA_MATH");
    int i = 0;
    if (math && *math)
        while (i < 3 && strcmp(math, names[i]) != 0) i++;
    if (i == 3) {
        snprintf(why, size,
                 "backend cuda: VANPOOL_CUDA_MATH is '%.20s', which is no way to multiply: set it "
                 "to fp32, tf32 or bf16",
                 math);
        return false;
    }
    c->math = major < 8 ? CUDA_FP32 : (enum cuda_math)i;
    c->tf32 = c->math == CUDA_TF32, c->bf16 = c->math == CUDA_BF16;
    c->head.simd = names[c->math];
    return true;
}

/* False, and why in words: no driver, an old one, no device, or one that is too old. */
static bool find_device(struct cuda *c, char *why, size_t size)
{
    struct cudaDeviceProp p;
    int count = 0, has = 0, needs = 0;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaErrorInsufficientDriver && cudaDriverGetVersion(&has) == cudaSuccess &&
        cudaRuntimeGetVersion(&needs) == cudaSuccess && has > 0)
        snprintf(
            why, size,
            "backend cuda: the NVIDIA driver is for CUDA %d.%d, this module for %d.%d: a newer "
            "driver is needed, or `make cuda` with an older CUDA",
            has / 1000, has % 1000 / 10, needs / 1000, needs % 1000 / 10);
    else if (code == cudaErrorInsufficientDriver)
        snprintf(why, size, "backend cuda: no NVIDIA driver, or one too old for this module");
    else if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0))
        snprintf(why, size, "backend cuda: there is a driver, but no GPU");
    else if (code != cudaSuccess || (code = cudaGetDeviceProperties(&p, 0)) != cudaSuccess ||
             (code = cudaSetDevice(0)) != cudaSuccess)
        snprintf(why, size, "backend cuda: the GPU says: %s (%d)", cudaGetErrorString(code),
                 (int)code);
    else if (p.major * 10 + p.minor < 75)
        snprintf(why, size,
                 "backend cuda: %.80s has compute capability %d.%d, and 7.5 is the least", p.name,
                 p.major, p.minor);
    else {
        c->units = p.multiProcessorCount;
        snprintf(c->name, sizeof c->name, "%s", p.name);
        c->head.device = c->name;
        return find_math(c, p.major, why, size);
    }
    return false;
}

static bool ready(struct cuda *c, char *why, size_t size)
{
    cudaError_t code = cudaStreamCreate(&c->stream);
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    if (code != cudaSuccess) {
        snprintf(why, size, "backend cuda: the GPU says: %s (%d)", cudaGetErrorString(code),
                 (int)code);
        return false;
    }
    c->scratch = take(c, (CUDA_PART + CUDA_CELLS) * sizeof *c->scratch, false);
    c->ticket = take(c, CUDA_TICKETS * sizeof *c->ticket, true);
    c->turn = take(c, CUDA_ROPE * sizeof *c->turn, false);
    c->workspace = take(c, CUDA_WORKSPACE, false);
    if (!c->scratch || !c->ticket || !c->turn || !c->workspace || !cuda_graph_open(c)) {
        snprintf(why, size, "backend cuda: the GPU's memory is full");
        return false;
    }
    status = cublasCreate(&c->blas);
    c->blas_open = status == CUBLAS_STATUS_SUCCESS;
    if (status == CUBLAS_STATUS_SUCCESS) status = cublasSetStream(c->blas, c->stream);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasSetWorkspace(c->blas, c->workspace, CUDA_WORKSPACE);
    if (status == CUBLAS_STATUS_SUCCESS) return true;
    snprintf(why, size, "backend cuda: cuBLAS says: %s (%d)", cublasGetStatusString(status),
             (int)status);
    return false;
}

static struct kn_backend *cuda_open(const struct kn_settings *s, char *why, size_t size)
{
    struct cuda *c = calloc(1, sizeof *c);
    (void)s;
    if (!c) {
        snprintf(why, size, "backend cuda: out of memory");
        return NULL;
    }
    c->head = (struct kn_backend){.table = &table, .threads = 1};
    if (find_device(c, why, size) && ready(c, why, size)) return &c->head;
    cuda_close(&c->head);
    return NULL;
}

const struct kn_module kn_module = {
    .build = KN_MODULE_BUILD, .table_size = sizeof(struct kn_table), .open = cuda_open};
