/* core/train/save.c - A trainer to a file and back, bit by bit: weights and moments by name, router
 * state, and in the metadata the config and the place in time. Batches and starts are made by
 * index, so a step number is all of the random state there is. */
#include "core/model/checkpoint.h"
#include "core/train/inside.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METAS = 24 + CONFIG_COUNT + ROUTER_KNOBS };
static const char schema[] = "vanpool/1", first_moment[] = "optimizer.exp_avg",
                  second_moment[] = "optimizer.exp_avg_sq";

/* What of the place in time is numbers: saved and read by one table. */
static const struct place {
    const char *key;
    size_t offset;
    bool is_long;
} places[] = {
    {"step", offsetof(struct trainer, step), true},
    {"updates", offsetof(struct trainer, optimizer.updates), true},
    {"skipped", offsetof(struct trainer, skipped), true},
    {"rule_steps", offsetof(struct trainer, learning.age), true},
    {"rule_updates", offsetof(struct trainer, learning.updates), true},
    {"lr_scale", offsetof(struct trainer, lr_scale), false},
    {"tokens_seen", offsetof(struct trainer, tokens_seen), false},
    {"wall_s", offsetof(struct trainer, wall), false},
};
enum { PLACES = sizeof places / sizeof *places };

/* ---- saving ---- */
struct metas {
    struct checkpoint_pair pair[METAS];
    char key[METAS][48];
    int count;
};

static void meta(struct metas *m, const char *prefix, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void meta(struct metas *m, const char *prefix, const char *key, const char *format, ...)
{
    va_list args;
    int i = m->count++;
    snprintf(m->key[i], sizeof m->key[i], "%s%s", prefix, key);
    m->pair[i].key = m->key[i];
    va_start(args, format);
    vsnprintf(m->pair[i].value, sizeof m->pair[i].value, format, args);
    va_end(args);
}

static void describe(const struct trainer *t, struct metas *m)
{
    const struct config *c = &t->config;
    meta(m, "", "format", "pt");
    meta(m, "", "schema", "%s", schema);
    meta(m, "", "data", "%s", c->data);
    meta(m, "", "fingerprint", "%016llx", (unsigned long long)t->data->fingerprint);
    meta(m, "", "strategy", "%s", c->router->name);
    meta(m, "", "base", "%s", c->paper ? "paper" : "start");
    meta(m, "", "backend", "%s", kn_name(t->be));
    meta(m, "", "simd", "%s", kn_simd(t->be));
    for (int i = 0; i < CONFIG_COUNT; i++)
        meta(m, "config.", config_options[i].name, "%.17g", c->value[i]);
    for (int i = 0; i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        meta(m, "knob.", c->router->knobs[i].name, "%.17g", c->knob[i]);
    for (int i = 0; i < PLACES; i++) {
        const char *at = (const char *)t + places[i].offset;
        if (places[i].is_long)
            meta(m, "", places[i].key, "%ld", *(const long *)at);
        else
            meta(m, "", places[i].key, "%.17g", *(const double *)at);
    }
}

/* A layer's i-th state array by name. */
static void state_name(char *to, int size, int layer, const char *name)
{
    snprintf(to, (size_t)size, "model.layers.%d.block_sparse_moe.router.state.%s", layer, name);
}

struct states {
    int count;
    char name[SNAP_LAYERS * ROUTER_ARRAYS][PARAM_NAME];
    struct kn_buf at[SNAP_LAYERS * ROUTER_ARRAYS];
    size_t size[SNAP_LAYERS * ROUTER_ARRAYS];
};

static void list_states(const struct model *m, struct states *s)
{
    s->count = 0;
    for (int l = 0; l < m->L; l++) {
        const struct route *r = &m->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++, s->count++) {
            state_name(s->name[s->count], PARAM_NAME, l, r->router->state[i].name);
            s->at[s->count] = r->state[i];
            s->size[s->count] = (size_t)router_array_size(&r->router->state[i], r->E, r->S, r->D);
        }
    }
}

/* Reads the tensors of a block one behind the other, without the gaps. */
static void pack(const struct params *p, struct kn_buf block, double *to)
{
    for (int i = 0; i < p->count; to += p->list[i++].size)
        kn_read(p->be, to, params_at(p, block, i), p->list[i].size);
}

static bool write_model(struct trainer *t, const char *path, const struct metas *m, struct err *e)
{
    bool ok = false;
    const struct params *p = &t->model->params;
    struct states *s = malloc(sizeof *s);
    if (s) list_states(t->model, s);
    size_t n = p->count_of_numbers, state_numbers = 0;
    for (int i = 0; s && i < s->count; i++) state_numbers += s->size[i];
    int count = p->count + 2 + (s ? s->count : 0);
    struct checkpoint_out *out = calloc((size_t)count, sizeof *out);
    double *numbers = malloc((3 * n + state_numbers) * sizeof *numbers), *at = numbers;
    if (!s || !out || !numbers) {
        err_set(e, ERR_MEMORY, "not enough memory to save %s", io_tail(path));
        goto done;
    }
    pack(p, p->w, numbers), pack(p, p->m, numbers + n), pack(p, p->v, numbers + 2 * n);
    int k = 0;
    for (int i = 0; i < p->count; at += p->list[i++].size) {
        out[k] = (struct checkpoint_out){
            .name = p->list[i].name, .dims = p->list[i].dims, .at = at, .numbers = p->list[i].size};
        memcpy(out[k++].shape, p->list[i].shape, sizeof out->shape);
    }
    out[k++] = (struct checkpoint_out){
        .name = first_moment, .dims = 1, .shape = {(int)n}, .at = at, .numbers = n};
    out[k++] = (struct checkpoint_out){
        .name = second_moment, .dims = 1, .shape = {(int)n}, .at = at + n, .numbers = n};
    at += 2 * n;
    for (int i = 0; i < s->count; at += s->size[i++]) {
        kn_read(t->be, at, s->at[i], s->size[i]);
        out[k++] = (struct checkpoint_out){.name = s->name[i],
                                           .dims = 1,
                                           .shape = {(int)s->size[i]},
                                           .at = at,
                                           .numbers = s->size[i]};
    }
    ok = checkpoint_save(path, out, count, m->pair, m->count, kn_exact(t->be), e);
done:
    free(s), free(out), free(numbers);
    return ok;
}

/* "model.safetensors": config.json beside it; else STEM.config.json. False: the path is too long.
 */
static bool companion(const char *path, char *to, size_t size)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path,
               *dot = strrchr(name, '.');
    int folder = (int)(name - path),
        stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    int n = strcmp(name, "model.safetensors") == 0
                ? snprintf(to, size, "%.*sconfig.json", folder, path)
                : snprintf(to, size, "%.*s.config.json", folder + stem, path);
    return n > 0 && (size_t)n < size;
}

