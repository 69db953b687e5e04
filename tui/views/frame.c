/* tui/views/frame.c - The whole screen around a view. Three shapes: with Knobs and Now beside the
 * view; with their facts in the lower edge; and, in a small window, without an edge at all. */
#include "tui/views/facts.h"
#include "tui/views/footer.h"
#include "tui/app/keys.h"
#include "tui/draw/bars.h"
#include "tui/draw/grid.h"
#include "tui/draw/prose.h"
#include "tui/draw/spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PANEL = 35, PANEL_WIDTH = 108, PANEL_HEIGHT = 24, EDGE_WIDTH = 60, EDGE_HEIGHT = 16 };

/* ---- the status line
 * ---------------------------------------------------------------------------------------------- */
struct part {
    char text[112];
    enum ink ink;
    int rank; /* 0 stays longest */
    const char *click;
};
enum { PARTS = 10 };

static void say_step(char *to, int size, const struct snapshot *now, bool brief)
{
    char step[32];
    facts_whole(step, (double)now->step);
    const char *what = now->finished ? "done at" : now->paused ? "paused at" : "▶ step";
    if (brief && !now->finished && !now->paused) what = "▶";
    if (now->race.on)
        snprintf(to, (size_t)size,
                 now->paused ? "paused, race %.0f %%"
                 : brief     ? "race %.0f %%"
                             : "▶ race %.0f %%",
                 100 * now->race.done);
    else
        snprintf(to, (size_t)size, "%s %s", what, step);
}

static int parts_of(struct part p[PARTS], const struct snapshot *now, int width)
{
    const struct words *w = facts_words(now);
    char a[32];
    int n = 0;
#define PART(rank_, ink_, ...)                                                                     \
    (snprintf(p[n].text, sizeof p[n].text, __VA_ARGS__), p[n].ink = (ink_), p[n].click = "",       \
     p[n++].rank = (rank_))
    PART(7, INK_TITLE, "vanpool");
    PART(4, INK_TEXT, "%s", now->data);
    bool published = strcmp(now->badge, "as published") == 0; /* all its knobs at once */
    PART(1, INK_ACCENT, published ? "%s (%s)" : "%s",
         published ? now->router->name : now->run_label, now->badge);
    p[n - 1].click = "@choose";
    PART(0, now->paused || now->finished ? INK_WARN : INK_GOOD, "%s", "");
    p[n - 1].click = "@pause";
    say_step(p[n - 1].text, sizeof p[n - 1].text, now, width < 60);
    PART(2, INK_TEXT, isnan(now->loss) ? "loss –" : "loss %.3f nat", now->loss);
    if (now->text)
        PART(6, INK_TEXT, "%s bit/char", facts_number(a, now->bits_per_char, 2));
    else
        PART(6, INK_TEXT, isnan(now->accuracy) ? "delivered –" : "delivered %.1f %%",
             100 * now->accuracy);
    PART(3, INK_BRIGHT, "%s %s/%s", facts_number(a, now->experts_per_token, 2), w->experts,
         w->token);
    if (!now->race.on) PART(5, INK_TEXT, "%s tok/s", text_count(a, now->tokens_per_s));
    PART(8, INK_DIM, "%s×%d", now->backend, now->threads);
    PART(9, INK_DIM, "seed %llu", (unsigned long long)now->seed);
#undef PART
    return n;
}

/* The columns of a part at most: where there is little room a list of knobs gives way. */
static int cut_at(const struct part *p, int width)
{
    return width < 100 && strchr(p->text, '=') ? 22 : 34;
}

static void draw_status(struct canvas *to, const struct snapshot *now)
{
    enum { GAP = 3 };
    struct part p[PARTS];
    if (!now) {
        canvas_text(to, 1, 0, INK_TITLE, "vanpool");
        return;
    }
    int n = parts_of(p, now, to->width), used = 2 - GAP, gap = to->width < 130 ? 2 : GAP;
    bool in[PARTS] = {false};
    for (int rank = 0; rank < PARTS; rank++)
        for (int i = 0; i < n; i++) {
            int wide = canvas_columns(p[i].text);
            if (wide > cut_at(&p[i], to->width)) wide = cut_at(&p[i], to->width);
            if (p[i].rank != rank || (rank > 1 && used + gap + wide >= to->width)) continue;
            in[i] = true, used += gap + wide;
        }
    for (int i = 0, x = 1; i < n; i++) {
        if (!in[i]) continue;
        int end = canvas_fit(to, x, 0, cut_at(&p[i], to->width), p[i].ink, "%s", p[i].text);
        if (*p[i].click) canvas_zone(to, x, 0, end - x, 1, "%s", p[i].click);
        x = end + gap;
    }
}

