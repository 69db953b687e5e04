/* tui/views/race.c - Which rule gets the most out of the same fuel? The lanes in a table, and live
 * as points: how much is right on held-out tokens, against FLOPs a token and against measured
 * speed, each with the way it came. */
#include "tui/views/facts.h"
#include "tui/draw/bars.h"
#include "tui/draw/dots.h"
#include "tui/draw/prose.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Every lane is a model of its own with another rule. All start from the same weights, see the "
    "same batches and may spend the same; they train in turn, a few milliseconds each, and the "
    "main model rests meanwhile and comes back as it was.\n"
    "Higher is better; in the left picture further left is cheaper, in the right one further "
    "right is faster. A star marks the front: no other lane is as good with fewer FLOPs. FLOPs are "
    "counted, speed is measured here and now, and the two need not agree: view 8 says why.\n"
    "A rule that sees the future, and a control that is told the need, are run but compared with "
    "nobody. One seed proves little: seeds=1,2,3 shows the spread. "
    "r starts a race of all rules; :race topk topp p=0.6 steps=500 seeds=1,2,3 one of your own; "
    ":race stop ends it, :race again runs it anew.";

static const char empty[] =
    "No race has been run. r starts one of all rules; :race topk topp one of these two. All get "
    "the same start, batches and budget; the main model rests meanwhile.";

static char key_of(int lane)
{
    return (char)(lane < 9 ? '1' + lane : 'a' + lane - 9);
}

static enum ink ink_of(const struct snap_lane *a, int lane)
{
    return a->excluded ? INK_DIM : facts_van_ink(lane);
}

/* ---- the table ---- */

/* Columns behind the lane's name, most wanted first; `least`: the width from which they are there.
 */
enum column { RIGHT, FLOPS, EXPERTS, SPEED, SPREAD, LOSS, DONE };
static const struct {
    enum column column;
    int wide;
} wanted[] = {{RIGHT, 10},  {FLOPS, 9}, {EXPERTS, 8}, {SPEED, 7},
              {SPREAD, 13}, {LOSS, 7},  {DONE, 6}};
enum { COLUMNS = sizeof wanted / sizeof *wanted, NAME_LEAST = 14, NAME_MOST = 34 };

struct table {
    int name;        /* columns of the lane's name */
    int at[COLUMNS]; /* where each column begins; -1: not there */
    int first, rows; /* lanes shown */
};

static struct table fit(const struct snap_race *r, int width, int height, int scroll)
{
    struct table t = {.name = NAME_LEAST, .rows = height - 1};
    int used = 3 + NAME_LEAST, longest = NAME_LEAST;
    bool in[COLUMNS] = {false};
    for (int i = 0; i < COLUMNS; i++) {
        if (wanted[i].column == SPREAD && r->seeds < 2) continue;
        if (used + wanted[i].wide > width) break;
        in[i] = true, used += wanted[i].wide;
    }
    for (int i = 0; i < r->lanes; i++) {
        int wide = canvas_columns(r->lane[i].label) + 1;
        longest = wide > longest ? wide : longest;
    }
    while (t.name < longest && t.name < NAME_MOST && used < width) t.name++, used++;
    for (int i = 0, x = 3 + t.name; i < COLUMNS; i++) {
        t.at[i] = in[i] ? x : -1;
        if (in[i]) x += wanted[i].wide;
    }
    if (t.rows >= r->lanes) {
        t.rows = r->lanes;
    } else {
        t.rows = height > 2 ? height - 2 : 0; /* the last line says how many are left */
        int most = r->lanes - t.rows;
        t.first = scroll < 0 ? 0 : scroll > most ? most : scroll;
    }
    return t;
}

static void right_cell(struct canvas *to, int x, int y, int wide, enum ink ink, const char *word)
{
    canvas_text(to, x + wide - canvas_columns(word), y, ink, "%s", word);
}

static char *percent1(char *to, double share)
{
    if (isnan(share)) return strcpy(to, "–");
    snprintf(to, 32, "%.1f %%", 100 * share);
    return to;
}

