#ifndef CORE_SCRIPT_COMMAND_H
#define CORE_SCRIPT_COMMAND_H
/* The language people type, in REPL, prompt, script files and lessons: words, "quoted words", #
 * comment. An open quote ends at the end of the line, and says so. */
#include "core/console/console.h"

enum { COMMAND_WORDS = 32 };
struct command_line {
    int argc;
    char *argv[COMMAND_WORDS];
    char memory[1024];
    bool open_quote;
};

/* Splits; false only where the line is too long or has too many words. An empty or comment line:
 * argc 0. */
bool command_parse(struct command_line *to, const char *line, struct err *e);
/* Adds one word of a line so that command_parse gives it back. False: it holds a line's end. */
bool command_quote(struct text *to, const char *word, struct err *e);
/* By name or unambiguous beginning; NULL: e suggests the nearest. */
const struct command *command_find(const char *name, struct err *e);
/* Completions of the word that ends at `cursor` in `line`: calls add with each whole word. */
void command_complete(const char *line, int cursor, void (*add)(void *to, const char *word),
                      void *to);
/* Where `cursor` is in a line: which command's, at which of its places (0: its name), what is typed
 * of the word, and what the usage says of that place ("" nothing). False: in no word of a command.
 */
struct command_place {
    const struct command *command;
    int arg;
    const char *prefix; /* in `words` */
    char usage[64];
};
bool command_place(const char *line, int cursor, struct command_line *words,
                   struct command_place *to);
/* help TOPIC: a command, strategy, knob, field, view, or the list of all. */
bool command_help(const char *topic, struct text *out, struct err *e);
#endif