/* ---- the facts that are always in sight
 * --------------------------------------------------------------------------- */
static void say_null(char *to, const struct snapshot *now)
{
    char number[32];
    facts_number(number, facts_has_slots(now) ? now->zero_compute_per_token : NAN, 2);
    snprintf(to, 32, "%.24s", number);
}

static const struct option *knob_of(const struct scene *s, int i)
{
    if (!s->now || !s->now->router || i < 0 || i >= ROUTER_KNOBS || !s->now->router->knobs[i].name)
        return NULL;
    return &s->now->router->knobs[i];
}

/* "2.03 vans/order · null hits – · threshold p 0.40" and the knob in hand, in one line of at most
 * `width` columns. */
static void draw_facts(struct canvas *to, int x, int y, int width, const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct words *w = facts_words(now);
    char experts[32], nulls[32], threshold[32], value[32];
    int end = x + width;
    bool roomy = width >= 60;
    const char *gap = roomy ? " · " : "  ";
    if (!now) return;
    facts_number(experts, now->experts_per_token, 2), say_null(nulls, now),
        facts_threshold(threshold, s);
    x = canvas_text(to, x, y, INK_BRIGHT, "%s", experts);
    x = canvas_text(to, x, y, INK_DIM, " %s/%s%snull %s", w->experts,
                    roomy || !now->text ? w->token : "tok", gap, roomy ? "hits " : "");
    x = canvas_text(to, x, y, INK_BRIGHT, "%s", nulls);
    x = canvas_text(to, x, y, INK_DIM, "%s%s", gap, roomy ? "threshold " : "");
    x = canvas_fit(to, x, y, end - x, INK_BRIGHT, "%s", threshold);
    const struct option *knob = knob_of(s, s->knob);
    if (!knob || !roomy) return;
    char line[64];
    snprintf(line, sizeof line, "%.14s %.12s", knob->name,
             option_show(knob, now->knob[s->knob], value));
    bool slides = knob->kind == OPTION_REAL || knob->kind == OPTION_INT;
    int wide = canvas_columns(line), slider = slides ? 11 : 0;
    if (slides && x + 2 + wide + slider > end) slider = 0; /* its number says more than its place */
    if (x + 2 + wide + slider > end) return;
    canvas_text(to, end - slider - wide, y, INK_ACCENT, "%s", line);
    if (!slider) return;
    if (now->locked.knobs >> s->knob & 1) {
        canvas_text(to, end - 10, y, INK_WARN, "locked");
        return;
    }
    bar_slider(to, end - 10, y, 10, option_place(knob, now->knob[s->knob], now->E, now->N),
               INK_ACCENT);
    canvas_zone(to, end - 10, y, 10, 1, "@slider %d", s->knob);
}

/* ---- Knobs
 * --------------------------------------------------------------------------------------------------------
 */
