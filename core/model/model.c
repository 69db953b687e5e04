/* core/model/model.c - The pass, in reading order. Residual stream u:
 *   u = input(x);  per layer: text only: u += attention(norm(u));  u += experts(norm(u));  logits =
 * head(norm(u)). Starts: matrices N(0, 1/columns); what is added to the stream is drawn smaller, so
 * that u keeps its size through the layers: o N(0, 1/(2 L D)), w2 N(0, 1/(2 L H)), for features w2
 * N(0, .25/H) and input N(0, 1/inputs of an item); embedding and text head
 * N(0, .02^2): the first loss is that of a guess, and a byte soon means what its layers make of it
 * (measured after 500 steps of `tiny`: 3.27 bits a byte against 3.36 with N(0, 1)). */
#include "core/model/model.h"
#include "core/data/control.h"
#include "core/model/part.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- making it ---- */
static struct param matrix(const char *name, int rows, int cols, double scale)
{
    struct param a = {.shape = {rows, cols}, .decay = true, .start = START_NORMAL, .scale = scale};
    snprintf(a.name, sizeof a.name, "%s", name);
    return a;
}

static void declare_norm(struct norm *n, struct params *p, const char *name, int layer, int D)
{
    struct param a = {.shape = {D}, .start = START_ONE};
    if (layer >= 0)
        snprintf(a.name, sizeof a.name, "model.layers.%d.%s.weight", layer, name);
    else
        snprintf(a.name, sizeof a.name, "%s.weight", name);
    n->at = params_add(p, a);
}

static void declare(struct model *m)
{
    const struct config *c = &m->config;
    const struct data_shape *data = &m->data;
    struct params *p = &m->params;
    int D = m->D, H = config_int(c, CONFIG_EXPERT_WIDTH), outputs = data->items * data->classes;
    bool text = data->text;
    double thin = sqrt(1 / (2.0 * m->L));
    m->input_at =
        text
            ? params_add(p, matrix("model.embed_tokens.weight", data->input, D, 0.02))
            : params_add(p, matrix("model.input.weight", D, data->input, sqrt(1.0 / data->active)));
    for (int l = 0; l < m->L; l++) {
        struct layer *y = &m->layer[l];
        if (text) {
            declare_norm(&y->norm1, p, "input_layernorm", l, D);
            attention_declare(&y->attention, D, config_int(c, CONFIG_HEADS), l, thin / sqrt(D), p);
        }
        declare_norm(&y->norm2, p, "post_attention_layernorm", l, D);
        struct moe_shape shape = {.T = m->T_room,
                                  .D = D,
                                  .E = config_int(c, CONFIG_EXPERTS),
                                  .H = H,
                                  .shared = config_int(c, CONFIG_SHARED),
                                  .layer = l,
                                  .layers = m->L,
                                  .act = (enum kn_act)config_int(c, CONFIG_EXPERT),
                                  .down_scale = (text ? thin : 0.5) / sqrt(H)};
        moe_declare(&y->moe, &shape, c->router, c->knob, p);
        y->moe.route.before = l > 0 ? &m->layer[l - 1].moe.route : NULL;
    }
    declare_norm(&m->last, p, "model.norm", -1, D);
    m->head_at = params_add(p, matrix("lm_head.weight", outputs, D, text ? 0.02 : 1 / sqrt(D)));
    if (text) return;
    struct param bias = {.name = "lm_head.bias", .shape = {outputs}, .start = START_ZERO};
    m->bias_at = params_add(p, bias);
}

static void place_norm(struct norm *n, struct memory *mem, size_t T, size_t D)
{
    n->y = memory_take(mem, T * D);
    n->inv = memory_take(mem, T);
}

