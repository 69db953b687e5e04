/* tui/views/history.c - A whole run in fixed memory: when it is full, every second point goes and
 * half as many come. */
#include "tui/views/history.h"

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
        for (int l = 0; l < HISTORY_LINES; l++) h->line[l][i] = h->line[l][2 * i];
    }
    h->count /= 2;
    h->every *= 2;
}

void history_add(struct history *h, const struct snapshot *s)
{
    long last = h->count > 0 ? h->step[h->count - 1] : -1;
    if (s->step < last) h->count = h->marks = h->every = h->skip = 0;
    for (int i = 0; i < s->marks && i < SNAP_MARKS; i++) add_mark(h, &s->mark[i]);
    if (h->count > 0 && s->step == last) return;
    if (h->every < 1) h->every = 1;
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
    h->count++;
}
