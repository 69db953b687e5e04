/* tui/views/pins.c - Pinning, listing and unpinning runs. */
#include "tui/views/pins.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every so-manieth point, and the last one. */
static void thin(struct pin *to, const struct history *h)
{
    int every = (h->count + PIN_POINTS - 1) / PIN_POINTS;
    to->count = 0;
    for (int i = (h->count - 1) % every; i < h->count; i += every) {
        to->step[to->count] = h->step[i];
        for (int l = 0; l < HISTORY_LINES; l++) to->line[l][to->count] = h->line[l][i];
        to->count++;
    }
}

/* False: there is nothing to pin, or no room. */
static bool add(struct pins *to, const struct history *past, const char *label, struct err *e)
{
    if (!past || past->count < 2)
        return err_set(e, ERR_USAGE, "there is no run to pin yet: a curve begins with two steps");
    if (to->count == PINS_MOST)
        return err_set(e, ERR_USAGE,
                       "%d runs are pinned, and that is all there is room for: "
                       "unpin N lets one go",
                       PINS_MOST);
    struct pin *p = &to->pin[to->count++];
    snprintf(p->label, sizeof p->label, "%s", label);
    thin(p, past);
    return true;
}

double pins_last(const struct pin *p, enum history_line line)
{
    for (int i = p->count - 1; i >= 0; i--)
        if (!isnan(p->line[line][i])) return (double)p->line[line][i];
    return NAN;
}

static void list_one(struct text *out, const struct pins *p, int i)
{
    char loss[16], right[16], experts[16], speed[16];
    const struct pin *pin = &p->pin[i];
    text_add(out, "%d %s: to step %ld, loss %s nat, accuracy %s, experts per token %s, %s tok/s\n",
             i + 1, pin->label, pin->step[pin->count - 1],
             text_number(loss, pins_last(pin, HISTORY_LOSS), 3),
             text_number(right, pins_last(pin, HISTORY_ACCURACY), 3),
             text_number(experts, pins_last(pin, HISTORY_EXPERTS), 2),
             text_count(speed, pins_last(pin, HISTORY_SPEED)));
}

static bool line_pin(struct pins *p, int argc, char **argv, const struct snapshot *now,
                     const struct history *past, struct text *out, struct err *e)
{
    char label[sizeof p->pin[0].label];
    snprintf(label, sizeof label, "%s", argc > 1 ? "" : now ? now->run_label : "a run");
    for (int i = 1; i < argc; i++) {
        size_t n = strlen(label);
        snprintf(label + n, sizeof label - n, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    if (!add(p, past, label, e)) return false;
    text_add(out, "pinned as %d: %s; the view curves shows it beside what comes\n", p->count,
             label);
    return true;
}

static bool line_unpin(struct pins *p, int argc, char **argv, struct text *out, struct err *e)
{
    char *end = "";
    long n = argc > 1 ? strtol(argv[1], &end, 10) : p->count;
    if (p->count == 0) return err_set(e, ERR_USAGE, "no run is pinned: pin does it");
    if (argc > 2 || *end || n < 1 || n > p->count)
        return err_set(e, ERR_USAGE, "unpin takes the number of a pinned run, 1 to %d", p->count);
    text_add(out, "unpinned %s\n", p->pin[n - 1].label);
    memmove(&p->pin[n - 1], &p->pin[n], (size_t)(p->count - n) * sizeof *p->pin);
    p->count--;
    return true;
}

bool pins_line(struct pins *p, int argc, char **argv, const struct snapshot *now,
               const struct history *past, struct text *out, bool *ok, struct err *e)
{
    if (argc < 1) return false;
    if (strcmp(argv[0], "pin") == 0) {
        *ok = line_pin(p, argc, argv, now, past, out, e);
    } else if (strcmp(argv[0], "unpin") == 0) {
        *ok = line_unpin(p, argc, argv, out, e);
    } else if (strcmp(argv[0], "pins") == 0) {
        for (int i = 0; i < p->count; i++) list_one(out, p, i);
        if (p->count == 0) text_add(out, "no run is pinned: pin keeps the run so far\n");
        *ok = true;
    } else {
        return false;
    }
    return true;
}
