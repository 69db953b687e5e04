#ifndef KERNELS_CPU_POOL_H
#define KERNELS_CPU_POOL_H
/* A few threads that share the units of one job after another. The caller works too, and never
 * waits for a thread that has not begun: on a busy machine it does the whole job itself. Which
 * thread does a unit is left open; units write to places of their own, so results do not depend on
 * it. */
#include <stdbool.h>

struct pool;

/* `threads` in all, the caller among them; NULL: no memory, or no thread to be had. */
struct pool *pool_open(int threads);
void pool_close(struct pool *p); /* accepts NULL */

/* Calls work(job, unit, thread) once for each unit in 0..units-1, thread in 0..threads-1, and
 * returns when all are done. Called by one thread at a time. */
typedef void pool_work(void *job, int unit, int thread);
void pool_run(struct pool *p, int units, pool_work *work, void *job);
/* The same with a look at the clock around each unit. Returns the thread-seconds that the others
 * worked, less the seconds that the caller waited for them at the end. */
double pool_run_timed(struct pool *p, int units, pool_work *work, void *job);
#endif
