/* tui/views/facts_threshold.c - Where the rule draws its line for the token under the cursor, in a
 * word or two: each way of deciding has a line of its own kind. */
#include "tui/views/rule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* From the lowest to the highest bar of the experts. */
static void say_bars(char *to, const char *word, const struct scene *s)
{
    double low = NAN, high = NAN;
    char a[32], b[32];
    for (int e = 0; e < s->now->E; e++) {
        double bar = rule_bar(s, e);
        low = fmin(low, bar), high = fmax(high, bar); /* past NaN */
    }
    facts_number(a, low, 2), facts_number(b, high, 2);
    if (strcmp(a, b) == 0)
        snprintf(to, 32, "%s %.12s", word, a);
    else
        snprintf(to, 32, "%s %.8s…%.8s", word, a, b);
}

/* The lowest score that was taken. */
static void say_lowest(char *to, const struct scene *s)
{
    const struct snapshot *now = s->now;
    int token = facts_cursor(s), layer = facts_layer(s);
    const float *score = facts_row(now, now->score, token, layer);
    double least = INFINITY;
    bool biased = rule_metric(now, "bias") >= 0;
    for (int i = 0; score && i < facts_columns(now); i++)
        if (facts_taken(&now->token[token], layer, i)) least = fmin(least, (double)score[i]);
    if (isfinite(least))
        snprintf(to, 32, "%s %.2f", biased ? "s+b" : "score", least);
    else
        strcpy(to, "–");
}

char *facts_threshold(char *to, const struct scene *s)
{
    char value[32];
    int p;
    strcpy(to, "–");
    if (!s->now || !s->now->router) return to;
    switch (rule_face_of(s->now->router)->way) {
    case RULE_SUM:
        p = router_knob(s->now->router, "p");
        snprintf(to, 32, "p %.20s",
                 p < 0 ? "–" : option_show(&s->now->router->knobs[p], s->now->knob[p], value));
        break;
    case RULE_ZERO:
        strcpy(to, "above 0");
        break;
    case RULE_BARS:
        say_bars(to, "bars", s);
        break;
    case RULE_SEATS:
        say_bars(to, "seat", s);
        break;
    case RULE_CUT:
        say_lowest(to, s);
        break;
    }
    return to;
}
