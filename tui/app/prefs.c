/* tui/app/prefs.c - The configuration file, read by inih. It counts lines only as far as the first
 * it cannot read, so lines are handed to it one by one and what is no line of an ini file is kept
 * from it. */
#include "tui/app/prefs.h"
#include "core/base/io.h"
#include "core/base/place.h"
#include "tui/app/keys.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 64 << 10 };

const char *const pref_colors[] = {"auto", "always", "never", NULL};
const char *const pref_charsets[] = {"auto", "ascii", "block", "braille", NULL};

struct reading {
    struct prefs *to;
    struct text *wrong;
    const char *path, *next; /* the rest of the file */
    int line;
};

static void complain(struct reading *r, const char *sentence)
{
    text_add(r->wrong, "%s:%d: %s\n", io_tail(r->path), r->line, sentence);
}

/* ---- values ---- */

static bool take_word(const char *name, const char *value, const char *const *words, int *to,
                      struct err *e)
{
    struct text all = {0};
    int n = 0;
    for (; words[n]; n++) {
        if (strcmp(words[n], value) == 0) return text_free(&all), *to = n, true;
        text_add(&all, "%s%s", n ? ", " : "", words[n]);
    }
    err_set(e, ERR_USAGE, "%s is one of %s, not '%.40s'", name, text_str(&all), value);
    text_free(&all);
    return false;
}

static bool take_screen(struct prefs *to, const char *name, const char *value, struct err *e)
{
    static const char *const names[] = {"theme", "color", "charset", "mouse"};
    static const char *const switches[] = {"off", "on", NULL};
    int word = 0;
    if (strcmp(name, "theme") == 0) {
        const struct theme *t = theme_find(value, e);
        if (t) to->theme = t;
        return t != NULL;
    }
    if (strcmp(name, "color") == 0) {
        bool ok = take_word(name, value, pref_colors, &word, e);
        if (ok) to->color = (enum terminal_color)word;
        return ok;
    }
    if (strcmp(name, "charset") == 0) {
        bool ok = take_word(name, value, pref_charsets, &word, e);
        if (ok) to->charset = (enum terminal_charset)word;
        return ok;
    }
    if (strcmp(name, "mouse") == 0) {
        bool ok = take_word(name, value, switches, &word, e);
        if (ok) to->mouse = word == 1;
        return ok;
    }
    return err_set(e, ERR_USAGE, "[screen] has no '%.40s'%s", name,
                   ERR_MEANT(name, names, 4, ": theme, color, charset, mouse"));
}

static int take(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    struct err e = {0};
    bool ok;
    if (strcmp(section, "keys") == 0)
        ok = keys_bind(name, value, &e);
    else if (strcmp(section, "screen") == 0)
        ok = take_screen(r->to, name, value, &e);
    else
        ok = err_set(&e, ERR_USAGE, "there is no section [%.40s]: [keys] and [screen]", section);
    if (!ok) complain(r, e.text);
    return 1;
}

/* ---- lines ---- */

/* What is wrong with a line before its words are looked at; NULL: nothing. */
static const char *malformed(const char *line, int n, int most)
{
    if (n >= most) return "this line is too long";
    if (n == 0 || *line == ';' || *line == '#') return NULL;
    if (*line == '[') return memchr(line, ']', (size_t)n) ? NULL : "a section is [NAME]";
    return memchr(line, '=', (size_t)n) || memchr(line, ':', (size_t)n) ? NULL
                                                                        : "a line is NAME = VALUE";
}

/* inih's way of asking for a line: as fgets. A wrong one is a blank one to it. */
static char *next_line(char *to, int size, void *from)
{
    struct reading *r = from;
    if (!*r->next) return NULL;
    const char *line = r->next;
    int n = (int)strcspn(line, "\n");
    r->next += n + (line[n] == '\n');
    r->line++;
    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
    while (n > 0 && (*line == ' ' || *line == '\t')) line++, n--; /* no line goes on in the next */
    const char *wrong = malformed(line, n, size - 1);
    if (wrong) complain(r, wrong);
    snprintf(to, (size_t)size, "%.*s\n", wrong ? 0 : n, line);
    return to;
}

const char *prefs_path(char *to)
{
    place_of(PLACE_CONFIG, "config.ini", to);
    return to;
}

bool prefs_read(struct prefs *to, const char *path, struct text *wrong)
{
    struct stat about;
    struct err e = {0};
    size_t size;
    *to = (struct prefs){.theme = theme_at(0), .mouse = true};
    if (!*path || (stat(path, &about) != 0 && errno == ENOENT)) return false;
    bool regular = S_ISREG(about.st_mode);
    char *text = regular ? io_load(path, LARGEST, &size, &e) : NULL;
    if (!text) {
        text_add(wrong, "%s\n", regular ? e.text : "the settings are no plain file: left out");
        return true;
    }
    struct reading r = {.to = to, .wrong = wrong, .path = path, .next = text};
    ini_parse_stream(next_line, &r, take, &r);
    if (strlen(text) < size) complain(&r, "a 0 byte: what follows is left out");
    free(text);
    return true;
}
