/* tui/cli/explore.c - `explore`: the screen where there is one, lines of text where there is none.
 */
#include "core/base/place.h"
#include "tui/app/app.h"
#include "tui/app/prefs.h"
#include "tui/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool choose(const char *flag, const char *word, const char *const *words, int *to,
                   struct err *e)
{
    int n = 0;
    for (; word && words[n]; n++)
        if (strcmp(words[n], word) == 0) return *to = n, true;
    if (!word) return true;
    return err_set(e, ERR_USAGE, "--%s has no '%.40s'%s", flag, word,
                   ERR_MEANT(word, words, n, ""));
}

/* What is wrong in the settings is said before the screen opens, and stands there after it. */
static void complain(const struct text *wrong)
{
    for (const char *line = text_str(wrong); *line; line += strcspn(line, "\n") + 1)
        fprintf(stderr, "vanpool: %.*s\n", (int)strcspn(line, "\n"), line);
}

/* Flags go before the person's settings. */
static bool choose_screen(const struct flags *f, struct app_options *to, struct text *wrong,
                          struct err *e)
{
    char path[PLACE_LONGEST];
    struct prefs prefs;
    prefs_read(&prefs, prefs_path(path), wrong);
    int color = prefs.color, charset = prefs.charset;
    if (!choose("color", f->color, pref_colors, &color, e) ||
        !choose("charset", f->charset, pref_charsets, &charset, e))
        return false;
    to->theme = f->theme ? theme_find(f->theme, e) : prefs.theme;
    to->color = (enum terminal_color)color;
    to->charset = (enum terminal_charset)charset;
    to->mouse = prefs.mouse && !f->no_mouse;
    return to->theme != NULL;
}

bool cli_explore(const struct flags *f, struct err *e)
{
    return cli_explore_lesson(f, NULL, e);
}

bool cli_explore_lesson(const struct flags *f, const char *lesson, struct err *e)
{
    struct config c;
    struct text wrong = {0}, before = {0};
    struct app_options o = {.lesson = lesson, .folder = f->folder};
    char first[FLAGS_FIRST];
    bool screen = !f->plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    bool ok = choose_screen(f, &o, &wrong, e) && flags_config(f, &c, e) &&
              flags_before(f, &before, e) && flags_first(f, first, sizeof first, e);
    o.first = first;
    if (before.size > 0) o.before = text_str(&before);
    if (ok && !screen) {
        ok = cli_plain(&c, &o, e);
    } else if (ok) {
        complain(&wrong);
        if (wrong.size > 0) o.wrong = text_str(&wrong);
        e->code = (enum err_code)app_run(&c, &o);
        ok = e->code == ERR_NONE; /* it has said what went wrong */
    }
    text_free(&wrong);
    text_free(&before);
    return ok;
}