static void draw_knobs(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    enum { VALUE = 15, SLIDER = 22 };
    int y = 0, count = 0;
    if (!now || !now->router) return;
    canvas_text(to, 1, y, INK_DIM, "strategy");
    canvas_zone(to, 0, y, to->width, 1, "@choose");
    bool alone = router_count() - __builtin_popcount(now->locked.strategies) < 2;
    canvas_text(to, VALUE, y, INK_ACCENT, alone ? "%s" : "◀ %s ▶", now->router->name);
    int behind = VALUE + (int)strlen(now->router->name) + 5, left = to->width - behind - 1;
    if (*now->badge && left >= (int)strlen(now->badge))
        canvas_text(to, behind, y, INK_DIM, "%s", now->badge);
    y++;
    canvas_fit(to, 1, y++, to->width - 2, INK_DIM, "%s", now->router->title);
    y++;
    while (knob_of(s, count)) count++;
    const struct option *chosen = knob_of(s, s->knob);
    int help = chosen && chosen->help ? prose_lines(to->width - 2, chosen->help) + 1 : 0,
        settings = 4;
    int rows = to->height - y - help - settings;
    if (rows < count) rows += settings, settings = 0;
    if (rows < 4) rows += help, help = 0;
    int first = s->knob >= rows ? s->knob - rows + 1 : 0;
    for (int i = first; i < count && i - first < rows; i++, y++) {
        const struct option *knob = knob_of(s, i);
        bool here = i == s->knob;
        char value[32];
        canvas_zone(to, 0, y, to->width, 1, "@knob %d", i);
        if (here) canvas_text(to, 0, y, INK_ACCENT, "▸");
        canvas_fit(to, 1, y, VALUE - 2, here ? INK_BRIGHT : INK_TEXT, "%s", knob->name);
        canvas_fit(to, VALUE, y, SLIDER - VALUE - 1, here ? INK_BRIGHT : INK_TEXT, "%s",
                   option_show(knob, now->knob[i], value));
        bool locked = now->locked.knobs >> i & 1,
             slides = !locked && (knob->kind == OPTION_REAL || knob->kind == OPTION_INT);
        if (locked) canvas_fit(to, SLIDER, y, to->width - SLIDER - 1, INK_WARN, "locked");
        if (slides) canvas_zone(to, SLIDER, y, to->width - SLIDER - 1, 1, "@slider %d", i);
        if (slides)
            bar_slider(to, SLIDER, y, to->width - SLIDER - 1,
                       option_place(knob, now->knob[i], now->E, now->N),
                       here ? INK_ACCENT : INK_DIM);
    }
    if (help) prose_draw(to, 1, y + 1, to->width - 2, help - 1, 0, INK_DIM, chosen->help);
    y = to->height - settings + 1;
    if (!settings) return;
    char lr[32];
    canvas_text(to, 1, y, INK_DIM, "lr");
    canvas_text(to, VALUE, y++, INK_TEXT, "%s now", facts_number(lr, now->lr, 4));
    canvas_text(to, 1, y, INK_DIM, "experts");
    canvas_text(to, VALUE, y++, INK_TEXT, "%d a layer", now->E);
    canvas_text(to, 1, y, INK_DIM, "model");
    canvas_text(to, VALUE, y, INK_TEXT, "%d layer%s × %d", now->L, now->L == 1 ? "" : "s", now->D);
}

/* ---- Now
 * ----------------------------------------------------------------------------------------------------------
 */
enum { NOW_ROWS = 7, NOW_VALUE = 15, NOW_SPARK = 27 };

static void draw_now_line(struct canvas *to, int y, const char *name, const char *value,
                          const struct scene *s, int line, enum ink ink)
{
    canvas_fit(to, 1, y, NOW_VALUE - 2, INK_DIM, "%s", name);
    canvas_fit(to, NOW_VALUE, y, line < 0 ? to->width - NOW_VALUE : NOW_SPARK - NOW_VALUE - 1,
               INK_BRIGHT, "%s", value);
    if (line < 0 || !s->past) return;
    int width = to->width - NOW_SPARK - 1, n = spark_values(to, width);
    if (n > s->past->count) n = s->past->count;
    if (n > 1)
        spark_draw(to, NOW_SPARK, y, width, s->past->line[line] + s->past->count - n, n, ink);
}

