/* tui/views/history.c - A whole run in fixed memory: when it is full, every second point goes and
 * half as many come. */
#include "tui/views/history.h"

#include <math.h>
#include <string.h>

static void add_mark(struct history *h, const struct snap_mark *mark)
{
    enum { ROOM = sizeof h->mark / sizeof *h->mark };
    for (int i = 0; i < h->marks; i++)
        if (h->mark[i].step == mark->step && strcmp(h->mark[i].text, mark->text) == 0) return;
    if (h->marks == ROOM) {
        memmove(h->mark, h->mark + 1, (ROOM - 1) * sizeof *h->mark);
        h->marks--;
    }
    h->mark[h->marks++] = *mark;
}

static void halve(struct history *h)
{
    for (int i = 0; i < h->count / 2; i++) {
        h->step[i] = h->step[2 * i];
        for (int l = 0; l < HISTORY_KEPT; l++) h->line[l][i] = h->line[l][2 * i];
        for (int m = 0; m < ROUTER_METRICS; m++) h->rule[m][i] = h->rule[m][2 * i];
    }
    h->count /= 2;
    h->every *= 2;
}

/* Another strategy's numbers are not this one's past. */
static void forget_rule(struct history *h, const struct router *now, long step)
{
    for (int m = 0; m < ROUTER_METRICS; m++)
        for (int i = 0; i < h->count; i++) h->rule[m][i] = NAN;
    h->router = now, h->came = step;
}

/* What came later has not happened. */
static void rewind_to(struct history *h, long step)
{
    while (h->count > 0 && h->step[h->count - 1] > step) h->count--;
    while (h->marks > 0 && h->mark[h->marks - 1].step > step) h->marks--;
    h->skip = 0;
}

void history_add(struct history *h, const struct snapshot *s)
{
    long last = h->count > 0 ? h->step[h->count - 1] : -1;
    if (s->model != h->model || (s->step < last && s->step == 0))
        h->count = h->marks = h->every = h->skip = 0, h->router = NULL;
    else if (s->step < last)
        rewind_to(h, s->step);
    h->model = s->model;
    last = h->count > 0 ? h->step[h->count - 1] : -1;
    for (int i = 0; i < s->marks && i < SNAP_MARKS; i++) add_mark(h, &s->mark[i]);
    if (h->count > 0 && s->step == last) return;
    if (h->every < 1) h->every = 1;
    if (h->router != s->router) forget_rule(h, s->router, s->step);
    if (h->skip > 0) {
        h->skip--;
        return;
    }
    if (h->count == HISTORY_POINTS) halve(h);
    h->skip = h->every - 1;
    h->step[h->count] = s->step;
    h->line[HISTORY_LOSS][h->count] = (float)s->loss;
    h->line[HISTORY_ACCURACY][h->count] = (float)s->accuracy;
    h->line[HISTORY_EXPERTS][h->count] = (float)s->experts_per_token;
    h->line[HISTORY_SPEED][h->count] = (float)s->tokens_per_s;
    h->line[HISTORY_BUSIEST][h->count] = (float)s->load_max_over_mean;
    for (int m = 0; m < ROUTER_METRICS; m++) h->rule[m][h->count] = (float)s->rule[m];
    h->count++;
}

struct history_axis history_axis(const struct history *h)
{
    if (h->count < 1) return (struct history_axis){0, 1};
    struct history_axis a = {(double)h->step[0], (double)h->step[h->count - 1]};
    if (a.to <= a.from) a.to = a.from + 1;
    return a;
}

struct history_axis history_since(const struct history *h)
{
    struct history_axis a = history_axis(h);
    a.from = fmin(fmax(a.from, (double)h->came), a.to - 1);
    return a;
}

void history_values(float *to, int n, struct history_axis over, struct history_points line,
                    bool logarithm)
{
    double sum[HISTORY_PIXELS] = {0};
    int count[HISTORY_PIXELS] = {0}, before = -1;
    for (int i = 0; i < line.count; i++) {
        double value = (double)line.at[i];
        if (!isfinite(value) || (logarithm && value <= 0)) continue;
        int x = (int)(((double)line.step[i] - over.from) / (over.to - over.from) * (n - 1) + 0.5);
        if (x >= 0 && x < n) sum[x] += logarithm ? log10(value) : value, count[x]++;
    }
    for (int x = 0; x < n; x++) {
        to[x] = count[x] ? (float)(sum[x] / count[x]) : NAN;
        if (!count[x]) continue;
        for (int k = before + 1; before >= 0 && k < x; k++)
            to[k] = to[before] + (to[x] - to[before]) * (float)(k - before) / (float)(x - before);
        before = x;
    }
}
