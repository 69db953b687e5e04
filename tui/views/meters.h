#ifndef TUI_VIEWS_METERS_H
#define TUI_VIEWS_METERS_H
/* A GPU's meters in words, for the views that show what a step takes. */
#include "core/metrics/snap_gpu.h"
#include "tui/views/view.h"

bool meters_known(const struct snap_gpu *g); /* any of them */
/* One line; brief: what fits forty columns. */
void meters_say(char *to, size_t size, const struct snap_gpu *g, bool brief);
/* Sentences; none where none is known. */
void meters_tell(struct text *to, const struct snap_gpu *g);
#endif
