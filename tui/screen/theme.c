/* tui/screen/theme.c - One table: an ink and what it looks like at each depth.
 * The vans' colours keep apart for colour-blind eyes too (after Okabe and Ito); the heat ramp grows
 * in lightness. */
#include "tui/screen/theme.h"

#include <stdlib.h>
#include <string.h>

enum { OWN = -1, BOLD = 1, DIM = 2, REVERSE = 4, UNDERLINE = 8 };

struct ink_look {
    short fore256, back256, fore16, back16;
    unsigned char mono;
};
static const struct ink_look dark[INK_COUNT] = {
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
/* On a ground of its own, white, so that it looks the same on every terminal; the ramp grows in
 * darkness. */
static const struct ink_look light[INK_COUNT] = {
    [INK_TEXT] = {235, 231, 0, 15, 0},
    [INK_DIM] = {243, 231, 8, 15, 0},
    [INK_BRIGHT] = {16, 231, 0, 15, BOLD},
    [INK_TITLE] = {90, 231, 4, 15, BOLD},
    [INK_FRAME] = {250, 231, 8, 15, 0},
    [INK_GOOD] = {28, 231, 2, 15, 0},
    [INK_WARN] = {130, 231, 5, 15, 0},
    [INK_BAD] = {160, 231, 1, 15, BOLD},
    [INK_ACCENT] = {25, 231, 4, 15, BOLD},
    [INK_KEY] = {16, 253, 0, 15, BOLD},
    [INK_SELECTED] = {231, 24, 15, 4, REVERSE},
    [INK_VAN0 + 0] = {172, 231, 3, 15, 0},
    [INK_VAN0 + 1] = {38, 231, 6, 15, 0},
    [INK_VAN0 + 2] = {29, 231, 2, 15, 0},
    [INK_VAN0 + 3] = {100, 231, 0, 15, 0},
    [INK_VAN0 + 4] = {25, 231, 4, 15, 0},
    [INK_VAN0 + 5] = {160, 231, 1, 15, 0},
    [INK_VAN0 + 6] = {133, 231, 5, 15, 0},
    [INK_VAN0 + 7] = {240, 231, 8, 15, 0},
    [INK_HEAT0 + 0] = {16, 230, 0, 7, 0},
    [INK_HEAT0 + 1] = {16, 193, 0, 3, 0},
    [INK_HEAT0 + 2] = {16, 115, 0, 2, UNDERLINE},
    [INK_HEAT0 + 3] = {16, 38, 0, 6, BOLD},
    [INK_HEAT0 + 4] = {231, 25, 15, 4, BOLD | UNDERLINE},
    [INK_HEAT0 + 5] = {231, 17, 15, 0, REVERSE},
};

static const struct theme themes[] = {
    {"auto", "light where the terminal says that its ground is, else dark", NULL, THEME_256},
    {"dark", "on the terminal's own ground, which is taken to be dark", dark, THEME_256},
    {"light", "black on white, for bright rooms and projectors", light, THEME_256},
    {"dark-16", "dark, in the 16 colours that the terminal lets you choose", dark, THEME_16},
    {"light-16", "light, in the terminal's 16 colours", light, THEME_16},
    {"mono", "no colour: bold, underline, reverse and digits", dark, THEME_MONO},
};
enum { THEMES = sizeof themes / sizeof *themes, AUTO = 0, DARK, LIGHT };

const struct theme *theme_at(int i)
{
    return i >= 0 && i < THEMES ? &themes[i] : NULL;
}

const struct theme *theme_find(const char *name, struct err *e)
{
    for (int i = 0; i < THEMES; i++)
        if (strcmp(themes[i].name, name) == 0) return &themes[i];
    err_set(e, ERR_USAGE, "there is no theme '%.40s'%s", name,
            ERR_MEANT(name, themes, THEMES, ": auto, dark, light, dark-16, light-16 or mono"));
    return NULL;
}

/* "FORE;BACK" in the 16 colours: white and the bright half but its grey are light. */
const struct theme *theme_auto(const char *colorfgbg)
{
    const char *back = colorfgbg ? strrchr(colorfgbg, ';') : NULL;
    int colour = back && back[1] >= '0' && back[1] <= '9' ? atoi(back + 1) : 0;
    return &themes[colour == 7 || (colour > 8 && colour < 16) ? LIGHT : DARK];
}

enum theme_depth theme_depth(int colours)
{
    return colours >= 256  ? THEME_256
           : colours >= 16 ? THEME_16
           : colours >= 8  ? THEME_8
                           : THEME_MONO;
}

struct theme_look theme_look(const struct theme *t, enum theme_depth depth, enum ink ink)
{
    const struct ink_look *l = &(t->looks ? t->looks : dark)[ink < INK_COUNT ? ink : INK_TEXT];
    if (depth > t->most) depth = t->most;
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
    if (depth == THEME_8 && look.back > 7) look.back -= 8;
    return look;
}
