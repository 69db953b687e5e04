/* Runs a kernel on the CPU: blocks one after the other, the threads of a block as fibers that give
 * way at barriers and shuffles only. A thread that meets none costs no more than a call: its fiber
 * takes the next thread. Every other launch runs blocks and threads backwards, so that a result
 * that depends on their order differs from one run to the next. */
#include "tests/emu/cuda_runtime.h"

#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

namespace
{
enum { WARP = 32, MOST = 1024, STACK = 128 << 10 };
enum state { FRESH, READY, AT_BARRIER, AT_SHUFFLE, DONE };

struct fiber {
    ucontext_t first; /* how it starts; from then on `at` */
    jmp_buf at;
    bool begun;
};

struct thread : emu_thread {
    enum state state;
    struct fiber *on;
    emu_exchange kind;
    unsigned mask;
    uint64_t mine, got;
    int from;
};

struct thread threads[MOST];
struct fiber fibers[MOST], *spare[MOST];
int n_spare, n_fibers, n_threads, done;
bool backwards;
void (*body)(void *);
void *job;
jmp_buf scheduler;
pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

int in_order(int i)
{
    return backwards ? n_threads - 1 - i : i;
}

struct thread *me()
{
    return static_cast<struct thread *>(emu_now);
}

/* Back to the scheduler; returns when it takes this fiber up again. */
__attribute__((noinline)) void give_way(struct fiber *f)
{
    if (!_setjmp(f->at)) _longjmp(scheduler, 1);
}

void fiber_main()
{
    for (;;) {
        body(job);
        me()->state = DONE;
        done++;
        /* A neighbour in order only: looking for one costs nothing then. */
        int i = me()->number + (backwards ? -1 : 1);
        struct thread *next = i >= 0 && i < n_threads ? &threads[i] : nullptr;
        if (next && next->state == FRESH) {
            next->state = READY;
            next->on = me()->on;
            emu_now = next;
            continue;
        }
        spare[n_spare++] = me()->on;
        give_way(me()->on);
    }
}

struct fiber *take_fiber()
{
    if (n_spare > 0) return spare[--n_spare];
    struct fiber *f = &fibers[n_fibers++];
    void *stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) emu_wrong("no memory for a thread's stack");
    getcontext(&f->first);
    f->first.uc_stack.ss_sp = stack;
    f->first.uc_stack.ss_size = STACK;
    f->first.uc_link = nullptr;
    makecontext(&f->first, fiber_main, 0);
    return f;
}

__attribute__((noinline)) void resume(struct thread *t)
{
    if (t->state == FRESH) t->on = take_fiber();
    t->state = READY;
    emu_now = t;
    if (_setjmp(scheduler)) return;
    if (t->on->begun) _longjmp(t->on->at, 1);
    t->on->begun = true;
    setcontext(&t->on->first);
}

void open_barrier()
{
    for (int i = 0; i < n_threads; i++) {
        if (threads[i].state == DONE) emu_wrong("thread %d ended where others wait", i);
        if (threads[i].state != AT_BARRIER) emu_wrong("thread %d is not at the barrier", i);
        threads[i].state = READY;
        threads[i].block_syncs++;
    }
}

void run_block()
{
    n_threads = (int)(emu_block.x * emu_block.y * emu_block.z);
    emu_block_serial += emu_block_serial == ~0u ? 2 : 1;
    done = 0;
    for (int i = 0; i < n_threads; i++) {
        struct thread *t = &threads[i];
        t->index = dim3((unsigned)i % emu_block.x, (unsigned)i / emu_block.x % emu_block.y,
                        (unsigned)i / emu_block.x / emu_block.y);
        t->number = i, t->lane = i % WARP, t->warp = i / WARP;
        t->block_syncs = t->warp_syncs = 0;
        t->state = FRESH;
    }
    while (done < n_threads) {
        bool moved = false;
        for (int i = 0; i < n_threads; i++) {
            struct thread *t = &threads[in_order(i)];
            if (t->state != FRESH && t->state != READY) continue;
            moved = true;
            resume(t);
        }
        if (moved || done == n_threads) continue;
        for (int i = 0; i < n_threads; i++)
            if (threads[i].state == AT_SHUFFLE)
                emu_wrong("thread %d waits in a shuffle of lanes %08x that not all came to", i,
                          threads[i].mask);
        open_barrier();
    }
}

uint64_t answer(const struct thread *warp, const struct thread *t)
{
    int lane = t->lane;
    uint64_t votes = 0;
    switch (t->kind) {
    case EMU_SYNC:
        return 0;
    case EMU_BALLOT:
        for (int i = 0; i < WARP; i++)
            if (t->mask >> i & 1 && warp[i].mine) votes |= 1u << i;
        return votes;
    case EMU_INDEX:
        lane = t->from % WARP;
        break;
    case EMU_XOR:
        lane ^= t->from;
        break;
    case EMU_DOWN:
        lane += lane + t->from < WARP ? t->from : 0;
        break;
    case EMU_UP:
        lane -= lane >= t->from ? t->from : 0;
        break;
    }
    if (!(t->mask >> lane & 1)) emu_wrong("lane %d asks lane %d, not in the mask", t->lane, lane);
    return warp[lane].mine;
}
} // namespace