static void draw_heads(struct canvas *to, const struct table *t, const struct snapshot *now)
{
    const struct words *w = facts_words(now);
    const char *const heads[] = {w->right,      "FLOP/tok", w->experts, "tok/s",
                                 "least..most", "loss",     "run"};
    canvas_text(to, 3, 0, INK_DIM, "lane");
    for (int i = 0; i < COLUMNS; i++)
        if (t->at[i] >= 0) right_cell(to, t->at[i], 0, wanted[i].wide, INK_DIM, heads[i]);
}

static void draw_lane(struct canvas *to, int y, const struct table *t, const struct snap_race *r,
                      int lane)
{
    const struct snap_lane *a = &r->lane[lane];
    enum ink ink = a->excluded ? INK_DIM : INK_TEXT;
    char word[COLUMNS][40], least[32], most[32];
    bool turn = r->on && r->turn == lane;
    canvas_zone(to, 0, y, to->width, 1, "@lane %d", lane);
    canvas_text(to, 0, y, a->front ? INK_GOOD : INK_DIM, "%s",
                a->front      ? "*"
                : a->excluded ? "-"
                              : " ");
    canvas_text(to, 1, y, ink_of(a, lane), "%c", key_of(lane));
    canvas_bold(to, 1, y, 1);
    canvas_fit(to, 3, y, t->name - 1, turn ? INK_BRIGHT : ink, "%s", a->label);
    percent1(word[RIGHT], a->accuracy), facts_number(word[EXPERTS], a->experts, 2);
    text_count(word[FLOPS], a->flops), text_count(word[SPEED], a->speed);
    facts_number(word[LOSS], a->val_loss, 3), facts_percent(word[DONE], a->done);
    if (isnan(a->least))
        strcpy(word[SPREAD], "–");
    else
        snprintf(word[SPREAD], sizeof word[SPREAD], "%s..%s",
                 facts_number(least, 100 * a->least, 1), facts_number(most, 100 * a->most, 1));
    for (int i = 0; i < COLUMNS; i++) {
        if (t->at[i] < 0) continue;
        right_cell(to, t->at[i], y, wanted[i].wide, i == RIGHT && !a->excluded ? INK_BRIGHT : ink,
                   word[i]);
    }
}

static void draw_table(struct canvas *to, const struct scene *s)
{
    const struct snap_race *r = &s->now->race;
    struct table t = fit(r, to->width, to->height, s->cursor);
    draw_heads(to, &t, s->now);
    for (int i = 0; i < t.rows; i++) draw_lane(to, 1 + i, &t, r, t.first + i);
    if (t.rows < r->lanes)
        canvas_fit(to, 3, 1 + t.rows, to->width - 3, INK_DIM, "lanes %d to %d of %d: Up, Down",
                   t.first + 1, t.first + t.rows, r->lanes);
}

/* ---- the pictures ---- */

struct range {
    double low, high;
};

static void widen(struct range *r, double value)
{
    if (isnan(value)) return;
    r->low = fmin(r->low, value), r->high = fmax(r->high, value);
}

static double share(const struct range *r, double value)
{
    return (value - r->low) / (r->high - r->low);
}

static double across(const struct snap_lane *a, bool speed)
{
    return speed ? a->speed : a->flops;
}

/* Where the lanes are now, with room below for where they come from. */
static bool ranges(const struct snap_race *r, bool speed, struct range *x, struct range *y)
{
    *x = *y = (struct range){INFINITY, -INFINITY};
    for (int i = 0; i < r->lanes; i++) {
        const struct snap_lane *a = &r->lane[i];
        if (a->excluded) continue;
        widen(x, across(a, speed)), widen(y, a->accuracy), widen(y, a->least), widen(y, a->most);
    }
    if (!(x->high >= x->low) || !(y->high >= y->low)) return false;
    double wide = fmax(x->high - x->low, 0.1 * x->high), tall = fmax(y->high - y->low, 0.1);
    x->low = fmax(x->low - 0.12 * wide, 0), x->high += 0.12 * wide;
    y->low = fmax(y->low - 0.5 * tall, 0), y->high = fmin(y->high + 0.15 * tall, 1);
    return true;
}

