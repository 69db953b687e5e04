/* tui/draw/bars.c - Bars with eighth blocks, and sliders. */
#include "tui/draw/bars.h"

#include <math.h>

void bar_draw(struct canvas *c, int x, int y, int width, double share, enum ink ink)
{
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (isnan(share) || share <= 0 || width <= 0) return;
    int parts = (int)lround(fmin(share, 1) * width * 8);
    if (parts == 0) parts = 1;
    canvas_fill(c, x, y, parts / 8, ink, "█");
    if (parts % 8) canvas_text(c, x + parts / 8, y, ink, "%s", eighth[parts % 8]);
}

void bar_slider(struct canvas *c, int x, int y, int width, double place, enum ink ink)
{
    if (isnan(place) || width <= 0) return;
    int at = (int)lround(fmin(fmax(place, 0), 1) * (width - 1));
    canvas_fill(c, x, y, at, ink, "━");
    canvas_text(c, x + at, y, ink, "●");
    canvas_fill(c, x + at + 1, y, width - at - 1, INK_FRAME, "━");
}
