#ifndef TUI_GUIDE_EXPORT_H
#define TUI_GUIDE_EXPORT_H
/* A lesson as a handout: one HTML file that needs nothing else. */
#include "core/script/runner.h"

/* `answers`: with solutions, hints and notes, for who teaches. */
void guide_html(const struct lesson *l, bool answers, struct text *out);
#endif
