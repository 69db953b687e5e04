/* tui/views/vans.c - Which vans does each order get, and is that what it needs? Of text nobody
 * knows the need: there the same picture shows characters and experts, without a verdict. */
#include "tui/views/facts.h"
#include "tui/views/vans_needs.h"
#include "tui/draw/bars.h"
#include "tui/draw/prose.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Every line is an order. Its crates ▪ say how many vans it needs, the digits say which vans "
    "the rule sent. Exact is as "
    "many as needed; short means items stay behind; wasted means a van drives for nothing. ✓: the "
    "whole order was right, "
    "every item of it.\n"
    "The fleet on the right shows how the work is shared: 1.00 is a van's fair share. Below it, "
    "what orders of each size "
    "get on average. A good rule sends more vans to larger orders: then ρ, the rank correlation of "
    "count and need, is "
    "near 1; a rule that sends everybody the same number has 0.\n"
    "With rules that gate by ReLU an order can be delivered by 0 vans: a gate opens or stays shut "
    "by the payload itself, "
    "so that no van came is an answer too.\n"
    "Of text nobody knows how many experts a character needs, so there the view passes no verdict.";

enum { VERDICT = 8, CRATES = 4 };

/* ---- one order, one line
 * ------------------------------------------------------------------------------------------ */
struct columns {
    int id, crates, sent, verdict, right, end; /* where each starts; 0: left out */
    int each; /* columns a van has in the raster; 0: a list of digits */
};

static struct columns layout(const struct snapshot *now, int width)
{
    struct columns c = {.id = 2};
    int E = now->E, x = c.id + (now->text ? 5 : 7);
    if (!now->text) c.crates = x, x += 6;
    c.sent = x;
    int tail = now->text ? 12 : VERDICT + 4;
    int room = width - x - tail;
    if (E < 10) c.each = room >= 2 * E + 1 ? 2 : room >= E ? 1 : 0;
    int sent = c.each ? c.each * E : room < 18 ? room : 18;
    x += (sent < 9 ? 9 : sent) + 2;
    if (x + tail - 2 <= width + 1) c.verdict = x, c.right = x + tail - 3, x = c.right + 2;
    c.end = x;
    return c;
}

static void draw_sent(struct canvas *to, int x, int y, int room, const struct snapshot *now,
                      const struct snap_token *t, int layer, int each)
{
    int end = x + room;
    for (int e = 0; e < now->E && each; e++) {
        if (facts_taken(t, layer, e))
            canvas_text(to, x + e * each, y, facts_van_ink(e), "%d", e + 1);
        else
            canvas_text(to, x + e * each, y, INK_FRAME, "·");
    }
    for (int e = 0; e < now->E && !each; e++) {
        if (!facts_taken(t, layer, e)) continue;
        int wide = e >= 9 ? 2 : 1;
        if (x + wide > end - 1 && t->count[layer] > 0) {
            canvas_text(to, x, y, INK_DIM, "…");
            return;
        }
        x = canvas_text(to, x, y, facts_van_ink(e), "%d", e + 1) + 1;
    }
}

static void draw_verdict(struct canvas *to, int x, int y, int count, int need)
{
    if (need < 0)
        canvas_text(to, x, y, INK_DIM, "–");
    else if (count == need)
        canvas_text(to, x, y, INK_GOOD, "exact");
    else if (count < need)
        canvas_text(to, x, y, INK_BAD, "%d short", need - count);
    else
        canvas_text(to, x, y, INK_WARN, "%d wasted", count - need);
}

