/* tui/views/load_past.c - The busiest expert over the mean, over the steps, with a line wherever
 * somebody changed something: a load that ran away has a beginning. */
#include "tui/views/load_past.h"
#include "tui/draw/spark.h"
#include "tui/views/curves_axis.h"
#include "tui/views/facts.h"
#include "tui/views/say.h"

#include <math.h>

enum { LABEL = 8, LOAD_PAST_LEAST = 5, LOAD_PAST_MOST = 10 /* rows, with the title */ };

static const float *line_of(const struct scene *s, double *low, double *high)
{
    const struct history *h = s->past;
    *low = *high = NAN;
    if (!h || h->count < 2) return NULL;
    const float *line = h->line[HISTORY_BUSIEST];
    for (int i = 0; i < h->count; i++)
        *low = fmin(*low, (double)line[i]), *high = fmax(*high, (double)line[i]);
    return isnan(*low) ? NULL : line;
}

int load_past_rows(const struct scene *s, int room)
{
    double low, high;
    if (room < LOAD_PAST_LEAST || !line_of(s, &low, &high)) return 0;
    return room < LOAD_PAST_MOST ? room : LOAD_PAST_MOST;
}

void load_past_draw(struct canvas *to, const struct scene *s)
{
    const struct history *h = s->past;
    double low, high;
    const float *line = line_of(s, &low, &high);
    char word[32];
    if (!line || to->height < LOAD_PAST_LEAST || to->width < 4 * LABEL) return;
    canvas_fit(to, 0, 0, to->width, INK_DIM, "busiest/mean over the steps%s",
               to->width < 46 ? "" : "; 1.00 = all alike");
    struct canvas plot = canvas_part(to, LABEL, 1, to->width - LABEL, to->height - 1);
    struct curves_ruler r = curves_ruler(s, LABEL, plot.width);
    float value[HISTORY_PIXELS];
    int n = spark_values(to, plot.width);
    if (n > HISTORY_PIXELS) n = HISTORY_PIXELS;
    for (int m = 0; m < h->marks; m++) {
        int at = curves_column(&r, h->mark[m].step);
        for (int y = 1; y < to->height && at >= 0; y++) canvas_text(to, at, y, INK_FRAME, "┊");
    }
    history_values(value, n, r.over, (struct history_points){h->step, line, h->count}, false);
    low = fmin(low, 1), high = fmax(high, low + 0.5); /* what hardly moves is flat */
    spark_plot(&plot, value, n, low, high, INK_VAN0);
    canvas_text(to, 0, 1, INK_DIM, "%7s", facts_number(word, high, 2));
    canvas_text(to, 0, to->height - 1, INK_DIM, "%7s", facts_number(word, low, 2));
}

void load_past_tell(struct text *to, const struct scene *s)
{
    double low, high;
    if (!line_of(s, &low, &high)) return;
    text_add(to, "over the steps the busiest did between ");
    say_number(to, low, 2, "of fair", "busiest, lowest");
    text_add(to, " and ");
    say_number(to, high, 2, "of fair", "busiest, highest");
    text_add(to, " times its share.\n");
}
