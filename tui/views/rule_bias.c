/* tui/views/rule_bias.c - Biases that a strategy adds to scores when it selects: a line each, or
 * side by side, to both sides of 0. */
#include "tui/views/rule.h"
#include "tui/views/say.h"

#include <math.h>

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
    rule_right(to, zero, 0, INK_DIM, "held back");
    canvas_text(to, zero + 1, 0, INK_DIM, "helped");
    rule_right(to, to->width - LOAD, 0, INK_DIM, "bias");
    rule_right(to, to->width, 0, INK_DIM, "load");
    for (int j = 0; j < n && y < to->height && !rule_more(to, y, j, n, s); j++, y++) {
        enum ink ink = j < s->now->E ? facts_van_ink(j) : INK_TEXT;
        int size = most > 0 ? (int)lround(fabs((double)bias[j]) / most * half) : 0;
        canvas_fit(to, 0, y, LABEL - 1, ink, "%s", rule_column(word, s->now, j));
        canvas_text(to, zero, y, INK_FRAME, "│");
        canvas_fill(to, bias[j] < 0 ? zero - size : zero + 1, y, size, ink, "█");
        rule_right(to, to->width - LOAD, y, INK_BRIGHT, facts_number(word, (double)bias[j], 3));
        rule_right(to, to->width, y, INK_TEXT,
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
    rule_right(to, LABEL - 1, 0, INK_DIM, facts_number(word, high, 3));
    rule_right(to, LABEL - 1, rows - 1, INK_DIM, facts_number(word, low, 3));
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
    int layer = facts_layer(s);
    char name[32];
    for (int j = 0; bias && j < bias_count(s); j++) {
        text_add(to, "%s: bias ", rule_column(name, s->now, j));
        say_number(to, (double)bias[j], 3, NULL, "bias %d", j + 1);
        text_add(to, ", load ");
        say_number(to, (double)s->now->load[layer][j], 2, "of fair", "load %d %d", layer + 1,
                   j + 1);
        text_add(to, " times fair.\n");
    }
}

const struct rule_picture rule_bias = {
    .title = "the biases of the selection",
    .least = 3,
    .most = COLUMNS_MAX + 1,
    .whole = bias_rows,
    .draw = bias_draw,
    .tell = bias_tell,
};
