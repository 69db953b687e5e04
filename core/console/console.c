/* core/console/console.c - The handle that faces hold: lines in, steps made, snapshots out. */
#include "core/console/verbs.h"
#include "core/script/command.h"
#include "core/script/policy.h"
#include "core/script/record.h"
#include "core/train/engine.h"
#include "core/train/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static void complete_watch(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    if (arg == 1) add(to, "none");
    for (int i = 0; i < snapshot_field_count; i++) add(to, snapshot_fields[i].name);
    add(to, "every=");
}

/* What a face does itself; here for help and completion. */
const struct command face_commands[] = {
    {.name = "view",
     .usage = "view NAME",
     .help = "look at another question",
     .kind = COMMAND_FACE},
    {.name = "export",
     .usage = "export FILE[!] [VIEW] [WIDTHxHEIGHT] [THEME]",
     .help = "write a view to a file: .txt .ans .json .svg .png; ! writes over it",
     .kind = COMMAND_FACE},
    {.name = "pin",
     .usage = "pin [LABEL]",
     .help = "keep the run so far on the curves, to compare",
     .kind = COMMAND_FACE},
    {.name = "pins", .usage = "pins", .help = "the runs that are pinned", .kind = COMMAND_FACE},
    {.name = "unpin",
     .usage = "unpin [N]",
     .help = "let a pinned run go, the newest or number N",
     .kind = COMMAND_FACE},
    {.name = "watch",
     .usage = "watch [FIELD... [every=N]|none]",
     .help = "numbers beside every report while it trains",
     .kind = COMMAND_FACE,
     .complete = complete_watch},
    {.name = "hint", .usage = "hint", .help = "what to try next", .kind = COMMAND_FACE},
    {.name = "color",
     .usage = "color auto|always|never",
     .help = "colours on the screen",
     .kind = COMMAND_FACE},
    {.name = "charset",
     .usage = "charset auto|ascii|block|braille",
     .help = "characters on the screen",
     .kind = COMMAND_FACE},
    {.name = "theme",
     .usage = "theme NAME",
     .help = "light or dark, many colours or few",
     .kind = COMMAND_FACE},
    {.name = "lesson",
     .usage = "lesson [N|NAME|list|page|quit]",
     .help = "open a guided lesson, or list them",
     .kind = COMMAND_FACE},
    {.name = "next", .usage = "next", .help = "the lesson's next page", .kind = COMMAND_FACE},
    {.name = "back", .usage = "back", .help = "the lesson's page before", .kind = COMMAND_FACE},
    {.name = "answer",
     .usage = "answer WORDS",
     .help = "answer what the lesson's page asks",
     .kind = COMMAND_FACE},
    {.name = "play",
     .usage = "play",
     .help = "let the lesson's checks rest, and wake them",
     .kind = COMMAND_FACE},
    {.name = "again",
     .usage = "again",
     .help = "the lesson's page from its beginning",
     .kind = COMMAND_FACE},
    {.name = "solve",
     .usage = "solve",
     .help = "let the lesson's page show its own way",
     .kind = COMMAND_FACE},
    {.name = "words",
     .usage = "words story|plain",
     .help = "lessons speak of vans and orders, or of experts and tokens",
     .kind = COMMAND_FACE},
    {.name = "mouse",
     .usage = "mouse on|off",
     .help = "clicks and the wheel, or the terminal's own mouse",
     .kind = COMMAND_FACE},
    {.name = "quit", .usage = "quit", .help = "leave", .kind = COMMAND_FACE},
    {.name = NULL},
};

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

/* ---- the handle ---- */

struct console *console_adopt(struct trainer *t, struct err *e)
{
    struct console *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(e, ERR_MEMORY, "out of memory: a console needs %zu bytes", sizeof *c);
        trainer_close(t);
        return NULL;
    }
    c->trainer = t;
    if (!(c->undo = calloc(2, sizeof *c->undo))) {
        err_set(e, ERR_MEMORY, "out of memory: a console needs %zu bytes", 2 * sizeof *c->undo);
        console_close(c);
        return NULL;
    }
    past_open(t);
    journal_begin(&c->journal, trainer_config(t), NULL);
    c->journal.unknown = trainer_now(t) > 0;
    c->goal = trainer_now(t);
    c->stale = true;
    snapshot_clear(&c->snapshot);
    return c;
}

struct console *console_open(const struct config *config, struct err *e)
{
    struct trainer *t = trainer_open(config, e);
    return t ? console_adopt(t, e) : NULL;
}

void console_close(struct console *c)
{
    if (!c) return;
    while (c->scripts > 0) script_close(&c->script[--c->scripts]);
    record_sample(c, true); /* looks at all that still runs, the race too */
    record_close(c->record);
    race_live_close(c->race);
    free(c->policy);
    undo_close(c);
    trainer_close(c->parked);
    trainer_close(c->trainer);
    journal_free(&c->journal);
    free(c);
}

struct config console_config(const struct console *c)
{
    struct config config = *trainer_config(c->trainer);
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (!(c->waiting >> i & 1)) continue;
        config.value[i] = c->size[i];
        config.named |= 1u << i;
    }
    return config;
}