struct emu_thread *emu_now;
dim3 emu_grid, emu_block, emu_at;
unsigned emu_block_serial;

void emu_wrong(const char *format, ...)
{
    va_list args;
    fprintf(stderr, "emulator: block (%u, %u, %u) of %u x %u x %u, thread %d: ", emu_at.x, emu_at.y,
            emu_at.z, emu_grid.x, emu_grid.y, emu_grid.z, emu_now ? emu_now->number : -1);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    abort();
}

void __syncthreads()
{
    me()->state = AT_BARRIER;
    give_way(me()->on);
}

uint64_t emu_shuffle(emu_exchange kind, unsigned mask, uint64_t mine, int from)
{
    struct thread *t = me(), *warp = t - t->lane;
    int lanes = n_threads - t->warp * WARP < WARP ? n_threads - t->warp * WARP : WARP;
    if (!(mask >> t->lane & 1)) emu_wrong("lane %d is not in its own mask %08x", t->lane, mask);
    if (lanes < WARP) mask &= (1u << lanes) - 1;
    t->kind = kind, t->mask = mask, t->mine = mine, t->from = from;
    t->state = AT_SHUFFLE;
    for (int i = 0; i < lanes; i++) {
        if (!(mask >> i & 1) || warp[i].state == AT_SHUFFLE) continue;
        if (warp[i].state == DONE) emu_wrong("lane %d ended where others shuffle", i);
        if (warp[i].state == AT_BARRIER)
            emu_wrong("lane %d is at a barrier, not in the shuffle", i);
        give_way(t->on);
        return t->got;
    }
    for (int i = 0; i < lanes; i++) {
        if (!(mask >> i & 1)) continue;
        if (warp[i].kind != kind || warp[i].mask != mask)
            emu_wrong("lanes %d and %d are in different shuffles", t->lane, i);
        warp[i].got = answer(warp, &warp[i]);
    }
    for (int i = 0; i < lanes; i++)
        if (mask >> i & 1) warp[i].state = READY, warp[i].warp_syncs++;
    return t->got;
}

void __syncwarp(unsigned mask)
{
    emu_shuffle(EMU_SYNC, mask, 0, 0);
}

/* To 10 bits of mantissa, halves away from zero, as cvt.rna.tf32 does. */
float emu_tf32(float x)
{
    unsigned bits = __float_as_uint(x);
    if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The lanes bring their operands to a table that all read when all have come; two tables in turn, so
 * that a lane that is ahead does not write over what others still read. */
void emu_multiply_tiles(float c[4], const float a[4], const float b[2])
{
    static float left[2][MOST / WARP][16][8], right[2][MOST / WARP][8][8];
    int turn = emu_now->warp_syncs % 2, warp = emu_now->warp, g = emu_now->lane / 4,
        i = emu_now->lane % 4;
    for (int h = 0; h < 4; h++) left[turn][warp][g + h % 2 * 8][i + h / 2 * 4] = emu_tf32(a[h]);
    for (int h = 0; h < 2; h++) right[turn][warp][i + h * 4][g] = emu_tf32(b[h]);
    __syncwarp();
    for (int h = 0; h < 4; h++)
        for (int k = 0; k < 8; k++)
            c[h] += left[turn][warp][g + h / 2 * 8][k] * right[turn][warp][k][2 * i + h % 2];
}

void emu_multiply_bf16(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    static float left[2][MOST / WARP][16][16], right[2][MOST / WARP][16][8];
    int turn = emu_now->warp_syncs % 2, warp = emu_now->warp, g = emu_now->lane / 4,
        i = emu_now->lane % 4;
    for (int h = 0; h < 8; h++)
        left[turn][warp][g + h / 2 % 2 * 8][2 * i + h / 4 * 8 + h % 2] =
            __uint_as_float(h % 2 ? a[h / 2] & 0xffff0000u : a[h / 2] << 16);
    for (int h = 0; h < 4; h++)
        right[turn][warp][2 * i + h / 2 * 8 + h % 2][g] =
            __uint_as_float(h % 2 ? b[h / 2] & 0xffff0000u : b[h / 2] << 16);
    __syncwarp();
    for (int h = 0; h < 4; h++)
        for (int k = 0; k < 16; k++)
            c[h] += left[turn][warp][g + h / 2 * 8][k] * right[turn][warp][k][2 * i + h % 2];
}

void emu_launch(dim3 grid, dim3 block, void (*with)(void *), void *of)
{
    if (!emu_may_run(grid, block)) return;
    pthread_mutex_lock(&one_at_a_time);
    emu_grid = grid, emu_block = block;
    body = with, job = of;
    backwards = !backwards;
    size_t blocks = (size_t)grid.x * grid.y * grid.z;
    for (size_t i = 0; i < blocks; i++) {
        size_t at = backwards ? blocks - 1 - i : i;
        emu_at = dim3((unsigned)(at % grid.x), (unsigned)(at / grid.x % grid.y),
                      (unsigned)(at / grid.x / grid.y));
        run_block();
    }
    emu_now = nullptr;
    pthread_mutex_unlock(&one_at_a_time);
}
