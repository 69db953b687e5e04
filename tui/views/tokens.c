/* tui/views/tokens.c - Where in the text does the model spend its experts? The window as running
 * text: background and a digit below by the number of experts, a strip of loss under it, and the
 * token under the cursor in full. */
#include "tui/views/rule.h"
#include "tui/draw/bars.h"
#include "tui/draw/heat.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] = "The first tokens of the held-out text, always the same ones, routed "
                              "with the weights of now. The background (and the "
                              "digit below) is the number of experts the token takes in the layer "
                              "looked at; the strip under it is the loss of "
                              "predicting what comes next. Layers often do opposite things, so "
                              "counts are shown layer by layer and never added up.\n"
                              "Experts need not go where it is hard: a token that nobody can "
                              "predict is not helped by more of them.\n"
                              "Below: the token under the cursor, how the router scores every "
                              "expert for it, which ones it takes, and with which "
                              "gate their answers enter.\n"
                              "With orders the crates ▪ of each order stand in place of letters.\n"
                              "try \"TEXT\" puts a text of yours in the window's place, write N "
                              "lets the model go on from it (its digits are coloured); try alone "
                              "brings the window back. With orders, try 1 3 5 makes one of three "
                              "items.";

enum { CRATE_CELL = 6, GUTTER = 9, LINES_MAX = SNAP_TOKENS };
#define LOSS_FULL 4.0 /* nat at which the strip is full */

/* ---- the window as lines
 * ------------------------------------------------------------------------------------------ */
struct lines {
    int first[LINES_MAX + 1], count; /* line i holds tokens first[i] .. first[i + 1] - 1 */
};

static int cell_of(const struct snapshot *now, const struct snap_token *t)
{
    if (!now->text) return CRATE_CELL;
    int columns = canvas_columns(t->text);
    return columns > 0 ? columns : 1;
}

/* Breaks after line feeds, where the text jumps, and else behind the last blank that fits. */
static void break_lines(struct lines *lines, const struct snapshot *now, int width)
{
    int n = now->tokens < SNAP_TOKENS ? now->tokens : SNAP_TOKENS, used = 0, blank = -1;
    lines->count = 0;
    lines->first[0] = 0;
    for (int i = 0; i < n; i++) {
        const struct snap_token *t = &now->token[i];
        int from = lines->first[lines->count], cut = -1;
        bool jump = now->text && i > from && t->id != now->token[i - 1].id + 1;
        bool feed = now->text && i > from && strcmp(now->token[i - 1].text, "⏎") == 0;
        if (jump || feed)
            cut = i;
        else if (i > from && used + cell_of(now, t) > width)
            cut = now->text && blank > from ? blank : i;
        if (cut >= 0) {
            lines->first[++lines->count] = cut;
            used = 0, blank = -1;
            for (int k = cut; k < i; k++) used += cell_of(now, &now->token[k]);
        }
        used += cell_of(now, t);
        if (strcmp(t->text, " ") == 0) blank = i + 1;
    }
    if (n > 0) lines->first[++lines->count] = n;
}

static void draw_crates(struct canvas *to, int x, int y, enum ink ink, int need)
{
    canvas_fill(to, x, y, CRATE_CELL - 1, ink, " ");
    if (need > CRATE_CELL - 1)
        canvas_text(to, x, y, ink, " ▪×%d", need);
    else
        canvas_fill(to, x + (CRATE_CELL - 1 - need) / 2, y, need, ink, "▪");
}

static void draw_line(struct canvas *to, int x, int y, int rows, const struct scene *s, int from,
                      int end)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), cursor = facts_cursor(s);
    for (int i = from; i < end; i++) {
        const struct snap_token *t = &now->token[i];
        int count = t->count[layer], cell = cell_of(now, t), wide = now->text ? cell : cell - 1;
        canvas_zone(to, x, y, cell, rows < 4 ? rows : 3, "@token %d", i);
        enum ink ink = i == cursor ? INK_SELECTED : heat_count(count, now->E);
        if (now->text)
            canvas_text(to, x, y, ink, "%s", t->text[0] ? t->text : " ");
        else
            draw_crates(to, x, y, ink, t->need);
        if (i == cursor) canvas_bold(to, x, y, wide);
        bool written = now->typed.on && now->text && now->typed.first + i >= now->typed.typed;
        enum ink below = i == cursor ? INK_BRIGHT : written ? INK_ACCENT : INK_DIM;
        int middle = x + (wide - 1) / 2;
        if (rows > 1) canvas_text(to, middle, y + 1, below, "%c", count < 10 ? '0' + count : '+');
        for (int k = 0; rows > 2 && k < wide; k++)
            spark_cell(to, x + k, y + 2, t->loss / LOSS_FULL, i == cursor ? INK_ACCENT : INK_DIM);
        x += cell;
    }
}

