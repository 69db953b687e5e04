/* core/console/cmd_file.c - Verbs of files and data: checkpoints, scripts, corpora, written text.
 */
#include "core/console/presets.h"
#include "core/console/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool cmd_save(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("save"), argc, 1, 1, e)) return false;
    if (!trainer_save(c->trainer, argv[1], e)) return false;
    text_add(out, "saved step %ld to %s\n", trainer_now(c->trainer), argv[1]);
    return true;
}

bool console_load(struct console *c, const char *path, struct err *e)
{
    struct config here = *trainer_config(c->trainer);
    here.named = 0, here.knob_named = 0,
    here.data[0] = 0; /* the file decides all but the machine */
    struct trainer *t = trainer_resume(path, &here, e);
    if (!t) return false;
    struct trainer *old = c->trainer;
    c->trainer = t;
    console_park(c, old);
    c->waiting = 0;
    journal_begin(&c->journal, trainer_config(t), path);
    if (c->goal >= 0) c->goal = trainer_now(t);
    c->stale = true;
    snapshot_clear(&c->snapshot);
    return true;
}

static bool cmd_load(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("load"), argc, 1, 1, e)) return false;
    if (!console_load(c, argv[1], e)) return false;
    text_add(out, "loaded %s: step %ld, %s\n", argv[1], trainer_now(c->trainer),
             trainer_config(c->trainer)->router->name);
    return true;
}

/* Another data set brings its own sizes and starts; what a person named stays. */
static bool cmd_data(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    struct config now = console_config(c), to;
    if (!verb_words(verb_named("data"), argc, 0, 8, e)) return false;
    if (argc == 1) return text_add(out, "data %s\n", trainer_data(c->trainer)->label), true;
    char what[sizeof now.data];
    int n = snprintf(what, sizeof what, "%s", argv[1]);
    for (int i = 2; i < argc && n < (int)sizeof what; i++) {
        const char *file = strncmp(argv[i], "text:", 5) == 0 ? argv[i] + 5 : argv[i];
        n += snprintf(what + n, sizeof what - (size_t)n, "\n%s", file);
    }
    if (n >= (int)sizeof what)
        return err_set(e, ERR_USAGE, "the names of the files have more than %zu bytes together",
                       sizeof what - 1);
    if (!config_start(&to, what, now.router->name, e)) return false;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (now.named >> i & 1) to.value[i] = now.value[i];
    for (int i = 0; i < ROUTER_KNOBS && now.router->knobs[i].name; i++)
        if (now.knob_named >> i & 1) to.knob[i] = now.knob[i];
    to.named = now.named, to.knob_named = now.knob_named, to.paper = now.paper;
    to.threads = now.threads;
    memcpy(to.backend, now.backend, sizeof to.backend);
    memcpy(to.simd, now.simd, sizeof to.simd);
    if (!console_renew(c, &to, e)) return false;
    text_add(out, "data %s, a fresh model\n", trainer_data(c->trainer)->label);
    return true;
}

static void list_presets(struct text *out)
{
    for (int i = 0; preset_run_at(i); i++)
        text_add(out, "%-16s %s\n", preset_run_at(i)->name, preset_run_at(i)->help);
    text_add(out, "sizes of the model:");
    for (int i = 0; config_preset_name(i); i++)
        text_add(out, "%s %s", i ? "," : "", config_preset_name(i));
    text_add(out, "\n");
}

/* A run of orders by its lines, as a script. */
static bool begin_preset(struct console *c, const struct preset_run *p, struct text *out,
                         struct err *e)
{
    char lines[512];
    if (c->scripts == CONSOLE_SCRIPTS)
        return err_set(e, ERR_USAGE, "scripts call each other more than %d deep", CONSOLE_SCRIPTS);
    if (!console_clean(c, e)) return false;
    snprintf(lines, sizeof lines, "data orders\n%s", p->lines);
    if (!script_open_text(&c->script[c->scripts], p->name, lines, e)) return false;
    c->scripts++;
    console_scripted(c, true);
    text_add(out, "%s: %s (it shows within %d steps)\n", p->name, p->help, p->steps);
    return true;
}

