/* tui/views/rule_shares.c - Where the picks go: over counts, over nulls, over kinds of slots, and as
 * weights of the answer. */
#include "tui/views/rule.h"
#include "tui/draw/bars.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One share: name, bar, percent; `mark` a place on the bar, NaN none. */
static void draw_share(struct canvas *to, int y, const char *name, double share, double most,
                       double mark, enum ink ink)
{
    enum { NAME = 11, VALUE = 6 };
    int bar = to->width - NAME - VALUE;
    char word[32];
    if (y >= to->height || bar < 4) return;
    canvas_fit(to, 0, y, NAME - 1, INK_TEXT, "%s", name);
    bar_draw(to, NAME, y, bar, share / most, ink);
    if (!isnan(mark))
        canvas_text(to, NAME + (int)lround(fmin(mark / most, 1) * (bar - 1)), y, INK_ACCENT, "│");
    facts_percent(word, share);
    canvas_text(to, to->width - canvas_columns(word), y, INK_BRIGHT, "%s", word);
}

/* ---- counts: what the allocator would send, and what was sent ---- */
static const float *allocator(const struct scene *s)
{
    int i = rule_metric(s->now, "count_probability");
    if (i < 0) return NULL;
    return facts_layer(s) == s->now->focus ? s->now->own.column[i] : s->now->rule_column[i];
}

static double sent(const struct scene *s, int count)
{
    return count <= SNAP_COUNTS ? (double)s->now->count_share[facts_layer(s)][count] : NAN;
}

/* Counts that have a line; what lies beyond is added up in one more. The same at every step, so that
 * nothing jumps. */
enum { LINES = 12 };

static int lines_of(int counts, int rows)
{
    int most = rows < LINES ? rows : LINES;
    return counts <= most ? counts : most - 1;
}

static void counts_draw(struct canvas *to, const struct scene *s)
{
    const float *likely = allocator(s);
    int E = s->now->E, last = lines_of(E, to->height - 1);
    double most = 0, rest = 0, k = facts_knob(s->now, "k");
    char name[32], percent[32];
    if (!likely || to->height < 2) return;
    for (int n = 1; n <= E; n++) most = fmax(most, fmax((double)likely[n - 1], sent(s, n)));
    if (!(most > 0)) most = 1;
    canvas_fit(to, 0, 0, to->width, INK_DIM, "█ to the allocator, │ drawn by this step");
    for (int n = 1; n <= last; n++) {
        snprintf(name, sizeof name, n == (int)k ? "%d = k" : "%d", n);
        draw_share(to, n, name, (double)likely[n - 1], most, sent(s, n),
                   n == (int)k ? INK_VAN0 + 3 : INK_VAN0 + 1);
    }
    for (int n = last + 1; n <= E; n++) rest += (double)likely[n - 1];
    if (last < E)
        canvas_fit(to, 0, last + 1, to->width, INK_DIM, "… %d more counts, together %s", E - last,
                   facts_percent(percent, rest));
}

static int counts_rows(const struct scene *s)
{
    return 1 + (s->now->E < LINES ? s->now->E : LINES);
}

static void counts_tell(struct text *to, const struct scene *s)
{
    const float *likely = allocator(s);
    for (int n = 1; likely && n <= s->now->E; n++) {
        text_add(to, "%d %s: the allocator gives it ", n,
                 n == 1 ? facts_words(s->now)->expert : facts_words(s->now)->experts);
        say_percent(to, (double)likely[n - 1], "likely %d", n);
        text_add(to, ", ");
        say_percent(to, sent(s, n), "sent %d", n);
        text_add(to, " of the step's %s got it.\n", facts_words(s->now)->tokens);
    }
}

const struct rule_picture rule_counts = {
    .title = "how many: the allocator's distribution",
    .least = 4,
    .most = EXPERTS_MAX + 1,
    .whole = counts_rows,
    .draw = counts_draw,
    .tell = counts_tell,
};

/* ---- what was sent ---- */
static int counts_known(const struct scene *s)
{
    return 1 + (s->now->E < SNAP_COUNTS ? s->now->E : SNAP_COUNTS);
}

