/* A step as one piece of work. Its calls are written down as the ops are asked; then they are held
 * against those of the graph that there is. Where kernels and shapes are the same, what differs of
 * their arguments is told to the graph (a knob, the learning rate, where the batch stands), and all
 * of it is started as one; else it is started call by call, and becomes the graph when it comes a
 * second time. A few graphs are kept, as a strategy's steps may take turns. So no kernel knows of
 * graphs, and no knob needs another one. */
#include "kernels/cuda/cuda.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRAPHS = 4,
    AHEAD = 2,         /* steps that the host may be ahead */
    STAGING = 4 << 20, /* bytes that a step's own numbers may take */
    TOLD = 4 * AHEAD   /* records on their way */
};

/* The calls of a step, in order. */
enum { CALLS = 1 << 13, ARGUMENTS = 1 << 21 };
struct work {
    int calls;
    size_t used;
    struct cuda_call call[CALLS];
    alignas(16) unsigned char arguments[ARGUMENTS];
};

/* One graph, and what it was last told. */
struct whole {
    struct work work;
    cudaGraphExec_t graph; /* NULL: there is none */
    cudaGraphNode_t node[CALLS];
    unsigned used; /* the newest step that was it */
};

struct cuda_graph {
    struct work now;
    struct whole whole[GRAPHS];
    uint64_t
        seen[GRAPHS]; /* the shapes of the newest steps that were started call by call: a ring */
    unsigned sights;
    bool off; /* VANPOOL_CUDA_GRAPH=off, or the driver could not */
    cudaEvent_t done[AHEAD];
    unsigned step; /* counts steps: each second one has the same place for its numbers */
    char *staging; /* [AHEAD][STAGING], of the host, that the device can read */
    size_t staged;
    struct cuda_told *told; /* [TOLD], likewise, that it writes */
    uint32_t said, heard;
};

/* ---- open, close */
bool cuda_graph_open(struct cuda *c)
{
    const char *wish = getenv("VANPOOL_CUDA_GRAPH");
    struct cuda_graph *g = c->graph = calloc(1, sizeof *g);
    if (!g) return false;
    g->off = wish && strcmp(wish, "off") == 0;
    for (int i = 0; i < AHEAD; i++)
        if (cudaEventCreateWithFlags(&g->done[i], cudaEventDisableTiming) != cudaSuccess)
            return false;
    return cudaHostAlloc((void **)&g->staging, (size_t)AHEAD * STAGING, cudaHostAllocMapped) ==
               cudaSuccess &&
           cudaHostAlloc((void **)&g->told, TOLD * sizeof *g->told, cudaHostAllocMapped) ==
               cudaSuccess;
}

static void drop_graph(struct whole *w)
{
    if (w->graph) cudaGraphExecDestroy(w->graph);
    w->graph = NULL;
}

void cuda_graph_close(struct cuda *c)
{
    struct cuda_graph *g = c->graph;
    if (!g) return;
    for (int i = 0; i < GRAPHS; i++) drop_graph(&g->whole[i]);
    for (int i = 0; i < AHEAD; i++)
        if (g->done[i]) cudaEventDestroy(g->done[i]);
    cudaFreeHost(g->staging), cudaFreeHost(g->told);
    free(g);
    c->graph = NULL;
}

/* ---- writing */
static void start_all(struct cuda *c, const struct work *w)
{
    for (int i = 0; i < w->calls && !c->head.failed_op; i++)
        w->call[i].start(c, &w->call[i], w->arguments + w->call[i].at);
}

void cuda_flush(struct cuda *c)
{
    c->changes++;
    if (!c->writing) return;
    c->writing = false;
    start_all(c, &c->graph->now);
}

void *cuda_write_down(struct cuda *c, struct cuda_call call)
{
    c->changes++;
    if (!c->writing) return NULL;
    struct work *w = &c->graph->now;
    if (w->calls == CALLS || call.size > ARGUMENTS - w->used) {
        cuda_flush(c);
        return NULL;
    }
    call.at = w->used;
    w->call[w->calls++] = call;
    w->used += (call.size + 15) / 16 * 16;
    return memset(w->arguments + call.at, 0, call.size);
}

void *cuda_staging(struct cuda *c, size_t bytes)
{
    struct cuda_graph *g = c->graph;
    if (!c->writing || bytes % 4 || bytes > STAGING - g->staged) return NULL;
    void *at = g->staging + (size_t)(g->step % AHEAD) * STAGING + g->staged;
    g->staged += (bytes + 15) / 16 * 16;
    return at;
}

/* ---- a step */
void cuda_step_begin(struct kn_backend *be)
{
    struct cuda *c = (struct cuda *)be;
    struct cuda_graph *g = c->graph;
    if (be->failed_op) return;
    cuda_failed(be, "step", cudaEventSynchronize(g->done[g->step % AHEAD]));
    g->now.calls = 0;
    g->now.used = g->staged = 0;
    c->writing = !g->off && !be->timing;
}

static bool same_shape(const struct cuda_call *a, const struct cuda_call *b)
{
    return a->what == b->what && a->size == b->size &&
           memcmp(a->grid, b->grid, sizeof a->grid) == 0 &&
           memcmp(a->block, b->block, sizeof a->block) == 0;
}

/* Kernels and grids in their order as one number (FNV-1a). */
static uint64_t shape_of(const struct work *w)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < w->calls; i++) {
        const struct cuda_call *one = &w->call[i];
        uintptr_t parts[] = {(uintptr_t)one->what, one->grid[0],  one->grid[1],  one->grid[2],
                             one->block[0],        one->block[1], one->block[2], one->size};
        for (size_t k = 0; k < sizeof parts; k++)
            hash = (hash ^ ((const unsigned char *)parts)[k]) * 1099511628211u;
    }
    return hash;
}

