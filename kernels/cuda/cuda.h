#ifndef KERNELS_CUDA_CUDA_H
#define KERNELS_CUDA_CUDA_H
/* What the files of the cuda backend share: its struct, and the few shapes that nearly all kernels
 * have, as templates over a small function: each(n), total(n), columns(T, N). An op is then written
 * like the oracle's, once for a number, a row or a column. All work goes to one stream; nothing here
 * waits for it, takes memory or asks the device how many rows there are. Sums are cut by shape and
 * added in a fixed order. Compiles with nvcc for a GPU, and with g++ and tests/emu for a test. */
#include <cublas_v2.h>
#include <cuda_runtime.h>
#ifdef __cplusplus
#include <cfloat>
#include <cmath>
#include <new>
#include <tuple>
#include <type_traits>
extern "C" {
#endif
#include "kernels/table.h"

/* Doubles of scratch: for partial sums, and behind them for what an op passes between kernels. */
#define CUDA_PART ((size_t)1 << 20)
#define CUDA_CELLS ((size_t)1 << 22)
/* Counts of blocks that came: as many sums may be in one launch. */
#define CUDA_TICKETS ((size_t)1 << 15)
/* Numbers in the table of rotations. */
#define CUDA_ROPE ((size_t)1 << 22)
/* Bytes that cuBLAS may work in: given once, so that it takes none in a step. */
#define CUDA_WORKSPACE ((size_t)32 << 20)

/* How dense products, experts and attention multiply; a router's own products are always FP32. Sums
 * are float32. */
enum cuda_math {
    CUDA_FP32,
    CUDA_TF32, /* factors of 10 bits, rounded on their way into a tensor core */
    CUDA_BF16, /* factors of 8 bits, in copies of their own: bf16.h */
};

struct cuda;

/* One thing that the device is asked to do, written down with its arguments: it can be done at once,
 * in a graph, and again. */
struct cuda_call {
    const char *op;
    const void *what; /* the kernel, or the function of cuBLAS */
    unsigned grid[3], block[3];
    size_t at, size; /* of its arguments */
    void (*start)(struct cuda *c, const struct cuda_call *call, const void *arguments);
    /* The address of each argument of a kernel; NULL: no kernel, cannot be told others in a graph. */
    void (*point)(void *arguments, void **to);
};
enum { CUDA_MOST_ARGUMENTS = 12 };
struct cuda_graph; /* graph.c */

/* A copy in bfloat16 of of[rows, cols], good while cuda.changes is `at`. */
struct rounded {
    const float *of;
    int rows, cols;
    size_t at;
};

struct cuda {
    struct kn_backend head;
    char name[300]; /* of the device; head.device points here */
    cudaStream_t stream;
    cublasHandle_t blas;
    bool blas_open;
    void *workspace;
    double *scratch;  /* [CUDA_PART + CUDA_CELLS] */
    unsigned *ticket; /* [CUDA_TICKETS], see comes_last */
    int units;        /* multiprocessors */
    enum cuda_math math;
    bool tf32, bf16; /* math is that */
    float *turn;     /* [C, d/2] cosines, then as many sines */
    double turn_theta;
    int turn_C, turn_d;
    float *experts; /* what kn_moe_ffn_back passes between its phases */
    size_t experts_room;
    struct cuda_graph *graph;
    size_t changes;             /* how often something was asked for that may change memory */
    struct rounded rounded;     /* what `half` begins with */
    bool writing;               /* a step's calls are written down, not started */
    const char *range;          /* that a profiler was told of; NULL: none is open */
    struct cuda_meters *meters; /* NULL: nobody asked, or there are none */
    bool asked_meters;
    size_t rows, row_room; /* the most rows of a plan, and numbers of a row there, so far */
    uint16_t *half;        /* in bfloat16: copies of what a product reads, for one op */
    size_t half_room, half_row, tokens; /* its numbers; of a token; the most tokens of a plan */
};

/* A plan's own memory on the device. */
struct cuda_plan {
    int32_t *chunk; /* [N+1, chunks] picks of a column in 32 tokens; then those before it */
    int32_t *tile;  /* [E+1] first tile of rows of each expert */
};

/* Keeps the first failure in words; false where the code says that all is well. */
bool cuda_failed(struct kn_backend *be, const char *op, cudaError_t code);
void cuda_too_many(struct kn_backend *be, const char *op);
void cuda_too_wide(struct kn_backend *be, const char *op);
bool cuda_blas_failed(struct kn_backend *be, const char *op, cublasStatus_t status);

/* ---- graph.c */
bool cuda_graph_open(struct cuda *c); /* false: no memory */
void cuda_graph_close(struct cuda *c);
/* Where the arguments of a call are to be put; NULL: it is to be started at once. */
void *cuda_write_down(struct cuda *c, struct cuda_call call);
/* Starts what is written down, which ends the writing: somebody wants to see results, or to wait. */
void cuda_flush(struct cuda *c);
/* Room for a host's numbers until the step is done, where the device can read them; NULL: none. */
void *cuda_staging(struct cuda *c, size_t bytes);
void cuda_fetch(struct kn_backend *be, void *to, const void *staged, size_t bytes); /* a kernel */
void cuda_step_begin(struct kn_backend *be);
void cuda_step_end(struct kn_backend *be);
void cuda_tell(struct kn_backend *be, struct kn_buf x, int n);
bool cuda_hear(struct kn_backend *be, double *to, int n, bool wait);
/* What the host reads as the device writes: `number` comes last. */
struct cuda_told {
    float of[KN_TOLD];
    volatile uint32_t number;
};
void cuda_say(struct kn_backend *be, struct cuda_told *to, uint32_t number, const float *x, int n);

void cuda_mark(struct kn_backend *be, const char *name);
bool cuda_meters(struct kn_backend *be, struct kn_meters *to);
void cuda_meters_close(struct cuda *c);
/* c[n,n] = a bᵀ: one product with nothing beside it; a and b are of bfloat16 where c->bf16. */
void cuda_square(struct kn_backend *be, float *c, const void *a, const void *b, int n);
double cuda_peak(struct kn_backend *be, int threads);
double cuda_bandwidth(struct kn_backend *be, int threads);
#define X(name) __typeof__(kn_##name) cuda_##name;
KN_OPS(X)
#undef X
#ifdef __cplusplus
}

