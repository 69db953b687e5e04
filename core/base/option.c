/* core/base/option.c - One reader, one printer and one slider for every knob, setting and flag. */
#include "core/base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A logarithmic slider that reaches 0 has its smallest step above 0 here, four decades below the
 * top. */
#define LOG_SMALLEST 1e-4

static int words_count(const struct option *o)
{
    int n = 0;
    while (o->words && o->words[n]) n++;
    return n;
}

double option_max(const struct option *o, int E, int N)
{
    if (o->kind == OPTION_SWITCH) return 1;
    if (o->kind == OPTION_CHOICE) return words_count(o) - 1;
    return o->flags & OPTION_MAX_N ? o->max * N : o->flags & OPTION_MAX_E ? o->max * E : o->max;
}

double option_start(const struct option *o, int E, bool paper)
{
    paper = paper && !isnan(o->paper);
    double value = paper ? o->paper : o->start;
    if (o->flags & (paper ? OPTION_PAPER_E : OPTION_START_E)) value *= E;
    if (o->kind == OPTION_INT) value = floor(value);
    if (o->flags & OPTION_MAX_E) value = fmin(value, option_max(o, E, E));
    return value;
}

/* A number and nothing else: no blanks, hexadecimal, infinity or NaN. */
static bool number(const char *word, double *to)
{
    if (!*word || word[strspn(word, "0123456789+-.eE")]) return false;
    char *end;
    *to = strtod(word, &end);
    return *end == 0 && isfinite(*to);
}

static bool read_switch(const char *word, double *to)
{
    static const char *const words[2][5] = {{"off", "false", "no", "0"},
                                            {"on", "true", "yes", "1"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; words[value][i]; i++)
            if (strcmp(word, words[value][i]) == 0) return *to = value, true;
    return false;
}

static bool read_choice(const struct option *o, const char *word, double *to, struct err *e)
{
    int n = words_count(o);
    double value;
    for (int i = 0; i < n; i++)
        if (strcmp(word, o->words[i]) == 0) return *to = i, true;
    if (number(word, &value) && value >= 0 && value < n && value == floor(value))
        return *to = value, true;
    struct text all = {0};
    for (int i = 0; i < n; i++) text_add(&all, "%s%s", i == 0 ? "" : ", ", o->words[i]);
    err_set(e, ERR_USAGE, "%s is one of %s; '%.40s' is none of them%s", o->name, text_str(&all),
            word, ERR_MEANT(word, o->words, n, ""));
    text_free(&all);
    return false;
}

bool option_read(const struct option *o, const char *word, int E, int N, double *to, struct err *e)
{
    double value;
    if (o->kind == OPTION_CHOICE) return read_choice(o, word, to, e);
    if (o->kind == OPTION_SWITCH)
        return read_switch(word, to) ||
               err_set(e, ERR_USAGE, "%s is on or off, not '%.40s'", o->name, word);
    const char *whole = o->kind == OPTION_INT ? "whole " : "";
    double max = option_max(o, E, N);
    if (!number(word, &value))
        return err_set(e, ERR_USAGE, "%s is a %snumber from %.10g to %.10g, not '%.40s'", o->name,
                       whole, o->min, max, word);
    if (!(value >= o->min && value <= max) || (o->kind == OPTION_INT && value != floor(value)))
        return err_set(e, ERR_USAGE, "%s is a %snumber from %.10g to %.10g; %.40s is not", o->name,
                       whole, o->min, max, word);
    *to = value + 0.0; /* -0 becomes 0 */
    return true;
}

char *option_show(const struct option *o, double value, char *to)
{
    enum { ROOM = 32 };
    if (isnan(value)) return strcpy(to, "–");
    if (o->kind == OPTION_SWITCH) return strcpy(to, value != 0 ? "on" : "off");
    if (o->kind == OPTION_CHOICE && value >= 0 && value < words_count(o)) {
        snprintf(to, ROOM, "%s", o->words[(int)value]);
        return to;
    }
    double size = fabs(value);
    bool two = o->kind == OPTION_REAL && size >= 0.1 && size < 10 &&
               fabs(value * 100 - round(value * 100)) < 1e-4;
    snprintf(to, ROOM, two ? "%.2f" : o->kind == OPTION_REAL ? "%.4g" : "%.10g", value);
    return to;
}

static bool is_log(const struct option *o)
{
    return o->kind == OPTION_REAL && (o->flags & OPTION_LOG);
}

static double log_least(const struct option *o, double max)
{
    return o->min > 0 ? o->min : max * LOG_SMALLEST;
}

/* Rounded to significant digits, so that notches up and down meet again. */
static double tidy(double value, int digits)
{
    if (value == 0) return 0;
    double unit = pow(10, floor(log10(fabs(value))) + 1 - digits);
    return unit < 1 ? round(value / unit) / round(1 / unit) : round(value / unit) * unit;
}

double option_notch(const struct option *o, double value, int dir, int E, int N)
{
    double max = option_max(o, E, N);
    dir = dir < 0 ? -1 : 1;
    if (isnan(value)) value = o->min;
    if (o->kind == OPTION_SWITCH) return value == 0;
    if (o->kind == OPTION_CHOICE) return fmod(value + dir + max + 1, max + 1);
    if (o->kind == OPTION_INT) {
        value += dir;
    } else if (is_log(o)) {
        double least = log_least(o, max);
        if (dir > 0 && value < least)
            value = least;
        else if (dir < 0 && value <= least * 1.001)
            value = o->min;
        else
            value = fmax(tidy(value * pow(max / least, dir / 20.0), 4), least);
        if (value > max * 0.999) value = max; /* what rounding left */
    } else {
        value = tidy(value + dir * (max - o->min) / 20, 6);
    }
    return fmin(fmax(value, o->min), max);
}

double option_place(const struct option *o, double value, int E, int N)
{
    bool listed = o->kind == OPTION_SWITCH || o->kind == OPTION_CHOICE;
    double min = listed ? 0 : o->min, max = option_max(o, E, N), place;
    if (!(value > min) || !(max > min)) return 0;
    if (is_log(o)) {
        double least = log_least(o, max);
        place = value > least ? log(value / least) / log(max / least) : 0;
        if (o->min <= 0) place = (1 + 20 * place) / 21; /* the first notch is 0 itself */
    } else {
        place = (value - min) / (max - min);
    }
    return fmin(place, 1);
}

double option_at(const struct option *o, double place, int E, int N)
{
    bool listed = o->kind == OPTION_SWITCH || o->kind == OPTION_CHOICE;
    double min = listed ? 0 : o->min, max = option_max(o, E, N), value;
    place = fmin(fmax(place, 0), 1);
    if (is_log(o)) {
        double least = log_least(o, max), along = o->min <= 0 ? (21 * place - 1) / 20 : place;
        if (o->min <= 0 && 21 * place < .5) return o->min;
        value = tidy(least * pow(max / least, fmax(along, 0)), 4);
    } else {
        value = min + place * (max - min);
        value = o->kind == OPTION_REAL ? tidy(value, 4) : round(value);
    }
    return fmin(fmax(value, min), max);
}

const struct option *option_find(const struct option *table, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}
