#ifndef TUI_VIEWS_RULE_H
#define TUI_VIEWS_RULE_H
/* The inside of the view `rule`. How a strategy decides is one of a few ways; what is particular to
 * it is a list of pictures. Both stand in one table (rule_faces.c); a strategy without an entry is
 * drawn as a cut, with its own metrics by their kind. */
#include "tui/views/facts.h"

enum { RULE_PICTURES = 4 };

/* One picture. Under its title it has at least `least` rows and at most `most`; `whole` says how
 * many it needs to leave nothing out (NULL: `least`). A title has at most 40 columns. */
struct rule_picture {
    const char *title;
    int least, most;
    int (*whole)(const struct scene *s);
    void (*draw)(struct canvas *to, const struct scene *s);
    void (*tell)(struct text *to, const struct scene *s); /* a fact a line; NULL: nothing to add */
};

/* What a token's columns are compared by, and with what. */
enum rule_way {
    RULE_CUT,   /* the largest are taken, so many */
    RULE_SUM,   /* the largest, until they add up to the knob p */
    RULE_BARS,  /* all that clear a bar of their own: metric `theta` */
    RULE_ZERO,  /* all above 0 */
    RULE_SEATS, /* those whose expert had a seat left: its lowest taken is its bar */
};
enum rule_reads { RULE_LOGITS, RULE_PROB, RULE_SCORE };

struct rule_face {
    const char *strategy; /* NULL: any other */
    const char *letter;   /* what is compared, as in the formula */
    enum rule_reads reads;
    enum rule_way way;
    const struct rule_picture *picture[RULE_PICTURES];
};
const struct rule_face *rule_face_of(const struct router *r);

/* ---- rule_facts.c: safe ways into the numbers ---- */
int rule_metric(const struct snapshot *now, const char *name);   /* index, or -1 */
double rule_value(const struct snapshot *now, const char *name); /* a scalar; NaN unknown */
/* What the way reads of a token of the layer looked at, [N]; NULL: it was not brought along. */
const float *rule_row(const struct scene *s, int token);
void rule_order(const float *row, int N, int order[COLUMNS_MAX]); /* falling */
/* The bar of a column, in the layer looked at: where a token must come above it; NaN: none. */
double rule_bar(const struct scene *s, int column);
/* "3", or what a slot is called ("null", "copy 2"); to: 32 bytes. */
char *rule_column(char *to, const struct snapshot *now, int column);
/* Where a list of `n` experts, a line each, is at its i-th on row y: in the last row it says how many
 * more there are, and true comes back. */
bool rule_more(struct canvas *to, int y, int i, int n, const struct scene *s);
/* A word that ends before column `right`. */
void rule_right(struct canvas *to, int right, int y, enum ink ink, const char *word);
/* The formula with the numbers of the token under the cursor. */
void rule_live(struct text *to, const struct scene *s);

/* ---- rule_kinds.c: losses and metrics by kind ---- */
int rule_kinds_rows(const struct scene *s); /* rows that all of it takes */
void rule_kinds_draw(struct canvas *to, const struct scene *s);
void rule_kinds_tell(struct text *to, const struct scene *s);

/* ---- the pictures ---- */
extern const struct rule_picture rule_cut, rule_stairs;            /* rule_token.c */
extern const struct rule_picture rule_bars, rule_zero, rule_seats; /* rule_fleet.c */
extern const struct rule_picture rule_bias, rule_raster;           /* a file each */
extern const struct rule_picture rule_sent, rule_counts, rule_nulls, rule_slots,
    rule_weights; /* rule_shares.c */
extern const struct rule_picture rule_lambda, rule_sparsity, rule_null_share, rule_band,
    rule_experts, rule_reward, rule_chunks; /* rule_time.c */
#endif
