/* tui/views/curves.c - What changed, when, and because of what? Loss, accuracy, experts and speed
 * over one axis of steps, with a mark wherever somebody changed something. */
#include "tui/views/facts.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"
#include "tui/views/curves_axis.h"

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
    "heights are equal ratios: a loss that halves again and again falls in a straight line there: "
    "the key g.\n"
    "P pins the run so far: it stays as a dim line, its number at its end, beside all that comes. "
    "pins lists what is pinned, unpin lets it go.";

enum { DOTS = 4, /* to a row, as spark_plot has them */ LABEL = 20, VALUE = 10, FLAT_VALUE = 12 };

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

/* By the points themselves: a dot is the mean of many, and what was lowest and highest is said
 * beside the line. */
static void stretch(double *low, double *high, const float *at, int n, bool logarithm)
{
    for (int i = 0; i < n; i++) { /* past NaN */
        double value = logarithm ? at[i] > 0 ? log10((double)at[i]) : NAN : (double)at[i];
        *low = fmin(*low, value), *high = fmax(*high, value);
    }
}

/* A pinned run's number, on the row of its last dot. */
static void draw_number(struct canvas *plot, const struct curves_ruler *r, const struct pin *p,
                        int number, const float *value, int n, double low, double high)
{
    int last = n - 1, x = curves_column(r, p->step[p->count - 1]);
    while (last > 0 && isnan(value[last])) last--;
    double share = high > low ? ((double)value[last] - low) / (high - low) : 0.5;
    if (isnan(share) || x < 0) return;
    int y = plot->height - 1 - (int)lround(share * (plot->height * DOTS - 1)) / DOTS;
    canvas_text(plot, x - r->x, y, INK_BRIGHT, "%d", number);
}

static void draw_values(struct canvas *to, const struct curve *c, const struct curves_ruler *r,
                        double low, double high, double newest, bool logarithm)
{
    char word[32];
    int x = r->x, right = x + r->width + 1;
    canvas_fit(to, 0, 0, x, INK_TEXT, "%s%s", c->name, logarithm && x >= LABEL ? ", log" : "");
    if (to->height > 1) {
        int at = x - 1 - canvas_columns(show(word, c, high));
        bool beside = at > canvas_columns(c->name); /* else on the row below, or not at all */
        if (beside || to->height > 2) canvas_text(to, at, !beside, INK_DIM, "%s", word);
        canvas_text(to, x - 1 - canvas_columns(show(word, c, low)), to->height - 1, INK_DIM, "%s",
                    word);
    }
    right = canvas_fit(to, right, 0, to->width - right, INK_BRIGHT, "%s", show(word, c, newest));
    if (to->height > 1)
        canvas_fit(to, x + r->width + 1, 1, to->width - x - r->width - 1, INK_DIM, "%s", c->unit);
    else if (c->unit[0])
        canvas_fit(to, right + 1, 0, to->width - right - 1, INK_DIM, "%s", c->unit);
}

