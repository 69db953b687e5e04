/* tui/cli/flags.c - The one reader of flags. Order does not matter: words are kept first and given
 * their meaning in flags_config, data and strategy before the knobs that belong to them. */
#include "tui/cli/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind { FLAG_SWITCH, FLAG_WORD, FLAG_LIST, FLAG_WHOLE, FLAG_REAL };
struct entry {
    struct flag shown;
    enum flag_kind kind;
    size_t offset;
    double min, max;
};

/* name, argument, member of struct flags, subcommands, [range,] help */
#define FLAG(n, a, m, s, h, kind, lo, hi)                                                          \
    {                                                                                              \
        {n, a, h, s}, kind, offsetof(struct flags, m), lo, hi                                      \
    }
#define SWITCH(n, m, s, h) FLAG(n, NULL, m, s, h, FLAG_SWITCH, 0, 0)
#define WORD(n, a, m, s, h) FLAG(n, a, m, s, h, FLAG_WORD, 0, 0)
#define LIST(n, a, m, s, h) FLAG(n, a, m, s, h, FLAG_LIST, 0, 0)
#define WHOLE(n, a, m, s, lo, hi, h) FLAG(n, a, m, s, h, FLAG_WHOLE, lo, hi)
#define REAL(n, a, m, s, lo, hi, h) FLAG(n, a, m, s, h, FLAG_REAL, lo, hi)

