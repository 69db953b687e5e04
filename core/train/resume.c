/* core/train/resume.c - A trainer out of a file, which is believed in nothing: its config is read
 * by the option tables with their ranges, its tensors must have the shapes of that config. */
#include "core/train/saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A file without it is of a whole fleet. */
static bool read_fleet(const struct checkpoint *f, struct config *c, struct err *e)
{
    int E = config_int(c, CONFIG_EXPERTS);
    uint64_t known = E < 64 ? ((uint64_t)1 << E) - 1 : ~(uint64_t)0;
    for (int i = 0; i < SAVED_FLEETS; i++) {
        char key[32];
        snprintf(key, sizeof key, "fleet.%s", saved_fleets[i].key);
        const char *word = checkpoint_meta(f, key);
        if (!word) continue;
        uint64_t bits = strtoull(word, NULL, 16);
        if (strlen(word) != 16 || word[strspn(word, "0123456789abcdef")] || bits & ~known)
            return err_set(e, ERR_INPUT, "%s, metadata '%s': no bits of %d experts", f->path, key,
                           E);
        *(uint64_t *)((char *)&c->fleet + saved_fleets[i].offset) = bits;
    }
    return true;
}

/* A setting that there was not yet when the file was written stays at its start. */
static bool newer(const struct checkpoint *f, int item)
{
    char key[64];
    snprintf(key, sizeof key, "config.%s", config_options[item].name);
    return item >= CONFIG_MIX && !checkpoint_meta(f, key);
}

static bool read_config(const struct checkpoint *f, struct config *c, const struct config *override,
                        struct err *e)
{
    struct err why;
    const char *form = checkpoint_meta(f, "schema"), *data = checkpoint_meta(f, "data"),
               *strategy = checkpoint_meta(f, "strategy"), *base = checkpoint_meta(f, "base");
    if (!form || strcmp(form, SAVED_SCHEMA) != 0) return lacks(f, "schema", e);
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
        if (!newer(f, i) && !read_option(f, "config.", &config_options[i], 0, 0, &c->value[i], e))
            return false;
    for (int i = 0; i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        if (!read_option(f, "knob.", &c->router->knobs[i], config_int(c, CONFIG_EXPERTS),
                         COLUMNS_MAX, &c->knob[i], e))
            return false;
    return read_fleet(f, c, e);
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
    for (int i = 0; i < SAVED_PLACES; i++) {
        const struct option o = {.name = saved_places[i].key,
                                 .kind = saved_places[i].is_long ? OPTION_INT : OPTION_REAL,
                                 .max = 1e15};
        double value;
        if (!read_option(f, "", &o, 0, 0, &value, e)) return false;
        char *at = (char *)t + saved_places[i].offset;
        if (saved_places[i].is_long)
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
            const struct checkpoint_tensor *m = checkpoint_find(f, k ? SAVED_V : SAVED_M);
            if (!m)
                return err_set(e, ERR_INPUT, "%s lacks the tensor '%s'", f->path,
                               k ? SAVED_V : SAVED_M);
            if (!checkpoint_read(f, m, at, scratch, a->size, e)) return false;
            kn_write(p->be, params_at(p, moment[k], i), scratch, a->size);
        }
    }
    return true;
}

static bool read_states(const struct checkpoint *f, struct trainer *t, double *scratch,
                        struct saved_states *s, struct err *e)
{
    saved_list_states(t->model, s);
    for (int i = 0; i < s->count; i++) {
        const struct checkpoint_tensor *from = checkpoint_find(f, s->state[i].name);
        if (!from)
            return err_set(e, ERR_INPUT, "%s lacks the tensor '%s'", f->path, s->state[i].name);
        if (!checkpoint_read(f, from, 0, scratch, s->state[i].size, e)) return false;
        kn_write(t->be, s->state[i].at, scratch, s->state[i].size);
    }
    return true;
}

static bool read_all(const struct checkpoint *f, struct trainer *t, bool writes, struct err *e)
{
    const struct params *p = &t->model->params;
    size_t most = (size_t)t->model->D * COLUMNS_MAX;
    for (int i = 0; i < p->count; i++) most = p->list[i].size > most ? p->list[i].size : most;
    double *scratch = malloc(most * sizeof *scratch);
    struct saved_states *s = malloc(sizeof *s);
    bool ok = (scratch && s) || err_set(e, ERR_MEMORY, "not enough memory to read %s", f->path);
    ok = ok && (writes || same_data(f, t, e)) && read_weights(f, t, scratch, e) &&
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

static struct trainer *come_back(const char *path, const struct config *override, bool writes,
                                 struct err *e)
{
    struct checkpoint f;
    struct config c;
    struct trainer *t = NULL;
    if (!checkpoint_open(&f, path, e)) return NULL;
    if (read_config(&f, &c, override, e) && large_enough(&f, &c, e)) {
        struct err why = {0};
        if (override) take_override(&c, override);
        bool blank = writes && strncmp(c.data, "text:", 5) == 0;
        t = blank ? trainer_open_on(&c, dataset_blank_text(&why), &why) : trainer_open(&c, &why);
        if (!t)
            err_set(e, why.code == ERR_USAGE ? ERR_INPUT : why.code, "%s: %s", f.path, why.text);
    }
    if (t && !read_all(&f, t, writes, e)) {
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

struct trainer *trainer_resume(const char *path, const struct config *override, struct err *e)
{
    return come_back(path, override, false, e);
}

struct trainer *trainer_revive(const char *path, const struct config *override, struct err *e)
{
    return come_back(path, override, true, e);
}
