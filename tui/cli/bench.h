#ifndef TUI_CLI_BENCH_H
#define TUI_CLI_BENCH_H
/* What `bench` keeps of a run, and its parts: each measures one thing at one size on so many
 * threads, and adds its lines. */
#include "core/model/config.h"
#include "tui/cli/cli.h"
#include <jansson.h>

enum { REPEATS = 9, PEAKS = 8, BENCH_STEPS = 256 };
struct bench {
    const struct flags *flags;
    json_t *rows;
    char corpus[512]; /* "text:FILE", of letters made here; "" not yet */
    int threads[2], thread_counts;
    double peak[PEAKS + 1]; /* GFLOP/s by threads; NaN: not measured */
    char backend[16], simd[16];
    uint64_t first; /* fingerprint of the weights on the first number of threads; 0: none yet */
};

/* Keeps the row for --require and writes it. `more`: keys of its own, taken over; ms, gflop,
 * tokens: NaN unknown. */
bool bench_add(struct bench *b, json_t *more, const char *what, const char *preset, int threads,
               double ms, double gflop, double tokens, struct err *e);
void bench_put(json_t *row, const char *key, double value); /* NaN: null */
double bench_median(double *ms, int n);                     /* sorts them */
int bench_steps(const char *preset);                        /* at most BENCH_STEPS - 2 */
bool bench_config(struct bench *b, const char *preset, int threads, struct config *c,
                  struct err *e);

/* bench_work.c */
bool bench_ops(struct bench *b, const char *preset, int threads, struct err *e);
bool bench_decode(struct bench *b, const char *preset, int threads, struct err *e);
bool bench_slope(struct bench *b, const char *preset, int threads, struct err *e);
bool bench_strategies(struct bench *b, const char *preset, int threads, struct err *e);
#endif
