/* core/train/leak.c - What a rule that sees the future gains by it: its loss on text that is there
 * as a whole against its loss where each byte is predicted with nothing behind it. */
#include "core/train/inside.h"

#include <string.h>

enum { TEXTS = 4, LONGEST = 64 };

/* Loss of the last of the first n bytes in the batch, by themselves; *all: of all of them. */
static double loss_of_last(struct trainer *t, int n, double *all)
{
    struct model *m = t->model;
    double nll[LONGEST];
    t->batch.T = t->batch.context = n;
    model_input(m, &t->batch);
    model_forward(m, false);
    model_loss(m, false);
    kn_read(m->be, nll, m->nll, (size_t)n);
    *all = 0;
    for (int i = 0; i < n; i++) *all += nll[i];
    return nll[n - 1];
}

double trainer_leak(struct trainer *t)
{
    struct batch *b = &t->batch;
    int length = t->context < LONGEST ? t->context : LONGEST, counted = 0;
    double leak = 0, all;
    if (!t->data->shape.text || !(t->model->config.router->needs & SEES_FUTURE)) return NAN;
    for (int text = 0; text < TEXTS; text++) {
        b->sequences = 1, b->context = b->T = length, b->day = trainer_day(t);
        t->data->fill(t->data, (uint64_t)t->config.value[CONFIG_SEED], DATA_VAL, text, b);
        for (int n = 1; n <= length; n++) leak += loss_of_last(t, n, &all);
        leak -= all; /* the longest prefix is the whole text */
        for (int i = 0; i < length; i++) counted += b->label[i] >= 0;
    }
    return counted ? leak / counted : NAN;
}

void trainer_show_leak(struct trainer *t)
{
    const struct router_metric *metric = t->config.router->metrics;
    for (int i = 0; i < ROUTER_METRICS && metric[i].name; i++)
        if (strcmp(metric[i].name, "leak") == 0) t->now.rule[i] = t->now.val_leak;
}
