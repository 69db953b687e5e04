/* tui/screen/canvas.c - Cells in memory. Every write goes through put(), which knows the edges and
 * what becomes of half a wide character. */
#include "tui/screen/canvas.h"
#include "tui/screen/glyph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = {.at = " ", .ink = INK_TEXT, .width = 1};

bool canvas_open(struct canvas *c, int width, int height, enum charset charset)
{
    if (width < 0) width = 0;
    if (height < 0) height = 0;
    *c = (struct canvas){.width = width, .height = height, .stride = width, .charset = charset};
    size_t count = (size_t)width * (size_t)height;
    c->cells = malloc((count + 1) * sizeof *c->cells);
    if (!c->cells) {
        c->width = c->height = 0;
        return false;
    }
    canvas_clear(c);
    return true;
}

void canvas_close(struct canvas *c)
{
    free(c->cells);
    *c = (struct canvas){0};
}

/* The cell at (x, y) of the part; NULL outside it. */
static struct cell *cell_at(const struct canvas *c, int x, int y)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height) return NULL;
    return &c->cells[(size_t)(c->top + y) * (size_t)c->stride + (size_t)(c->left + x)];
}

void canvas_clear(struct canvas *c)
{
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++) *cell_at(c, x, y) = blank;
}

struct canvas canvas_part(const struct canvas *c, int x, int y, int width, int height)
{
    struct canvas part = *c;
    if (x < 0) width += x, x = 0;
    if (y < 0) height += y, y = 0;
    if (x > c->width) x = c->width;
    if (y > c->height) y = c->height;
    part.left += x, part.top += y;
    part.width = width < 0 ? 0 : width < c->width - x ? width : c->width - x;
    part.height = height < 0 ? 0 : height < c->height - y ? height : c->height - y;
    return part;
}

/* One character at (x, y); returns its columns, also where nothing could be drawn. A combining mark
 * joins the character before it. Overwriting half of a wide character leaves a blank in the other
 * half. */
static int put(struct canvas *c, int x, int y, enum ink ink, uint32_t glyph)
{
    int columns = glyph_columns(glyph);
    char utf8[5];
    if (columns == 0) {
        struct cell *before = cell_at(c, x - 1, y);
        if (before && before->width == 0) before = cell_at(c, x - 2, y);
        int n = glyph_write(glyph, utf8);
        if (before && c->charset != CHARSET_ASCII &&
            strlen(before->at) + (size_t)n < sizeof before->at)
            strcat(before->at, utf8);
        return 0;
    }
    struct cell *here = cell_at(c, x, y), *right = columns == 2 ? cell_at(c, x + 1, y) : NULL;
    if (!here || (columns == 2 && !right)) {
        if (here) *here = blank;
        return columns;
    }
    struct cell *last = right ? right : here, *after = cell_at(c, x + columns, y);
    if (here->width == 0 && cell_at(c, x - 1, y)) *cell_at(c, x - 1, y) = blank;
    if (last->width == 2 && after) *after = blank;
    if (c->charset == CHARSET_ASCII)
        utf8[0] = glyph_ascii(glyph), utf8[1] = 0;
    else
        glyph_write(glyph, utf8);
    *here = (struct cell){.ink = (uint8_t)ink, .width = (uint8_t)columns};
    strcpy(here->at, utf8);
    if (right && c->charset == CHARSET_ASCII)
        here->width = 1, *right = *here;
    else if (right)
        *right = (struct cell){.ink = (uint8_t)ink, .width = 0};
    return columns;
}

static int put_all(struct canvas *c, int x, int y, enum ink ink, const char *utf8)
{
    for (uint32_t glyph; (glyph = glyph_next(&utf8));) x += put(c, x, y, ink, glyph);
    return x;
}

enum { LINE_ROOM = 1024 }; /* bytes; longer lines than any screen is wide */

int canvas_text(struct canvas *c, int x, int y, enum ink ink, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return put_all(c, x, y, ink, line);
}

