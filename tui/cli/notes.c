/* tui/cli/notes.c - `notes`: the teacher's second terminal. Shows what the explorer that presents
 * sends, wrapped to the window, until it ends. */
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/draw/prose.h"
#include "tui/guide/desk.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    WIDTH_MOST = 100,
    LOOK_MS = 250
}; /* longer lines are hard to read; a new size is seen soon */

struct paper {
    struct text page;
    int width, height; /* of the window, 0: there is none, and the page goes out as it comes */
};

/* True: the window has another size than before. */
static bool look(struct paper *p)
{
    struct winsize w = {0};
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0) return false;
    int width = w.ws_col ? w.ws_col : 80, height = w.ws_row ? w.ws_row : 24;
    bool other = width != p->width || height != p->height;
    p->width = width, p->height = height;
    return other;
}

/* The page from the top; what the window has no room for ends in a sign. */
static bool paint(struct paper *p, struct err *e)
{
    struct canvas c;
    struct text out = {0};
    int width = p->width - 2 < WIDTH_MOST ? p->width - 2 : WIDTH_MOST, height = p->height - 1;
    if (!canvas_open(&c, width > 0 ? width + 1 : 2, height > 0 ? height : 1, CHARSET_BRAILLE))
        return err_set(e, ERR_MEMORY, "out of memory for the notes");
    prose_draw(&c, 1, 0, width, c.height, 0, INK_TEXT, text_str(&p->page));
    text_add(&out, "\033[2J\033[H");
    canvas_write(&c, &out, false);
    canvas_close(&c);
    bool ok = out_put(&out, e);
    text_free(&out);
    return ok;
}

/* Some bytes of pages; a form feed begins a new one. */
static bool take(struct paper *p, const char *some, ssize_t n, struct err *e)
{
    for (ssize_t i = 0; i < n; i++)
        if (some[i] == '\f')
            text_clear(&p->page);
        else
            text_put(&p->page, some + i, 1);
    if (p->width) return paint(p, e);
    bool ok = out_put(&p->page, e);
    text_clear(&p->page);
    return ok;
}

bool cli_notes(const struct flags *f, struct err *e)
{
    char some[4096];
    struct paper paper = {0};
    bool ok = true;
    (void)f;
    int from = desk_visit(e);
    if (from < 0) return false;
    out_catch_interrupt();
    while (ok && !out_interrupts()) {
        struct pollfd in = {.fd = from, .events = POLLIN};
        bool other = look(&paper);
        if (poll(&in, 1, LOOK_MS) <= 0) {
            if (other && paper.page.size) ok = paint(&paper, e);
            continue;
        }
        ssize_t n = read(from, some, sizeof some);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        ok = take(&paper, some, n, e);
    }
    close(from);
    text_free(&paper.page);
    return ok;
}
