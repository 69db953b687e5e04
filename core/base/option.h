#ifndef CORE_BASE_OPTION_H
#define CORE_BASE_OPTION_H
/* A named, typed, ranged, documented value. Knobs, settings and flags are tables of these; help,
 * completion, JSON, checkpoints and sliders walk the tables. The value itself is always a
 * double. */
#include "core/base/err.h"
#include "core/base/text.h"
#include <math.h>

enum option_kind { OPTION_REAL, OPTION_INT, OPTION_SWITCH, OPTION_CHOICE };
enum {                    /* flags */
       OPTION_LOG = 1,    /* a logarithmic slider */
       OPTION_SHAPES = 2, /* changing it re-shapes parameters */
       OPTION_MAX_E = 4,  /* max, start, paper are multiples of E, or max of N */
       OPTION_MAX_N = 8,
       OPTION_START_E = 16,
       OPTION_PAPER_E = 32,
       /* a strategy switched to takes the value that the knob of this name had, if that has this
     * too */
       OPTION_KEPT = 256,
       OPTION_OURS = 64,       /* in no paper: our addition */
       OPTION_DIVIDES_E = 128, /* E is a multiple of it */
};
struct option {
    const char *name, *help, *unit; /* unit NULL: a bare number */
    enum option_kind kind;
    double min, max, start, paper; /* paper NaN: not published */
    unsigned flags;
    const char *const *words; /* OPTION_CHOICE: NULL-terminated, value = index */
};
#define OPTION_NO_PAPER ((double)NAN)

double option_max(const struct option *o, int E, int N);
/* `paper` falls back to start where not published */
double option_start(const struct option *o, int E, bool paper);
/* Reads a value by kind (numbers; switches also on/off, true/false; choices also by word) and
 * checks its range. On error *to is left as it was and the sentence names the option, its range and
 * what was given. */
bool option_read(const struct option *o, const char *word, int E, int N, double *to, struct err *e);
/* The value as a person reads it: "0.40", "2", "on", "rms". to: at least 32 bytes. Returns `to`. */
char *option_show(const struct option *o, double value, char *to);
/* One notch up (dir +1) or down (-1): integers by 1, switches flip, choices go round, reals by 1/20
 * of the range (or of its logarithm; below the smallest of a log range lies 0 where min is 0), held
 * in range. */
double option_notch(const struct option *o, double value, int dir, int E, int N);
/* 0..1: where the value stands on its slider. */
double option_place(const struct option *o, double value, int E, int N);
/* The other way: the value that stands there, whole where the option is, else to four digits. */
double option_at(const struct option *o, double place, int E, int N);
const struct option *option_find(const struct option *table, int count, const char *name);
#endif
