/* core/train/probe.c - What-if questions, piece by piece. First the window is routed by the rule;
 * then one forward answers many variants at once: each is a sequence (of orders: a row) that ends
 * with the token in question, the same but for the experts that this token is forced to take in
 * one layer. */
#include "core/train/probe_in.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_FLOPS 2e8   /* of one piece, about: up to ten milliseconds of one core */
#define REGRET_FLOPS 2e11 /* of a whole batch, about: a large model is asked about fewer tokens */
enum { REGRET_LEAST = 8 };

/* ---- asking ---- */
static struct probe *probe_of(struct trainer *t, struct err *e)
{
    if (!t->probe) t->probe = calloc(1, sizeof *t->probe);
    if (!t->probe) err_set(e, ERR_MEMORY, "not enough memory for a what-if question");
    return t->probe;
}

void probe_close(struct probe *p)
{
    if (!p) return;
    batch_close(&p->window);
    free(p->base), free(p->score), free(p->mask), free(p->nll);
    free(p);
}

static int window_tokens(const struct trainer *t)
{
    int sequences, context, own = t->own.typed + t->own.written - t->own.first;
    trainer_window_shape(t, &sequences, &context);
    bool typed = t->own.on && t->data->shape.text;
    return typed && own < sequences * context ? own : sequences * context;
}

bool probe_token(struct trainer *t, int token, struct err *e)
{
    int tokens = window_tokens(t);
    struct probe *p = probe_of(t, e);
    if (!p) return false;
    if (token < 0 || token >= tokens)
        return err_set(e, ERR_USAGE, "the window has the tokens 0 to %d; %d is not among them",
                       tokens - 1, token);
    p->regret_waits |= p->kind == PROBE_REGRET;
    p->kind = PROBE_TOKEN, p->token = token, p->begun = false;
    return true;
}

bool probe_regret(struct trainer *t, struct err *e)
{
    struct probe *p = probe_of(t, e);
    if (!p) return false;
    if (p->kind == PROBE_TOKEN)
        p->regret_waits = true;
    else
        p->kind = PROBE_REGRET, p->begun = false;
    return true;
}

enum probe_kind probe_busy(const struct trainer *t)
{
    return t->probe ? t->probe->kind : PROBE_NOTHING;
}

void probe_changed(struct trainer *t)
{
    if (t->probe) t->probe->begun = false;
    t->now.probe.stale = t->now.regret.stale = true;
}

static bool moved_on(const struct trainer *t, const struct probe *p)
{
    return !p->begun || p->step != t->step || p->layer != t->focus ||
           p->router != t->config.router || memcmp(p->knob, t->config.knob, sizeof p->knob) != 0 ||
           p->typed != t->own.typed + t->own.on || p->written != t->own.written ||
           p->number != t->own.number;
}

static void note(const struct trainer *t, struct probe *p)
{
    const struct route *r = &t->model->layer[0].moe.route;
    p->step = t->step, p->layer = t->focus, p->router = t->config.router;
    memcpy(p->knob, t->config.knob, sizeof p->knob);
    p->typed = t->own.typed + t->own.on, p->written = t->own.written, p->number = t->own.number;
    p->tokens = window_tokens(t);
    p->E = r->E, p->N = r->N, p->L = t->model->L;
    p->done = 0, p->begun = true;
}

/* ---- the rule's own pass ---- */
static double row_flops(const struct trainer *t, int length)
{
    const struct model *m = t->model;
    const struct moe *moe = &m->layer[0].moe;
    return model_fixed_flops(m, length) + m->L * (moe->route.E + 1) / 2.0 * moe_expert_flops(moe);
}

static int batch_size(const struct trainer *t, const struct probe *p)
{
    int length = (t->batch.context + 1) / 2; /* in the mean */
    double most = REGRET_FLOPS / ((p->E + 2) * length * row_flops(t, length));
    int n = most < REGRET_LEAST ? REGRET_LEAST : most > PROBE_BATCH ? PROBE_BATCH : (int)most;
    return n < p->tokens ? n : p->tokens;
}

static void choose_subjects(const struct trainer *t, struct probe *p)
{
    p->subjects = p->kind == PROBE_TOKEN ? 1 : batch_size(t, p);
    for (int i = 0; i < p->subjects; i++)
        p->subject[i] = (int)((int64_t)i * p->tokens / p->subjects);
    if (p->kind == PROBE_TOKEN) p->subject[0] = p->token;
    /* the rule; 0 .. E experts; each column the other way round */
    p->variants = 1 + p->E + 1 + (p->kind == PROBE_TOKEN ? p->N : 0);
}

