/* tui/export/export.c - The table of formats, the plain ones, and the command that writes them. */
#include "tui/export/export.h"
#include "core/base/io.h"
#include "tui/screen/theme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct theme *export_theme(const struct picture *p)
{
    return p->theme ? p->theme : theme_find("dark", NULL);
}

/* ---- plain formats ---- */

static bool write_text(struct text *to, const struct picture *p, struct err *e)
{
    (void)e;
    canvas_write(p->canvas, to, false);
    return true;
}

static void colour(struct text *to, char layer, int number)
{
    if (number >= 0) text_add(to, ";%c8;5;%d", layer, number);
}

/* Codes of a terminal with 256 colours; `cat FILE` shows the screen again. */
static bool write_codes(struct text *to, const struct picture *p, struct err *e)
{
    (void)e;
    const struct canvas *c = p->canvas;
    const struct theme *theme = export_theme(p);
    for (int y = 0; y < c->height; y++) {
        int last = -1;
        for (int x = 0; x < c->width; x++) {
            const struct cell *cell = &c->cells[(size_t)y * (size_t)c->stride + (size_t)x];
            struct theme_look look = theme_look_in(theme, THEME_256, (enum ink)cell->ink);
            int now = cell->ink * 2 + cell->bold;
            if (now != last) {
                text_add(to, "\033[0%s%s", look.bold || cell->bold ? ";1" : "",
                         look.reverse ? ";7" : "");
                colour(to, '3', look.fore), colour(to, '4', look.back);
                text_add(to, "m");
            }
            last = now;
            text_add(to, "%s", cell->at); /* the right half of a wide one is empty */
        }
        text_add(to, "\033[0m\n");
    }
    return true;
}

static bool write_json(struct text *to, const struct picture *p, struct err *e)
{
    return export_json(to, p->view, p->scene) ||
           err_set(e, ERR_MEMORY, "out of memory for the facts of %s", p->view->name);
}

/* ---- the table ---- */

static const struct export_format formats[] = {
    {"txt", "the screen as plain text", write_text},
    {"ans", "the screen with its colours, for cat in a terminal", write_codes},
    {"json", "the view's facts by name", write_json},
    {"svg", "a drawing", export_svg},
    {"png", "a picture", export_png},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const struct export_format *export_format_at(int i)
{
    return i >= 0 && i < FORMATS ? &formats[i] : NULL;
}

static const struct export_format *format_of(const char *file, struct err *e)
{
    const char *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
    if (dot && slash && dot < slash) dot = NULL;
    struct text all = {0};
    for (int i = 0; i < FORMATS; i++) {
        if (dot && strcmp(dot + 1, formats[i].name) == 0) return text_free(&all), &formats[i];
        text_add(&all, "%s.%s", i ? ", " : "", formats[i].name);
    }
    const char *near = dot ? err_nearest(dot + 1, formats, FORMATS, sizeof *formats) : NULL;
    err_set(e, ERR_USAGE, "the ending of %.80s says no format: did you mean %s%s?", io_tail(file),
            near ? "." : "", near ? near : text_str(&all));
    text_free(&all);
    return NULL;
}

/* ---- the command ---- */

static bool size_of(const char *word, int *width, int *height)
{
    char *end;
    if (*word < '1' || *word > '9') return false;
    long w = strtol(word, &end, 10);
    if (*end != 'x' || end[1] < '1' || end[1] > '9') return false;
    long h = strtol(end + 1, &end, 10);
    if (*end || w > EXPORT_MOST || h > EXPORT_MOST) return false;
    return *width = (int)w, *height = (int)h, true;
}

static bool save(const char *file, const struct export_format *format, const struct picture *p,
                 struct err *e)
{
    struct text out = {0};
    bool ok = format->write(&out, p, e);
    if (ok && out.failed) ok = err_set(e, ERR_MEMORY, "out of memory for %.80s", io_tail(file));
    struct io_piece piece = {.at = text_str(&out), .size = out.size};
    ok = ok && io_save(file, &piece, 1, e);
    text_free(&out);
    return ok;
}

bool export_command(int argc, char **argv, const struct scene *s, const struct view *view,
                    int width, int height, struct text *said, struct err *e)
{
    char file[1024];
    if (argc < 2)
        return err_set(e, ERR_USAGE,
                       "export takes a file's name: export FILE.png [VIEW] [WIDTHxHEIGHT] [THEME]");
    size_t n = strlen(argv[1]);
    bool over = n > 1 && argv[1][n - 1] == '!';
    snprintf(file, sizeof file, "%.*s", (int)(n - over), argv[1]);
    if (width < 1 || height < 1) width = EXPORT_WIDTH, height = EXPORT_HEIGHT;
    const struct theme *theme = NULL, *other;
    for (int i = 2; i < argc; i++) {
        if ((other = theme_find(argv[i], NULL))) {
            theme = other;
            continue;
        }
        if (!size_of(argv[i], &width, &height) && !(view = view_find(argv[i], e))) {
            bool digit = *argv[i] >= '0' && *argv[i] <= '9';
            return digit ? err_set(e, ERR_USAGE,
                                   "a size is COLUMNSxLINES up to %dx%d, as in 120x36, not '%.40s'",
                                   EXPORT_MOST, EXPORT_MOST, argv[i])
                         : false;
        }
    }
    const struct export_format *format = format_of(file, e);
    if (!format) return false;
    if (!s->now) return err_set(e, ERR_USAGE, "there is nothing to export yet: no step was made");
    if (!over && access(file, F_OK) == 0)
        return err_set(e, ERR_FILE, "%.80s is there already: 'export %.80s!' writes over it",
                       io_tail(file), io_tail(file));
    struct canvas canvas;
    struct frame frame = {.view = view, .paper = true};
    if (!canvas_open(&canvas, width, height, CHARSET_BRAILLE))
        return err_set(e, ERR_MEMORY, "out of memory for a screen of %d x %d", width, height);
    frame_draw(&canvas, s, &frame);
    struct picture picture = {view, s, theme, &canvas};
    bool ok = save(file, format, &picture, e);
    canvas_close(&canvas);
    if (ok) text_add(said, "wrote %s: %s, step %ld\n", file, view->name, s->now->step);
    return ok;
}

void export_name(char *to, size_t size, const struct view *view, const struct snapshot *now)
{
    char data[32];
    int n = 0;
    for (const char *c = now ? now->data : ""; *c && n < (int)sizeof data - 1; c++)
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))
            data[n++] = *c;
        else if (n > 0 && data[n - 1] != '-')
            data[n++] = '-';
    data[n] = 0;
    snprintf(to, size, "vanpool-%s-%s-%s-%ld.png", data,
             now && now->router ? now->router->name : "none", view->name, now ? now->step : 0);
}
