/* core/console/verbs.c - The table of all commands, and what they read their words with. */
#include "core/console/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command *command_at(int i)
{
    /* clang-format off */
    static const struct command *const tables[] = {
        train_commands,
        route_commands,
        show_commands,
        keep_commands,
        file_commands,
        probe_commands,
        race_commands,
        engine_commands,
        scenario_commands,
        aim_commands,
        record_commands,
        state_commands,
        fleet_commands,
        time_commands,
        face_commands,
    };
    /* clang-format on */
    for (size_t t = 0; t < sizeof tables / sizeof *tables && i >= 0; t++)
        for (const struct command *c = tables[t]; c->name; c++)
            if (i-- == 0) return c;
    return NULL;
}

const struct command *verb_named(const char *name)
{
    const struct command *c = NULL;
    for (int i = 0; (c = command_at(i)); i++)
        if (strcmp(c->name, name) == 0) break;
    return c;
}

bool verb_words(const struct command *of, int argc, int least, int most, struct err *e)
{
    if (argc - 1 >= least && argc - 1 <= most) return true;
    return err_set(e, ERR_USAGE, "%s takes %s: %s", of->name,
                   argc - 1 > most ? "fewer words" : "more words", of->usage);
}

bool verb_number(const char *what, const char *word, long least, long *to, struct err *e)
{
    char *end;
    bool digits = *word && !word[strspn(word, "0123456789")] && strlen(word) <= 15;
    long value = digits ? strtol(word, &end, 10) : -1;
    if (!digits || value < least)
        return err_set(e, ERR_USAGE, "%s is a whole number of at least %ld, not '%.40s'", what,
                       least, word);
    *to = value;
    return true;
}

void complete_strategies(verb_add *add, void *to)
{
    for (int i = 0; router_at(i); i++) add(to, router_at(i)->name);
}

void complete_knobs(const struct router *r, const char *end, verb_add *add, void *to)
{
    char word[64];
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++) {
        snprintf(word, sizeof word, "%s%s", r->knobs[i].name, end);
        add(to, word);
    }
}