/* The call's arguments of now, told to its node. */
static bool tell_node(struct whole *to, const struct work *now, int i)
{
    void *each[CUDA_MOST_ARGUMENTS];
    const struct cuda_call *one = &now->call[i];
    unsigned char *kept = to->work.arguments + one->at;
    if (!one->point) return false;
    memcpy(kept, now->arguments + one->at, one->size);
    one->point(kept, each);
    struct cudaKernelNodeParams p = {.func = (void *)one->what,
                                     .gridDim = {one->grid[0], one->grid[1], one->grid[2]},
                                     .blockDim = {one->block[0], one->block[1], one->block[2]},
                                     .kernelParams = each};
    return cudaGraphExecKernelNodeSetParams(to->graph, to->node[i], &p) == cudaSuccess;
}

static bool fits(const struct whole *w, const struct work *now)
{
    if (!w->graph || now->calls != w->work.calls) return false;
    for (int i = 0; i < now->calls; i++)
        if (!same_shape(&now->call[i], &w->work.call[i])) return false;
    return true;
}

/* The graph of this step, told what is new in it; NULL: there is none. */
static struct whole *find(struct cuda_graph *g)
{
    const struct work *now = &g->now;
    struct whole *w = NULL;
    for (int k = 0; !w && k < GRAPHS; k++)
        if (fits(&g->whole[k], now)) w = &g->whole[k];
    for (int i = 0; w && i < now->calls; i++) {
        size_t at = now->call[i].at, size = now->call[i].size;
        if (memcmp(now->arguments + at, w->work.arguments + at, size) == 0) continue;
        if (tell_node(w, now, i)) continue;
        drop_graph(w); /* a product of cuBLAS with other arrays */
        w = NULL;
    }
    return w;
}

/* The newest node of what is being captured. */
static cudaGraphNode_t newest_node(cudaStream_t stream)
{
    enum cudaStreamCaptureStatus status;
    const cudaGraphNode_t *last = NULL;
    size_t n = 0;
#if CUDART_VERSION >= 13000
    cudaError_t code = cudaStreamGetCaptureInfo(stream, &status, NULL, NULL, &last, NULL, &n);
#else
    cudaError_t code = cudaStreamGetCaptureInfo_v2(stream, &status, NULL, NULL, &last, &n);
#endif
    return code == cudaSuccess && n == 1 ? last[0] : NULL;
}

/* The place of the graph that was used longest ago. */
static struct whole *oldest(struct cuda_graph *g)
{
    struct whole *w = &g->whole[0];
    for (int k = 1; k < GRAPHS && w->graph; k++)
        if (!g->whole[k].graph || g->step - g->whole[k].used > g->step - w->used) w = &g->whole[k];
    drop_graph(w);
    return w;
}

/* The step as a graph. NULL: the driver cannot, and then there are none. */
static struct whole *capture(struct cuda *c)
{
    struct cuda_graph *g = c->graph;
    const struct work *now = &g->now;
    struct whole *w = oldest(g);
    cudaGraph_t made = NULL;
    /* Relaxed: cuBLAS may load what it needs when it is first asked. */
    bool ok = cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeRelaxed) == cudaSuccess;
    for (int i = 0; ok && i < now->calls && !c->head.failed_op; i++) {
        now->call[i].start(c, &now->call[i], now->arguments + now->call[i].at);
        w->node[i] = newest_node(c->stream);
    }
    if (ok) ok = cudaStreamEndCapture(c->stream, &made) == cudaSuccess && !c->head.failed_op;
    ok = ok && cudaGraphInstantiate(&w->graph, made, 0) == cudaSuccess;
    if (made) cudaGraphDestroy(made);
    if (ok) {
        memcpy(&w->work, now, offsetof(struct work, arguments) + now->used);
        return w;
    }
    w->graph = NULL, g->off = true;
    c->head.failed_op = NULL; /* what ails the device itself is found again, call by call */
    cudaGetLastError();
    return NULL;
}

static bool seen(struct cuda_graph *g)
{
    uint64_t shape = shape_of(&g->now);
    for (int i = 0; i < GRAPHS; i++)
        if (g->seen[i] == shape) return true;
    g->seen[g->sights++ % GRAPHS] = shape;
    return false;
}

void cuda_step_end(struct kn_backend *be)
{
    struct cuda *c = (struct cuda *)be;
    struct cuda_graph *g = c->graph;
    if (c->writing && !be->failed_op) {
        struct whole *w = find(g);
        if (!w && seen(g)) w = capture(c);
        c->writing = false;
        if (w)
            w->used = g->step, cuda_failed(be, "step", cudaGraphLaunch(w->graph, c->stream));
        else
            start_all(c, &g->now);
    }
    c->writing = false;
    if (!be->failed_op)
        cuda_failed(be, "step", cudaEventRecord(g->done[g->step++ % AHEAD], c->stream));
}

/* ---- what comes back */
void cuda_tell(struct kn_backend *be, struct kn_buf x, int n)
{
    struct cuda_graph *g = ((struct cuda *)be)->graph;
    uint32_t number = ++g->said;
    cuda_say(be, &g->told[number % TOLD], number, KN_F32(x), n);
}

bool cuda_hear(struct kn_backend *be, double *to, int n, bool wait)
{
    struct cuda_graph *g = ((struct cuda *)be)->graph;
    const struct cuda_told *from = &g->told[(g->heard + 1) % TOLD];
    if (g->heard == g->said || be->failed_op) return false;
    if (wait && from->number != g->heard + 1) be->table->sync(be);
    if (be->failed_op || from->number != g->heard + 1) return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    for (int i = 0; i < n; i++) to[i] = from->of[i];
    g->heard++;
    return true;
}