static void place(struct model *m)
{
    struct memory *mem = &m->memory;
    size_t T = (size_t)m->T_room, D = (size_t)m->D, items = T * (size_t)m->data.items;
    bool text = m->data.text;
    if (text)
        m->ids = memory_take_ints(mem, T), m->document = memory_take_ints(mem, T);
    else
        m->x = memory_take(mem, T * (size_t)m->data.input);
    m->label = memory_take_ints(mem, items);
    m->counts = memory_take_ints(mem, T);
    m->hit = memory_take_ints(mem, items);
    m->bad = memory_take_ints(mem, 2 * SNAP_LAYERS);
    m->du = memory_take(mem, T * D);
    m->dtmp = memory_take(mem, T * D);
    m->y = memory_take(mem, T * D);
    m->drows = memory_take(mem, text ? 3 * T * D : 0);
    size_t columns = (size_t)m->layer[0].moe.route.N;
    m->on = memory_take(mem, T * columns), m->away = memory_take(mem, columns);
    m->rows_out = memory_take(mem, T * (size_t)moe_rows(&m->layer[0].moe) * D);
    bool learns = m->config.router->learn;
    m->reward = memory_take(mem, learns ? T : 0);
    m->baseline = memory_take(mem, learns ? T : 0);
    for (int l = 0; l < m->L; l++) {
        struct layer *y = &m->layer[l];
        y->in = memory_take(mem, T * D);
        y->mid = text ? memory_take(mem, T * D) : y->in;
        if (text) place_norm(&y->norm1, mem, T, D);
        if (text) attention_place(&y->attention, mem, m->T_room, m->drows, m->y);
        place_norm(&y->norm2, mem, T, D);
        moe_place(&y->moe, mem, m->rows_out);
        y->moe.route.document = m->document; /* NULL where tokens have no order */
        y->moe.route.learning.reward = m->reward, y->moe.route.learning.baseline = m->baseline;
        if (m->bad.at) { /* side by side: one read a step */
            y->moe.route.bad = kn_part_ints(m->bad, (size_t)l);
            y->moe.route.side_bad = kn_part_ints(m->bad, (size_t)(SNAP_LAYERS + l));
        }
        moe_follow(&y->moe, l > 0 ? &m->layer[l - 1].moe : NULL);
    }
    m->out = memory_take(mem, T * D);
    place_norm(&m->last, mem, T, D);
    m->logits = memory_take(mem, items * (size_t)m->data.classes);
    m->nll = memory_take(mem, items);
    m->loss = memory_take(mem, 1);
}

static void open_norm(struct norm *n, const struct params *p)
{
    n->gain = params_at(p, p->w, n->at), n->dgain = params_at(p, p->g, n->at);
}

static bool open_parts(struct model *m, struct err *e)
{
    struct params *p = &m->params;
    for (int l = 0; l < m->L; l++) {
        struct layer *y = &m->layer[l];
        if (m->data.text && !attention_open(&y->attention, p, e)) return false;
        if (m->data.text) open_norm(&y->norm1, p);
        open_norm(&y->norm2, p);
        if (!moe_open(&y->moe, p, e)) return false;
    }
    open_norm(&m->last, p);
    const struct param *head = &p->list[m->head_at], *input = &p->list[m->input_at];
    bool ok = kn_weight_open(m->be, &m->head, params_at(p, p->w, m->head_at), KN_DENSE, 1,
                             head->shape[0], m->D, false);
    if (ok && !m->data.text)
        ok = kn_weight_open(m->be, &m->input, params_at(p, p->w, m->input_at), KN_DENSE, 1, m->D,
                            input->shape[1], false);
    return ok ||
           err_set(e, ERR_MEMORY, "not enough memory for the model's head; try a smaller --width");
}

/* The config's fleet becomes that of the routes. */
static void set_fleet(struct model *m)
{
    uint64_t off = fleet_off(&m->config.fleet);
    double on[COLUMNS_MAX], away[COLUMNS_MAX];
    int N = m->layer[0].moe.route.N, E = m->layer[0].moe.route.E;
    for (int j = 0; j < N; j++) {
        bool out = j < E && off >> j & 1;
        on[j] = !out, away[j] = out ? FLEET_AWAY : 0;
    }
    for (int t = 0; off && t < m->T_room; t++)
        kn_write(m->be, kn_part(m->be, m->on, (size_t)t * (size_t)N), on, (size_t)N);
    if (off) kn_write(m->be, m->away, away, (size_t)N);
    for (int l = 0; l < m->L; l++) {
        struct route *r = &m->layer[l].moe.route;
        r->off = off;
        r->on = off ? m->on : (struct kn_buf){0}, r->away = off ? m->away : (struct kn_buf){0};
    }
}

bool model_open(struct model *m, struct kn_backend *be, const struct config *c,
                const struct data_shape *data, int T_room, struct err *e)
{
    *m = (struct model){.be = be, .config = *c, .data = *data, .T_room = T_room};
    m->L = config_int(c, CONFIG_LAYERS), m->D = config_int(c, CONFIG_WIDTH);
    declare(m);
    if (!params_open(&m->params, be, e)) goto failed;
    m->memory.be = be;
    place(m);
    if (!memory_open(&m->memory)) {
        err_set(e, ERR_MEMORY,
                "not enough memory for batches of %d tokens; try a smaller --batch or --context",
                T_room);
        goto failed;
    }
    place(m);
    if (!params_start(&m->params, (uint64_t)c->value[CONFIG_SEED], e) || !open_parts(m, e))
        goto failed;
    set_fleet(m);
    model_repack(m);
    return true;
failed:
    model_close(m);
    return false;
}

void model_close(struct model *m)
{
    if (!m->be) return;
    for (int l = 0; l < m->L; l++) {
        attention_close(&m->layer[l].attention);
        moe_close(&m->layer[l].moe);
    }
    kn_weight_close(m->be, &m->input);
    kn_weight_close(m->be, &m->head);
    memory_close(&m->memory);
    params_close(&m->params);
    memset(m, 0, sizeof *m);
}

