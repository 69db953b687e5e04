/* tui/views/facts.c - Words and numbers that more than one view needs. */
#include "tui/views/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 32 };

const struct words *facts_words(const struct snapshot *now)
{
    static const struct words orders = {"van", "vans", "order", "orders", "delivered"};
    static const struct words text = {"expert", "experts", "token", "tokens", "predicted"};
    return now && now->text ? &text : &orders;
}

char *facts_whole(char *to, double value)
{
    if (isnan(value)) return strcpy(to, "–");
    if (fabs(value) >= 1e15) return text_number(to, value, 0);
    char digits[ROOM];
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(value)), at = 0;
    if (value <= -0.5) to[at++] = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) to[at++] = ',';
        to[at++] = digits[i];
    }
    to[at] = 0;
    return to;
}

char *facts_percent(char *to, double share)
{
    if (isnan(share)) return strcpy(to, "–");
    snprintf(to, ROOM, share > 0 && share < 0.005 ? "<1 %%" : "%.0f %%", 100 * share);
    return to;
}

char *facts_number(char *to, double value, int digits)
{
    return text_number(to, value, digits);
}

char *facts_figure(char *to, double value)
{
    double size = fabs(value);
    if (value != 0 && (size < 1e-3 || size >= 1e6)) /* false for NaN */
        snprintf(to, ROOM, "%.1e", value);
    else
        facts_number(to, value,
                     size == floor(size) ? 0 /* a count, a stage, none */
                     : size < 0.1        ? 4
                     : size < 10         ? 3
                     : size < 100        ? 1
                                         : 0);
    return to;
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

int facts_layer(const struct scene *s)
{
    int layers = s->now ? clamp(s->now->L, 1, SNAP_LAYERS) : 1;
    return clamp(s->layer, 0, layers - 1);
}

int facts_cursor(const struct scene *s)
{
    int tokens = s->now ? clamp(s->now->tokens, 0, SNAP_TOKENS) : 0;
    return tokens == 0 ? -1 : clamp(s->cursor, 0, tokens - 1);
}

int facts_columns(const struct snapshot *now)
{
    return clamp(now->E + now->S, 0, COLUMNS_MAX);
}

bool facts_taken(const struct snap_token *t, int layer, int column)
{
    return t->taken[layer][column / 64] >> (column % 64) & 1;
}

const float *facts_row(const struct snapshot *now, const float *array, int token, int layer)
{
    int N = facts_columns(now);
    if (token < 0 || token >= now->detail || layer != now->focus || (token + 1) * N > SNAP_DETAIL)
        return NULL;
    return array + (size_t)token * (size_t)N;
}

double facts_layer_mean(const struct snapshot *now, int layer)
{
    double mean = 0;
    for (int k = 0; k <= SNAP_COUNTS; k++) mean += k * (double)now->count_share[layer][k];
    return mean;
}

bool facts_has_slots(const struct snapshot *now)
{
    return now->S > 0;
}

double facts_knob(const struct snapshot *now, const char *name)
{
    for (int i = 0; now->router && i < ROUTER_KNOBS && now->router->knobs[i].name; i++)
        if (strcmp(now->router->knobs[i].name, name) == 0) return now->knob[i];
    return NAN;
}

enum ink facts_van_ink(int van)
{
    return INK_VAN0 + van % 8;
}

bool facts_waiting(struct canvas *to, const struct scene *s)
{
    if (s->now) return false;
    static const char sentence[] = "The first step is on its way.";
    int x = (to->width - canvas_columns(sentence)) / 2;
    canvas_fit(to, x > 0 ? x : 0, to->height / 2, to->width, INK_DIM, "%s", sentence);
    return true;
}

const char *facts_van_state(const struct snapshot *now, int van)
{
    const struct fleet *f = &now->fleet;
    if (van < 0 || van >= now->E || van >= EXPERTS_MAX) return "";
    return f->retired >> van & 1  ? "retired"
           : f->broken >> van & 1 ? "broken"
           : f->frozen >> van & 1 ? "frozen"
                                  : "";
}

void facts_draw_state(struct canvas *to, int x, int y, int width, double part, const char *word)
{
    int letters = (int)strlen(word), at = (int)ceil(part * width) + 1;
    if (at > width - letters) at = width - letters;
    if (!letters) return;
    if (at < 0) at = 0;
    canvas_fit(to, x + at, y, width - at, INK_BAD, "%s", word);
}