static bool cmd_preset(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    struct config to = console_config(c);
    if (!verb_words(verb_named("preset"), argc, 0, 1, e)) return false;
    if (argc == 1) return list_presets(out), true;
    const struct preset_run *p = preset_run_find(argv[1]);
    if (p) return begin_preset(c, p, out, e);
    const char *names[64];
    int n = 0;
    for (int i = 0; n < 60 && preset_run_at(i); i++) names[n++] = preset_run_at(i)->name;
    for (int i = 0; n < 64 && config_preset_name(i); i++) names[n++] = config_preset_name(i);
    const char *near = err_nearest(argv[1], names, n, sizeof *names);
    if (near && strcmp(near, argv[1]) != 0)
        return err_set(e, ERR_USAGE, "unknown preset '%.40s': did you mean %s?", argv[1], near);
    if (!config_preset(&to, argv[1], e) || !console_renew(c, &to, e)) return false;
    text_add(out, "preset %s, a fresh model\n", argv[1]);
    return true;
}

static bool cmd_source(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)out;
    if (!verb_words(verb_named("source"), argc, 1, 1, e)) return false;
    if (c->scripts == CONSOLE_SCRIPTS)
        return err_set(e, ERR_USAGE,
                       "scripts call each other more than %d deep: does %s source itself?",
                       CONSOLE_SCRIPTS, argv[1]);
    if (!script_open(&c->script[c->scripts], argv[1], e)) return false;
    c->scripts++;
    console_scripted(c, true);
    return true;
}

/* Bytes that make no letters, and those that would move a cursor, become a dot. */
static bool emit(void *to, unsigned char byte, double experts)
{
    (void)experts;
    char letter = (byte < ' ' && byte != '\n') || byte == 127 ? '.' : (char)byte;
    text_put(to, &letter, 1);
    return true;
}

static bool cmd_sample(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long tokens = 200;
    double heat = 0.8;
    char *end = NULL;
    if (!verb_words(verb_named("sample"), argc, 0, 2, e)) return false;
    if (argc > 1 && !verb_number("sample N", argv[1], 1, &tokens, e)) return false;
    if (argc > 2 &&
        ((heat = strtod(argv[2], &end)), end == argv[2] || *end || !(heat >= 0 && heat <= 10)))
        return err_set(e, ERR_USAGE, "the temperature is a number from 0 to 10, not '%.40s'",
                       argv[2]);
    if (tokens > 100000)
        return err_set(e, ERR_USAGE, "sample writes at most 100000 characters at once");
    if (!trainer_sample(c->trainer, "", tokens, heat, (uint64_t)trainer_now(c->trainer), emit, out,
                        e))
        return false;
    text_add(out, "\n");
    return true;
}

static void complete_data(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    for (int i = 0; arg == 1 && dataset_type(i); i++)
        add(to, strcmp(dataset_type(i)->name, "text") == 0 ? "text:" : dataset_type(i)->name);
}

static void complete_preset(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    for (int i = 0; arg == 1 && preset_run_at(i); i++) add(to, preset_run_at(i)->name);
    for (int i = 0; arg == 1 && config_preset_name(i); i++) add(to, config_preset_name(i));
}

const struct command file_commands[] = {
    {.name = "data",
     .usage = "data [NAME|text:FILE...]",
     .help = "show or change the data set; the model starts afresh",
     .run = cmd_data,
     .complete = complete_data},
    {.name = "preset",
     .usage = "preset [NAME]",
     .help = "a run worth seeing, good or bad, or another model size; the model starts afresh",
     .run = cmd_preset,
     .complete = complete_preset},
    {.name = "save", .usage = "save FILE", .help = "write a checkpoint", .run = cmd_save},
    {.name = "load", .usage = "load FILE", .help = "go on from a checkpoint", .run = cmd_load},
    {.name = "resume", .usage = "resume FILE", .help = "the same as load", .run = cmd_load},
    {.name = "source", .usage = "source FILE", .help = "run a file of commands", .run = cmd_source},
    {.name = "sample",
     .usage = "sample [N [TEMPERATURE]]",
     .help = "let a text model write N characters",
     .run = cmd_sample},
    {.name = NULL},
};
