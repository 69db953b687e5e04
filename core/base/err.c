/* core/base/err.c - Sentences for people: filling one, and finding the name that was meant. */
#include "core/base/err.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Where a cut text ends: the longest whole UTF-8 prefix of at most `most` bytes. */
static size_t whole(const char *text, size_t most)
{
    size_t n = most;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    return n;
}

bool err_set(struct err *e, enum err_code code, const char *format, ...)
{
    static const char more[] = "…";
    if (!e) return false;
    e->code = code;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (n < 0) snprintf(e->text, sizeof e->text, "something failed, and so did saying what");
    if (n >= (int)sizeof e->text)
        memcpy(e->text + whole(e->text, sizeof e->text - sizeof more), more, sizeof more);
    for (char *c = e->text; *c; c++) /* file names may hold escape sequences */
        if (iscntrl((unsigned char)*c)) *c = '?';
    return false;
}

enum { LONGEST = 63 };

/* Damerau-Levenshtein distance (optimal string alignment), letter case apart. Both at most LONGEST.
 */
static int distance(const char *a, int na, const char *b, int nb)
{
    int row[3][LONGEST + 1], *before = row[0], *last = row[1], *now = row[2];
    for (int j = 0; j <= nb; j++) last[j] = before[j] = j;
    for (int i = 1; i <= na; i++) {
        now[0] = i;
        for (int j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            int best = last[j - 1] + (ca != cb);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        int *free_row = before;
        before = last, last = now, now = free_row;
    }
    return last[nb];
}

const char *err_nearest(const char *word, const void *names, int count, int stride)
{
    size_t n = word ? strlen(word) : 0;
    if (n == 0 || n > LONGEST) return NULL;
    int most = n <= 4 ? 1 : n < 9 ? 2 : (int)n / 3;
    const char *best = NULL;
    for (int i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + (size_t)i * (size_t)stride);
        size_t m = name ? strlen(name) : 0;
        if (m == 0 || m > LONGEST) continue;
        int d = distance(word, (int)n, name, (int)m);
        if (d > 1 && n >= 3 && strncasecmp(word, name, n) == 0) d = 1; /* an unfinished name */
        if (d > most || (best && d == most)) continue;
        best = name, most = d;
    }
    return best;
}

struct err_meant err_meant(const char *word, const void *names, int count, int stride,
                           const char *otherwise)
{
    struct err_meant to;
    const char *near = err_nearest(word, names, count, stride);
    if (near)
        snprintf(to.text, sizeof to.text, ": did you mean %s?", near);
    else
        snprintf(to.text, sizeof to.text, "%s", otherwise);
    return to;
}
