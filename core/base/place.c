/* core/base/place.c - XDG folders: the variable where it holds a whole path, else below HOME. */
#include "core/base/place.h"

#include <stdio.h>
#include <stdlib.h>

bool place_of(enum place place, const char *file, char *to)
{
    static const struct {
        const char *variable, *below_home;
    } places[] = {[PLACE_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
                  [PLACE_STATE] = {"XDG_STATE_HOME", ".local/state"}};
    const char *set = getenv(places[place].variable), *home = getenv("HOME");
    int n = -1;
    if (set && *set == '/')
        n = snprintf(to, PLACE_LONGEST, "%s/vanpool%s%s", set, *file ? "/" : "", file);
    else if (home && *home)
        n = snprintf(to, PLACE_LONGEST, "%s/%s/vanpool%s%s", home, places[place].below_home,
                     *file ? "/" : "", file);
    if (n < 0 || n >= PLACE_LONGEST) to[0] = 0;
    return to[0] != 0;
}
