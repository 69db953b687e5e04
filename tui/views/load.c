/* tui/views/load.c - Which vans carry more than their share? A heat map, layer by expert,
 * where 1.00 is fair; for the layer looked at also as bars. */
#include "tui/views/facts.h"
#include "tui/views/load_past.h"
#include "tui/draw/bars.h"
#include "tui/draw/heat.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Each cell is one van of one layer: how many picks it got in the newest step, over what it "
    "would get if all vans got the "
    "same. 1.00 is fair, 2.00 twice its share, 0 a van that stays in the yard.\n"
    "Busiest/mean says how long the others would wait if every van were a machine of its own; CV "
    "is the spread over the "
    "mean; a dead van got no work at all. An uneven load costs time on parallel hardware; it does "
    "not by itself make the "
    "answers worse.\n"
    "Below, where there is room, the busiest over the steps: an upright line is a change that "
    "somebody made. "
    "Where a capacity is set, what a full van cannot take is dropped and counted below. The knob "
    "aux asks for an even load.";

/* ---- the heat map
 * -------------------------------------------------------------------------------------------------
 */
struct map {
    int cell, per_line, lines; /* columns a cell has, cells side by side, lines a layer takes */
    int gap, tall;             /* blank lines between layers; lines a cell has */
    int shown;                 /* layers that fit */
    int stats;                 /* columns of busiest and CV at the right, or 0 */
};
enum { LABEL = 4, STATS = 24, BAR_MOST = 6 };
enum { SLIM = 19, WHOLE = 26 }; /* a bar with its number; with its share, too */

static struct map fit(const struct snapshot *now, int width, int rows, int layers)
{
    struct map m = {.cell = 1, .per_line = 1, .lines = 1, .tall = 1};
    int N = facts_columns(now) > 0 ? facts_columns(now) : 1;
    if (width >= 66) m.stats = STATS;
    for (int cell = 8; cell >= 1; cell--) {
        m.cell = cell, m.per_line = (width - LABEL - m.stats) / cell;
        if (m.per_line < 1) continue;
        if (m.per_line > N) m.per_line = N;
        m.lines = (N + m.per_line - 1) / m.per_line;
        m.per_line = (N + m.lines - 1) / m.lines; /* lines of one length */
        if (m.lines == 1 || (m.cell <= 4 && layers * m.lines <= rows)) break;
    }
    if (m.per_line < 1) m.per_line = 1, m.lines = N;
    m.gap = layers * m.lines + layers - 1 <= rows ? 1 : 0;
    if (m.lines == 1 && 3 * layers + 2 + now->E <= rows) m.tall = 2;
    m.shown = (rows + m.gap) / (m.lines * m.tall + m.gap);
    if (m.shown > layers) m.shown = layers;
    return m;
}

static void draw_cell(struct canvas *to, int x, int y, int cell, int tall, double load)
{
    char word[32];
    if (cell >= 4)
        facts_number(word, load, cell >= 5 ? 2 : 1);
    else if (isnan(load))
        strcpy(word, "–");
    else
        snprintf(word, sizeof word, load < 9.5 ? "%.0f" : "+", load);
    int wide = cell > 2 ? cell - 1 : cell, left = wide - canvas_columns(word);
    enum ink ink = heat_load(load);
    for (int i = 0; i < tall; i++) canvas_fill(to, x, y + i, wide, ink, " ");
    canvas_text(to, x + (left + 1) / 2, y, ink, "%s", word);
}

static double busiest(const struct snapshot *now, int layer)
{
    double most = NAN;
    for (int e = 0; e < now->E; e++) most = fmax(most, now->load[layer][e]);
    return most;
}

/* Spread of the experts' loads over their mean, which is 1. */
static double spread(const struct snapshot *now, int layer)
{
    double sum = 0;
    for (int e = 0; e < now->E; e++) sum += pow(now->load[layer][e] - 1, 2);
    return now->E > 0 ? sqrt(sum / now->E) : NAN;
}

static int idle(const struct snapshot *now, int layer)
{
    int count = 0;
    for (int e = 0; e < now->E; e++) count += now->load[layer][e] == 0;
    return count;
}

static void draw_layer(struct canvas *to, int y, const struct map *m, const struct scene *s,
                       int layer)
{
    const struct snapshot *now = s->now;
    int N = facts_columns(now);
    bool here = layer == facts_layer(s) && now->L > 1;
    canvas_text(to, 0, y, here ? INK_ACCENT : INK_DIM, "%s%2d", here ? "▸" : " ", layer + 1);
    for (int line = 1; line < m->lines; line++)
        canvas_text(to, 0, y + line, INK_DIM, "%2d…", line * m->per_line + 1);
    for (int line = 0; line < m->lines; line++)
        canvas_zone(to, LABEL, y + line * m->tall, m->per_line * m->cell, m->tall, "@vans %d %d %d",
                    layer, line * m->per_line, m->cell);
    for (int i = 0; i < N; i++)
        draw_cell(to, LABEL + i % m->per_line * m->cell, y + i / m->per_line, m->cell, m->tall,
                  now->load[layer][i]);
    if (!m->stats) return;
    char most[32], cv[32];
    int x = LABEL + m->per_line * m->cell + 1;
    canvas_text(to, x, y, INK_TEXT, "%6s ×", facts_number(most, busiest(now, layer), 2));
    canvas_text(to, x + 9, y, INK_TEXT, "%5s", facts_number(cv, spread(now, layer), 2));
    canvas_text(to, x + 16, y, idle(now, layer) ? INK_BAD : INK_DIM, "%4d", idle(now, layer));
}

