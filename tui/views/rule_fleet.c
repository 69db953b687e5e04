/* tui/views/rule_fleet.c - The fleet as the rule sees it, an expert a line: how the window's tokens
 * score at it and where its bar stands; its bias; and who takes it, token after token. */
#include "tui/views/rule.h"
#include "tui/draw/prose.h"
#include "tui/draw/spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 6, BINS = 256 };

/* Where lines of one expert each end: the last row says how many more there are. */
static bool cut_here(struct canvas *to, int y, int i, int n, const struct scene *s)
{
    if (y < to->height - 1 || i >= n - 1) return false;
    canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more %s in a taller window", n - i,
               facts_words(s->now)->experts);
    return true;
}

static void put_right(struct canvas *to, int right, int y, enum ink ink, const char *word)
{
    int x = right - canvas_columns(word);
    if (x >= 0) canvas_text(to, x, y, ink, "%s", word);
}

/* ---- scores and bars ---- */
/* What is drawn: as far above the bars as anything goes, and at most twice as far below them; `cut`:
 * there is more below. */
struct range {
    double low, high;
    bool cut;
};

static bool window_range(const struct scene *s, struct range *to)
{
    double first = NAN, last = NAN; /* lowest and highest bar */
    *to = (struct range){.low = NAN, .high = NAN};
    for (int t = 0; t < s->now->tokens && t < SNAP_TOKENS; t++) {
        const float *row = rule_row(s, t);
        for (int e = 0; row && e < s->now->E; e++) /* past NaN */
            to->low = fmin(to->low, (double)row[e]), to->high = fmax(to->high, (double)row[e]);
    }
    for (int e = 0; e < s->now->E; e++)
        first = fmin(first, rule_bar(s, e)), last = fmax(last, rule_bar(s, e));
    double least = first - 2 * (to->high - last);
    if (to->high > last && least > to->low) to->low = least, to->cut = true;
    return to->high > to->low;
}

/* Its column of `width`; what is beyond the range lies in the first. */
static int place(const struct range *r, double value, int width)
{
    double share = (value - r->low) / (r->high - r->low);
    return (int)lround(fmin(fmax(share, 0), 1) * (width - 1));
}

/* The window's scores at one expert, as a picture of how many lie where. */
static void draw_spread(struct canvas *to, int x, int y, int width, const struct scene *s, int e,
                        const struct range *r)
{
    int bin[BINS] = {0}, most = 0;
    if (width > BINS) width = BINS;
    for (int t = 0; t < s->now->tokens && t < SNAP_TOKENS; t++) {
        const float *row = rule_row(s, t);
        if (!row || isnan(row[e])) continue;
        int at = place(r, (double)row[e], width);
        if (++bin[at] > most) most = bin[at];
    }
    for (int i = 0; i < width; i++)
        if (bin[i]) spark_cell(to, x + i, y, (double)bin[i] / most, facts_van_ink(e));
}

static double share_taking(const struct scene *s, int e)
{
    int taking = 0, tokens = s->now->tokens < SNAP_TOKENS ? s->now->tokens : SNAP_TOKENS;
    for (int t = 0; t < tokens; t++) taking += facts_taken(&s->now->token[t], facts_layer(s), e);
    return tokens ? (double)taking / tokens : NAN;
}

/* Off the fleet (metric `active`)? */
static bool off(const struct scene *s, int e)
{
    int active = rule_metric(s->now, "active");
    return active >= 0 && (double)s->now->own.column[active][e] == 0;
}

static void draw_expert(struct canvas *to, int y, const struct scene *s, int e,
                        const struct range *r)
{
    enum { BAR = 7, TAKES = 7 };
    int room = to->width - NAME - BAR - TAKES;
    double bar = rule_bar(s, e);
    const float *row = rule_row(s, facts_cursor(s));
    char word[32];
    canvas_text(to, 0, y, facts_van_ink(e), "%2d", e + 1);
    if (off(s, e)) {
        canvas_fit(to, NAME, y, to->width - NAME, INK_DIM, "not on the fleet");
        return;
    }
    if (row && facts_taken(&s->now->token[facts_cursor(s)], facts_layer(s), e))
        canvas_text(to, 3, y, INK_GOOD, "✓");
    draw_spread(to, NAME, y, room, s, e, r);
    if (!isnan(bar)) canvas_text(to, NAME + place(r, bar, room), y, INK_ACCENT, "│");
    if (row) canvas_text(to, NAME + place(r, (double)row[e], room), y, INK_BRIGHT, "●");
    put_right(to, NAME + room + BAR - 1, y, INK_ACCENT, facts_number(word, bar, 2));
    put_right(to, to->width, y, INK_TEXT, facts_percent(word, share_taking(s, e)));
}

