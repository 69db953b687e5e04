/* tui/app/pin.c - The lines pin, pins and unpin on the screen: what they say is a hint, or a page
 * where it is longer. */
#include "tui/app/inside.h"

#include <string.h>

void app_pins(struct app *a, int argc, char **argv)
{
    struct text out = {0};
    struct err e = {0};
    bool ok = false;
    pins_line(&a->pins, argc, argv, a->any ? &a->now : NULL, &a->past, &out, &ok, &e);
    const char *end = strchr(text_str(&out), '\n');
    if (!ok)
        app_hint(a, "%s", e.text);
    else if (end && end[1])
        popup_page(&a->popup, "Pinned runs", text_str(&out));
    else
        app_hint(a, "%.*s", (int)strcspn(text_str(&out), "\n"), text_str(&out));
    text_free(&out);
}