/* ---- another strategy ---- */
static bool same_arrays(const struct router_array *a, const struct router_array *b)
{
    for (int i = 0; i < ROUTER_ARRAYS; i++) {
        if (!a[i].name != !b[i].name) return false;
        if (!a[i].name) return true;
        if (strcmp(a[i].name, b[i].name) != 0 ||
            memcmp(a[i].shape, b[i].shape, sizeof a[i].shape) != 0)
            return false;
    }
    return true;
}

/* The kinds may differ: a slot that copies from now on is still the same column. */
static bool same_counts(const struct slot_run a[4], const struct slot_run b[4])
{
    for (int i = 0; i < 4; i++)
        if (a[i].count != b[i].count) return false;
    return true;
}

/* Have a layer's own arrays the shapes that they had with other knobs? */
static bool same_params(const struct route *r, const double *knob)
{
    struct route other = *r;
    other.knob = knob;
    for (int i = 0; i < ROUTER_ARRAYS && r->router->params[i].name; i++) {
        int a[3] = {0}, b[3] = {0};
        route_param_shape(r, i, a), route_param_shape(&other, i, b);
        if (memcmp(a, b, sizeof a) != 0 || route_param_size(r, i) != route_param_size(&other, i))
            return false;
    }
    for (int i = 0; i < ROUTER_ARRAYS; i++)
        if (route_kept_size(r, i, 1) < route_kept_size(&other, i, 1)) return false;
    return true;
}

bool model_same_shape(const struct model *m, const struct config *c)
{
    const struct router *a = m->config.router, *b = c->router;
    struct slot_run runs[4] = {0};
    if (router_slots(b, c->knob, config_int(c, CONFIG_EXPERTS), runs, NULL) !=
        m->layer[0].moe.route.S)
        return false;
    for (int i = 0; a == b && i < ROUTER_KNOBS && a->knobs[i].name; i++)
        if (a->knobs[i].flags & OPTION_SHAPES && m->config.knob[i] != c->knob[i]) return false;
    if (a == b)
        return same_counts(runs, m->layer[0].moe.runs) &&
               same_params(&m->layer[m->L - 1].moe.route, c->knob);
    /* Arrays of the strategy's own start anew with it, so that only two with nothing but w are
     * alike. */
    return m->layer[0].moe.route.S == 0 && !a->params[1].name && !a->state[0].name &&
           !a->score == !b->score && same_arrays(a->params, b->params) &&
           same_arrays(a->state, b->state);
}

void model_set_router(struct model *m, const struct config *c)
{
    m->config = *c;
    for (int l = 0; l < m->L; l++) moe_set_router(&m->layer[l].moe, c->router);
    set_fleet(m);
}

void model_repack(struct model *m)
{
    struct kn_weight *w[2 + (2 + MOE_WEIGHTS) * SNAP_LAYERS];
    int n = 0;
    w[n++] = &m->head;
    if (!m->data.text) w[n++] = &m->input;
    for (int l = 0; l < m->L; l++) {
        n += moe_weights(&m->layer[l].moe, w + n);
        if (m->data.text) n += attention_weights(&m->layer[l].attention, w + n);
    }
    kn_repack(m->be, w, n);
}

/* ---- the pass ---- */
static void write_documents(struct model *m, int context)
{
    enum { SOME = 256 };
    int32_t number[SOME];
    if (!m->data.text || context == m->document_context) return;
    for (int t = 0; t < m->T_room; t++) {
        number[t % SOME] = t / context;
        if (t % SOME == SOME - 1 || t == m->T_room - 1)
            kn_write_ints(m->be, kn_part_ints(m->document, (size_t)(t / SOME * SOME)), number,
                          (size_t)(t % SOME + 1));
    }
    m->document_context = context;
}

void model_input(struct model *m, const struct batch *b)
{
    size_t T = (size_t)b->T;
    m->T = b->T, m->B = b->sequences, m->C = b->context;
    write_documents(m, b->context);
    for (int l = 0; l < m->L; l++) m->layer[l].moe.route.context = m->data.text ? b->context : 0;
    if (m->data.text)
        kn_write_ints(m->be, m->ids, b->ids, T);
    else
        kn_write_f32(m->be, m->x, b->x, T * (size_t)m->data.input);
    kn_write_ints(m->be, m->label, b->label, T * (size_t)m->data.items);
    bool forced = config_int(&m->config, CONFIG_COUNTS) != CONTROL_NONE;
    if (forced) kn_write_ints(m->be, m->counts, b->count, T);
    for (int l = 0; l < m->L; l++)
        moe_force_counts(&m->layer[l].moe, forced ? m->counts : (struct kn_ints){0});
}

