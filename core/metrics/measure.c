/* core/metrics/measure.c - Tallies: masks, gates and hits of a batch, added up; and what the sums
 * mean. */
#include "core/metrics/measure_host.h"

#include <stdlib.h>
#include <string.h>

/* ---- host copies ---- */
struct measure *measure_open(const struct model *m, struct err *e)
{
    const struct route *r = &m->layer[0].moe.route;
    size_t T = (size_t)m->T_room, cells = T * (size_t)r->N, side = T * (size_t)r->M,
           items = T * (size_t)m->data.items, states = 0;
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++)
        states += (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
    struct measure *h = calloc(1, sizeof *h);
    if (!h) goto failed;
    h->real = malloc((4 * cells + side + items) * sizeof *h->real);
    h->whole = malloc((cells + 3 * T + items) * sizeof *h->whole);
    h->wide = malloc((cells + states + 1) * sizeof *h->wide);
    if (!h->real || !h->whole || !h->wide) goto failed;
    h->logits = h->real, h->prob = h->logits + cells, h->score = h->prob + cells,
    h->gate = h->score + cells;
    h->side_gate = h->gate + cells, h->nll = h->side_gate + side;
    h->mask = h->whole, h->valid = h->mask + cells, h->document = h->valid + T,
    h->total = h->document + T, h->hit = h->total + T;
    h->metric = h->wide, h->state = h->wide + cells;
    return h;
failed:
    measure_close(h);
    err_set(e, ERR_MEMORY, "not enough memory to measure batches of %d tokens", m->T_room);
    return NULL;
}

void measure_close(struct measure *h)
{
    if (h) free(h->real), free(h->whole), free(h->wide);
    free(h);
}

struct route_host measure_layer(struct measure *h, struct model *m, int layer)
{
    const struct route *r = &m->layer[layer].moe.route;
    size_t cells = (size_t)r->T * (size_t)r->N;
    struct route_host host = {.router = r->router,
                              .knob = r->knob,
                              .T = r->T,
                              .E = r->E,
                              .N = r->N,
                              .M = r->M,
                              .logits = h->logits,
                              .prob = h->prob,
                              .score = h->score,
                              .gate = h->gate,
                              .side_gate = h->side_gate,
                              .mask = h->mask,
                              .valid = h->valid,
                              .document = r->document.at ? h->document : NULL};
    kn_read_f32(m->be, h->logits, r->logits, cells);
    kn_read_f32(m->be, h->prob, r->prob, cells);
    kn_read_f32(m->be, h->score, r->score, cells);
    kn_read_f32(m->be, h->gate, r->gate, cells);
    if (r->M) kn_read_f32(m->be, h->side_gate, r->side_gate, (size_t)r->T * (size_t)r->M);
    kn_read_ints(m->be, h->mask, r->mask, cells);
    kn_read_ints(m->be, h->valid, r->valid, (size_t)r->T);
    if (r->document.at) kn_read_ints(m->be, h->document, r->document, (size_t)r->T);
    if (r->router->look) r->router->look(&m->layer[layer].moe.route, host.look);
    double *at = h->state;
    for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
        size_t n = (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
        kn_read(m->be, at, r->state[i], n);
        host.state[i] = at, at += n;
    }
    return host;
}

/* ---- adding up ---- */
static int most(int value, int bound)
{
    return value < bound ? value : bound;
}

static int kind_of(const struct batch *b, int t)
{
    return b->kind[t] < 0 ? -1 : most(b->kind[t], SNAP_KINDS - 1);
}

/* One token's picks by its class and, in the layer looked at, pair by pair. */
static void add_picks(struct tally *to, const struct route_host *r, const int32_t *mask, int kind,
                      int layer, int count)
{
    int taken[EXPERTS_MAX], n = 0;
    if (kind >= 0) to->experts[layer][kind] += count;
    if (layer != to->layer) return;
    for (int j = 0; j < r->N; j++) {
        if (!mask[j]) continue;
        if (kind >= 0) to->column[kind][j]++;
        if (j < r->E) taken[n++] = j;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) to->together[taken[i]][taken[k]]++;
}

