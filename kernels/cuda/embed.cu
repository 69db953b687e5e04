/* Rows of a table by number. Back, each row of the table is the sum of the rows that took it: tokens are
 * put in order of their ids first (counted, not compared, so equal ids stay in order), and 64 of them
 * that stand together are a part. A part's rows of one id are one partial sum; its place is part + id,
 * which no other part and id have, as one of the two grows from each to the next. */
#include "kernels/cuda/cuda.h"

enum { CHUNK = 512, PART = 64, SORT_THREADS = 256 };

void cuda_embed(struct kn_backend *be, struct kn_buf y, struct kn_ints ids, struct kn_buf table,
                int T, int V, int D)
{
    float *to = KN_F32(y);
    const float *from = KN_F32(table);
    const int32_t *id = KN_I32(ids);
    (void)V;
    if (in_fours(D, to, from))
        each(be, (size_t)T * D / 4, [=] __device__(size_t i) {
            int wide = D / 4;
            put_four(to + 4 * i, four_at(from + (size_t)id[i / wide] * D + i % wide * 4));
        });
    else
        each(be, (size_t)T * D,
             [=] __device__(size_t i) { to[i] = from[(size_t)id[i / D] * D + i % D]; });
}

struct order {
    const int32_t *id;
    int32_t *start;  /* [V+1] where an id's tokens begin */
    int32_t *before; /* [chunks, V] tokens of an id in this chunk; then where they begin */
    int32_t *token;  /* [T] in order of id */
    unsigned *ticket;
    int T, V;
};

/* f(k, t) for the k-th token t of the block's chunk with id v. */
template <class Ids, class F> static __device__ int each_of(Ids &ids, int v, int n, F f)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        if (ids[i] == v) f(found++, blockIdx.x * CHUNK + i);
    return found;
}

template <class Ids> static __device__ int read_chunk(const struct order &o, Ids &ids)
{
    int first = blockIdx.x * CHUNK, n = o.T - first < CHUNK ? o.T - first : CHUNK;
    for (int i = threadIdx.x; i < n; i += SORT_THREADS) ids[i] = o.id[first + i];
    __syncthreads();
    return n;
}

/* Counts by chunk; the last block to come finds where each id, and each chunk's share of it, begins. */
static __global__ void count_kernel(struct order o)
{
    SHARED(int32_t, ids, CHUNK);
    SHARED(int32_t, all, SORT_THREADS);
    int n = read_chunk(o, ids), begin = 0;
    for (int v = threadIdx.x; v < o.V; v += SORT_THREADS)
        o.before[(size_t)blockIdx.x * o.V + v] = each_of(ids, v, n, [](int, int) {});
    if (!comes_last(o.ticket, gridDim.x)) return;
    for (int v0 = 0; v0 < o.V; v0 += SORT_THREADS) {
        int v = v0 + threadIdx.x, sum = 0;
        for (unsigned c = 0; v < o.V && c < gridDim.x; c++)
            sum += __ldcg(&o.before[(size_t)c * o.V + v]);
        all[threadIdx.x] = sum;
        __syncthreads();
        for (int i = 0; i < (int)threadIdx.x; i++) begin += all[i];
        if (v < o.V) o.start[v] = begin;
        int at = begin;
        for (unsigned c = 0; v < o.V && c < gridDim.x; c++) {
            int own = __ldcg(&o.before[(size_t)c * o.V + v]);
            o.before[(size_t)c * o.V + v] = at;
            at += own;
        }
        for (int i = threadIdx.x; i < SORT_THREADS; i++) begin += all[i];
        __syncthreads();
    }
    if (threadIdx.x == 0) o.start[o.V] = o.T;
}

static __global__ void place_kernel(struct order o)
{
    SHARED(int32_t, ids, CHUNK);
    int n = read_chunk(o, ids);
    for (int v = threadIdx.x; v < o.V; v += SORT_THREADS) {
        int32_t *to = o.token + o.before[(size_t)blockIdx.x * o.V + v];
        each_of(ids, v, n, [&](int k, int t) { to[k] = t; });
    }
}

/* Partial sums of four columns (one, where rows are not in fours). */
static void sum_rows(struct kn_backend *be, struct order o, float *part, float *to,
                     const float *from, int D, const char *op)
{
    int parts = (int)pieces(o.T, PART), wide = in_fours(D, part, to, from) ? 4 : 1, cols = D / wide;
    each(
        be, (size_t)parts * cols,
        [=] __device__(size_t n) {
            int p = (int)(n / cols), j = (int)(n % cols) * wide, was = -1;
            int end = (p + 1) * PART < o.T ? (p + 1) * PART : o.T;
            struct four sum = {};
            for (int i = p * PART; i < end; i++) {
                int t = o.token[i], v = o.id[t];
                struct four x = numbers_at(from + (size_t)t * D + j, wide);
                for (int k = 0; k < 4; k++) sum.of[k] = x.of[k] + (v == was ? sum.of[k] : 0);
                was = v;
                if (i + 1 < end && o.id[o.token[i + 1]] == v) continue;
                put_numbers(part + (size_t)(p + v) * D + j, sum, wide);
            }
        },
        op);
    each(
        be, (size_t)o.V * D,
        [=] __device__(size_t i) {
            int v = (int)(i / D), first = o.start[v] / PART,
                end = (o.start[v + 1] + PART - 1) / PART;
            float sum = 0;
            if (o.start[v] == o.start[v + 1]) return;
            for (int p = first; p < end; p++) sum += part[(size_t)(p + v) * D + i % D];
            to[i] += sum;
        },
        op);
}

void cuda_embed_back(struct kn_backend *be, struct kn_buf dtable, struct kn_buf dy,
                     struct kn_ints ids, int T, int V, int D)
{
    struct cuda *c = (struct cuda *)be;
    unsigned chunks = pieces(T, CHUNK);
    struct order o = {};
    size_t whole = (size_t)T + V + 1 + (size_t)chunks * V, room = ((size_t)pieces(T, PART) + V) * D;
    o.id = KN_I32(ids), o.ticket = c->ticket, o.T = T, o.V = V;
    o.token = (int32_t *)cells(be, (whole + room) / 2 + 3);
    o.start = o.token + T;
    o.before = o.start + V + 1;
    launch(be, __func__, chunks, SORT_THREADS, count_kernel, o);
    launch(be, __func__, chunks, SORT_THREADS, place_kernel, o);
    if (T > 0)
        sum_rows(be, o, (float *)o.token + (whole + 3) / 4 * 4, KN_F32(dtable), KN_F32(dy), D,
                 __func__);
}
