#ifndef TUI_PROMPT_WATCH_H
#define TUI_PROMPT_WATCH_H
/* `watch FIELD... [every=N]`: numbers that a person wants beside every report while it trains, in
 * every face. */
#include "core/base/text.h"
#include "core/metrics/snapshot.h"

enum { WATCH_MOST = 8, WATCH_EVERY = 100 };
struct watch {
    char name[WATCH_MOST][64];
    int count;
    long every; /* steps, where the face can count them; 0: WATCH_EVERY */
};
/* No word: tells what is watched; `watch none` ends it. All or nothing. */
bool watch_command(struct watch *w, int argc, char **argv, const struct snapshot *now,
                   struct text *out, struct err *e);
/* "load_cv 0.27, dead_experts 0 experts", or nothing. */
void watch_tell(const struct watch *w, const struct snapshot *now, struct text *out);
long watch_every(const struct watch *w); /* 0: nothing is watched */
#endif