static void sent_draw(struct canvas *to, const struct scene *s)
{
    int counts = counts_known(s), last = lines_of(counts, to->height);
    double top = 0, rest = 0;
    char name[32], percent[32];
    for (int n = 0; n < counts; n++) top = fmax(top, sent(s, n));
    if (!(top > 0)) {
        canvas_text(to, 0, 0, INK_DIM, "–");
        return;
    }
    for (int n = 0; n < last; n++) {
        snprintf(name, sizeof name, "%d%s %.7s", n, n == SNAP_COUNTS ? "+" : "",
                 n == 1 ? facts_words(s->now)->expert : facts_words(s->now)->experts);
        draw_share(to, n, name, sent(s, n), top, NAN, INK_VAN0 + 1);
    }
    for (int n = last; n < counts; n++) rest += sent(s, n);
    if (last < counts)
        canvas_fit(to, 0, last, to->width, INK_DIM, "… %d and more, together %s", last,
                   facts_percent(percent, rest));
}

static int sent_rows(const struct scene *s)
{
    return counts_known(s) < LINES ? counts_known(s) : LINES;
}

static void sent_tell(struct text *to, const struct scene *s)
{
    for (int n = 0; n < counts_known(s); n++) {
        if (!(sent(s, n) > 0)) continue;
        say_percent(to, sent(s, n), "sent %d", n);
        text_add(to, " of the step's %s got %d.\n", facts_words(s->now)->tokens, n);
    }
}

const struct rule_picture rule_sent = {
    .title = "how many each got in this step",
    .least = 4,
    .most = SNAP_COUNTS + 1,
    .whole = sent_rows,
    .draw = sent_draw,
    .tell = sent_tell,
};

/* ---- nulls on a list ---- */
enum { PICKS_MOST = 32 };

static int null_counts(const struct scene *s, double share[PICKS_MOST])
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), most = 0, tokens = now->tokens;
    double k = facts_knob(now, "k");
    for (int i = 0; i < PICKS_MOST; i++) share[i] = 0;
    if (k >= 1) most = (int)fmin(fmin(k, now->S), PICKS_MOST - 1);
    for (int t = 0; t < tokens && t < SNAP_TOKENS; t++) {
        int zero = now->token[t].zero[layer];
        if (zero >= PICKS_MOST) zero = PICKS_MOST - 1;
        share[zero] += 1.0 / tokens;
        if (zero > most) most = zero;
    }
    return most;
}

static void nulls_draw(struct canvas *to, const struct scene *s)
{
    double share[PICKS_MOST];
    int most = null_counts(s, share), rows = to->height - 1;
    char name[32];
    if (rows < 1 || s->now->tokens == 0) return;
    canvas_fit(to, 0, 0, to->width, INK_DIM, "of the list of %d, in the window",
               (int)facts_knob(s->now, "k"));
    for (int n = 0; n <= most && n < rows; n++) {
        if (n == rows - 1 && n < most) {
            canvas_fit(to, 0, 1 + n, to->width, INK_DIM, "… more in a taller window");
            return;
        }
        snprintf(name, sizeof name, n == 1 ? "%d null" : "%d nulls", n);
        draw_share(to, 1 + n, name, share[n], 1, NAN, n ? INK_VAN0 + 7 : INK_VAN0);
    }
}

static int nulls_rows(const struct scene *s)
{
    double share[PICKS_MOST];
    return null_counts(s, share) + 2;
}

static void nulls_tell(struct text *to, const struct scene *s)
{
    double share[PICKS_MOST];
    int most = null_counts(s, share);
    for (int n = 0; s->now->tokens && n <= most; n++) {
        text_add(to, "%d of the list are nulls: ", n);
        say_percent(to, share[n], "with nulls %d", n);
        text_add(to, " of the window.\n");
    }
}

const struct rule_picture rule_nulls = {
    .title = "null hits: picks that do nothing",
    .least = 3,
    .most = PICKS_MOST,
    .whole = nulls_rows,
    .draw = nulls_draw,
    .tell = nulls_tell,
};

static int five_rows(const struct scene *s)
{
    (void)s;
    return 5;
}

/* ---- kinds of slots ---- */
/* Share of a run's picks, from the window's masks; its first column. */
static double run_share(const struct scene *s, int first, int count)
{
    const struct snapshot *now = s->now;
    double some = 0, all = 0;
    for (int t = 0; t < now->tokens && t < SNAP_TOKENS; t++)
        for (int j = 0; j < facts_columns(now); j++)
            if (facts_taken(&now->token[t], facts_layer(s), j))
                all++, some += j >= first && j < first + count;
    return all > 0 ? some / all : NAN;
}

