#ifndef TESTS_TUI_SCENE_WHY_H
#define TESTS_TUI_SCENE_WHY_H
/* Answers to what-if questions for a fixed snapshot: losses by plain arithmetic, everything else
 * read off the window, so that the two agree. */
#include "tui/views/view.h"

void scene_why(struct snapshot *s, int token, int layer);
#endif
