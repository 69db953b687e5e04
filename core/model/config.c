/* core/model/config.c - The table of what makes a run, and where each value comes from when nobody
 * named it: the preset gives sizes, the data set gives learning rate and length, the strategy gives
 * its knobs. */
#include "core/model/config.h"
#include "core/data/control.h"

#include <stdio.h>
#include <string.h>

static const char *const expert_words[] = {"swiglu", "silu", "relu",
                                           NULL}; /* in the order of enum kn_act */

static const char *const counts_words[] = {"none", "true", "shuffled", NULL}; /* enum control */

static const char *const mix_words[] = {"usual", "small", "large", "even", NULL};
static const char *const season_words[] = {"all", "summer", "winter", NULL};
static const char *const district_words[] = {"home", "new", NULL};

#define SIZE(n, low, high, first, text)                                                            \
    {                                                                                              \
        .name = n, .help = text, .kind = OPTION_INT, .min = low, .max = high, .start = first,      \
        .paper = OPTION_NO_PAPER, .flags = OPTION_SHAPES                                           \
    }
#define REAL(n, low, high, first, flag, text)                                                      \
    {                                                                                              \
        .name = n, .help = text, .kind = OPTION_REAL, .min = low, .max = high, .start = first,     \
        .paper = OPTION_NO_PAPER, .flags = flag                                                    \
    }
#define WHOLE(n, low, high, first, text)                                                           \
    {                                                                                              \
        .name = n, .help = text, .kind = OPTION_INT, .min = low, .max = high, .start = first,      \
        .paper = OPTION_NO_PAPER                                                                   \
    }

const struct option config_options[CONFIG_COUNT] = {
    [CONFIG_EXPERTS] =
        SIZE("experts", 2, EXPERTS_MAX, 8, "experts that the router chooses among, in every layer"),
    [CONFIG_LAYERS] = SIZE("layers", 1, 12, 1, "layers; each holds one mixture of experts"),
    [CONFIG_WIDTH] = SIZE("width", 2, 4096, 64, "numbers that make a token inside the model"),
    [CONFIG_HEADS] = SIZE("heads", 1, 64, 4, "attention heads; width / heads is even"),
    [CONFIG_EXPERT_WIDTH] = SIZE("expert-width", 1, 16384, 4, "hidden width of one expert"),
    [CONFIG_CONTEXT] = SIZE("context", 1, 4096, 1, "bytes that the model sees at once"),
    [CONFIG_BATCH] = SIZE("batch", 1, 65536, 256, "orders (or texts of one context) in a step"),
    [CONFIG_EXPERT] = {.name = "expert",
                       .help = "what an expert computes between its matrices",
                       .kind = OPTION_CHOICE,
                       .paper = OPTION_NO_PAPER,
                       .flags = OPTION_SHAPES,
                       .words = expert_words},
    [CONFIG_SHARED] =
        SIZE("shared", 0, 4, 0, "experts that every token uses beside the chosen ones"),
    [CONFIG_LR] = REAL("lr", 0, 1, 1e-2, OPTION_LOG, "learning rate at its height"),
    [CONFIG_WARMUP] =
        WHOLE("warmup", 0, 100000, 100, "steps in which the learning rate rises from 0"),
    [CONFIG_DECAY] = REAL("decay", 0, 1, 0.01, OPTION_LOG, "weight decay of the matrices"),
    [CONFIG_CLIP] = REAL("clip", 0, 1000, 1, 0, "largest norm of a step's gradient; 0: any"),
    [CONFIG_STEPS] =
        WHOLE("steps", 1, 1e8, 1500, "steps of a run; the learning rate anneals to 10 % over them"),
    [CONFIG_SEED] =
        WHOLE("seed", 0, 4294967295.0, 1, "where weights and the order of the data come from"),
    [CONFIG_TASK_SEED] =
        WHOLE("task-seed", 0, 4294967295.0, 8, "where a generated task comes from"),
    [CONFIG_COUNTS] = {.name = "counts",
                       .help = "a control: every token gets as many experts as it truly needs, or "
                               "the same numbers shuffled among the tokens",
                       .kind = OPTION_CHOICE,
                       .paper = OPTION_NO_PAPER,
                       .words = counts_words},
    [CONFIG_MIX] = {.name = "mix",
                    .help = "sizes of the orders: as usual, all small, all large, or even",
                    .kind = OPTION_CHOICE,
                    .paper = OPTION_NO_PAPER,
                    .words = mix_words},
    [CONFIG_SEASON] = {.name = "season",
                       .help = "item types in the orders: all, or one half of them",
                       .kind = OPTION_CHOICE,
                       .paper = OPTION_NO_PAPER,
                       .words = season_words},
    [CONFIG_DISTRICT] = {.name = "district",
                         .help = "new: another task of the same kind (a ledger in German)",
                         .kind = OPTION_CHOICE,
                         .paper = OPTION_NO_PAPER,
                         .words = district_words},
};

