/* core/console/cmd_engine.c - The verb of the clock: whether steps are timed, and the comparison
 * with other numbers of experts. */
#include "core/console/verbs.h"
#include "core/train/engine.h"

#include <string.h>

void engine_say(struct console *c, struct text *out)
{
    static const char *const names[ENGINE_PASSES] = {"this rule", "two experts", "all experts"};
    const struct snap_pass *pass = console_snapshot(c)->engine.pass;
    char ms[16], flops[16], experts[16];
    for (int i = 0; i < ENGINE_PASSES; i++)
        text_add(out, "%s%s: %s run, %s FLOPs, %s ms", i ? "; " : "", names[i],
                 text_number(experts, pass[i].experts, 2), text_count(flops, pass[i].flops),
                 text_number(ms, pass[i].ms, 3));
    text_add(out, "\n");
}

static bool cmd_engine(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("engine"), argc, 0, 1, e)) return false;
    const char *word = argc == 2 ? argv[1] : "";
    if (strcmp(word, "compare") == 0) {
        if (race_live_on(c->race))
            return err_set(e, ERR_USAGE,
                           "a race is under way, and would be in the times: race stop ends it");
        return trainer_compare(c->trainer, e);
    }
    if (!*word || strcmp(word, "on") == 0)
        trainer_engine(c->trainer, true);
    else if (strcmp(word, "off") == 0)
        trainer_engine(c->trainer, false);
    else
        return err_set(e, ERR_USAGE, "engine has no '%.40s': engine on, off or compare", word);
    (void)out;
    return true;
}

static void complete_engine(int argc, char **argv, int arg, verb_add *add, void *to)
{
    static const char *const words[] = {"on", "off", "compare"};
    (void)argc, (void)argv;
    for (int i = 0; arg == 1 && i < 3; i++) add(to, words[i]);
}

const struct command engine_commands[] = {
    {.name = "engine",
     .usage = "engine [on|off|compare]",
     .help = "time every group of ops in a step; or the same pass with two and with all experts",
     .run = cmd_engine,
     .complete = complete_engine},
    {.name = NULL},
};