/* Returns the rows that it used. */
static int draw_window(struct canvas *to, const struct scene *s)
{
    struct lines lines;
    int gutter = to->width >= 64 ? GUTTER : 0, cursor = facts_cursor(s), here = 0;
    break_lines(&lines, s->now, to->width - gutter);
    for (int i = 0; i < lines.count; i++)
        if (cursor >= lines.first[i]) here = i;
    int rows = 4; /* letters, digits, loss, air */
    if (lines.count * 4 - 1 > to->height && s->now->text) rows = 3;
    if (lines.count * 3 > to->height && to->height < 9) rows = 2;
    int shown = (to->height + (rows == 4)) / rows;
    if (shown < 1) shown = 1;
    int first = here / shown * shown;
    for (int i = 0; i < shown && first + i < lines.count; i++) {
        int y = i * rows;
        if (gutter && i == 0) {
            canvas_text(to, 0, y, INK_DIM, "%s", s->now->text ? "text" : "crates");
            canvas_text(to, 0, y + 1, INK_DIM, "%s", facts_words(s->now)->experts);
            if (rows > 2) canvas_text(to, 0, y + 2, INK_DIM, "loss");
        }
        draw_line(to, gutter, y, rows, s, lines.first[first + i], lines.first[first + i + 1]);
    }
    int used = (lines.count < shown ? lines.count : shown) * rows;
    return lines.count <= shown && used < to->height ? used : to->height;
}

/* ---- the layer chooser
 * -------------------------------------------------------------------------------------------- */
/* "your text: 27 bytes, 120 written, 35 to go", where there is one. */
static void say_own(char *to, int size, const struct snapshot *now)
{
    const struct snap_own *o = &now->typed;
    char from[32];
    int n = snprintf(to, (size_t)size, "your text: %d bytes", o->typed);
    if (o->written || o->left)
        n += snprintf(to + n, (size_t)(size - n), ", %d written", o->written);
    if (o->left) n += snprintf(to + n, (size_t)(size - n), ", %d to go", o->left);
    if (o->first)
        snprintf(to + n, (size_t)(size - n), "; shown from byte %s on",
                 facts_whole(from, o->first));
}

static bool is_own(const struct snapshot *now)
{
    return now->text && now->typed.on;
}

static void draw_layers(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), x = canvas_text(to, 0, 0, INK_DIM, "layer "), y = 0;
    char mean[32];
    for (int i = 0; i < now->L && i < SNAP_LAYERS; i++) {
        char cell[64];
        facts_number(mean, facts_layer_mean(now, i), 2);
        snprintf(cell, sizeof cell, i == layer ? "[%d: %s]" : " %d: %s ", i + 1, mean);
        int wide = canvas_columns(cell);
        if (x + wide > to->width && i != layer) continue;
        canvas_zone(to, x, y, wide, 1, "@layer %d", i);
        x = canvas_text(to, x, y, i == layer ? INK_BRIGHT : INK_DIM, "%s", cell);
    }
    char unit[48];
    snprintf(unit, sizeof unit, "%s per %s", facts_words(now)->experts, facts_words(now)->token);
    if (is_own(now)) {
        char own[128];
        say_own(own, sizeof own, now);
        if (to->height > 1)
            canvas_fit(to, 0, 1, to->width, INK_ACCENT, "%s", own);
        else
            snprintf(unit, sizeof unit, "your text");
    }
    canvas_fit(to, x + 1, y, to->width - x - 1, INK_DIM, "%s", unit);
}

