/* tui/export/shape.c - What the drawing characters look like, in parts of a cell. */
#include "tui/export/shape.h"

enum { LEFT, RIGHT, UP, DOWN };
static const double thick_w[] = {0, 0.1, 0.2}, thick_h[] = {0, 0.05, 0.1}; /* none, light, heavy */

/* Left, right, up, down: 0 none, 1 light, 2 heavy; from U+250C on. */
static const char arms_of[][5] = {
    "0101", "0201", "0102", "0202", "1001", "2001", "1002", "2002", "0110", "0210", "0120",
    "0220", "1010", "2010", "1020", "2020", "0111", "0211", "0121", "0112", "0122", "0221",
    "0212", "0222", "1011", "2011", "1021", "1012", "1022", "2021", "2012", "2022", "1101",
    "2101", "1201", "2201", "1102", "2102", "1202", "2202", "1110", "2110", "1210", "2210",
    "1120", "2120", "1220", "2220", "1111", "2111", "1211", "2211", "1121", "1112", "1122",
    "2121", "1221", "2112", "1212", "2221", "2212", "2122", "1222", "2222"};
/* U+2574 on: half lines. */
static const char halves[][5] = {"1000", "0010", "0100", "0001", "2000", "0020", "0200", "0002"};
static const char arcs[][5] = {"0101", "1001", "1010", "0110"}; /* U+256D on; drawn as corners */

/* Lines from the middle to the edges; each reaches over the middle by half of the crossing one. */
static int draw_arms(const char *arms, struct shape to[SHAPES_MOST])
{
    int n = 0, thick[4], across = 0, along = 0;
    for (int i = 0; i < 4; i++) thick[i] = arms[i] - '0';
    for (int i = 0; i < 2; i++) {
        if (thick[i] > across) across = thick[i];
        if (thick[2 + i] > along) along = thick[2 + i];
    }
    double w = 0.5 + thick_w[along ? along : across] / 2,
           h = 0.5 + thick_h[across ? across : along] / 2;
    for (int i = 0; i < 2; i++) {
        double t = thick_h[thick[i]];
        if (thick[i]) to[n++] = (struct shape){i == LEFT ? 0 : 1 - w, 0.5 - t / 2, w, t, false};
    }
    for (int i = 2; i < 4; i++) {
        double t = thick_w[thick[i]];
        if (thick[i]) to[n++] = (struct shape){0.5 - t / 2, i == UP ? 0 : 1 - h, t, h, false};
    }
    return n;
}

static int draw_dashes(int pieces, bool upright, int thick, struct shape to[SHAPES_MOST])
{
    double one = 1.0 / pieces, t = upright ? thick_w[thick] : thick_h[thick];
    for (int i = 0; i < pieces; i++) {
        double from = (i + 0.2) * one, length = 0.6 * one;
        to[i] = upright ? (struct shape){0.5 - t / 2, from, t, length, false}
                        : (struct shape){from, 0.5 - t / 2, length, t, false};
    }
    return pieces;
}

static int draw_line(uint32_t c, struct shape to[SHAPES_MOST])
{
    static const char straight[][5] = {"1100", "2200", "0011", "0022"};
    if (c < 0x2504) return draw_arms(straight[c - 0x2500], to);
    if (c < 0x250c) return draw_dashes(c < 0x2508 ? 3 : 4, (c & 2) != 0, 1 + (int)(c & 1), to);
    if (c <= 0x254b) return draw_arms(arms_of[c - 0x250c], to);
    if (c >= 0x256d && c <= 0x2570) return draw_arms(arcs[c - 0x256d], to);
    if (c >= 0x2574 && c <= 0x257b) return draw_arms(halves[c - 0x2574], to);
    return -1;
}

static int draw_block(uint32_t c, struct shape to[SHAPES_MOST])
{
    /* upper left 1, upper right 2, lower left 4, lower right 8; from U+2596 on */
    static const unsigned char quarters[] = {4, 8, 1, 13, 9, 7, 11, 2, 6, 14};
    int n = 0;
    if (c == 0x2580) return to[0] = (struct shape){0, 0, 1, 0.5, false}, 1;
    if (c <= 0x2588) {
        double h = (c - 0x2580) / 8.0;
        return to[0] = (struct shape){0, 1 - h, 1, h, false}, 1;
    }
    if (c <= 0x258f) return to[0] = (struct shape){0, 0, (0x2590 - c) / 8.0, 1, false}, 1;
    if (c == 0x2590) return to[0] = (struct shape){0.5, 0, 0.5, 1, false}, 1;
    if (c == 0x2594) return to[0] = (struct shape){0, 0, 1, 0.125, false}, 1;
    if (c == 0x2595) return to[0] = (struct shape){0.875, 0, 0.125, 1, false}, 1;
    if (c < 0x2596) return -1; /* shades */
    for (int q = 0; q < 4; q++)
        if (quarters[c - 0x2596] >> q & 1)
            to[n++] = (struct shape){q % 2 * 0.5, q / 2 * 0.5, 0.5, 0.5, false};
    return n;
}

static int draw_dots(uint32_t c, struct shape to[SHAPES_MOST])
{
    static const unsigned char column[8] = {0, 0, 0, 1, 1, 1, 0, 1},
                               row[8] = {0, 1, 2, 0, 1, 2, 3, 3};
    int n = 0;
    for (int bit = 0; bit < 8; bit++)
        if ((c - 0x2800) >> bit & 1)
            to[n++] =
                (struct shape){column[bit] * 0.5 + 0.07, row[bit] * 0.25 + 0.035, 0.36, 0.18, true};
    return n;
}

int shape_of(uint32_t c, struct shape to[SHAPES_MOST])
{
    if (c >= 0x2500 && c < 0x2580) return draw_line(c, to);
    if (c >= 0x2580 && c < 0x25a0) return draw_block(c, to);
    if (c >= 0x2800 && c < 0x2900) return draw_dots(c, to);
    return -1;
}
