/* core/console/cmd_show.c - Verbs that only tell: what was measured, what there is, what words
 * mean. */
#include "core/console/listing.h"
#include "core/console/verbs.h"
#include "core/script/command.h"
#include "core/script/expect.h"

#include <string.h>

static void show_value(const struct snapshot *s, const char *name, const char *unit, int digits,
                       struct text *out)
{
    char number[16];
    double value = NAN;
    expect_value(s, name, &value, NULL);
    bool bare = !unit || !*unit || strcmp(unit, "1") == 0;
    text_add(out, "%s %s%s%s\n", name, text_number(number, value, digits), bare ? "" : " ",
             bare ? "" : unit);
}

static void show_now(const struct snapshot *s, struct text *out)
{
    char loss[16], right[16], experts[16], speed[16];
    text_add(out, "step %ld  loss %s  accuracy %s  experts per token %s  %s tok/s  %s\n", s->step,
             text_number(loss, s->loss, 4), text_number(right, s->accuracy, 4),
             text_number(experts, s->experts_per_token, 2), text_count(speed, s->tokens_per_s),
             s->run_label);
    if (*s->notice) text_add(out, "%s\n", s->notice);
}

static void show_all(const struct snapshot *s, struct text *out)
{
    text_add(out, "data %s\nrun %s\nbackend %s %s, %d threads\nseed %llu\nstep %ld\n", s->data,
             s->run_label, s->backend, s->simd, s->threads, (unsigned long long)s->seed, s->step);
    for (int i = 0; i < snapshot_field_count; i++)
        show_value(s, snapshot_fields[i].name, snapshot_fields[i].unit, snapshot_fields[i].digits,
                   out);
    for (int i = 0; s->router && i < ROUTER_LOSSES && s->router->losses[i].pressure; i++)
        show_value(s, s->router->losses[i].pressure, NULL, 4, out);
    for (int i = 0; s->router && i < ROUTER_METRICS && s->router->metrics[i].name; i++)
        show_value(s, s->router->metrics[i].name, s->router->metrics[i].unit, 4, out);
}

/* Of every class of tokens: how they fare, their experts layer by layer, and who takes them. */
static void show_classes(const struct snapshot *s, struct text *out)
{
    const struct snap_picks *p = &s->picks;
    char name[16], cell[16];
    bool some = false;
    for (int k = 0; k < SNAP_KINDS; k++) some |= !isnan(p->share[k]);
    if (!some) {
        text_add(out, "no token's class is known here, or no step was measured yet\n");
        return;
    }
    text_add(out,
             "class     share  right   loss  experts by layer; share taken by each expert of "
             "layer %d\n",
             p->layer + 1);
    for (int k = 0; k < SNAP_KINDS; k++) {
        if (isnan(p->share[k])) continue;
        text_add(out, "%-8s %6.3f", snapshot_kind(s, k, name), (double)p->share[k]);
        text_add(out, " %6s", text_number(cell, (double)p->right[k], 3));
        text_add(out, " %6s ", text_number(cell, (double)p->loss[k], 3));
        for (int l = 0; l < s->L; l++) text_add(out, " %.2f", (double)p->experts[l][k]);
        text_add(out, " ;");
        for (int j = 0; j < s->N; j++) text_add(out, " %.2f", (double)p->column[k][j]);
        text_add(out, "\n");
    }
}

static void show_together(const struct snapshot *s, struct text *out)
{
    const struct snap_picks *p = &s->picks;
    char cell[16];
    text_add(out, "share of tokens that take both experts (layer %d; on the diagonal: the one)\n",
             p->layer + 1);
    for (int i = 0; i < s->E; i++) {
        text_add(out, "%3d", i + 1);
        for (int j = 0; j < s->E; j++)
            text_add(out, " %5s", text_number(cell, (double)p->together[i][j], 3));
        text_add(out, "\n");
    }
}