static void add_layer(struct measure *h, struct tally *to, struct model *m, const struct batch *b,
                      int layer, int rows)
{
    struct route_host r = measure_layer(h, m, layer);
    int32_t dropped;
    kn_read_ints(m->be, &dropped, m->layer[layer].moe.route.dropped, 1);
    if (!kn_sync(m->be, NULL, NULL)) return; /* counts of a dead device are no counts */
    to->dropped += dropped;
    r.T = rows;
    for (int t = 0; t < rows; t++) {
        const int32_t *mask = r.mask + (size_t)t * (size_t)r.N;
        int count = 0;
        bool copied = false;
        for (int j = 0; j < r.N; j++) {
            to->picks[layer][j] += mask[j];
            if (j < r.E) count += mask[j];
            if (mask[j] && moe_copies(&m->layer[layer].moe, j)) copied = true;
        }
        add_picks(to, &r, mask, kind_of(b, t), layer, count);
        to->copied[layer] += copied;
        to->squares[layer] += (double)count * count;
        h->total[t] += count;
        to->share[layer][most(count, SNAP_COUNTS)]++;
        to->no_expert += count == 0;
        to->nonfinite += !r.valid[t];
        if (r.valid[t]) to->entropy += host_entropy(&r, t);
    }
    to->gate_sum += rows * host_gate_sum(&r);
    to->blind += rows * host_blind_share(&r);
}

void measure_add(struct measure *h, struct tally *to, struct model *m, const struct batch *b,
                 int rows)
{
    int items = m->data.items;
    kn_read_f32(m->be, h->nll, m->nll, (size_t)b->T * (size_t)items);
    kn_read_ints(m->be, h->hit, m->hit, (size_t)b->T * (size_t)items);
    memset(h->total, 0, (size_t)rows * sizeof *h->total);
    for (int l = 0; l < m->L; l++) add_layer(h, to, m, b, l, rows);
    for (int t = 0; t < rows; t++) {
        int asked = 0, hits = 0, kind = kind_of(b, t);
        double nll = 0;
        for (int i = t * items; i < (t + 1) * items; i++) {
            if (b->label[i] < 0) continue;
            asked++, hits += h->hit[i];
            nll += h->nll[i];
        }
        bool right = asked > 0 && hits == asked;
        to->nll += nll;
        if (kind >= 0) {
            to->kinds[kind]++, to->kind_judged[kind] += asked > 0, to->kind_right[kind] += right;
            to->kind_asked[kind] += asked, to->kind_nll[kind] += nll;
        }
        to->predictions += asked, to->hits += hits;
        to->judged += asked > 0, to->right += right;
        if (b->need[t] < 0) continue;
        int need = most(b->need[t], SNAP_NEEDS);
        to->joint[need][most(h->total[t], TALLY_COUNTS - 1)]++;
        to->right_by_need[need] += right;
    }
    to->tokens += rows;
}

/* ---- what the sums mean ---- */
/* Spearman's rho from the table of joint frequencies: a value's rank is the mean of the ranks that
 * it shares. */
double measure_rho(const struct tally *y, bool need_known)
{
    double by_need[SNAP_NEEDS + 1] = {0}, by_count[TALLY_COUNTS] = {0}, n = 0;
    double rank_need[SNAP_NEEDS + 1], rank_count[TALLY_COUNTS];
    for (int i = 0; i <= SNAP_NEEDS; i++)
        for (int k = 0; k < TALLY_COUNTS; k++)
            by_need[i] += y->joint[i][k], by_count[k] += y->joint[i][k], n += y->joint[i][k];
    if (!need_known || n == 0) return NAN;
    double before = 0, mean = (n + 1) / 2, both = 0, needs = 0, counts = 0;
    for (int i = 0; i <= SNAP_NEEDS; before += by_need[i++])
        rank_need[i] = before + (by_need[i] + 1) / 2 - mean;
    before = 0;
    for (int k = 0; k < TALLY_COUNTS; before += by_count[k++])
        rank_count[k] = before + (by_count[k] + 1) / 2 - mean;
    for (int i = 0; i <= SNAP_NEEDS; i++) needs += by_need[i] * rank_need[i] * rank_need[i];
    for (int k = 0; k < TALLY_COUNTS; k++) counts += by_count[k] * rank_count[k] * rank_count[k];
    for (int i = 0; i <= SNAP_NEEDS; i++)
        for (int k = 0; k < TALLY_COUNTS; k++)
            if (y->joint[i][k] > 0) both += y->joint[i][k] * rank_need[i] * rank_count[k];
    return counts == 0 ? 0 : needs == 0 ? NAN : both / sqrt(counts * needs);
}

