/* tui/views/curves.c - What changed, when, and because of what? Loss, accuracy, experts and speed
 * over one axis of steps, with a mark wherever somebody changed something. */
#include "tui/views/facts.h"
#include "tui/draw/prose.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"

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

enum { LABEL = 20, VALUE = 10, FLAT_VALUE = 12, EXPECT = 8 };

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

/* Where steps lie on the screen: the run's and the pinned ones' together. */
struct ruler {
    struct history_axis over;
    int x, width;
};

static struct ruler ruler_of(const struct scene *s, int x, int width)
{
    struct ruler r = {history_axis(s->past), x, width};
    for (int i = 0; s->pins && i < s->pins->count; i++) {
        const struct pin *p = &s->pins->pin[i];
        r.over.from = fmin(r.over.from, (double)p->step[0]);
        r.over.to = fmax(r.over.to, (double)p->step[p->count - 1]);
    }
    return r;
}

/* -1: beyond its ends. */
static int column_of(const struct ruler *r, long step)
{
    double share = ((double)step - r->over.from) / (r->over.to - r->over.from);
    return share < 0 || share > 1 ? -1 : r->x + (int)(share * (r->width - 1) + 0.5);
}

static void stretch(double *low, double *high, const float *at, int n)
{
    for (int i = 0; i < n; i++) /* past NaN */
        *low = fmin(*low, (double)at[i]), *high = fmax(*high, (double)at[i]);
}

/* A pinned run's number, where it ended. */
static void draw_number(struct canvas *plot, const struct ruler *r, const struct pin *p, int number,
                        const float *value, int n, double low, double high)
{
    int last = n - 1, x = column_of(r, p->step[p->count - 1]);
    while (last > 0 && isnan(value[last])) last--;
    double share = high > low ? ((double)value[last] - low) / (high - low) : 0.5;
    int y = (int)lround((1 - share) * (plot->height - 1));
    if (!isnan(share) && x >= 0) canvas_text(plot, x - r->x, y, INK_BRIGHT, "%d", number);
}

