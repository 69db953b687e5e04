#ifndef TUI_CLI_CLI_H
#define TUI_CLI_CLI_H
/* The subcommands, one file each. All take what flags_read understood; false: e's code is the exit
 * status and its sentence one line on stderr. A subcommand that has said all it had to say itself
 * leaves the sentence empty. */
#include "tui/cli/flags.h"

struct subcommand {
    const char *name, *usage, *help; /* usage: operands, before the flags */
    unsigned sets;                   /* of flags */
    int operands;
    bool (*run)(const struct flags *f, struct err *e);
};
const struct subcommand *subcommand_at(int i); /* the table; NULL past the end */
/* --help of one; NULL: of the program */
void subcommand_help(const struct subcommand *s, struct text *out);
/* The program without its process: finds the subcommand, runs it, says what failed. Returns the
 * exit status. */
int subcommand_main(int argc, char **argv);

bool cli_explore(const struct flags *f, struct err *e);
bool cli_train(const struct flags *f, struct err *e);
bool cli_race(const struct flags *f, struct err *e);
/* The explorer with a lesson open in it; NULL: none. */
bool cli_explore_lesson(const struct flags *f, const char *which, struct err *e);
bool cli_lesson(const struct flags *f, struct err *e);
bool cli_replay(const struct flags *f, struct err *e);
bool cli_report(const struct flags *f, struct err *e);
bool cli_scenario(const struct flags *f, struct err *e); /* of train and race, --scenario */
bool cli_notes(const struct flags *f, struct err *e);
bool cli_class(const struct flags *f, struct err *e);
bool cli_route(const struct flags *f, struct err *e);
bool cli_sample(const struct flags *f, struct err *e);
bool cli_diff(const struct flags *f, struct err *e);
bool cli_inspect(const struct flags *f, struct err *e);
bool cli_repl(const struct flags *f, struct err *e);
bool cli_bench(const struct flags *f, struct err *e);
bool cli_claims(const struct flags *f, struct err *e);
bool cli_list(const struct flags *f, struct err *e);
bool cli_doctor(const struct flags *f, struct err *e);
bool cli_help(const struct flags *f, struct err *e);
bool cli_version(const struct flags *f, struct err *e);
/* the explorer as lines of text; of the options: before, first, lesson, folder */
struct app_options;
bool cli_plain(const struct config *c, const struct app_options *o, struct err *e);
#endif