static double experts(const struct tally *y, const struct model *m)
{
    double sum = 0;
    for (int l = 0; l < m->L; l++)
        for (int j = 0; j < m->layer[l].moe.route.E; j++) sum += y->picks[l][j];
    return y->tokens > 0 ? sum / y->tokens / m->L : NAN;
}

/* Standard deviation of the tokens' experts, mean over layers. */
static double spread(const struct tally *y, const struct model *m)
{
    double sum = 0;
    for (int l = 0; l < m->L; l++) {
        double mean = 0;
        for (int j = 0; j < m->layer[l].moe.route.E; j++) mean += y->picks[l][j] / y->tokens;
        sum += sqrt(fmax(y->squares[l] / y->tokens - mean * mean, 0));
    }
    return y->tokens > 0 ? sum / m->L : NAN;
}

static double zero_compute(const struct tally *y, const struct model *m)
{
    const struct route *r = &m->layer[0].moe.route;
    double sum = 0;
    for (int l = 0; l < m->L; l++)
        for (int j = r->E; j < r->N; j++) sum += y->picks[l][j];
    return r->S > 0 && y->tokens > 0 ? sum / y->tokens / m->L : NAN;
}

static void tell_load(const struct tally *y, const struct model *m, struct snapshot *to)
{
    to->load_max_over_mean = to->load_cv = to->dead_experts = NAN;
    for (int l = 0; l < m->L; l++) {
        int E = m->layer[l].moe.route.E, N = m->layer[l].moe.route.N, dead = 0;
        double sum = 0, top = 0, squares = 0;
        for (int j = 0; j < E; j++) {
            sum += y->picks[l][j], dead += y->picks[l][j] == 0;
            top = fmax(top, y->picks[l][j]);
        }
        double mean = sum / E;
        for (int j = 0; j < E; j++) squares += (y->picks[l][j] - mean) * (y->picks[l][j] - mean);
        for (int j = 0; j < N; j++) to->load[l][j] = sum > 0 ? (float)(y->picks[l][j] / mean) : NAN;
        for (int k = 0; k <= SNAP_COUNTS; k++)
            to->count_share[l][k] = (float)(y->share[l][k] / y->tokens);
        to->dead_experts = fmax(to->dead_experts, dead); /* fmax passes NaN by */
        if (sum == 0) continue;
        to->load_max_over_mean = fmax(to->load_max_over_mean, top / mean);
        to->load_cv = fmax(to->load_cv, sqrt(squares / E) / mean);
    }
}

static void tell_need(const struct tally *y, const struct model *m, bool known, struct snapshot *to)
{
    double exact = 0, wasted = 0, shorted = 0, all = 0;
    for (int i = 0; i <= SNAP_NEEDS; i++) {
        double n = 0, picks = 0;
        for (int k = 0; k < TALLY_COUNTS; k++) {
            double tokens = y->joint[i][k];
            n += tokens, picks += tokens * k;
            *(k == i * m->L ? &exact : k > i * m->L ? &wasted : &shorted) += tokens;
        }
        all += n;
        to->need_share[i] = known ? (float)(n / y->tokens) : NAN;
        to->experts_by_need[i] = n > 0 ? (float)(picks / n / m->L) : NAN;
        to->right_by_need[i] = n > 0 ? (float)(y->right_by_need[i] / n) : NAN;
    }
    to->exact = all > 0 ? exact / all : NAN;
    to->wasted = all > 0 ? wasted / all : NAN;
    to->shorted = all > 0 ? shorted / all : NAN;
}

