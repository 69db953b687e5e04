/* tui/screen/theme.c - One table: an ink and what it looks like at each depth.
 * The vans' colours keep apart for colour-blind eyes too (after Okabe and Ito); the heat ramp grows
 * in lightness. */
#include "tui/screen/theme.h"

enum { OWN = -1, BOLD = 1, DIM = 2, REVERSE = 4, UNDERLINE = 8 };

struct ink_look {
    short fore256, back256, fore16, back16;
    unsigned char mono;
};
static const struct ink_look looks[INK_COUNT] = {
    [INK_TEXT] = {OWN, OWN, OWN, OWN, 0},       [INK_DIM] = {244, OWN, 8, OWN, 0},
    [INK_BRIGHT] = {255, OWN, 15, OWN, BOLD},   [INK_TITLE] = {222, OWN, 11, OWN, BOLD},
    [INK_FRAME] = {239, OWN, 8, OWN, 0},        [INK_GOOD] = {114, OWN, 10, OWN, 0},
    [INK_WARN] = {221, OWN, 11, OWN, 0},        [INK_BAD] = {210, OWN, 9, OWN, BOLD},
    [INK_ACCENT] = {117, OWN, 14, OWN, BOLD},   [INK_KEY] = {252, 237, 15, OWN, BOLD},
    [INK_SELECTED] = {16, 252, 0, 7, REVERSE},  [INK_VAN0 + 0] = {214, OWN, 3, OWN, 0},
    [INK_VAN0 + 1] = {74, OWN, 14, OWN, 0},     [INK_VAN0 + 2] = {36, OWN, 2, OWN, 0},
    [INK_VAN0 + 3] = {227, OWN, 11, OWN, 0},    [INK_VAN0 + 4] = {32, OWN, 12, OWN, 0},
    [INK_VAN0 + 5] = {166, OWN, 9, OWN, 0},     [INK_VAN0 + 6] = {175, OWN, 13, OWN, 0},
    [INK_VAN0 + 7] = {250, OWN, 7, OWN, 0},     [INK_HEAT0 + 0] = {255, 53, 15, 4, 0},
    [INK_HEAT0 + 1] = {255, 24, 15, 5, 0},      [INK_HEAT0 + 2] = {255, 30, 0, 2, UNDERLINE},
    [INK_HEAT0 + 3] = {16, 36, 0, 6, BOLD},     [INK_HEAT0 + 4] = {16, 113, 0, 3, BOLD | UNDERLINE},
    [INK_HEAT0 + 5] = {16, 220, 0, 7, REVERSE},
};

enum theme_depth theme_depth(int colours)
{
    return colours >= 256  ? THEME_256
           : colours >= 16 ? THEME_16
           : colours >= 8  ? THEME_8
                           : THEME_MONO;
}

struct theme_look theme_look(enum theme_depth depth, enum ink ink)
{
    const struct ink_look *l = &looks[ink < INK_COUNT ? ink : INK_TEXT];
    struct theme_look look = {.fore = OWN, .back = OWN};
    if (depth == THEME_MONO) {
        look.bold = l->mono & BOLD, look.dim = l->mono & DIM;
        look.reverse = l->mono & REVERSE, look.underline = l->mono & UNDERLINE;
    } else if (depth == THEME_256) {
        look.fore = l->fore256, look.back = l->back256;
    } else {
        look.fore = l->fore16, look.back = l->back16;
    }
    /* With 8 colours the bright half is the plain half in bold; bright black would vanish: plain
     * text. */
    if (depth == THEME_8 && look.fore == 8) look.fore = OWN;
    if (depth == THEME_8 && look.fore > 8) look.fore -= 8, look.bold = true;
    return look;
}
