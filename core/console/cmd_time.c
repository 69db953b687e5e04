/* core/console/cmd_time.c - Verbs of time: taking back, going back, and trouble on demand. */
#include "core/console/undo.h"
#include "core/console/verbs.h"

#include <stdio.h>
#include <string.h>

static bool cmd_undo(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)argv;
    return verb_words(verb_named("undo"), argc, 0, 0, e) && undo_step(c, false, out, e);
}

static bool cmd_redo(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)argv;
    return verb_words(verb_named("redo"), argc, 0, 0, e) && undo_step(c, true, out, e);
}

static void tell_past(struct console *c, struct text *out)
{
    char bytes[16];
    long oldest = past_oldest(c->trainer), now = trainer_now(c->trainer);
    if (oldest < 0)
        text_add(out, "earlier states of this model are not kept: two of them are over 256 MB\n");
    else
        text_add(out, "rewind N goes back N steps, 0 to %ld: %d states since step %ld, %s bytes\n",
                 now - oldest, past_count(c->trainer), oldest,
                 text_count(bytes, past_bytes(c->trainer)));
}

static bool cmd_rewind(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long steps, now = trainer_now(c->trainer);
    if (!verb_words(verb_named("rewind"), argc, 0, 1, e)) return false;
    if (argc == 1) return tell_past(c, out), true;
    if (!verb_number("rewind N", argv[1], 0, &steps, e)) return false;
    if (steps > now)
        return err_set(e, ERR_USAGE, "%ld steps were made: there is no going back %ld", now, steps);
    if (!past_rewind(c->trainer, now - steps, e)) return false;
    if (c->goal >= 0) c->goal = trainer_now(c->trainer);
    char mark[40];
    snprintf(mark, sizeof mark, "rewind %ld", steps);
    trainer_mark(c->trainer, mark);
    text_add(out, "back at step %ld; undo brings step %ld back\n", now - steps, now);
    return true;
}

static const char *const poisons[] = {[POISON_GRADIENT] = "gradient",
                                      [POISON_WEIGHT] = "weight",
                                      [POISON_LOSS] = "loss",
                                      [POISON_LOGITS] = "logits"};
enum { POISONS = sizeof poisons / sizeof *poisons };

static bool cmd_inject(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    int what = POISON_GRADIENT;
    if (!verb_words(verb_named("inject"), argc, 1, 2, e)) return false;
    if (strcmp(argv[1], "nan") != 0)
        return err_set(e, ERR_USAGE, "only nan can be injected, not '%.40s': %s", argv[1],
                       verb_named("inject")->usage);
    for (what = argc == 3 ? POISONS - 1 : POISON_GRADIENT; argc == 3 && what > 0; what--)
        if (strcmp(poisons[what], argv[2]) == 0) break;
    if (what == POISON_NONE)
        return err_set(e, ERR_USAGE,
                       "a NaN goes into gradient, weight, loss or logits, not '%.40s'", argv[2]);
    trainer_inject(c->trainer, (enum trainer_poison)what);
    char mark[40];
    snprintf(mark, sizeof mark, "inject nan %s", poisons[what]);
    trainer_mark(c->trainer, mark);
    text_add(out, "the next step meets a NaN in its %s; watch the notice\n", poisons[what]);
    return true;
}

static void complete_inject(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    if (arg == 1) add(to, "nan");
    for (int i = 1; arg == 2 && i < POISONS; i++) add(to, poisons[i]);
}

const struct command time_commands[] = {
    {.name = "undo", .usage = "undo", .help = "take the last change back", .run = cmd_undo},
    {.name = "redo",
     .usage = "redo",
     .help = "make the change again that was taken back last",
     .run = cmd_redo},
    {.name = "rewind",
     .usage = "rewind [N]",
     .help = "back in time by N steps, bit by bit; alone: how far back is kept",
     .writes = true,
     .run = cmd_rewind},
    {.name = "inject",
     .usage = "inject nan [gradient|weight|loss|logits]",
     .help = "a number that is not finite in the next step, to see the guard at work",
     .run = cmd_inject,
     .changes = true,
     .complete = complete_inject},
    {.name = NULL},
};