/* ---- launches */
#ifdef __CUDACC__
#define SHARED(type, id, n) __shared__ __align__(16) type id[n]
template <class... P>
void cuda_start(struct cuda *c, dim3 grid, dim3 block, void (*kernel)(P...), P... p)
{
    kernel<<<grid, block, 0, c->stream>>>(p...);
}
#else
template <class... P>
void cuda_start(struct cuda *, dim3 grid, dim3 block, void (*kernel)(P...), P... p)
{
    emu_start(grid, block, kernel, p...);
}
#endif

/* A kernel and its arguments, as they are written down. */
template <class... P> struct bound {
    void (*kernel)(P...);
    std::tuple<P...> arguments;

    static void start(struct cuda *c, const struct cuda_call *call, const void *of)
    {
        const unsigned *g = call->grid, *b = call->block;
        const bound *one = (const bound *)of;
        std::apply(
            [&](const P &...p) {
                cuda_start(c, dim3(g[0], g[1], g[2]), dim3(b[0], b[1], b[2]), one->kernel, P(p)...);
            },
            one->arguments);
        cuda_failed(&c->head, call->op, cudaGetLastError());
    }
    static void point(void *of, void **to)
    {
        std::apply([&](P &...p) { ((*to++ = (void *)&p), ...); }, ((bound *)of)->arguments);
    }
};

/* Starts a kernel, or writes down that it is to be started; nothing where one before it failed or there is no work. `op` is the function that
 * asks, cuda_NAME: a failure is told with it. */
template <class... P>
void launch(struct kn_backend *be, const char *op, dim3 grid, dim3 block, void (*kernel)(P...),
            std::type_identity_t<P>... p)
{
    static_assert(sizeof...(P) <= CUDA_MOST_ARGUMENTS);
    static_assert((std::is_trivially_copyable_v<P> && ...));
    struct cuda *c = (struct cuda *)be;
    if (be->failed_op || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    struct cuda_call call = {.op = op,
                             .what = (const void *)kernel,
                             .grid = {grid.x, grid.y, grid.z},
                             .block = {block.x, block.y, block.z},
                             .at = 0,
                             .size = sizeof(bound<P...>),
                             .start = bound<P...>::start,
                             .point = bound<P...>::point};
    void *room = cuda_write_down(c, call);
    bound<P...> now = {kernel, std::tuple<P...>(p...)};
    if (room)
        new (room) bound<P...>(now);
    else
        bound<P...>::start(c, &call, &now);
}
/* Before a loop whose arrays are to stay in registers. */
#ifdef __CUDACC__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif
#define CALLER const char *op = __builtin_FUNCTION()

inline unsigned pieces(size_t n, size_t each)
{
    return (unsigned)((n + each - 1) / each);
}

/* Kernels that may change what lasts begin with the number that kn_only named. */
__device__ inline bool shut(const float *only)
{
    return only && !isfinite(*only);
}

inline const float *only_of(const struct kn_backend *be)
{
    return (const float *)be->only.at;
}

/* ---- f(i) for i in 0..n-1 */
template <class F> __global__ void each_kernel(const float *only, size_t n, F f)
{
    if (shut(only)) return;
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) f(i);
}

