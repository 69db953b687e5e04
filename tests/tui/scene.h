#ifndef TESTS_TUI_SCENE_H
#define TESTS_TUI_SCENE_H
/* Snapshots to draw: the same in every run, and such as training leaves them. */
#include "tui/views/view.h"

void scene_orders(struct snapshot *s); /* orders, topp, 8 vans, one layer */
void scene_text(struct snapshot *s);   /* text, topk, 8 experts, four layers, capacity set */
/* 64 experts, 8 slots, 12 layers, every measure NaN, no token */
void scene_nothing_known(struct snapshot *s);
/* A lesson on its only page: something guessed, one of its two checks ticked. Lives for ever. */
const struct runner *scene_lesson(void);
void scene_past(struct history *h, long steps); /* curves with three marks */
#endif
