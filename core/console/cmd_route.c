/* core/console/cmd_route.c - Verbs of the routing rule: which strategy, and its knobs. */
#include "core/console/verbs.h"

#include <stdio.h>
#include <string.h>

static void show_knobs(const struct config *now, struct text *out)
{
    char shown[32];
    for (int i = 0; i < ROUTER_KNOBS && now->router->knobs[i].name; i++)
        text_add(out, "%-16s %-10s %s\n", now->router->knobs[i].name,
                 option_show(&now->router->knobs[i], now->knob[i], shown),
                 now->router->knobs[i].help);
}

/* One word NAME=VALUE into a config. */
static bool take_knob(struct config *to, char *word, struct err *e)
{
    char *is = strchr(word, '=');
    if (!is)
        return err_set(e, ERR_USAGE, "'%.40s' is not KNOB=VALUE: %s", word,
                       verb_named("router")->usage);
    *is = 0;
    bool ok = config_set_knob(to, word, is + 1, e);
    *is = '=';
    return ok;
}

/* The values of `to` that differ from the trainer's. Checked before, so that what fails here is the
 * machine. */
static bool apply_knobs(struct console *c, const struct config *to, struct err *e)
{
    char value[32];
    for (int i = 0; i < ROUTER_KNOBS && to->router->knobs[i].name; i++) {
        if (trainer_config(c->trainer)->knob[i] == to->knob[i]) continue;
        snprintf(value, sizeof value, "%.17g", to->knob[i]);
        if (!trainer_set_knob(c->trainer, to->router->knobs[i].name, value, e)) return false;
    }
    return true;
}

static void take_paper(struct config *to)
{
    for (int i = 0; i < ROUTER_KNOBS && to->router->knobs[i].name; i++)
        to->knob[i] = option_start(&to->router->knobs[i], config_int(to, CONFIG_EXPERTS), true);
}

static bool cmd_router(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    struct config to = *trainer_config(c->trainer);
    if (argc == 1) {
        text_add(out, "%s: %s\n", to.router->name, to.router->title);
        return show_knobs(&to, out), true;
    }
    if (!config_set_router(&to, argv[1], e)) return false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "paper") == 0)
            take_paper(&to);
        else if (!take_knob(&to, argv[i], e))
            return false;
    }
    if (!config_check(&to, e)) return false;
    if (!trainer_set_router(c->trainer, argv[1], e) || !apply_knobs(c, &to, e)) return false;
    text_add(out, "%s: %s\n", to.router->name,
             to.router->rule ? to.router->rule : to.router->title);
    return true;
}

static bool cmd_knob(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const struct config *now = trainer_config(c->trainer);
    char *is = argc == 2 ? strchr(argv[1], '=') : NULL, shown[32];
    if (argc == 1) return show_knobs(now, out), true;
    if (argc == 3) return trainer_set_knob(c->trainer, argv[1], argv[2], e);
    if (argc > 3) return verb_words(verb_named("knob"), argc, 2, 2, e);
    if (is) {
        *is = 0;
        bool ok = trainer_set_knob(c->trainer, argv[1], is + 1, e);
        *is = '=';
        return ok;
    }
    int i = router_knob(now->router, argv[1]);
    if (i < 0) return config_set_knob(&(struct config){.router = now->router}, argv[1], "0", e);
    text_add(out, "%s %s\n", argv[1], option_show(&now->router->knobs[i], now->knob[i], shown));
    return true;
}

static bool cmd_base(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    struct config to = *trainer_config(c->trainer);
    if (!verb_words(verb_named("base"), argc, 0, 1, e)) return false;
    if (argc == 1) return text_add(out, "%s: %s\n", to.router->name, config_badge(&to)), true;
    bool paper = strcmp(argv[1], "paper") == 0;
    if (!paper && strcmp(argv[1], "start") != 0)
        return err_set(e, ERR_USAGE, "base is paper or start, not '%.40s'", argv[1]);
    to.paper = paper, to.knob_named = 0;
    if (!config_set_router(&to, to.router->name, e) || !trainer_change(c->trainer, &to, e))
        return false;
    trainer_mark(c->trainer, paper ? "base paper" : "base start");
    text_add(out, "%s: %s\n", to.router->name, config_badge(&to));
    return show_knobs(&to, out), true;
}

static void complete_base(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    if (arg == 1) add(to, "paper"), add(to, "start");
}

static bool cmd_counts(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char shown[32];
    const struct option *o = &config_options[CONFIG_COUNTS];
    if (!verb_words(verb_named("counts"), argc, 0, 1, e)) return false;
    if (argc == 2 && !trainer_set(c->trainer, "counts", argv[1], e)) return false;
    text_add(out, "counts %s: %s\n",
             option_show(o, trainer_config(c->trainer)->value[CONFIG_COUNTS], shown), o->help);
    return true;
}

static void complete_counts(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    for (int w = 0; arg == 1 && config_options[CONFIG_COUNTS].words[w]; w++)
        add(to, config_options[CONFIG_COUNTS].words[w]);
}

static void complete_router(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc;
    if (arg == 1) return complete_strategies(add, to);
    const struct router *r = router_find(argv[1], NULL);
    if (!r) return;
    complete_knobs(r, "=", add, to);
    add(to, "paper");
}

/* The strategy that runs is not known here: every knob of the table, once. */
static void complete_knob(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc;
    for (int i = 0; router_at(i); i++)
        for (int k = 0; k < ROUTER_KNOBS && router_at(i)->knobs[k].name; k++) {
            const struct option *o = &router_at(i)->knobs[k];
            bool known = false;
            for (int j = 0; j < i; j++) known = known || router_knob(router_at(j), o->name) >= 0;
            if (arg == 1 && !known) add(to, o->name);
            if (arg != 2 || known || o->kind != OPTION_CHOICE || strcmp(o->name, argv[1])) continue;
            for (int w = 0; o->words[w]; w++) add(to, o->words[w]);
        }
}

const struct command route_commands[] = {
    {.name = "router",
     .usage = "router [NAME [paper] [KNOB=VALUE]...]",
     .help = "show or switch the routing strategy",
     .run = cmd_router,
     .changes = true,
     .complete = complete_router},
    {.name = "base",
     .usage = "base [paper|start]",
     .help = "all knobs of the strategy at the paper's values, or where they work here",
     .run = cmd_base,
     .complete = complete_base,
     .changes = true},
    {.name = "counts",
     .usage = "counts [none|true|shuffled]",
     .help = "the control: every token gets as many experts as it truly needs, or these shuffled",
     .run = cmd_counts,
     .complete = complete_counts,
     .changes = true},
    {.name = "knob",
     .usage = "knob [NAME [VALUE]]",
     .help = "show or turn the strategy's knobs",
     .run = cmd_knob,
     .changes = true,
     .complete = complete_knob},
    {.name = NULL},
};
