/* core/console/cmd_record.c - A session on record: what ran, every line that was said and when,
 * and what was measured every hundred steps, with a fingerprint of the weights. */
#include "core/console/verbs.h"
#include "core/script/command.h"
#include "core/script/policy.h"
#include "core/script/record.h"
#include "core/train/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not being able to write ends the record and not the training. */
static void check(struct console *c, bool written, const struct err *why)
{
    if (written) return;
    record_close(c->record);
    c->record = NULL;
    trainer_tell_of(c->trainer, why->text);
}

static void put(struct console *c, json_t *line)
{
    struct err why = {0};
    check(c, record_put(c->record, line, &why), &why);
}

void record_line(struct console *c, const char *line)
{
    static const char *const not_kept[] = {"record", "note", "save", "show", "list", "help", NULL};
    struct command_line words;
    if (!c->record || !command_parse(&words, line, NULL) || words.argc == 0) return;
    const struct command *command = command_find(words.argv[0], NULL);
    if (!command || command->kind != COMMAND_CORE) return;
    for (int i = 0; not_kept[i]; i++)
        if (strcmp(command->name, not_kept[i]) == 0) return;
    put(c, json_pack("{s:s, s:I, s:s}", "type", "line", "made", (json_int_t)c->made, "line", line));
}

void record_sample(struct console *c, bool wanted)
{
    struct err why = {0};
    if (!c->record || (c->made % RECORDING_EVERY && !wanted)) return;
    const struct snapshot *s = console_snapshot(c);
    check(c, recording_sample(c->record, c->trainer, s, c->made, &why), &why);
}

static bool cmd_record(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("record"), argc, 1, 1, e)) return false;
    if (strcmp(argv[1], "stop") == 0) {
        if (!c->record) return err_set(e, ERR_USAGE, "nothing is being recorded");
        record_sample(c, true);
        record_close(c->record);
        c->record = NULL;
        text_add(out, "the record is closed\n");
        return true;
    }
    if (c->record) return err_set(e, ERR_USAGE, "a record is being written: 'record stop' ends it");
    if (trainer_now(c->trainer) > 0)
        return err_set(e, ERR_USAGE, "a record begins with a fresh model: say reset, then record");
    console_snapshot(c);
    if (!(c->record = record_open(argv[1], e))) return false;
    c->made = 0;
    if (!recording_head(c->record, trainer_config(c->trainer), &c->snapshot, e)) return false;
    text_add(out, "recording to %s until 'record stop'\n", argv[1]);
    return true;
}

static bool cmd_note(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char words[512] = "";
    (void)out;
    if (argc < 2) return verb_words(verb_named("note"), argc, 1, 30, e);
    for (int i = 1; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i > 1 ? " " : "",
                 argv[i]);
    if (c->record)
        put(c, json_pack("{s:s, s:I, s:s}", "type", "note", "made", (json_int_t)c->made, "text",
                         words));
    return true;
}

/* What is fixed is set first, and then nothing of it can be changed. */
static bool cmd_policy(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("policy"), argc, 1, 1, e)) return false;
    if (c->policy)
        return err_set(e, ERR_USAGE, "the rules of %s are in force already", c->policy->file);
    struct policy *p = malloc(sizeof *p);
    struct config to = console_config(c);
    bool ok = p || err_set(e, ERR_MEMORY, "out of memory for the class's rules");
    ok = ok && policy_read(p, argv[1], e);
    ok = ok && policy_fix(p, &to, e);
    if (ok && p->fix_name.count) ok = console_renew(c, &to, e);
    if (!ok) return free(p), false;
    c->policy = p;
    undo_forget(c, argv[0]); /* or the fixed could be taken back */
    text_add(out, "the rules of %s are in force\n", p->file);
    return true;
}

const struct command record_commands[] = {
    {.name = "policy",
     .usage = "policy FILE",
     .help = "a teacher's rules: what is fixed and what is locked, from now on",
     .run = cmd_policy},
    {.name = "record",
     .usage = "record FILE|stop",
     .help = "write down all that is said from now on: 'vanpool replay FILE' makes it again",
     .run = cmd_record},
    {.name = "note", .usage = "note WORDS", .help = "a remark in the record", .run = cmd_note},
    {.name = NULL},
};