/* What the colours and the strip mean. */
static void draw_key(struct canvas *to, const struct snapshot *now)
{
    int x = canvas_text(to, 0, 0, INK_DIM, "key   ");
    x = heat_count_key(to, x, 0, now->E, facts_words(now)->experts);
    if (x + 24 > to->width) return;
    x = canvas_text(to, x + 3, 0, INK_DIM, "loss ");
    spark_cell(to, x, 0, 0, INK_DIM);
    x = canvas_text(to, x + 1, 0, INK_DIM, " 0  ");
    spark_cell(to, x, 0, 1, INK_DIM);
    canvas_text(to, x + 1, 0, INK_DIM, " %.0f+ nat", LOSS_FULL);
}

/* ---- the token under the cursor
 * ----------------------------------------------------------------------------------- */
static void list_taken(char *to, int size, const struct snapshot *now, const struct snap_token *t,
                       int layer)
{
    int used = snprintf(to, (size_t)size, "%s", t->count[layer] ? "" : "none");
    for (int e = 0; e < now->E && used < size - 8; e++)
        if (facts_taken(t, layer, e))
            used += snprintf(to + used, (size_t)(size - used), "%s%d", used ? " " : "", e + 1);
}

/* ": spell", the class of what must be predicted; nothing where nobody knows it. */
static const char *say_class(char *to, int size, const struct snapshot *now,
                             const struct snap_token *t)
{
    char name[16];
    bool known = now->text && now->kind_name && t->kind >= 0;
    snprintf(to, (size_t)size, known ? ": %s" : "%s",
             known ? snapshot_kind(now, t->kind, name) : "");
    return to;
}

/* "loss 1.32 nat (1.90 bit)" of text, "loss 0.31 nat" of orders. */
static void say_loss(char *to, int size, const struct snapshot *now, const struct snap_token *t)
{
    char nat[32], bit[32];
    facts_number(nat, t->loss, 2);
    if (isnan(t->loss))
        snprintf(to, (size_t)size, "loss –");
    else if (now->text)
        snprintf(to, (size_t)size, "loss %s nat = %s bit", nat,
                 facts_number(bit, t->loss / log(2), 2));
    else
        snprintf(to, (size_t)size, "loss %s nat", nat);
}

static void say_name(char *to, int size, const struct snapshot *now, int i)
{
    const struct snap_token *t = &now->token[i];
    char place[32];
    if (!now->text) {
        char need[16];
        snprintf(need, sizeof need, t->need < 0 ? "–" : "%d", t->need);
        snprintf(to, (size_t)size, "order %s needs %s", t->text, need);
    } else {
        snprintf(to, (size_t)size, "‘%s’ at byte %s", t->text, facts_whole(place, (double)t->id));
    }
}

static void draw_facts(struct canvas *to, const struct scene *s, int i)
{
    const struct snapshot *now = s->now;
    const struct snap_token *t = &now->token[i];
    int layer = facts_layer(s), y = 0, room = to->width;
    char line[256];
    say_name(line, sizeof line, now, i);
    canvas_fit(to, 0, y++, room, INK_BRIGHT, "%s", line);
    say_loss(line, sizeof line, now, t);
    int x = canvas_fit(to, 0, y, room, INK_TEXT, "%s", line);
    if (now->text && i + 1 < now->tokens && now->token[i + 1].id == t->id + 1)
        x = canvas_fit(to, 0, ++y, room, INK_TEXT, "next is ‘%s’%s", now->token[i + 1].text,
                       say_class(line, sizeof line, now, t));
    const char *right = facts_words(now)->right;
    bool whole = x + 2 + 2 + 4 + canvas_columns(right) <= room; /* else the mark alone */
    if (t->right >= 0 && x + 3 <= room)
        canvas_fit(to, x + 2, y, room - x - 2, t->right ? INK_GOOD : INK_BAD, "%s%s%s",
                   t->right ? "✓" : "✗", whole ? t->right ? " " : " not " : "", whole ? right : "");
    y++;
    list_taken(line, sizeof line, now, t, layer);
    if (t->count[layer] == 0)
        canvas_fit(to, 0, y++, room, INK_TEXT, "takes no %s", facts_words(now)->expert);
    else
        canvas_fit(to, 0, y++, room, INK_TEXT, "takes %s %s",
                   t->count[layer] == 1 ? facts_words(now)->expert : facts_words(now)->experts,
                   line);
    if (now->L > 1 && y < to->height) {
        x = canvas_text(to, 0, y, INK_DIM, "by layer");
        for (int l = 0; l < now->L && l < SNAP_LAYERS && x + 3 <= room; l++)
            x = canvas_text(to, x + 1, y, l == layer ? INK_BRIGHT : INK_TEXT, "%d", t->count[l]);
        y++;
    }
    for (int m = 0; now->router && m < ROUTER_METRICS && now->router->metrics[m].name; m++) {
        const struct router_metric *metric = &now->router->metrics[m];
        char value[32];
        if (metric->kind != METRIC_PER_TOKEN || y >= to->height) continue;
        facts_number(value, layer == now->focus ? now->rule_token[m][i] : NAN, 3);
        canvas_fit(to, 0, y++, room, INK_DIM, "%s %s%s%s", metric->name, value,
                   metric->unit ? " " : "", metric->unit ? metric->unit : "");
    }
}