/* From each lane of the front to the next cheaper one: what is below and to the right is beaten. */
static void draw_front(struct canvas *to, const struct snap_race *r, const struct range *x,
                       const struct range *y)
{
    double last_x = NAN, last_y = NAN, from = -INFINITY;
    for (;;) {
        const struct snap_lane *next = NULL;
        for (int i = 0; i < r->lanes; i++) {
            const struct snap_lane *a = &r->lane[i];
            if (a->front && a->flops > from && (!next || a->flops < next->flops)) next = a;
        }
        if (!next) break;
        double at = share(x, next->flops), up = share(y, next->accuracy);
        if (!isnan(last_x)) {
            dots_line(to, last_x, last_y, at, last_y, INK_FRAME);
            dots_line(to, at, last_y, at, up, INK_FRAME);
        }
        last_x = at, last_y = up, from = next->flops;
    }
    if (!isnan(last_x)) dots_line(to, last_x, last_y, 1, last_y, INK_FRAME);
}

/* The newest part of the way: with many lanes a short one, or nothing can be told apart. */
static void draw_trail(struct canvas *to, const struct snap_race *r, int lane,
                       const struct range *x, const struct range *y)
{
    const struct snap_lane *a = &r->lane[lane];
    int last = a->trail - 1, first = last - (r->lanes <= 4 ? 10 : 4);
    for (int i = first < 0 ? 0 : first; i < last; i++)
        dots_line(to, share(x, a->trail_flops[i]), share(y, a->trail_accuracy[i]),
                  share(x, a->trail_flops[i + 1]), share(y, a->trail_accuracy[i + 1]),
                  ink_of(a, lane));
}

/* The lane's letter at its point, or beside it where another one stands; `used`: who stands where.
 */
static void draw_letter(struct canvas *to, const struct snap_lane *a, int lane, double x, double y,
                        bool *used)
{
    static const int beside[][2] = {{0, 0}, {1, 0},  {-1, 0},  {2, 0}, {-2, 0}, {0, -1}, {0, 1},
                                    {3, 0}, {1, -1}, {-1, -1}, {1, 1}, {-1, 1}, {-3, 0}};
    int column, row;
    if (!dots_cell(to, x, y, &column, &row)) return;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        int cx = column + beside[i][0], cy = row + beside[i][1];
        if (cx < 0 || cy < 0 || cx >= to->width || cy >= to->height || used[cy * to->width + cx])
            continue;
        used[cy * to->width + cx] = true;
        canvas_text(to, cx, cy, ink_of(a, lane), "%c", key_of(lane));
        canvas_bold(to, cx, cy, 1);
        canvas_zone(to, cx, cy, 1, 1, "@lane %d", lane);
        return;
    }
}

static void draw_points(struct canvas *to, const struct snap_race *r, bool speed,
                        const struct range *x, const struct range *y)
{
    enum { CELLS = 16384 };
    bool used[CELLS] = {false};
    if (to->width * to->height > CELLS) return;
    for (int i = 0; i < r->lanes; i++) {
        const struct snap_lane *a = &r->lane[i];
        double at = share(x, across(a, speed));
        if (!a->excluded)
            dots_line(to, at, share(y, a->least), at, share(y, a->most), ink_of(a, i));
    }
    for (int i = 0; i < r->lanes; i++) {
        const struct snap_lane *a = &r->lane[i];
        if (!a->excluded)
            draw_letter(to, a, i, share(x, across(a, speed)), share(y, a->accuracy), used);
    }
}

