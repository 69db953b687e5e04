/* tui/views/rule_fleet.c - The fleet as the rule sees it, an expert a line: how the window's tokens
 * score at it and where its bar stands. */
#include "tui/views/rule.h"
#include "tui/draw/prose.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 6, BINS = 256 };

/* ---- scores and bars ---- */
/* What is drawn: as far above the bars as anything goes, and at most twice as far below them; `cut`:
 * there is more below. */
struct range {
    double low, high, bar[EXPERTS_MAX];
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
    for (int e = 0; e < s->now->E; e++) {
        to->bar[e] = rule_bar(s, e);
        first = fmin(first, to->bar[e]), last = fmax(last, to->bar[e]);
    }
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
    double bar = r->bar[e];
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
    rule_right(to, NAME + room + BAR - 1, y, INK_ACCENT, facts_number(word, bar, 2));
    rule_right(to, to->width, y, INK_TEXT, facts_percent(word, share_taking(s, e)));
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
    rule_right(to, to->width - 8, 0, INK_ACCENT, "│bar");
    rule_right(to, to->width, 0, INK_DIM, "takes");
    for (int e = 0; e < E && y < to->height && !rule_more(to, y, e, E, s); e++, y++)
        draw_expert(to, y, s, e, &r);
}

static void spread_tell(struct text *to, const struct scene *s)
{
    for (int e = 0; e < s->now->E; e++) {
        text_add(to, "%s %d: ", facts_words(s->now)->expert, e + 1);
        if (off(s, e)) {
            text_add(to, "not on the fleet.\n");
            continue;
        }
        text_add(to, "its bar is ");
        say_number(to, rule_bar(s, e), 2, NULL, "bar %d", e + 1);
        text_add(to, ", taken by ");
        say_percent(to, share_taking(s, e), "taken by %d", e + 1);
        text_add(to, " of the window.\n");
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
    return s->now->E + 4;
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
    .most = EXPERTS_MAX + 4,
    .whole = seats_rows,
    .draw = seats_draw,
    .tell = seats_tell,
};