template <class F> void each(struct kn_backend *be, size_t n, F f, CALLER)
{
    unsigned most = 1u << 20, blocks = n > (size_t)most * 128 ? most : pieces(n, 128);
    launch(be, op, blocks, 128, each_kernel<F>, only_of(be), n, f);
}

/* f() by one thread: controllers, and what follows from a sum. */
template <class F> __global__ void once_kernel(const float *only, F f)
{
    if (!shut(only)) f();
}

template <class F> void once(struct kn_backend *be, F f, CALLER)
{
    launch(be, op, 1, 1, once_kernel<F>, only_of(be), f);
}

/* ---- sums over the 32 lanes of a warp; all get the answer, added in one order */
template <class S> __device__ inline S warp_sum(S x)
{
    for (int by = 16; by > 0; by /= 2) x += __shfl_xor_sync(~0u, x, by);
    return x;
}

__device__ inline float warp_max(float x)
{
    for (int by = 16; by > 0; by /= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, by));
    return x;
}

/* ---- K sums over i in 0..n-1: f(i, sum) adds to sum[K]; last(sum) sees them all, once */
template <int K> struct sums {
    double of[K];
};

enum { TOTAL_THREADS = 256, TOTAL_BLOCKS = 1024 };

template <int K> __device__ inline void block_sum(sums<K> &s) /* thread 0 gets the whole block's */
{
    SHARED(double, part, K *TOTAL_THREADS / 32);
    int warp = threadIdx.x / 32;
    for (int k = 0; k < K; k++) {
        double sum = warp_sum(s.of[k]);
        if (threadIdx.x % 32 == 0) part[k * (TOTAL_THREADS / 32) + warp] = sum;
    }
    __syncthreads();
    if (threadIdx.x > 0) return;
    for (int k = 0; k < K; k++) {
        s.of[k] = 0;
        for (int w = 0; w < TOTAL_THREADS / 32; w++) s.of[k] += part[k * (TOTAL_THREADS / 32) + w];
    }
}

/* ---- one kernel for the parts of a sum and the sum of the parts */
/* True for all threads of the block that is the last of `blocks` to come: what the others wrote
 * before can be read then, by fresh(). *ticket is 0 before the first and after the last. Which block
 * it is differs from run to run, what it adds up and in which order does not. */
__device__ inline bool comes_last(unsigned *ticket, unsigned blocks)
{
    SHARED(bool, last, 1);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) last[0] = atomicInc(ticket, blocks - 1) == blocks - 1;
    __syncthreads();
    bool yes = last[0];
    __threadfence();
    return yes;
}

/* Past the caches of this block, which may be older than what another block wrote. */
__device__ inline double fresh(const double *from)
{
    return __ldcg(from);
}

template <int K, class F, class L>
__global__ void total_kernel(const float *only, size_t n, double *part, unsigned *ticket, F f,
                             L last)
{
    if (shut(only)) return;
    sums<K> s = {};
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) f(i, s.of);
    block_sum<K>(s);
    if (threadIdx.x == 0)
        for (int k = 0; k < K; k++) part[blockIdx.x * K + k] = s.of[k];
    if (!comes_last(ticket, gridDim.x)) return;
    s = {};
    for (unsigned i = threadIdx.x; i < gridDim.x; i += TOTAL_THREADS)
        for (int k = 0; k < K; k++) s.of[k] += fresh(part + i * K + k);
    block_sum<K>(s);
    if (threadIdx.x == 0) last(s.of);
}

template <int K, class F, class L> void total(struct kn_backend *be, size_t n, F f, L last, CALLER)
{
    struct cuda *c = (struct cuda *)be;
    int blocks =
        n > (size_t)TOTAL_BLOCKS * TOTAL_THREADS ? TOTAL_BLOCKS : (int)pieces(n, TOTAL_THREADS);
    launch(be, op, blocks > 0 ? blocks : 1, TOTAL_THREADS, total_kernel<K, F, L>, only_of(be), n,
           c->scratch, c->ticket, f, last);
}

