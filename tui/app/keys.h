#ifndef TUI_APP_KEYS_H
#define TUI_APP_KEYS_H
/* Every key of the explorer: one table for what keys do and for all that names them: help, the
 * palette, the footer. A person's own keys replace those of the table. */
#include "core/base/err.h"

enum { KEYS_LONGEST = 64 };
struct key_entry {
    const char
        *keys; /* names as terminal_key gives them, with blanks between; "1-9" is each of them */
    const char *action; /* name of an action in actions.c */
    const char *help;
};
const struct key_entry *key_entry_at(int i);               /* the table; NULL past the end */
const struct key_entry *key_entry_of(const char *name);    /* what a key does; NULL: nothing */
const struct key_entry *key_entry_for(const char *action); /* NULL: no such action */
const char *key_names(const struct key_entry *entry);      /* its keys as they are bound now */
/* The first of its keys. to: at least KEYS_LONGEST bytes. Returns `to`. */
char *key_first(const struct key_entry *entry, char *to);
/* What an action hears for its key: the first of its keys as the table has them, whatever a person
 * put it on; of a range the key in the same place, "" where it has none. to: as above. */
char *key_meant(const struct key_entry *entry, const char *name, char *to);
/* Binds an action to other keys, "none" to no key; "w-z" are four. Keys that did something else do this from now
 * on; the table's own keys of the action are free. False: no such action or key. */
bool keys_bind(const char *action, const char *keys, struct err *e);
void keys_restore(void); /* as the table has them */
#endif
