#ifndef TUI_APP_PALETTE_H
#define TUI_APP_PALETTE_H
/* Everything that can be done, searched by typing: keys' actions, views, strategies, knobs,
 * scenarios, presets, commands, settings and measures, out of the tables that make them. */
#include "core/metrics/snapshot.h"
#include "tui/screen/canvas.h"

struct palette_entry {
    const char *kind; /* "key", "view", "strategy" ... */
    char name[48], key[24], help[240];
    char line[80]; /* "@ACTION" or a command line; one that ends in a blank, = or : wants words */
    int score;
};
struct palette {
    struct palette_entry *entry; /* all, in the order of the tables */
    int count, room;
    int *found; /* those that match, best first */
    int matches, choice;
    char query[64];
};

/* Gathers the entries. now: whose knobs; NULL, none yet. Out of memory: those that fit. */
void palette_open(struct palette *p, const struct snapshot *now);
void palette_close(struct palette *p); /* accepts a zeroed one */
/* A character is added to what is searched for; "Backspace" takes one away, "Ctrl-U" all. False:
 * the key is not for searching. */
bool palette_search(struct palette *p, const char *key);
void palette_put(struct palette *p, const char *text); /* its letters, as if typed */
void palette_move(struct palette *p, int steps);
const struct palette_entry *palette_chosen(const struct palette *p); /* NULL: nothing matches */
bool palette_wants_words(const struct palette_entry *e);
/* Rows that all of it wants; draws into a box of any size. */
int palette_rows(const struct palette *p);
void palette_draw(const struct palette *p, struct canvas *to);
#endif
