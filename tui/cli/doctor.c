/* tui/cli/doctor.c - `doctor`: what was found on this machine, and why what is missing is missing.
 */
#include "core/base/place.h"
#include "core/base/text.h"
#include "kernels/backend.h"
#include "tui/app/prefs.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/export/export.h"

#include <jansson.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A fact: what it is called, what was found, and whether that is fine. */
static void fact(json_t *all, const char *name, bool fine, const char *found)
{
    json_array_append_new(all,
                          json_pack("{s:s, s:b, s:s}", "name", name, "ok", fine, "found", found));
}

static void find_backends(json_t *all, const struct flags *f)
{
    char why[200], found[300];
    struct kn_settings settings = {.threads = f->threads > 0 ? (int)f->threads : 0,
                                   .simd = f->simd};
    struct kn_backend *be = kn_open("cpu", &settings, why, sizeof why);
    if (be)
        snprintf(found, sizeof found, "%s, %d threads of %ld processors", kn_simd(be),
                 kn_threads(be), sysconf(_SC_NPROCESSORS_ONLN));
    fact(all, "cpu", be != NULL, be ? found : why);
    kn_close(be);
    be = kn_open("cuda", &settings, why, sizeof why);
    if (be)
        snprintf(found, sizeof found,
                 "%s, products in %s (its kernels have not run on a GPU of ours: make check-gpu)",
                 kn_device(be), kn_simd(be));
    fact(all, "gpu", be != NULL, be ? found : why);
    kn_close(be);
}

static void find_terminal(json_t *all)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR"), *depth = getenv("COLORTERM");
    char found[200];
    struct winsize size = {0};
    bool screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!screen) {
        fact(all, "terminal", true,
             "stdin or stdout is no terminal: the explorer runs as lines of text");
    } else {
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        bool known = term && *term && strcmp(term, "dumb") != 0;
        snprintf(found, sizeof found, "TERM=%.40s, %d x %d%s", term ? term : "", size.ws_col,
                 size.ws_row,
                 known ? ""
                       : "; the explorer needs a terminal that can move its cursor: set TERM, or "
                         "use --plain");
        fact(all, "terminal", known, found);
    }
    snprintf(found, sizeof found, "%s",
             no_color && *no_color         ? "off by NO_COLOR"
             : depth && *depth             ? depth
             : term && strstr(term, "256") ? "256"
                                           : "as the terminal says");
    fact(all, "colours", true, found);
    const char *codes = nl_langinfo(CODESET);
    bool utf8 = strcmp(codes, "UTF-8") == 0;
    snprintf(found, sizeof found, "%s%s", codes,
             utf8 ? "" : "; shapes are drawn in ASCII: set LANG=C.UTF-8 for more");
    fact(all, "locale", utf8, found);
}

/* The person's own settings, with the first line in them that cannot be followed. */
static void find_settings(json_t *all)
{
    char path[PLACE_LONGEST], found[PLACE_LONGEST + 400];
    struct prefs prefs;
    struct text wrong = {0};
    bool there = prefs_read(&prefs, prefs_path(path), &wrong);
    int lines = 0;
    for (const char *at = text_str(&wrong); (at = strchr(at, '\n')); at++) lines++;
    if (lines > 0)
        snprintf(found, sizeof found, "%s: %d wrong; %.*s", path, lines,
                 (int)strcspn(text_str(&wrong), "\n"), text_str(&wrong));
    else if (there)
        snprintf(found, sizeof found, "%s: theme %s, mouse %s", path, prefs.theme->name,
                 prefs.mouse ? "on" : "off");
    else
        snprintf(found, sizeof found, "%s%s", *path ? path : "HOME is not set: there are none",
                 *path ? " is not there: all as it comes" : "");
    fact(all, "settings", lines == 0, found);
    text_free(&wrong);
}

static void find_folders(json_t *all)
{
    const char *tmp = getenv("TMPDIR");
    char found[PLACE_LONGEST + 100], here[400];
    bool home = place_of(PLACE_STATE, "history", found);
    fact(all, "history", home,
         home ? found : "HOME is not set: nothing is remembered between runs");
    bool writable = getcwd(here, sizeof here) && access(here, W_OK) == 0;
    snprintf(found, sizeof found, "%s%s", here,
             writable ? "" : " cannot be written to: give --save a path elsewhere");
    fact(all, "working folder", writable, found);
    const char *pictures = export_pictures();
    fact(all, "pictures", pictures != NULL,
         pictures ? pictures : "built without cairo: no export to .svg and .png");
    tmp = tmp && *tmp ? tmp : "/tmp";
    fact(all, "temporary folder", access(tmp, W_OK) == 0, tmp);
}

bool cli_doctor(const struct flags *f, struct err *e)
{
    json_t *all = json_array(), *one;
    struct text out = {0};
    size_t i;
    fact(all, "version", true, VANPOOL_VERSION);
    find_backends(all, f);
    find_terminal(all);
    find_settings(all);
    find_folders(all);
    json_array_foreach(all, i, one)
    {
        char *line = f->json ? json_dumps(one, JSON_COMPACT) : NULL;
        if (line)
            text_add(&out, "%s\n", line);
        else
            text_add(&out, "%s %-16s %s\n", json_is_true(json_object_get(one, "ok")) ? "+" : "-",
                     json_string_value(json_object_get(one, "name")),
                     json_string_value(json_object_get(one, "found")));
        free(line);
    }
    bool ok = out_put(&out, e);
    text_free(&out);
    json_decref(all);
    return ok;
}
