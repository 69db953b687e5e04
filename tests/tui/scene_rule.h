#ifndef TESTS_TUI_SCENE_RULE_H
#define TESTS_TUI_SCENE_RULE_H
/* A fixed snapshot, and its past, of any strategy: for the view `rule`. */
#include "tui/views/view.h"

void scene_rule(struct snapshot *s, const char *strategy);
void scene_rule_past(struct history *h, const struct snapshot *last);
#endif
