#ifndef TUI_VIEWS_FACTS_H
#define TUI_VIEWS_FACTS_H
/* What views have in common: the words for the data at hand, numbers as people read them, and safe
 * ways into a snapshot's arrays. Every `to` has at least 32 bytes and is returned. */
#include "tui/views/view.h"

/* Orders are sent vans and are delivered; characters are given experts and are predicted. */
struct words {
    const char *expert, *experts, *token, *tokens, *right;
};
const struct words *facts_words(const struct snapshot *now);

char *facts_whole(char *to, double value);              /* 1240 -> "1,240" */
char *facts_percent(char *to, double share);            /* 0.713 -> "71 %" */
char *facts_number(char *to, double value, int digits); /* "2.03", "–" */
/* as its size asks: "2.4e-06", "0.0042", "0.31", "12.4" */
char *facts_figure(char *to, double value);

/* the layer looked at, held in range; 0 where there is none */
int facts_layer(const struct scene *s);
int facts_cursor(const struct scene *s); /* held in 0 .. tokens - 1; -1 where there is no token */
int facts_columns(const struct snapshot *now); /* N = E + S, held in 0 .. COLUMNS_MAX */
bool facts_taken(const struct snap_token *t, int layer, int column);
/* One token's row of now->logits, prob, score or gate; NULL where this layer or token was not
 * brought along. */
const float *facts_row(const struct snapshot *now, const float *array, int token, int layer);
/* Real experts per token of a layer, mean over the step's tokens, from count_share (16+ counts as
 * 16); NaN unknown. */
double facts_layer_mean(const struct snapshot *now, int layer);
/* What decides whether a column is taken by the token under the cursor: "p 0.40", the lowest score
 * taken, "bars 0.48…0.52", "above 0". */
char *facts_threshold(char *to, const struct scene *s);
bool facts_has_slots(const struct snapshot *now);
/* The value of the running strategy's knob; NaN where it has none of that name. */
double facts_knob(const struct snapshot *now, const char *name);
enum ink facts_van_ink(int van);
/* What stands in the way of a van's work or learning: "broken", "retired", "frozen"; "" nothing. */
const char *facts_van_state(const struct snapshot *now, int van);
/* The word behind a bar of `width` columns at x of which `part` (0..1) is filled; "" nothing. */
void facts_draw_state(struct canvas *to, int x, int y, int width, double part, const char *word);

/* One sentence in the middle, where there is nothing to show yet. True: it was drawn. */
bool facts_waiting(struct canvas *to, const struct scene *s);
#endif
