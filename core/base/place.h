#ifndef CORE_BASE_PLACE_H
#define CORE_BASE_PLACE_H
/* Where a person's own files lie, after the XDG base directory specification. */
#include <stdbool.h>

enum place { PLACE_CONFIG, PLACE_STATE };
enum { PLACE_LONGEST = 1024 };
/* The path of vanpool's `file` there, e.g. ~/.config/vanpool/config.ini; `file` "" is the folder.
 * False, and "": the environment names no home. to: at least PLACE_LONGEST bytes. */
bool place_of(enum place place, const char *file, char *to);
#endif