static void spread_draw(struct canvas *to, const struct scene *s)
{
    struct range r;
    char a[32], b[32];
    int y = 1, E = s->now->E;
    if (to->width < 30 || to->height < 2) return;
    if (!window_range(s, &r)) {
        canvas_fit(to, 0, 0, to->width, INK_DIM, "– the scores brought along are of layer %d",
                   s->now->focus + 1);
        return;
    }
    const char *letter = rule_face_of(s->now->router)->letter;
    canvas_fit(to, NAME, 0, to->width - NAME - 13, INK_DIM, "%s %s%s…%s, ● here", letter,
               r.cut ? "≤" : "", facts_number(a, r.low, 2), facts_number(b, r.high, 2));
    put_right(to, to->width - 8, 0, INK_ACCENT, "│bar");
    put_right(to, to->width, 0, INK_DIM, "takes");
    for (int e = 0; e < E && y < to->height && !cut_here(to, y, e, E, s); e++, y++)
        draw_expert(to, y, s, e, &r);
}

static void spread_tell(struct text *to, const struct scene *s)
{
    char a[32], b[32];
    for (int e = 0; e < s->now->E; e++) {
        text_add(to, "%s %d: ", facts_words(s->now)->expert, e + 1);
        if (off(s, e)) {
            text_add(to, "not on the fleet.\n");
            continue;
        }
        text_add(to, "its bar is %s, taken by %s of the window.\n",
                 facts_number(a, rule_bar(s, e), 2), facts_percent(b, share_taking(s, e)));
    }
}

static void seats_tell(struct text *to, const struct scene *s)
{
    spread_tell(to, s);
    text_add(to, "this rule sees the future: whether a token is taken depends on tokens behind "
                 "it, so its losses are not comparable and it cannot write text.\n");
}

static int spread_rows(const struct scene *s)
{
    return s->now->E + 1;
}

/* Who is on the fleet, who came and who went: of the strategy that hires and fires. */
static void say_fleet(char *to, size_t size, const struct scene *s)
{
    char hired[32], fired[32];
    int on = 0;
    for (int e = 0; e < s->now->E; e++) on += !off(s, e);
    snprintf(to, size, "%d of %d on the fleet, %s hired, %s fired", on, s->now->E,
             facts_number(hired, rule_value(s->now, "hired"), 0),
             facts_number(fired, rule_value(s->now, "fired"), 0));
}

static void bars_draw(struct canvas *to, const struct scene *s)
{
    char line[96];
    int foot = to->height >= 5;
    struct canvas above = canvas_part(to, 0, 0, to->width, to->height - foot);
    spread_draw(&above, s);
    say_fleet(line, sizeof line, s);
    if (foot) canvas_fit(to, 0, to->height - 1, to->width, INK_DIM, "%s", line);
}

static int bars_rows(const struct scene *s)
{
    return s->now->E + 2;
}

static void bars_tell(struct text *to, const struct scene *s)
{
    char line[96];
    spread_tell(to, s);
    say_fleet(line, sizeof line, s);
    text_add(to, "%s.\n", line);
}

static int seats_rows(const struct scene *s)
{
    return s->now->E + 3;
}

static void seats_draw(struct canvas *to, const struct scene *s)
{
    static const char future[] = "It sees the future: who takes a token depends on later ones. Its "
                                 "losses do not compare.";
    int foot = prose_lines(to->width, future);
    if (to->height < foot + 3) foot = 1;
    struct canvas above = canvas_part(to, 0, 0, to->width, to->height - foot);
    spread_draw(&above, s);
    prose_draw(to, 0, to->height - foot, to->width, foot, 0, INK_WARN, future);
}

const struct rule_picture rule_bars = {
    .title = "a bar for each expert, and the window",
    .least = 4,
    .most = EXPERTS_MAX + 2,
    .whole = bars_rows,
    .draw = bars_draw,
    .tell = bars_tell,
};
const struct rule_picture rule_zero = {
    .title = "the zero line, and the window's scores",
    .least = 4,
    .most = EXPERTS_MAX + 1,
    .whole = spread_rows,
    .draw = spread_draw,
    .tell = spread_tell,
};
const struct rule_picture rule_seats = {
    .title = "each expert's last seat, and the window",
    .least = 5,
    .most = EXPERTS_MAX + 3,
    .whole = seats_rows,
    .draw = seats_draw,
    .tell = seats_tell,
};