static void draw_now(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct words *w = facts_words(now);
    char name[32], value[64], number[32];
    int y = 0, i = facts_cursor(s), layer = facts_layer(s);
    if (!now) return;
    snprintf(value, sizeof value, "%s nat", facts_number(number, now->loss, 3));
    draw_now_line(to, y++, "loss", value, s, HISTORY_LOSS, INK_VAN0);
    snprintf(value, sizeof value, isnan(now->accuracy) ? "–" : "%.1f %%", 100 * now->accuracy);
    draw_now_line(to, y++, w->right, value, s, HISTORY_ACCURACY, INK_VAN0 + 2);
    draw_now_line(to, y++, now->text ? "experts/token" : "vans/order",
                  facts_number(number, now->experts_per_token, 2), s, HISTORY_EXPERTS,
                  INK_VAN0 + 1);
    snprintf(value, sizeof value, now->race.on ? "rests" : "%s tok/s",
             text_count(number, now->tokens_per_s));
    draw_now_line(to, y++, "speed", value, s, HISTORY_SPEED, INK_VAN0 + 6);
    say_null(number, now);
    snprintf(value, sizeof value, facts_has_slots(now) ? "%s per %s" : "%s", number, w->token);
    draw_now_line(to, y++, "null hits", value, s, -1, INK_TEXT);
    draw_now_line(to, y++, "threshold", facts_threshold(number, s), s, -1, INK_TEXT);
    if (i < 0) return;
    const struct snap_token *t = &now->token[i];
    snprintf(name, sizeof name, now->text ? "‘%.12s’" : "%.12s", t->text);
    int used = snprintf(value, sizeof value, "%d %s", t->count[layer],
                        t->count[layer] == 1 ? w->expert : w->experts);
    for (int m = 0; now->router && m < ROUTER_METRICS && now->router->metrics[m].name; m++) {
        if (now->router->metrics[m].kind != METRIC_PER_TOKEN || layer != now->focus ||
            isnan(now->rule_token[m][i]))
            continue;
        snprintf(value + used, sizeof value - (size_t)used, ", %.16s %s",
                 now->router->metrics[m].name, facts_number(number, now->rule_token[m][i], 2));
        break;
    }
    draw_now_line(to, y, name, value, s, -1, INK_TEXT);
}

/* ---- the last lines
 * -----------------------------------------------------------------------------------------------
 */
/* What is typed, scrolled so that the cursor (a column of it) is in sight, the cursor as a block.
 */
static void draw_prompt(struct canvas *to, int y, const char *typed, int cursor)
{
    int room = to->width - 4, left = cursor >= room ? cursor - room + 1 : 0;
    struct canvas line = canvas_part(to, 3, y, to->width - 3, 1);
    canvas_text(to, 1, y, INK_ACCENT, ":");
    canvas_text(&line, -left, 0, INK_BRIGHT, "%s", typed);
    canvas_ink(&line, cursor - left, 0, 1, INK_SELECTED);
}

static void draw_last(struct canvas *to, const struct scene *s, const struct frame *f, bool two)
{
    int y = to->height - 1;
    const char *told = s->now && s->now->notice[0] && !f->quiet ? s->now->notice : NULL;
    const char *word = f->hint ? f->hint : told;
    enum ink ink = f->hint ? INK_ACCENT : INK_WARN;
    if (two && word) canvas_fit(to, 1, y - 1, to->width - 2, ink, "%s", word);
    if (f->prompt)
        draw_prompt(to, y, f->prompt, f->prompt_cursor);
    else if (!two && f->hint)
        canvas_fit(to, 1, y, to->width - 2, ink, "%s", word);
    else
        footer_draw(to, y, s, f);
}

/* ---- the shapes
 * ---------------------------------------------------------------------------------------------------
 */
static void draw_caption(struct canvas *to, int x, int y, int room, const struct view *v)
{
    char title[48];
    int end = x + room;
    snprintf(title, sizeof title, "%c %s", v->key, v->title);
    canvas_zone(to, x, y, room, 1, "@explain");
    x = grid_title(to, x, y, room, INK_TITLE, title);
    if (x + 6 < end) grid_title(to, x + 1, y, end - x - 1, INK_TEXT, v->question);
}

/* The views side by side in the lower edge, as many as fit. */
static void draw_tabs(struct canvas *to, int x, int y, int room, const struct view *here)
{
    const struct view *v;
    int end = x + room;
    for (int i = 0; (v = view_at(i)); i++) {
        int wide = canvas_columns(v->title) + 4; /* " 1 Vans ", a blank shared with the next */
        if (v->key == '?' || x + wide > end) continue;
        enum ink key = v == here ? INK_SELECTED : INK_BRIGHT,
                 title = v == here ? INK_SELECTED : INK_DIM;
        canvas_zone(to, x, y, wide, 1, "view %s", v->name);
        canvas_text(to, x, y, key, " %c", v->key);
        canvas_text(to, x + 2, y, title, " %s ", v->title);
        x += wide;
    }
}

