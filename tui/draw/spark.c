/* tui/draw/spark.c - Sparks and curves. A braille character is 2 x 4 dots; dot d of column 0 or 1
 * counted from below. */
#include "tui/draw/spark.h"
#include "tui/screen/glyph.h"

#include <math.h>

static const unsigned char dot[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};

static void put_dots(struct canvas *c, int x, int y, enum ink ink, unsigned dots)
{
    char utf8[5];
    glyph_write(0x2800 + dots, utf8);
    canvas_text(c, x, y, ink, "%s", utf8);
}

int spark_values(const struct canvas *c, int width)
{
    return width <= 0 ? 0 : c->charset == CHARSET_BRAILLE ? 2 * width : width;
}

void spark_cell(struct canvas *c, int x, int y, double share, enum ink ink)
{
    static const char *const level[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    if (isnan(share)) return;
    int i = (int)(fmin(fmax(share, 0), 1) * 7.999);
    canvas_text(c, x, y, ink, "%s", c->charset == CHARSET_ASCII ? plain[i] : level[i]);
}

void spark_draw(struct canvas *c, int x, int y, int width, const float *value, int n, enum ink ink)
{
    int room = spark_values(c, width), a_column = c->charset == CHARSET_BRAILLE ? 2 : 1;
    if (n > room) value += n - room, n = room;
    float low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++) low = fminf(low, value[i]), high = fmaxf(high, value[i]);
    if (!(high >= low) || isinf(high) || isinf(low)) return;
    int first = room - n; /* values from the left that are not there yet */
    for (int column = 0; column < width; column++) {
        unsigned dots = 0;
        for (int side = 0; side < a_column; side++) {
            int i = column * a_column + side - first;
            if (i < 0 || isnan(value[i])) continue;
            double share = high > low ? (value[i] - low) / (high - low) : 0.4;
            if (a_column == 1) spark_cell(c, x + column, y, share, ink);
            for (int d = 0; d <= (int)(share * 3.999); d++) dots |= dot[side][d];
        }
        if (a_column == 2 && dots) put_dots(c, x + column, y, ink, dots);
    }
}

/* Height of a value in steps of the charset, 0 at the bottom; -1: not there. */
static int height_of(double value, double low, double high, int steps)
{
    if (isnan(value) || isinf(value)) return -1;
    double share = high > low ? (value - low) / (high - low) : 0.5;
    return (int)lround(fmin(fmax(share, 0), 1) * (steps - 1));
}

/* From each value the line runs up or down to meet the one before it. */
static void reach(int before, int here, int *from, int *to)
{
    *from = *to = here;
    if (before > here + 1) *to = before - 1;
    if (before >= 0 && before < here - 1) *from = before + 1;
}

static void plot_braille(struct canvas *c, const float *value, int n, double low, double high,
                         enum ink ink)
{
    int steps = c->height * 4, before[2] = {-1, -1};
    for (int x = 0; x < c->width; x++) {
        int from[2], to[2];
        for (int side = 0; side < 2; side++) {
            int i = 2 * x + side, here = i < n ? height_of(value[i], low, high, steps) : -1;
            reach(before[1], here, &from[side], &to[side]);
            if (here < 0) from[side] = 0, to[side] = -1;
            before[1] = here;
        }
        for (int y = 0; y < c->height; y++) {
            unsigned dots = 0;
            for (int side = 0; side < 2; side++)
                for (int d = 0; d < 4; d++) {
                    int at = (c->height - 1 - y) * 4 + d;
                    if (at >= from[side] && at <= to[side]) dots |= dot[side][d];
                }
            if (dots) put_dots(c, x, y, ink, dots);
        }
    }
}

void spark_plot(struct canvas *c, const float *value, int n, double low, double high, enum ink ink)
{
    if (c->height <= 0 || isnan(low) || isnan(high)) return;
    if (c->charset == CHARSET_BRAILLE) {
        plot_braille(c, value, n, low, high, ink);
        return;
    }
    for (int x = 0, before = -1; x < c->width && x < n; x++) {
        int steps = c->charset == CHARSET_BLOCK ? c->height * 8 : c->height, from, to;
        int here = height_of(value[x], low, high, steps);
        if (here >= 0 && c->charset == CHARSET_BLOCK) { /* filled from below */
            for (int row = 0; row < here / 8; row++)
                canvas_text(c, x, c->height - 1 - row, ink, "█");
            spark_cell(c, x, c->height - 1 - here / 8, (here % 8 + 0.5) / 8, ink);
        } else if (here >= 0) {
            reach(before, here, &from, &to);
            for (int at = from; at <= to; at++)
                canvas_text(c, x, c->height - 1 - at, ink, at == here ? "*" : "|");
        }
        before = here;
    }
}