static void draw_curve(struct canvas *to, const struct curve *c, const struct scene *s,
                       const struct curves_ruler *r)
{
    const struct history *h = s->past;
    float value[HISTORY_PIXELS], pinned[PINS_MOST][HISTORY_PIXELS];
    bool logarithm = s->log_axis && c->may_log;
    struct canvas plot = canvas_part(to, r->x, 0, r->width, to->height);
    int n = spark_values(to, plot.width), pins = s->pins && to->height > 1 ? s->pins->count : 0;
    if (n > HISTORY_PIXELS) n = HISTORY_PIXELS;
    if (n < 1) return;
    double low = NAN, high = NAN;
    history_values(value, n, r->over, (struct history_points){h->step, h->line[c->line], h->count},
                   logarithm);
    stretch(&low, &high, h->line[c->line], h->count, logarithm);
    for (int i = 0; i < pins; i++) {
        const struct pin *p = &s->pins->pin[i];
        history_values(pinned[i], n, r->over,
                       (struct history_points){p->step, p->line[c->line], p->count}, logarithm);
        stretch(&low, &high, p->line[c->line], p->count, logarithm);
    }
    for (int m = 0; m < h->marks; m++) {
        int at = curves_column(r, h->mark[m].step);
        for (int y = 0; y < to->height && at >= 0; y++) canvas_text(to, at, y, INK_FRAME, "┊");
    }
    if (to->height == 1 && high > low)
        spark_draw(&plot, 0, 0, plot.width, value, n, c->ink);
    else if (high >= low) {
        for (int i = 0; i < pins; i++) spark_plot(&plot, pinned[i], n, low, high, INK_DIM);
        spark_plot(&plot, value, n, low, high, c->ink);
        for (int i = 0; i < pins; i++)
            draw_number(&plot, r, &s->pins->pin[i], i + 1, pinned[i], n, low, high);
    }
    if (logarithm) low = pow(10, low), high = pow(10, high);
    draw_values(to, c, r, low, high, newest(h, c->line), logarithm);
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
    struct curves_foot foot = curves_foot_rows(s, in.width, in.height);
    int axis = in.height >= 5, rows = in.height - foot.marks - foot.arrival - foot.pins - axis,
        curves = rows < HISTORY_LINES ? rows : HISTORY_LINES;
    if (curves < 1) return;
    int each = rows / curves, gap = each >= 4 ? 1 : 0, y = 0, more = each > 1 ? rows % curves : 0;
    int x = in.width >= 60 ? LABEL : 14, width = in.width - x - (each == 1 ? FLAT_VALUE : VALUE);
    if (width < 4) return;
    struct curves_ruler r = curves_ruler(s, x, width);
    for (int i = 0; i < curves; i++) {
        int tall = each + (i < more);
        struct canvas part = canvas_part(&in, 0, y, in.width, tall - gap);
        draw_curve(&part, &curve[i], s, &r);
        y += tall;
    }
    struct canvas line = canvas_part(&in, 0, y, in.width, axis),
                  below = canvas_part(&in, 0, y + axis, in.width, in.height - y - axis);
    curves_axis(&line, h, &r);
    curves_foot(&below, s, &r, &foot);
}

/* The pinned runs' last values, a run a line. */
static void tell_pins(struct text *to, const struct scene *s, const struct curve curve[])
{
    char a[32];
    for (int i = 0; s->pins && i < s->pins->count; i++) {
        const struct pin *p = &s->pins->pin[i];
        text_add(to, "pinned %d, %s, at step %s:", i + 1, p->label,
                 facts_whole(a, (double)p->step[p->count - 1]));
        for (int c = 0; c < HISTORY_LINES; c++) {
            double last = pins_last(p, curve[c].line);
            text_add(to, "%s %s ", c ? "," : "", curve[c].name);
            say_as(to, show(a, &curve[c], last), last, curve[c].unit, "pin %d %s", i + 1,
                   curve[c].name);
            text_add(to, "%s%s", curve[c].unit[0] ? " " : "", curve[c].unit);
        }
        text_add(to, ".\n");
    }
}

static void curves_tell(struct text *to, const struct scene *s)
{
    const struct history *h = s->past;
    if (!s->now || !h || h->count < 1) return;
    struct curve curve[HISTORY_LINES];
    curves_of(curve, s->now);
    char a[32];
    for (int i = 0; i < HISTORY_LINES; i++) {
        float low = INFINITY, high = -INFINITY;
        for (int k = 0; k < h->count; k++)
            low = fminf(low, h->line[curve[i].line][k]),
            high = fmaxf(high, h->line[curve[i].line][k]);
        const char *name = curve[i].name, *unit = curve[i].unit;
        double last = newest(h, curve[i].line);
        text_add(to, "%s ", name);
        say_as(to, show(a, &curve[i], last), last, unit, "%s, last", name);
        text_add(to, "%s%s at step %s", *unit ? " " : "", unit,
                 facts_whole(a, (double)h->step[h->count - 1]));
        if (high >= low) {
            text_add(to, ", between ");
            say_as(to, show(a, &curve[i], low), (double)low, unit, "%s, lowest", name);
            text_add(to, " and ");
            say_as(to, show(a, &curve[i], high), (double)high, unit, "%s, highest", name);
            text_add(to, " since step %s", facts_whole(a, (double)h->step[0]));
        }
        text_add(to, ".\n");
    }
    for (int m = 0; m < h->marks; m++)
        text_add(to, "step %s: %s.\n", facts_whole(a, (double)h->mark[m].step), h->mark[m].text);
    if (curves_arrival(h)) text_add(to, "expect: %s.\n", curves_arrival(h));
    tell_pins(to, s, curve);
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