static void norm_forward(struct model *m, struct norm *n, struct kn_buf x)
{
    kn_rmsnorm(m->be, n->y, n->inv, x, n->gain, m->T, m->D);
}

static void norm_backward(struct model *m, struct norm *n, struct kn_buf dx, struct kn_buf dy,
                          struct kn_buf x, bool add)
{
    kn_rmsnorm_back(m->be, dx, n->dgain, dy, x, n->inv, n->gain, m->T, m->D, add);
}

void model_draw(struct model *m, uint32_t step)
{
    for (int l = 0; l < m->L; l++) {
        m->layer[l].moe.route.seed = (uint64_t)m->config.value[CONFIG_SEED];
        m->layer[l].moe.route.draw = step;
    }
}

void model_forward(struct model *m, bool training)
{
    struct kn_backend *be = m->be;
    size_t cells = (size_t)m->T * (size_t)m->D;
    kn_times_part(be, PART_DENSE);
    if (m->data.text)
        kn_embed(be, m->layer[0].in, m->ids, params_at(&m->params, m->params.w, m->input_at), m->T,
                 m->data.input, m->D);
    else
        kn_linear(be, m->layer[0].in, m->x, &m->input, m->T);
    for (int l = 0; l < m->L; l++) {
        struct layer *y = &m->layer[l];
        if (m->data.text) {
            norm_forward(m, &y->norm1, y->in);
            kn_times_part(be, PART_ATTENTION);
            attention_forward(&y->attention, m->y, y->norm1.y, m->B, m->C);
            kn_times_part(be, PART_DENSE);
            kn_add(be, y->mid, y->in, m->y, cells);
        }
        norm_forward(m, &y->norm2, y->mid);
        moe_forward(&y->moe, m->y, y->norm2.y, m->T, training);
        kn_times_part(be, PART_DENSE);
        kn_add(be, l + 1 < m->L ? m->layer[l + 1].in : m->out, y->mid, m->y, cells);
    }
    norm_forward(m, &m->last, m->out);
    kn_linear(be, m->logits, m->last.y, &m->head, m->T);
    if (!m->data.text)
        kn_bias(be, m->logits, params_at(&m->params, m->params.w, m->bias_at), m->T,
                m->data.items * m->data.classes);
}

void model_loss(struct model *m, bool gradient)
{
    kn_times_part(m->be, PART_LOSS);
    kn_cross_entropy(m->be, m->loss, m->nll, m->hit, gradient ? m->logits : (struct kn_buf){0},
                     m->logits, m->label, m->T * m->data.items, m->data.classes);
}

/* du is the gradient of the residual stream, walking from its end to its start. */
void model_backward(struct model *m)
{
    struct kn_backend *be = m->be;
    struct params *p = &m->params;
    kn_times_part(be, PART_DENSE);
    if (!m->data.text)
        kn_bias_back(be, params_at(p, p->g, m->bias_at), m->logits, m->T,
                     m->data.items * m->data.classes);
    kn_linear_back_w(be, params_at(p, p->g, m->head_at), m->logits, m->last.y, &m->head, m->T);
    kn_linear_back_x(be, m->dtmp, m->logits, &m->head, m->T, false);
    norm_backward(m, &m->last, m->du, m->dtmp, m->out, false);
    for (int l = m->L - 1; l >= 0; l--) {
        struct layer *y = &m->layer[l];
        moe_backward(&y->moe, m->dtmp, m->du);
        kn_times_part(be, PART_DENSE);
        norm_backward(m, &y->norm2, m->du, m->dtmp, y->mid, true);
        if (!m->data.text) continue;
        kn_times_part(be, PART_ATTENTION);
        attention_backward(&y->attention, m->dtmp, m->du, y->norm1.y, m->B, m->C);
        kn_times_part(be, PART_DENSE);
        norm_backward(m, &y->norm1, m->du, m->dtmp, y->in, true);
    }
    if (m->data.text)
        kn_embed_back(be, params_at(p, p->g, m->input_at), m->du, m->ids, m->T, m->data.input,
                      m->D);
    else
        kn_linear_back_w(be, params_at(p, p->g, m->input_at), m->du, m->x, &m->input, m->T);
}

void model_after_step(struct model *m)
{
    const struct router *r = m->config.router;
    for (int l = 0; r->after_step && l < m->L; l++) r->after_step(&m->layer[l].moe.route);
}

double model_fixed_flops(const struct model *m, int context)
{
    double flops = 2.0 * m->D * m->data.items * m->data.classes;
    if (!m->data.text) flops += 2.0 * m->D * m->data.input;
    for (int l = 0; l < m->L; l++) {
        flops += moe_fixed_flops(&m->layer[l].moe);
        if (m->data.text) flops += attention_flops(&m->layer[l].attention, context);
    }
    return flops;
}
