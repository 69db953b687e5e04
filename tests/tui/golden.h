#ifndef TESTS_TUI_GOLDEN_H
#define TESTS_TUI_GOLDEN_H
/* Compares with screens/NAME.txt, and fails with the first line that differs. UPDATE_GOLDEN=1
 * rewrites it instead, once the new screen was looked at. */
#include "tui/screen/canvas.h"

void golden_text(const char *name, const char *got);
void golden_compare(const char *name, const struct canvas *c, bool inks);
#endif