static bool make_room(struct trainer *t, struct probe *p, struct err *e)
{
    size_t room = (size_t)p->L * (size_t)t->batch.T * (size_t)p->N,
           nlls = (size_t)p->subjects * (size_t)p->variants;
    if (room > p->room) {
        free(p->base), free(p->score);
        p->base = malloc(room), p->score = malloc(room * sizeof *p->score);
        p->room = p->base && p->score ? room : 0;
    }
    if (nlls > p->nlls) {
        free(p->nll);
        p->nll = malloc(nlls * sizeof *p->nll);
        p->nlls = p->nll ? nlls : 0;
    }
    if (!p->mask || p->rows < t->model->T_room || p->wide < p->N) {
        free(p->mask);
        p->rows = t->model->T_room, p->wide = p->N;
        p->mask = malloc((size_t)p->rows * (size_t)p->wide * sizeof *p->mask);
    }
    bool ok = p->room && p->nlls && p->mask;
    if (ok && p->window.T < t->batch.T) {
        batch_close(&p->window);
        ok = batch_open(&p->window, &t->data->shape, t->batch.sequences, t->batch.context, e);
    }
    return ok || err_set(e, ERR_MEMORY, "not enough memory for a what-if question");
}

static void copy_token(const struct trainer *t, struct batch *to, int row, const struct batch *from,
                       int token)
{
    const struct data_shape *s = &t->data->shape;
    size_t input = (size_t)s->input, items = (size_t)s->items;
    if (s->text)
        to->ids[row] = from->ids[token];
    else
        memcpy(to->x + (size_t)row * input, from->x + (size_t)token * input, input * sizeof *to->x);
    memcpy(to->label + (size_t)row * items, from->label + (size_t)token * items,
           items * sizeof *to->label);
    to->count[row] = from->count[token];
}

static bool route_window(struct trainer *t, struct probe *p, struct err *e)
{
    struct model *m = t->model;
    trainer_fill_window(t);
    choose_subjects(t, p);
    if (!make_room(t, p, e)) return p->begun = false;
    for (int i = 0; i < t->batch.T; i++) copy_token(t, &p->window, i, &t->batch, i);
    p->window.sequences = t->batch.sequences, p->window.context = t->batch.context;
    model_forward(m, false);
    size_t cells = (size_t)t->batch.T * (size_t)p->N;
    for (int l = 0; l < p->L; l++) {
        kn_read_ints(m->be, p->mask, m->layer[l].moe.route.mask, cells);
        for (size_t i = 0; i < cells; i++) p->base[(size_t)l * cells + i] = p->mask[i] != 0;
    }
    kn_read_f32(m->be, p->score, route_order(&m->layer[p->layer].moe.route), cells);
    if (p->kind == PROBE_TOKEN)
        probe_read(t, p);
    else
        probe_margins(t, p);
    return trainer_outlives(t, NULL, e); /* after a loss it begins anew */
}

/* ---- variants ---- */
const uint8_t *probe_taken(const struct probe *p, int layer, int token)
{
    size_t T = (size_t)p->window.sequences * (size_t)p->window.context;
    return p->base + ((size_t)layer * T + (size_t)token) * (size_t)p->N;
}

/* The picks of a variant: 0 as the rule; 1 + n: its n best experts, with the slots of the rule;
 * E + 2 + j: the rule's, with column j turned round. */
static void force_row(const struct probe *p, int token, int variant, int32_t *row)
{
    const uint8_t *base = probe_taken(p, p->layer, token);
    const float *score = p->score + (size_t)token * (size_t)p->N;
    for (int j = 0; j < p->N; j++) row[j] = base[j];
    if (variant >= p->E + 2) row[variant - p->E - 2] ^= 1;
    if (variant == 0 || variant >= p->E + 2) return;
    for (int j = 0; j < p->E; j++) row[j] = 0;
    for (int n = 1; n < variant; n++) {
        int best = -1;
        for (int j = 0; j < p->E; j++)
            if (!row[j] && (best < 0 || score[j] > score[best])) best = j;
        row[best] = 1;
    }
}

