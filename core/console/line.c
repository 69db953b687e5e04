/* core/console/line.c - A command line is run: a person's, a script's, a scenario's. */
#include "core/console/verbs.h"
#include "core/script/command.h"
#include "core/script/policy.h"

#include <stdio.h>
#include <string.h>

void console_scripted(struct console *c, bool goes_on)
{
    long now = trainer_now(c->trainer);
    c->endless = goes_on && !c->paused && (c->goal < 0 || c->endless);
    if (c->goal < 0) c->goal = now;
    if (c->goal <= now) c->paused = false;
    c->held = false;
}

/* Ends every script; the sentence says where. */
static void scripts_fail(struct console *c, struct err *e)
{
    const struct script *s = &c->script[c->scripts - 1];
    struct err was = *e;
    err_set(e, was.code, "%s:%d: %s", s->name, s->line, was.text);
    while (c->scripts > 0) script_close(&c->script[--c->scripts]);
}

/* Another strategy goes through a script: it stands in for the script's own, and leaves out knobs
 * that it does not have. False: there is nothing to run. */
static bool scenario_own(struct console *c, const struct command *command,
                         struct command_line *words, struct text *out)
{
    const struct router *own = c->scenario.own;
    if (strcmp(command->name, "router") == 0) {
        char line[160];
        snprintf(line, sizeof line, "router %s", c->scenario.words);
        return command_parse(words, line, NULL);
    }
    if (strcmp(command->name, "knob") != 0 || words->argc < 2) return true;
    char name[48];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(words->argv[1], "="), words->argv[1]);
    if (router_knob(own, name) >= 0) return true;
    text_add(out, "%s has no knob '%s': left out\n", own->name, name);
    return false;
}

/* Whatever a line changes can be taken back, but taking back itself; what changes the run is noted
 * with the step before which it was said. */
static bool run_core(struct console *c, const struct command *command, struct command_line *words,
                     struct text *out, struct err *e)
{
    long step = trainer_now(c->trainer);
    if (c->in_script && c->scenario.own && !scenario_own(c, command, words, out)) return true;
    bool outer = c->depth == 0 && command->run != verb_named("undo")->run &&
                 command->run != verb_named("redo")->run;
    char line[UNDO_LINE];
    int n = 0;
    words->argv[0] = (char *)command->name;
    for (int i = 0; i < words->argc && n < (int)sizeof line; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%s%s", i ? " " : "", words->argv[i]);
    if (outer && !undo_look(c, line, command->writes, e)) return false;
    c->depth++;
    bool ok = command->run(c, words->argc, words->argv, out, e);
    c->depth--;
    if (outer) undo_keep(c, ok);
    past_note(c->trainer);
    if (!ok) return false;
    journal_cut(&c->journal, trainer_now(c->trainer));
    if (command->changes && words->argc > 1)
        journal_note(&c->journal, step, words->argc, words->argv);
    return true;
}

static bool run(struct console *c, struct command_line *words, struct text *out, struct err *e)
{
    if (words->argc == 0) return true;
    const struct command *command = command_find(words->argv[0], e);
    if (!command) return false;
    if (c->policy && !policy_allows(c->policy, command, words->argc, words->argv, e)) return false;
    if (command->kind == COMMAND_CORE) return run_core(c, command, words, out, e);
    if (strcmp(command->name, "quit") == 0)
        c->quit = true;
    else
        text_add(out, "%s is for the explorer's screen\n", command->name);
    return true;
}

bool console_do(struct console *c, const char *line, struct text *out, struct err *e)
{
    struct command_line words;
    struct err own = {0};
    bool scripted = c->scripted && c->scripts > 0, paused = c->paused;
    c->scripted = false;
    c->in_script = scripted;
    bool ok = command_parse(&words, line, &own);
    if (ok && words.open_quote)
        ok = err_set(&own, ERR_USAGE, "a quote is open at the end of the line: close it with \"");
    ok = ok && run(c, &words, out, &own);
    while (ok && !c->pieces && console_working(c, NULL)) ok = console_work(c, out, &own);
    if (out->failed)
        ok = err_set(&own, ERR_MEMORY, "out of memory for what %s says", words.argv[0]);
    c->stale = true;
    if (c->paused != paused) c->held = c->paused && !scripted && c->scripts > 0;
    if (ok && !scripted) record_line(c, line);
    if (ok) return true;
    if (scripted && c->scripts > 0) scripts_fail(c, &own);
    if (e) *e = own;
    return false;
}

bool console_next(struct console *c, char *line, int size)
{
    while (c->scripts > 0 && !c->held) {
        if (script_next(&c->script[c->scripts - 1], line, size)) return c->scripted = true;
        script_close(&c->script[--c->scripts]);
    }
    if (c->scripts > 0) return false;
    c->scenario.own = NULL;
    if (c->endless && c->goal >= 0 && c->goal <= trainer_now(c->trainer)) c->goal = -1;
    c->endless = false;
    return false;
}
