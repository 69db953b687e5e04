#ifndef CORE_CONSOLE_PRESETS_H
#define CORE_CONSOLE_PRESETS_H
/* Runs worth seeing, good and instructively bad: a name, a sentence, and the lines that set one up.
 * What each says is checked by running it (tests/core/console_presets.c). Model sizes, which
 * --preset takes, are another kind of preset: core/model/config.c. */
#include <stdbool.h>

struct preset_run {
    const char *name, *help;
    bool good;
    const char *lines; /* command lines; the data is orders */
    int steps;         /* after so many it shows */
    const char *shows; /* conditions, one a line */
};
const struct preset_run *preset_run_at(int i);              /* NULL past the end */
const struct preset_run *preset_run_find(const char *name); /* NULL: none is called so */
#endif
