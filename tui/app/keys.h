#ifndef TUI_APP_KEYS_H
#define TUI_APP_KEYS_H
/* Every key of the explorer: one table for what keys do and for the page that explains them. */

struct key_entry {
    const char
        *keys; /* names as terminal_key gives them, with blanks between; "1-9" is each of them */
    const char *action; /* name of an action in actions.c */
    const char *help;
};
const struct key_entry *key_entry_at(int i);            /* the table; NULL past the end */
const struct key_entry *key_entry_of(const char *name); /* what a key does; NULL: nothing */
#endif
