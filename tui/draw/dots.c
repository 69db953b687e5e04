/* tui/draw/dots.c - A braille character is 2 x 4 dots; a dot joins those that are in its cell. */
#include "tui/draw/dots.h"
#include "tui/screen/glyph.h"

#include <math.h>

static const unsigned char dot[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

static bool inside(double x, double y)
{
    return x >= 0 && x <= 1 && y >= 0 && y <= 1; /* not a number: false */
}

/* Steps across the canvas: `a_cell` of them in a cell. */
static int place(double share, int cells, int a_cell)
{
    return (int)lround(share * (cells * a_cell - 1));
}

bool dots_cell(const struct canvas *c, double x, double y, int *column, int *row)
{
    if (!inside(x, y) || c->width < 1 || c->height < 1) return false;
    *column = place(x, c->width, 2) / 2, *row = place(1 - y, c->height, 4) / 4;
    return true;
}

/* The dots that a cell has already; 0 where it holds something else. */
static unsigned dots_of(const struct canvas *c, int column, int row)
{
    const char *at =
        c->cells[(size_t)(c->top + row) * (size_t)c->stride + (size_t)c->left + (size_t)column].at;
    uint32_t glyph = glyph_next(&at);
    return glyph >= 0x2800 && glyph < 0x2900 ? glyph - 0x2800 : 0;
}

static void point(struct canvas *c, double x, double y, enum ink ink)
{
    int column, row;
    char utf8[5];
    if (!dots_cell(c, x, y, &column, &row)) return;
    if (c->charset != CHARSET_BRAILLE) {
        canvas_text(c, column, row, ink, "·");
        return;
    }
    unsigned dots =
        dot[place(x, c->width, 2) % 2][place(1 - y, c->height, 4) % 4] | dots_of(c, column, row);
    glyph_write(0x2800 + dots, utf8);
    canvas_text(c, column, row, ink, "%s", utf8);
}

void dots_line(struct canvas *c, double x0, double y0, double x1, double y1, enum ink ink)
{
    double dx = (x1 - x0) * 2 * c->width, dy = (y1 - y0) * 4 * c->height;
    int n = (int)fmin(fmax(fabs(dx), fabs(dy)) + 1, 4096);
    if (isnan(dx) || isnan(dy)) return;
    for (int i = 0; i <= n; i++) point(c, x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n, ink);
}
