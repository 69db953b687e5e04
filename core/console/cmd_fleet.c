/* core/console/cmd_fleet.c - Verbs of the fleet: a van breaks, rests, leaves, comes back. A van is
 * an expert, in all layers at once, counted from 1 as everywhere that people read. */
#include "core/console/verbs.h"

#include <stdio.h>
#include <string.h>

static bool take_van(const char *word, int *to, struct err *e)
{
    long n;
    if (!verb_number("VAN", word, 1, &n, e)) return false;
    *to = (int)(n < 1 << 20 ? n : 1 << 20) - 1;
    return true;
}

static bool act(struct console *c, const char *verb, int argc, char **argv, enum fleet_act act,
                const char *say, struct text *out, struct err *e)
{
    int van;
    if (!verb_words(verb_named(verb), argc, 1, 1, e)) return false;
    if (!take_van(argv[1], &van, e) || !trainer_fleet(c->trainer, act, van, e)) return false;
    text_add(out, "van %d %s\n", van + 1, say);
    return true;
}

#define ACT(name, which, say)                                                                      \
    static bool cmd_##name(struct console *c, int argc, char **argv, struct text *out,             \
                           struct err *e)                                                          \
    {                                                                                              \
        return act(c, #name, argc, argv, which, say, out, e);                                      \
    }
ACT(break, FLEET_BREAK, "is broken: no order gets it, and it learns nothing")
ACT(mend, FLEET_MEND, "works again, as it was")
ACT(freeze, FLEET_FREEZE, "is frozen: it works, and its weights stay as they are")
ACT(thaw, FLEET_THAW, "learns again")
ACT(retire, FLEET_RETIRE, "has retired, and what it knew is forgotten")
ACT(hire, FLEET_HIRE, "is hired, with fresh weights")

static bool cmd_clone(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    int from, to;
    if (!verb_words(verb_named("clone"), argc, 2, 2, e)) return false;
    if (!take_van(argv[1], &from, e) || !take_van(argv[2], &to, e)) return false;
    if (!trainer_clone(c->trainer, from, to, e)) return false;
    text_add(out, "van %d is now a copy of van %d, but for a hair of noise\n", to + 1, from + 1);
    return true;
}

static void tell_vans(struct text *out, const char *what, uint64_t bits, int E)
{
    bool first = true;
    for (int i = 0; i < E; i++)
        if (bits >> i & 1) text_add(out, "%s %d", first ? what : ",", i + 1), first = false;
    if (!first) text_add(out, "\n");
}

static bool cmd_fleet(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const struct config *now = trainer_config(c->trainer);
    int E = config_int(now, CONFIG_EXPERTS), van;
    if (!verb_words(verb_named("fleet"), argc, 0, 1, e)) return false;
    if (argc == 2 && !take_van(argv[1], &van, e)) return false;
    if (argc == 2 && van >= E)
        return err_set(e, ERR_USAGE, "van %d is not there: the fleet has %d", van + 1, E);
    if (argc == 2) return fleet_tell_van(console_snapshot(c), van, out), true;
    text_add(out, "%d vans, %d on the road\n", E, E - __builtin_popcountll(fleet_off(&now->fleet)));
    tell_vans(out, "broken", now->fleet.broken, E);
    tell_vans(out, "retired", now->fleet.retired, E);
    tell_vans(out, "frozen", now->fleet.frozen, E);
    return true;
}

const struct command fleet_commands[] = {
    {.name = "fleet",
     .usage = "fleet [VAN]",
     .help = "which vans work, and which do not; of one van: its work, and with whom it goes",
     .run = cmd_fleet},
    {.name = "break",
     .usage = "break VAN",
     .help = "a van off the road: no order gets it, it learns nothing",
     .run = cmd_break,
     .changes = true},
    {.name = "mend",
     .usage = "mend VAN",
     .help = "a broken van works again",
     .run = cmd_mend,
     .changes = true},
    {.name = "freeze",
     .usage = "freeze VAN",
     .help = "a van works on, and its weights rest",
     .run = cmd_freeze,
     .changes = true},
    {.name = "thaw",
     .usage = "thaw VAN",
     .help = "a frozen van learns again",
     .run = cmd_thaw,
     .changes = true},
    {.name = "clone",
     .usage = "clone FROM TO",
     .help = "one van becomes a copy of another, with a hair of noise",
     .run = cmd_clone,
     .changes = true,
     .writes = true},
    {.name = "retire",
     .usage = "retire VAN",
     .help = "a van leaves, and what it knew is forgotten",
     .run = cmd_retire,
     .changes = true},
    {.name = "hire",
     .usage = "hire VAN",
     .help = "a van that retired (or that the strategy fired) comes with fresh weights",
     .run = cmd_hire,
     .changes = true,
     .writes = true},
    {.name = NULL},
};
