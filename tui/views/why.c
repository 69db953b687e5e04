/* tui/views/why.c - Why did this token get these experts? The rule drawn on its scores, and what
 * fewer, more or other experts would have done; one step nearer (z), the arithmetic with its
 * numbers. */
#include "tui/views/why.h"
#include "tui/draw/prose.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "One token in one layer. On the left its columns, best first: what the rule compares, the "
    "rule drawn on it, the gates of those that are in. 'turned' is what the loss would change by "
    "if this one pick were turned round: taken out where it is in, put in where it is out. Red "
    "hurts, green helps.\n"
    "On the right its loss with its 0, 1, 2 … best ones (with bars: those furthest above theirs). "
    "This is measured by routing the token "
    "again with these experts forced, on the weights of now, without any training. Slots stay as "
    "the rule took them; gates are what the rule gives for the picks that are forced.\n"
    "Regret: the same asked of a batch of tokens. The best spread has as many experts in all as "
    "the rule spent, placed where they help most; it is exact for rules that take a token's "
    "experts in this order. A rule that picks better than best-first can be below it; where a gate "
    "is a ReLU, what is shut "
    "cannot be opened, so that regret only says whether what is open is used well.\n"
    "z shows the arithmetic; the arrows move on to other tokens, l to other layers.";

enum { TABLE = 46, TABLE_MOST = 60, CURVE = 30, GAP = 3, REGRET = 4, SUMS = 9 };

const struct snap_probe *why_answer(const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct snap_probe *p = &now->probe;
    int i = facts_cursor(s);
    bool this = i >= 0 && p->step >= 0 && p->token == i && p->layer == facts_layer(s) &&
                p->router == now->router && p->E == now->E && p->N == facts_columns(now) &&
                p->id == now->token[i].id;
    return this ? p : NULL;
}

/* ---- above ---- */
static void say_head(char *to, int size, const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct snap_token *t = &now->token[facts_cursor(s)];
    char place[32], loss[32], need[16];
    int count = t->count[facts_layer(s)];
    const char *experts = count == 1 ? facts_words(now)->expert : facts_words(now)->experts;
    facts_number(loss, (double)t->loss, 3);
    snprintf(need, sizeof need, t->need < 0 ? "–" : "%d", t->need);
    if (now->text)
        snprintf(to, (size_t)size, "‘%s’ at byte %s: %d %s, loss %s nat", t->text,
                 facts_whole(place, (double)t->id), count, experts, loss);
    else
        snprintf(to, (size_t)size, "%s needs %s: %d %s, loss %s nat", t->text, need, count, experts,
                 loss);
}

static int draw_head(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    const struct snap_token *t = &now->token[facts_cursor(s)];
    char line[160];
    say_head(line, sizeof line, s);
    int x = canvas_fit(to, 0, 0, to->width, INK_BRIGHT, "%s", line) + 2,
        count = t->count[facts_layer(s)];
    if (t->right >= 0 && x + 2 < to->width)
        x = canvas_fit(to, x, 0, to->width - x, t->right ? INK_GOOD : INK_BAD,
                       t->right ? "✓ %s" : "✗ not %s", facts_words(now)->right) +
            2;
    if (!now->text && t->need >= 0 && x + 8 < to->width) {
        int over = count - t->need;
        canvas_fit(to, x, 0, to->width - x, over ? over > 0 ? INK_WARN : INK_BAD : INK_GOOD,
                   over ? "%d %s" : "exact", over > 0 ? over : -over,
                   over > 0 ? "wasted" : "short");
    }
    if (now->L > 1 && x + 14 < to->width)
        canvas_fit(to, to->width - 14, 0, 14, INK_DIM, "layer %d of %d", facts_layer(s) + 1,
                   now->L);
    return 1;
}

/* ---- the choice ---- */
/* As many columns as leave the end in sight; in the end the shortest form. */
static void draw_sums(struct canvas *to, const struct scene *s)
{
    struct text sums = {0};
    for (int columns = PROBE_COLUMNS; columns >= 0; columns--) {
        text_clear(&sums);
        why_sums(&sums, s, columns, to->width < 74 ? 2 : to->width < 86 ? 3 : PROBE_TERMS);
        if (prose_lines(to->width, text_str(&sums)) <= to->height) break;
    }
    prose_draw(to, 0, 0, to->width, to->height, 0, INK_TEXT, text_str(&sums));
    text_free(&sums);
}

/* Its numbers are of the step at which it was asked for, the table's of the newest window. */
static void draw_sums_title(struct canvas *to, int y, const struct scene *s)
{
    const struct snap_probe *p = why_answer(s);
    char step[32];
    int x = canvas_text(to, 0, y, INK_TITLE, "the arithmetic");
    if (p && p->step != s->now->window_step)
        canvas_fit(to, x, y, to->width - x, INK_DIM, ", by the weights of step %s",
                   facts_whole(step, (double)p->step));
}