/* ---- biases ---- */
static const float *biases(const struct scene *s)
{
    int i = rule_metric(s->now, "bias");
    if (i < 0) return NULL;
    return facts_layer(s) == s->now->focus ? s->now->own.column[i] : s->now->rule_column[i];
}

static int bias_count(const struct scene *s)
{
    int i = rule_metric(s->now, "bias");
    bool experts = i >= 0 && s->now->router->metrics[i].kind == METRIC_PER_EXPERT;
    return experts ? s->now->E : facts_columns(s->now);
}

/* A column a line, to the left and right of 0. */
static void bias_lines(struct canvas *to, const struct scene *s, const float *bias, int n,
                       double most)
{
    enum { LABEL = 11, VALUE = 8, LOAD = 7 };
    int half = (to->width - LABEL - VALUE - LOAD - 1) / 2, y = 1, zero = LABEL + half;
    char word[32];
    canvas_text(to, 0, 0, INK_DIM, "%s", facts_words(s->now)->expert);
    put_right(to, zero, 0, INK_DIM, "held back");
    canvas_text(to, zero + 1, 0, INK_DIM, "helped");
    put_right(to, to->width - LOAD, 0, INK_DIM, "bias");
    put_right(to, to->width, 0, INK_DIM, "load");
    for (int j = 0; j < n && y < to->height && !cut_here(to, y, j, n, s); j++, y++) {
        enum ink ink = j < s->now->E ? facts_van_ink(j) : INK_TEXT;
        int size = most > 0 ? (int)lround(fabs((double)bias[j]) / most * half) : 0;
        canvas_fit(to, 0, y, LABEL - 1, ink, "%s", rule_column(word, s->now, j));
        canvas_text(to, zero, y, INK_FRAME, "│");
        canvas_fill(to, bias[j] < 0 ? zero - size : zero + 1, y, size, ink, "█");
        put_right(to, to->width - LOAD, y, INK_BRIGHT, facts_number(word, (double)bias[j], 3));
        put_right(to, to->width, y, INK_TEXT,
                  facts_number(word, (double)s->now->load[facts_layer(s)][j], 2));
    }
}

/* Below a run of slots what they are. */
static void name_slots(struct canvas *to, const struct scene *s, int x, int y, int each)
{
    struct slot_run runs[4];
    const struct snapshot *now = s->now;
    int count = now->router->slots ? now->router->slots(now->knob, now->E, runs) : 0;
    x += now->E * each;
    for (int r = 0; r < count; x += runs[r].count * each, r++)
        canvas_fit(to, x, y, runs[r].count * each - (each > 1), INK_TEXT, "%s", runs[r].label);
}

/* All of them side by side, above and below 0: where there are too few lines for one each. */
static void bias_upright(struct canvas *to, const struct scene *s, const float *bias, int n)
{
    enum { LABEL = 8 };
    int rows = to->height - 1, each = (to->width - LABEL) / n > 1 ? 2 : 1;
    double low = 0, high = 0;
    char word[32];
    for (int j = 0; j < n; j++)
        low = fmin(low, (double)bias[j]), high = fmax(high, (double)bias[j]);
    if (!(high > low)) high = low + 1e-3;
    int zero = (int)lround(high / (high - low) * (rows - 1));
    put_right(to, LABEL - 1, 0, INK_DIM, facts_number(word, high, 3));
    put_right(to, LABEL - 1, rows - 1, INK_DIM, facts_number(word, low, 3));
    canvas_fill(to, LABEL, zero, to->width - LABEL, INK_FRAME, "─");
    for (int j = 0; j < n; j++) {
        enum ink ink = j < s->now->E ? facts_van_ink(j) : INK_TEXT;
        int x = LABEL + j * each,
            at = (int)lround((high - (double)bias[j]) / (high - low) * (rows - 1));
        if (x + each > to->width || (j < n - 1 && x + 2 * each > to->width)) {
            canvas_text(to, x < to->width ? x : to->width - 1, zero, INK_DIM, "…");
            return;
        }
        if (isnan(bias[j])) continue;
        for (int y = at < zero ? at : zero + 1; y <= (at < zero ? zero - 1 : at); y++)
            canvas_text(to, x, y, ink, "█");
        if (j < s->now->E) canvas_text(to, x, rows, ink, "%d", (j + 1) % 10);
    }
    if (n > s->now->E) name_slots(to, s, LABEL, rows, each);
}