/* Rows of a variant of a subject: the token and, of text, what stands before it. */
static int length_of(const struct probe *p, int subject)
{
    return p->subject[subject] % p->window.context + 1;
}

/* How many of the next variants one forward answers: of one length, within room and patience. */
static int group_of(const struct trainer *t, const struct probe *p)
{
    const struct model *m = t->model;
    int first = p->done / p->variants, length = length_of(p, first), n = 1;
    double flops =
        model_fixed_flops(m, length) + m->L * (p->E + 1) / 2.0 * moe_expert_flops(&m->layer[0].moe);
    int all = p->subjects * p->variants - p->done;
    while (n < all && (n + 1) * length <= m->T_room && (n + 1) * length <= p->rows &&
           (n + 1) * length * flops <= PIECE_FLOPS &&
           length_of(p, (p->done + n) / p->variants) == length)
        n++;
    return n;
}

static void fill_variants(struct trainer *t, struct probe *p, int n, int length)
{
    struct batch *b = &t->batch;
    size_t items = (size_t)t->data->shape.items;
    b->sequences = n, b->context = length, b->T = n * length;
    for (int v = 0; v < n; v++) {
        int last = p->subject[(p->done + v) / p->variants];
        for (int i = 0; i < length; i++) {
            int row = v * length + i;
            copy_token(t, b, row, &p->window, last - length + 1 + i);
            if (i < length - 1)
                memset(b->label + (size_t)row * items, -1, items * sizeof *b->label);
        }
    }
}

static void force(struct trainer *t, struct probe *p, int layer, int n, int length)
{
    for (int v = 0; v < n; v++)
        for (int i = 0; i < length; i++) {
            int token = p->subject[(p->done + v) / p->variants] - length + 1 + i;
            int32_t *row = p->mask + (size_t)(v * length + i) * (size_t)p->N;
            bool asked = layer == p->layer && i == length - 1;
            force_row(p, token, asked ? (p->done + v) % p->variants : 0, row);
            if (layer == p->layer) continue;
            for (int j = 0; j < p->N; j++) row[j] = probe_taken(p, layer, token)[j];
        }
    moe_force(&t->model->layer[layer].moe, p->mask, n * length);
}

static bool answer_variants(struct trainer *t, struct probe *p, struct err *e)
{
    struct model *m = t->model;
    int length = length_of(p, p->done / p->variants), n = group_of(t, p), items = m->data.items;
    bool all = p->router->needs & SEES_FUTURE;
    fill_variants(t, p, n, length);
    trainer_input(t);
    for (int l = 0; l < m->L; l++)
        if (all || l == p->layer) force(t, p, l, n, length);
    model_forward(m, false);
    model_loss(m, false);
    for (int l = 0; l < m->L; l++) moe_force(&m->layer[l].moe, NULL, 0);
    for (int v = 0; v < n; v++) {
        float nll[DATA_ITEMS];
        size_t row = (size_t)(v * length + length - 1) * (size_t)items;
        int asked = 0;
        double sum = 0;
        kn_read_f32(m->be, nll, kn_part(m->be, m->nll, row), (size_t)items);
        for (int i = 0; i < items; i++)
            if (t->batch.label[row + (size_t)i] >= 0) asked++, sum += nll[i];
        p->nll[p->done + v] = asked ? sum : NAN;
    }
    p->done += n;
    return trainer_outlives(t, NULL, e);
}

bool probe_piece(struct trainer *t, struct err *e)
{
    struct probe *p = t->probe;
    if (!probe_busy(t)) return true;
    trainer_settle(t);
    t->fresh = false;
    if (moved_on(t, p)) {
        note(t, p);
        bool gone = p->kind == PROBE_TOKEN && p->token >= p->tokens;
        if (gone) p->kind = PROBE_NOTHING;
        return gone || route_window(t, p, e);
    }
    if (!answer_variants(t, p, e)) return false;
    if (!p->begun) return true; /* a device was lost: all of it again, on the CPU */
    if (p->done < p->subjects * p->variants) return true;
    if (p->kind == PROBE_TOKEN)
        probe_tell_token(t, p);
    else if (!probe_tell_regret(t, p, e))
        return false;
    p->kind = p->regret_waits ? PROBE_REGRET : PROBE_NOTHING;
    p->regret_waits = p->begun = false;
    return true;
}