static void draw_scores(struct canvas *to, const struct scene *s, int i)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), N = facts_columns(now), order[COLUMNS_MAX], rows = to->height - 1;
    const float *score = facts_row(now, now->score, i, layer),
                *gate = facts_row(now, now->gate, i, layer);
    if (to->width < 30 || rows < 1) return;
    int name_room = N > now->E ? 10 : 4, from = name_room + 4;
    int x = canvas_text(to, 0, 0, INK_DIM, "%s", facts_words(now)->expert);
    canvas_fit(to, x < from ? from : x + 2, 0, to->width - from - 6, INK_DIM,
               rows < N ? "score, best %d of %d" : "score", rows, N);
    canvas_text(to, to->width - 5, 0, INK_DIM, " gate");
    if (!score) {
        if (layer != now->focus)
            canvas_fit(to, 0, 1, to->width, INK_DIM, "– scores are of layer %d", now->focus + 1);
        else
            canvas_fit(to, 0, 1, to->width, INK_DIM, "– no scores of this token");
        return;
    }
    float most = 0;
    for (int e = 0; e < N; e++) {
        int at = e;
        for (; at > 0 && rows < N && score[order[at - 1]] < score[e]; at--)
            order[at] = order[at - 1];
        order[at] = e;
        most = fmaxf(most, score[e]);
    }
    for (int r = 0; r < rows && r < N; r++) {
        int e = order[r], bar = to->width - from - 14;
        bool taken = facts_taken(&now->token[i], layer, e);
        enum ink ink = taken ? e < now->E ? facts_van_ink(e) : INK_TEXT : INK_FRAME;
        char name[32], number[32];
        canvas_fit(to, 0, 1 + r, name_room, taken ? ink : INK_DIM, e < now->E ? "%2s" : "%s",
                   rule_column(name, now, e));
        if (taken) canvas_text(to, from - 3, 1 + r, INK_GOOD, "✓");
        bar_draw(to, from, 1 + r, bar, most > 0 ? score[e] / fmaxf(most, 0.5f) : NAN, ink);
        canvas_text(to, from + 1 + bar, 1 + r, taken ? INK_TEXT : INK_DIM, "%6s",
                    facts_number(number, score[e], 3));
        if (taken)
            canvas_text(to, to->width - 6, 1 + r, INK_BRIGHT, "%6s",
                        facts_number(number, gate[e], 3));
        else
            canvas_text(to, to->width - 1, 1 + r, INK_FRAME, "·");
    }
}

static void draw_short(struct canvas *to, const struct scene *s, int i)
{
    char name[128], loss[96], taken[128];
    say_name(name, sizeof name, s->now, i);
    say_loss(loss, sizeof loss, s->now, &s->now->token[i]);
    list_taken(taken, sizeof taken, s->now, &s->now->token[i], facts_layer(s));
    if (s->now->text) snprintf(name, sizeof name, "‘%s’", s->now->token[i].text);
    if (s->now->text) snprintf(loss, sizeof loss, "loss %.2f nat", s->now->token[i].loss);
    if (isnan(s->now->token[i].loss)) strcpy(loss, "loss –");
    canvas_fit(to, 0, 0, to->width, INK_TEXT, "%s  %s %s  %s", name, facts_words(s->now)->experts,
               taken, loss);
}

