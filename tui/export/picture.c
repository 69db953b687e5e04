/* tui/export/picture.c - Cells drawn with cairo: a box of colour, and on it a letter of the
 * machine's monospace font. Lines of boxes, blocks and braille are drawn as shapes, so that they
 * meet at the edges of the cells in any font. */
#include "tui/export/export.h"

#ifndef VANPOOL_CAIRO

static bool without(struct err *e, const char *format)
{
    return err_set(e, ERR_USAGE,
                   "this vanpool was built without cairo and writes no %s: export to .txt, .ans or "
                   ".json, or install libcairo2-dev and build again",
                   format);
}

const char *export_pictures(void)
{
    return NULL;
}

bool export_svg(struct text *to, const struct picture *p, struct err *e)
{
    return (void)to, (void)p, without(e, "SVG");
}

bool export_png(struct text *to, const struct picture *p, struct err *e)
{
    return (void)to, (void)p, without(e, "PNG");
}

#else
#include "tui/export/shape.h"
#include "tui/screen/glyph.h"
#include "tui/screen/theme.h"

#include <cairo-svg.h>
#include <stdio.h>
#include <string.h>

enum { CELL_W = 10, CELL_H = 20, MARGIN = 10, SCALE = 2 /* pixels of a PNG to a unit */ };

/* A colour of the 256 that terminals have: 16 names, a cube of 6x6x6, 24 greys. */
static unsigned rgb_of(int number)
{
    static const unsigned names[16] = {0x000000, 0xcd3131, 0x0dbc79, 0xe5e510, 0x2472c8, 0xbc3fbc,
                                       0x11a8cd, 0xe5e5e5, 0x666666, 0xf14c4c, 0x23d18b, 0xf5f543,
                                       0x3b8eea, 0xd670d6, 0x29b8db, 0xffffff};
    static const unsigned steps[6] = {0, 95, 135, 175, 215, 255};
    if (number < 16) return names[number];
    if (number >= 232) return (unsigned)(8 + 10 * (number - 232)) * 0x010101u;
    number -= 16;
    return steps[number / 36] << 16 | steps[number / 6 % 6] << 8 | steps[number % 6];
}