/* ---- sums down the columns: f(t, j) over t in 0..T-1; last(j, sum) for each j in 0..N-1 */
enum { COLUMNS_WIDE = 32, COLUMNS_HIGH = 8, COLUMNS_ROWS = 128, COLUMNS_CHUNKS = 256 };

/* The 8 sums of each of 32 columns: threads of the first row get them all. */
__device__ inline double column_sum(double s)
{
    SHARED(double, sum, COLUMNS_HIGH *COLUMNS_WIDE);
    sum[threadIdx.y * COLUMNS_WIDE + threadIdx.x] = s;
    __syncthreads();
    if (threadIdx.y > 0) return 0;
    for (int i = 1; i < COLUMNS_HIGH; i++) s += sum[i * COLUMNS_WIDE + threadIdx.x];
    return s;
}

template <class F, class L>
__global__ void columns_kernel(const float *only, int T, int N, int rows, double *part,
                               unsigned *ticket, F f, L last)
{
    if (shut(only)) return;
    int j = blockIdx.x * COLUMNS_WIDE + threadIdx.x, first = blockIdx.y * rows;
    double s = 0;
    for (int t = first + threadIdx.y; j < N && t < T && t < first + rows; t += COLUMNS_HIGH)
        s += f(t, j);
    s = column_sum(s);
    if (threadIdx.y == 0 && j < N) part[(size_t)blockIdx.y * N + j] = s;
    if (!comes_last(ticket + blockIdx.x, gridDim.y)) return;
    s = 0;
    for (unsigned i = threadIdx.y; j < N && i < gridDim.y; i += COLUMNS_HIGH)
        s += fresh(part + (size_t)i * N + j);
    s = column_sum(s);
    if (threadIdx.y == 0 && j < N) last(j, s);
}

template <class F, class L> void columns(struct kn_backend *be, int T, int N, F f, L last, CALLER)
{
    struct cuda *c = (struct cuda *)be;
    size_t most = CUDA_PART / (size_t)(N > 0 ? N : 1);
    unsigned wide = pieces(N, COLUMNS_WIDE);
    if (most > COLUMNS_CHUNKS) most = COLUMNS_CHUNKS;
    if (most == 0 || wide > CUDA_TICKETS) cuda_too_many(be, op);
    int chunks = (int)pieces(T, COLUMNS_ROWS), rows = COLUMNS_ROWS;
    if (most > 0 && chunks > (int)most) rows = (int)pieces(T, most), chunks = (int)pieces(T, rows);
    launch(be, op, dim3(wide, chunks > 0 ? chunks : 1), dim3(COLUMNS_WIDE, COLUMNS_HIGH),
           columns_kernel<F, L>, only_of(be), T, N, rows, c->scratch, c->ticket, f, last);
}

/* n doubles that live until the op ends; too many is a failure, and then nothing is started. */
inline double *cells(struct kn_backend *be, size_t n, CALLER)
{
    if (n > CUDA_CELLS) cuda_too_many(be, op);
    return ((struct cuda *)be)->scratch + CUDA_PART;
}

/* to[0] = how many of valid[T] are set. */
inline void count_rows(struct kn_backend *be, double *to, const int32_t *valid, int T, CALLER)
{
    total<1>(
        be, T, [=] __device__(size_t t, double *sum) { sum[0] += valid[t] != 0; },
        [=] __device__(const double *sum) { to[0] = sum[0]; }, op);
}

/* ---- one warp for each row: f(t, lane); all lanes come and go together */
template <class F> __global__ void warps_kernel(const float *only, int T, F f)
{
    if (shut(only)) return;
    int t = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (t < T) f(t, (int)(threadIdx.x % 32));
}

template <class F> void warps(struct kn_backend *be, int T, F f, CALLER)
{
    launch(be, op, pieces(T, 4), 128, warps_kernel<F>, only_of(be), T, f);
}

/* ---- tensor cores */
/* c[16,8] += a[16,8] b[8,8] by a warp, operands rounded to TF32 (10 bits of mantissa), sums in float.
 * With g = lane / 4, i = lane % 4 a lane holds a at rows g, g+8 (of column i), g, g+8 (of column i+4);
 * b at rows i, i+4 of column g; c at columns 2i, 2i+1 of row g, then of row g+8. Compute capability
 * 8.0; below it nobody calls. */
