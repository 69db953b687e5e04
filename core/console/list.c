/* core/console/list.c - The tables, walked. A new entry anywhere shows up here by itself. */
#include "core/console/listing.h"
#include "core/balance/pressure.h"
#include "core/claims/claims.h"
#include "core/console/console.h"
#include "core/console/presets.h"
#include "core/console/scenario.h"
#include "core/data/dataset.h"
#include "core/script/packed.h"
#include "kernels/backend.h"

#include <stdlib.h>
#include <string.h>

/* Strings may be NULL, numbers NaN: both are null. */
static void put_text(json_t *o, const char *key, const char *value)
{
    json_object_set_new(o, key, value ? json_string(value) : json_null());
}

static void put_number(json_t *o, const char *key, double value)
{
    json_object_set_new(o, key, isfinite(value) ? json_real(value) : json_null());
    if (value == (double)(json_int_t)value && fabs(value) < 1e15)
        json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* Switches, so that the compiler misses a new name. */
static const char *dim_name(const struct router *r, const struct router_array *a, int d)
{
    switch (a->shape[d]) {
    case DIM_1:
        return "1";
    case DIM_2:
        return "2";
    case DIM_4:
        return "4";
    case DIM_E:
        return "E";
    case DIM_S:
        return "S";
    case DIM_N:
        return "N";
    case DIM_D:
        return "D";
    case DIM_IN:
        return "D or 8 N";
    case DIM_HIDDEN:
        return "8 N";
    case DIM_KNOB:
        return r->knobs[a->knob].name;
    case DIM_END:
        break;
    }
    return NULL;
}

static const char *kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_SCALAR:
        return "scalar";
    case METRIC_PER_EXPERT:
        return "per expert";
    case METRIC_PER_COLUMN:
        return "per column";
    case METRIC_PER_TOKEN:
        return "per token";
    case METRIC_PER_TOKEN_COLUMN:
        return "per token and column";
    case METRIC_PER_LAYER:
        return "per layer";
    }
    return NULL;
}

