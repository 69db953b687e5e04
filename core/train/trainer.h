#ifndef CORE_TRAIN_TRAINER_H
#define CORE_TRAIN_TRAINER_H
/* One model in training: backend, data, model, optimiser and their place in time. Owned by one
 * thread. */
#include "core/data/dataset.h"
#include "core/metrics/snapshot.h"
#include "core/model/config.h"

struct trainer;

/* Opens everything that `c` names. The first step has not been made. */
struct trainer *trainer_open(const struct config *c, struct err *e);
void trainer_close(struct trainer *t); /* accepts NULL */

/* One optimiser step. False: it failed in a way that training cannot outlive (backend lost,
 * diverged for good); a step that was merely not finite is skipped, counted and told in the notice,
 * and returns true. */
bool trainer_step(struct trainer *t, struct err *e);
/* Fills what the newest step measured. `window`: also routes the window with the weights of now
 * (costs a small forward). */
void trainer_measure(struct trainer *t, struct snapshot *to, bool window);
/* The validation split (at most `tokens` tokens of it; 0: all, up to 2^18): fills val_*. */
bool trainer_evaluate(struct trainer *t, long tokens, struct snapshot *to, struct err *e);
/* The same a batch at a time, where one thread has more to do: begun, then one batch a call until
 * *done, when *to has val_* (but for val_leak, which takes long). No step in between. */
void trainer_evaluate_begin(struct trainer *t, long tokens);
bool trainer_evaluate_batch(struct trainer *t, struct snapshot *to, bool *done, struct err *e);
/* How far a run whose length is known in other terms than steps (minutes, FLOPs) has come, 0..1:
 * the learning rate then anneals by this instead of by steps. Negative: by steps again. */
void trainer_horizon(struct trainer *t, double fraction_done);

/* Strategies that learn from what their choice was worth (struct router, learn) train beside the
 * model (STAGE_ALL), or are bolted on: STAGE_BASE trains the model as in their baseline pass, then
 * STAGE_ALONE lets it rest and trains them. */
enum trainer_stage { STAGE_ALL, STAGE_BASE, STAGE_ALONE };
void trainer_stage(struct trainer *t, enum trainer_stage stage); /* other strategies: nothing */

/* Changes between two steps. What both strategies have is kept, the rest starts as at start. All or
 * nothing. */
bool trainer_set_router(struct trainer *t, const char *name, struct err *e);
bool trainer_set_knob(struct trainer *t, const char *name, const char *value, struct err *e);
/* lr, steps, clip, ... live; sizes: refused with "reset" as advice */
bool trainer_set(struct trainer *t, const char *name, const char *value, struct err *e);
/* Experts (from 0), in all layers at once; see struct fleet. What changes nothing is refused. Hired:
 * with fresh weights; also one that the strategy itself has fired. */
enum fleet_act { FLEET_BREAK, FLEET_MEND, FLEET_FREEZE, FLEET_THAW, FLEET_RETIRE, FLEET_HIRE };
bool trainer_fleet(struct trainer *t, enum fleet_act act, int expert, struct err *e);
/* Everything of `from` into `to`, each number times 1 + .01 u, u in [-1,1): alike to the last bit
 * they would learn the same for ever. Moments become 0. */
bool trainer_clone(struct trainer *t, int from, int to, struct err *e);
/* Strategy, knobs, live settings and fleet as in *c, an earlier config of this trainer. */
bool trainer_change(struct trainer *t, const struct config *c, struct err *e);
/* A fresh model in its place; the old one comes back, to be closed or swapped in again. NULL:
 * nothing has changed. */
struct trainer *trainer_renew(struct trainer *t, const struct config *c, struct err *e);
void trainer_swap(struct trainer *a, struct trainer *b); /* their whole contents */
/* To see the guard at work: the next step finds a NaN there, as if a kernel or a file had made it. */
enum trainer_poison { POISON_NONE, POISON_GRADIENT, POISON_WEIGHT, POISON_LOSS, POISON_LOGITS };
void trainer_inject(struct trainer *t, enum trainer_poison what);
/* the layer of snapshot's arrays */
void trainer_focus(struct trainer *t, int layer);
/* Of all weights: two trainers with the same one are in the same state of learning. */
uint64_t trainer_hash(struct trainer *t);
/* The notice of the next snapshot. */
void trainer_tell_of(struct trainer *t, const char *sentence);
/* a marker on the curves, now */
void trainer_mark(struct trainer *t, const char *text);

const struct config *trainer_config(const struct trainer *t);
long trainer_now(const struct trainer *t); /* steps made */
const struct dataset *trainer_data(const struct trainer *t);
struct model;
/* for benches and tests; ends with the next change of shapes */
struct model *trainer_model(struct trainer *t);

/* A checkpoint is one safetensors file: parameters by their Hugging Face names, optimiser, router
 * state, and in its metadata the config, step and data position; so one rename makes it whole.
 * Beside it, for other tools, config.json in Mixtral's form (FILE "model.safetensors":
 * "config.json"; else "STEM.config.json"). */
bool trainer_save(struct trainer *t, const char *path, struct err *e);
/* Opens a trainer from a checkpoint; what `override` names (backend, threads, steps...) wins where
 * it does not change shapes. */
struct trainer *trainer_resume(const char *path, const struct config *override, struct err *e);
/* The same for a text model that only writes: what it was trained on need not be there. */
struct trainer *trainer_revive(const char *path, const struct config *override, struct err *e);

/* Writes `tokens` characters of text from a text model, one call of `emit` each (count: real
 * experts, mean over layers); temperature 0: the likeliest. False from emit stops it. */
typedef bool trainer_emit(void *to, unsigned char byte, double experts);
bool trainer_sample(struct trainer *t, const char *prompt, long tokens, double temperature,
                    uint64_t seed, trainer_emit *emit, void *to, struct err *e);
#endif