static float part(double some, double of)
{
    return of > 0 ? (float)(some / of) : NAN;
}

static void tell_picks(const struct tally *y, const struct model *m, struct snap_picks *to)
{
    const struct route *r = &m->layer[y->layer].moe.route;
    snapshot_forget_picks(to);
    to->layer = y->layer;
    for (int k = 0; k < SNAP_KINDS; k++) {
        if (y->kinds[k] == 0) continue;
        to->share[k] = part(y->kinds[k], y->tokens);
        to->right[k] = part(y->kind_right[k], y->kind_judged[k]);
        to->loss[k] = part(y->kind_nll[k], y->kind_asked[k]);
        for (int l = 0; l < m->L; l++) to->experts[l][k] = part(y->experts[l][k], y->kinds[k]);
        for (int j = 0; j < r->N; j++) to->column[k][j] = part(y->column[k][j], y->kinds[k]);
    }
    for (int i = 0; i < r->E; i++)
        for (int j = 0; j < r->E; j++) to->together[i][j] = part(y->together[i][j], y->tokens);
}

static void tell_flops(const struct tally *y, const struct model *m, struct snapshot *to)
{
    double routed = 0, slots = 0, shared = 0, all = 0;
    for (int l = 0; l < m->L; l++) {
        const struct moe *e = &m->layer[l].moe;
        for (int j = 0; j < e->route.E; j++) routed += y->picks[l][j] * moe_expert_flops(e);
        slots += moe_slot_flops(e, y->picks[l], y->copied[l]);
        shared += moe_shared_flops(e);
        all += e->route.E * moe_expert_flops(e);
    }
    to->expert_flops_per_token = routed / y->tokens + shared;
    to->flops_per_token = model_fixed_flops(m, m->C) + (routed + slots) / y->tokens;
    bool reaches = route_reaches(m->config.router, m->config.knob);
    to->train_flops_per_token =
        3 * (to->flops_per_token + (reaches ? all - routed / y->tokens : 0));
}

void measure_step(const struct tally *y, const struct model *m, struct snapshot *to)
{
    double pairs = y->tokens * m->L;
    to->loss = y->predictions > 0 ? y->nll / y->predictions : NAN;
    to->accuracy = y->judged > 0 ? y->right / y->judged : NAN;
    to->item_accuracy = y->predictions > 0 ? y->hits / y->predictions : NAN;
    to->bits_per_char = m->data.text ? to->loss / M_LN2 : NAN;
    to->experts_per_token = experts(y, m);
    to->experts_spread = spread(y, m);
    to->zero_compute_per_token = zero_compute(y, m);
    to->tokens_without_expert = y->no_expert / pairs;
    to->nonfinite_tokens = y->nonfinite;
    to->dropped_pairs = y->dropped;
    to->router_entropy = m->config.router->softmax ? y->entropy / pairs : NAN;
    to->gate_sum = y->gate_sum / pairs;
    to->router_blind_tokens = y->blind / pairs;
    bool known = false;
    for (int i = 0; i <= SNAP_NEEDS; i++)
        for (int k = 0; k < TALLY_COUNTS; k++) known |= y->joint[i][k] > 0;
    to->count_need_rho = measure_rho(y, known);
    tell_load(y, m, to);
    tell_need(y, m, known, to);
    tell_flops(y, m, to);
    tell_picks(y, m, &to->picks);
}

void measure_val(const struct tally *y, const struct model *m, struct snapshot *to)
{
    to->val_loss = y->predictions > 0 ? y->nll / y->predictions : NAN;
    to->val_accuracy = y->judged > 0 ? y->right / y->judged : NAN;
    to->val_experts_per_token = experts(y, m);
    to->val_count_need_rho = measure_rho(y, true);
    to->val_bits_per_char = m->data.text ? to->val_loss / M_LN2 : NAN;
    tell_picks(y, m, &to->val_picks);
}
