/* tui/draw/prose.c - Wrapping between words; a word wider than the column is cut where it must be.
 */
#include "tui/draw/prose.h"
#include "tui/screen/glyph.h"

#include <stdio.h>
#include <string.h>

/* The bytes of the line that starts at `at`; *next: where the next one starts. */
static int line_at(const char *at, int width, const char **next)
{
    const char *s = at, *cut = NULL, *before = at;
    int columns = 0;
    while (*s && *s != '\n') {
        const char *from = s;
        uint32_t glyph = glyph_next(&s);
        if (glyph == ' ') cut = from;
        columns += glyph_columns(glyph);
        if (columns > width && glyph != ' ') {
            const char *end = cut ? cut : before > at ? before : s;
            *next = end;
            while (**next == ' ') *next += 1;
            return (int)(end - at);
        }
        before = s;
    }
    *next = *s == '\n' ? s + 1 : s;
    while (s > at && s[-1] == ' ') s--;
    return (int)(s - at);
}

int prose_draw(struct canvas *c, int x, int y, int width, int height, int skip, enum ink ink,
               const char *utf8)
{
    int lines = 0;
    if (width < 1) width = 1;
    while (*utf8) {
        const char *next;
        int bytes = line_at(utf8, width, &next), row = lines - skip;
        if (row >= 0 && row < height) {
            int end = canvas_text(c, x, y + row, ink, "%.*s", bytes, utf8);
            if (row == height - 1 && *next)
                canvas_text(c, end < x + width ? end : x + width - 1, y + row, ink, "…");
        }
        utf8 = next, lines++;
    }
    return lines;
}

int prose_lines(int width, const char *utf8)
{
    struct canvas none = {0};
    return prose_draw(&none, 0, 0, width, 0, 0, INK_TEXT, utf8);
}

void prose_clauses(struct text *to, int width, const char *utf8)
{
    for (int used = 0; *utf8;) {
        const char *end = strstr(utf8, "  ");
        int bytes = end ? (int)(end - utf8) : (int)strlen(utf8);
        char clause[256];
        snprintf(clause, sizeof clause, "%.*s", bytes, utf8);
        int wide = canvas_columns(clause);
        bool fits = used > 0 && used + 2 + wide <= width;
        text_add(to, "%s%s", used == 0 ? "" : fits ? "  " : "\n", clause);
        used = fits ? used + 2 + wide : wide;
        utf8 += bytes;
        while (*utf8 == ' ') utf8++;
    }
}
