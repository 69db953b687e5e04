/* tui/cli/manual.c - The manual page, written from the program's own tables: vanpool help --man. */
#include "core/console/console.h"
#include "core/console/listing.h"
#include "tui/app/keys.h"
#include "tui/cli/pages.h"
#include "tui/export/export.h"
#include "tui/views/view.h"

#include <string.h>

/* Text as troff takes it: no line begins with a control character, a hyphen is a minus. */
static void put(struct text *to, const char *words)
{
    if (*words == '.' || *words == '\'') text_add(to, "\\&");
    for (; *words; words++) {
        if (*words == '\\')
            text_add(to, "\\e");
        else if (*words == '-')
            text_add(to, "\\-");
        else if (*words == '\n')
            text_add(to, " ");
        else
            text_put(to, words, 1);
    }
}

static void section(struct text *to, const char *name)
{
    text_add(to, ".SH %s\n", name);
}

/* A term in bold, its argument in italics, and what it means. */
static void term(struct text *to, const char *name, const char *argument, const char *help)
{
    text_add(to, ".TP\n\\fB");
    put(to, name);
    text_add(to, "\\fR");
    if (argument && *argument) {
        text_add(to, " \\fI");
        put(to, argument);
        text_add(to, "\\fR");
    }
    text_add(to, "\n");
    put(to, help);
    text_add(to, "\n");
}

static void paragraph(struct text *to, const char *words)
{
    text_add(to, ".PP\n");
    put(to, words);
    text_add(to, "\n");
}

static void flags(struct text *to)
{
    char name[64];
    section(to, "FLAGS");
    put(to, "vanpool SUBCOMMAND --help lists those that a subcommand takes; named behind each "
            "here. Order does not matter, --flag=value is taken too.");
    text_add(to, "\n");
    for (int i = 0; flag_at(i); i++) {
        const struct flag *f = flag_at(i);
        struct text help = {0};
        int takers = 0;
        text_add(&help, "%s.", f->help);
        for (int s = 0; subcommand_at(s) && !(f->sets & FLAGS_EVERY); s++)
            if (subcommand_at(s)->sets & f->sets)
                text_add(&help, "%s%s", takers++ ? ", " : " (", subcommand_at(s)->name);
        text_add(&help, "%s", takers ? ")" : "");
        snprintf(name, sizeof name, "--%s", f->name);
        term(to, name, f->argument, text_str(&help));
        text_free(&help);
    }
}

static void words(struct text *to)
{
    section(to, "COMMAND LANGUAGE");
    put(to, "One language for vanpool repl, script files, the explorer's prompt (key :) and "
            "lessons: a command a line, words with blanks in \"quotes\", # begins a comment. Any "
            "unambiguous beginning of a command will do.");
    text_add(to, "\n");
    for (int i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        size_t n = strcspn(c->usage, " ");
        term(to, c->name, c->usage + n + (c->usage[n] == ' '), c->help);
    }
}

static void strategies(struct text *to)
{
    section(to, "STRATEGIES");
    for (int i = 0; router_at(i); i++) {
        const struct router *r = router_at(i);
        struct text about = {0};
        text_add(&about, "%s%s%s%s", r->rule ? r->rule : r->title, r->paper ? " (" : "",
                 r->paper ? r->paper : "", r->paper ? ")" : "");
        term(to, r->name, NULL, text_str(&about));
        text_free(&about);
    }
    paragraph(to, "vanpool help NAME lists a strategy's knobs, vanpool list knobs all of them.");
}

static void screen(struct text *to)
{
    char name[48];
    section(to, "VIEWS");
    for (int i = 0; view_at(i); i++) {
        snprintf(name, sizeof name, "%c %s", view_at(i)->key, view_at(i)->name);
        term(to, name, NULL, view_at(i)->question);
    }
    section(to, "KEYS");
    for (int i = 0; key_entry_at(i); i++)
        term(to, key_entry_at(i)->keys, NULL, key_entry_at(i)->help);
    section(to, "EXPORTS");
    put(to, "The ending of the file's name says what is written.");
    text_add(to, "\n");
    for (int i = 0; export_format_at(i); i++) {
        snprintf(name, sizeof name, ".%s", export_format_at(i)->name);
        term(to, name, NULL, export_format_at(i)->help);
    }
}

static void surroundings(struct text *to)
{
    section(to, "EXIT STATUS");
    for (int i = 0; exit_status_at(i); i++) {
        char code[16];
        snprintf(code, sizeof code, "%d", exit_status_at(i)->code);
        term(to, code, NULL, exit_status_at(i)->meaning);
    }
    section(to, "ENVIRONMENT");
    term(to, "NO_COLOR", NULL, "where it is set and not empty, no colours");
    term(to, "TERM, COLORTERM, COLORFGBG, LANG", NULL,
         "what the terminal can do, and its characters");
    term(to, "XDG_CONFIG_HOME, XDG_STATE_HOME, HOME", NULL, "where the files below are");
    term(to, "XDG_RUNTIME_DIR", NULL, "where vanpool notes finds who presents");
    term(to, "TMPDIR", NULL, "where bench writes a text to train on, and takes it away again");
    term(to, "VANPOOL_SIMD", NULL, "sse2, avx2 or avx512: the CPU's instructions, as --simd");
    term(to, "VANPOOL_CUDA", NULL, "the GPU's module, where it is not beside the program");
    term(to, "VANPOOL_CUDA_MATH", NULL,
         "fp32, tf32 or bf16: how a GPU multiplies; fp32 where it is not set");
    term(to, "VANPOOL_CUDA_GRAPH", NULL,
         "off: a GPU starts op by op, not a step as one graph; for profilers");
    section(to, "FILES");
    term(to, "~/.config/vanpool/config.ini", NULL,
         "keys and screen, if a person has put them there; vanpool doctor says what is read");
    term(to, "~/.local/state/vanpool/history", NULL, "the commands typed last");
    section(to, "EXAMPLES");
    term(to, "vanpool", NULL, "the explorer, already training");
    term(to, "vanpool train --strategy topp --steps 500 --json", NULL, "one JSON object a line");
    term(to, "vanpool race --strategies topk,topp", NULL, "two rules on the same fuel");
    term(to, "printf 'train 300\\nexport load.png load\\n' | vanpool repl", NULL,
         "a picture of a view without a screen");
}

void manual_write(struct text *to)
{
    text_add(to, ".\\\" Written by vanpool help \\-\\-man; do not edit.\n");
    text_add(to, ".TH VANPOOL 1 \"\" \"vanpool %s\" \"User Commands\"\n", VANPOOL_VERSION);
    section(to, "NAME");
    text_add(to, "vanpool \\- watch a Mixture\\-of\\-Experts learn whom to send\n");
    section(to, "SYNOPSIS");
    text_add(to, ".B vanpool\n[\\fISUBCOMMAND\\fR] [\\fIFLAGS\\fR]\n");
    section(to, "DESCRIPTION");
    put(to, "Trains a small Mixture-of-Experts model in the terminal, on the CPU, and shows how "
            "its router decides: which experts each token gets, why, what that costs and what it "
            "buys. The routing rule can be changed while it trains. Without a subcommand it opens "
            "the explorer, which trains at once; q leaves.");
    text_add(to, "\n");
    section(to, "SUBCOMMANDS");
    for (int i = 0; subcommand_at(i); i++)
        term(to, subcommand_at(i)->name, subcommand_at(i)->usage, subcommand_at(i)->help);
    flags(to);
    words(to);
    strategies(to);
    screen(to);
    surroundings(to);
}
