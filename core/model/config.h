#ifndef CORE_MODEL_CONFIG_H
#define CORE_MODEL_CONFIG_H
/* Everything that makes a run: model, data, strategy, training. A table of options; flags, `set`,
 * checkpoints and JSON walk it. Values are doubles in the order of the enum. */
#include "core/base/option.h"
#include "core/router/router.h"

enum config_item {
    CONFIG_EXPERTS,
    CONFIG_LAYERS,
    CONFIG_WIDTH,
    CONFIG_HEADS,
    CONFIG_EXPERT_WIDTH,
    CONFIG_CONTEXT,
    CONFIG_BATCH,
    CONFIG_EXPERT, /* activation of the experts: enum kn_act */
    CONFIG_SHARED, /* shared experts, always on */
    CONFIG_LR,
    CONFIG_WARMUP,
    CONFIG_DECAY,
    CONFIG_CLIP,
    CONFIG_STEPS,
    CONFIG_SEED,
    CONFIG_TASK_SEED,
    CONFIG_COUNTS, /* experts forced on each token: enum control */
    CONFIG_MIX,    /* of the data, see struct data_day; files may lack these and what follows */
    CONFIG_SEASON,
    CONFIG_DISTRICT,
    CONFIG_COUNT
};
extern const struct option config_options[CONFIG_COUNT];

struct config {
    double value[CONFIG_COUNT];
    char data[1024]; /* "orders" or "text:FILE\nFILE" */
    const struct router *router;
    double knob[ROUTER_KNOBS];
    struct fleet fleet;
    bool paper; /* knobs not named take the paper's column */
    /* bit i: option i was set by a person, the rest follow preset, data and strategy */
    unsigned named;
    unsigned knob_named; /* the same for knobs */
    char backend[16], simd[16];
    int threads;
};
/* Defaults for a data set and a strategy: the data set's sizes, its learning rate, its knobs'
 * starts. */
bool config_start(struct config *c, const char *data, const char *strategy, struct err *e);
/* tiny, base, gpu: sizes; values a person named stay. */
bool config_preset(struct config *c, const char *name, struct err *e);
const char *config_preset_name(int i); /* NULL past the end */
/* by option name */
bool config_set(struct config *c, const char *name, const char *value, struct err *e);
/* of its strategy */
bool config_set_knob(struct config *c, const char *name, const char *value, struct err *e);
/* knobs not named by a person start anew */
bool config_set_router(struct config *c, const char *name, struct err *e);
/* Values against each other: heads divide width (and width/heads is even), k <= E, columns <=
 * COLUMNS_MAX. */
bool config_check(const struct config *c, struct err *e);
/* Where the knobs stand: "tuned" (as they work here), "as published", "changed". */
const char *config_badge(const struct config *c);
/* The run in a few words: its strategy and the knobs that differ from their start, "topp
 * p=0.60". */
void config_label(const struct config *c, char *to, int size);
static inline int config_int(const struct config *c, enum config_item i)
{
    return (int)c->value[i];
}
#endif
