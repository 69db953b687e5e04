/* tui/draw/heat.c - The heat ramp, and the two scales that the views use it for. */
#include "tui/draw/heat.h"

#include <math.h>
#include <stdio.h>

enum { LEVELS = INK_HEAT5 - INK_HEAT0 + 1 };

enum ink heat_ink(double share)
{
    if (isnan(share)) return INK_DIM;
    return INK_HEAT0 + (int)fmin(fmax(share, 0) * LEVELS, LEVELS - 1);
}

/* Experts that one colour spans. */
static int span_of(int E)
{
    return E > 16 ? E / 8 : 1;
}

enum ink heat_count(int count, int E)
{
    int level = (count + span_of(E) - 1) / span_of(E);
    return INK_HEAT0 + (level < 0 ? 0 : level < LEVELS ? level : LEVELS - 1);
}

enum ink heat_load(double load)
{
    static const double upto[LEVELS - 1] = {0.25, 0.75, 1.25, 1.75, 2.5};
    if (isnan(load)) return INK_DIM;
    int level = 0;
    while (level < LEVELS - 1 && load > upto[level]) level++;
    return INK_HEAT0 + level;
}

static int key(struct canvas *c, int x, int y, const char *const *word, const char *unit)
{
    for (int i = 0; i < LEVELS; i++) {
        if (x + canvas_columns(word[i]) + 2 > c->width) return x;
        x = canvas_text(c, x, y, INK_HEAT0 + i, " %s ", word[i]);
    }
    if (x + 1 + canvas_columns(unit) <= c->width) x = canvas_text(c, x + 1, y, INK_DIM, "%s", unit);
    return x;
}

int heat_count_key(struct canvas *c, int x, int y, int E, const char *unit)
{
    char word[LEVELS][16];
    const char *words[LEVELS];
    int span = span_of(E);
    for (int i = 0; i < LEVELS; i++) {
        if (i == LEVELS - 1)
            snprintf(word[i], sizeof word[i], "%d+", (i - 1) * span + 1);
        else if (span == 1 || i == 0)
            snprintf(word[i], sizeof word[i], "%d", i * span);
        else
            snprintf(word[i], sizeof word[i], "%d-%d", (i - 1) * span + 1, i * span);
        words[i] = word[i];
    }
    return key(c, x, y, words, unit);
}

int heat_load_key(struct canvas *c, int x, int y)
{
    static const char *const words[LEVELS] = {"≤0.25", "0.50", "1.00", "1.50", "2.00", ">2.50"};
    return key(c, x, y, words, "× fair");
}
