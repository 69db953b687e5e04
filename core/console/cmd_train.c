/* core/console/cmd_train.c - Verbs of time and training: how far, how fast, from where. */
#include "core/console/verbs.h"

#include <stdio.h>
#include <string.h>

static bool run_to(struct console *c, long steps)
{
    c->goal = trainer_now(c->trainer) + steps;
    c->paused = false;
    return true;
}

static bool cmd_train(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long steps, now = trainer_now(c->trainer);
    (void)out;
    if (!verb_words(verb_named("train"), argc, 0, 1, e)) return false;
    if (argc == 2) return verb_number("train N", argv[1], 1, &steps, e) && run_to(c, steps);
    long budget = (long)trainer_config(c->trainer)->value[CONFIG_STEPS];
    if (now >= budget)
        return err_set(e, ERR_USAGE,
                       "all %ld steps of the budget are made: train N makes N more, go trains on",
                       budget);
    return run_to(c, budget - now);
}

static bool cmd_go(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)argv, (void)out;
    if (!verb_words(verb_named("go"), argc, 0, 0, e)) return false;
    if (c->goal >= 0 && c->goal <= trainer_now(c->trainer)) c->goal = -1;
    c->paused = false;
    return true;
}

static bool cmd_pause(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)argv, (void)out;
    if (!verb_words(verb_named("pause"), argc, 0, 0, e)) return false;
    return c->paused = true;
}

static bool cmd_step(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long steps = 1;
    (void)out;
    if (!verb_words(verb_named("step"), argc, 0, 1, e)) return false;
    if (argc == 2 && !verb_number("step N", argv[1], 1, &steps, e)) return false;
    return run_to(c, steps);
}

static bool cmd_reset(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    struct config to = console_config(c);
    if (argc == 2 && strcmp(argv[1], "all") == 0) {
        if (!console_clean(c, e)) return false;
        memset(c->kept, 0, sizeof c->kept);
        text_add(out, "a fresh model, all settings and knobs at their start, no run kept\n");
        return true;
    }
    for (int i = 1; i < argc; i++) {
        char *is = strchr(argv[i], '=');
        if (!is)
            return err_set(e, ERR_USAGE, "'%.40s' is not NAME=VALUE: %s", argv[i],
                           verb_named("reset")->usage);
        *is = 0;
        bool ok = config_set(&to, argv[i], is + 1, e);
        *is = '=';
        if (!ok) return false;
    }
    if (!console_renew(c, &to, e)) return false;
    text_add(out, "a fresh model, seed %.0f\n", to.value[CONFIG_SEED]);
    return true;
}

static bool cmd_seed(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("seed"), argc, 0, 1, e)) return false;
    struct config to = console_config(c);
    if (argc == 2 && (!config_set(&to, "seed", argv[1], e) || !console_renew(c, &to, e)))
        return false;
    text_add(out, argc == 2 ? "a fresh model, seed %.0f\n" : "seed %.0f\n", to.value[CONFIG_SEED]);
    return true;
}

/* Live where the model can take it; a size waits for `reset`. A knob's name is taken too. */
static bool set_one(struct console *c, const char *name, const char *value, struct text *out,
                    struct err *e)
{
    const struct option *o = option_find(config_options, CONFIG_COUNT, name);
    if (!o && router_knob(trainer_config(c->trainer)->router, name) >= 0)
        return trainer_set_knob(c->trainer, name, value, e);
    if (!o || !(o->flags & OPTION_SHAPES)) return trainer_set(c->trainer, name, value, e);
    struct config to = console_config(c);
    if (!config_set(&to, name, value, e)) return false;
    c->size[o - config_options] = to.value[o - config_options];
    c->waiting |= 1u << (o - config_options);
    text_add(out, "%s %s waits for 'reset': it changes the model's shape\n", name, value);
    return true;
}

static bool cmd_set(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char shown[32];
    if (argc == 3) return set_one(c, argv[1], argv[2], out, e);
    if (argc == 2 && strchr(argv[1], '=')) {
        char *is = strchr(argv[1], '=');
        *is = 0;
        bool ok = set_one(c, argv[1], is + 1, out, e);
        *is = '=';
        return ok;
    }
    if (argc > 1) return verb_words(verb_named("set"), argc, 2, 2, e);
    struct config now = console_config(c);
    for (int i = 0; i < CONFIG_COUNT; i++)
        text_add(out, "%-14s %-10s %s%s\n", config_options[i].name,
                 option_show(&config_options[i], now.value[i], shown), config_options[i].help,
                 c->waiting >> i & 1 ? " (waits for reset)" : "");
    return true;
}

static bool cmd_lr(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char shown[32];
    const struct option *lr = &config_options[CONFIG_LR];
    if (!verb_words(verb_named("lr"), argc, 0, 1, e)) return false;
    if (argc == 2) return trainer_set(c->trainer, "lr", argv[1], e);
    text_add(out, "lr %s\n", option_show(lr, trainer_config(c->trainer)->value[CONFIG_LR], shown));
    return true;
}

static bool cmd_eval(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char loss[16], right[16], experts[16];
    (void)argv;
    if (!verb_words(verb_named("eval"), argc, 0, 0, e)) return false;
    if (!trainer_evaluate(c->trainer, 0, &c->snapshot, e)) return false;
    const struct snapshot *s = &c->snapshot;
    text_add(out, "validation: loss %s, accuracy %s, experts per token %s\n",
             text_number(loss, s->val_loss, 4), text_number(right, s->val_accuracy, 4),
             text_number(experts, s->val_experts_per_token, 2));
    return true;
}

static void complete_set(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc;
    if (arg == 1) {
        for (int i = 0; i < CONFIG_COUNT; i++) add(to, config_options[i].name);
        return;
    }
    const struct option *o = option_find(config_options, CONFIG_COUNT, argv[1]);
    if (arg != 2 || !o || o->kind != OPTION_CHOICE) return;
    for (int i = 0; o->words[i]; i++) add(to, o->words[i]);
}

static void complete_reset(int argc, char **argv, int arg, verb_add *add, void *to)
{
    char word[64];
    (void)argc, (void)argv;
    if (arg == 1) add(to, "all");
    for (int i = 0; i < CONFIG_COUNT; i++) {
        snprintf(word, sizeof word, "%s=", config_options[i].name);
        add(to, word);
    }
}

const struct command train_commands[] = {
    {.name = "train",
     .usage = "train [N]",
     .help = "make N steps, or the rest of the budget",
     .run = cmd_train},
    {.name = "go",
     .usage = "go",
     .help = "train on, without end unless one was set",
     .run = cmd_go},
    {.name = "pause", .usage = "pause", .help = "stop after this step", .run = cmd_pause},
    {.name = "step", .usage = "step [N]", .help = "make one step, or N, and stop", .run = cmd_step},
    {.name = "reset",
     .usage = "reset [all | SETTING=VALUE]...",
     .help = "a fresh model, with the settings that waited for it; all: everything as at the start",
     .run = cmd_reset,
     .complete = complete_reset},
    {.name = "seed",
     .usage = "seed [N]",
     .help = "show the seed, or start afresh from seed N",
     .run = cmd_seed},
    {.name = "set",
     .usage = "set [NAME VALUE]",
     .help = "show the settings, or change one",
     .run = cmd_set,
     .changes = true,
     .complete = complete_set},
    {.name = "lr",
     .usage = "lr [X]",
     .help = "show or change the learning rate",
     .run = cmd_lr,
     .changes = true},
    {.name = "eval", .usage = "eval", .help = "measure on the validation split", .run = cmd_eval},
    {.name = NULL},
};
