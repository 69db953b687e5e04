/* core/train/probe_read.c - The numbers behind one choice: the router's dot products term by term,
 * the thresholds, and what every expert says to the token. */
#include "core/train/probe_in.h"

#include <math.h>
#include <string.h>

static float length_of(const double *at, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += at[i] * at[i];
    return (float)sqrt(sum);
}

static void read_rows(struct trainer *t, struct probe *p, struct snap_probe *s)
{
    const struct route *r = &t->model->layer[p->layer].moe.route;
    size_t at = (size_t)p->token * (size_t)p->N, n = (size_t)p->N;
    kn_read_f32(t->be, s->logit, kn_part(t->be, r->logits, at), n);
    kn_read_f32(t->be, s->prob, kn_part(t->be, r->prob, at), n);
    kn_read_f32(t->be, s->score, kn_part(t->be, r->score, at), n);
    kn_read_f32(t->be, s->gate, kn_part(t->be, r->gate, at), n);
}

/* A threshold on the scale of the scores is its own squashed form. An expert that is switched off
 * has neither score nor bar, and is preferred to none. */
void probe_margins(struct trainer *t, struct probe *p)
{
    const struct route *r = &t->model->layer[p->layer].moe.route;
    float bar[COLUMNS_MAX];
    if (!r->router->bars) return;
    struct kn_over over = r->router->bars(r);
    kn_squash(t->be, t->model->dtmp, over.bound, &over, 1, p->N);
    kn_read_f32(t->be, bar, t->model->dtmp, (size_t)p->N);
    for (int i = 0; i < r->T; i++)
        for (int j = 0; j < p->N; j++) {
            float *score = &p->score[(size_t)i * (size_t)p->N + (size_t)j];
            *score = *score == 0 && bar[j] == 0 ? -1 : *score - bar[j];
        }
    memcpy(p->answer.bar, bar, (size_t)p->N * sizeof *bar);
}

/* The largest terms of x · w by size, kept in order. */
static void add_up(struct snap_column *c, const double *x, const double *w, int D)
{
    double sum = 0;
    int kept = 0;
    for (int d = 0; d < D; d++) {
        double term = x[d] * w[d];
        sum += term;
        int at = kept < PROBE_TERMS ? kept++ : PROBE_TERMS;
        for (; at > 0 && fabs(term) > fabs((double)c->x[at - 1] * (double)c->w[at - 1]); at--) {
            if (at == PROBE_TERMS) continue;
            c->at[at] = c->at[at - 1], c->x[at] = c->x[at - 1], c->w[at] = c->w[at - 1];
        }
        if (at == PROBE_TERMS) continue;
        c->at[at] = (int16_t)d, c->x[at] = (float)x[d], c->w[at] = (float)w[d];
    }
    c->dot = (float)sum;
    c->length = length_of(w, D);
}

/* The best columns by score, each with its terms where w meets x itself. */
static void read_columns(struct trainer *t, struct probe *p, struct snap_probe *s)
{
    const struct route *r = &t->model->layer[p->layer].moe.route;
    const float *order = p->score + (size_t)p->token * (size_t)p->N;
    bool used[COLUMNS_MAX] = {false};
    int shape[3] = {0}, D = r->D;
    route_param_shape(r, 0, shape);
    bool meets = shape[1] == D;
    s->columns = p->N < PROBE_COLUMNS ? p->N : PROBE_COLUMNS;
    for (int k = 0; k < s->columns; k++) {
        struct snap_column *c = &s->column[k];
        int best = -1;
        for (int j = 0; j < p->N; j++)
            if (!used[j] && (best < 0 || order[j] > order[best])) best = j;
        used[best] = true;
        *c = (struct snap_column){.column = (int16_t)best, .dot = NAN, .length = NAN};
        if (!meets) continue;
        kn_read(t->be, p->w, kn_part(t->be, r->param[0], (size_t)best * (size_t)D), (size_t)D);
        add_up(c, p->x, p->w, D);
    }
}

/* Every expert hears the token, as if it alone were taken. */
static void read_said(struct trainer *t, struct probe *p, struct snap_probe *s, struct kn_buf x)
{
    struct model *m = t->model;
    struct moe *moe = &m->layer[p->layer].moe;
    double *said = p->w, *sum = p->x;
    size_t D = (size_t)m->D;
    for (int e = 0; e < p->E; e++) kn_copy(t->be, kn_part(t->be, m->dtmp, (size_t)e * D), x, D);
    moe_each(moe, m->dtmp);
    memset(sum, 0, D * sizeof *sum);
    for (int e = 0; e < p->E; e++) {
        bool taken =
            p->base[((size_t)p->layer * (size_t)t->batch.T + (size_t)p->token) * (size_t)p->N +
                    (size_t)e];
        kn_read(t->be, said, kn_part(t->be, moe->out, (size_t)e * D), D);
        s->said[e] = length_of(said, m->D);
        for (size_t d = 0; taken && d < D; d++) sum[d] += (double)s->gate[e] * said[d];
    }
    s->sum = length_of(sum, m->D);
}

void probe_read(struct trainer *t, struct probe *p)
{
    struct model *m = t->model;
    struct layer *layer = &m->layer[p->layer];
    struct snap_probe *s = &p->answer;
    size_t at = (size_t)p->token * (size_t)m->D, D = (size_t)m->D;
    struct kn_buf row = kn_part(t->be, layer->norm2.y, at);
    snap_probe_clear(s);
    read_rows(t, p, s);
    probe_margins(t, p);
    kn_read(t->be, p->x, kn_part(t->be, layer->mid, at), D);
    s->stream = length_of(p->x, m->D);
    kn_read(t->be, p->x, row, D);
    s->x = length_of(p->x, m->D);
    read_columns(t, p, s);
    read_said(t, p, s, row);
}