static void pen(cairo_t *on, unsigned rgb)
{
    cairo_set_source_rgb(on, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

/* ---- letters ---- */

/* A font that has the letter; sizes are such that a monospace letter is a cell wide. */
static bool choose_font(cairo_t *on, const char *utf8, bool bold)
{
    static const char *const fonts[] = {"DejaVu Sans Mono", "monospace", "sans-serif", "Symbola"};
    cairo_font_weight_t weight = bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL;
    for (size_t i = 0; i < sizeof fonts / sizeof *fonts; i++) {
        cairo_glyph_t room[16], *glyph = room;
        int count = 16, missing = 0;
        cairo_select_font_face(on, fonts[i], CAIRO_FONT_SLANT_NORMAL, weight);
        cairo_set_font_size(on, CELL_W / 0.602);
        if (cairo_scaled_font_text_to_glyphs(cairo_get_scaled_font(on), 0, 0, utf8, -1, &glyph,
                                             &count, NULL, NULL, NULL) != CAIRO_STATUS_SUCCESS)
            continue;
        for (int g = 0; g < count; g++) missing += glyph[g].index == 0;
        if (glyph != room) cairo_glyph_free(glyph);
        if (count > 0 && missing == 0) return true;
    }
    return false;
}

/* In the middle of its cells, on one line with its neighbours; squeezed where it is wider. */
static void draw_letter(cairo_t *on, double x, double y, double width, const char *utf8, bool bold)
{
    cairo_text_extents_t size;
    cairo_font_extents_t font;
    if (!choose_font(on, utf8, bold)) choose_font(on, utf8 = "\357\277\275", bold);
    cairo_text_extents(on, utf8, &size);
    cairo_font_extents(on, &font);
    double squeeze = size.x_advance > width ? width / size.x_advance : 1;
    cairo_save(on);
    cairo_translate(on, x + (width - size.x_advance * squeeze) / 2, y + CELL_H * 0.76);
    cairo_scale(on, squeeze, 1);
    cairo_move_to(on, 0, 0);
    cairo_show_text(on, utf8);
    cairo_restore(on);
}

/* ---- cells ---- */

struct colours {
    unsigned fore, back;
};

/* Rectangles of one colour that touch become one: drawings that are scaled show seams otherwise. */
struct strip {
    cairo_t *on;
    const struct theme *theme;
    struct colours own; /* of cells that have the terminal's */
    double x, y, w, h;
    unsigned rgb;
};

static void strip_end(struct strip *s)
{
    if (s->w > 0) {
        pen(s->on, s->rgb);
        cairo_rectangle(s->on, s->x, s->y, s->w, s->h);
        cairo_fill(s->on);
    }
    s->w = 0;
}

static void strip_add(struct strip *s, double x, double y, double w, double h, unsigned rgb)
{
    bool touches = s->w > 0 && s->rgb == rgb && s->y == y && s->h == h &&
                   x - (s->x + s->w) < 1e-6 && s->x + s->w - x < 1e-6;
    if (touches) {
        s->w += w;
        return;
    }
    strip_end(s);
    s->x = x, s->y = y, s->w = w, s->h = h, s->rgb = rgb;
}

static struct colours colours_of(const struct strip *s, const struct cell *cell)
{
    struct theme_look look = theme_look(s->theme, THEME_256, (enum ink)cell->ink);
    struct colours c = {look.fore < 0 ? s->own.fore : rgb_of(look.fore),
                        look.back < 0 ? s->own.back : rgb_of(look.back)};
    return look.reverse ? (struct colours){c.back, c.fore} : c;
}

/* The same stands below: what is drawn to the edge reaches a little over it. */
static double overlap(const struct canvas *c, int x, int y)
{
    const struct cell *here = &c->cells[(size_t)y * (size_t)c->stride + (size_t)x];
    if (y + 1 >= c->height) return 0;
    const struct cell *below = here + c->stride;
    bool same = strcmp(here->at, below->at) == 0 && here->ink == below->ink;
    return same ? 0.5 : 0;
}

static void draw_shapes(struct strip *strip, double x, double y, double over, unsigned rgb,
                        const struct shape *s, int count)
{
    for (int i = 0; i < count; i++) {
        double w = s[i].w * CELL_W, h = s[i].h * CELL_H;
        double left = x + s[i].x * CELL_W, top = y + s[i].y * CELL_H;
        if (!s[i].round) {
            strip_add(strip, left, top, w, h + (s[i].y + s[i].h > 0.999 ? over : 0), rgb);
            continue;
        }
        pen(strip->on, rgb);
        cairo_arc(strip->on, left + w / 2, top + h / 2, w / 2, 0, 6.2831853);
        cairo_fill(strip->on);
    }
}

static void draw_row(struct strip *strip, const struct canvas *c, int row)
{
    const struct cell *cells = &c->cells[(size_t)row * (size_t)c->stride];
    struct shape shapes[SHAPES_MOST];
    double y = MARGIN + row * CELL_H;
    for (int column = 0; column < c->width; column++) {
        const struct cell *cell = &cells[column];
        const char *at = cell->at;
        double x = MARGIN + column * CELL_W;
        uint32_t letter = glyph_next(&at);
        if (cell->width == 0 || letter == 0 || letter == ' ') continue; /* the left half has it */
        struct theme_look look = theme_look(strip->theme, THEME_256, (enum ink)cell->ink);
        unsigned rgb = colours_of(strip, cell).fore;
        int count = shape_of(letter, shapes);
        if (count >= 0) {
            draw_shapes(strip, x, y, overlap(c, column, row), rgb, shapes, count);
            continue;
        }
        strip_end(strip);
        pen(strip->on, rgb);
        draw_letter(strip->on, x, y, cell->width * CELL_W, cell->at, look.bold || cell->bold);
    }
    strip_end(strip);
}

static void draw_grounds(struct strip *strip, const struct canvas *c, int row)
{
    const struct cell *cells = &c->cells[(size_t)row * (size_t)c->stride];
    for (int column = 0; column < c->width; column++) {
        unsigned back = colours_of(strip, &cells[column]).back;
        bool below =
            row + 1 < c->height && colours_of(strip, &cells[column + c->stride]).back == back;
        if (back != strip->own.back)
            strip_add(strip, MARGIN + column * CELL_W, MARGIN + row * CELL_H, CELL_W,
                      CELL_H + (below ? 0.5 : 0), back);
    }
    strip_end(strip);
}

static bool done(cairo_status_t status, struct err *e)
{
    return status == CAIRO_STATUS_SUCCESS ||
           err_set(e, ERR_MEMORY, "cairo cannot draw it: %s", cairo_status_to_string(status));
}

static bool draw(cairo_surface_t *surface, const struct picture *p, double scale, struct err *e)
{
    cairo_t *on = cairo_create(surface);
    cairo_scale(on, scale, scale);
    const struct theme *theme = export_theme(p);
    bool light = strncmp(theme->name, "light", 5) == 0;
    struct strip strip = {.on = on,
                          .theme = theme,
                          .own = light ? (struct colours){0x1b1d22, 0xffffff}
                                       : (struct colours){0xd4d4d4, 0x14161b}};
    const struct canvas *c = p->canvas;
    pen(on, strip.own.back);
    cairo_paint(on);
    for (int row = 0; row < c->height; row++) draw_grounds(&strip, c, row);
    for (int row = 0; row < c->height; row++) draw_row(&strip, c, row);
    cairo_status_t status = cairo_status(on);
    cairo_destroy(on);
    return done(status, e);
}

const char *export_pictures(void)
{
    static char name[32];
    snprintf(name, sizeof name, "cairo %s", cairo_version_string());
    return name;
}

static cairo_status_t append(void *to, const unsigned char *bytes, unsigned n)
{
    text_put(to, (const char *)bytes, n);
    return CAIRO_STATUS_SUCCESS; /* a text that failed says so itself */
}

bool export_svg(struct text *to, const struct picture *p, struct err *e)
{
    const struct canvas *c = p->canvas;
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(
        append, to, 2 * MARGIN + c->width * CELL_W, 2 * MARGIN + c->height * CELL_H);
    bool ok = draw(surface, p, 1, e);
    cairo_surface_finish(surface);
    ok = ok && done(cairo_surface_status(surface), e);
    cairo_surface_destroy(surface);
    return ok;
}

bool export_png(struct text *to, const struct picture *p, struct err *e)
{
    const struct canvas *c = p->canvas;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, SCALE * (2 * MARGIN + c->width * CELL_W),
                                   SCALE * (2 * MARGIN + c->height * CELL_H));
    bool ok = draw(surface, p, SCALE, e) &&
              done(cairo_surface_write_to_png_stream(surface, append, to), e);
    cairo_surface_destroy(surface);
    return ok;
}
#endif
