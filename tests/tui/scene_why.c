/* tests/tui/scene_why.c - An answer about one token: its loss falls with each of its best experts
 * by half of what is left, and rises a little with those that nobody needs. */
#include "tests/tui/scene_why.h"
#include "tui/views/facts.h"

#include <math.h>
#include <string.h>

static double loss_with(int n, int wanted)
{
    double loss = 2.4;
    for (int i = 0; i < n; i++) loss = i < wanted ? 0.3 * loss : loss + 0.011;
    return loss;
}

/* Four terms; what is left of the logit is in the others. */
static void add_terms(struct snap_column *c, double logit, int D)
{
    for (int i = 0; i < PROBE_TERMS; i++) {
        c->at[i] = (int16_t)(7 * i + 3);
        c->x[i] = (float)(1.5 - 0.2 * i), c->w[i] = (float)((i % 2 ? -0.31 : 0.42) + logit / 8);
    }
    c->dot = (float)logit, c->length = (float)(0.8 + 0.01 * D);
}

void scene_why(struct snapshot *s, int token, int layer)
{
    struct snap_probe *p = &s->probe;
    const struct snap_token *t = &s->token[token];
    int N = facts_columns(s), wanted = t->need > 0 ? t->need : 2, count = t->count[layer];
    size_t at = (size_t)token * (size_t)N;
    snap_probe_clear(p);
    p->step = s->step, p->token = token, p->layer = layer, p->E = s->E, p->N = N;
    p->id = t->id, p->router = s->router;
    memcpy(p->taken, t->taken[layer], sizeof p->taken);
    for (int n = 0; n <= s->E; n++) p->with[n] = (float)loss_with(n, wanted);
    p->loss = p->with[count];
    for (int e = 0; e < N; e++)
        p->other[e] = facts_taken(t, layer, e) ? p->loss + (float)(0.41 / (1 + e))
                                               : p->loss + (float)(e % 3 == 0 ? -0.012 : 0.002 * e);
    memcpy(p->logit, s->logits + at, (size_t)N * sizeof(float));
    memcpy(p->prob, s->prob + at, (size_t)N * sizeof(float));
    memcpy(p->score, s->score + at, (size_t)N * sizeof(float));
    memcpy(p->gate, s->gate + at, (size_t)N * sizeof(float));
    for (int j = 0; j < N && s->router->bars; j++) p->bar[j] = (float)(0.54 + 0.012 * j);
    for (int e = 0; e < s->E; e++) p->said[e] = (float)(1.2 + 0.3 * (e % 4));
    p->stream = 6.1f, p->x = 8, p->sum = 1.37f;
    p->columns = N < PROBE_COLUMNS ? N : PROBE_COLUMNS;
    bool used[COLUMNS_MAX] = {false};
    for (int k = 0; k < p->columns; k++) {
        int best = -1;
        for (int j = 0; j < N; j++)
            if (!used[j] && (best < 0 || p->score[j] > p->score[best])) best = j;
        used[best] = true;
        p->column[k] = (struct snap_column){.column = (int16_t)best};
        add_terms(&p->column[k], (double)p->logit[best], s->D);
    }
    s->regret = (struct snap_regret){.step = s->step,
                                     .layer = layer,
                                     .tokens = 64,
                                     .experts = s->experts_per_token,
                                     .rule = 0.355,
                                     .best = 0.304,
                                     .even = 0.366,
                                     .regret = 0.051,
                                     .agree = 0.12};
}
