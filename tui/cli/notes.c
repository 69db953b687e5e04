/* tui/cli/notes.c - `notes`: the teacher's second terminal. Shows what the explorer that presents
 * sends, until it ends. */
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/guide/desk.h"

#include <errno.h>
#include <unistd.h>

bool cli_notes(const struct flags *f, struct err *e)
{
    char some[4096];
    struct text out = {0};
    bool ok = true, screen = isatty(STDOUT_FILENO);
    ssize_t n = 0;
    (void)f;
    int from = desk_visit(e);
    if (from < 0) return false;
    out_catch_interrupt();
    while (ok && !out_interrupts() &&
           ((n = read(from, some, sizeof some)) > 0 || (n < 0 && errno == EINTR))) {
        if (n < 0) continue;
        for (ssize_t i = 0; i < n; i++)
            if (some[i] == '\f')
                text_add(&out, "%s", screen ? "\033[2J\033[H" : "");
            else
                text_put(&out, some + i, 1);
        ok = out_put(&out, e);
    }
    close(from);
    text_free(&out);
    return ok;
}
