/* core/base/text.c - Text that grows, and numbers as people read them. */
#include "core/base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and the 0 behind them. */
static bool grow(struct text *t, size_t n)
{
    if (t->failed || n > SIZE_MAX / 2 - t->size - 1) return !(t->failed = true);
    size_t want = t->size + n + 1, room = t->room ? t->room : 64;
    if (want <= t->room) return true;
    while (room < want) room *= 2;
    char *at = realloc(t->at, room);
    if (!at) return !(t->failed = true);
    t->at = at, t->room = room;
    return true;
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        t->failed = true;
    else if (grow(t, (size_t)n))
        t->size += (size_t)vsnprintf(t->at + t->size, (size_t)n + 1, format, again);
    va_end(again);
}

void text_put(struct text *t, const char *bytes, size_t n)
{
    if (!grow(t, n)) return;
    if (n) memcpy(t->at + t->size, bytes, n);
    t->size += n;
    t->at[t->size] = 0;
}

void text_html(struct text *t, const char *words)
{
    for (; *words; words++) {
        const char *as = *words == '<'   ? "&lt;"
                         : *words == '>' ? "&gt;"
                         : *words == '&' ? "&amp;"
                                         : NULL;
        text_put(t, as ? as : words, as ? strlen(as) : 1);
    }
}

void text_clear(struct text *t)
{
    t->size = 0;
    t->failed = false;
    if (t->at) t->at[0] = 0;
}

void text_free(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

const char *text_str(const struct text *t)
{
    return t->at ? t->at : "";
}

enum { ROOM = 16 }; /* what the callers of the three below give at least */

static char *unknown(char *to)
{
    return strcpy(to, "–");
}

char *text_count(char *to, double value)
{
    static const char *const unit[] = {"", "k", "M", "G", "T", "P"};
    if (isnan(value)) return unknown(to);
    int u = 0;
    while (fabs(value) >= 999.5 && u < 5) value /= 1000, u++;
    double size = fabs(value);
    if (u == 0)
        snprintf(to, ROOM, "%.3g", value);
    else
        snprintf(to, ROOM, "%.*f%s", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, value, unit[u]);
    if (size >= 1e6) snprintf(to, ROOM, "%.3g", value * 1e15);
    return to;
}

char *text_seconds(char *to, double seconds)
{
    if (isnan(seconds)) return unknown(to);
    double whole = round(fmax(seconds, 0));
    if (seconds >= 3e7)
        strcpy(to, "> 8000 h");
    else if (seconds < 9.95)
        snprintf(to, ROOM, "%.1f s", fmax(seconds, 0));
    else if (whole < 60)
        snprintf(to, ROOM, "%.0f s", whole);
    else if (whole < 3600)
        snprintf(to, ROOM, "%.0f min %02.0f s", floor(whole / 60), fmod(whole, 60));
    else
        snprintf(to, ROOM, "%.0f h %02.0f min", floor(whole / 3600), floor(fmod(whole, 3600) / 60));
    return to;
}

char *text_number(char *to, double value, int digits)
{
    if (isnan(value)) return unknown(to);
    if (snprintf(to, ROOM, "%.*f", digits, value) >= ROOM) snprintf(to, ROOM, "%.4g", value);
    return to;
}