/* What the words beside the table mean, where there is room to say it: the longest that fits. */
static void draw_words(struct canvas *to, const struct scene *s, bool regret)
{
    char turned[160], whole[400];
    const struct words *w = facts_words(s->now);
    snprintf(turned, sizeof turned,
             "turned: what the loss would change by if this %s alone were taken out or put in; + "
             "is worse.",
             w->expert);
    snprintf(whole, sizeof whole,
             "%s\nregret: what the rule's loss is above the best spread of as many %s over these "
             "%s; even: as many for each.",
             turned, w->experts, w->tokens);
    const char *said = regret && prose_lines(to->width, whole) <= to->height ? whole : turned;
    if (prose_lines(to->width, said) <= to->height)
        prose_draw(to, 0, 0, to->width, to->height, 0, INK_DIM, said);
}

static void draw_wide(struct canvas *to, const struct scene *s)
{
    int table = to->width - GAP - CURVE;
    if (table > TABLE_MOST) table = TABLE_MOST;
    struct canvas left = canvas_part(to, 0, 0, table, to->height),
                  right = canvas_part(to, table + GAP, 0, to->width - table - GAP, to->height);
    int rows = why_curve_rows(s), room = right.height - REGRET - 1;
    bool regret = room >= 4;
    int rest = why_table_rows(s) > rows + 1 + REGRET ? why_table_rows(s) : rows + 1 + REGRET;
    if (regret && to->height - rest - 2 >= SUMS) {
        struct canvas sums = canvas_part(to, 0, rest + 2, to->width, to->height - rest - 2);
        draw_sums_title(to, rest + 1, s);
        draw_sums(&sums, s);
        left.height = right.height = rest;
    }
    if (rows > (regret ? room : right.height)) rows = regret ? room : right.height;
    why_table_draw(&left, s);
    int under = why_table_rows(s) + 1;
    if (left.height > under) {
        struct canvas words = canvas_part(&left, 0, under, left.width, left.height - under);
        draw_words(&words, s, regret);
    }
    struct canvas curve = canvas_part(&right, 0, 0, right.width, rows);
    why_curve_draw(&curve, s);
    if (!regret) return;
    struct canvas foot = canvas_part(&right, 0, rows + 1, right.width, right.height - rows - 1);
    why_regret_draw(&foot, 0, s);
}

static void draw_narrow(struct canvas *to, const struct scene *s)
{
    int rows = why_table_rows(s), foot = to->height >= 14 ? 1 + REGRET : to->height >= 4 ? 1 : 0;
    if (rows > to->height - foot) rows = to->height - foot;
    struct canvas table = canvas_part(to, 0, 0, to->width, rows);
    why_table_draw(&table, s);
    if (foot) why_curve_line(to, rows, s);
    struct canvas below = canvas_part(to, 0, rows + 1, to->width, foot - 1);
    if (foot > 1) why_regret_draw(&below, 0, s);
}

static void draw_choice(struct canvas *to, const struct scene *s)
{
    struct text live = {0};
    int y = draw_head(to, s);
    rule_live(&live, s);
    int lines = prose_lines(to->width, text_str(&live)), most = to->height >= 12 ? 2 : 0;
    if (lines > most) lines = most;
    prose_draw(to, 0, y, to->width, lines, 0, INK_ACCENT, text_str(&live));
    text_free(&live);
    y += lines + (to->height >= 18);
    struct canvas below = canvas_part(to, 0, y, to->width, to->height - y);
    if (to->width >= TABLE + GAP + CURVE - 4)
        draw_wide(&below, s);
    else
        draw_narrow(&below, s);
}

static void why_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    if (facts_cursor(s) < 0 || !s->now->router) {
        canvas_fit(&in, 0, 0, in.width, INK_DIM, "– no %s has been routed yet",
                   facts_words(s->now)->token);
        return;
    }
    if (s->zoom > 0) {
        int y = draw_head(&in, s);
        struct canvas sums = canvas_part(&in, 0, y, in.width, in.height - y);
        draw_sums(&sums, s);
    } else {
        draw_choice(&in, s);
    }
}

static void why_tell(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    char line[160], name[32];
    int i = now ? facts_cursor(s) : -1;
    if (i < 0 || !now->router) {
        text_add(to, "no token has been routed yet: nothing can be said of one.\n");
        return;
    }
    say_head(line, sizeof line, s);
    text_add(to, "%s, layer %d of %d.\n", line, facts_layer(s) + 1, now->L);
    rule_live(to, s);
    text_add(to, ".\n");
    const float *gate = facts_row(now, now->gate, i, facts_layer(s)), *row = rule_row(s, i);
    for (int j = 0; gate && row && j < facts_columns(now); j++) {
        if (!facts_taken(&now->token[i], facts_layer(s), j)) continue;
        text_add(to, "%s %s: %.*s ", j < now->E ? facts_words(now)->expert : "slot",
                 rule_column(name, now, j), (int)strcspn(rule_face_of(now->router)->letter, " "),
                 rule_face_of(now->router)->letter);
        say_number(to, (double)row[j], 3, "1", "why score %d", j + 1);
        text_add(to, ", gate ");
        say_number(to, (double)gate[j], 3, "1", "why gate %d", j + 1);
        text_add(to, ".\n");
    }
    why_curve_tell(to, s);
    if (why_answer(s)) why_sums(to, s, PROBE_COLUMNS, PROBE_TERMS);
}

const struct view view_why = {
    .name = "why",
    .key = '3',
    .title = "Why",
    .question = "Why did this token get these experts?",
    .uses = VIEW_CURSOR | VIEW_LAYER,
    .explain = explain,
    .draw = why_draw,
    .tell = why_tell,
};
