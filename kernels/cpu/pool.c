/* kernels/cpu/pool.c - Units are claimed by counting down one word that also holds the number of
 * the job, so that a late thread can never touch the next job by mistake. Between jobs a thread
 * looks for work for a moment, then sleeps. */
#include "kernels/cpu/pool.h"
#include "kernels/table.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* How often an idle thread looks before it sleeps (some 50 microseconds), and the caller before it
 * gives up its turn. */
enum { LOOKS = 2000 };

struct helper {
    struct pool *pool;
    pthread_t thread;
    int number;
    _Atomic double busy; /* seconds on the newest timed job */
};
struct pool {
    _Atomic uint64_t left; /* job number << 32 | units not yet claimed */
    _Atomic int done;      /* units finished */
    int units;             /* of the job; these four hold still while a unit is claimed */
    bool timed;
    pool_work *work;
    void *job;

    pthread_mutex_t mutex; /* only to sleep and to wake */
    pthread_cond_t wake;
    _Atomic int asleep;
    _Atomic bool closing;
    int helpers;
    struct helper helper[];
};

static void pause_a_moment(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* Works on job `number` until all its units are claimed. */
static void join(struct pool *p, uint32_t number, int thread)
{
    uint64_t left = atomic_load(&p->left);
    double start = 0;
    while ((uint32_t)(left >> 32) == number && (uint32_t)left > 0) {
        if (!atomic_compare_exchange_weak(&p->left, &left, left - 1)) continue;
        bool timed = p->timed && thread > 0;
        if (timed && start == 0) start = kn_clock();
        p->work(p->job, p->units - (int)(uint32_t)left, thread);
        if (timed) atomic_store(&p->helper[thread - 1].busy, kn_clock() - start);
        atomic_fetch_add(&p->done, 1);
        left = atomic_load(&p->left);
    }
}

/* The number of a job newer than `seen`; sleeps until there is one. */
static uint32_t await_job(struct pool *p, uint32_t seen)
{
    for (int i = 0; i < LOOKS; i++) {
        uint32_t number = (uint32_t)(atomic_load(&p->left) >> 32);
        if (number != seen || atomic_load(&p->closing)) return number;
        pause_a_moment();
    }
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->asleep, 1);
    while ((uint32_t)(atomic_load(&p->left) >> 32) == seen && !atomic_load(&p->closing))
        pthread_cond_wait(&p->wake, &p->mutex);
    atomic_fetch_sub(&p->asleep, 1);
    pthread_mutex_unlock(&p->mutex);
    return (uint32_t)(atomic_load(&p->left) >> 32);
}

static void *help(void *of)
{
    struct helper *h = of;
    uint32_t seen = 0;
    while (!atomic_load(&h->pool->closing)) {
        seen = await_job(h->pool, seen);
        join(h->pool, seen, h->number);
    }
    return NULL;
}

static void wake_all(struct pool *p)
{
    pthread_mutex_lock(&p->mutex);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
}

struct pool *pool_open(int threads)
{
    struct pool *p = calloc(1, sizeof *p + (size_t)threads * sizeof *p->helper);
    if (!p) return NULL;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (int i = 0; i < threads - 1; i++) {
        p->helper[i] = (struct helper){.pool = p, .number = i + 1};
        if (pthread_create(&p->helper[i].thread, NULL, help, &p->helper[i]) != 0) {
            pool_close(p);
            return NULL;
        }
        p->helpers++;
    }
    return p;
}

void pool_close(struct pool *p)
{
    if (!p) return;
    atomic_store(&p->closing, true);
    wake_all(p);
    for (int i = 0; i < p->helpers; i++) pthread_join(p->helper[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

/* Puts the job up and works on it; some units may still be under way afterwards. */
static void begin(struct pool *p, int units, pool_work *work, void *job, bool timed)
{
    uint32_t number = (uint32_t)(atomic_load(&p->left) >> 32) + 1;
    p->units = units, p->work = work, p->job = job, p->timed = timed;
    atomic_store(&p->done, 0);
    atomic_store(&p->left, (uint64_t)number << 32 | (uint32_t)units);
    if (atomic_load(&p->asleep) > 0) wake_all(p);
    join(p, number, 0);
}

static void finish(const struct pool *p, int units)
{
    for (int i = 0; atomic_load(&p->done) < units; i++) {
        if (i < LOOKS)
            pause_a_moment();
        else
            sched_yield();
    }
}

void pool_run(struct pool *p, int units, pool_work *work, void *job)
{
    if (units < 1) return;
    begin(p, units, work, job, false);
    finish(p, units);
}

double pool_run_timed(struct pool *p, int units, pool_work *work, void *job)
{
    if (units < 1) return 0;
    for (int i = 0; i < p->helpers; i++) atomic_store(&p->helper[i].busy, 0);
    begin(p, units, work, job, true);
    double waits = kn_clock();
    finish(p, units);
    double helped = waits - kn_clock();
    for (int i = 0; i < p->helpers; i++) helped += atomic_load(&p->helper[i].busy);
    return helped;
}
