#ifndef TESTS_CORE_MODEL_RIG_H
#define TESTS_CORE_MODEL_RIG_H
/* What the tests of model and trainer share: small configs, a text to train on, and the weights of
 * a trainer as numbers. */
#include "core/model/model.h"
#include "core/train/inside.h"
#include "tests/check.h"

/* A config for `data` ("orders", or "text": a text that is made once), small where `small`;
 * NAME=VALUE words, knobs or options, end with NULL. Aborts the test on an error. */
struct config rig_config(const char *data, const char *strategy, const char *backend, ...);
struct trainer *model_rig_open(const struct config *c);
void rig_steps(struct trainer *t, int steps);
/* A fresh model in its place; the old one is closed. */
bool rig_renew(struct trainer *t, const struct config *c, struct err *e);
/* All numbers of a block (w, g, m, v) in the order of the table: fresh memory, *n of them. */
double *model_rig_read(struct trainer *t, struct kn_buf block, size_t *n);
/* weights and both moments */
void rig_same_bits(struct trainer *a, struct trainer *b, const char *what);
const char *rig_text(void);   /* the path of the text */
const char *rig_folder(void); /* a folder for this process's files */
#endif