/* Would MixtralForCausalLM compute what this model does? */
static bool is_mixtral(const struct trainer *t)
{
    const struct config *c = &t->config;
    int renormalise = router_knob(c->router, "renormalise");
    return t->data->shape.text && strcmp(c->router->name, "topk") == 0 && renormalise >= 0 &&
           c->knob[renormalise] != 0 && config_int(c, CONFIG_EXPERT) == KN_SWIGLU &&
           config_int(c, CONFIG_SHARED) == 0;
}

/* The sizes under the names that Mixtral's config has for them; other models say that they are
 * none. */
static json_t *make_config(const struct trainer *t)
{
    const struct config *c = &t->config;
    int heads = config_int(c, CONFIG_HEADS), k = router_knob(c->router, "k"),
        aux = router_knob(c->router, "aux");
    bool mixtral = is_mixtral(t);
    json_t *all = json_object();
    json_object_set_new(all, "architectures",
                        json_pack("[s]", mixtral ? "MixtralForCausalLM" : "Vanpool"));
    json_object_set_new(all, "model_type", json_string(mixtral ? "mixtral" : "vanpool"));
    const struct {
        const char *key;
        int value;
    } whole[] = {
        {"hidden_size", t->model->D},
        {"intermediate_size", config_int(c, CONFIG_EXPERT_WIDTH)},
        {"num_hidden_layers", t->model->L},
        {"num_attention_heads", heads},
        {"num_key_value_heads", heads},
        {"head_dim", t->model->D / heads},
        {"num_local_experts", config_int(c, CONFIG_EXPERTS)},
        {"num_experts_per_tok", k >= 0 ? (int)c->knob[k] : 0},
        {"vocab_size", t->data->shape.input},
        {"max_position_embeddings", t->context},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        json_object_set_new(all, whole[i].key, json_integer(whole[i].value));
    json_object_set_new(all, "rms_norm_eps", json_real(KN_NORM_EPS));
    json_object_set_new(all, "rope_theta", json_real(ATTENTION_THETA));
    json_object_set_new(all, "router_aux_loss_coef", json_real(aux >= 0 ? c->knob[aux] : 0));
    json_object_set_new(all, "hidden_act", json_string("silu"));
    json_object_set_new(all, "tie_word_embeddings", json_false());
    json_object_set_new(all, "sliding_window", json_null());
    json_object_set_new(all, "bos_token_id", json_null());
    json_object_set_new(all, "eos_token_id", json_null());
    json_object_set_new(all, "torch_dtype", json_string(kn_exact(t->be) ? "float64" : "float32"));
    json_object_set_new(all, "router_type", json_string(c->router->name));
    return all;
}

static bool write_config(const struct trainer *t, const char *path, struct err *e)
{
    char place[4096];
    if (!companion(path, place, sizeof place))
        return err_set(e, ERR_FILE, "the path %s is too long", io_tail(path));
    json_t *all = make_config(t);
    char *made = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    if (!made) return err_set(e, ERR_MEMORY, "not enough memory to save %s", io_tail(place));
    const struct io_piece pieces[] = {{made, strlen(made)}, {"\n", 1}};
    bool ok = io_save(place, pieces, 2, e);
    free(made);
    return ok;
}

bool trainer_save(struct trainer *t, const char *path, struct err *e)
{
    struct metas *m = calloc(1, sizeof *m);
    if (!m) return err_set(e, ERR_MEMORY, "not enough memory to save %s", io_tail(path));
    describe(t, m);
    bool ok = write_model(t, path, m, e) && write_config(t, path, e);
    free(m);
    return ok;
}

/* ---- resuming ---- */
static bool lacks(const struct checkpoint *f, const char *key, struct err *e)
{
    return err_set(e, ERR_INPUT,
                   "%s is not a checkpoint of vanpool: its metadata has no proper '%s'", f->path,
                   key);
}

/* The value of prefix+name as an option of this range. */
static bool read_option(const struct checkpoint *f, const char *prefix, const struct option *o,
                        int E, int N, double *to, struct err *e)
{
    char key[64];
    struct err why;
    snprintf(key, sizeof key, "%s%s", prefix, o->name);
    const char *word = checkpoint_meta(f, key);
    if (!word) return lacks(f, key, e);
    if (!option_read(o, word, E, N, to, &why))
        return err_set(e, ERR_INPUT, "%s, metadata '%s': %s", f->path, key, why.text);
    return true;
}

static bool read_config(const struct checkpoint *f, struct config *c, const struct config *override,
                        struct err *e)
{
    struct err why;
    const char *form = checkpoint_meta(f, "schema"), *data = checkpoint_meta(f, "data"),
               *strategy = checkpoint_meta(f, "strategy"), *base = checkpoint_meta(f, "base");
    if (!form || strcmp(form, schema) != 0) return lacks(f, "schema", e);
    if (!data) return lacks(f, "data", e);
    if (!strategy) return lacks(f, "strategy", e);
    if (override && strcmp(override->data, data) != 0 && strncmp(data, "text:", 5) == 0 &&
        strncmp(override->data, "text:", 5) == 0)
        data = override->data; /* the text lies elsewhere now; its fingerprint will tell whether it
                                  is the same */
    if (!config_start(c, data, strategy, &why))
        return err_set(e, ERR_INPUT, "%s: %s", f->path, why.text);
    c->paper = base && strcmp(base, "paper") == 0;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (!read_option(f, "config.", &config_options[i], 0, 0, &c->value[i], e)) return false;
    for (int i = 0; i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        if (!read_option(f, "knob.", &c->router->knobs[i], config_int(c, CONFIG_EXPERTS),
                         COLUMNS_MAX, &c->knob[i], e))
            return false;
    return true;
}

/* What a person named here and now, where it leaves shapes, weights and the order of the data
 * alone. */
static void take_override(struct config *c, const struct config *o)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        bool fixed =
            config_options[i].flags & OPTION_SHAPES || i == CONFIG_SEED || i == CONFIG_TASK_SEED;
        if (o->named >> i & 1 && !fixed) c->value[i] = o->value[i], c->named |= 1u << i;
    }
    for (int i = 0; o->router == c->router && i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        if (o->knob_named >> i & 1 && !(c->router->knobs[i].flags & OPTION_SHAPES))
            c->knob[i] = o->knob[i], c->knob_named |= 1u << i;
    memcpy(c->backend, o->backend, sizeof c->backend);
    memcpy(c->simd, o->simd, sizeof c->simd);
    c->threads = o->threads;
}

static bool read_places(const struct checkpoint *f, struct trainer *t, struct err *e)
{
    for (int i = 0; i < PLACES; i++) {
        const struct option o = {.name = places[i].key,
                                 .kind = places[i].is_long ? OPTION_INT : OPTION_REAL,
                                 .max = 1e15};
        double value;
        if (!read_option(f, "", &o, 0, 0, &value, e)) return false;
        char *at = (char *)t + places[i].offset;
        if (places[i].is_long)
            *(long *)at = (long)value;
        else
            *(double *)at = value;
    }
    return true;
}

static bool same_data(const struct checkpoint *f, const struct trainer *t, struct err *e)
{
    char now[32];
    const char *then = checkpoint_meta(f, "fingerprint");
    if (!then) return lacks(f, "fingerprint", e);
    snprintf(now, sizeof now, "%016llx", (unsigned long long)t->data->fingerprint);
    return strcmp(now, then) == 0 ||
           err_set(
               e, ERR_INPUT,
               "%s was trained on other data than %s is now; give it the same data, or start anew",
               f->path, t->data->label);
}

static bool same_shape(const struct checkpoint_tensor *t, const struct param *a)
{
    if (t->dims != a->dims) return false;
    for (int i = 0; i < a->dims; i++)
        if (t->shape[i] != a->shape[i]) return false;
    return true;
}

static bool read_weights(const struct checkpoint *f, struct trainer *t, double *scratch,
                         struct err *e)
{
    const struct params *p = &t->model->params;
    const struct kn_buf moment[] = {p->m, p->v};
    size_t at = 0;
    for (int i = 0; i < p->count; at += p->list[i++].size) {
        const struct param *a = &p->list[i];
        const struct checkpoint_tensor *from = checkpoint_find(f, a->name);
        if (!from) return err_set(e, ERR_INPUT, "%s lacks the tensor '%s'", f->path, a->name);
        if (!same_shape(from, a))
            return err_set(e, ERR_INPUT, "%s: tensor '%s' has another shape than its config says",
                           f->path, a->name);
        if (!checkpoint_read(f, from, 0, scratch, a->size, e)) return false;
        kn_write(p->be, params_at(p, p->w, i), scratch, a->size);
        for (int k = 0; k < 2; k++) {
            const struct checkpoint_tensor *m =
                checkpoint_find(f, k ? second_moment : first_moment);
            if (!m)
                return err_set(e, ERR_INPUT, "%s lacks the tensor '%s'", f->path,
                               k ? second_moment : first_moment);
            if (!checkpoint_read(f, m, at, scratch, a->size, e)) return false;
            kn_write(p->be, params_at(p, moment[k], i), scratch, a->size);
        }
    }
    return true;
}

static bool read_states(const struct checkpoint *f, struct trainer *t, double *scratch,
                        struct states *s, struct err *e)
{
    list_states(t->model, s);
    for (int i = 0; i < s->count; i++) {
        const struct checkpoint_tensor *from = checkpoint_find(f, s->name[i]);
        if (!from) return err_set(e, ERR_INPUT, "%s lacks the tensor '%s'", f->path, s->name[i]);
        if (!checkpoint_read(f, from, 0, scratch, s->size[i], e)) return false;
        kn_write(t->be, s->at[i], scratch, s->size[i]);
    }
    return true;
}

static bool read_all(const struct checkpoint *f, struct trainer *t, struct err *e)
{
    const struct params *p = &t->model->params;
    size_t most = (size_t)t->model->D * COLUMNS_MAX;
    for (int i = 0; i < p->count; i++) most = p->list[i].size > most ? p->list[i].size : most;
    double *scratch = malloc(most * sizeof *scratch);
    struct states *s = malloc(sizeof *s);
    bool ok = (scratch && s) || err_set(e, ERR_MEMORY, "not enough memory to read %s", f->path);
    ok = ok && same_data(f, t, e) && read_weights(f, t, scratch, e) &&
         read_states(f, t, scratch, s, e) && read_places(f, t, e);
    free(scratch), free(s);
    return ok;
}

/* A config that a file claims is not believed before the file is large enough for it. */
static bool large_enough(const struct checkpoint *f, const struct config *c, struct err *e)
{
    double wanted = (double)config_int(c, CONFIG_LAYERS) * config_int(c, CONFIG_EXPERTS) *
                    config_int(c, CONFIG_EXPERT_WIDTH) * config_int(c, CONFIG_WIDTH) *
                    (c->value[CONFIG_EXPERT] == KN_SWIGLU ? 3 : 2),
           held = 0;
    for (int i = 0; i < f->count; i++) held += (double)f->tensor[i].numbers;
    return 3 * wanted <= held ||
           err_set(e, ERR_INPUT,
                   "%s holds %.0f numbers, fewer than the model that its config describes", f->path,
                   held);
}

struct trainer *trainer_resume(const char *path, const struct config *override, struct err *e)
{
    struct checkpoint f;
    struct config c;
    struct trainer *t = NULL;
    if (!checkpoint_open(&f, path, e)) return NULL;
    if (read_config(&f, &c, override, e) && large_enough(&f, &c, e)) {
        struct err why = {0};
        if (override) take_override(&c, override);
        t = trainer_open(&c, &why);
        if (!t)
            err_set(e, why.code == ERR_USAGE ? ERR_INPUT : why.code, "%s: %s", f.path, why.text);
    }
    if (t && !read_all(&f, t, e)) {
        trainer_close(t);
        t = NULL;
    }
    checkpoint_close(&f);
    if (!t) return NULL;
    model_repack(t->model);
    trainer_keep(t);
    trainer_identify(t);
    return t;
}
