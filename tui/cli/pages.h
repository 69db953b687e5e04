#ifndef TUI_CLI_PAGES_H
#define TUI_CLI_PAGES_H
/* Pages for other programs, written from the program's own tables at build and install: the manual
 * page for man, completions for shells. */
#include "tui/cli/cli.h"

struct exit_status {
    int code;
    const char *meaning;
};
const struct exit_status *exit_status_at(int i); /* the table; NULL past the end */

void list_names(struct text *to);   /* of the tables that `list` knows, with blanks between */
void manual_write(struct text *to); /* troff with the man macros, UTF-8 */
bool completion_write(const char *shell, struct text *to, struct err *e); /* bash, zsh or fish */
#endif
