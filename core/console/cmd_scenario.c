/* core/console/cmd_scenario.c - Verbs of situations: scripts inside the program, their phases, and
 * conditions on what was measured. */
#include "core/console/verbs.h"
#include "core/script/expect.h"
#include "core/script/packed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool cmd_scenario(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char title[200];
    const struct packed *p;
    struct scenario_state state = {.own = NULL};
    size_t used = 0;
    for (int i = 0; argc == 1 && (p = packed_at(SCENARIO_FOLDER, i)); i++)
        text_add(out, "%-18s %s\n", p->name, packed_title(p, title, sizeof title));
    if (argc == 1) return true;
    if (!(p = packed_find(SCENARIO_FOLDER, "scenario", argv[1], e))) return false;
    if (argc > 2 && !(state.own = router_find(argv[2], e))) return false;
    for (int i = 2; i < argc && used < sizeof state.words; i++)
        used += (size_t)snprintf(state.words + used, sizeof state.words - used, "%s%s",
                                 i > 2 ? " " : "", argv[i]);
    if (used >= sizeof state.words)
        return err_set(e, ERR_USAGE, "a strategy and its knobs take up to %zu bytes here",
                       sizeof state.words - 1);
    if (c->scripts == CONSOLE_SCRIPTS)
        return err_set(e, ERR_USAGE, "scripts call each other more than %d deep", CONSOLE_SCRIPTS);
    if (!console_clean(c, e) || !script_open_text(&c->script[c->scripts], p->name, p->text, e))
        return false;
    c->scripts++;
    console_scripted(c, false);
    c->scenario = state;
    snprintf(c->scenario.name, sizeof c->scenario.name, "%s", p->name);
    text_add(out, "%s: %s\n", p->name, packed_title(p, title, sizeof title));
    return true;
}

static bool cmd_phase(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const struct snapshot *now = console_snapshot(c);
    char mark[56];
    if (!verb_words(verb_named("phase"), argc, 0, 1, e)) return false;
    if (argc == 1) {
        for (int i = 0; i < c->scenario.phases; i++)
            text_add(out, "%-24s from step %ld\n", c->scenario.phase[i].name,
                     c->scenario.phase[i].from);
        return true;
    }
    for (const char *at = argv[1]; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            return err_set(e, ERR_USAGE, "a phase's name is letters, digits and '-', not '%.40s'",
                           argv[1]);
    if (strlen(argv[1]) >= sizeof c->scenario.phase[0].name)
        return err_set(e, ERR_USAGE, "a phase's name has at most %zu letters",
                       sizeof c->scenario.phase[0].name - 1);
    scenario_end_phase(&c->scenario, now);
    if (!scenario_phase(&c->scenario, now, argv[1], e)) return false;
    snprintf(mark, sizeof mark, "%s", argv[1]);
    trainer_mark(c->trainer, mark);
    return true;
}

/* ---- expect ---- */

/* A number as it stands, or the name of one. */
static bool operand(struct console *c, const char *word, double *to, struct err *e)
{
    char *end;
    *to = strtod(word, &end);
    if (end != word && !*end && isfinite(*to)) return true;
    return scenario_value(&c->scenario, console_snapshot(c), word, to, e);
}

static bool cmd_expect(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char line[200], left[64], right[64], a_shown[16], b_shown[16];
    struct expect x;
    double a, b;
    int n = 0;
    if (!verb_words(verb_named("expect"), argc, 1, 3, e)) return false;
    for (int i = 1; i < argc; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%.60s", argv[i]);
    size_t at = strcspn(line, "<>=!"), sign = strspn(line + at, "<>=!");
    if (!at || !sign || at >= sizeof left || strlen(line + at + sign) >= sizeof right)
        return err_set(e, ERR_USAGE, "a condition is FIELD OP VALUE, as in 'loss<0.5', not '%.60s'",
                       line);
    snprintf(left, sizeof left, "%.*s", (int)at, line);
    snprintf(right, sizeof right, "%s", line + at + sign);
    char form[80];
    snprintf(form, sizeof form, "x%.*s0", (int)sign, line + at);
    if (!expect_read(&x, form, e) || !operand(c, left, &a, e) || !operand(c, right, &b, e))
        return false;
    bool holds = expect_compare(x.op, a, b);
    *(holds ? &c->scenario.held : &c->scenario.broken) += 1;
    text_number(a_shown, a, 3), text_number(b_shown, b, 3);
    if (holds) {
        text_add(out, "as expected: %s (%s is %s)\n", line, left, a_shown);
        return true;
    }
    if (c->scenario.own) { /* what another rule does is to be seen, not judged */
        text_add(out, "otherwise with %s: %s does not hold (%s is %s, %s is %s)\n",
                 c->scenario.own->name, line, left, a_shown, right, b_shown);
        return true;
    }
    return err_set(e, ERR_CHECK, "expected %s, and %s is %s (%s is %s)", line, left, a_shown, right,
                   b_shown);
}

static void complete_scenario(int argc, char **argv, int arg, verb_add *add, void *to)
{
    const struct packed *p;
    (void)argc, (void)argv;
    for (int i = 0; arg == 1 && (p = packed_at(SCENARIO_FOLDER, i)); i++) add(to, p->name);
    if (arg == 2) complete_strategies(add, to);
}

static void complete_expect(int argc, char **argv, int arg, verb_add *add, void *to)
{
    (void)argc, (void)argv;
    for (int i = 0; arg == 1 && i < snapshot_field_count; i++) add(to, snapshot_fields[i].name);
}

const struct command scenario_commands[] = {
    {.name = "scenario",
     .usage = "scenario [NAME [STRATEGY [KNOB=VALUE]...]]",
     .help = "list the situations, or go through one, also with another strategy than its own",
     .run = cmd_scenario,
     .complete = complete_scenario},
    {.name = "phase",
     .usage = "phase [NAME]",
     .help = "a new part of the run: a mark on the curves, its numbers kept as NAME.FIELD",
     .run = cmd_phase},
    {.name = "expect",
     .usage = "expect FIELD OP VALUE|FIELD",
     .help =
         "fail unless this holds now; NAME.FIELD: of phase NAME at its end, or of the run kept so",
     .run = cmd_expect,
     .complete = complete_expect},
    {.name = NULL},
};
