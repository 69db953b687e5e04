/* tui/prompt/words.c - Completion beyond the core's tables. What stands at a place is read off the
 * command's own usage: VIEW and FILE there mean views and files. */
#include "tui/prompt/words.h"
#include "core/script/command.h"
#include "tui/screen/theme.h"
#include "tui/views/view.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct offer {
    const char *prefix;
    void (*add)(void *to, const char *word);
    void *to;
};

static void offer(const struct offer *o, const char *word)
{
    if (strncmp(word, o->prefix, strlen(o->prefix)) == 0) o->add(o->to, word);
}

/* ---- files ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files whose path goes on from the prefix; folders end in /. A name with blanks or quotes would
 * need quotes around the whole word: it is left out. */
static void offer_files(const struct offer *o)
{
    enum { MOST = 256 };
    bool text = strncmp(o->prefix, "text:", 5) == 0;
    const char *path = o->prefix + (text ? 5 : 0), *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0, count = 0;
    char at[PATH_MAX], word[PATH_MAX + 300], *found[MOST];
    if (snprintf(at, sizeof at, "%.*s", folder, path) >= (int)sizeof at) return;
    DIR *all = opendir(folder ? at : ".");
    if (!all) return;
    for (struct dirent *d; count < MOST && (d = readdir(all));) {
        const char *name = d->d_name, *want = path + folder;
        struct stat about;
        if (strncmp(name, want, strlen(want)) != 0 || (*name == '.' && *want != '.')) continue;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strpbrk(name, " \t\n\"\\#"))
            continue;
        snprintf(word, sizeof word, "%s%s", at, name);
        bool is_folder = stat(word, &about) == 0 && S_ISDIR(about.st_mode);
        snprintf(word, sizeof word, "%s%s%s%s", text ? "text:" : "", at, name,
                 is_folder ? "/" : "");
        if ((found[count] = strdup(word))) count++;
    }
    closedir(all);
    qsort(found, (size_t)count, sizeof *found, by_name);
    for (int i = 0; i < count; i++) {
        offer(o, found[i]);
        free(found[i]);
    }
}

/* ---- places ---- */

static void offer_views(const struct offer *o)
{
    for (int i = 0; view_at(i); i++) offer(o, view_at(i)->name);
}

static void offer_themes(const struct offer *o)
{
    for (int i = 0; theme_at(i); i++) offer(o, theme_at(i)->name);
}

void words_complete(const char *line, int cursor, void (*add)(void *to, const char *word), void *to)
{
    struct command_line words;
    struct command_place place;
    command_complete(line, cursor, add, to);
    if (!command_place(line, cursor, &words, &place) || place.arg == 0) return;
    struct offer o = {place.prefix, add, to};
    bool help = strcmp(place.command->name, "help") == 0;
    bool view = strcmp(place.command->name, "view") == 0;
    if (view || help || strstr(place.usage, "VIEW")) offer_views(&o);
    if (strcmp(place.command->name, "theme") == 0) offer_themes(&o);
    if (strstr(place.usage, "FILE")) offer_files(&o);
}