static bool cmd_show(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const struct snapshot *s = console_snapshot(c);
    if (!verb_words(verb_named("show"), argc, 0, 1, e)) return false;
    if (argc == 1) return show_now(s, out), true;
    if (strcmp(argv[1], "all") == 0) return show_all(s, out), true;
    if (strcmp(argv[1], "classes") == 0) return show_classes(s, out), true;
    if (strcmp(argv[1], "together") == 0) return show_together(s, out), true;
    if (strcmp(argv[1], "knobs") == 0) return console_do(c, "knob", out, e);
    if (strcmp(argv[1], "settings") == 0) return console_do(c, "set", out, e);
    double value;
    const struct option *o = option_find(config_options, CONFIG_COUNT, argv[1]);
    const struct field *f = field_find(argv[1], NULL);
    int knob = router_knob(s->router, argv[1]);
    char shown[32];
    if (!f && o) {
        text_add(out, "%s %s\n", o->name,
                 option_show(o, trainer_config(c->trainer)->value[o - config_options], shown));
    } else if (!f && knob >= 0) {
        text_add(
            out, "%s %s\n", argv[1],
            option_show(&s->router->knobs[knob], trainer_config(c->trainer)->knob[knob], shown));
    } else {
        if (!expect_value(s, argv[1], &value, e)) return false;
        show_value(s, argv[1], f ? f->unit : NULL,
                   f                         ? f->digits
                   : strcmp(argv[1], "step") ? 4
                                             : 0,
                   out);
    }
    return true;
}

static bool cmd_list(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)c;
    if (!verb_words(verb_named("list"), argc, 0, 1, e)) return false;
    if (argc == 1) {
        for (const struct listing *l = core_listings; l->name; l++)
            text_add(out, "list %-12s %s\n", l->name, l->help);
        return true;
    }
    const struct listing *l = listing_find(argv[1], core_listings, NULL, e);
    if (l) listing_write(l, false, out);
    return l != NULL;
}

static bool cmd_layer(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long layer;
    int layers = config_int(trainer_config(c->trainer), CONFIG_LAYERS);
    if (!verb_words(verb_named("layer"), argc, 0, 1, e)) return false;
    if (argc == 1) {
        text_add(out, "layer %d of %d\n", console_snapshot(c)->focus + 1, layers);
        return true;
    }
    if (!verb_number("layer N", argv[1], 1, &layer, e)) return false;
    if (layer > layers)
        return err_set(e, ERR_USAGE, "layer %ld is not there: this model has %d", layer, layers);
    trainer_focus(c->trainer, (int)layer - 1);
    return true;
}

static bool cmd_help(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)c;
    return verb_words(verb_named("help"), argc, 0, 1, e) &&
           command_help(argc == 2 ? argv[1] : NULL, out, e);
}

static void complete_show(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    if (arg != 1) return;
    add(to, "all"), add(to, "knobs"), add(to, "settings"), add(to, "step");
    add(to, "classes"), add(to, "together");
    for (int i = 0; i < snapshot_field_count; i++) add(to, snapshot_fields[i].name);
}

static void complete_list(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    for (const struct listing *l = core_listings; arg == 1 && l->name; l++) add(to, l->name);
}

static void complete_help(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    if (arg != 1) return;
    for (int i = 0; command_at(i); i++) add(to, command_at(i)->name);
    complete_strategies(add, to);
    for (int i = 0; i < snapshot_field_count; i++) add(to, snapshot_fields[i].name);
}

const struct command show_commands[] = {
    {.name = "show",
     .usage = "show [FIELD|VIEW [json]|classes|together|knobs|settings|all]",
     .help = "what was measured",
     .run = cmd_show,
     .complete = complete_show},
    {.name = "layer",
     .usage = "layer [N]",
     .help = "the layer whose scores and gates are shown token by token",
     .run = cmd_layer},
    {.name = "list",
     .usage = "list [TABLE]",
     .help = "the tables: strategies, knobs, fields and more",
     .run = cmd_list,
     .complete = complete_list},
    {.name = "help",
     .usage = "help [TOPIC]",
     .help = "this list, or what a word means",
     .run = cmd_help,
     .complete = complete_help},
    {.name = NULL},
};