/* ---- sizes ---- */
static const struct preset {
    const char *name;
    struct data_sizes sizes;
} presets[] = {
    {"tiny", {2, 64, 4, 64, 8, 64, 16}},
    {"base", {4, 128, 4, 128, 8, 256, 16}},
    {"gpu", {8, 512, 8, 512, 16, 1024, 64}},
};
enum { PRESETS = sizeof presets / sizeof *presets };

const char *config_preset_name(int i)
{
    return i >= 0 && i < PRESETS ? presets[i].name : NULL;
}

static void start_value(struct config *c, enum config_item item, double value)
{
    if (!(c->named >> item & 1)) c->value[item] = value;
}

static void start_sizes(struct config *c, const struct data_sizes *s)
{
    start_value(c, CONFIG_LAYERS, s->layers);
    start_value(c, CONFIG_WIDTH, s->width);
    start_value(c, CONFIG_HEADS, s->heads);
    start_value(c, CONFIG_CONTEXT, s->context);
    start_value(c, CONFIG_EXPERTS, s->experts);
    start_value(c, CONFIG_EXPERT_WIDTH, s->expert_width);
    start_value(c, CONFIG_BATCH, s->batch);
}

/* ---- what follows data and strategy ---- */
static const struct dataset_type *data_type(const char *data, struct err *e)
{
    size_t n = strcspn(data, ":");
    const char *names[16];
    int count = 0;
    for (; count < 16 && dataset_type(count); count++) {
        names[count] = dataset_type(count)->name;
        if (strlen(names[count]) == n && memcmp(names[count], data, n) == 0)
            return dataset_type(count);
    }
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)(n < 31 ? n : 31), data);
    err_set(e, ERR_USAGE,
            "unknown data set '%s'%s; 'list datasets' names them, and text:FILE is any file of "
            "yours",
            word, ERR_MEANT(word, names, count, ""));
    return NULL;
}

static void start_knobs(struct config *c, const struct dataset_type *type)
{
    for (int i = 0; c->router->knobs[i].name; i++)
        if (!(c->knob_named >> i & 1))
            c->knob[i] = dataset_start(type, c->router->name, &c->router->knobs[i],
                                       config_int(c, CONFIG_EXPERTS), c->paper);
    router_fit(c->router, c->knob_named, config_int(c, CONFIG_EXPERTS), c->knob);
}

