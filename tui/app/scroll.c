/* tui/app/scroll.c - How far a page or the cursor can go. */
#include "tui/app/inside.h"

#include <string.h>

enum { LONGEST_PAGE = 1023 };

/* A page knows its length only when it is drawn: its end is where scrolling changes nothing more.
 */
static bool same_page(const struct app *a, struct canvas *one, struct canvas *other, int scroll,
                      int far)
{
    struct scene s = a->scene;
    s.scroll = scroll, frame_draw(one, &s, &a->frame);
    s.scroll = far, frame_draw(other, &s, &a->frame);
    return memcmp(one->cells, other->cells, sizeof *one->cells * one->width * one->height) == 0;
}

static int page_end(const struct app *a)
{
    struct canvas one, other = {0};
    int low = 0, high = LONGEST_PAGE, width = a->canvas.width, height = a->canvas.height;
    if (canvas_open(&one, width, height, a->canvas.charset) &&
        canvas_open(&other, width, height, a->canvas.charset))
        while (low < high) {
            int middle = (low + high) / 2;
            if (same_page(a, &one, &other, middle, LONGEST_PAGE))
                high = middle;
            else
                low = middle + 1;
        }
    canvas_close(&one);
    canvas_close(&other);
    return high;
}

void action_shift(struct app *a, int by)
{
    bool page = a->frame.view->uses & VIEW_SCROLL;
    int *to = page ? &a->scene.scroll : &a->scene.cursor;
    int most = page ? page_end(a) : a->any && a->now.tokens > 0 ? a->now.tokens - 1 : 0;
    *to += by;
    if (*to > most) *to = most;
    if (*to < 0) *to = 0;
}