static void bias_draw(struct canvas *to, const struct scene *s)
{
    const float *bias = biases(s);
    int n = bias_count(s);
    double most = 0;
    if (!bias || to->height < 2 || to->width < 32 || n < 1) return;
    for (int j = 0; j < n; j++) most = fmax(most, fabs((double)bias[j]));
    if (n + 1 <= to->height)
        bias_lines(to, s, bias, n, most);
    else
        bias_upright(to, s, bias, n);
}

/* A line each while these are few; else side by side. */
static int bias_rows(const struct scene *s)
{
    enum { FEW = 12, UPRIGHT = 9 };
    int n = bias_count(s);
    return n <= FEW ? n + 1 : UPRIGHT;
}

static void bias_tell(struct text *to, const struct scene *s)
{
    const float *bias = biases(s);
    char a[32], b[32], name[32];
    for (int j = 0; bias && j < bias_count(s); j++)
        text_add(to, "%s: bias %s, load %s times fair.\n", rule_column(name, s->now, j),
                 facts_number(a, (double)bias[j], 3),
                 facts_number(b, (double)s->now->load[facts_layer(s)][j], 2));
}

const struct rule_picture rule_bias = {
    .title = "the biases of the selection",
    .least = 3,
    .most = COLUMNS_MAX + 1,
    .whole = bias_rows,
    .draw = bias_draw,
    .tell = bias_tell,
};

/* ---- the raster ---- */
static int chunk_length(const struct scene *s)
{
    double length = facts_knob(s->now, "length");
    return length >= 2 ? (int)length : 8;
}

/* Experts that some token of the chunk takes. */
static int chunk_union(const struct scene *s, int first, int length)
{
    int used = 0;
    for (int e = 0; e < s->now->E; e++) {
        bool some = false;
        for (int t = first; t < first + length && t < s->now->tokens; t++)
            some = some || facts_taken(&s->now->token[t], facts_layer(s), e);
        used += some;
    }
    return used;
}

static void raster_draw(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int length = chunk_length(s), room = to->width - NAME, E = now->E, cursor = facts_cursor(s),
        y = 1, rows = to->height - 2 < E ? to->height - 2 : E;
    int first = room > length ? cursor / (room / length * length) * (room / length * length)
                              : cursor / room * room;
    if (to->height < 3 || room < 8 || cursor < 0) return;
    int shown = now->tokens - first < room ? now->tokens - first : room;
    if (room > length) shown = shown < room / length * length ? shown : room / length * length;
    canvas_text(to, NAME + cursor - first, 0, INK_ACCENT, "▼");
    canvas_fit(to, cursor - first > 24 ? 0 : NAME + cursor - first + 2, 0, 22, INK_DIM,
               "%s %d to %d", facts_words(now)->tokens, first, first + shown - 1);
    for (int e = 0; e < rows; e++, y++) {
        if (e == rows - 1 && rows < E) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… %d more %s in a taller window", E - e,
                       facts_words(now)->experts);
            continue;
        }
        canvas_text(to, 0, y, facts_van_ink(e), "%2d", e + 1);
        for (int t = 0; t < shown; t++) {
            bool in = facts_taken(&now->token[first + t], facts_layer(s), e);
            canvas_text(to, NAME + t, y, in ? facts_van_ink(e) : INK_FRAME, in ? "█" : "·");
        }
    }
    canvas_text(to, 0, y, INK_DIM, "union");
    for (int t = 0; t < shown; t += length) {
        int wide = shown - t < length ? shown - t : length;
        canvas_text(to, NAME + t, y, INK_FRAME, "└");
        canvas_fill(to, NAME + t + 1, y, wide - 1, INK_FRAME, "─");
        if (wide >= 4)
            canvas_text(to, NAME + t + wide / 2, y, INK_TEXT, "%d",
                        chunk_union(s, first + t, wide));
    }
}

static int raster_rows(const struct scene *s)
{
    return s->now->E + 2;
}

static void raster_tell(struct text *to, const struct scene *s)
{
    int length = chunk_length(s), cursor = facts_cursor(s);
    if (cursor < 0) return;
    int first = cursor / length * length;
    text_add(to, "the chunk of %d %s around %s uses %d of %d %s.\n", length,
             facts_words(s->now)->tokens, s->now->token[cursor].text, chunk_union(s, first, length),
             s->now->E, facts_words(s->now)->experts);
}

const struct rule_picture rule_raster = {
    .title = "who takes whom, one after the other",
    .least = 5,
    .most = EXPERTS_MAX + 2,
    .whole = raster_rows,
    .draw = raster_draw,
    .tell = raster_tell,
};
