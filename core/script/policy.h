#ifndef CORE_SCRIPT_POLICY_H
#define CORE_SCRIPT_POLICY_H
/* A teacher's rules for a class, an ini file: [fix] settings that hold from the start, [lock]
 * commands, knobs and strategies that nobody changes. Once in force it cannot be loosened. */
#include "core/metrics/snap_rules.h"
#include "core/model/config.h"
#include "core/script/command.h"

enum { POLICY_WORDS = 32, POLICY_WORD = 32 };
struct policy_list {
    char word[POLICY_WORDS][POLICY_WORD];
    int count;
};
struct policy {
    char file[80];
    struct policy_list fix_name, fix_value; /* side by side */
    struct policy_list commands, knobs;     /* locked */
    struct policy_list strategies;          /* allowed; none: all are */
};
/* False: e names file and line. */
bool policy_read(struct policy *to, const char *path, struct err *e);
/* May these words be said? Where not, e says which rule forbids it. */
bool policy_allows(const struct policy *p, const struct command *c, int argc, char **argv,
                   struct err *e);
/* Sets what is fixed; p NULL: nothing is. False: e. */
bool policy_fix(const struct policy *p, struct config *to, struct err *e);
/* May this knob be turned, whoever turns it? */
bool policy_allows_knob(const struct policy *p, const char *name, struct err *e);
/* What is locked while this strategy runs. p NULL: nothing. */
struct snap_rules policy_locks(const struct policy *p, const struct router *now);
#endif