bool config_start(struct config *c, const char *data, const char *strategy, struct err *e)
{
    struct config fresh = {.threads = 0};
    const struct dataset_type *type = data_type(data, e);
    if (!type) return false;
    if (!(fresh.router = router_find(strategy ? strategy : "topk", e))) return false;
    if (strlen(data) >= sizeof fresh.data)
        return err_set(
            e, ERR_USAGE,
            "the names of the text files are longer than %zu bytes in all; join the files first",
            sizeof fresh.data - 1);
    strcpy(fresh.data, data);
    strcpy(fresh.backend, "auto");
    strcpy(fresh.simd, "auto");
    for (int i = 0; i < CONFIG_COUNT; i++) fresh.value[i] = config_options[i].start;
    start_sizes(&fresh, &type->sizes);
    fresh.value[CONFIG_LR] = dataset_lr(type, fresh.router->name);
    fresh.value[CONFIG_STEPS] = type->steps;
    start_knobs(&fresh, type);
    *c = fresh;
    return true;
}

bool config_preset(struct config *c, const char *name, struct err *e)
{
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].name, name) != 0) continue;
        const struct dataset_type *type = data_type(c->data, NULL);
        start_sizes(c, &presets[i].sizes);
        if (!type->text) start_value(c, CONFIG_CONTEXT, 1);
        start_knobs(c, type);
        return true;
    }
    return err_set(e, ERR_USAGE, "unknown preset '%.40s'%s", name,
                   ERR_MEANT(name, presets, PRESETS, ": there are tiny, base, gpu"));
}

/* ---- what a person names ---- */
bool config_set(struct config *c, const char *name, const char *value, struct err *e)
{
    char word[32];
    snprintf(word, sizeof word, "%s", name);
    for (char *at = word; *at; at++)
        if (*at == '_') *at = '-';
    const struct option *o = option_find(config_options, CONFIG_COUNT, word);
    if (!o)
        return err_set(e, ERR_USAGE, "unknown setting '%.40s'%s", name,
                       ERR_MEANT(word, config_options, CONFIG_COUNT, ""));
    int item = (int)(o - config_options), E = config_int(c, CONFIG_EXPERTS);
    if (!option_read(o, value, E, E, &c->value[item], e)) return false;
    c->named |= 1u << item;
    if (item == CONFIG_EXPERTS)
        start_knobs(c, data_type(c->data, NULL)); /* some starts are multiples of E */
    return true;
}

bool config_set_knob(struct config *c, const char *name, const char *value, struct err *e)
{
    const struct router *r = c->router;
    int knob = router_knob(r, name), E = config_int(c, CONFIG_EXPERTS);
    if (knob < 0) {
        int count = 0;
        while (r->knobs[count].name) count++;
        return err_set(e, ERR_USAGE, "%s has no knob '%.40s'%s; 'list knobs' names them all",
                       r->name, name, ERR_MEANT(name, r->knobs, count, ""));
    }
    struct slot_run runs[4];
    int count;
    int S = router_slots(r, c->knob, E, runs, &count);
    if (!option_read(&r->knobs[knob], value, E, E + S, &c->knob[knob], e)) return false;
    c->knob_named |= 1u << knob;
    return true;
}

bool config_set_router(struct config *c, const char *name, struct err *e)
{
    const struct router *r = router_find(name, e);
    if (!r) return false;
    const struct dataset_type *type = data_type(c->data, NULL);
    struct config old = *c;
    if (r != c->router) c->knob_named = 0; /* a knob of the same name is another strategy's */
    c->router = r;
    start_value(c, CONFIG_LR, dataset_lr(type, r->name));
    start_knobs(c, type);
    for (int i = 0; r != old.router && r->knobs[i].name; i++) {
        int from = router_knob(old.router, r->knobs[i].name);
        if (from >= 0 && r->knobs[i].flags & old.router->knobs[from].flags & OPTION_KEPT)
            c->knob[i] = old.knob[from];
    }
    return true;
}

static bool check_counts(const struct config *c, const struct dataset_type *type, struct err *e)
{
    const char *word = counts_words[config_int(c, CONFIG_COUNTS)];
    if (config_int(c, CONFIG_COUNTS) == CONTROL_NONE) return true;
    if (!type->need_unit)
        return err_set(e, ERR_USAGE,
                       "counts=%s needs a data set whose need is known, as orders; of %s nobody "
                       "knows it: set counts none",
                       word, type->name);
    return c->router->ordered ||
           err_set(e, ERR_USAGE,
                   "counts=%s takes a token's best experts in order, and %s has no such order: set "
                   "counts none, or take topk",
                   word, c->router->name);
}