static void tokens_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    int h = in.height,
        head = h >= 18  ? 2
               : h >= 4 ? 1
                        : 0,
        foot = h >= 28   ? 9
               : h >= 16 ? 5
               : h >= 6  ? 1
                         : 0;
    int keys = h >= 18 ? 2 : h >= 12 ? 1 : 0, cursor = facts_cursor(s);
    struct canvas top = canvas_part(&in, 0, 0, in.width, head);
    draw_layers(&top, s);
    struct canvas middle = canvas_part(&in, 0, head, in.width, h - head - keys - foot);
    int y = head + draw_window(&middle, s), most = facts_columns(s->now) + 1;
    struct canvas key = canvas_part(&in, 0, y, in.width, keys);
    draw_key(&key, s->now);
    y += keys; /* what the window leaves is for the token: all of its scores */
    if (h - y > foot) foot = h - y < most || foot == 1 ? h - y : most > foot ? most : foot;
    struct canvas bottom = canvas_part(&in, 0, y, in.width, foot);
    if (cursor < 0 || foot < 1) return;
    if (foot == 1 || in.width < 60) {
        draw_short(&bottom, s, cursor);
        return;
    }
    struct canvas left = canvas_part(&bottom, 0, 0, 32, foot),
                  right = canvas_part(&bottom, 36, 0, in.width - 36, foot);
    draw_facts(&left, s, cursor);
    draw_scores(&right, s, cursor);
}

static void tokens_tell(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    if (!now) return;
    const struct words *w = facts_words(now);
    char line[256];
    for (int l = 0; l < now->L && l < SNAP_LAYERS; l++) {
        text_add(to, "layer %d: ", l + 1);
        say_number(to, facts_layer_mean(now, l), 2, "experts", "experts of layer %d", l + 1);
        text_add(to, " %s per %s.\n", w->experts, w->token);
    }
    int i = facts_cursor(s), layer = facts_layer(s);
    if (now->text && i >= 0) {
        int shown = is_own(now) ? SNAP_TOKENS : 64;
        if (is_own(now)) say_own(line, sizeof line, now), text_add(to, "%s.\n", line);
        text_add(to, "text: ");
        for (int k = 0; k < now->tokens && k < shown; k++) text_add(to, "%s", now->token[k].text);
        text_add(to, "\nexperts of each in layer %d: ", layer + 1);
        for (int k = 0; k < now->tokens && k < shown; k++)
            text_add(to, "%c",
                     now->token[k].count[layer] < 10 ? '0' + now->token[k].count[layer] : '+');
        text_add(to, "\n");
    }
    if (i < 0) return;
    say_name(line, sizeof line, now, i);
    text_add(to, "%s: ", line);
    if (say_class(line, sizeof line, now, &now->token[i])[0])
        text_add(to, "the next byte is of class%s, ", line + 1);
    say_loss(line, sizeof line, now, &now->token[i]);
    text_add(to, "%s, takes %s ", line, now->token[i].count[layer] == 1 ? w->expert : w->experts);
    list_taken(line, sizeof line, now, &now->token[i], layer);
    text_add(to, "%s", line);
    const float *gate = facts_row(now, now->gate, i, layer);
    for (int e = 0, n = 0; gate && e < facts_columns(now); e++)
        if (facts_taken(&now->token[i], layer, e)) {
            text_add(to, n++ ? ", " : " with gates ");
            say_number(to, (double)gate[e], 3, "", "gate %d", e + 1);
        }
    text_add(to, ".\n");
}

const struct view view_tokens = {
    .name = "tokens",
    .key = '2',
    .title = "Tokens",
    .question = "Where in the text does the model spend its experts?",
    .uses = VIEW_CURSOR | VIEW_LAYER,
    .explain = explain,
    .draw = tokens_draw,
    .tell = tokens_tell,
};
