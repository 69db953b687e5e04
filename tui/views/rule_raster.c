/* tui/views/rule_raster.c - Who takes whom, token after token, and how many experts a chunk of
 * neighbours uses. */
#include "tui/views/rule.h"
#include "tui/views/say.h"

enum { LABEL = 6 };

static int chunk_length(const struct scene *s)
{
    double length = facts_knob(s->now, "length");
    return length >= 2 ? (int)length : 8;
}

/* Experts that some token of the chunk takes. */
static int chunk_union(const struct scene *s, int first, int length)
{
    int used = 0;
    for (int e = 0; e < s->now->E; e++) {
        bool some = false;
        for (int t = first; t < first + length && t < s->now->tokens; t++)
            some = some || facts_taken(&s->now->token[t], facts_layer(s), e);
        used += some;
    }
    return used;
}

static void raster_draw(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int length = chunk_length(s), room = to->width - LABEL, E = now->E, cursor = facts_cursor(s),
        y = 1, rows = to->height - 2 < E ? to->height - 2 : E;
    int first = room > length ? cursor / (room / length * length) * (room / length * length)
                              : cursor / room * room;
    if (to->height < 3 || room < 8 || cursor < 0) return;
    int shown = now->tokens - first < room ? now->tokens - first : room;
    if (room > length) shown = shown < room / length * length ? shown : room / length * length;
    canvas_text(to, LABEL + cursor - first, 0, INK_ACCENT, "▼");
    canvas_fit(to, cursor - first > 24 ? 0 : LABEL + cursor - first + 2, 0, 22, INK_DIM,
               "%s %d to %d", facts_words(now)->tokens, first, first + shown - 1);
    for (int e = 0; e < rows; e++, y++) {
        if (e == rows - 1 && rows < E) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more %s in a taller window", E - e,
                       facts_words(now)->experts);
            continue;
        }
        canvas_text(to, 0, y, facts_van_ink(e), "%2d", e + 1);
        for (int t = 0; t < shown; t++) {
            bool in = facts_taken(&now->token[first + t], facts_layer(s), e);
            canvas_text(to, LABEL + t, y, in ? facts_van_ink(e) : INK_FRAME, in ? "█" : "·");
        }
    }
    canvas_text(to, 0, y, INK_DIM, "union");
    for (int t = 0; t < shown; t += length) {
        int wide = shown - t < length ? shown - t : length;
        canvas_text(to, LABEL + t, y, INK_FRAME, "└");
        canvas_fill(to, LABEL + t + 1, y, wide - 1, INK_FRAME, "─");
        if (wide >= 4)
            canvas_text(to, LABEL + t + wide / 2, y, INK_TEXT, "%d",
                        chunk_union(s, first + t, wide));
    }
}

static int raster_rows(const struct scene *s)
{
    return s->now->E + 2;
}

static void raster_tell(struct text *to, const struct scene *s)
{
    int length = chunk_length(s), cursor = facts_cursor(s);
    if (cursor < 0) return;
    text_add(to, "the chunk of %d %s around %s uses ", length, facts_words(s->now)->tokens,
             s->now->token[cursor].text);
    say_number(to, chunk_union(s, cursor / length * length, length), 0, "experts", "chunk here");
    text_add(to, " of %d %s.\n", s->now->E, facts_words(s->now)->experts);
}

const struct rule_picture rule_raster = {
    .title = "who takes whom, one after the other",
    .least = 5,
    .most = EXPERTS_MAX + 2,
    .whole = raster_rows,
    .draw = raster_draw,
    .tell = raster_tell,
};
