/* tui/cli/cli.c - The table of subcommands, and the way from words to one of them. */
#include "tui/cli/cli.h"
#include "tui/cli/pages.h"

#include <stdio.h>
#include <string.h>

static const struct subcommand subcommands[] = {
    {"explore", "", "the full-screen explorer; the default",
     FLAGS_RUN | FLAGS_MACHINE | FLAGS_SCREEN | FLAGS_STATE, 0, cli_explore},
    {"train", "", "train one model without a screen",
     FLAGS_RUN | FLAGS_MACHINE | FLAGS_TRAIN | FLAGS_REPORT | FLAGS_JSON, 0, cli_train},
    {"race", "", "train several strategies on the same seeds, batches and budget",
     FLAGS_RUN | FLAGS_MACHINE | FLAGS_RACE | FLAGS_REPORT | FLAGS_JSON, 0, cli_race},
    {"lesson", "[list | N | check [N]... | export N]",
     "guided lessons; check runs them all headless",
     FLAGS_RUN | FLAGS_MACHINE | FLAGS_SCREEN | FLAGS_LESSON | FLAGS_JSON, 32, cli_lesson},
    {"replay", "FILE", "a recorded session, computed again and compared",
     FLAGS_MACHINE | FLAGS_REPLAY, 1, cli_replay},
    {"report", "RECORD", "what somebody did, as one page of HTML or Markdown", FLAGS_CLASS, 1,
     cli_report},
    {"notes", "", "on a second terminal: what only the teacher sees while p presents", 0, 0,
     cli_notes},
    {"class", "REPORT...", "reports of many, a line each", FLAGS_CLASS, FLAGS_MOST, cli_class},
    {"route", "[FILE]", "push router inputs (JSON) through one strategy, forward and backward",
     FLAGS_MACHINE | FLAGS_JSON, 1, cli_route},
    {"sample", "CHECKPOINT", "let a trained text model write",
     FLAGS_MACHINE | FLAGS_SAMPLE | FLAGS_JSON, 1, cli_sample},
    {"inspect", "FILE", "what is in a checkpoint or trace", FLAGS_JSON, 1, cli_inspect},
    {"diff", "A B", "how two checkpoints or two traces differ", FLAGS_JSON, 2, cli_diff},
    {"repl", "", "the command language on stdin",
     FLAGS_RUN | FLAGS_MACHINE | FLAGS_REPL | FLAGS_STATE, 0, cli_repl},
    {"bench", "[WHAT]...",
     "time the machine, the MoE layer, steps and their ops, decoding, strategies",
     FLAGS_MACHINE | FLAGS_BENCH | FLAGS_JSON, 16, cli_bench},
    {"claims", "[STRATEGY]...", "what each paper claims, tried here and now; verdicts are computed",
     FLAGS_MACHINE | FLAGS_CLAIMS | FLAGS_JSON, 16, cli_claims},
    {"list", "[TABLE]", "strategies, knobs, scenarios and all other tables; alone: which there are",
     FLAGS_JSON, 1, cli_list},
    {"doctor", "", "what was found on this machine", FLAGS_MACHINE | FLAGS_JSON, 0, cli_doctor},
    {"help", "[TOPIC]", "a subcommand, command, strategy, knob or field explained", FLAGS_HELP, 1,
     cli_help},
    {"version", "", "the version", 0, 0, cli_version},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

const struct exit_status *exit_status_at(int i)
{
    static const struct exit_status table[] = {
        {ERR_NONE, "done"},
        {ERR_CHECK, "a check failed"},
        {ERR_USAGE, "usage"},
        {ERR_TERMINAL, "no usable terminal"},
        {ERR_INPUT, "bad input file"},
        {ERR_FILE, "file system"},
        {ERR_MEMORY, "out of memory"},
        {ERR_BACKEND, "backend not available or GPU lost"},
        {ERR_DIVERGED, "training diverged"},
        {ERR_INTERRUPTED, "interrupted"},
    };
    return i >= 0 && i < (int)(sizeof table / sizeof *table) ? &table[i] : NULL;
}

const struct subcommand *subcommand_at(int i)
{
    return i >= 0 && i < SUBCOMMANDS ? &subcommands[i] : NULL;
}

static const struct subcommand *find(const char *name, struct err *e)
{
    for (int i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(subcommands[i].name, name) == 0) return &subcommands[i];
    err_set(e, ERR_USAGE, "unknown subcommand '%.40s'%s", name,
            ERR_MEANT(name, subcommands, SUBCOMMANDS, ": 'vanpool help' lists them"));
    return NULL;
}

void subcommand_help(const struct subcommand *s, struct text *out)
{
    if (s) {
        text_add(out, "vanpool %s%s%s [FLAGS]: %s\n", s->name, *s->usage ? " " : "", s->usage,
                 s->help);
        flags_help(s->sets, out);
        return;
    }
    text_add(out,
             "vanpool: a small Mixture-of-Experts trains live, and shows how its router decides.\n"
             "vanpool [SUBCOMMAND] [FLAGS]\n");
    for (int i = 0; i < SUBCOMMANDS; i++)
        text_add(out, "  %-8s %-13s %s\n", subcommands[i].name, subcommands[i].usage,
                 subcommands[i].help);
    text_add(out, "vanpool SUBCOMMAND --help lists its flags; vanpool help TOPIC explains a word.\n"
                  "Exit status:");
    for (int i = 0; exit_status_at(i); i++)
        text_add(out, "%s%d %s%s", i == 6 ? "\n" : " ", exit_status_at(i)->code,
                 exit_status_at(i)->meaning, exit_status_at(i + 1) ? "," : ".\n");
}

static bool show_help(const struct subcommand *s, struct err *e)
{
    struct flags f = {0};
    f.operands.at[0] = s->name;
    f.operands.count = 1;
    return cli_help(&f, e);
}

int subcommand_main(int argc, char **argv)
{
    struct err e = {0};
    struct flags f;
    const char *first = argc > 1 ? argv[1] : NULL;
    const struct subcommand *s = &subcommands[0];
    bool named = first && (first[0] != '-' || !first[1]), ok;
    if (first && (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0))
        s = find("help", &e), named = true;
    else if (first && strcmp(first, "--version") == 0)
        s = find("version", &e), named = true;
    else if (named)
        s = find(first, &e);
    int skip = named ? 2 : 1;
    ok = s && flags_read(&f, s->name, s->sets, s->operands, argc > skip ? argc - skip : 0,
                         argv + skip, &e);
    if (ok) ok = f.help ? show_help(s, &e) : s->run(&f, &e);
    if (ok) return 0;
    if (*e.text) fprintf(stderr, "vanpool: %s\n", e.text);
    return e.code ? e.code : ERR_CHECK; /* what failed is never 0 */
}