static json_t *arrays(const struct router *r, const struct router_array *a)
{
    json_t *all = json_array();
    for (int i = 0; i < ROUTER_ARRAYS && a[i].name; i++) {
        json_t *one = json_object(), *shape = json_array();
        for (int d = 0; d < 3 && a[i].shape[d] != DIM_END; d++)
            json_array_append_new(shape, json_string(dim_name(r, &a[i], d)));
        put_text(one, "name", a[i].name);
        json_object_set_new(one, "shape", shape);
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *strategy_row(int i)
{
    static const char *const slots[] = {
        [SLOT_ZERO] = "zero", [SLOT_COPY] = "copy", [SLOT_CONSTANT] = "constant"};
    const struct router *r = router_at(i);
    if (!r) return NULL;
    json_t *o = json_object(), *list = json_array();
    double knob[ROUTER_KNOBS] = {0};
    struct slot_run runs[4];
    int count = 0;
    put_text(o, "name", r->name);
    put_text(o, "title", r->title);
    put_text(o, "paper", r->paper);
    put_text(o, "rule", r->rule);
    put_text(o, "formula", r->formula);
    json_object_set_new(o, "sees_future", json_boolean(r->needs & SEES_FUTURE));
    router_starts(r, 8, false, knob);
    router_slots(r, knob, 8, runs, &count);
    for (int s = 0; s < count; s++) {
        json_t *run = json_object();
        put_text(run, "kind", slots[runs[s].kind]);
        put_text(run, "label", runs[s].label);
        json_array_append_new(list, run);
    }
    json_object_set_new(o, "slots", list);
    json_object_set_new(o, "params", arrays(r, r->params));
    json_object_set_new(o, "state", arrays(r, r->state));
    list = json_array();
    for (int l = 0; l < ROUTER_LOSSES && r->losses[l].pressure; l++)
        json_array_append_new(list, json_string(r->losses[l].pressure));
    json_object_set_new(o, "losses", list);
    list = json_array();
    for (int m = 0; m < ROUTER_METRICS && r->metrics[m].name; m++) {
        json_t *metric = json_object();
        put_text(metric, "name", r->metrics[m].name);
        put_text(metric, "unit", r->metrics[m].unit);
        put_text(metric, "kind", kind_name(r->metrics[m].kind));
        put_text(metric, "help", r->metrics[m].help);
        json_array_append_new(list, metric);
    }
    json_object_set_new(o, "metrics", list);
    return o;
}

/* A limit that grows with the model says with what. */
static void put_option(json_t *o, const struct option *option)
{
    static const char *const kinds[] = {"real", "integer", "switch", "choice"};
    unsigned f = option->flags;
    bool listed = option->kind == OPTION_SWITCH || option->kind == OPTION_CHOICE;
    put_text(o, "name", option->name);
    put_text(o, "kind", kinds[option->kind]);
    put_number(o, "min", listed ? 0 : option->min);
    put_number(o, "max", listed ? option_max(option, 8, 8) : option->max);
    put_text(o, "max_times", f & OPTION_MAX_E ? "experts" : f & OPTION_MAX_N ? "columns" : NULL);
    put_number(o, "start", option->start);
    put_text(o, "start_times", f & OPTION_START_E ? "experts" : NULL);
    put_number(o, "paper", option->paper);
    put_text(o, "paper_times", f & OPTION_PAPER_E ? "experts" : NULL);
    put_text(o, "unit", option->unit);
    if (option->kind == OPTION_CHOICE) {
        json_t *words = json_array();
        for (int i = 0; option->words[i]; i++)
            json_array_append_new(words, json_string(option->words[i]));
        json_object_set_new(o, "words", words);
    }
    put_text(o, "help", option->help);
}

static json_t *knob_row(int i)
{
    for (int r = 0; router_at(r); r++)
        for (int k = 0; k < ROUTER_KNOBS && router_at(r)->knobs[k].name; k++) {
            if (i-- > 0) continue;
            json_t *o = json_object();
            put_text(o, "strategy", router_at(r)->name);
            put_option(o, &router_at(r)->knobs[k]);
            return o;
        }
    return NULL;
}

static json_t *setting_row(int i)
{
    if (i >= CONFIG_COUNT) return NULL;
    json_t *o = json_object();
    put_option(o, &config_options[i]);
    return o;
}

static json_t *dataset_row(int i)
{
    const struct dataset_type *d = dataset_type(i);
    if (!d) return NULL;
    json_t *o = json_object();
    put_text(o, "name", d->name);
    put_text(o, "title", d->title);
    put_text(o, "help", d->help);
    put_number(o, "steps", d->steps);
    put_text(o, "need_unit", d->need_unit);
    return o;
}

static json_t *field_row(int i)
{
    if (i >= snapshot_field_count) return NULL;
    json_t *o = json_object();
    put_text(o, "name", snapshot_fields[i].name);
    put_text(o, "unit", snapshot_fields[i].unit);
    put_text(o, "help", snapshot_fields[i].help);
    return o;
}

static json_t *backend_row(int i)
{
    const struct kn_entry *b = kn_entry(i);
    if (!b) return NULL;
    json_t *o = json_object();
    put_text(o, "name", b->name);
    put_text(o, "title", b->title);
    return o;
}

static json_t *command_row(int i)
{
    const struct command *c = command_at(i);
    if (!c) return NULL;
    json_t *o = json_object();
    put_text(o, "name", c->name);
    put_text(o, "usage", c->usage);
    put_text(o, "help", c->help);
    put_text(o, "where", c->kind == COMMAND_FACE ? "screen" : "everywhere");
    return o;
}

static json_t *size_row(int i)
{
    static const enum config_item sizes[] = {CONFIG_LAYERS,  CONFIG_WIDTH,        CONFIG_HEADS,
                                             CONFIG_EXPERTS, CONFIG_EXPERT_WIDTH, CONFIG_CONTEXT,
                                             CONFIG_BATCH};
    const char *name = config_preset_name(i);
    struct config c;
    if (!name || !config_start(&c, "text:FILE", "topk", NULL) || !config_preset(&c, name, NULL))
        return NULL;
    json_t *o = json_object();
    struct text sum = {0};
    put_text(o, "name", name);
    put_text(o, "kind", "size");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        put_number(o, config_options[sizes[s]].name, c.value[sizes[s]]);
        text_add(&sum, "%s%s %g", s ? ", " : "", config_options[sizes[s]].name, c.value[sizes[s]]);
    }
    put_text(o, "help", text_str(&sum));
    text_free(&sum);
    return o;
}

static json_t *claim_row(int i)
{
    const struct claim *c = claim_at(i);
    if (!c) return NULL;
    json_t *o = json_object(), *list = json_array();
    put_text(o, "strategy", c->strategy);
    put_text(o, "claim", c->says);
    put_text(o, "reported", c->figure);
    put_text(o, "setting", c->setting);
    put_text(o, "source", c->source);
    put_text(o, "data", c->data);
    for (int k = 0; k < CLAIM_LANES && c->lane[k]; k++)
        json_array_append_new(list, json_string(c->lane[k]));
    json_object_set_new(o, "lanes", list);
    list = json_array();
    for (int k = 0; k < CLAIM_ASKS && c->asks[k]; k++)
        json_array_append_new(list, json_string(c->asks[k]));
    json_object_set_new(o, "conditions", list);
    return o;
}

/* Runs worth seeing, then model sizes. */
static json_t *preset_row(int i)
{
    int n = 0;
    while (preset_run_at(n)) n++;
    const struct preset_run *p = preset_run_at(i);
    if (!p) return size_row(i - n);
    json_t *o = json_object();
    put_text(o, "name", p->name);
    put_text(o, "kind", p->good ? "good" : "bad");
    put_text(o, "help", p->help);
    put_text(o, "lines", p->lines);
    put_number(o, "steps", p->steps);
    return o;
}

static json_t *scenario_row(int i)
{
    char title[200];
    const struct packed *p = packed_at(SCENARIO_FOLDER, i);
    if (!p) return NULL;
    json_t *o = json_object();
    put_text(o, "name", p->name);
    put_text(o, "help", packed_title(p, title, sizeof title));
    return o;
}

const struct listing core_listings[] = {
    {"strategies", "routing strategies", strategy_row, {"name", "title", "paper"}},
    {"datasets", "where tokens come from", dataset_row, {"name", "help"}},
    {"knobs", "the strategies' knobs", knob_row, {"strategy", "name", "start", "paper", "help"}},
    {"settings", "what makes a run beside the strategy", setting_row, {"name", "start", "help"}},
    {"fields", "what is measured", field_row, {"name", "unit", "help"}},
    {"backends", "where numbers are worked on", backend_row, {"name", "title"}},
    {"claims",
     "what papers report, and what is tried here",
     claim_row,
     {"strategy", "claim", "source"}},
    {"presets", "runs worth seeing, and model sizes", preset_row, {"name", "kind", "help"}},
    {"scenarios", "situations to go through", scenario_row, {"name", "help"}},
    {"commands", "the command language", command_row, {"usage", "help"}},
    {.name = NULL},
};
