#ifndef CORE_CONSOLE_JOURNAL_H
#define CORE_CONSOLE_JOURNAL_H
/* How the model of now came about: what it began as, and every line that changed it on the way,
 * with its step. As one line of words it is what `state` prints and reads:
 *   data=orders strategy=topk k=1 seed=7 @300:router,topp @412:knob,p,0.5 step=600
 * Settings and knobs that stand as they start are left out. A blank, comma or % in a word is %XX.
 * Training is deterministic (docs/decisions/0006), so the same words give the same model, bit by bit. */
#include "core/base/text.h"
#include "core/model/config.h"
#include "core/script/script.h"

struct journal {
    struct config start; /* of the fresh model at step 0 */
    char file[512];      /* or the checkpoint that the run went on from; "" none */
    bool unknown;        /* it was resumed, and nobody said from where */
    struct text lines;   /* " @STEP:WORD,WORD" for every change, oldest first */
};
/* A run begins: fresh with this config, or from `file` (NULL: none). */
void journal_begin(struct journal *j, const struct config *start, const char *file);
void journal_note(struct journal *j, long step, int argc, char **argv);
void journal_cut(struct journal *j, long step); /* the model is back at `step` */
void journal_free(struct journal *j);

bool journal_write(const struct journal *j, long step, struct text *to, struct err *e);

/* What such words ask for. Words of faces (view=, cursor=, layer=, axis=) are passed over, but for
 * the layer. */
struct journal_wish {
    struct config config;
    char file[512];
    long step;  /* to train to */
    int layer;  /* counted from 1; 0: not named */
    bool state; /* a run is described, not only a place to look at */
};
bool journal_read(const char *words, struct journal_wish *to, struct err *e);
/* The changes and the steps between them as command lines, for a model that is at step `now`. */
bool journal_script(const char *words, long now, struct script *to, struct err *e);
#endif