static void draw_values(struct canvas *to, const struct curve *c, const struct ruler *r, double low,
                        double high, double newest, bool logarithm)
{
    char word[32];
    int x = r->x, right = x + r->width + 1;
    canvas_fit(to, 0, 0, x, INK_TEXT, "%s%s", c->name, logarithm && x >= LABEL ? ", log" : "");
    if (to->height > 1) {
        canvas_text(to, x - 1 - canvas_columns(show(word, c, high)), 0, INK_DIM, "%s", word);
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
                       const struct ruler *r)
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
    stretch(&low, &high, value, n);
    for (int i = 0; i < pins; i++) {
        const struct pin *p = &s->pins->pin[i];
        history_values(pinned[i], n, r->over,
                       (struct history_points){p->step, p->line[c->line], p->count}, logarithm);
        stretch(&low, &high, pinned[i], n);
    }
    for (int m = 0; m < h->marks; m++) {
        int at = column_of(r, h->mark[m].step);
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

/* ---- the axis and what happened on it ---- */
static void draw_axis(struct canvas *to, const struct history *h, const struct ruler *r)
{
    char word[32];
    canvas_fill(to, r->x, 0, r->width, INK_FRAME, "─");
    for (int m = 0; m < h->marks; m++) {
        int at = column_of(r, h->mark[m].step);
        if (at >= 0) canvas_text(to, at, 0, INK_FRAME, "┴");
    }
    int left = canvas_columns(facts_whole(word, r->over.from)) + 6;
    canvas_text(to, r->x - left - 1 > 0 ? r->x - left - 1 : 0, 0, INK_DIM, "step %s", word);
    canvas_fit(to, r->x + r->width + 1, 0, to->width - r->x - r->width - 1, INK_DIM, "%s",
               facts_whole(word, r->over.to));
}

enum { MARK_ROWS = 4, WIDEST = 512 };
typedef bool taken_cells[MARK_ROWS][WIDEST];

/* Takes the first row in which `wide` columns from `at` on are free; -1: none is. */
static int take_row(taken_cells used, int rows, int at, int wide)
{
    for (int row = 0; row < rows && row < MARK_ROWS; row++) {
        bool free = true;
        for (int i = at; i < at + wide + 2 && i < WIDEST; i++) free = free && !used[row][i];
        if (!free) continue;
        for (int i = at; i < at + wide + 2 && i < WIDEST; i++) used[row][i] = true;
        return row;
    }
    return -1;
}

/* The words of the marks below their lines: newest first, on the first row where there is room; how
 * many found none. */
static void draw_marks(struct canvas *to, const struct history *h, const struct ruler *r)
{
    taken_cells used = {{false}};
    int without = 0, last = to->height < MARK_ROWS ? to->height - 1 : MARK_ROWS - 1;
    if (to->height < 1) return;
    for (int i = 0; i < r->x && i < WIDEST; i++) used[last][i] = true; /* for the count */
    for (int m = h->marks - 1; m >= 0; m--) {
        char word[96], step[32];
        snprintf(word, sizeof word, "%s: %s", facts_whole(step, (double)h->mark[m].step),
                 h->mark[m].text);
        int at = column_of(r, h->mark[m].step), wide = canvas_columns(word);
        if (at < 0) continue;
        if (at + wide > to->width) at = to->width - wide;
        if (at < 0) at = 0;
        int row = take_row(used, to->height, at, wide);
        if (row < 0)
            without++;
        else
            canvas_fit(to, at, row, to->width - at, m == h->marks - 1 ? INK_ACCENT : INK_DIM, "%s",
                       word);
    }
    if (without) canvas_fit(to, 0, last, r->x - 1, INK_DIM, "… %d more", without);
}

/* What to expect of the strategy that came with the newest mark; NULL: nothing out of the way. */
static const char *arrival_of(const struct history *h)
{
    static const char came[] = "router ";
    const char *text = h->marks ? h->mark[h->marks - 1].text : "";
    if (strncmp(text, came, sizeof came - 1) != 0) return NULL;
    const struct router *r = router_find(text + sizeof came - 1, NULL);
    return r ? r->arrival : NULL;
}

/* ---- below the axis: the words of the marks, what to expect, what is pinned ---- */
struct foot {
    int marks, arrival, pins; /* rows */
};

static struct foot foot_of(const struct scene *s, int width, int height)
{
    const char *arrival = arrival_of(s->past);
    struct foot f = {.marks = height >= 24 ? 3 : height >= 14 ? 2 : height >= 6 ? 1 : 0};
    if (arrival && height >= 12) {
        f.arrival = prose_lines(width - EXPECT, arrival);
        if (f.arrival > 2) f.arrival = 2;
    }
    if (s->pins && s->pins->count && height >= 8) f.pins = 1;
    return f;
}

static void draw_pinned(struct canvas *to, const struct pins *pins)
{
    int x = canvas_text(to, 0, 0, INK_DIM, "pinned:");
    for (int i = 0; i < pins->count; i++) {
        x = canvas_text(to, x + 1, 0, INK_TEXT, "%d", i + 1);
        x = canvas_fit(to, x + 1, 0, to->width - x - 1, INK_DIM, "%s%s", pins->pin[i].label,
                       i < pins->count - 1 ? "," : "");
    }
}

static void draw_foot(struct canvas *to, const struct scene *s, const struct ruler *r,
                      const struct foot *f)
{
    int y = to->height - f->arrival - f->pins;
    struct canvas marks = canvas_part(to, 0, 0, to->width, y),
                  pins = canvas_part(to, 0, y + f->arrival, to->width, f->pins);
    draw_marks(&marks, s->past, r);
    if (f->arrival) {
        canvas_text(to, 0, y, INK_DIM, "expect:");
        prose_draw(to, EXPECT, y, to->width - EXPECT, f->arrival, 0, INK_TEXT, arrival_of(s->past));
    }
    if (f->pins) draw_pinned(&pins, s->pins);
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
    struct foot foot = foot_of(s, in.width, in.height);
    int axis = in.height >= 5, rows = in.height - foot.marks - foot.arrival - foot.pins - axis,
        curves = rows < HISTORY_LINES ? rows : HISTORY_LINES;
    if (curves < 1) return;
    int each = rows / curves, gap = each >= 4 ? 1 : 0, y = 0, more = each > 1 ? rows % curves : 0;
    int x = in.width >= 60 ? LABEL : 14, width = in.width - x - (each == 1 ? FLAT_VALUE : VALUE);
    if (width < 4) return;
    struct ruler r = ruler_of(s, x, width);
    for (int i = 0; i < curves; i++) {
        int tall = each + (i < more);
        struct canvas part = canvas_part(&in, 0, y, in.width, tall - gap);
        draw_curve(&part, &curve[i], s, &r);
        y += tall;
    }
    struct canvas line = canvas_part(&in, 0, y, in.width, axis),
                  below = canvas_part(&in, 0, y + axis, in.width, in.height - y - axis);
    draw_axis(&line, h, &r);
    draw_foot(&below, s, &r, &foot);
}

/* The pinned runs' last values, a run a line. */
static void tell_pins(struct text *to, const struct scene *s, const struct curve curve[])
{
    char a[32];
    for (int i = 0; s->pins && i < s->pins->count; i++) {
        const struct pin *p = &s->pins->pin[i];
        text_add(to, "pinned %d, %s, at step %s:", i + 1, p->label,
                 facts_whole(a, (double)p->step[p->count - 1]));
        for (int c = 0; c < HISTORY_LINES; c++)
            text_add(to, "%s %s %s%s%s", c ? "," : "", curve[c].name,
                     show(a, &curve[c], pins_last(p, curve[c].line)), curve[c].unit[0] ? " " : "",
                     curve[c].unit);
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
    if (arrival_of(h)) text_add(to, "expect: %s.\n", arrival_of(h));
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
