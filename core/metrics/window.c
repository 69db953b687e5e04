/* core/metrics/window.c - The window, token by token, and the strategy's own losses and metrics. */
#include "core/metrics/measure_host.h"

#include <stdlib.h>
#include <string.h>

/* ---- the strategy's own ---- */
static int width_of(const struct route_host *r, enum metric_kind kind)
{
    switch (kind) {
    case METRIC_SCALAR:
    case METRIC_PER_LAYER:
        return 1;
    case METRIC_PER_EXPERT:
        return r->E;
    case METRIC_PER_COLUMN:
        return r->N;
    case METRIC_PER_TOKEN:
        return r->T;
    case METRIC_PER_TOKEN_COLUMN:
        return r->T * r->N;
    }
    return 0;
}

static double mean_of(const double *at, int n)
{
    double sum = 0;
    int known = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(at[i])) sum += at[i], known++;
    return known ? sum / known : NAN;
}

/* Metric i of one layer, into the means over layers and beside those of the others. */
static void add_metric(struct measure *h, const struct route_host *r, int i, int layer, int L,
                       struct snapshot *to)
{
    const struct router_metric *metric = &r->router->metrics[i];
    int n = width_of(r, metric->kind);
    r->router->measure(r, i, h->metric);
    bool columns = metric->kind == METRIC_PER_EXPERT || metric->kind == METRIC_PER_COLUMN;
    for (int j = 0; columns && j < n; j++) to->rule_column[i][j] += (float)(h->metric[j] / L);
    bool numbers = columns || metric->kind == METRIC_PER_TOKEN_COLUMN;
    to->rule_layer[i][layer] = numbers ? NAN : (float)mean_of(h->metric, n);
    to->rule[i] += numbers ? NAN : mean_of(h->metric, n) / L;
}

void measure_rule(struct measure *h, struct model *m, struct snapshot *to)
{
    const struct router *router = m->config.router;
    for (int i = 0; i < ROUTER_LOSSES && router->losses[i].pressure; i++) {
        double sum = 0, value;
        for (int l = 0; l < m->L; l++) {
            struct route *r = &m->layer[l].moe.route;
            kn_read(m->be, &value, r->loss[i], 1);
            sum += route_loss_known(r, i) ? value : NAN;
        }
        to->losses[i] = sum / m->L;
        to->own.weight[i] = route_weight(&m->layer[0].moe.route, i);
    }
    for (int i = 0; router->measure && i < ROUTER_METRICS && router->metrics[i].name; i++) {
        to->rule[i] = 0;
        memset(to->rule_column[i], 0, sizeof to->rule_column[i]);
    }
    for (int l = 0; router->measure && l < m->L; l++) {
        struct route_host r = measure_layer(h, m, l);
        for (int i = 0; i < ROUTER_METRICS && router->metrics[i].name; i++)
            add_metric(h, &r, i, l, m->L, to);
    }
}

/* ---- the window ---- */
static void tell_layer(struct measure *h, struct model *m, int layer, struct snapshot *to)
{
    struct route_host r = measure_layer(h, m, layer);
    for (int t = 0; t < to->tokens; t++) {
        struct snap_token *token = &to->token[t];
        for (int j = 0; j < r.N; j++) {
            if (!r.mask[(size_t)t * (size_t)r.N + (size_t)j]) continue;
            token->taken[layer][j / 64] |= (uint64_t)1 << j % 64;
            if (j < r.E)
                token->count[layer]++;
            else
                token->zero[layer]++;
        }
    }
}

/* Metric i where it is more than one number. Of those per token and column, the first is brought. */
static void tell_own(struct measure *h, const struct route_host *r, int i, struct snapshot *to)
{
    enum metric_kind kind = r->router->metrics[i].kind;
    int columns = width_of(r, kind), cells = to->detail * r->N;
    bool first = kind == METRIC_PER_TOKEN_COLUMN && (to->own.cells < 0 || to->own.cells == i);
    if (kind == METRIC_SCALAR || kind == METRIC_PER_LAYER) return;
    if (kind == METRIC_PER_TOKEN_COLUMN && !first) return;
    r->router->measure(r, i, h->metric);
    if (kind == METRIC_PER_TOKEN)
        for (int t = 0; t < to->tokens; t++) to->rule_token[i][t] = (float)h->metric[t];
    else if (kind != METRIC_PER_TOKEN_COLUMN)
        for (int j = 0; j < columns; j++) to->own.column[i][j] = (float)h->metric[j];
    for (int j = 0; first && j < cells; j++) to->own.cell[j] = (float)h->metric[j];
    if (first) to->own.cells = i;
}

/* The arrays that pictures of one layer are drawn from. */
static void tell_focus(struct measure *h, struct model *m, struct snapshot *to)
{
    struct route_host r = measure_layer(h, m, to->focus);
    int room = SNAP_DETAIL / r.N;
    to->detail = room < to->tokens ? room : to->tokens;
    size_t size = (size_t)to->detail * (size_t)r.N * sizeof(float);
    memcpy(to->logits, r.logits, size);
    memcpy(to->prob, r.prob, size);
    memcpy(to->score, r.score, size);
    memcpy(to->gate, r.gate, size);
    for (int i = 0; r.router->measure && i < ROUTER_METRICS && r.router->metrics[i].name; i++)
        tell_own(h, &r, i, to);
}

static void tell_token(const struct measure *h, const struct model *m, const struct dataset *d,
                       const struct batch *b, int t, struct snap_token *to)
{
    int items = m->data.items, asked = 0, hits = 0;
    double loss = 0;
    *to = (struct snap_token){
        .id = b->id[t], .need = (int16_t)b->need[t], .kind = (int16_t)b->kind[t]};
    d->show(d, b, t, to->text, sizeof to->text);
    for (int i = t * items; i < (t + 1) * items; i++) {
        if (b->label[i] < 0) continue;
        asked++, hits += h->hit[i], loss += h->nll[i];
    }
    to->right = asked ? hits == asked : -1;
    to->loss = asked ? (float)(loss / asked) : NAN;
}

void measure_window(struct measure *h, struct model *m, const struct dataset *d,
                    const struct batch *b, int focus, struct snapshot *to)
{
    kn_read_f32(m->be, h->nll, m->nll, (size_t)b->T * (size_t)m->data.items);
    kn_read_ints(m->be, h->hit, m->hit, (size_t)b->T * (size_t)m->data.items);
    to->tokens = b->T < SNAP_TOKENS ? b->T : SNAP_TOKENS;
    to->focus = focus;
    for (int t = 0; t < to->tokens; t++) tell_token(h, m, d, b, t, &to->token[t]);
    for (int l = 0; l < m->L; l++) tell_layer(h, m, l, to);
    tell_focus(h, m, to);
}