/* A picture with its axes: at the left what is right, below what it costs or how fast it is. */
static void draw_plot(struct canvas *to, const struct snapshot *now, bool speed)
{
    enum { LEFT = 8 };
    const struct snap_race *r = &now->race;
    struct range x, y;
    char word[32];
    if (to->height < 4 || to->width < LEFT + 12) return;
    bool brief = to->width < 40;
    canvas_fit(to, 0, 0, to->width, INK_DIM, "%s by %s%s", facts_words(now)->right,
               speed ? "tokens a second" : "FLOPs a token",
               brief   ? ""
               : speed ? ", faster →"
                       : ", ← cheaper");
    if (!ranges(r, speed, &x, &y)) {
        canvas_fit(to, 0, 2, to->width, INK_DIM,
                   "The first evaluation comes at %d %% of the budget.", 100 / (SNAP_TRAIL - 2));
        return;
    }
    int bottom = to->height - 1;
    struct canvas in = canvas_part(to, LEFT, 1, to->width - LEFT, bottom - 1);
    right_cell(to, 0, 1, LEFT - 1, INK_DIM, percent1(word, y.high));
    right_cell(to, 0, bottom - 1, LEFT - 1, INK_DIM, percent1(word, y.low));
    for (int row = 1; row < bottom; row++) canvas_text(to, LEFT - 1, row, INK_FRAME, "│");
    canvas_text(to, LEFT - 1, bottom, INK_FRAME, "└");
    canvas_fill(to, LEFT, bottom, to->width - LEFT, INK_FRAME, "─");
    int end = canvas_text(to, LEFT, bottom, INK_DIM, "%s", text_count(word, x.low));
    text_count(word, x.high);
    if (end + 2 + canvas_columns(word) < to->width)
        right_cell(to, LEFT, bottom, to->width - LEFT, INK_DIM, word);
    if (!speed) {
        draw_front(&in, r, &x, &y);
        for (int i = 0; i < r->lanes; i++)
            if (!r->lane[i].excluded) draw_trail(&in, r, i, &x, &y);
    }
    draw_points(&in, r, speed, &x, &y);
}

/* ---- around them ---- */

static void draw_head(struct canvas *to, const struct snap_race *r)
{
    char left[16], of[40] = "", aim[24] = "", all[160];
    if (r->seeds > 1) snprintf(of, sizeof of, " (%d of %d)", r->seed_now + 1, r->seeds);
    if (r->target > 0) snprintf(aim, sizeof aim, ", aim %.3g", r->target);
    snprintf(all, sizeof all, "%d lane%s, %s each%s, seed %llu%s", r->lanes,
             r->lanes == 1 ? "" : "s", r->budget, aim, (unsigned long long)r->seed, of);
    int x = 0;
    if (to->width >= 60) x = canvas_text(to, 0, 0, INK_TEXT, "%s", all) + 2;
    if (r->on && to->width >= 60) {
        bar_draw(to, x, 0, 8, r->done, INK_ACCENT);
        x += 9;
    }
    if (r->on)
        canvas_fit(to, x, 0, to->width - x, INK_BRIGHT, "%.0f %% run, %s left", 100 * r->done,
                   text_seconds(left, r->left));
    else if (*r->why)
        canvas_fit(to, x, 0, to->width - x, INK_WARN, "%s at %.0f %%; r: again", r->why,
                   100 * r->done);
    else
        canvas_fit(to, x, 0, to->width - x, INK_GOOD, "all run in %s; r: again",
                   text_seconds(left, r->seconds));
}

/* What makes it fair, and what the marks mean; as many lines as there are. */
static void say_notes(struct text *to, const struct snapshot *now)
{
    const struct snap_race *r = &now->race;
    char look[32];
    text_add(
        to,
        "* front: no other lane is as good with fewer FLOPs. Same weights, batches and budget; "
        "held-out %s: the first %s on the way, all at the end.",
        facts_words(now)->tokens, facts_whole(look, (double)r->look));
    if (r->target > 0)
        text_add(to, "\nAim: a lane's own knob is turned while it trains, until %s take %.3g %s.",
                 facts_words(now)->tokens, r->target, facts_words(now)->experts);
    for (int i = 0, any = 0; i < r->lanes; i++) {
        if (!r->lane[i].excluded) continue;
        text_add(to, "%s %c %s", any++ ? ";" : "\n- compared with nobody:", key_of(i),
                 r->lane[i].excluded);
    }
}

