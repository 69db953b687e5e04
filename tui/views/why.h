#ifndef TUI_VIEWS_WHY_H
#define TUI_VIEWS_WHY_H
/* The inside of the view `why`: one token, one layer. What the rule saw stands in the window's
 * arrays and is there at once; what other experts would have done comes with the probe's answer. */
#include "tui/views/rule.h"

/* The answer about the token under the cursor in the layer looked at; NULL: none has come. */
const struct snap_probe *why_answer(const struct scene *s);
/* Loss with `column` taken the other way round, less the loss as it is; NaN unknown. */
double why_turned(const struct snap_probe *p, int column);

/* ---- why_table.c: the columns in falling order, the rule drawn on them ---- */
void why_table_draw(struct canvas *to, const struct scene *s);
int why_table_rows(const struct scene *s); /* that leave nothing out */
/* ---- why_curve.c: the loss with so many experts, and the batch's regret ---- */
void why_curve_draw(struct canvas *to, const struct scene *s);
int why_curve_rows(const struct scene *s);
void why_curve_line(struct canvas *to, int y, const struct scene *s);  /* the same in one line */
void why_regret_draw(struct canvas *to, int y, const struct scene *s); /* four lines */
void why_curve_tell(struct text *to, const struct scene *s);
/* ---- why_sums.c: the arithmetic, step by step: so many columns, best first, and so many terms of
 * each product, largest first; no column: the whole in six short lines, of the best one ---- */
void why_sums(struct text *to, const struct scene *s, int columns, int terms);
#endif
