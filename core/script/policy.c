/* core/script/policy.c - Rules of a class, read with inih. */
#include "core/script/policy.h"
#include "core/base/io.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLICY_MOST = 64 << 10 };

static bool has(const struct policy_list *l, const char *word)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->word[i], word) == 0) return true;
    return false;
}

static bool add(struct policy_list *l, const char *word, size_t n)
{
    if (l->count == POLICY_WORDS || n == 0 || n >= POLICY_WORD) return false;
    snprintf(l->word[l->count++], POLICY_WORD, "%.*s", (int)n, word);
    return true;
}

/* "a, b c": words between commas or blanks. */
static bool add_all(struct policy_list *l, const char *words)
{
    while (*(words += strspn(words, ", \t"))) {
        size_t n = strcspn(words, ", \t");
        if (!add(l, words, n)) return false;
        words += n;
    }
    return true;
}

static bool known_all(const struct policy *p)
{
    struct err none;
    for (int i = 0; i < p->commands.count; i++)
        if (!command_find(p->commands.word[i], &none)) return false;
    for (int i = 0; i < p->strategies.count; i++)
        if (!router_find(p->strategies.word[i], &none)) return false;
    return true;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
    struct policy *p = user;
    if (strcmp(section, "fix") == 0)
        return add(&p->fix_name, name, strlen(name)) && add(&p->fix_value, value, strlen(value));
    if (strcmp(section, "lock") != 0) return 0;
    if (strcmp(name, "commands") == 0) return add_all(&p->commands, value) && known_all(p);
    if (strcmp(name, "knobs") == 0) return add_all(&p->knobs, value);
    if (strcmp(name, "strategies") == 0) return add_all(&p->strategies, value) && known_all(p);
    return 0;
}

bool policy_read(struct policy *to, const char *path, struct err *e)
{
    size_t size;
    char *text = io_load(path, POLICY_MOST, &size, e);
    if (!text) return false;
    *to = (struct policy){0};
    snprintf(to->file, sizeof to->file, "%s", io_tail(path));
    int line = ini_parse_string(text, take, to);
    free(text);
    if (line == 0) return true;
    return err_set(e, ERR_INPUT,
                   "%s:%d: a rule is NAME = VALUE under [fix], or commands, knobs, strategies = "
                   "WORDS that exist under [lock]",
                   to->file, line);
}

static bool locked(const struct policy *p, const char *what, const char *name, struct err *e)
{
    return err_set(e, ERR_USAGE, "%s %.40s is locked in this class (%s)", what, name, p->file);
}

/* The names that a line would change: "NAME", "NAME=VALUE" or "NAME VALUE". */
static bool allows_names(const struct policy *p, int argc, char **argv, struct err *e)
{
    char name[64];
    for (int i = 1; i < argc; i++) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[i], "="), argv[i]);
        bool sets = strchr(argv[i], '=') || i + 1 < argc;
        if (sets && has(&p->knobs, name)) return locked(p, "knob", name, e);
        if (sets && has(&p->fix_name, name)) return locked(p, "setting", name, e);
    }
    return true;
}

/* Another run would come with values of its own. */
static bool brings_a_run(const char *command)
{
    static const char *const all[] = {"state", "load", "resume", "preset"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i], command) == 0) return true;
    return false;
}

bool policy_allows(const struct policy *p, const struct command *c, int argc, char **argv,
                   struct err *e)
{
    bool values = p->fix_name.count || p->knobs.count || p->strategies.count;
    if (values && argc > 1 && brings_a_run(c->name))
        return err_set(e, ERR_USAGE, "%s brings a run of its own, and here the rules of %s hold",
                       c->name, p->file);
    if (p->knobs.count && argc > 1 && strcmp(c->name, "base") == 0)
        return locked(p, "knob", p->knobs.word[0], e);
    bool router = strcmp(c->name, "router") == 0;
    if (has(&p->commands, c->name)) return locked(p, "command", c->name, e);
    if (argc > 1 && has(&p->fix_name, c->name)) return locked(p, "setting", c->name, e);
    if (router && argc > 1 && p->strategies.count && !has(&p->strategies, argv[1]))
        return locked(p, "strategy", argv[1], e);
    bool changes = router || strcmp(c->name, "knob") == 0 || strcmp(c->name, "set") == 0 ||
                   strcmp(c->name, "reset") == 0;
    return !changes || allows_names(p, argc, argv, e);
}

bool policy_allows_knob(const struct policy *p, const char *name, struct err *e)
{
    return !has(&p->knobs, name) || locked(p, "knob", name, e);
}

struct snap_rules policy_locks(const struct policy *p, const struct router *now)
{
    struct snap_rules to = {0};
    if (!p) return to;
    for (int i = 0; i < ROUTER_KNOBS && now->knobs[i].name; i++)
        if (has(&p->commands, "knob") || has(&p->knobs, now->knobs[i].name)) to.knobs |= 1u << i;
    for (int i = 0; router_at(i); i++) {
        bool other = p->strategies.count && !has(&p->strategies, router_at(i)->name);
        if (router_at(i) != now && (other || has(&p->commands, "router"))) to.strategies |= 1u << i;
    }
    return to;
}

bool policy_fix(const struct policy *p, struct config *to, struct err *e)
{
    for (int i = 0; p && i < p->fix_name.count; i++)
        if (!config_set(to, p->fix_name.word[i], p->fix_value.word[i], e)) return false;
    return true;
}
