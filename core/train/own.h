#ifndef CORE_TRAIN_OWN_H
#define CORE_TRAIN_OWN_H
/* A person's own tokens in the window's place, and the model writing on. */
#include "core/train/trainer.h"

enum { OWN_MOST = SNAP_TOKENS, OWN_ROOM = 4096 };

/* Text: the words with a blank between them, the first OWN_MOST bytes. Orders: item types, each a
 * number from 1 on, no two alike; that order then leads the window. `cut`: how many bytes did not
 * fit. */
bool own_try(struct trainer *t, int words, char *const *word, long *cut, struct err *e);
void own_end(struct trainer *t); /* the standing window again */

/* The model writes so many bytes behind what the window shows, one by each own_piece. */
bool own_write(struct trainer *t, long bytes, double temperature, struct err *e);
bool own_busy(const struct trainer *t);
bool own_piece(struct trainer *t, struct err *e);
/* What was typed and written so far; text only. Borrowed until the next call. */
const unsigned char *own_text(const struct trainer *t, int *bytes);
#endif
