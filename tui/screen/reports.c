/* tui/screen/reports.c - What terminals report beside keys, byte by byte. */
#include "tui/screen/reports.h"
#include "core/base/text.h"

#include <stdio.h>

enum { PASTE_KEPT = 8192 };

static struct text kept;
static size_t all;     /* bytes of it so far */
static size_t matched; /* characters of the end mark that have come */

bool reports_mouse(struct terminal_key *to, const char *sequence, char end)
{
    enum { SHIFT_ALT_CTRL = 4 | 8 | 16, MOVED = 32, WHEEL = 64 };
    unsigned button, x, y;
    if (sscanf(sequence, "<%u;%u;%u", &button, &x, &y) != 3 || x < 1 || y < 1) return false;
    button &= ~(unsigned)SHIFT_ALT_CTRL;
    const char *name = button == WHEEL       ? "Mouse-Before"
                       : button == WHEEL + 1 ? "Mouse-Next"
                       : button >= WHEEL     ? NULL
                       : end == 'm'          ? "Mouse-Up"
                       : button == MOVED     ? "Mouse-Drag"
                       : button == 0         ? "Mouse-Down"
                                             : NULL;
    if (!name) return false;
    *to = (struct terminal_key){.x = (int)x - 1, .y = (int)y - 1};
    snprintf(to->name, sizeof to->name, "%s", name);
    return true;
}

void reports_paste(void)
{
    text_clear(&kept);
    all = matched = 0;
}

static void keep(const char *bytes, size_t n)
{
    all += n;
    if (kept.size + n <= PASTE_KEPT) text_put(&kept, bytes, n);
}

size_t reports_take(const char *bytes, size_t n, bool *whole)
{
    static const char mark[] = "\033[201~";
    *whole = false;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == mark[matched]) {
            if (!mark[++matched]) return *whole = true, i + 1;
            continue;
        }
        if (matched > 1) keep(mark + 1, matched - 1);
        matched = bytes[i] == mark[0];
        if (!matched) keep(&bytes[i], 1);
    }
    return n;
}

const char *reports_pasted(size_t *size)
{
    *size = all;
    return text_str(&kept);
}
