/* tui/export/export.c - The table of formats, the plain ones, and the command that writes them. */
#include "tui/export/export.h"
#include "core/base/io.h"
#include "tui/screen/theme.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
            struct theme_look look = theme_look(theme, THEME_256, (enum ink)cell->ink);
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
    {"txt", "the screen as plain text", false, write_text},
    {"ans", "the screen with its colours, for cat in a terminal", false, write_codes},
    {"json", "the view's facts by name", false, write_json},
    {"svg", "a drawing", true, export_svg},
    {"png", "a picture", true, export_png},
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

/* What is to be written, and where; the canvas is its own. */
struct plan {
    char file[1024];
    const struct export_format *format;
    struct picture picture;
    struct canvas canvas;
    long step;
};

static void say_written(const struct plan *p, struct text *said)
{
    text_add(said, "wrote %s: %s, step %ld\n", p->file, p->picture.view->name, p->step);
}

static bool save(struct plan *p, struct text *said, struct err *e)
{
    struct text out = {0};
    p->picture.canvas = &p->canvas;
    bool ok = p->format->write(&out, &p->picture, e);
    if (ok && out.failed) ok = err_set(e, ERR_MEMORY, "out of memory for %.80s", io_tail(p->file));
    struct io_piece piece = {.at = text_str(&out), .size = out.size};
    ok = ok && io_save(p->file, &piece, 1, e);
    text_free(&out);
    canvas_close(&p->canvas);
    if (ok) say_written(p, said);
    return ok;
}

/* The words of the command: what is drawn, how large, in which colours. */
static bool take_words(int argc, char **argv, struct plan *p, int *width, int *height,
                       struct err *e)
{
    const struct theme *other;
    for (int i = 2; i < argc; i++) {
        if ((other = theme_find(argv[i], NULL))) {
            p->picture.theme = other;
            continue;
        }
        if (size_of(argv[i], width, height)) continue;
        if (*argv[i] >= '0' && *argv[i] <= '9')
            return err_set(e, ERR_USAGE,
                           "a size is COLUMNSxLINES up to %dx%d, as in 120x36, not '%.40s'",
                           EXPORT_MOST, EXPORT_MOST, argv[i]);
        if (!(p->picture.view = view_find(argv[i], e))) return false;
    }
    return true;
}

static bool prepare(int argc, char **argv, const struct scene *s, const struct view *view,
                    int width, int height, struct plan *p, struct err *e)
{
    *p = (struct plan){.picture = {.view = view, .scene = s}};
    if (argc < 2)
        return err_set(e, ERR_USAGE,
                       "export takes a file's name: export FILE.png [VIEW] [WIDTHxHEIGHT] [THEME]");
    size_t n = strlen(argv[1]);
    bool over = n > 1 && argv[1][n - 1] == '!';
    snprintf(p->file, sizeof p->file, "%.*s", (int)(n - over), argv[1]);
    if (width < 1 || height < 1) width = EXPORT_WIDTH, height = EXPORT_HEIGHT;
    if (!take_words(argc, argv, p, &width, &height, e) || !(p->format = format_of(p->file, e)))
        return false;
    if (!s->now) return err_set(e, ERR_USAGE, "there is nothing to export yet: no step was made");
    if (!over && access(p->file, F_OK) == 0)
        return err_set(e, ERR_FILE, "%.80s is there already: 'export %.80s!' writes over it",
                       io_tail(p->file), io_tail(p->file));
    struct frame frame = {.view = p->picture.view, .paper = true};
    if (!canvas_open(&p->canvas, width, height, CHARSET_BRAILLE))
        return err_set(e, ERR_MEMORY, "out of memory for a screen of %d x %d", width, height);
    frame_draw(&p->canvas, s, &frame);
    p->step = s->now->step;
    return true;
}

bool export_command(int argc, char **argv, const struct scene *s, const struct view *view,
                    int width, int height, struct text *said, struct err *e)
{
    struct plan p;
    return prepare(argc, argv, s, view, width, height, &p, e) && save(&p, said, e);
}

/* ---- beside ---- */

/* A child process has a copy of the cells and of nothing to wait for; what came of it is one struct
 * err through a pipe. It makes no thread, and touches neither the terminal nor the model. */
struct export_beside {
    struct plan plan;
    pid_t child;
    int from;
};

static void draw_beside(struct plan *p, int to)
{
    struct text said = {0};
    struct err why = {0};
    bool ok = save(p, &said, &why);
    if (ok) why = (struct err){0};
    _exit(write(to, &why, sizeof why) == (ssize_t)sizeof why ? 0 : 1);
}

/* False: there is no child to be had, and nothing has happened. */
static bool start(struct export_beside *b)
{
    int ends[2];
    if (pipe(ends) != 0) return false;
    b->child = fork();
    if (b->child == 0) draw_beside(&b->plan, ends[1]);
    close(ends[1]);
    if (b->child < 0) return close(ends[0]), false;
    canvas_close(&b->plan.canvas);
    b->from = ends[0];
    return true;
}

bool export_begin(int argc, char **argv, const struct scene *s, const struct view *view, int width,
                  int height, struct export_beside **beside, struct text *said, struct err *e)
{
    if (*beside)
        return err_set(e, ERR_USAGE, "%.80s is still being drawn: again in a moment",
                       io_tail((*beside)->plan.file));
    struct export_beside *b = calloc(1, sizeof *b);
    if (!b) return err_set(e, ERR_MEMORY, "out of memory for a picture");
    bool ok = prepare(argc, argv, s, view, width, height, &b->plan, e);
    if (ok && b->plan.format->slow && start(b)) return *beside = b, true;
    ok = ok && save(&b->plan, said, e);
    free(b);
    return ok;
}

bool export_under_way(const struct export_beside *b)
{
    struct pollfd end = {.fd = b ? b->from : -1, .events = POLLIN};
    return b && poll(&end, 1, 0) == 0;
}

bool export_end(struct export_beside **beside, struct text *said, struct err *e)
{
    struct export_beside *b = *beside;
    struct err why = {0};
    ssize_t n;
    if (!b) return true;
    do n = read(b->from, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof why)
        err_set(&why, ERR_FILE, "%.80s was not written: what drew it has ended",
                io_tail(b->plan.file));
    why.text[sizeof why.text - 1] = 0;
    while (waitpid(b->child, NULL, 0) < 0 && errno == EINTR) continue;
    close(b->from);
    if (why.code == ERR_NONE) say_written(&b->plan, said);
    if (why.code != ERR_NONE) *e = why;
    free(b);
    *beside = NULL;
    return why.code == ERR_NONE;
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
