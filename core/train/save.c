/* core/train/save.c - A trainer to a file and back, bit by bit: weights and moments by name, router
 * state, and in the metadata the config and the place in time. Batches and starts are made by
 * index, so a step number is all of the random state there is. */
#include "core/train/saved.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METAS = 27 + CONFIG_COUNT + ROUTER_KNOBS };

const struct saved_place saved_places[SAVED_PLACES] = {
    {"step", offsetof(struct trainer, step), true},
    {"updates", offsetof(struct trainer, optimizer.updates), true},
    {"skipped", offsetof(struct trainer, skipped), true},
    {"rule_steps", offsetof(struct trainer, learning.age), true},
    {"rule_updates", offsetof(struct trainer, learning.updates), true},
    {"lr_scale", offsetof(struct trainer, lr_scale), false},
    {"tokens_seen", offsetof(struct trainer, tokens_seen), false},
    {"wall_s", offsetof(struct trainer, wall), false},
};

const struct saved_fleet saved_fleets[SAVED_FLEETS] = {
    {"broken", offsetof(struct fleet, broken)},
    {"retired", offsetof(struct fleet, retired)},
    {"frozen", offsetof(struct fleet, frozen)},
};

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
    meta(m, "", "schema", "%s", SAVED_SCHEMA);
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
    for (int i = 0; i < SAVED_FLEETS; i++)
        meta(m, "fleet.", saved_fleets[i].key, "%016llx",
             (unsigned long long)*(const uint64_t *)((const char *)&c->fleet +
                                                     saved_fleets[i].offset));
    for (int i = 0; i < SAVED_PLACES; i++) {
        const char *at = (const char *)t + saved_places[i].offset;
        if (saved_places[i].is_long)
            meta(m, "", saved_places[i].key, "%ld", *(const long *)at);
        else
            meta(m, "", saved_places[i].key, "%.17g", *(const double *)at);
    }
}

void saved_list_states(const struct model *m, struct saved_states *s)
{
    s->count = 0;
    for (int l = 0; l < m->L; l++) {
        const struct route *r = &m->layer[l].moe.route;
        for (int i = 0; i < ROUTER_ARRAYS && r->router->state[i].name; i++) {
            const struct router_array *a = &r->router->state[i];
            struct saved_state *to = &s->state[s->count++];
            snprintf(to->name, sizeof to->name, "model.layers.%d.block_sparse_moe.router.state.%s",
                     l, a->name);
            to->at = r->state[i];
            to->size = (size_t)router_array_size(a, r->E, r->S, r->D);
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
    struct saved_states *s = malloc(sizeof *s);
    if (s) saved_list_states(t->model, s);
    size_t n = p->count_of_numbers, state_numbers = 0;
    for (int i = 0; s && i < s->count; i++) state_numbers += s->state[i].size;
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
        .name = SAVED_M, .dims = 1, .shape = {(int)n}, .at = at, .numbers = n};
    out[k++] = (struct checkpoint_out){
        .name = SAVED_V, .dims = 1, .shape = {(int)n}, .at = at + n, .numbers = n};
    at += 2 * n;
    for (int i = 0; i < s->count; at += s->state[i++].size) {
        kn_read(t->be, at, s->state[i].at, s->state[i].size);
        out[k++] = (struct checkpoint_out){.name = s->state[i].name,
                                           .dims = 1,
                                           .shape = {(int)s->state[i].size},
                                           .at = at,
                                           .numbers = s->state[i].size};
    }
    /* What a dead device gave is no model, and the file that is there may be a good one. */
    if (!trainer_alive(t, e)) goto done;
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
    trainer_hear(t, true);
    describe(t, m);
    bool lost = false, ok = write_model(t, path, m, e) && write_config(t, path, e);
    free(m);
    if (!ok && trainer_outlives(t, &lost, NULL) && lost) {
        if (e) *e = (struct err){0};
        return trainer_save(t, path, e);
    }
    return ok;
}