struct kind {
    char name[32];
    double share, even; /* even: where the load is as tau asks; NaN: it does not say */
    bool expert;
};

/* The experts, then a line a run of slots. */
static int kinds_of(const struct scene *s, struct kind kind[5])
{
    const struct snapshot *now = s->now;
    struct slot_run runs[4];
    int count = now->router && now->router->slots ? now->router->slots(now->knob, now->E, runs) : 0;
    double real = rule_value(now, "ffn_predicted") / facts_knob(now, "k");
    kind[0] = (struct kind){"experts", run_share(s, 0, now->E), real, true};
    for (int r = 0, at = now->E; r < count; at += runs[r].count, r++) {
        kind[r + 1] = (struct kind){"", run_share(s, at, runs[r].count),
                                    (1 - real) * runs[r].count / now->S, false};
        snprintf(kind[r + 1].name, sizeof kind[0].name, "%d %.8s", runs[r].count, runs[r].label);
    }
    return count + 1;
}

static void slots_draw(struct canvas *to, const struct scene *s)
{
    struct kind kind[5];
    int n = kinds_of(s, kind);
    double tau = facts_knob(s->now, "tau");
    if (isnan(tau))
        canvas_fit(to, 0, 0, to->width, INK_DIM, "share of the window's picks");
    else
        canvas_fit(to, 0, 0, to->width, INK_DIM, "of the picks; │ as aux asks, τ %.2f", tau);
    for (int i = 0; i < n; i++)
        draw_share(to, 1 + i, kind[i].name, kind[i].share, 1, kind[i].even,
                   kind[i].expert ? INK_VAN0 + 1 : INK_VAN0 + 5 + (i - 1) % 3);
}

static void slots_tell(struct text *to, const struct scene *s)
{
    struct kind kind[5];
    int n = kinds_of(s, kind);
    for (int i = 0; i < n; i++) {
        text_add(to, "%s: ", kind[i].name);
        say_percent(to, kind[i].share, "picks of %s", kind[i].name);
        text_add(to, " of the picks");
        if (!isnan(kind[i].even)) {
            text_add(to, ", the aux loss asks for ");
            say_percent(to, kind[i].even, "asked of %s", kind[i].name);
        }
        text_add(to, ".\n");
    }
}

const struct rule_picture rule_slots = {
    .title = "where the picks go",
    .least = 4,
    .most = 5,
    .whole = five_rows,
    .draw = slots_draw,
    .tell = slots_tell,
};

/* ---- shared, routed, null ---- */
static void weights_of(const struct scene *s, double to[3])
{
    to[0] = rule_value(s->now, "shared_weight");
    to[2] = rule_value(s->now, "lost_to_null");
    to[1] = s->now->gate_sum - to[2];
}

static void weights_draw(struct canvas *to, const struct scene *s)
{
    static const char *const name[] = {"shared", "routed", "null: lost"};
    static const enum ink ink[] = {INK_VAN0 + 2, INK_VAN0 + 1, INK_VAN0 + 7};
    double weight[3];
    weights_of(s, weight);
    canvas_fit(to, 0, 0, to->width, INK_DIM, "whose part of the answer, by gates");
    for (int i = 0; i < 3; i++) draw_share(to, 1 + i, name[i], weight[i], 1, NAN, ink[i]);
    draw_share(to, 4, "null picks", rule_value(s->now, "null_share"), 1, NAN, INK_VAN0 + 7);
}

static void weights_tell(struct text *to, const struct scene *s)
{
    double weight[3];
    weights_of(s, weight);
    text_add(to, "of the answer's weight ");
    say_percent(to, weight[0], "weight of shared");
    text_add(to, " is the shared experts', ");
    say_percent(to, weight[1], "weight of routed");
    text_add(to, " the routed ones', ");
    say_percent(to, weight[2], "weight of nulls");
    text_add(to, " went to nulls and is gone.\n");
}

const struct rule_picture rule_weights = {
    .title = "shared, routed and null",
    .least = 4,
    .most = 5,
    .whole = five_rows,
    .draw = weights_draw,
    .tell = weights_tell,
};
