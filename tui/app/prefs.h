#ifndef TUI_APP_PREFS_H
#define TUI_APP_PREFS_H
/* What a person has settled for all visits, in vanpool/config.ini of their configuration folder:
 *     [keys]    ACTION = KEY ...          (actions: `list keys`; "none": on no key)
 *     [screen]  theme, color, charset = as the flags of these names;  mouse = on or off
 * A line that cannot be followed is said and skipped; the others hold. */
#include "core/base/text.h"
#include "tui/screen/terminal.h"

struct prefs {
    const struct theme *theme;
    enum terminal_color color;
    enum terminal_charset charset;
    bool mouse;
};
extern const char *const pref_colors[], *const pref_charsets[]; /* by enum, NULL at the end */

/* Fills *to, and binds keys (keys.h). A file that is not there is no wrong one. `wrong`: a sentence
 * a line, beginning with file and line. Returns whether there is a file. */
bool prefs_read(struct prefs *to, const char *path, struct text *wrong);
/* Where it is looked for; "": nowhere. to: PLACE_LONGEST bytes. */
const char *prefs_path(char *to);
#endif
