#ifndef TUI_SCREEN_THEME_H
#define TUI_SCREEN_THEME_H
/* Which colour an ink is, by theme, on terminals with 256, 16, 8 or no colours. Colour is
 * decoration: what it says is also a digit or a word, and without colours bold, underline and
 * reverse stand in. */
#include "core/base/err.h"
#include "tui/screen/canvas.h"

enum theme_depth { THEME_MONO, THEME_8, THEME_16, THEME_256 };
struct theme_look {
    short fore, back; /* colour numbers of the terminal's palette; -1: its own */
    bool bold, dim, reverse, underline;
};
struct ink_look;
struct theme {
    const char *name, *help;
    const struct ink_look *looks; /* INK_COUNT of them; NULL: theme_auto decides */
    enum theme_depth most;        /* it uses no more than these colours */
};
const struct theme *theme_at(int i); /* the table; the first is auto; NULL past the end */
const struct theme *theme_find(const char *name, struct err *e);
/* dark, or light where the terminal has said in COLORFGBG (may be NULL) that its ground is light */
const struct theme *theme_auto(const char *colorfgbg);

enum theme_depth theme_depth(int colours); /* what a terminal with so many colours can show */
struct theme_look theme_look(const struct theme *t, enum theme_depth depth, enum ink ink);
#endif
