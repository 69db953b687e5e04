#ifndef TUI_CLI_FLAGS_H
#define TUI_CLI_FLAGS_H
/* Flags of all subcommands: one table, plus one flag for each setting of the config table. Help,
 * suggestions and shell completion walk them. */
#include "core/base/text.h"
#include "core/model/config.h"

/* Which flags a subcommand takes. */
enum flag_set {
    FLAGS_RUN = 1,     /* what makes a run: data, strategy, knobs, sizes, training */
    FLAGS_MACHINE = 2, /* backend, simd, threads */
    FLAGS_TRAIN = 4,
    FLAGS_RACE = 8,
    FLAGS_JSON = 16,
    FLAGS_SCREEN = 32,
    FLAGS_SAMPLE = 64,
    FLAGS_BENCH = 128,
    FLAGS_REPL = 256,
    FLAGS_REPORT = 512, /* every, quiet */
    FLAGS_EVERY = 1024, /* of every subcommand, unasked */
    FLAGS_HELP = 1 << 20,
    FLAGS_STATE = 1 << 21,
    FLAGS_LESSON = 2048,
    FLAGS_REPLAY = 4096,
    FLAGS_CLASS = 8192,
    FLAGS_CLAIMS = 16384,
};
enum { FLAGS_MOST = 64 }; /* of one flag that may be repeated */

struct flag_list {
    const char *at[FLAGS_MOST];
    int count;
};
struct flags {
    bool help, man, json, quiet, plain, counts, no_mouse, answers, markdown, csv;
    struct flag_list data, knobs, lanes, requires, operands;
    const char *setting[CONFIG_COUNT]; /* of the config table, as written; NULL: not named */
    const char *strategy, *base, *preset, *backend, *simd, *save, *resume, *trace, *until,
        *strategies, *seeds, *budget, *prompt, *file, *color, *charset, *folder, *theme,
        *completion, *state, *scenario, *record, *cast, *policy;
    double minutes, temperature, target;                  /* NaN: not named */
    long threads, every, save_every, tokens, drawing, to; /* -1: not named */
};

/* A flag as help shows it. */
struct flag {
    const char *name, *argument, *help; /* argument NULL: a switch */
    unsigned sets;
};
const struct flag *flag_at(int i); /* the whole table, settings too; NULL past the end */

/* Reads the words behind a subcommand's name; at most `operands` of them may be no flags. */
bool flags_read(struct flags *f, const char *subcommand, unsigned sets, int operands, int argc,
                char **argv, struct err *e);
/* The run that they name: data, strategy, base, preset, settings, knobs, machine; checked. */
bool flags_config(const struct flags *f, struct config *c, struct err *e);
/* Lines said before anything else: a class's rules first, so that the record begins with what they
 * fix. */
enum { FLAGS_BEFORE = 2048 }; /* bytes that they never reach */
bool flags_before(const struct flags *f, struct text *to, struct err *e);
/* The command line to be said first for --state, "" where it is not named; NULL: too long. */
enum { FLAGS_FIRST = 1000 };
char *flags_first(const struct flags *f, char *to, size_t size, struct err *e);
/* What a scenario is gone through with, "topp p=0.6" or "". False: a flag that it has no use for. */
enum { FLAGS_SCENARIO = 400 };
bool flags_scenario(const struct flags *f, char *words, size_t size, struct err *e);
/* The command line that goes through it, with these words. */
bool flags_scenario_line(const struct flags *f, const char *words, char *to, size_t size,
                         struct err *e);
/* What they override in the run that was saved to `path`: only what was named, and can be. */
bool flags_override(const struct flags *f, const char *path, struct config *c, struct err *e);
/* backend, simd, threads alone */
bool flags_machine(const struct flags *f, struct config *c, struct err *e);
/* Text of a subcommand's flags for --help, a line each. */
void flags_help(unsigned sets, struct text *out);
/* "1,2,3" of whole numbers; how many, or 0 with a sentence. */
int flags_seeds(const char *words, uint64_t *to, int most, struct err *e);
#endif