void console_park(struct console *c, struct trainer *old)
{
    if (c->parked)
        trainer_close(old); /* a line that makes two: what it found is what comes back */
    else
        c->parked = old;
    c->models++;
    past_open(c->trainer);
}

bool console_renew(struct console *c, const struct config *to, struct err *e)
{
    bool endless = c->goal < 0;
    struct config whole = *to;
    whole.fleet = (struct fleet){0}; /* a new fleet */
    to = &whole;
    struct trainer *old = config_check(to, e) ? trainer_renew(c->trainer, to, e) : NULL;
    if (!old) return false;
    console_park(c, old);
    c->waiting = 0;
    journal_begin(&c->journal, trainer_config(c->trainer), NULL);
    c->goal = endless ? -1 : trainer_now(c->trainer);
    c->stale = true;
    snapshot_clear(&c->snapshot);
    return true;
}

bool console_clean(struct console *c, struct err *e)
{
    const struct config *now = trainer_config(c->trainer);
    struct config to;
    if (!config_start(&to, now->data, now->router->name, e)) return false;
    to.value[CONFIG_SEED] = now->value[CONFIG_SEED], to.named = 1u << CONFIG_SEED;
    to.threads = now->threads;
    memcpy(to.backend, now->backend, sizeof to.backend);
    memcpy(to.simd, now->simd, sizeof to.simd);
    return console_renew(c, &to, e);
}

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

bool console_busy(const struct console *c)
{
    bool more = c->goal < 0 || trainer_now(c->trainer) < c->goal || race_live_on(c->race);
    return more && !c->paused && !c->quit;
}

/* A script has lines left, or what it asked for is not done: more comes without anybody's asking. */
static bool goes_on(const struct console *c)
{
    bool more = false;
    for (int i = 0; i < c->scripts; i++) more = more || script_more(&c->script[i]);
    return c->scripts > 0 && !c->held && (more || console_busy(c));
}

/* What the console itself knows: not in the trainer's measures. */
static void show(struct console *c)
{
    struct snapshot *s = &c->snapshot;
    race_live_show(c->race, &s->race);
    memcpy(s->kept, c->kept, sizeof s->kept);
    s->model = c->models;
    s->undos = c->undo[0].count, s->redos = c->undo[1].count;
    s->goal = c->goal;
    s->scripted = goes_on(c);
    s->paused = !console_busy(c) && !s->scripted;
    s->asking = console_working(c, NULL);
    s->finished = c->goal >= 0 && s->step >= c->goal && s->step >= s->setting[CONFIG_STEPS];
}

static void measure(struct console *c, bool window)
{
    trainer_measure(c->trainer, &c->snapshot, window);
    c->stale = false;
    show(c);
}

/* The model rests: nothing of it needs measuring anew. What ends a race does not end the console:
 * the snapshot says why. */
static bool race_step(struct console *c)
{
    enum { TURN_MS = 12 }; /* an answer waits for no more than this and a step */
    struct err why = {0};
    if (!race_live_turn(c->race, TURN_MS / 1e3, &why))
        snprintf(c->snapshot.notice, sizeof c->snapshot.notice, "the race is over: %.130s",
                 why.text);
    if (!race_live_on(c->race)) race_leave(c);
    show(c);
    return true;
}

bool console_step(struct console *c, bool wanted, bool window, struct err *e)
{
    if (!console_busy(c)) return true;
    if (race_live_on(c->race)) return race_step(c);
    bool ok = trainer_step(c->trainer, e);
    past_note(c->trainer);
    c->stale = true;
    if (!ok) c->goal = trainer_now(c->trainer);
    c->made++;
    if (wanted || window || !ok) measure(c, window);
    record_sample(c, false);
    return ok;
}

void console_leave_work(struct console *c)
{
    c->pieces = true;
}

bool console_working(const struct console *c, bool *first)
{
    bool asked = probe_busy(c->trainer) != PROBE_NOTHING || trainer_comparing(c->trainer);
    if (first) *first = asked;
    return asked || own_busy(c->trainer);
}

static bool compare_piece(struct console *c, struct text *out, struct err *e)
{
    bool ok = trainer_compare_turn(c->trainer, e);
    c->stale = true;
    if (ok && !trainer_comparing(c->trainer)) engine_say(c, out);
    return ok;
}

bool console_work(struct console *c, struct text *out, struct err *e)
{
    if (trainer_comparing(c->trainer)) return compare_piece(c, out, e);
    enum probe_kind asked = probe_busy(c->trainer);
    bool ok = asked ? probe_piece(c->trainer, e) : own_piece(c->trainer, e);
    c->stale = true;
    bool done = asked ? probe_busy(c->trainer) != asked : !own_busy(c->trainer);
    if (ok && done) work_say(c, asked, out);
    return ok;
}

const struct snapshot *console_snapshot(struct console *c)
{
    if (c->stale)
        measure(c, true);
    else
        show(c);
    return &c->snapshot;
}

struct trainer *console_trainer(struct console *c)
{
    return c->trainer;
}

bool console_quit(const struct console *c)
{
    return c->quit;
}

const struct scenario_state *console_scenario(const struct console *c)
{
    return &c->scenario;
}
