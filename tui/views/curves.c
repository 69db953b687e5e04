/* tui/views/curves.c - What changed, when, and because of what? Loss, accuracy, experts and speed
 * over one axis of steps, with a mark wherever somebody changed something. */
#include "tui/views/facts.h"
#include "tui/draw/spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Four curves over the same steps, from the first of the run to now. An upright line is a "
    "change that somebody made: a "
    "rule, a knob, the learning rate; its words stand below it. Look at what moves to the right of "
    "a line, and what does "
    "not.\n"
    "At the left of each curve stand its highest and lowest value, at the right its newest. On a "
    "logarithmic axis equal "
    "heights are equal ratios: a loss that halves again and again falls in a straight line there.";

enum { LABEL = 20, VALUE = 10, FLAT_VALUE = 12 };

/* ---- one curve
 * ----------------------------------------------------------------------------------------------------
 */
struct curve {
    enum history_line line;
    const char *name, *unit;
    enum ink ink;
    int digits;
    bool percent, count, may_log;
};

/* The four, in the words of the data at hand. */
static void curves_of(struct curve to[HISTORY_LINES], const struct snapshot *now)
{
    bool text = now && now->text;
    const struct curve four[HISTORY_LINES] = {
        {.line = HISTORY_LOSS,
         .name = "loss",
         .unit = "nat",
         .ink = INK_VAN0,
         .digits = 3,
         .may_log = true},
        {.line = HISTORY_ACCURACY,
         .name = text ? "predicted" : "delivered",
         .unit = "",
         .ink = INK_VAN0 + 2,
         .percent = true},
        {.line = HISTORY_EXPERTS,
         .name = text ? "experts/token" : "vans/order",
         .unit = "",
         .ink = INK_VAN0 + 1,
         .digits = 2},
        {.line = HISTORY_SPEED,
         .name = "speed",
         .unit = "tok/s",
         .ink = INK_VAN0 + 6,
         .count = true,
         .may_log = true},
    };
    memcpy(to, four, sizeof four);
}

static char *show(char *to, const struct curve *c, double value)
{
    if (isnan(value)) return strcpy(to, "–");
    if (c->percent)
        snprintf(to, 32, "%.1f %%", 100 * value);
    else if (c->count)
        text_count(to, value);
    else
        facts_number(to, value, c->digits);
    return to;
}

static double newest(const struct history *h, int line)
{
    for (int i = h->count - 1; i >= 0; i--)
        if (!isnan(h->line[line][i])) return h->line[line][i];
    return NAN;
}

static int column_of(const struct history *h, long step, int x, int width)
{
    struct history_axis a = history_axis(h);
    return step < a.from || step > a.to
               ? -1
               : x + (int)((double)(step - (long)a.from) / (a.to - a.from) * (width - 1) + 0.5);
}

static void draw_curve(struct canvas *to, const struct curve *c, const struct scene *s, int x,
                       int width)
{
    const struct history *h = s->past;
    float value[HISTORY_PIXELS];
    bool logarithm = s->log_axis && c->may_log;
    struct canvas plot = canvas_part(to, x, 0, width, to->height);
    int n = spark_values(to, plot.width);
    if (n > HISTORY_PIXELS) n = HISTORY_PIXELS;
    if (n < 1) return;
    history_values(value, n, h, h->line[c->line], logarithm);
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
        if (!isnan(value[i])) low = fmin(low, value[i]), high = fmax(high, value[i]);
    char word[32];
    for (int m = 0; m < h->marks; m++) {
        int at = column_of(h, h->mark[m].step, 0, plot.width);
        for (int y = 0; y < plot.height && at >= 0; y++) canvas_text(&plot, at, y, INK_FRAME, "┊");
    }
    if (!(high >= low))
        low = high = NAN;
    else if (to->height == 1 && high > low)
        spark_draw(&plot, 0, 0, plot.width, value, n, c->ink);
    else
        spark_plot(&plot, value, n, low, high, c->ink);
    canvas_fit(to, 0, 0, x, INK_TEXT, "%s%s", c->name, logarithm && x >= LABEL ? ", log" : "");
    if (logarithm) low = pow(10, low), high = pow(10, high);
    if (to->height > 1) {
        canvas_text(to, x - 1 - canvas_columns(show(word, c, high)), 0, INK_DIM, "%s", word);
        canvas_text(to, x - 1 - canvas_columns(show(word, c, low)), to->height - 1, INK_DIM, "%s",
                    word);
    }
    int right = x + width + 1;
    right = canvas_fit(to, right, 0, to->width - right, INK_BRIGHT, "%s",
                       show(word, c, newest(h, c->line)));
    if (to->height > 1)
        canvas_fit(to, x + width + 1, 1, to->width - x - width - 1, INK_DIM, "%s", c->unit);
    else if (c->unit[0])
        canvas_fit(to, right + 1, 0, to->width - right - 1, INK_DIM, "%s", c->unit);
}