static const struct entry entries[] = {
    LIST("data", "NAME|text:FILE", data, FLAGS_RUN | FLAGS_SAMPLE,
         "the data set; text:FILE again for more files"),
    WORD("strategy", "NAME", strategy, FLAGS_RUN, "the routing strategy"),
    LIST("knob", "NAME=VALUE", knobs, FLAGS_RUN, "a knob of the strategy; repeatable"),
    WORD("base", "start|paper", base, FLAGS_RUN, "where knobs not named stand"),
    WORD("preset", "NAME", preset, FLAGS_RUN | FLAGS_BENCH, "model sizes: tiny, base or gpu"),
    WORD("backend", "auto|cpu|cuda|ref", backend, FLAGS_MACHINE, "where numbers are worked on"),
    WORD("simd", "auto|sse2|avx2|avx512", simd, FLAGS_MACHINE, "the CPU's instructions"),
    WHOLE("threads", "N", threads, FLAGS_MACHINE, 0, 1024, "threads; 0: all there are"),
    REAL("minutes", "M", minutes, FLAGS_TRAIN | FLAGS_RACE, 1e-3, 1e6,
         "train for so long; a race: every lane"),
    WORD("until", "'FIELD<VALUE'", until, FLAGS_TRAIN | FLAGS_RACE,
         "train until this holds; at most --steps or --minutes"),
    WORD("save", "FILE", save, FLAGS_TRAIN | FLAGS_REPLAY, "write a checkpoint at the end"),
    WHOLE("save-every", "N", save_every, FLAGS_TRAIN, 1, 1e9, "and every N steps"),
    WORD("resume", "FILE", resume, FLAGS_TRAIN | FLAGS_STATE, "go on from a checkpoint"),
    WORD("trace", "FILE", trace, FLAGS_TRAIN, "also write what --json says to this file"),
    WHOLE("every", "N", every, FLAGS_REPORT, 1, 1e9, "steps between two reports"),
    SWITCH("quiet", quiet, FLAGS_REPORT | FLAGS_CLAIMS | FLAGS_REPLAY, "no progress on stderr"),
    WORD("strategies", "A,B,C", strategies, FLAGS_RACE, "a lane for each strategy"),
    LIST("lane", "'NAME KNOB=VALUE...'", lanes, FLAGS_RACE, "a lane with its knobs; repeatable"),
    WORD("seeds", "A,B,C", seeds, FLAGS_RACE | FLAGS_LESSON | FLAGS_CLAIMS, "each with each seed"),
    WORD("budget", "steps:N|flops:X|seconds:S", budget, FLAGS_RACE, "what every lane may spend"),
    REAL("target-experts", "X", target, FLAGS_RACE, 0.25, EXPERTS_MAX,
         "every strategy turns its own knob until a token takes X experts"),
    WHOLE("tokens", "N", tokens, FLAGS_SAMPLE, 1, 1e7, "characters to write"),
    REAL("temperature", "X", temperature, FLAGS_SAMPLE, 0, 10,
         "0: the likeliest character; 1: as the model believes"),
    WORD("prompt", "TEXT", prompt, FLAGS_SAMPLE, "what the text begins with"),
    WHOLE("seed", "N", drawing, FLAGS_SAMPLE, 0, 4294967295,
          "how characters are drawn: the same seed, the same text"),
    SWITCH("counts", counts, FLAGS_SAMPLE, "mark every character with its number of experts"),
    LIST("require", "'KEY=VALUE... KEY>=X'", requires, FLAGS_BENCH,
         "exit 1 where a line of the bench does not hold it; repeatable"),
    WORD("scenario", "NAME", scenario, FLAGS_STATE | FLAGS_TRAIN | FLAGS_RACE,
         "go through a situation; --strategy puts another rule through it"),
    WORD("state", "\"NAME=VALUE...\"", state, FLAGS_STATE,
         "the run and the view that 'state' has printed"),
    WORD("file", "FILE", file, FLAGS_REPL, "run this script (also -f FILE)"),
    WORD("folder", "FOLDER", folder, FLAGS_LESSON, "lessons of your own: NN-name.md files"),
    WORD("record", "FILE", record, FLAGS_SCREEN | FLAGS_REPL | FLAGS_TRAIN,
         "write down the run and all that is said, for replay and report"),
    WORD("policy", "FILE", policy, FLAGS_SCREEN | FLAGS_REPL,
         "a teacher's rules: what is fixed and what is locked"),
    WHOLE("to", "N", to, FLAGS_REPLAY, 0, 1e12, "only the first N steps"),
    WORD("cast", "FILE", cast, FLAGS_REPLAY, "the screen as an asciicast, for players of such"),
    SWITCH("markdown", markdown, FLAGS_CLASS, "Markdown instead of HTML"),
    SWITCH("csv", csv, FLAGS_CLASS, "values with commas between, for spreadsheets"),
    SWITCH("answers", answers, FLAGS_LESSON, "export: with solutions, hints and notes"),
    SWITCH("plain", plain, FLAGS_SCREEN, "lines of text instead of a screen"),
    WORD("color", "auto|always|never", color, FLAGS_SCREEN | FLAGS_SAMPLE, "colours"),
    WORD("theme", "NAME", theme, FLAGS_SCREEN, "auto, dark, light, dark-16, light-16 or mono"),
    WORD("charset", "auto|ascii|block|braille", charset, FLAGS_SCREEN, "characters for shapes"),
    SWITCH("man", man, FLAGS_HELP, "the manual page, for man"),
    WORD("completion", "bash|zsh|fish", completion, FLAGS_HELP, "completion for a shell"),
    SWITCH("no-mouse", no_mouse, FLAGS_SCREEN, "leave the mouse to the terminal (also -M)"),
    SWITCH("json", json, FLAGS_JSON, "objects, one a line"),
    SWITCH("help", help, FLAGS_EVERY, "this list"),
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static unsigned setting_sets(int i)
{
    return FLAGS_RUN | (i == CONFIG_STEPS ? FLAGS_CLAIMS : 0);
}

const struct flag *flag_at(int i)
{
    static struct flag settings[CONFIG_COUNT];
    if (i < 0 || i >= ENTRIES + CONFIG_COUNT) return NULL;
    if (i < ENTRIES) return &entries[i].shown;
    i -= ENTRIES;
    bool whole = config_options[i].kind == OPTION_INT;
    settings[i] = (struct flag){config_options[i].name,
                                whole                     ? "N"
                                : config_options[i].words ? "WORD"
                                                          : "X",
                                config_options[i].help, setting_sets(i)};
    return &settings[i];
}

/* ---- reading ---- */

/* Two flags may share a name where no subcommand takes both: the one among `sets` comes first. */
static int find(const char *name, size_t n, unsigned sets)
{
    int other = -1;
    for (int i = 0; flag_at(i); i++) {
        if (strlen(flag_at(i)->name) != n || strncmp(flag_at(i)->name, name, n) != 0) continue;
        if (flag_at(i)->sets & sets) return i;
        other = i;
    }
    return other;
}

static bool unknown(const char *subcommand, unsigned sets, const char *word, struct err *e)
{
    const char *names[ENTRIES + CONFIG_COUNT];
    char name[48];
    int n = 0;
    for (int i = 0; flag_at(i); i++)
        if (flag_at(i)->sets & sets) names[n++] = flag_at(i)->name;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    if (find(name, strlen(name), sets) >= 0)
        return err_set(e, ERR_USAGE, "%s takes no --%s: 'vanpool %s --help' lists its flags",
                       subcommand, name, subcommand);
    const char *near = err_nearest(name, names, n, sizeof *names);
    if (near) return err_set(e, ERR_USAGE, "unknown flag --%s: did you mean --%s?", name, near);
    return err_set(e, ERR_USAGE, "unknown flag --%s: 'vanpool %s --help' lists them", name,
                   subcommand);
}

static bool take_number(const struct entry *x, const char *value, double *to, struct err *e)
{
    char *end;
    bool plain = *value && !value[strspn(value, "0123456789.eE+-")];
    double number = plain ? strtod(value, &end) : NAN;
    if (!plain || *end || !(number >= x->min && number <= x->max) ||
        (x->kind == FLAG_WHOLE && number != floor(number)))
        return err_set(e, ERR_USAGE, "--%s is a %snumber from %.10g to %.10g, not '%.40s'",
                       x->shown.name, x->kind == FLAG_WHOLE ? "whole " : "", x->min, x->max, value);
    *to = number;
    return true;
}

static bool take(struct flags *f, const struct entry *x, const char *value, struct err *e)
{
    char *at = (char *)f + x->offset;
    struct flag_list *list = (struct flag_list *)at;
    double number = 0;
    switch (x->kind) {
    case FLAG_SWITCH:
        *(bool *)at = true;
        return true;
    case FLAG_WORD:
        *(const char **)at = value;
        return true;
    case FLAG_LIST:
        if (list->count == FLAGS_MOST)
            return err_set(e, ERR_USAGE, "--%s is given more than %d times", x->shown.name,
                           FLAGS_MOST);
        list->at[list->count++] = value;
        return true;
    case FLAG_WHOLE:
        if (!take_number(x, value, &number, e)) return false;
        *(long *)at = (long)number;
        return true;
    case FLAG_REAL:
        return take_number(x, value, (double *)at, e);
    }
    return false;
}

/* One flag and its value; *next: the word behind, which may be that value. */
static bool read_flag(struct flags *f, const char *subcommand, unsigned sets, const char *name,
                      char **next, bool *used, struct err *e)
{
    size_t n = strcspn(name, "=");
    int i = find(name, n, sets);
    if (i < 0 || !(flag_at(i)->sets & sets)) return unknown(subcommand, sets, name, e);
    const struct flag *flag = flag_at(i);
    const char *value = name[n] ? name + n + 1 : NULL;
    if (!flag->argument) {
        if (value) return err_set(e, ERR_USAGE, "--%s takes no value", flag->name);
        return take(f, &entries[i], NULL, e);
    }
    if (!value && *next) value = *next, *used = true;
    if (!value)
        return err_set(e, ERR_USAGE, "--%s needs a value: --%s %s", flag->name, flag->name,
                       flag->argument);
    if (i < ENTRIES) return take(f, &entries[i], value, e);
    f->setting[i - ENTRIES] = value;
    return true;
}

bool flags_read(struct flags *f, const char *subcommand, unsigned sets, int operands, int argc,
                char **argv, struct err *e)
{
    *f = (struct flags){.minutes = NAN,
                        .temperature = NAN,
                        .target = NAN,
                        .threads = -1,
                        .every = -1,
                        .save_every = -1,
                        .tokens = -1,
                        .drawing = -1,
                        .to = -1};
    bool only_operands = false;
    sets |= FLAGS_EVERY;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used = false;
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strcmp(word, "-h") == 0) {
            f->help = true;
        } else if (!only_operands && strcmp(word, "-f") == 0 && (sets & FLAGS_REPL)) {
            if (!read_flag(f, subcommand, sets, "file", &next, &used, e)) return false;
        } else if (!only_operands && strcmp(word, "-M") == 0 && (sets & FLAGS_SCREEN)) {
            f->no_mouse = true;
        } else if (!only_operands && strncmp(word, "--", 2) == 0) {
            if (!read_flag(f, subcommand, sets, word + 2, &next, &used, e)) return false;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            return err_set(e, ERR_USAGE, "unknown flag %.40s: flags begin with two dashes", word);
        } else if (f->operands.count == operands) {
            return err_set(
                e, ERR_USAGE,
                "%s does not know what to do with '%.80s': 'vanpool %s --help' says what it takes",
                subcommand, word, subcommand);
        } else {
            f->operands.at[f->operands.count++] = word;
        }
        i += used;
    }
    return true;
}

/* ---- help ---- */

void flags_help(unsigned sets, struct text *out)
{
    char left[64];
    for (int i = 0; flag_at(i); i++) {
        const struct flag *f = flag_at(i);
        if (!(f->sets & (sets | FLAGS_EVERY))) continue;
        snprintf(left, sizeof left, "--%s%s%s", f->name, f->argument ? " " : "",
                 f->argument ? f->argument : "");
        text_add(out, "  %-36s %s\n", left, f->help);
    }
}
