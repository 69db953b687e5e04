#ifndef TESTS_GPU_GPU_H
#define TESTS_GPU_GPU_H
/* What the parts of check-gpu share. */
#include "core/train/trainer.h"

/* How the GPU multiplies: the value of VANPOOL_CUDA_MATH, and how far whole trainings may then be
 * from those in float64: each of the first few losses, and the mean over the end of a long run. */
struct math {
    const char *name;
    double few, many;
};
extern const struct math maths[];
enum { MATHS = 3 };
/* From now on; false: this GPU (or this build) has no such way, and multiplies in float32. */
bool gpu_math(const struct math *m);

extern bool quick;    /* small sizes: for an emulator */
extern char corpus[]; /* a text, as a data set is named */

/* NULL for `preset`: the sizes of the data set. `words`: NAME=VALUE of knobs and options, parted by
 * blanks. */
struct trainer *gpu_trainer(const char *data, const char *preset, const char *strategy,
                            const char *backend, const char *words, struct err *e);
void gpu_tell(bool ok, const char *what, const char *detail); /* one test */
void gpu_skip(const char *why);

/* all: every strategy, and a hundred steps. */
void training_check(const struct math *m, bool all);
/* A line of plain words for each thing that was measured, for table.awk. `only`: one preset, or
 * NULL. */
void times_steps(const char *backend, const char *only, const struct math *m);
void times_layer(const char *backend, const char *only, const struct math *m);
#endif
