/* core/train/probe_tell.c - From the losses of all variants to the answers that a snapshot holds. */
#include "core/train/probe_in.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int predictions(const struct trainer *t, const struct probe *p, int token)
{
    int items = t->data->shape.items, asked = 0;
    for (int i = token * items; i < (token + 1) * items; i++) asked += p->window.label[i] >= 0;
    return asked;
}

void probe_tell_token(struct trainer *t, struct probe *p)
{
    struct snap_probe *s = &p->answer;
    double each = predictions(t, p, p->token);
    s->step = p->step, s->token = p->token, s->layer = p->layer, s->E = p->E, s->N = p->N;
    s->router = p->router;
    s->id = p->token < t->now.tokens ? t->now.token[p->token].id : -1;
    const uint8_t *base = probe_taken(p, p->layer, p->token);
    for (int j = 0; j < p->N; j++) s->taken[j / 64] |= (uint64_t)base[j] << j % 64;
    s->loss = (float)(p->nll[0] / each);
    for (int n = 0; n <= p->E; n++) s->with[n] = (float)(p->nll[1 + n] / each);
    for (int j = 0; j < p->N; j++) s->other[j] = (float)(p->nll[p->E + 2 + j] / each);
    t->now.probe = *s;
}

static int count_of(const struct probe *p, int token)
{
    int count = 0;
    for (int j = 0; j < p->E; j++) count += probe_taken(p, p->layer, token)[j];
    return count;
}

/* As many for every token: of a budget that is no whole number, each gets the next higher with the
 * chance that makes the mean. */
static double spread_evenly(const double *loss, int tokens, int E, double mean)
{
    int low = (int)floor(mean), high = low < E ? low + 1 : low;
    double sum = 0, part = mean - low;
    for (int i = 0; i < tokens; i++)
        sum += (1 - part) * loss[i * (E + 1) + low] + part * loss[i * (E + 1) + high];
    return sum;
}

bool probe_tell_regret(struct trainer *t, struct probe *p, struct err *e)
{
    double *loss = malloc((size_t)p->subjects * (size_t)(p->E + 1) * sizeof *loss);
    struct snap_regret s = {.step = p->step, .layer = p->layer};
    int budget = 0, spent[PROBE_BATCH], best[PROBE_BATCH];
    double asked = 0, rule = 0, agree = 0;
    if (!loss) return err_set(e, ERR_MEMORY, "not enough memory for the oracle");
    for (int i = 0; i < p->subjects; i++) {
        const double *row = p->nll + (size_t)i * (size_t)p->variants;
        if (isnan(row[0])) continue; /* nothing to predict */
        memcpy(loss + s.tokens * (p->E + 1), row + 1, (size_t)(p->E + 1) * sizeof *loss);
        spent[s.tokens] = count_of(p, p->subject[i]);
        budget += spent[s.tokens++];
        rule += row[0];
        asked += predictions(t, p, p->subject[i]);
    }
    s.experts = s.tokens ? (double)budget / s.tokens : NAN;
    s.rule = rule / asked;
    s.best = s.tokens ? probe_spread(loss, s.tokens, p->E, budget, best) / asked : NAN;
    s.even = s.tokens ? spread_evenly(loss, s.tokens, p->E, s.experts) / asked : NAN;
    s.regret = s.rule - s.best;
    for (int i = 0; i < s.tokens; i++) agree += spent[i] == best[i];
    s.agree = agree / s.tokens;
    t->now.regret = s;
    free(loss);
    return true;
}