/* ---- the axis and what happened on it
 * ----------------------------------------------------------------------------- */
static void draw_axis(struct canvas *to, const struct history *h, int x, int width)
{
    char word[32];
    struct history_axis a = history_axis(h);
    canvas_fill(to, x, 0, width, INK_FRAME, "─");
    for (int m = 0; m < h->marks; m++)
        canvas_text(to, column_of(h, h->mark[m].step, x, width), 0, INK_FRAME, "┴");
    int left = canvas_columns(facts_whole(word, a.from)) + 6;
    canvas_text(to, x - left - 1 > 0 ? x - left - 1 : 0, 0, INK_DIM, "step %s", word);
    canvas_fit(to, x + width + 1, 0, to->width - x - width - 1, INK_DIM, "%s",
               facts_whole(word, a.to));
}

/* The words of the marks below their lines: newest first, on the first row where there is room. */
static void draw_marks(struct canvas *to, const struct history *h, int x, int width)
{
    enum { ROWS = 4, WIDEST = 512 };
    bool used[ROWS][WIDEST] = {{false}};
    for (int m = h->marks - 1; m >= 0; m--) {
        char word[96], step[32];
        snprintf(word, sizeof word, "%s: %s", facts_whole(step, (double)h->mark[m].step),
                 h->mark[m].text);
        int at = column_of(h, h->mark[m].step, x, width), wide = canvas_columns(word);
        if (at < 0) continue;
        if (at + wide > to->width) at = to->width - wide;
        if (at < 0) at = 0;
        for (int row = 0; row < to->height && row < ROWS; row++) {
            bool free = true;
            for (int i = at; i < at + wide + 2 && i < WIDEST; i++) free = free && !used[row][i];
            if (!free) continue;
            for (int i = at; i < at + wide + 2 && i < WIDEST; i++) used[row][i] = true;
            canvas_fit(to, at, row, to->width - at, m == h->marks - 1 ? INK_ACCENT : INK_DIM, "%s",
                       word);
            break;
        }
    }
}

static void curves_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    const struct history *h = s->past;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    if (!h || h->count < 2) {
        canvas_fit(&in, 0, in.height / 2, in.width, INK_DIM, "Curves begin with the second step.");
        return;
    }
    struct curve curve[HISTORY_LINES];
    curves_of(curve, s->now);
    int foot = in.height >= 24 ? 3 : in.height >= 14 ? 2 : in.height >= 6 ? 1 : 0;
    int axis = in.height >= 5, rows = in.height - foot - axis,
        curves = rows < HISTORY_LINES ? rows : HISTORY_LINES;
    if (curves < 1) return;
    int each = rows / curves, gap = each >= 4 ? 1 : 0, y = 0;
    int x = in.width >= 60 ? LABEL : 14, width = in.width - x - (each == 1 ? FLAT_VALUE : VALUE);
    if (width < 4) return;
    foot = in.height - axis - each * curves; /* what is left over */
    for (int i = 0; i < curves; i++, y += each) {
        struct canvas part = canvas_part(&in, 0, y, in.width, each - gap);
        draw_curve(&part, &curve[i], s, x, width);
    }
    struct canvas line = canvas_part(&in, 0, y, in.width, axis),
                  marks = canvas_part(&in, 0, y + axis, in.width, foot);
    draw_axis(&line, h, x, width);
    draw_marks(&marks, h, x, width);
}

static void curves_tell(struct text *to, const struct scene *s)
{
    const struct history *h = s->past;
    if (!s->now || !h || h->count < 1) return;
    struct curve curve[HISTORY_LINES];
    curves_of(curve, s->now);
    char a[32], b[32], c[32], d[32];
    for (int i = 0; i < HISTORY_LINES; i++) {
        float low = INFINITY, high = -INFINITY;
        for (int k = 0; k < h->count; k++)
            low = fminf(low, h->line[curve[i].line][k]),
            high = fmaxf(high, h->line[curve[i].line][k]);
        text_add(to, "%s %s%s%s at step %s", curve[i].name,
                 show(a, &curve[i], newest(h, curve[i].line)), curve[i].unit[0] ? " " : "",
                 curve[i].unit, facts_whole(b, (double)h->step[h->count - 1]));
        if (high >= low)
            text_add(to, ", between %s and %s since step %s", show(a, &curve[i], low),
                     show(c, &curve[i], high), facts_whole(d, (double)h->step[0]));
        text_add(to, ".\n");
    }
    for (int m = 0; m < h->marks; m++)
        text_add(to, "step %s: %s.\n", facts_whole(a, (double)h->mark[m].step), h->mark[m].text);
}

const struct view view_curves = {
    .name = "curves",
    .key = '6',
    .title = "Curves",
    .question = "What changed, when, and because of what?",
    .uses = VIEW_LOG,
    .explain = explain,
    .draw = curves_draw,
    .tell = curves_tell,
};