static void draw_token(struct canvas *to, int y, const struct columns *c, const struct scene *s,
                       int i)
{
    const struct snapshot *now = s->now;
    const struct snap_token *t = &now->token[i];
    int layer = facts_layer(s), count = t->count[layer];
    bool here = i == facts_cursor(s);
    char number[32];
    canvas_zone(to, 0, y, to->width, 1, "@token %d", i);
    if (here) canvas_text(to, 0, y, INK_ACCENT, "▸");
    canvas_fit(to, c->id, y, (c->crates ? c->crates : c->sent) - c->id - 1,
               here ? INK_BRIGHT : INK_TEXT, "%s", strcmp(t->text, " ") ? t->text : "␣");
    if (c->crates && t->need > CRATES)
        canvas_text(to, c->crates, y, INK_TEXT, "▪×%d", t->need);
    else if (c->crates)
        canvas_fill(to, c->crates, y, t->need, INK_TEXT, "▪");
    draw_sent(to, c->sent, y, (c->verdict ? c->verdict - 1 : to->width) - c->sent, now, t, layer,
              c->each);
    if (!c->verdict) return;
    if (now->text)
        canvas_text(to, c->verdict, y, INK_TEXT, "%s", facts_number(number, t->loss, 2));
    else
        draw_verdict(to, c->verdict, y, count, t->need);
    if (t->right >= 0)
        canvas_text(to, c->right, y, t->right ? INK_GOOD : INK_BAD, t->right ? "✓" : "✗");
    else
        canvas_text(to, c->right, y, INK_DIM, "–");
}

static void draw_heads(struct canvas *to, const struct columns *at, const struct snapshot *now)
{
    struct columns c = *at;
    canvas_text(to, c.id, 0, INK_DIM, "%s", now->text ? "char" : "order");
    if (c.crates) canvas_text(to, c.crates, 0, INK_DIM, "needs");
    canvas_text(to, c.sent, 0, INK_DIM, "%s", now->text ? "experts" : "vans sent");
    if (c.verdict) canvas_text(to, c.verdict, 0, INK_DIM, "%s", now->text ? "loss nat" : "verdict");
    if (c.right)
        canvas_text(to, c.right, 0, INK_DIM, "%s",
                    c.right + 9 <= to->width ? facts_words(now)->right : "✓");
}

/* One list, or in a wide window several side by side. */
static void draw_tokens(struct canvas *to, const struct scene *s)
{
    enum { GAP = 3 };
    const struct snapshot *now = s->now;
    int rows = to->height - 1, cursor = facts_cursor(s), one = layout(now, to->width).end + GAP;
    int tokens = now->tokens < SNAP_TOKENS ? now->tokens : SNAP_TOKENS,
        lists = rows > 0 && one > GAP ? (to->width + GAP) / one : 1;
    if (rows > 0 && lists > (tokens + rows - 1) / rows) lists = (tokens + rows - 1) / rows;
    if (lists < 1) lists = 1;
    int wide = to->width / lists;
    for (int n = 0; n < lists; n++) {
        struct canvas list =
            canvas_part(to, n * wide, 0, lists > 1 ? wide - GAP : wide, to->height);
        struct columns c = layout(now, list.width);
        draw_heads(&list, &c, now);
        if (rows <= 0 || cursor < 0) continue;
        int first = cursor / (rows * lists) * rows * lists + n * rows;
        for (int i = 0; i < rows && first + i < tokens; i++)
            draw_token(&list, 1 + i, &c, s, first + i);
    }
}

/* ---- the fleet
 * ----------------------------------------------------------------------------------------------------
 */
