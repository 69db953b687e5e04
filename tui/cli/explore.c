/* tui/cli/explore.c - `explore`: the screen where there is one, lines of text where there is none.
 */
#include "tui/app/app.h"
#include "tui/cli/cli.h"

#include <string.h>
#include <unistd.h>

static bool choose(const char *flag, const char *word, const char *const *words, int *to,
                   struct err *e)
{
    int n = 0;
    for (; word && words[n]; n++)
        if (strcmp(words[n], word) == 0) return *to = n, true;
    if (!word) return true;
    const char *near = err_nearest(word, words, n, sizeof *words);
    return err_set(e, ERR_USAGE, "--%s has no '%.40s'%s%s%s", flag, word,
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

bool cli_explore(const struct flags *f, struct err *e)
{
    return cli_explore_lesson(f, NULL, e);
}

bool cli_explore_lesson(const struct flags *f, const char *lesson, struct err *e)
{
    static const char *const colors[] = {"auto", "always", "never", NULL};
    static const char *const charsets[] = {"auto", "ascii", "block", "braille", NULL};
    int color = 0, charset = 0;
    struct config c;
    if (!choose("color", f->color, colors, &color, e) ||
        !choose("charset", f->charset, charsets, &charset, e))
        return false;
    if (!flags_config(f, &c, e)) return false;
    if (f->plain || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return cli_plain(&c, lesson, f->folder, e);
    struct app_options o = {.color = (enum terminal_color)color,
                            .charset = (enum terminal_charset)charset,
                            .mouse = !f->no_mouse,

                            .lesson = lesson,
                            .folder = f->folder};
    e->code = (enum err_code)app_run(&c, &o);
    return e->code == ERR_NONE; /* it has said what went wrong */
}