static void draw_heads(struct canvas *to, const struct map *m, const struct snapshot *now)
{
    int N = facts_columns(now);
    for (int i = 0; i < N && i < m->per_line; i++) {
        int wide = m->cell > 2 ? m->cell - 1 : m->cell;
        bool slot = i >= now->E;
        char name[16];
        snprintf(name, sizeof name, slot ? "s%d" : "%d", slot ? i - now->E + 1 : i + 1);
        if (m->cell < 3) snprintf(name, sizeof name, "%d", (i + 1) % 10);
        int left = wide - (int)strlen(name);
        canvas_text(to, LABEL + i * m->cell + (left + 1) / 2, 0, slot ? INK_DIM : facts_van_ink(i),
                    "%s", name);
    }
    if (!m->stats) return;
    int x = LABEL + m->per_line * m->cell + 1;
    canvas_text(to, x, 0, INK_DIM, " busiest    CV   idle");
}

static int draw_map(struct canvas *to, const struct scene *s, int rows)
{
    const struct snapshot *now = s->now;
    int layers = now->L < 1 ? 1 : now->L < SNAP_LAYERS ? now->L : SNAP_LAYERS;
    struct map m = fit(now, to->width, rows - 1, layers);
    if (rows < 2 || m.shown < 1) return 0;
    draw_heads(to, &m, now);
    int first = facts_layer(s) / m.shown * m.shown, y = 1;
    if (first + m.shown > layers) first = layers - m.shown;
    for (int i = 0; i < m.shown; i++, y += m.lines * m.tall + m.gap)
        draw_layer(to, y, &m, s, first + i);
    if (m.shown < layers) canvas_text(to, 0, 0, INK_DIM, "…");
    return y - m.gap;
}

/* ---- the layer looked at, as bars
 * --------------------------------------------------------------------------------- */
/* Columns of bars in which all E fit below a title; 0: they do not. */
static int bars_across(int width, int height, int E)
{
    if (height < 2 || E < 1) return 0;
    int across = (E + height - 2) / (height - 1);
    return width / across >= SLIM ? across : 0;
}

static void draw_bars(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), E = now->E, y = 0;
    if (!bars_across(to->width, to->height, E)) return;
    if (now->L > 1)
        canvas_text(to, 0, y, INK_DIM, "layer %d of %d, share of its work: 1.00 = fair", layer + 1,
                    now->L);
    else
        canvas_text(to, 0, y, INK_DIM, "share of the work: 1.00 = fair");
    y++;
    int across = bars_across(to->width, to->height, E), down = (E + across - 1) / across,
        wide = to->width / across;
    int room = (to->height - 1) / down, step = room < BAR_MOST ? room : BAR_MOST,
        tall = step >= 3 ? step - 1 : 1; /* lines, air with them */
    double most = fmax(2, busiest(now, layer));
    for (int e = 0; e < E; e++) {
        int x = e / down * wide, row = y + e % down * step,
            bar = wide - 4 - (wide < WHOLE ? 8 : 16);
        double load = now->load[layer][e];
        char value[32], share[32];
        canvas_zone(to, x, row, wide - 1, step, "@vans %d %d %d", layer, e, wide);
        canvas_text(to, x, row, facts_van_ink(e), "%2d", e + 1);
        for (int i = 0; i < step; i++)
            canvas_text(to, x + 4 + (int)lround(bar / most), row + i, INK_FRAME, "│");
        for (int i = 0; i < tall; i++)
            bar_draw(to, x + 4, row + i, bar, load / most, facts_van_ink(e));
        facts_draw_state(to, x + 4, row, bar, load / most, facts_van_state(now, e));
        canvas_text(to, x + 4 + bar, row, INK_TEXT, "%6s", facts_number(value, load, 2));
        if (wide >= WHOLE)
            canvas_text(to, x + 10 + bar, row, INK_DIM, "%6s", facts_percent(share, load / E));
    }
}

/* ---- the figures below
 * -------------------------------------------------------------------------------------------- */
static void say_dropped(char *to, int size, const struct snapshot *now, bool narrow)
{
    char count[32];
    double capacity = facts_knob(now, "capacity");
    if (capacity > 0)
        snprintf(to, (size_t)size, "%s dropped, capacity %.2f × mean load",
                 facts_whole(count, now->dropped_pairs), capacity);
    else
        snprintf(to, (size_t)size, "%s",
                 narrow ? "no capacity: nothing dropped"
                        : "no capacity is set, so nothing is dropped");
}

