#ifndef TUI_APP_APP_H
#define TUI_APP_APP_H
/* The full-screen explorer: a model trains, views show it, keys and command lines change it while
 * it runs. */
#include "core/model/config.h"
#include "tui/screen/terminal.h"

struct app_options {
    const char *before;          /* lines said before anything else: rules and record; NULL: none */
    const char *first;           /* command lines run before the first step; NULL: none */
    const char *lesson, *folder; /* a lesson to open; where lessons are, NULL: the program's own */
    enum terminal_color color;
    enum terminal_charset charset;
    bool mouse;
    const struct theme *theme;
    const char *wrong; /* what could not be followed in the person's settings; NULL: nothing */
};
/* Runs until the person leaves; returns the exit status. What went wrong is one line on stderr,
 * once the terminal has been given back. */
int app_run(const struct config *c, const struct app_options *o);
#endif
