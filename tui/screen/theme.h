#ifndef TUI_SCREEN_THEME_H
#define TUI_SCREEN_THEME_H
/* Which colour an ink is, on terminals with 256, 16, 8 or no colours. Colour is decoration: what it
 * says is also a digit or a word, and without colours bold, underline and reverse stand in. */
#include "tui/screen/canvas.h"

enum theme_depth { THEME_MONO, THEME_8, THEME_16, THEME_256 };
struct theme_look {
    short fore, back; /* colour numbers of the terminal's palette; -1: its own */
    bool bold, dim, reverse, underline;
};
enum theme_depth theme_depth(int colours); /* what a terminal with so many colours can show */
struct theme_look theme_look(enum theme_depth depth, enum ink ink);
#endif