static void draw_too_small(struct canvas *to)
{
    char sentence[128];
    snprintf(
        sentence, sizeof sentence,
        "vanpool needs a window of %d x %d characters; this one has %d x %d. Training goes on.",
        FRAME_LEAST_WIDTH, FRAME_LEAST_HEIGHT, to->width, to->height);
    prose_draw(to, 0, 0, to->width, to->height, 0, INK_TEXT, sentence);
}

static void draw_small(struct canvas *to, const struct scene *s, const struct frame *f)
{
    draw_status(to, s->now);
    canvas_fill(to, 0, 1, to->width, INK_FRAME, "─");
    draw_caption(to, 0, 1, to->width, f->view);
    int last = to->height - (f->paper ? 1 : 2);
    struct canvas body = canvas_part(to, 0, 2, to->width, last - 2);
    f->view->draw(&body, s);
    draw_facts(to, 1, last, to->width - 1, s);
    if (!f->paper) draw_last(to, s, f, false);
}

static void draw_edged(struct canvas *to, const struct scene *s, const struct frame *f)
{
    int w = to->width, bottom = to->height - (f->paper ? 1 : 3);
    bool panel = w >= PANEL_WIDTH && to->height >= PANEL_HEIGHT;
    int right = panel ? w - PANEL : w - 1; /* the edge to the right of the view */
    draw_status(to, s->now);
    grid_level(to, 0, 1, w, "┌", "┐");
    grid_level(to, 0, bottom, w, "└", "┘");
    grid_upright(to, 0, 2, bottom - 2);
    grid_upright(to, w - 1, 2, bottom - 2);
    draw_caption(to, 1, 1, right - 2, f->view);
    struct canvas body = canvas_part(to, 1, 2, right - 1, bottom - 2);
    f->view->draw(&body, s);
    if (!f->paper) draw_last(to, s, f, true);
    if (!panel) {
        canvas_text(to, 2, bottom, INK_TEXT, " ");
        canvas_fill(to, 1, bottom, w - 2, INK_TEXT, " ");
        draw_facts(to, 2, bottom, w - 4, s);
        return;
    }
    int split = bottom - 1 - NOW_ROWS;
    grid_upright(to, right, 2, bottom - 2);
    canvas_text(to, right, 1, INK_FRAME, "┬");
    canvas_text(to, right, bottom, INK_FRAME, "┴");
    grid_level(to, right, split, w - right, "├", "┤");
    if (!f->paper) draw_tabs(to, 2, bottom, right - 3, f->view);
    grid_title(to, right + 1, 1, PANEL - 2, INK_TITLE, "Knobs");
    grid_title(to, right + 1, split, PANEL - 2, INK_TITLE, "Now");
    struct canvas knobs = canvas_part(to, right + 1, 2, PANEL - 2, split - 2);
    struct canvas now = canvas_part(to, right + 1, split + 1, PANEL - 2, NOW_ROWS);
    draw_knobs(&knobs, s);
    draw_now(&now, s);
}

static void draw_presented(struct canvas *to, const struct scene *s, const struct frame *f)
{
    char key[KEYS_LONGEST], out[KEYS_LONGEST + 16];
    key_first(key_entry_for("presenter"), key);
    snprintf(out, sizeof out, " %s back ", key);
    int room = to->width - canvas_columns(out) - 2;
    canvas_fill(to, 0, 0, to->width, INK_FRAME, "─");
    draw_caption(to, 0, 0, f->paper ? to->width : room, f->view);
    if (!f->paper) canvas_text(to, room, 0, INK_DIM, "%s", out);
    struct canvas body = canvas_part(to, 0, 2, to->width, to->height - 2 - (f->prompt || f->hint));
    f->view->draw(&body, s);
    if (f->prompt || f->hint) draw_last(to, s, f, false);
}

void frame_draw(struct canvas *to, const struct scene *s, const struct frame *f)
{
    canvas_clear(to);
    if (to->width < FRAME_LEAST_WIDTH || to->height < FRAME_LEAST_HEIGHT)
        draw_too_small(to);
    else if (f->presenter)
        draw_presented(to, s, f);
    else if (to->width < EDGE_WIDTH || to->height < EDGE_HEIGHT)
        draw_small(to, s, f);
    else
        draw_edged(to, s, f);
}