static void race_draw(struct canvas *to, const struct scene *s)
{
    enum { PLOT_LEAST = 8, SIDE = 44, TWO = 66 };
    if (facts_waiting(to, s)) return;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    const struct snap_race *r = &s->now->race;
    if (r->lanes == 0) {
        int lines = prose_lines(in.width, empty);
        prose_draw(&in, 0, in.height > lines ? (in.height - lines) / 2 : 0, in.width, in.height, 0,
                   INK_TEXT, empty);
        return;
    }
    struct text notes = {0};
    say_notes(&notes, s->now);
    int foot = in.height >= 17 ? prose_lines(in.width, text_str(&notes)) : 0;
    draw_head(&in, r);
    prose_draw(&in, 0, in.height - foot, in.width, foot, 0, INK_DIM, text_str(&notes));
    text_free(&notes);
    struct canvas body = canvas_part(&in, 0, 1, in.width, in.height - 1 - foot);
    int below = body.height - r->lanes - 2;
    if (below >= PLOT_LEAST) {
        struct canvas table = canvas_part(&body, 0, 0, body.width, r->lanes + 1);
        int half = body.width >= TWO ? (body.width - 2) / 2 : body.width;
        struct canvas left = canvas_part(&body, 0, r->lanes + 2, half, below),
                      right = canvas_part(&body, half + 2, r->lanes + 2, half, below);
        draw_table(&table, s);
        draw_plot(&left, s->now, false);
        if (half < body.width) draw_plot(&right, s->now, true);
    } else if (body.width >= SIDE + 26 && body.height >= PLOT_LEAST) {
        struct canvas table = canvas_part(&body, 0, 0, SIDE, body.height),
                      right = canvas_part(&body, SIDE + 2, 0, body.width - SIDE - 2, body.height);
        draw_table(&table, s);
        draw_plot(&right, s->now, false);
    } else {
        draw_table(&body, s);
    }
}

static void race_tell(struct text *to, const struct scene *s)
{
    if (!s->now) return;
    const struct snap_race *r = &s->now->race;
    const struct words *w = facts_words(s->now);
    char a[32], b[32];
    if (r->lanes == 0) {
        text_add(to, "no race has been run: race starts one of all rules, race topk topp one of "
                     "two.\n");
        return;
    }
    text_add(to, "%d lane%s, %s each, %d seed%s, %.0f %% run%s%s.\n", r->lanes,
             r->lanes == 1 ? "" : "s", r->budget, r->seeds, r->seeds == 1 ? "" : "s", 100 * r->done,
             *r->why ? "; " : "", r->why);
    for (int i = 0; i < r->lanes; i++) {
        const struct snap_lane *l = &r->lane[i];
        text_add(to, "lane %c, %s: ", key_of(i), l->label);
        say_as(to, percent1(a, l->accuracy), l->accuracy, "share", "accuracy of lane %d", i + 1);
        text_add(to, " %s", w->right);
        if (!isnan(l->least))
            text_add(to, " (%s to %s)", percent1(a, l->least), percent1(b, l->most));
        text_add(to, ", loss ");
        say_number(to, l->val_loss, 3, "nat", "loss of lane %d", i + 1);
        text_add(to, ", ");
        say_number(to, l->experts, 2, "experts", "experts of lane %d", i + 1);
        text_add(to, " %s per %s, ", w->experts, w->token);
        say_as(to, text_count(a, l->flops), l->flops, "FLOP", "FLOPs of lane %d", i + 1);
        text_add(to, " FLOPs a token, ");
        say_as(to, text_count(a, l->speed), l->speed, "tok/s", "speed of lane %d", i + 1);
        text_add(to, " tokens a second; %.0f %% run", 100 * l->done);
        if (l->excluded)
            text_add(to, "; compared with nobody: %s", l->excluded);
        else if (l->front)
            text_add(to, "; on the front");
        text_add(to, ".\n");
    }
    say_notes(to, s->now);
    text_add(to, "\n");
}

const struct view view_race = {
    .name = "race",
    .key = '7',
    .title = "Race",
    .question = "Which rule gets the most out of the same fuel?",
    .uses = VIEW_SCROLL,
    .explain = explain,
    .draw = race_draw,
    .tell = race_tell,
};
