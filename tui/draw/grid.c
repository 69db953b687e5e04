/* tui/draw/grid.c - Rules, and titles set into them. */
#include "tui/draw/grid.h"

void grid_level(struct canvas *c, int x, int y, int width, const char *left, const char *right)
{
    if (width < 2) return;
    canvas_text(c, x, y, INK_FRAME, "%s", left);
    canvas_fill(c, x + 1, y, width - 2, INK_FRAME, "─");
    canvas_text(c, x + width - 1, y, INK_FRAME, "%s", right);
}

void grid_upright(struct canvas *c, int x, int y, int height)
{
    for (int i = 0; i < height; i++) canvas_text(c, x, y + i, INK_FRAME, "│");
}

int grid_title(struct canvas *c, int x, int y, int room, enum ink ink, const char *title)
{
    if (room < 4) return x;
    canvas_text(c, x, y, ink, " ");
    x = canvas_fit(c, x + 1, y, room - 2, ink, "%s", title);
    return canvas_text(c, x, y, ink, " ");
}
