#ifndef TUI_PROMPT_WORDS_H
#define TUI_PROMPT_WORDS_H
/* What Tab offers: the words of the command language, and those that only faces know: views,
 * themes, lists, files. */

/* Calls add with each whole word that could stand at `cursor` in `line`. One that ends in =, / or :
 * goes on. */
void words_complete(const char *line, int cursor, void (*add)(void *to, const char *word),
                    void *to);
#endif