__device__ inline void multiply_tiles(float c[4], const float a[4], const float b[2])
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    uint32_t x[4], y[2];
    for (int k = 0; k < 4; k++) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(x[k]) : "f"(a[k]));
    for (int k = 0; k < 2; k++) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y[k]) : "f"(b[k]));
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
#elif !defined(__CUDACC__)
    emu_multiply_tiles(c, a, b);
#else
    (void)c, (void)a, (void)b;
#endif
}

/* Two numbers as bfloat16, rounded to the nearest, ties to even; `low` stands first in memory. */
__device__ inline uint32_t pack_bf16(float low, float high)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    uint32_t both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
#else
    uint32_t half[2];
    const float x[2] = {low, high};
    for (int i = 0; i < 2; i++) {
        uint32_t bits = __float_as_uint(x[i]);
        half[i] = x[i] == x[i] ? (bits + 0x7fffu + (bits >> 16 & 1)) >> 16 : 0x7fff;
    }
    return half[1] << 16 | half[0];
#endif
}

__device__ inline float bf16_low(uint32_t both)
{
    return __uint_as_float(both << 16);
}

__device__ inline float bf16_high(uint32_t both)
{
    return __uint_as_float(both & 0xffff0000u);
}

/* c[16,8] += a[16,16] b[16,8] by a warp, operands in pairs along the inner side as pack_bf16 makes
 * them. A lane holds pairs (2i, 2i+1) of a's row g, of row g+8, then (2i+8, 2i+9) of both; the same
 * two pairs of b's column g; c as in multiply_tiles. Compute capability 8.0; below it nobody calls. */
__device__ inline void multiply_bf16(float c[4], const uint32_t a[4], const uint32_t b[2])
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif !defined(__CUDACC__)
    emu_multiply_bf16(c, a, b);
#else
    (void)c, (void)a, (void)b;
#endif
}

/* ---- four numbers at once, where they begin at a multiple of 16 bytes */
struct four {
    float of[4];
};

/* True where all of them do, and each row of `width` numbers. */
template <class... P> bool in_fours(int width, const P *...of)
{
    return width % 4 == 0 && ((size_t)of | ...) % 16 == 0;
}

__device__ inline void check_four(const float *at)
{
#ifdef __CUDACC__
    (void)at;
#else
    if ((size_t)at % 16 != 0) emu_wrong("four numbers at %p", (const void *)at);
#endif
}

__device__ inline struct four four_at(const float *from)
{
    check_four(from);
    float4 x = *(const float4 *)from;
    return {x.x, x.y, x.z, x.w};
}

__device__ inline void put_four(float *to, const struct four &x)
{
    check_four(to);
    *(float4 *)to = make_float4(x.of[0], x.of[1], x.of[2], x.of[3]);
}

/* Four or one, by `wide`. */
__device__ inline struct four numbers_at(const float *from, int wide)
{
    return wide == 4 ? four_at(from) : four{from[0]};
}

__device__ inline void put_numbers(float *to, const struct four &x, int wide)
{
    if (wide == 4)
        put_four(to, x);
    else
        to[0] = x.of[0];
}

/* Two words at a multiple of 8 bytes. */
__device__ inline void put_two(uint32_t *to, uint32_t a, uint32_t b)
{
#ifdef __CUDACC__
    *(uint2 *)to = make_uint2(a, b);
#else
    if ((size_t)to % 8 != 0) emu_wrong("two words at %p", (const void *)to);
    to[0] = a, to[1] = b;
#endif
}

/* n numbers as n / 4 fours and what is left: item i is number at = 4i.. of a four, or one of the rest. */
struct items {
    size_t fours, count;
};

inline struct items items_of(size_t n, bool wide)
{
    size_t fours = wide ? n / 4 : 0;
    return {fours, n - 3 * fours};
}

/* ---- small things */
/* Four words of shared memory at once; `at` is a multiple of 4. */
template <class Shared>
__device__ inline void store_four(Shared &to, int at, const uint32_t from[4])
{
#ifdef __CUDACC__
    *(uint4 *)&to[at] = make_uint4(from[0], from[1], from[2], from[3]);
#else
    for (int i = 0; i < 4; i++) to[at + i] = from[i];
#endif
}

__device__ inline float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}
#endif
#endif
