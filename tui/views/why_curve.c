/* tui/views/why_curve.c - What other counts would have done for this token, and what a better
 * spread of the same experts would gain over a batch. */
#include "tui/views/why.h"
#include "tui/draw/bars.h"
#include "tui/draw/spark.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>

enum { NUMBER = 7, LABEL = 12 };

static int counted(const struct scene *s)
{
    return s->now->token[facts_cursor(s)].count[facts_layer(s)];
}

static int need_of(const struct scene *s)
{
    return s->now->text ? -1 : s->now->token[facts_cursor(s)].need;
}

int why_curve_rows(const struct scene *s)
{
    return 3 + s->now->E;
}

static void draw_mark(struct canvas *to, int x, int y, const struct scene *s, int n)
{
    bool rule = n == counted(s), need = n == need_of(s);
    if (rule && need)
        canvas_fit(to, x, y, to->width - x, INK_GOOD, "◂ rule, need");
    else if (rule)
        canvas_fit(to, x, y, to->width - x, INK_ACCENT, "◂ the rule");
    else if (need)
        canvas_fit(to, x, y, to->width - x, INK_TEXT, "◂ its need");
}

void why_curve_draw(struct canvas *to, const struct scene *s)
{
    const struct snap_probe *p = why_answer(s);
    const struct words *w = facts_words(s->now);
    int E = s->now->E, rows = to->height - 2, bar = to->width - 3 - NUMBER - 1 - LABEL;
    if (to->height < 2) return;
    canvas_fit(to, 0, 0, to->width, INK_TITLE, "loss with its n best %s", w->experts);
    if (!p) {
        canvas_fit(to, 0, 1, to->width, INK_DIM, "– asked, not answered yet");
        return;
    }
    char step[32];
    double most = 0;
    if (p->stale)
        canvas_fit(to, 0, to->height - 1, to->width, INK_WARN, "before the newest change");
    else
        canvas_fit(to, 0, to->height - 1, to->width, INK_DIM, "by the weights of step %s",
                   facts_whole(step, (double)p->step));
    for (int n = 0; n <= E; n++) most = fmax(most, (double)p->with[n]);
    for (int n = 0; n <= E && n < rows; n++) {
        char number[32];
        int y = 1 + n;
        bool rest = n == rows - 1 && n < E;
        if (rest) {
            canvas_fit(to, 0, y, to->width, INK_DIM, "… up to %d: %s", E,
                       facts_number(number, (double)p->with[E], 3));
            return;
        }
        bool here = n == counted(s);
        canvas_text(to, 0, y, here ? INK_BRIGHT : INK_DIM, "%2d", n);
        if (bar > 0)
            bar_draw(to, 3, y, bar, most > 0 ? (double)p->with[n] / most : 0,
                     here ? INK_ACCENT : INK_DIM);
        int x = 3 + (bar > 0 ? bar : 0);
        facts_number(number, (double)p->with[n], 3);
        canvas_text(to, x + NUMBER - canvas_columns(number), y, here ? INK_BRIGHT : INK_TEXT, "%s",
                    number);
        draw_mark(to, x + NUMBER + 1, y, s, n);
    }
}

void why_curve_line(struct canvas *to, int y, const struct scene *s)
{
    const struct snap_probe *p = why_answer(s);
    int count = counted(s), x;
    char number[32];
    if (!p) {
        canvas_fit(to, 0, y, to->width, INK_DIM, "other counts: – (asked)");
        return;
    }
    x = canvas_text(to, 0, y, INK_DIM, "loss with 0…%d  ", p->E);
    for (int n = 0; n <= p->E; n++) {
        int room = to->width - x;
        facts_number(number, (double)p->with[n], 2);
        if (canvas_columns(number) + (n < p->E ? 2 : 0) > room) {
            canvas_text(to, x, y, INK_DIM, "…");
            return;
        }
        x = canvas_text(to, x, y, n == count ? INK_ACCENT : INK_TEXT, "%s", number) + 1;
    }
}

void why_regret_draw(struct canvas *to, int y, const struct scene *s)
{
    const struct snap_regret *r = &s->now->regret;
    const struct words *w = facts_words(s->now);
    char a[32], b[32], c[32], d[32];
    if (r->step < 0 || r->layer != facts_layer(s) || isnan(r->regret)) {
        canvas_fit(to, 0, y, to->width, INK_DIM, "regret – nat (asked of a batch)");
        return;
    }
    int x = canvas_text(to, 0, y, INK_DIM, "regret ");
    x = canvas_text(to, x, y, INK_BRIGHT, "%s nat", facts_number(a, r->regret, 3));
    canvas_fit(to, x, y, to->width - x, INK_DIM, ", %d %s", r->tokens, w->tokens);
    canvas_fit(to, 0, y + 1, to->width, INK_DIM, "%s %s each, rule %s",
               facts_number(b, r->experts, 2), w->experts, facts_number(a, r->rule, 3));
    canvas_fit(to, 0, y + 2, to->width, INK_DIM, "best spread %s, even %s",
               facts_number(c, r->best, 3), facts_number(d, r->even, 3));
    canvas_fit(to, 0, y + 3, to->width, INK_DIM, "same count as the best: %s",
               facts_percent(a, r->agree));
}

void why_curve_tell(struct text *to, const struct scene *s)
{
    const struct snap_probe *p = why_answer(s);
    const struct snap_regret *r = &s->now->regret;
    const struct words *w = facts_words(s->now);
    if (!p) {
        text_add(to, "what other %s would do: not asked (why %d asks).\n", w->experts,
                 facts_cursor(s));
    } else {
        char step[32], name[32];
        text_add(to, "loss with its 0 to %d best %s, after %s steps%s:", p->E, w->experts,
                 facts_whole(step, (double)p->step), p->stale ? ", before the newest change" : "");
        for (int n = 0; n <= p->E; n++) {
            text_add(to, " ");
            say_number(to, (double)p->with[n], 3, "nat", "why with %d", n);
        }
        text_add(to, ".\nloss if one pick is turned round:");
        for (int e = 0; e < p->N; e++) {
            bool in = facts_taken(&s->now->token[facts_cursor(s)], facts_layer(s), e);
            text_add(to, "%s %s %s ", e ? "," : "", in ? "without" : "with",
                     rule_column(name, s->now, e));
            say_number(to, (double)p->other[e], 3, "nat", "why turned %d", e + 1);
        }
        text_add(to, ".\n");
    }
    if (r->step < 0 || r->layer != facts_layer(s)) return;
    text_add(to, "regret ");
    say_number(to, r->regret, 3, "nat", "regret");
    text_add(to, " nat over %d %s: the rule ", r->tokens, w->tokens);
    say_number(to, r->rule, 3, "nat", "regret rule");
    text_add(to, ", the best spread of as many %s ", w->experts);
    say_number(to, r->best, 3, "nat", "regret best");
    text_add(to, ", as many for each ");
    say_number(to, r->even, 3, "nat", "regret even");
    text_add(to, ".\n");
}
