#ifndef TUI_SCREEN_CANVAS_H
#define TUI_SCREEN_CANVAS_H
/* Cells in memory that views draw on. Pure: no terminal, no global; a golden screen is a canvas
 * written as text. */
#include "core/base/text.h"
#include <stdbool.h>
#include <stdint.h>

/* What a cell means; theme.c says which colour that is (if any). */
enum ink {
    INK_TEXT,
    INK_DIM,
    INK_BRIGHT,
    INK_TITLE,
    INK_FRAME,
    INK_GOOD,
    INK_WARN,
    INK_BAD,
    INK_ACCENT,
    INK_KEY,
    INK_SELECTED,
    INK_VAN0,
    INK_VAN7 = INK_VAN0 + 7, /* the eight vans; more vans go round */
    INK_HEAT0,
    INK_HEAT5 = INK_HEAT0 + 5, /* the heat ramp, as background; low to high */
    INK_COUNT
};
enum charset { CHARSET_ASCII, CHARSET_BLOCK, CHARSET_BRAILLE };
/* one character (UTF-8); width 0: right half of a wide one */
struct cell {
    char at[8];
    uint8_t ink;
    uint8_t bold;
    uint8_t width;
};
/* A place that can be clicked, and what that does: a command line, or "@..." of the explorer. */
struct zone {
    short x, y, width, height; /* in the whole */
    char what[56];
};
enum { ZONES = 512 };
struct zones {
    int count;
    struct zone at[ZONES];
};
struct canvas {
    int width, height;     /* of the part drawn on; views must fit any size, also 0 */
    int left, top, stride; /* where that part lies in the whole */
    enum charset charset;
    struct cell *cells;  /* the whole */
    struct zones *zones; /* where the zones of the whole are kept; NULL: nobody asks */
};

/* false: no memory */
bool canvas_open(struct canvas *c, int width, int height, enum charset charset);
void canvas_close(struct canvas *c);
void canvas_clear(struct canvas *c);
/* A part of a canvas, clipped to it; shares its cells. */
struct canvas canvas_part(const struct canvas *c, int x, int y, int width, int height);
/* Text from (x, y), clipped at the right edge. Returns the column behind it. In CHARSET_ASCII every
 * character beyond ASCII is replaced by a plain one that means the same. */
int canvas_text(struct canvas *c, int x, int y, enum ink ink, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same, but text that does not fit ends in `…` (ASCII: `~`). */
int canvas_fit(struct canvas *c, int x, int y, int room, enum ink ink, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void canvas_fill(struct canvas *c, int x, int y, int width, enum ink ink, const char *one);
void canvas_bold(struct canvas *c, int x, int y, int width);
void canvas_ink(struct canvas *c, int x, int y, int width, enum ink ink); /* keeps the characters */
/* Says what a click on this place of the part does. Later zones lie above earlier ones; those that
 * find no room are left out. */
void canvas_zone(struct canvas *c, int x, int y, int width, int height, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* the topmost; NULL none */
const struct zone *canvas_zone_at(const struct canvas *c, int x, int y);
/* The whole as lines of text (trailing blanks cut), for golden screens and export. `inks`: a second
 * block with one letter a cell. */
void canvas_write(const struct canvas *c, struct text *to, bool inks);
int canvas_columns(const char *utf8); /* columns that a string takes */
#endif