static void draw_figures(struct canvas *to, const struct snapshot *now)
{
    char most[32], cv[32], dead[32], dropped[96];
    facts_number(most, now->load_max_over_mean, 2), facts_number(cv, now->load_cv, 2),
        facts_number(dead, now->dead_experts, 0);
    const char *vans =
        now->dead_experts == 1 ? facts_words(now)->expert : facts_words(now)->experts;
    bool narrow = to->width < 38; /* beside a lesson's page */
    int x = canvas_text(to, 0, 0, INK_DIM, narrow ? "max/mean " : "busiest/mean ");
    x = canvas_text(to, x, 0, now->load_max_over_mean > 2 ? INK_WARN : INK_BRIGHT, "%s ×", most);
    x = canvas_text(to, x + 2, 0, INK_DIM, "CV ");
    x = canvas_text(to, x, 0, INK_BRIGHT, "%s", cv);
    x = canvas_text(to, x + 2, 0, INK_DIM, "dead ");
    x = canvas_text(to, x, 0, now->dead_experts > 0 ? INK_BAD : INK_BRIGHT, "%s%s%s", dead,
                    to->width < 50 ? "" : " ", to->width < 50 ? "" : vans);
    say_dropped(dropped, sizeof dropped, now, narrow);
    bool below = to->height > 1;
    if (below)
        canvas_fit(to, 0, 1, to->width, INK_DIM, "%s", dropped);
    else if (facts_knob(now, "capacity") > 0)
        canvas_fit(to, x + 2, 0, to->width - x - 2, INK_DIM, "%s", dropped);
}

/* "s1 to s4: null", run by run; 0 where there is no slot. */
static int draw_slots(struct canvas *to, int y, const struct snapshot *now)
{
    struct slot_run runs[4];
    int count = now->router && now->router->slots ? now->router->slots(now->knob, now->E, runs) : 0;
    int x = 0, first = 1;
    for (int r = 0; r < count; first += runs[r].count, r++) {
        if (runs[r].count < 1) continue;
        x = canvas_text(to, x, y, INK_DIM, "%ss%d", x ? ", " : "slots: ", first);
        if (runs[r].count > 1)
            x = canvas_text(to, x, y, INK_DIM, " to s%d", first + runs[r].count - 1);
        x = canvas_fit(to, x, y, to->width - x, INK_DIM, " %s", runs[r].label);
    }
    return x > 0;
}

static void load_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    const struct snapshot *now = s->now;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    int h = in.height, foot = h >= 14 ? now->L > 1 ? 3 : 2 : h >= 4 ? 1 : 0;
    struct canvas bottom = canvas_part(&in, 0, h - foot, in.width, foot);
    draw_figures(&bottom, now);
    if (foot == 3) {
        int x = canvas_text(&bottom, 0, 2, INK_DIM, "key ");
        heat_load_key(&bottom, x, 2);
    }
    foot += foot > 1;
    bool alone = now->L == 1 && now->S == 0 &&
                 bars_across(in.width, h - foot, now->E); /* bars say all there is */
    int y = alone ? 0 : draw_map(&in, s, h - foot);
    int bars = h - foot - y; /* rows that are left for them */
    if (!alone && (bars >= now->E + 4 || (bars > 0 && !bars_across(in.width, bars - 1, now->E))))
        y += draw_slots(&in, y, now);
    y += !alone;
    int left = h - foot - y, past = load_past_rows(s, left - (now->E + 1) - 1);
    struct canvas middle = canvas_part(&in, 0, y, in.width, left - past - (past > 0)),
                  over = canvas_part(&in, 0, h - foot - past, in.width, past);
    draw_bars(&middle, s);
    load_past_draw(&over, s);
}

static void load_tell(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    if (!now) return;
    char dropped[96];
    say(to, now,
        "the busiest %s does {load_max_over_mean} times its fair share; spread CV {load_cv}; "
        "{dead_experts} dead.\n",
        facts_words(now)->expert);
    for (int l = 0; l < now->L && l < SNAP_LAYERS; l++) {
        text_add(to, "layer %d, 1.00 = fair:", l + 1);
        for (int e = 0; e < now->E; e++) {
            text_add(to, "%s %d ", e ? "," : "", e + 1);
            say_number(to, (double)now->load[l][e], 2, "of fair", "load %d %d", l + 1, e + 1);
        }
        text_add(to, ".\n");
    }
    load_past_tell(to, s);
    say_dropped(dropped, sizeof dropped, now, false);
    text_add(to, "%s.\n", dropped);
}

const struct view view_load = {
    .name = "load",
    .key = '5',
    .title = "Load",
    .question = "Which vans carry more than their share?",
    .uses = VIEW_LAYER,
    .explain = explain,
    .draw = load_draw,
    .tell = load_tell,
};