static bool check_day(const struct config *c, const struct dataset_type *type, struct err *e)
{
    static const struct {
        enum config_item item;
        unsigned shift;
    } days[] = {
        {CONFIG_MIX, DATA_MIX}, {CONFIG_SEASON, DATA_SEASON}, {CONFIG_DISTRICT, DATA_DISTRICT}};
    for (int i = 0; i < 3; i++) {
        const struct option *o = &config_options[days[i].item];
        int value = config_int(c, days[i].item);
        if (value && !(type->shifts & days[i].shift))
            return err_set(e, ERR_USAGE, "%s=%s is not for %s, whose data is as it is: set %s %s",
                           o->name, o->words[value], type->name, o->name, o->words[0]);
    }
    return true;
}

bool config_check(const struct config *c, struct err *e)
{
    int E = config_int(c, CONFIG_EXPERTS), width = config_int(c, CONFIG_WIDTH),
        heads = config_int(c, CONFIG_HEADS);
    const struct dataset_type *type = data_type(c->data, e);
    if (!type) return false;
    if (type->text && width % heads != 0)
        return err_set(e, ERR_USAGE, "width %d is not divisible by %d heads; try width %d", width,
                       heads, (width / heads + 1) * heads + ((width / heads + 1) % 2 ? heads : 0));
    if (type->text && width / heads % 2 != 0)
        return err_set(e, ERR_USAGE,
                       "width / heads is %d, which RoPE cannot turn in pairs; try width %d",
                       width / heads, (width / heads + 1) * heads);
    if (!check_counts(c, type, e) || !check_day(c, type, e) ||
        !router_check(c->router, c->knob, E, e))
        return false;
    struct slot_run runs[4];
    int count, S = router_slots(c->router, c->knob, E, runs, &count);
    if (E + S > COLUMNS_MAX)
        return err_set(
            e, ERR_USAGE,
            "%d experts and %d zero-computation slots are more than %d columns; take fewer slots",
            E, S, COLUMNS_MAX);
    return true;
}

const char *config_badge(const struct config *c)
{
    const struct dataset_type *type = data_type(c->data, NULL);
    bool tuned = true, published = true, any = false;
    for (int i = 0; c->router->knobs[i].name; i++) {
        const struct option *o = &c->router->knobs[i];
        int E = config_int(c, CONFIG_EXPERTS);
        tuned &= c->knob[i] == dataset_start(type, c->router->name, o, E, false);
        published &= c->knob[i] == dataset_start(type, c->router->name, o, E, true);
        any |= !isnan(o->paper);
    }
    return tuned ? "tuned" : published && any ? "as published" : "changed";
}

void config_label(const struct config *c, char *to, int size)
{
    const struct dataset_type *type = data_type(c->data, NULL);
    char shown[32];
    int n = snprintf(to, (size_t)size, "%s%s", c->router->name,
                     c->router->needs & SEES_FUTURE ? " (sees the future)" : "");
    for (int i = 0; c->router->knobs[i].name && n < size; i++) {
        const struct option *o = &c->router->knobs[i];
        if (c->knob[i] ==
            dataset_start(type, c->router->name, o, config_int(c, CONFIG_EXPERTS), false))
            continue;
        n += snprintf(to + n, (size_t)(size - n), " %s=%s", o->name,
                      option_show(o, c->knob[i], shown));
    }
    int counts = config_int(c, CONFIG_COUNTS);
    if (counts != CONTROL_NONE && n < size)
        snprintf(to + n, (size_t)(size - n), " counts=%s (control)", counts_words[counts]);
}