/* Experts in falling order of load. */
static void by_load(const struct snapshot *now, int layer, int order[EXPERTS_MAX])
{
    for (int i = 0; i < now->E; i++) {
        int at = i;
        for (; at > 0 && now->load[layer][order[at - 1]] < now->load[layer][i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

enum { ROOMY = 24 }; /* lines beside the bars where these may be tall */
static int draw_fleet(struct canvas *to, int y, int rows, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), E = now->E, order[EXPERTS_MAX], shown = E < rows ? E : rows - 2;
    const char *share = to->width < 38 ? "share of work" : "share of the work";
    if (rows < 3 || to->width < 16) return y;
    canvas_text(to, 0, y, INK_DIM, "%-7s", facts_words(now)->expert);
    canvas_fit(to, 8, y, to->width - 8 - 12, INK_DIM, "%s", share);
    canvas_text(to, to->width - 11, y, INK_DIM, "1.00 = fair");
    for (int e = 0; e < E; e++) order[e] = e;
    if (shown < E) by_load(now, layer, order);
    double most = 2;
    for (int e = 0; e < E; e++) most = fmax(most, now->load[layer][e]);
    int bar = to->width - 4 - 8, fair = 4 + (int)lround(bar / most);
    int step = rows >= 3 * E + ROOMY ? 3 : 1; /* lines of a bar, and air */
    for (int i = 0; i < shown; i++) {
        int e = order[i];
        double load = now->load[layer][e];
        char number[32];
        y += i ? step : 1;
        canvas_zone(to, 0, y, to->width, step, "@vans %d %d %d", layer, e, to->width);
        canvas_text(to, 0, y, facts_van_ink(e), "%2d", e + 1);
        for (int line = 0; line < step; line++) canvas_text(to, fair, y + line, INK_FRAME, "│");
        for (int line = 0; line < (step + 1) / 2; line++)
            bar_draw(to, 4, y + line, bar, load / most, facts_van_ink(e));
        facts_draw_state(to, 4, y, bar, load / most, facts_van_state(now, e));
        canvas_text(to, to->width - 6, y, INK_TEXT, "%6s", facts_number(number, load, 2));
    }
    if (shown < E)
        canvas_fit(to, 4, ++y, to->width - 4, INK_DIM, "… %d more, each below these", E - shown);
    return y + step;
}

/* ---- what orders of each size get
 * --------------------------------------------------------------------------------- */
static bool need_known(const struct snapshot *now)
{
    for (int need = 0; need <= SNAP_NEEDS; need++)
        if (now->need_share[need] > 0) return true;
    return false;
}

static int draw_by_need(struct canvas *to, int y, int rows, const struct snapshot *now)
{
    static const int at[] = {0, 6, 14, 23};
    if (rows < 3 || !need_known(now)) return y;
    int columns = to->width >= 32 ? 4 : to->width >= 24 ? 3 : 2;
    static const char *const head[] = {"needs", "orders", "vans", "delivered"};
    for (int i = 0; i < columns; i++) canvas_text(to, at[i], y, INK_DIM, "%s", head[i]);
    for (int need = 0, left = rows - 1; need <= SNAP_NEEDS && left > 0; need++) {
        char cell[32];
        if (!(now->need_share[need] > 0)) continue;
        y++, left--;
        if (need > CRATES)
            canvas_text(to, 0, y, INK_TEXT, "▪×%d", need);
        else
            canvas_fill(to, 0, y, need, INK_TEXT, "▪");
        canvas_text(to, at[1], y, INK_TEXT, "%6s", facts_percent(cell, now->need_share[need]));
        if (columns > 2)
            canvas_text(to, at[2], y, INK_BRIGHT, "%4s",
                        facts_number(cell, now->experts_by_need[need], 2));
        double right = now->right_by_need[need];
        enum ink ink = right >= 0.9 ? INK_GOOD : right >= 0.5 ? INK_WARN : INK_BAD;
        if (columns > 3)
            canvas_text(to, at[3], y, isnan(right) ? INK_DIM : ink, "%9s",
                        facts_percent(cell, right));
    }
    return y + 1;
}

/* Of text whose classes are known: the same by the class of what must be predicted. */
static int draw_by_class(struct canvas *to, int y, int rows, const struct scene *s)
{
    static const int at[] = {0, 8, 15, 24};
    const struct snap_picks *p = &s->now->picks;
    int known = 0, layer = facts_layer(s), columns = to->width >= 33 ? 4 : to->width >= 23 ? 3 : 2;
    for (int k = 0; k < SNAP_KINDS; k++) known += p->share[k] > 0;
    if (!s->now->text || !s->now->kind_name || known == 0 || rows < known + 1) return y;
    static const char *const head[] = {"class", " share", "experts", "predicted"};
    for (int i = 0; i < columns; i++) canvas_text(to, at[i], y, INK_DIM, "%s", head[i]);
    for (int k = 0; k < SNAP_KINDS; k++) {
        char cell[32];
        if (!(p->share[k] > 0)) continue;
        canvas_text(to, at[0], ++y, INK_TEXT, "%s", snapshot_kind(s->now, k, cell));
        canvas_text(to, at[1], y, INK_TEXT, "%6s", facts_percent(cell, (double)p->share[k]));
        if (columns > 2)
            canvas_text(to, at[2], y, INK_BRIGHT, "%7s",
                        facts_number(cell, (double)p->experts[layer][k], 2));
        if (columns > 3)
            canvas_text(to, at[3], y, INK_TEXT, "%9s", facts_percent(cell, (double)p->right[k]));
    }
    return y + 2;
}

/* ---- what the layers do, where there are more than one
 * ------------------------------------------------------------ */
static void draw_by_layer(struct canvas *to, int y, int rows, const struct scene *s)
{
    const struct snapshot *now = s->now;
    if (rows < now->L + 1 || now->L < 2) return;
    canvas_fit(to, 0, y, to->width, INK_DIM, "layer   %s per %s", facts_words(now)->experts,
               facts_words(now)->token);
    double most = 1;
    for (int l = 0; l < now->L && l < SNAP_LAYERS; l++) most = fmax(most, facts_layer_mean(now, l));
    for (int l = 0; l < now->L && l < SNAP_LAYERS; l++) {
        bool here = l == facts_layer(s);
        char number[32];
        double mean = facts_layer_mean(now, l);
        canvas_text(to, 0, ++y, here ? INK_BRIGHT : INK_DIM, "%2d", l + 1);
        bar_draw(to, 4, y, to->width - 12, mean / most, here ? INK_ACCENT : INK_DIM);
        canvas_text(to, to->width - 6, y, INK_TEXT, "%6s", facts_number(number, mean, 2));
    }
}

/* ---- the summary below
 * -------------------------------------------------------------------------------------------- */
/* Shares of 0, 1, 2 ... as cells of one line; what does not fit is gathered in the last cell. */
static void draw_shares(struct canvas *to, int y, const char *label, const float *share, int count,
                        enum ink ink)
{
    enum { LABEL = 12, LEAST = 11 };
    int first = 0, last = -1;
    for (int i = count - 1; i >= 0; i--)
        if (share[i] > 0) first = i, last = i > last ? i : last;
    canvas_text(to, 0, y, INK_DIM, "%s", label);
    if (last < 0) {
        canvas_text(to, LABEL, y, INK_DIM, "–");
        return;
    }
    int cells = 5, wide = (to->width - LABEL) / cells;
    if (wide < LEAST) cells = (to->width - LABEL) / LEAST, wide = LEAST;
    if (wide > 15) wide = 15;
    for (int i = 0; i < cells && first + i <= last; i++) {
        double part = 0;
        bool rest = i == cells - 1 && first + i < last;
        for (int k = first + i; k <= (rest ? last : first + i); k++)
            part += share[k] > 0 ? share[k] : 0;
        char cell[32];
        int x = LABEL + i * wide, bar = wide - 10;
        canvas_text(to, x, y, INK_DIM, "%d%s", first + i, rest ? "+" : "");
        bar_draw(to, x + 3, y, bar, part, ink);
        int used = (int)ceil(part * bar);
        canvas_text(to, x + 4 + (used < bar ? used : bar), y, INK_TEXT, "%s",
                    facts_percent(cell, part));
    }
}

struct fact {
    const char *word, *value;
    enum ink ink;
};

/* Facts side by side, as many as fit whole. */
static void draw_facts(struct canvas *to, int y, const struct fact *fact, int count, int gap)
{
    for (int i = 0, x = 0; i < count; i++) {
        int wide = canvas_columns(fact[i].word) + 1 + canvas_columns(fact[i].value);
        if (x + wide > to->width) continue;
        x = canvas_text(to, x, y, INK_DIM, "%s ", fact[i].word);
        x = canvas_text(to, x, y, fact[i].ink, "%s", fact[i].value) + gap;
    }
}

static void draw_verdicts(struct canvas *to, int y, const struct snapshot *now)
{
    char exact[32], wasted[32], shorted[32], rho[32], of[64];
    snprintf(of, sizeof of, "%d", now->tokens_per_step);
    const struct fact facts[] = {
        {"exact", facts_percent(exact, now->exact), INK_GOOD},
        {"wasted", facts_percent(wasted, now->wasted), INK_WARN},
        {"short", facts_percent(shorted, now->shorted), INK_BAD},
        {"count~need ρ", facts_number(rho, now->count_need_rho, 2), INK_BRIGHT},
        {"of this step's orders:", of, INK_DIM},
    };
    draw_facts(to, y, facts, to->width < 70 ? 4 : 5, to->width < 60 ? 2 : 4);
}

/* Orders of the window that were delivered by no van at all. */
static int delivered_by_none(const struct snapshot *now, int layer)
{
    int count = 0;
    for (int i = 0; i < now->tokens && i < SNAP_TOKENS; i++)
        count += now->token[i].right == 1 && now->token[i].count[layer] == 0;
    return count;
}
static const char *by_none(const struct snapshot *now)
{
    return now->S > 0 ? "0 vans, delivered: a copy or a constant answers too, or one guess in four."
                      : "0 vans, delivered: whether a gate opens is an answer from the payload.";
}
/* Of text. What is shown was never trained on, so its losses may be far above the status line's. */
static const char *no_need(const struct snapshot *now, bool brief)
{
    if (now->typed.on) return "Your text: how many experts a character needs nobody knows.";
    if (brief) return "Held out: never trained on.";
    return "Held-out text, never trained on; nobody knows how many experts it needs.";
}

static int summary_rows(const struct scene *s, int height)
{
    if (height < 5) return 0;
    if (s->now->text) return height < 12 ? 1 : 3;
    return height < 12 ? 1 : 3 + (delivered_by_none(s->now, facts_layer(s)) > 0);
}

static void draw_summary(struct canvas *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int layer = facts_layer(s), y = 0;
    if (now->text) {
        canvas_fit(to, 0, y++, to->width, INK_DIM, "%s", no_need(now, to->width < 60));
        if (to->height > 1)
            draw_shares(to, y++, "experts", now->count_share[layer], SNAP_COUNTS + 1, INK_ACCENT);
        char mean[32];
        if (to->height > 2)
            canvas_fit(to, 0, y, to->width, INK_DIM,
                       "layer %d of %d: %s experts per token, mean of this step", layer + 1, now->L,
                       facts_number(mean, facts_layer_mean(now, layer), 2));
        return;
    }
    draw_verdicts(to, y++, now);
    if (to->height < 3) return;
    draw_shares(to, y++, "vans sent", now->count_share[layer], SNAP_COUNTS + 1, INK_ACCENT);
    draw_shares(to, y++, "needed", now->need_share, SNAP_NEEDS + 1, INK_TEXT);
    if (to->height > y) canvas_fit(to, 0, y, to->width, INK_WARN, "%s", by_none(now));
}

/* Columns of what stands beside the list: in a wide window all that the list leaves. */
static int fleet_width(const struct canvas *to, const struct snapshot *now, int rows)
{
    enum { WIDE = 150, MOST = 120, GAP = 3 };
    int fleet = to->width >= 74 ? to->width >= 100 ? 42 : 33 : 0;
    if (to->width < WIDE || rows < 2) return fleet;
    int tokens = now->tokens < SNAP_TOKENS ? now->tokens : SNAP_TOKENS,
        lists = (tokens + rows - 2) / (rows - 1);
    int left = to->width - lists * (layout(now, to->width).end + GAP) - 2;
    return left < fleet ? fleet : left < MOST ? left : MOST;
}

enum { BY_NEED = 6 }; /* rows that the table by need wants, below a long fleet */
static void vans_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    int below = summary_rows(s, to->height), upper = to->height - below - (below > 1);
    struct canvas bottom = canvas_part(to, 1, to->height - below, to->width - 2, below);
    draw_summary(&bottom, s);
    int fleet = fleet_width(to, s->now, upper);
    struct canvas left = canvas_part(to, 0, 0, to->width - (fleet ? fleet + 2 : 0), upper);
    draw_tokens(&left, s);
    if (!fleet) return;
    struct canvas right = canvas_part(to, to->width - fleet - 1, 0, fleet, upper);
    int E = s->now->E, last = BY_NEED - 1; /* without the air above it */
    bool below_it = need_known(s->now), tight = below_it && E + 1 + last == upper,
         long_ = below_it && E + 1 + last > upper && upper > 2 * BY_NEED;
    int rows = long_ ? upper - BY_NEED : tight ? upper - last : upper;
    int y = draw_fleet(&right, 0, rows, s) + !tight; /* rather no air than a van out of sight */
    if (need_known(s->now)) {
        y = draw_by_need(&right, y, upper - y, s->now) + 1;
        struct canvas needs = canvas_part(&right, 0, y, right.width, upper - y);
        int rows = vans_needs_draw(&needs, s);
        y += rows + (rows > 0);
    }
    y = draw_by_class(&right, y, upper - y, s);
    draw_by_layer(&right, y, upper - y, s);
}

/* ---- in sentences
 * -------------------------------------------------------------------------------------------------
 */
static void tell_token(struct text *to, const struct snapshot *now, const struct snap_token *t,
                       int layer)
{
    const struct words *w = facts_words(now);
    text_add(to, "%s %s ", w->token, t->text);
    if (t->need >= 0) text_add(to, "needs %d, ", t->need);
    text_add(to, t->count[layer] == 0 ? "gets no %s" : "gets %s",
             t->count[layer] == 1 || !t->count[layer] ? w->expert : w->experts);
    for (int e = 0; e < now->E; e++)
        if (facts_taken(t, layer, e)) text_add(to, " %d", e + 1);
    int over = t->count[layer] - t->need;
    if (t->need >= 0 && over == 0) text_add(to, ": exact");
    if (t->need >= 0 && over != 0)
        text_add(to, ": %d %s", over < 0 ? -over : over, over < 0 ? "short" : "wasted");
    text_add(to, t->right < 0 ? ".\n" : t->right ? ", %s.\n" : ", not %s.\n", w->right);
}

static void tell_need(struct text *to, const struct snapshot *now, int need)
{
    text_add(to, "orders that need %d: ", need);
    say_percent(to, (double)now->need_share[need], "share of need %d", need);
    text_add(to, " of all, sent ");
    say_number(to, (double)now->experts_by_need[need], 2, "experts", "experts of need %d", need);
    text_add(to, " vans, delivered ");
    say_percent(to, (double)now->right_by_need[need], "right of need %d", need);
    text_add(to, ".\n");
}

static void vans_tell(struct text *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    if (!now) return;
    const struct words *w = facts_words(now);
    int layer = facts_layer(s);
    char a[32], b[32], c[32], d[32];
    say(to, now, "%s get {experts_per_token} %s each, mean of step {step,}.\n", w->tokens,
        w->experts);
    if (now->text)
        text_add(to, "%s\n", no_need(now, false));
    else
        say(to, now,
            "exact {exact%%}, wasted {wasted%%}, short {shorted%%}; count and need go together "
            "with ρ {count_need_rho}.\n");
    for (int need = 0; need <= SNAP_NEEDS; need++)
        if (now->need_share[need] > 0) tell_need(to, now, need);
    for (int k = 0; now->text && now->kind_name && k < SNAP_KINDS; k++)
        if (now->picks.share[k] > 0)
            text_add(to, "class %s: %s of all, %s experts each in layer %d, predicted %s.\n",
                     snapshot_kind(now, k, a), facts_percent(b, (double)now->picks.share[k]),
                     facts_number(c, (double)now->picks.experts[layer][k], 2), layer + 1,
                     facts_percent(d, (double)now->picks.right[k]));
    text_add(to, "share of the work, 1.00 = fair:");
    for (int e = 0; e < now->E; e++) {
        text_add(to, "%s %s %d ", e ? "," : "", w->expert, e + 1);
        say_number(to, (double)now->load[layer][e], 2, "of fair", "load %d %d", layer + 1, e + 1);
    }
    text_add(to, ".\n");
    for (int e = 0; e < now->E; e++)
        if (*facts_van_state(now, e))
            text_add(to, "%s %d: %s.\n", w->expert, e + 1, facts_van_state(now, e));
    vans_needs_tell(to, s);
    for (int i = 0; i < now->tokens && i < 4; i++) tell_token(to, now, &now->token[i], layer);
    if (!now->text && delivered_by_none(now, layer)) text_add(to, "%s\n", by_none(now));
}

const struct view view_vans = {
    .name = "vans",
    .key = '1',
    .title = "Vans",
    .question = "Which vans does each order get, and is that what it needs?",
    .uses = VIEW_CURSOR | VIEW_LAYER,
    .explain = explain,
    .draw = vans_draw,
    .tell = vans_tell,
};