int canvas_fit(struct canvas *c, int x, int y, int room, enum ink ink, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (room > c->width - x) room = c->width - x;
    if (room <= 0) return x;
    if (canvas_columns(line) <= room) return put_all(c, x, y, ink, line);
    const char *at = line;
    int end = x + room - 1;
    for (uint32_t glyph; (glyph = glyph_next(&at)) && x + glyph_columns(glyph) <= end;)
        x += put(c, x, y, ink, glyph);
    return x + put(c, x, y, ink, 0x2026);
}

void canvas_fill(struct canvas *c, int x, int y, int width, enum ink ink, const char *one)
{
    for (int end = x + width; x < end;) {
        const char *at = one;
        uint32_t glyph = glyph_next(&at);
        int columns = put(c, x, y, ink, glyph ? glyph : ' ');
        if (columns <= 0) return;
        x += columns;
    }
}

void canvas_bold(struct canvas *c, int x, int y, int width)
{
    for (int i = 0; i < width; i++) {
        struct cell *cell = cell_at(c, x + i, y);
        if (cell) cell->bold = 1;
    }
}

void canvas_ink(struct canvas *c, int x, int y, int width, enum ink ink)
{
    for (int i = 0; i < width; i++) {
        struct cell *cell = cell_at(c, x + i, y);
        if (cell) cell->ink = (uint8_t)ink;
    }
}

/* ---- places that can be clicked ---- */

void canvas_zone(struct canvas *c, int x, int y, int width, int height, const char *format, ...)
{
    struct canvas part = canvas_part(c, x, y, width, height);
    if (!c->zones || c->zones->count == ZONES || part.width == 0 || part.height == 0) return;
    struct zone *z = &c->zones->at[c->zones->count++];
    z->x = (short)part.left, z->y = (short)part.top;
    z->width = (short)part.width, z->height = (short)part.height;
    va_list args;
    va_start(args, format);
    vsnprintf(z->what, sizeof z->what, format, args);
    va_end(args);
}

const struct zone *canvas_zone_at(const struct canvas *c, int x, int y)
{
    for (int i = c->zones ? c->zones->count - 1 : -1; i >= 0; i--) {
        const struct zone *z = &c->zones->at[i];
        if (x >= z->x && x < z->x + z->width && y >= z->y && y < z->y + z->height) return z;
    }
    return NULL;
}

int canvas_columns(const char *utf8)
{
    int columns = 0;
    for (uint32_t glyph; (glyph = glyph_next(&utf8));) columns += glyph_columns(glyph);
    return columns;
}

/* A letter for an ink: `.` plain, lower case for words, 0-7 the vans, A-F the heat. */
static char ink_letter(int ink)
{
    if (ink >= INK_VAN0 && ink <= INK_VAN7) return (char)('0' + ink - INK_VAN0);
    if (ink >= INK_HEAT0 && ink <= INK_HEAT5) return (char)('A' + ink - INK_HEAT0);
    static const char letters[] = ".dbtfgwxaks";
    return ink >= 0 && ink < INK_VAN0 ? letters[ink] : '?';
}

void canvas_write(const struct canvas *c, struct text *to, bool inks)
{
    for (int y = 0; y < c->height; y++) {
        int end = 0;
        for (int x = 0; x < c->width; x++)
            if (strcmp(cell_at(c, x, y)->at, " ") != 0) end = x + 1;
        for (int x = 0; x < end; x++) text_add(to, "%s", cell_at(c, x, y)->at);
        text_add(to, "\n");
    }
    for (int y = 0; inks && y < c->height; y++) {
        if (y == 0) text_add(to, "\n");
        for (int x = 0; x < c->width; x++) {
            const struct cell *cell = cell_at(c, x, y);
            bool plain = strcmp(cell->at, " ") == 0 && cell->ink < INK_SELECTED;
            text_add(to, "%c", plain ? ' ' : ink_letter(cell->ink));
        }
        text_add(to, "\n");
    }
}
