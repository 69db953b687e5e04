/* tests/tui/golden.c - Screens kept as text beside the tests. */
#include "tests/tui/golden.h"
#include "tests/check.h"

#include <limits.h>
#include <sys/stat.h>

static void folder(char *to, size_t size)
{
    snprintf(to, size, "%s", __FILE__);
    char *slash = strrchr(to, '/');
    if (slash) *slash = 0;
    size_t n = strlen(to);
    snprintf(to + n, size - n, "/screens");
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    struct text t = {0};
    char some[4096];
    for (size_t n; (n = fread(some, 1, sizeof some, f)) > 0;) text_put(&t, some, n);
    fclose(f);
    if (!t.at) text_put(&t, "", 0);
    return t.at;
}

/* The first line in which the two differ, for a person. */
static void differ(const char *path, const char *got, const char *want)
{
    for (int line = 1; *got || *want; line++) {
        size_t g = strcspn(got, "\n"), w = strcspn(want, "\n");
        if (g != w || strncmp(got, want, g) != 0) {
            ck_abort_msg("%s, line %d:\n  got  |%.*s|\n  want |%.*s|\nUPDATE_GOLDEN=1 rewrites it "
                         "once the new screen was looked at",
                         path, line, (int)g, got, (int)w, want);
        }
        got += g + (got[g] == '\n'), want += w + (want[w] == '\n');
    }
}

void golden_text(const char *name, const char *got)
{
    char at[PATH_MAX], path[PATH_MAX + 80];
    folder(at, sizeof at);
    snprintf(path, sizeof path, "%s/%s.txt", at, name);
    if (getenv("UPDATE_GOLDEN")) {
        mkdir(at, 0777);
        FILE *f = fopen(path, "wb");
        ck_assert_msg(f != NULL, "cannot write %s", path);
        fputs(got, f);
        fclose(f);
    } else {
        char *want = read_all(path);
        ck_assert_msg(want != NULL, "%s is not there: run once with UPDATE_GOLDEN=1 and look at it",
                      path);
        differ(path, got, want);
        free(want);
    }
}

void golden_compare(const char *name, const struct canvas *c, bool inks)
{
    struct text got = {0};
    canvas_write(c, &got, inks);
    golden_text(name, text_str(&got));
    text_free(&got);
}
